import re
from xml.etree import ElementTree

import pytest

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
    differences = forest.seed_effects(rows[0], part)
    assert sum(differences) / len(differences) == pytest.approx(rows[0].effect)


def test_a_comparison_of_another_metric_has_no_seeds_here(rows):
    (panel,) = forest.comparison_panels(rows[2], None)
    assert [len(track.dots) for track in panel.tracks] == [7, 7, 0, 0]
    assert panel.tracks[2].label == "batch-4 > batch-2 [Dice.fluid]"


def test_margins_are_drawn_where_the_label_states_them(rows):
    (equivalent,) = forest.comparison_panels(rows[4], None)
    assert sorted(equivalent.lines) == [-0.05, 0.0, 0.05]
    (faster,) = forest.comparison_panels(rows[1], 10.0)
    assert sorted(faster.lines) == [1.0, 2.0]
    (reaches,) = forest.comparison_panels(rows[5], None)
    assert sorted(reaches.lines) == [-0.05, 0.0]


def test_whatever_is_drawn_stays_within_the_picture(rows):
    for row in rows:
        for panel in (forest.arms_panel(row, published=True), *forest.comparison_panels(row, row.published_effect)):
            text = forest.svg(panel)
            ElementTree.fromstring(text or "<svg/>")
            positions = [float(x) for x in re.findall(r'\b(?:x|x1|x2|cx)="([^"]+)"', text)]
            assert all(0 <= x <= forest.WIDTH for x in positions)
