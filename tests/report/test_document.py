import json
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.converter import plain
from harness.relations import Decision, SequentialDecision
from harness.report.document import SCHEMA, Document, ReportError, complete, read_json, write_json
from harness.verdicts import Agreement, Arm, QuestionDigest, Row, SubjectDifference
from harness.verdicts.subjects import Difference

NAMES = {"nan": None, "inf": "inf", "-inf": "-inf"}


def test_rows_come_back(rows, environment, tmp_path):
    document = read_json(write_json(rows, tmp_path / "deep" / "verdicts.json", environment))
    assert document == Document(environment, tuple(rows), SCHEMA)
    assert not list(tmp_path.rglob(".*"))


@given(effect=st.floats(), bound=st.floats())
@example(effect=math.inf, bound=-math.inf)
@example(effect=math.nan, bound=math.nan)
def test_numbers_without_a_name_in_json_are_null_or_inf(rows, environment, tmp_path_factory, effect, bound):
    path = tmp_path_factory.mktemp("report") / "verdicts.json"
    decision = replace(rows[0].decision, effect=effect, interval=(bound, 1.0))
    write_json([replace(rows[0], standing=replace(rows[0].standing, decision=decision))], path, environment)
    assert "NaN" not in path.read_text()
    content = json.loads(path.read_text())["rows"][0]["standing"]["decision"]
    assert content["effect"] == NAMES.get(str(effect), effect)
    assert content["interval"] == [NAMES.get(str(bound), bound), 1.0]
    assert read_json(path).rows[0].effect == (None if math.isnan(effect) else effect)


def test_text_that_is_no_unicode_does_not_lose_the_report(rows, tmp_path):
    path = write_json(rows[:1], tmp_path / "verdicts.json", {"folder": "caf\udce9"})
    assert read_json(path).environment["folder"].startswith("caf")


def test_the_device_and_the_date_are_filled_in(rows):
    filled = complete({"versions": {"torch": "2"}}, rows)
    assert filled["device"] == "NVIDIA H200"
    assert filled["date"]
    assert complete({"device": "cpu"}, rows)["device"] == "cpu"


@pytest.fixture
def content(rows):
    return json.loads(json.dumps(plain(Document({}, tuple(rows)))))


def refused(content, tmp_path):
    """What reading a document that holds this comes to."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ReportError) as error:
        read_json(path)
    message = str(error.value)
    assert message.startswith(f"Expected {path} to be as docs/verdicts-schema.md describes it, but ")
    assert message.endswith("; write it anew.")
    assert "\n" not in message
    return message


WRONG = [
    (("rows", 1), 3, "rows[1] is 3, not an object"),
    (("rows", 0, "verdict"), "MAYBE", 'rows[0].verdict is "MAYBE", not one of SUPPORTED, REFUTED'),
    (("rows", 0, "plan"), [4, "7"], 'rows[0].plan[1] is "7", not a whole number'),
    (("rows", 0, "standing"), "x", 'rows[0].standing is "x", not an object'),
    (("rows", 1, "standing", "decision", "effect"), "high", 'rows[1].standing.decision.effect is "high", not a number'),
    (
        ("rows", 2, "standing", "decision", "parts", 1, "interval"),
        [1],
        "rows[2].standing.decision.parts[1].interval is [1]",
    ),
    (("rows", 0, "provenance"), "x", 'rows[0].provenance is "x", not an object'),
    (("rows", 0, "arms"), {}, "rows[0].arms is {}, not an array"),
    (("rows", 0, "arms", 1, "mean"), "0.3", 'rows[0].arms[1].mean is "0.3", not a number'),
    (("environment",), [], "environment is [], not an object"),
]


@pytest.mark.parametrize(("path", "value", "clause"), WRONG, ids=[wrong[2][:40] for wrong in WRONG])
def test_a_value_of_another_type_is_named_with_its_file_and_place(content, tmp_path, path, value, clause):
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert f" but {clause}" in refused(content, tmp_path)


def test_a_missing_field_is_named(content, tmp_path):
    del content["rows"][0]["arms"][1]["sd"]
    assert " but rows[0].arms[1].sd is missing; " in refused(content, tmp_path)


def test_a_claim_may_stand_there_once_only(content, tmp_path):
    content["rows"].append(content["rows"][0])
    assert "Expected each claim once for each scale, but huang-dme/" in refused(content, tmp_path)


def test_reports_of_later_versions_are_read(content, rows, tmp_path):
    content["later"] = content["rows"][0]["later"] = content["rows"][0]["arms"][0]["later"] = {"x": 1}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    assert read_json(path).rows == tuple(rows)


@pytest.mark.parametrize("text", ["NaN", "[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "verdicts.json"
    path.write_text(f'{{"schema": 2, "environment": {{}}, "rows": [{{"effect": {text}}}]}}')
    with pytest.raises(ReportError, match="is not JSON"):
        read_json(path)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1}', '{"schema": 2, "rows": []}', "\udcff"])
def test_another_file_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "verdicts.json"
    path.write_text(content, "utf-8", errors="surrogateescape")
    with pytest.raises(ReportError, match=r"^Expected .*verdicts\.json.*\.$"):
        read_json(path)


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(ReportError, match="No such file"):
        read_json(tmp_path / "absent.json")


def test_the_schema_is_documented_field_by_field():
    text = (Path(__file__).parents[2] / "docs" / "verdicts-schema.md").read_text("utf-8")
    kinds = (
        Document, Row, Arm, QuestionDigest, SequentialDecision, Decision, SubjectDifference, Difference, Agreement
    )  # fmt: skip
    missing = [
        f"{kind.__name__}.{each.name}" for kind in kinds for each in fields(kind) if f"`{each.name}`" not in text
    ]
    assert not missing
    assert text.startswith(f"# `verdicts.json`, schema {SCHEMA}\n")
