import contextlib
import copy
import json
import re

import pytest

from harness.__main__ import main
from harness.converter import Misfit, build, plain
from harness.relations import Verdict
from harness.report import compare as comparing
from harness.report.compare import compare_files
from harness.report.document import Document, write_json


@pytest.fixture
def old(rows, environment):
    return json.loads(json.dumps(plain(Document(environment, tuple(rows)))))


@pytest.fixture
def new(old):
    return copy.deepcopy(old)


def compare(old, new):
    """What the documents that these plain types make differ in."""
    return comparing.compare(build(old, Document), build(new, Document))


def test_the_same_report_has_no_changes(old, new):
    changes = compare(old, new)
    assert (changes.exit_code, changes.same, changes.changes) == (0, 8, ())
    assert changes.text == "verdicts changed: none\n8 verdicts are the same."


def test_a_verdict_that_changed_in_the_same_environment_fails(old, new):
    new["rows"][0]["verdict"] = str(Verdict.REFUTED)
    new["environment"]["commit"] = "other"
    new["environment"]["date"] = "2027"
    changes = compare(old, new)
    assert changes.exit_code == 1
    assert "pretraining-beats-scratch[as-published] (reduced): SUPPORTED → REFUTED" in changes.text
    assert "commit: eeea996abcde → other" in changes.text


@pytest.mark.parametrize(
    ("where", "name", "value", "words"),
    [
        ("environment", "device", "cpu", "device differs: NVIDIA H200 → cpu"),
        ("environment", "versions", {"torch": "2.6.0"}, "torch 2.15.0 → 2.6.0"),
        ("row", "evidence", "phantom", "evidence differs: substituted → phantom"),
        ("row", "datasets", ["DME"], "datasets differ: DME, DRIVE → DME"),
        ("row", "provenance", {"device": "cpu", "versions": {}}, "device of the runs differs: NVIDIA H200 → cpu"),
    ],
)
def test_another_environment_warns(old, new, where, name, value, words):
    (new["environment"] if where == "environment" else new["rows"][0])[name] = value
    new["rows"][0]["verdict"] = str(Verdict.INCONCLUSIVE)
    changes = compare(old, new)
    assert changes.exit_code == 0
    assert f"warning: {words}" in changes.text or words in changes.text
    assert "no failure" in changes.text


def test_another_environment_of_one_claim_excuses_no_other(old, new):
    new["rows"][0] |= {"verdict": "REFUTED", "evidence": "phantom"}
    new["rows"][2]["verdict"] = "SUPPORTED"
    assert compare(old, new).exit_code == 1


def test_claims_that_only_one_has_and_other_scales(old, new):
    new["rows"][0]["scale"] = "paper"
    changes = compare(old, new)
    assert changes.added == ("huang-dme/pretraining-beats-scratch[as-published] (paper)",)
    assert changes.removed == ("huang-dme/pretraining-beats-scratch[as-published] (reduced)",)
    assert changes.exit_code == 1
    assert changes.text.endswith("7 verdicts are the same.\nfailure: 1 claim is gone.")


def test_means_beyond_their_tolerance_and_holm_are_named(old, new):
    new["rows"][0]["arms"][0]["mean"] += 0.2
    new["rows"][0]["adjusted_verdict"] = "INCONCLUSIVE"
    text = compare(old, new).text
    assert "pretrained: 0.406 ± 0.010 → 0.606 ± 0.010" in text
    assert "none → INCONCLUSIVE" in text


def test_files(rows, environment, tmp_path):
    path = write_json(rows, tmp_path / "verdicts.json", environment)
    assert compare_files(path, path)[1] == 0
    text, code = compare_files(path, tmp_path / "absent.json")
    assert (code, text.count("\n")) == (2, 0)
    path.write_text('{"schema": 2, "environment": {}, "rows": [{"id": "a"}]}')
    text, code = compare_files(path, path)
    assert code == 2
    assert "verdicts-schema.md" in text


def every(rows, **changes):
    for row in rows:
        row |= copy.deepcopy(changes)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (
            {"evidence": "phantom"},
            "; substituted → phantom (huang-dme/pretraining-beats-scratch[as-published] (reduced))\n",
        ),
        ({"evidence": "phantom"}, "evidence differs: real → phantom (5 claims); "),
        (
            {"plan": [10]},
            "plan differs: 4, 7, 10 → 10 (7 claims); 3 → 10 (huang-dme/loss-makes-no-difference (smoke))\n",
        ),
        ({"datasets": ["X"]}, "; DME, DRIVE → X ("),
        ({"relation": "a < b"}, "relation differs: "),
        ({"metric": "mIoU"}, "metric differs: IoU.fluid → mIoU (7 claims); "),
    ],
)
def test_other_terms_of_claims_with_the_same_verdict_are_named_in_one_line(old, new, terms, words):
    every(new["rows"], **terms)
    changes = compare(old, new)
    assert changes.exit_code == 0
    (line,) = (line for line in changes.text.splitlines(keepends=True) if line.startswith("warning: "))
    assert words in line
    assert re.search(r"8 verdicts are the same, but( \d of them)? with what the warnings say\.$", changes.text)


def test_runs_on_another_device_are_named_though_the_verdicts_are_the_same(old, new):
    for row in new["rows"]:
        row["provenance"] |= {"device": "cpu", "versions": {"torch": "2.6.0"}} if row["provenance"] else {}
    text = compare(old, new).text
    assert "warning: device of the runs differs: NVIDIA H200 → cpu (6 claims)\n" in text
    assert "warning: versions of the runs differ: mmsegmentation 1.2.2 → none, python 3.11.2 → none, torch 2.15" in text
    assert "8 verdicts are the same, but 6 of them" in text


