import contextlib
import copy
import json
import re

import pytest

from harness.__main__ import main
from harness.relations import Verdict
from harness.report.compare import compare, compare_files
from harness.report.document import ReportError, write_json


@pytest.fixture
def old(rows, environment):
    return json.loads(json.dumps({"schema": 1, "environment": environment, "rows": [row.to_dict() for row in rows]}))


@pytest.fixture
def new(old):
    return copy.deepcopy(old)


def test_the_same_report_has_no_changes(old, new):
    found = compare(old, new)
    assert (found.exit_code, found.same, found.changes) == (0, 8, ())
    assert found.text == "verdicts changed: none\n8 verdicts are the same."


def test_a_verdict_that_changed_in_the_same_environment_fails(old, new):
    new["rows"][0]["verdict"] = str(Verdict.REFUTED)
    new["environment"]["commit"] = "other"
    new["environment"]["date"] = "2027"
    found = compare(old, new)
    assert found.exit_code == 1
    assert "pretraining-beats-scratch[as-published] (reduced): SUPPORTED → REFUTED" in found.text
    assert "commit: eeea996abcde → other" in found.text


@pytest.mark.parametrize(
    ("where", "name", "value", "said"),
    [
        ("environment", "device", "cpu", "device differs: NVIDIA H200 → cpu"),
        ("environment", "versions", {"torch": "2.6.0"}, "torch 2.15.0 → 2.6.0"),
        ("row", "evidence", "phantom", "evidence differs: substituted → phantom"),
        ("row", "datasets", ["DME"], "datasets differ: DME, DRIVE → DME"),
        ("row", "provenance", {"device": "cpu", "versions": {}}, "device of the runs differs: NVIDIA H200 → cpu"),
    ],
)
def test_another_environment_warns(old, new, where, name, value, said):
    (new["environment"] if where == "environment" else new["rows"][0])[name] = value
    new["rows"][0]["verdict"] = str(Verdict.INCONCLUSIVE)
    found = compare(old, new)
    assert found.exit_code == 0
    assert f"warning: {said}" in found.text or said in found.text
    assert "no failure" in found.text


def test_another_environment_of_one_claim_excuses_no_other(old, new):
    new["rows"][0] |= {"verdict": "REFUTED", "evidence": "phantom"}
    new["rows"][2]["verdict"] = "SUPPORTED"
    assert compare(old, new).exit_code == 1


def test_claims_that_only_one_has_and_other_scales(old, new):
    new["rows"][0]["scale"] = "paper"
    found = compare(old, new)
    assert found.added == ("huang-dme/pretraining-beats-scratch[as-published] (paper)",)
    assert found.removed == ("huang-dme/pretraining-beats-scratch[as-published] (reduced)",)
    assert found.exit_code == 1
    assert found.text.endswith("7 verdicts are the same.\nfailure: 1 claim is gone.")


def test_means_beyond_their_tolerance_and_holm_are_said(old, new):
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
    path.write_text('{"schema": 1, "environment": {}, "rows": [{"id": "a"}]}')
    text, code = compare_files(path, path)
    assert code == 2
    assert "verdicts-schema.md" in text


def every(rows, **changes):
    for row in rows:
        row |= copy.deepcopy(changes)


