"""harness.report.controls: one line where all is well, names and reasons where it is not, in every report."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.relations import Greater, Verdict
from harness.report import write_report
from harness.report.controls import lines, markdown_section, summary
from harness.report.document import read_json
from harness.verdicts.controls import stamped


@pytest.fixture
def controls(make_row):
    """Two as planted, and one that found nothing."""
    seeds = {"trained": [0.86, 0.88, 0.87, 0.9, 0.85], "hardly": [0.4, 0.44, 0.42, 0.5, 0.47]}
    made = make_row("controls/more-training-helps", Greater("trained", "hardly"), seeds, variant="")
    lost = replace(made, id="controls/a-b", verdict=Verdict.INCONCLUSIVE, reason="The interval | holds 0.")
    return [made, replace(made, id="controls/c"), lost]


def test_one_line_says_that_all_are_as_planted(controls):
    assert list(lines(controls[:2])) == ["controls: 2 of 2 as planted"]
    assert list(lines(controls[:2], unfinished=1)) == ["controls: 2 of 3 as planted, 1 not finished"]


def test_those_that_failed_are_named_with_their_reasons(controls):
    first, second = lines(controls)
    assert first == "controls: 2 of 3 as planted; no verdict of this run is to be trusted:"
    assert second.startswith("  a-b: INCONCLUSIVE, The interval | holds 0.")


def test_the_report_has_a_section_and_every_verdict_a_stamp(controls, rows, environment, tmp_path):
    marked = stamped(rows, controls)
    write_report(marked, tmp_path, environment=environment, curves={}, controls=controls)
    document = read_json(tmp_path / "verdicts.json")
    assert [row.name for row in document.controls] == [row.name for row in controls]
    assert {row.stamp for row in document.rows} == {"not to be trusted: the control a-b failed"}
    markdown, page = ((tmp_path / f"verdicts.{kind}").read_text() for kind in ("md", "html"))
    for text in (markdown, page):
        assert "controls: 2 of 3 as planted" in text
        assert "Every verdict here is not to be trusted: the control a-b failed." in text
        assert text.index("Every verdict here") < text.index("huang-dme/pretraining-beats-scratch")
    assert "| SUPPORTED | more-training-helps |" in markdown
    assert "The interval \\| holds 0." in markdown
    assert page.count("not to be trusted") > len(rows)


def test_without_controls_there_is_no_section(rows, environment, tmp_path):
    write_report(rows, tmp_path, environment=environment, curves={})
    assert markdown_section([]) == ""
    assert "Controls" not in (tmp_path / "verdicts.md").read_text()
    assert 'id="planted-title"' not in (tmp_path / "verdicts.html").read_text()
    assert json.loads((tmp_path / "verdicts.json").read_text())["controls"] == []
    assert summary([]).text == "controls: 0 of 0 as planted"