def test_what_holds_for_all_claims_names_none_and_what_the_reports_say_is_not_repeated(old, new):
    every(new["rows"], evidence="phantom")
    every(old["rows"], evidence="real")
    for report, device in ((old, "CPU"), (new, "H200")):
        report["environment"]["device"] = device
        every(report["rows"], provenance={"device": device})
    lines = compare(old, new).text.splitlines()
    assert lines[:2] == [
        "warning: device differs: CPU → H200",
        "warning: evidence differs: real → phantom (all 8 claims)",
    ]
    assert sum("CPU" in line for line in lines) == 1


def test_arms_effects_and_intervals_are_named(old, new):
    del new["rows"][2]["arms"][0]
    new["rows"][2]["arms"][0]["name"] = "batch-16"
    new["rows"][0]["standing"]["decision"]["effect"] = 0.1
    new["rows"][1]["standing"]["decision"]["interval"] = [1.5, "inf"]
    changes = compare(old, new)
    assert changes.exit_code == 0
    (arms,) = changes.arms
    assert arms.endswith(
        "larger-batch-is-better[as-published] (reduced): batch-2 is gone, batch-4 is gone, batch-16 is new"
    )
    assert [sentence.partition(": ")[2] for sentence in changes.effects] == [
        "+0.152 [+0.065, +0.238] → +0.100 [+0.065, +0.238]",
        "13.0× [8.0×, ∞] → 13.0× [1.5×, ∞]",
    ]
    assert "arms differ:\n" in changes.text
    assert "effects moved:\n" in changes.text


def test_a_mean_that_is_gone_moved(old, new):
    new["rows"][1]["arms"][1] |= {"mean": None, "sd": None, "values": ["inf"] * 10}
    (moved,) = compare(old, new).moved
    assert moved.endswith("→ never")


def test_claims_that_are_gone_fail_in_the_same_environment_only(old, new):
    del new["rows"][3:]
    changes = compare(old, new)
    assert changes.exit_code == 1
    assert "gone: only in the old report:\n  huang-dme/augmentation-enables-convergence (reduced)\n" in changes.text
    assert changes.text.endswith("3 verdicts are the same.\nfailure: 5 claims are gone.")
    new["environment"]["device"] = "cpu"
    changes = compare(old, new)
    assert changes.exit_code == 0
    assert len(changes.removed) == 5
    assert changes.text.endswith("is no failure.")


@pytest.mark.parametrize("device", ["NVIDIA H200", "cpu", None])
@pytest.mark.parametrize("emptied", ["old", "new", "both"])
def test_nothing_to_compare_fails_in_whatever_environment(old, new, device, emptied):
    new["environment"]["device"] = device
    for name, report in (("old", old), ("new", new)):
        if emptied in (name, "both"):
            report["rows"] = []
    changes = compare(old, new)
    assert changes.exit_code == 1
    assert changes.text.endswith("failure: the reports have no claim in common, so nothing was compared.")


@pytest.mark.parametrize("name", ["device", "versions", "machine", "data_root"])
def test_a_report_that_does_not_say_its_environment_excuses_nothing(old, new, name):
    """A report of claims that did not run has no device."""
    new["environment"][name] = None
    every(new["rows"], verdict="NOT RUN", arms=[], provenance={})
    changes = compare(old, new)
    assert changes.exit_code == 1
    assert f"warning: the new report does not say its {name.replace('_', ' ')}\n" in changes.text
    assert changes.arms == ()


def test_another_recipe_behind_the_same_words_is_another_question(old, new):
    old["rows"][0]["question"]["arms"], new["rows"][0]["question"]["arms"] = "abc", "def"
    new["rows"][0]["verdict"] = "REFUTED"
    changes = compare(old, new)
    assert changes.exit_code == 0
    assert "warning: recipes differ: abc → def" in changes.text


def places(value, path=()):
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from places(item, (*path, key))


ANYTHING = ["x", 3, -1.5, True, None, [], [1], {}, {"a": [None]}, 10**400]


@pytest.mark.parametrize("value", ANYTHING, ids=lambda value: repr(value)[:12])
def test_whatever_stands_anywhere_there_is_no_traceback(rows, environment, value):
    whole = json.loads(json.dumps(plain(Document(environment, tuple(rows[2:3])))))
    for path in (path for path in places(whole) if len(path) > 1):
        place = broken = copy.deepcopy(whole)
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        for pair in ((whole, broken), (broken, whole)):
            with contextlib.suppress(Misfit):
                assert compare(*pair).text


def test_the_command_says_what_it_cannot_read_on_stderr(rows, environment, tmp_path, capsys):
    path = write_json(rows, tmp_path / "verdicts.json", environment)
    content = json.loads(path.read_text("utf-8"))
    content["rows"][1]["plan"] = 1
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(content))
    assert main(["compare", str(path), str(wrong)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"Expected {wrong} to be as docs/verdicts-schema.md describes it, but rows[1].plan is 1")
    assert main(["compare", str(path), str(tmp_path)]) == 2
    assert main(["compare", str(path), str(path)]) == 0
    assert capsys.readouterr().out.endswith("8 verdicts are the same.\n")


def test_the_help_says_the_exit_status(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    assert "a claim is gone" in " ".join(capsys.readouterr().out.split())
