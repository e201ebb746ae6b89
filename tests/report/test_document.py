import json
import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.report.document import ReportError, complete, plain, read_json, rows_of, write_json
from harness.verdicts import Row

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

NAMES = {"nan": None, "inf": "inf", "-inf": "-inf"}


def test_rows_come_back(rows, environment, tmp_path):
    content = read_json(write_json(rows, tmp_path / "deep" / "verdicts.json", environment))
    assert content["schema"] == 1
    assert content["environment"] == environment
    again = [Row.from_dict(row) for row in content["rows"]]
    assert [row.to_dict() for row in again] == [row.to_dict() for row in rows]
    assert rows_of(content, "it") == again
    assert not list(tmp_path.rglob(".*"))


@given(value=anything)
def test_whatever_the_environment_holds_json_can(value):
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == plain(value)


@given(effect=st.floats(), bound=st.floats())
@example(effect=math.inf, bound=-math.inf)
@example(effect=math.nan, bound=math.nan)
def test_numbers_without_a_name_in_json_are_null_or_inf(rows, environment, tmp_path_factory, effect, bound):
    path = tmp_path_factory.mktemp("report") / "verdicts.json"
    write_json([replace(rows[0], effect=effect, interval=(bound, 1.0))], path, environment)
    assert "NaN" not in path.read_text()
    row = read_json(path)["rows"][0]
    assert row["effect"] == NAMES.get(str(effect), effect)
    assert row["interval"] == [NAMES.get(str(bound), bound), 1.0]
    assert rows_of(read_json(path), "it")[0].effect == (None if math.isnan(effect) else effect)


def test_text_that_is_no_unicode_does_not_lose_the_report(rows, tmp_path):
    path = write_json(rows[:1], tmp_path / "verdicts.json", {"folder": "caf\udce9"})
    assert read_json(path)["environment"]["folder"].startswith("caf")


def test_the_device_and_the_date_are_filled_in(rows):
    found = complete({"versions": {"torch": "2"}}, rows)
    assert found["device"] == "NVIDIA H200"
    assert found["date"]
    assert complete({"device": "cpu"}, rows)["device"] == "cpu"


@pytest.fixture
def content(rows):
    return json.loads(json.dumps({"schema": 1, "environment": {}, "rows": [row.to_dict() for row in rows]}))


WRONG = [
    (("rows", 1), 3, "row 2 of a.json", "it is 3, not an object"),
    (("rows", 1, "effect"), "high", "row 2 (huang-dme/", '`effect` is "high", not a number or "inf" or "-inf" or null'),
    (("rows", 1, "interval"), [1], "row 2 (", "`interval` is [1], not an array of 2 ("),
    (("rows", 0, "verdict"), "MAYBE", "row 1 (", '`verdict` is "MAYBE", not one of SUPPORTED, REFUTED'),
    (("rows", 0, "plan"), [4, "7"], "row 1 (", '`plan` is [4, "7"], not an array (a whole number each)'),
    (("rows", 0, "decision"), "x", "row 1 (", '`decision` is "x", not an object'),
    (("rows", 0, "decision", "decision"), "x", "row 1 (", '`decision` of its decision is "x", not an object or null'),
    (("rows", 2, "decision", "decision", "parts", 1, "interval"), [1], "row 3 (", "`interval` of its decision is [1]"),
    (("rows", 0, "provenance"), "x", "row 1 (", '`provenance` is "x", not an object'),
    (("rows", 0, "arms"), {}, "row 1 (", "`arms` is {}, not an array (an object each)"),
    (("rows", 0, "arms", 1, "mean"), "0.3", "row 1 (", '`mean` of arm scratch is "0.3", not a number or null'),
    (("rows", 0, "arms", 1, "n"), True, "row 1 (", "`n` of arm scratch is true, not a whole number"),
    (("rows", 0, "arms", 1, "mean"), 10**400, "row 1 (", "not a number or null"),
    (("rows", 0, "arms", 1, "others"), {"mIoU": "x"}, "row 1 (", "not an object (a number or null each)"),
]


@pytest.mark.parametrize(("path", "value", "which", "said"), WRONG, ids=[wrong[3][:30] for wrong in WRONG])
def test_a_value_of_another_type_is_said_with_its_file_and_row(content, path, value, which, said):
    place = content
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ReportError) as error:
        rows_of(content, "a.json")
    message = str(error.value)
    assert message.startswith(f"Expected {which}")
    assert " of a.json to be as docs/verdicts-schema.md describes it, but " in message
    assert said in message
    assert message.endswith(".")
    assert "\n" not in message


def test_a_missing_field_is_said(content):
    del content["rows"][0]["arms"][1]["sd"]
    with pytest.raises(ReportError, match=r"^Expected row 1 .* but `sd` of arm scratch is missing\.$"):
        rows_of(content, "a.json")
    del content["rows"][0]["plan"]
    with pytest.raises(ReportError, match=r"but `plan` is missing\.$"):
        rows_of(content, "a.json")


def test_a_claim_that_is_there_twice_is_said(content):
    content["rows"].append(content["rows"][0])
    with pytest.raises(
        ReportError, match=r"^Expected a\.json to hold each claim once .* rows 1 and 9 are both huang-dme/"
    ):
        rows_of(content, "a.json")


@pytest.mark.parametrize("text", ["NaN", "[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "verdicts.json"
    path.write_text(f'{{"schema": 1, "environment": {{}}, "rows": [{{"effect": {text}}}]}}')
    with pytest.raises(ReportError, match="is not JSON"):
        read_json(path)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 2}', '{"schema": 1, "rows": []}', "\udcff"])
def test_another_file_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "verdicts.json"
    path.write_text(content, "utf-8", errors="surrogateescape")
    with pytest.raises(ReportError, match=r"^Expected .*verdicts\.json.*\.$"):
        read_json(path)


def test_an_absent_file_is_said(tmp_path):
    with pytest.raises(ReportError, match="No such file"):
        read_json(tmp_path / "absent.json")
