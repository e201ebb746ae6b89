import copy
import json

import pytest

from harness.relations import Verdict
from harness.report.compare import compare, compare_files
from harness.report.document import write_json


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
        ("row", "datasets", ["DME"], "datasets differs: DME, DRIVE → DME"),
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
    assert found.exit_code == 0


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
