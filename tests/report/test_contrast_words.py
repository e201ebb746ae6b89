"""The same words of a contrast in the terminal, in Markdown and in the HTML report; it survives the JSON."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from harness.relations import MeasuredContrast
from harness.report import phrasing
from harness.report.document import read_json, write_json
from harness.report.html import html
from harness.report.markdown import markdown
from harness.report.terminal import print_table

LEAK = MeasuredContrast(
    "leak", "random split less by subject", "crop-320", "crop-320-by-subject", "mDice", 0.05, (0.01, 0.09)
)
WORDS = "leak: random split less by subject +0.050 [+0.010, +0.090] mDice"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, WORDS),
        (
            {"effect": None, "interval": None, "reason": "1 of 4 runs failed"},
            "leak: random split less by subject not known mDice; 1 of 4 runs failed",
        ),
        ({"collapsed": (0, 2)}, f"{WORDS}; among the runs that converged (2 of crop-320-by-subject collapsed)"),
        (
            {"interval": None, "reason": "without an interval: fewer than 3 runs converged"},
            "leak: random split less by subject +0.050 mDice; without an interval: fewer than 3 runs converged",
        ),
    ],
)
def test_a_contrast_in_words(changes, words):
    assert phrasing.contrast_text(replace(LEAK, **changes)) == words


def test_the_terminal_with_v_markdown_and_html_show_it(rows, environment):
    row = replace(rows[0], contrasts=(LEAK,))
    stream = io.StringIO()
    print_table([row], stream, details=True)
    assert "leak: random split less by subject" in " ".join(stream.getvalue().split())
    assert f"- contrast, decides nothing: {WORDS.replace('[', chr(92) + '[')}" in markdown([row], environment)
    assert WORDS in html([row], environment)
    assert "contrast" not in markdown(rows[:1], environment)


def test_a_contrast_survives_the_json(rows, environment, tmp_path):
    row = replace(rows[0], contrasts=(LEAK, replace(LEAK, effect=None, interval=None)))
    assert read_json(write_json([row], tmp_path / "verdicts.json", environment)).rows[0].contrasts == row.contrasts