@pytest.mark.parametrize(
    ("changes", "said"),
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
def test_other_terms_of_claims_with_the_same_verdict_are_said_in_one_line(old, new, changes, said):
    every(new["rows"], **changes)
    found = compare(old, new)
    assert found.exit_code == 0
    (line,) = (line for line in found.text.splitlines(keepends=True) if line.startswith("warning: "))
    assert said in line
    assert re.search(r"8 verdicts are the same, but( \d of them)? with what the warnings say\.$", found.text)


def test_runs_on_another_device_are_said_though_the_verdicts_are_the_same(old, new):
    for row in new["rows"]:
        row["provenance"] |= {"device": "cpu", "versions": {"torch": "2.6.0"}} if row["provenance"] else {}
    text = compare(old, new).text
    assert "warning: device of the runs differs: NVIDIA H200 → cpu (6 claims)\n" in text
    assert "warning: versions of the runs differ: mmsegmentation 1.2.2 → none, python 3.11.2 → none, torch 2.15" in text
    assert "8 verdicts are the same, but 6 of them" in text


def test_what_holds_for_all_claims_names_none_and_what_the_reports_say_is_not_said_again(old, new):
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


def test_arms_effects_and_intervals_are_said(old, new):
    del new["rows"][2]["arms"][0]
    new["rows"][2]["arms"][0]["name"] = "batch-16"
    new["rows"][0]["effect"] = 0.1
    new["rows"][1]["interval"] = [1.5, "inf"]
    found = compare(old, new)
    assert found.exit_code == 0
    (arms,) = found.arms
    assert arms.endswith(
        "larger-batch-is-better[as-published] (reduced): batch-2 is gone, batch-4 is gone, batch-16 is new"
    )
    assert [sentence.partition(": ")[2] for sentence in found.effects] == [
        "+0.152 [+0.065, +0.238] → +0.100 [+0.065, +0.238]",
        "11.3× [8.0×, ∞] → 11.3× [1.5×, ∞]",
    ]
    assert "arms differ:\n" in found.text
    assert "effects moved:\n" in found.text


def test_an_open_bound_is_the_same_in_older_reports(old, new):
    assert new["rows"][1]["interval"][1] == "inf"
    old["rows"][1]["interval"][1] = None
    assert compare(old, new).effects == ()


def test_a_mean_that_is_gone_moved(old, new):
    new["rows"][1]["arms"][1] |= {"mean": None, "sd": None, "values": ["inf"] * 10}
    (moved,) = compare(old, new).moved
    assert moved.endswith("→ never")


def test_claims_that_are_gone_fail_in_the_same_environment_only(old, new):
    del new["rows"][3:]
    found = compare(old, new)
    assert found.exit_code == 1
    assert "gone: only in the old report:\n  huang-dme/augmentation-enables-convergence (reduced)\n" in found.text
    assert found.text.endswith("3 verdicts are the same.\nfailure: 5 claims are gone.")
    new["environment"]["device"] = "cpu"
    found = compare(old, new)
    assert found.exit_code == 0
    assert len(found.removed) == 5
    assert found.text.endswith("is no failure.")


@pytest.mark.parametrize("device", ["NVIDIA H200", "cpu", None])
@pytest.mark.parametrize("emptied", ["old", "new", "both"])
def test_nothing_to_compare_fails_in_whatever_environment(old, new, device, emptied):
    new["environment"]["device"] = device
    for name, report in (("old", old), ("new", new)):
        if emptied in (name, "both"):
            report["rows"] = []
    found = compare(old, new)
    assert found.exit_code == 1
    assert found.text.endswith("failure: the reports have no claim in common, so nothing was compared.")


@pytest.mark.parametrize("name", ["device", "versions", "machine", "data_root"])
def test_a_report_that_does_not_say_its_environment_excuses_nothing(old, new, name):
    """A report of claims that did not run has no device."""
    new["environment"][name] = None
    every(new["rows"], verdict="NOT RUN", arms=[], provenance={})
    found = compare(old, new)
    assert found.exit_code == 1
    assert f"warning: the new report does not say its {name.replace('_', ' ')}\n" in found.text
    assert found.arms == ()


def test_effects_of_an_older_report_without_their_kind_are_bare_numbers(old, new):
    for row in old["rows"]:
        del row["effect_kind"]
    assert compare(old, new).effects == ()
    old["rows"][1]["effect"] = 2.5
    (moved,) = compare(old, new).effects
    assert moved.endswith(": 2.500 [8.000, ∞] → 11.3 [8.000, ∞]")


def test_reports_of_later_versions_are_read(old, new):
    new["later"] = 1
    new["rows"][0]["later"] = new["rows"][0]["arms"][0]["later"] = {"x": 1}
    assert compare(old, new).text == "verdicts changed: none\n8 verdicts are the same."


def places(value, path=()):
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from places(item, (*path, key))


ANYTHING = ["x", 3, -1.5, True, None, [], [1], {}, {"a": [None]}, 10**400]


@pytest.mark.parametrize("value", ANYTHING, ids=lambda value: repr(value)[:12])
def test_whatever_stands_anywhere_there_is_no_traceback(rows, environment, value):
    whole = {"schema": 1, "environment": environment, "rows": [row.to_dict() for row in rows[2:3]]}
    for path in (path for path in places(whole) if len(path) > 1):
        place = broken = copy.deepcopy(whole)
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        for pair in ((whole, broken), (broken, whole)):
            with contextlib.suppress(ReportError):
                assert compare(*pair).text


def test_the_command_says_what_it_cannot_read_on_stderr(rows, environment, tmp_path, capsys):
    path = write_json(rows, tmp_path / "verdicts.json", environment)
    content = json.loads(path.read_text("utf-8"))
    content["rows"][1]["interval"] = [1]
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(content))
    assert main(["compare", str(path), str(wrong)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"Expected row 2 (huang-dme/pretraining-converges-faster) of {wrong} to be as docs/")
    assert main(["compare", str(path), str(tmp_path)]) == 2
    assert main(["compare", str(path), str(path)]) == 0
    assert capsys.readouterr().out.endswith("8 verdicts are the same.\n")


def test_the_help_says_the_exit_status(capsys):
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    assert "a claim is gone" in " ".join(capsys.readouterr().out.split())
