import math
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from harness.relations import All, Greater, Looks, NotWorse, RankCorrelation, Reaches
from harness.report import forest
from harness.report.parts import comparisons
from harness.specs.measures import Value, parse


def drawn(panel, tag, name):
    """The elements of one class in a panel's picture."""
    return [e for e in ElementTree.fromstring(forest.svg(panel)).iter(tag) if e.get("class") == name]


def every_panel(rows):
    for row in rows:
        yield from (forest.arms_panel(row, published=True), *forest.comparison_panels(row, published=True))


def test_every_seed_of_every_arm_is_drawn(rows):
    panel = forest.arms_panel(rows[0], published=True)
    assert len(drawn(panel, "circle", "seed")) == 8
    assert len(drawn(panel, "path", "published")) == sum(arm.published is not None for arm in rows[0].arms) > 0


def test_seeds_that_never_arrive_stand_at_the_edge(rows):
    panel = forest.arms_panel(rows[1], published=False)
    assert panel.log
    assert len(drawn(panel, "path", "never")) == 2
    assert [track.remark for track in panel.tracks] == ["", "2 of 10 never reached it"]


def test_differences_by_seed_are_those_of_the_effect(rows):
    part = comparisons(rows[0])[0]
    assert len(part.seeds) == rows[0].seeds
    assert sum(part.seeds) / len(part.seeds) == pytest.approx(rows[0].effect)


def test_comparisons_of_two_metrics_stand_on_two_axes_that_name_them(rows):
    panels = forest.comparison_panels(rows[2], published=True)
    assert [panel.unit for panel in panels] == ["difference in IoU.fluid", "difference in Dice.fluid"]
    assert [[track.label for track in panel.tracks] for panel in panels] == [
        ["batch-4 > batch-2", "batch-8 > batch-4"]
    ] * 2
    assert "difference in Dice.fluid; 0: no difference" in forest.svg(panels[1])


def test_a_rank_correlation_has_a_panel_of_its_own_beside_its_pairs(make_row):
    models = {"small": [0.50, 0.51, 0.52, 0.49], "large": [0.60, 0.61, 0.59, 0.62], "huge": [0.7, 0.71, 0.72, 0.69]}
    relation = RankCorrelation((("small", 70.0), ("large", 80.0), ("huge", 85.0)), above=0.2)
    row = make_row("a/ranks", relation, models, looks=Looks.fixed(4))
    tau, pairs = forest.comparison_panels(row, published=True)
    assert (tau.title, tau.tracks[0].margins, tau.tracks[0].centre) == (
        "Rank correlation τ and its bounds",
        (0.2,),
        1.0,
    )
    assert [track.label for track in pairs.tracks] == ["small < large", "small < huge", "large < huge"]
    assert [len(track.dots) for track in pairs.tracks] == [4, 4, 4]


def test_the_value_to_reach_and_its_margin_are_drawn_among_the_arms(make_row):
    samples = {"a": [0.3, 0.35, 0.32, 0.31], "b": [0.3, 0.31, 0.32, 0.3]}
    both = All((Reaches("a", value=0.45, tolerance=0.05), Reaches("a", value=0.6, tolerance=0.1, measure="Dice")))
    row = make_row("a/reach", both, samples | {Value("a", parse("Dice")): [0.5, 0.51, 0.52, 0.5]})
    first, second = forest.arms_panel(row, published=False).tracks
    assert (first.target, first.margins) == (0.45, (pytest.approx(0.4),))
    assert (second.target, second.margins) == (None, ())
    assert "value to reach" in forest.svg(forest.arms_panel(row, published=False))


def test_each_comparison_has_its_own_margins(rows, make_row):
    (equivalent,) = forest.comparison_panels(rows[4], published=True)
    assert [track.margins for track in equivalent.tracks] == [(-0.05, 0.05)] * 3
    assert len(drawn(equivalent, "line", "margin")) == 6
    (faster,) = forest.comparison_panels(rows[1], published=True)
    assert faster.tracks[0].margins == (2.0,)
    assert ">margin 2.0×<" in forest.svg(faster)
    samples = {name: [level, level + 0.01, level + 0.02, level] for name, level in (("a", 0.5), ("b", 0.4), ("c", 0.3))}
    mixed = make_row("a/mixed", All((Greater("a", "b"), NotWorse("a", "c", margin=0.05))), samples)
    (panel,) = forest.comparison_panels(mixed, published=True)
    (margin,), origins = drawn(panel, "line", "margin"), drawn(panel, "line", "origin")
    assert len(origins) == 2
    assert margin.get("y1") == origins[1].get("y1")


def test_open_intervals_end_in_arrowheads():
    track = forest.Track("a", centre=1.0, span=(0.5, math.inf))
    assert len(drawn(forest.Panel("t", "u", (track,)), "path", "open")) == 1
    assert len(drawn(forest.Panel("t", "u", (replace(track, span=(0.0, math.inf)),), log=True), "path", "open")) == 2
    assert not drawn(forest.Panel("t", "u", (replace(track, span=(0.5, 1.5)),)), "path", "open")


def test_one_wide_interval_does_not_flatten_the_others():
    narrow = [forest.Track(name, centre=0.1, span=(0.0, 0.2)) for name in "ab"]
    wide = forest.Track("wide", centre=0.1, span=(-5.0, 5.0))
    panel = forest.Panel("t", "u", (*narrow, wide))
    assert len(drawn(panel, "path", "open")) == 2
    spans = [float(e.get("x2")) - float(e.get("x1")) for e in drawn(panel, "line", "span")]
    assert spans[0] > 0.8 * (forest.RIGHT - forest.LEFT)
    assert not drawn(forest.Panel("t", "u", (narrow[0], replace(wide, span=(-0.2, 0.4)))), "path", "open")


@pytest.mark.parametrize("words", [1, 12, 60])
def test_a_long_label_is_wrapped_or_shortened_in_the_middle(words):
    label = f"{' '.join(['pretrained'] * words)} > scratch [epochs to Dice.fluid ≥ 0.4]"
    lines = forest._label(forest.Track(label, remark="2 of 10 collapsed"))
    assert len(lines) <= 3
    assert lines[0].startswith("pretrained")
    assert lines[-1].replace("\u00a0", " ").endswith("[epochs to Dice.fluid ≥ 0.4]")
    assert max(map(len, lines)) * forest.LETTER <= forest.WIDTH


def test_lines_and_figures_do_not_meet(rows):
    for panel in every_panel(rows):
        text = forest.svg(panel)
        places = [float(x) for x in re.findall(r'\b(?:x1|x2|cx)="([^"]+)"', text)]
        assert all(forest.LEFT <= x <= forest.RIGHT for x in places)
        assert all(float(x) > forest.RIGHT for x in re.findall(r'class="value" x="([^"]+)"', text))


def test_names_beneath_lines_do_not_meet():
    names = list(forest._names({100.0: "margin 0.400", 110.0: "value to reach", 470.0: "at the edge"}, 10))
    places = [float(re.search(r' x="([^"]+)"', name).group(1)) for name in names]
    assert all(b - a > 50 for a, b in pairwise(places))


def test_whatever_is_drawn_stays_within_the_picture(rows):
    for panel in every_panel(rows):
        text = forest.svg(panel)
        height = float(ElementTree.fromstring(text).get("viewBox").split()[3]) if text else 0
        assert all(0 <= float(x) <= forest.WIDTH for x in re.findall(r'\b(?:x|x1|x2|cx)="([^"]+)"', text))
        assert all(0 <= float(y) <= height for y in re.findall(r'\b(?:y|y1|y2|cy)="([^"]+)"', text))
