import re
from xml.etree import ElementTree

import pytest

from harness.relations import RankCorrelation
from harness.report import forest, phrasing


def test_every_seed_of_every_arm_is_drawn(rows):
    panel = forest.arms_panel(rows[0], published=True)
    tree = ElementTree.fromstring(forest.svg(panel))
    assert len([e for e in tree.iter("circle") if e.get("class") == "seed"]) == 8
    assert len([e for e in tree.iter("path") if e.get("class") == "published"]) == 2


def test_seeds_that_never_arrive_stand_at_the_edge(rows):
    panel = forest.arms_panel(rows[1], published=False)
    assert panel.log
    assert forest.svg(panel).count('class="never"') == 2


def test_differences_by_seed_are_those_of_the_effect(rows):
    part = phrasing.comparisons(rows[0])[0]
    assert len(part.seeds) == rows[0].seeds
    assert sum(part.seeds) / len(part.seeds) == pytest.approx(rows[0].effect)


def test_a_comparison_of_another_metric_has_its_own_seeds_and_says_so(rows):
    (panel,) = forest.comparison_panels(rows[2], published=True)
    assert [len(track.dots) for track in panel.tracks] == [7, 7, 7, 7]
    assert panel.tracks[2].label == "batch-4 > batch-2 [Dice.fluid]"


def test_a_rank_correlation_has_a_panel_of_its_own_beside_its_pairs(make_row):
    models = {"small": [0.50, 0.51, 0.52, 0.49], "large": [0.60, 0.61, 0.59, 0.62], "huge": [0.7, 0.71, 0.72, 0.69]}
    relation = RankCorrelation((("small", 70.0), ("large", 80.0), ("huge", 85.0)), above=0.2)
    tau, pairs = forest.comparison_panels(make_row("a/ranks", relation, models), published=True)
    assert (tau.title, sorted(tau.lines), [track.centre for track in tau.tracks]) == (
        "Rank correlation τ and its bounds", [0.0, 0.2], [1.0],
    )  # fmt: skip
    assert [track.label for track in pairs.tracks] == ["small < large", "small < huge", "large < huge"]
    assert [len(track.dots) for track in pairs.tracks] == [4, 4, 4]


def test_the_value_to_reach_is_drawn_among_the_arms(rows):
    (target,) = [part.target for part in phrasing.comparisons(rows[5])]
    assert forest.arms_panel(rows[5], published=False).lines == {target: "value to reach"}


def test_margins_are_drawn_where_there_are_some(rows):
    (equivalent,) = forest.comparison_panels(rows[4], published=True)
    assert sorted(equivalent.lines) == [-0.05, 0.0, 0.05]
    (faster,) = forest.comparison_panels(rows[1], published=True)
    assert sorted(faster.lines) == [1.0, 2.0]
    (reaches,) = forest.comparison_panels(rows[5], published=True)
    assert sorted(reaches.lines) == [-0.05, 0.0]


def test_whatever_is_drawn_stays_within_the_picture(rows):
    for row in rows:
        for panel in (forest.arms_panel(row, published=True), *forest.comparison_panels(row, published=True)):
            text = forest.svg(panel)
            ElementTree.fromstring(text or "<svg/>")
            positions = [float(x) for x in re.findall(r'\b(?:x|x1|x2|cx)="([^"]+)"', text)]
            assert all(0 <= x <= forest.WIDTH for x in positions)
