"""harness.report.details: all that the terminal can say of each claim."""

import io
import re

import pytest
from rich.console import Console

from harness.report.details import Details


def printed(rows, width, **options):
    file = io.StringIO()
    Console(file=file, width=width, highlight=False, **options).print(Details(rows))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_every_width_shows_every_verdict_and_claim_whole(rows, width):
    text = printed(rows, width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    for row in rows:
        assert any(str(row.verdict) in line and row.name in line for line in lines)
    assert "…" not in text


def test_markup_in_a_statement_stays_text(rows):
    text = printed(rows, 200)
    assert "[red]not red[/red]" in text
    assert "<script>alert(1)</script>" in text


def test_colours_follow_the_verdict(rows):
    text = printed(rows[:1], 120, force_terminal=True, color_system="standard")
    assert "\x1b[1;32m✓ SUPPORTED" in text


def test_adjusted_expected_problems_and_marks_are_shown(rows):
    text = " ".join(printed(rows, 200).split())
    for phrase in ("after Holm", "as recorded", "✗ batch-2: expected IoU.fluid 0.3912"):
        assert phrase in text
    assert "0.840 ± 0.010 (4) 1 of 4 collapsed" in printed(rows, 80)


def test_an_inconclusive_claim_says_what_could_have_been_seen(rows):
    text = " ".join(printed(rows, 80).split())
    assert "p = 0.085 for and 0.92 against (below" in text
    assert re.search(r"; 10 seeds would show an effect of \+0\.06\d in 80% of cases\.", text)


def test_terms_that_occur_are_explained(rows):
    text = " ".join(printed(rows, 200).split())
    for phrase in ("smoke tiny networks", "reduced the published networks", "each at its own level; not symmetric"):
        assert phrase in text
    assert "smoke" not in printed(rows[:1], 200)


def test_the_deciding_comparison_and_the_substitute_are_named(rows):
    text = " ".join(printed(rows, 80).split())
    assert "of batch-4 > batch-2 [Dice.fluid]" in text
    assert "(DRIVE for STARE)" in text
    assert "1 of 4 collapsed; 1 of 4 without a value" in text


def test_a_note_of_several_claims_stands_once(rows):
    assert printed(rows, 200).count("the test images are of 2") == 1


def test_what_stands_with_the_effect_and_the_annotators_are_shown(rows):
    text = " ".join(printed(rows[:1], 80).split())
    assert "4 of 4 seeds" in text
    assert ">99% likely above 0 (flat prior, normal noise, not corrected)" in text
    assert "agree to IoU.fluid 0.485 on the 22 test images" in text
