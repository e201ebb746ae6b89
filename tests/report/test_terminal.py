"""harness.report.terminal: the table is one screen, and says what a reader must not overlook."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from harness.report.terminal import print_table


def printed(rows, width, **options):
    file = io.StringIO()
    print_table(rows, Console(file=file, width=width, highlight=False), **options)
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_every_width_shows_every_verdict_and_claim(rows, width):
    text = printed(rows, width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    for row in rows:
        assert any(str(row.verdict) in line and row.id in line for line in lines)


@pytest.mark.parametrize("width", [100, 120])
def test_eight_claims_fit_on_one_screen(rows, width):
    eight = [replace(row, variant="", scale="smoke", evidence="phantom") for row in rows]
    lines = printed(eight, width).splitlines()
    assert len(lines) <= 23  # one more is for the controls
    assert sum("smoke" in line for line in lines) == 1
    assert any("EFFECT [interval]" in line and "WINS" in line for line in lines)


def test_a_claim_says_what_it_rests_on_where_that_differs(rows):
    text = printed(rows, 200)
    assert "substituted, reduced scale (DRIVE for STARE)" in text
    assert "phantom, smoke scale" in text


def test_colours_follow_the_verdict(rows):
    file = io.StringIO()
    print_table(rows[:1], Console(file=file, width=120, force_terminal=True, color_system="standard", highlight=False))
    assert "\x1b[1;32m✓ SUPPORTED" in file.getvalue()


def test_wins_effects_and_what_disagrees_with_the_record_are_shown(rows):
    lines = printed(rows, 200).splitlines()
    first = next(line for line in lines if rows[0].name in line)
    assert first.split()[-3:] == ["4", "of", "4"]
    text = "\n".join(lines)
    for phrase in ("batch-2: expected IoU.fluid 0.3912", "after Holm INCONCLUSIVE", "1 not as expected"):
        assert phrase in text


def test_an_error_says_its_reason_alone(rows):
    lines = printed(rows[-1:], 200).splitlines()
    after = lines[next(number for number, line in enumerate(lines) if "! ERROR" in line) + 1]
    assert after.split(" · ")[0].strip() == rows[-1].reason


def test_markup_in_a_reason_stays_text(rows):
    assert "[red]not red[/red]" in printed([replace(rows[-1], reason="[red]not red[/red]")], 200)


def test_details_come_before_the_table_where_they_are_asked_for(rows):
    assert rows[0].statement not in " ".join(printed(rows, 80).split())
    text = " ".join(printed(rows, 80, details=True).split())
    assert text.index(rows[0].statement) < text.index("WINS")


def test_a_stream_that_knows_no_unicode_gets_ascii(rows):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_table(rows, stream)
    stream.flush()
    assert b"+ SUPPORTED" in raw.getvalue()
    assert b"?" not in raw.getvalue().replace(b"? INCONCLUSIVE", b"")


def test_a_log_is_as_wide_as_a_log(rows, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    file = io.StringIO()
    print_table(rows, file)
    assert 100 < max(map(len, file.getvalue().splitlines())) <= 120


def test_no_rows_are_no_error():
    assert "0 claims" in printed([], 80)
