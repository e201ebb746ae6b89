"""Figures, readings, and a claim's own rank correlation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.papers import Figure, Origin, PublishedClaim, Reading, Table, load


@given(st.floats(0, 1), st.integers(0, 4), st.sampled_from(["percent", "fraction"]))
def test_a_printed_number_lies_within_its_own_rounding(value: float, decimals: int, unit: str) -> None:
    scale = 100 if unit == "percent" else 1
    figure = Figure.parse(f"{value * scale:.{decimals}f}", unit)
    assert figure.low - 1e-12 <= value <= figure.high + 1e-12
    assert figure.half_width == pytest.approx(0.5 * 10.0**-decimals / scale)


@pytest.mark.parametrize("text", ["", "a", "1e-3", "nan", "inf", "1.2.3", "--1", "1,5", " 1", "."])
def test_only_plain_numbers_are_figures(text: str) -> None:
    with pytest.raises(ValueError, match="expected a plain decimal number"):
        Figure.parse(text, "percent")


def test_an_unknown_unit_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected a unit of percent, fraction, none, but got 'kilo'"):
        Figure.parse("1", "kilo")


def test_a_table_stays_as_printed_and_is_read_otherwise() -> None:
    table = load("huang-dme").table("4")
    assert table.figure("CE", "Dice").text == "65.25"
    read = table.corrected()
    assert (read.figure("CE", "Dice").text, read.figure("CE", "Accuracy").text) == ("62.34", "65.25")
    assert read.row("CE").cells["Dice"] == "62.34"
    assert read.readings == ()


def test_a_reading_of_one_row_leaves_the_others() -> None:
    read = load("huang-dme").table("1").corrected()
    assert read.figure("None", "Dice").text == "47.33"
    assert read.figure("STARE", "Dice").text == "54.3"


def test_a_reading_that_gives_a_figure_says_where_it_comes_from() -> None:
    figure = load("ece661-dme").table("1").corrected().figure("fcn-288-200-ce", "mIoU")
    assert (figure.text, figure.recovered) == ("68.63", True)
    assert "log" in figure.source


def test_a_reading_may_rename_a_quantity() -> None:
    paper = load("zhou-kvasir")
    assert paper.table("1").columns["OA"].quantity == "accuracy"
    assert paper.corrected().table("1").columns["OA"].quantity == "recall"


def test_readings_apply_in_order() -> None:
    table = load("wang-pets").table("1")
    first = Reading("one", figures={"IoU": "0.1"}, rows=("COCO",))
    second = Reading("two", columns={"Recall": "IoU"}, rows=("COCO",))
    read = Table(table.id, "", "", table.headings, table.columns, table.rows, (first, second)).corrected()
    assert read.figure("COCO", "Recall").text == "0.1"


def test_claims_use_the_corrected_tables() -> None:
    (dice,) = load("huang-dme").claims["best-pipeline-score"].others
    assert (dice.metric, dice.arms["pipeline"]) == ("Dice", 0.6234)
    assert load("ehsanimehr-dr").claims["weighted-average-is-the-best-ensemble"].arms["boosting"] == 0.8345


def _ranked(arms: dict[str, float], **predictor: float) -> PublishedClaim:
    return PublishedClaim(
        "slug", "statement", "place", "IoU", "fraction", "rank-correlation", arms, predictor=predictor
    )


def test_a_rank_correlation_of_its_own() -> None:
    assert _ranked({"a": 0.1, "b": 0.2, "c": 0.3}, a=3, c=1, b=2).correlation() == pytest.approx(-1)
    assert _ranked({}).correlation() is None
    assert load("zhou-kvasir").claims["source-score-predicts-transfer"].correlation() == pytest.approx(0.8)
    assert load("wang-pets").claims["frozen-coco-beats-scratch"].correlation() is None


def test_a_figure_is_found_where_it_stands() -> None:
    paper = load("huang-dme")
    assert paper.figure(Origin("4", "CE", "Accuracy")).text == "62.34"
    assert paper.figure(Origin(off_table="best-dice")).text == "62.34"
    with pytest.raises(ValueError, match=r"off the tables of huang-dme \(epochs, .* but got 'worst-dice'"):
        paper.figure(Origin(off_table="worst-dice"))
