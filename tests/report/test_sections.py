"""What the card of a classification shows, and that a part that fails loses its own place only."""

import logging
import re
from dataclasses import replace

import numpy as np
import pytest

from harness.report import write_report
from harness.report.attempts import Failed, attempt
from harness.report.heat import Graded, Look
from harness.report.html import html
from harness.report.matrices import Matrix
from harness.report.overlays import Overlay
from harness.report.sections import TITLES, Sections
from harness.report.side_by_side import SideBySide, words
from harness.report.training import Trained

EYE = np.full((12, 16, 3), 90, np.uint8)
MATRIX = Matrix(
    "a <b>", 2, ("none", "mild", "severe"), ((6, 0, 2), (1, 3, 0), (2, 0, 0)), {"kappa": 0.25, "accuracy": 0.5}
)
LOOKS = [
    Look("a <b>", "seed 0, kappa 0.15", EYE, "none", np.zeros((3, 4), np.uint8)),
    Look("soft", "seed 0", EYE, "mild"),
]
FULL = Sections(
    trained=[Trained("a <b>", {"loss": {"training": [[(1, 2.0), (2, 1.0)]]}}, {"kappa": [(0.9, 0.4)]})],
    matrices=[MATRIX],
    graded=[Graded("eye <1>", "mild", LOOKS)],
    prepared=[SideBySide("eye <1>", [("none", ["plain"], EYE), ("CLAHE", ["x", "y"], EYE)])],
)


@pytest.fixture
def graded_row(rows):
    named = zip(rows[0].arms, ("a <b>", "soft"), strict=True)
    return replace(rows[0], metric="kappa", arms=tuple(replace(arm, name=name, metric="kappa") for arm, name in named))


def card(page):
    return page.split('<details class="card ')[1]


def test_every_part_stands_under_its_title(graded_row, environment):
    page = card(html([graded_row], environment, sections={graded_row.key: FULL}))
    assert re.findall(r"<h3>([^<]*)</h3>", page)[1:-1] == list(TITLES.values())
    assert "a &lt;b&gt;" in page
    assert "eye &lt;1&gt;, truth: <b>mild</b>" in page
    assert re.search(r'<b class="bad">✗</b> predicts none', page)
    assert re.search(r'<b class="hit">✓</b> predicts mild', page)
    assert "Without a heat map: soft." in page
    assert "whose final kappa is nearest" in page
    assert "linear-gradient(to right, #" in page
    assert page.count("<img") == 5
    assert "x, y" in page


def test_without_such_parts_the_card_is_as_it_was(rows, environment):
    page = card(html(rows[:1], environment, sections={rows[0].key: Sections()}))
    assert "Predictions on the same test images</h3>" in page
    assert not any(title in page for title in TITLES.values())


def test_a_matrix_has_truth_in_rows_and_shares_of_it(graded_row, environment):
    page = card(html([graded_row], environment, sections={graded_row.key: Sections(matrices=[MATRIX])}))
    table = page.split('<table class="matrix">')[1].split("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", table)
    assert [name for name, _ in rows] == ["0 none", "1 mild", "2 severe"]
    counts = [[int(count) for count in re.findall(r">(\d+)</td>", cells)] for _, cells in rows]
    assert counts == [[6, 0, 2, 8], [1, 3, 0, 4], [2, 0, 0, 2]]
    assert re.findall(r"--share: (\d+)%", rows[0][1]) == ["75", "0", "25"]
    assert [cells.count('class="right') for _, cells in rows] == [1, 1, 1]
    assert "2 seeds, pooled: kappa 0.250, accuracy 0.500" in re.sub(r"\s+", " ", page)


def test_classes_that_are_never_predicted_are_named():
    never = Matrix("a", 1, ("none", "mild", "severe"), ((6, 0, 0), (4, 0, 0), (0, 0, 0)), {})
    assert never.never == ["mild"]
    assert MATRIX.never == []
    assert never.rows[2][2][0].percent == 0


def test_preparations_are_in_words():
    assert (
        words([{"spec": "CircularCrop"}, {"spec": "BenGraham", "sigma": 20}]) == "circular crop, Ben Graham (sigma 20)"
    )
    assert words([{"spec": "GaussianBlur"}]) == "gaussian blur"


BROKEN = {
    "trained": [Trained("absent", {"loss": {"training": [[(1, 2.0)]]}})],
    "matrices": [replace(MATRIX, counts=((1, 2),))],
    "graded": [Graded("x", "mild", [])],
    "prepared": [SideBySide("x", [("none", ["a"], np.zeros((2, 2, 7), np.uint8))])],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_part_that_cannot_be_drawn_loses_its_own_place_only(graded_row, environment, name, caplog):
    broken = replace(FULL, **{name: BROKEN[name]})
    page = card(html([graded_row], environment, sections={graded_row.key: broken}))
    (sentence,) = re.findall(r'<p class="remark bad">([^<]*could not be drawn[^<]*)</p>', page)
    assert sentence.startswith(f"{TITLES[name]} could not be drawn: ")
    assert page.index(f"<h3>{TITLES[name]}</h3>") < page.index(sentence)
    assert all(f"<h3>{title}</h3>" in page for title in TITLES.values())
    assert "Run it again" in page
    assert "could not be drawn" in caplog.text


def test_a_part_that_could_not_be_gathered_has_a_sentence(graded_row, environment):
    lost = Failed("The confusion matrices could not be drawn: KeyError: 'x'.")
    page = card(html([graded_row], environment, sections={graded_row.key: replace(FULL, matrices=lost)}))
    assert "The confusion matrices could not be drawn: KeyError: &#39;x&#39;." in page


def test_curves_and_overlays_that_fail_lose_their_place_only(rows, environment, tmp_path, monkeypatch):
    square = np.zeros((4, 4), np.uint8)
    overlay = Overlay("x", square, square, [])
    object.__setattr__(overlay, "image", None)
    curves = {rows[0].key: {"IoU.fluid": {"scratch": [[("no", "number", "at all")]]}}, rows[1].key: Failed("Lost.")}
    write_report(rows[:2], tmp_path, environment=environment, curves=curves, overlays={rows[0].key: [overlay]})
    page = (tmp_path / "verdicts.html").read_text()
    assert "The learning curves could not be drawn: " in page
    assert "The predictions could not be drawn: " in page
    assert "Lost." in page
    assert not (tmp_path / "curves").exists() or not list((tmp_path / "curves").glob("*.png"))
    assert (tmp_path / "verdicts.json").exists()

    def broken(panel, name):
        raise RuntimeError("no such font\nand more")

    monkeypatch.setattr("harness.report.html.forest_svg", broken)
    assert "Seeds and intervals could not be drawn: RuntimeError: no such font." in html(rows[:1], environment)


def test_an_attempt_returns_what_was_made_or_says_why_not(caplog):
    assert attempt("It", lambda: 3) == 3
    with caplog.at_level(logging.DEBUG, "harness.report.attempts"):
        assert attempt("It", {"a": 1}.popitem) == ("a", 1)
        assert attempt("It", {}.popitem).sentence.startswith("It could not be drawn: KeyError")
    assert "Traceback" in caplog.text
