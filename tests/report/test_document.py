import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.document import ReportError, complete, plain, read_json, write_json
from harness.verdicts import Row

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_rows_come_back(rows, environment, tmp_path):
    content = read_json(write_json(rows, tmp_path / "deep" / "verdicts.json", environment))
    assert content["schema"] == 1
    assert content["environment"] == environment
    again = [Row.from_dict(row) for row in content["rows"]]
    assert [row.to_dict() for row in again] == [row.to_dict() for row in rows]
    assert not list(tmp_path.rglob(".*"))


@given(value=anything)
def test_whatever_the_environment_holds_json_can(value):
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == plain(value)


@given(effect=st.floats(), bound=st.floats())
def test_numbers_without_a_name_in_json_are_null(rows, environment, tmp_path_factory, effect, bound):
    path = tmp_path_factory.mktemp("report") / "verdicts.json"
    write_json([replace(rows[0], effect=effect, interval=(bound, 1.0))], path, environment)
    assert "NaN" not in path.read_text()
    row = read_json(path)["rows"][0]
    assert row["effect"] == (effect if math.isfinite(effect) else None)
    assert row["interval"] == [bound if math.isfinite(bound) else None, 1.0]


def test_text_that_is_no_unicode_does_not_lose_the_report(rows, tmp_path):
    path = write_json(rows[:1], tmp_path / "verdicts.json", {"folder": "caf\udce9"})
    assert read_json(path)["environment"]["folder"].startswith("caf")


def test_the_device_and_the_date_are_filled_in(rows):
    found = complete({"versions": {"torch": "2"}}, rows)
    assert found["device"] == "NVIDIA H200"
    assert found["date"]
    assert complete({"device": "cpu"}, rows)["device"] == "cpu"


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 2}', '{"schema": 1, "rows": []}', "\udcff"])
def test_another_file_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "verdicts.json"
    path.write_text(content, "utf-8", errors="surrogateescape")
    with pytest.raises(ReportError, match=r"^Expected .*verdicts\.json.*\.$"):
        read_json(path)


def test_an_absent_file_is_said(tmp_path):
    with pytest.raises(ReportError, match="No such file"):
        read_json(tmp_path / "absent.json")
