"""harness.report.opening: three sentences that name every claim, and nothing that was not decided."""

from dataclasses import replace

from harness.relations import Greater, Looks, Verdict
from harness.report.opening import opening, words


def test_every_claim_stands_in_one_sentence_by_its_verdict(rows):
    shown, refuted, still_open = opening(rows)
    assert [key for key, *_ in shown.claims] == [row.key for row in rows if row.verdict is Verdict.SUPPORTED]
    assert [key for key, *_ in refuted.claims] == [row.key for row in rows if row.verdict is Verdict.REFUTED]
    assert [key for key, *_ in still_open.claims] == [row.key for row in rows if not row.verdict.decided]


def test_a_sentence_has_sizes_units_data_and_scale(rows):
    shown, refuted, still_open = (sentence.text for sentence in opening(rows))
    assert "pretraining beats scratch [as-published] (pretrained − scratch: +0.152 IoU.fluid [+0.065, +0.238]" in shown
    assert "on real DME at the reduced scale, DRIVE for STARE" in shown
    assert "13.0× [8.0×, ∞]" in shown
    assert "batch-4 − batch-2: −0.061 Dice.fluid" in refuted
    assert "pipeline − 0.4529: −0.404 IoU.fluid" in refuted
    assert "on DME phantoms at the reduced scale" in refuted
    assert "cityscapes transfers well (not run)" in still_open


def test_what_all_claims_rest_on_stands_once(rows):
    alike = [replace(row, scale="smoke", evidence="phantom", evidence_notes=()) for row in rows[:4]]
    shown, refuted, _ = (sentence.text for sentence in opening(alike))
    assert shown.startswith("Shown on DME phantoms at the smoke scale: pretraining")
    assert refuted.startswith("Shown not to hold on DME phantoms at the smoke scale: larger")
    assert " ".join([shown, refuted]).count("smoke scale") == 2


def test_what_stays_open_says_what_it_would_take(make_row):
    seeds = {"a": [0.47, 0.41, 0.5, 0.38, 0.455], "b": [0.4, 0.41, 0.39, 0.4, 0.4]}
    row = make_row("a/longer-is-better", Greater("a", "b", gain=0.05), seeds, variant="", looks=Looks.fixed(5))
    row = replace(row, seconds_trained=300.0, seconds_saved=0.0)
    text = opening([row])[2].text
    more = row.decision.seeds_needed - 5
    assert f"longer is better (leaning for, too few seeds: about {more + 5} seeds would decide: {more} more" in text
    assert f"about {more} min of one worker" in text


def test_a_report_without_rows_shows_nothing():
    assert [sentence.text for sentence in opening([])] == [
        "Shown: nothing.",
        "Shown not to hold: nothing.",
        "Open: nothing.",
    ]


def test_a_claims_id_reads_as_words(rows):
    assert words(rows[3]) == "augmentation enables convergence"
    assert words(rows[0]) == "pretraining beats scratch [as-published]"
