import math
from dataclasses import replace

import pytest

from harness.relations import Looks, RankCorrelation
from harness.report.panels import arms_panel, comparison_panels
from harness.report.parts import comparisons


def test_an_arm_has_its_seeds_its_mean_and_its_sd(rows):
    panel = arms_panel(rows[0], published=False)
    for track, arm in zip(panel.tracks, rows[0].arms, strict=True):
        assert (track.dots, track.centre, track.published) == (arm.values, arm.mean, None)
        assert track.span == (arm.mean - arm.sd, arm.mean + arm.sd)
    assert [track.published for track in arms_panel(rows[0], published=True).tracks] == [
        arm.published for arm in rows[0].arms
    ]


def test_the_annotators_agreement_is_a_line_through_the_arms_of_its_metric(rows):
    assert arms_panel(rows[0], published=False).origin == (0.485, "agreement of expert1 and expert2")
    other = replace(rows[0], agreements=(replace(rows[0].agreements[0], metric="mIoU"),))
    assert arms_panel(other, published=False).origin is None


def test_failed_seeds_have_no_dot_and_infinite_ones_no_place_on_the_axis(rows):
    scratch, failed = arms_panel(rows[7], published=False).tracks
    assert (len(scratch.dots), failed.dots, failed.centre) == (3, (), None)
    slow = arms_panel(rows[1], published=False).tracks[1]
    assert slow.dots.count(math.inf) == 2
    assert math.inf not in slow.points


def test_differences_by_seed_are_those_of_the_effect(rows):
    effects = comparisons(rows[0])[0].decision.seed_effects
    assert comparison_panels(rows[0])[0].tracks[0].dots == effects
    assert len(effects) == rows[0].seeds
    assert sum(effects) / len(effects) == pytest.approx(rows[0].effect)


def test_a_rank_correlation_has_a_panel_of_its_own_beside_its_pairs(make_row):
    models = {"small": [0.50, 0.51, 0.52, 0.49], "large": [0.60, 0.61, 0.59, 0.62], "huge": [0.7, 0.71, 0.72, 0.69]}
    relation = RankCorrelation((("small", 70.0), ("large", 80.0), ("huge", 85.0)), above=0.2)
    row = make_row("a/ranks", relation, models, looks=Looks.fixed(4))
    tau, pairs = comparison_panels(row)
    assert tau.title == "Rank correlation τ and its bounds"
    assert (tau.tracks[0].margins, tau.tracks[0].centre) == ((0.2,), 1.0)
    assert [track.label for track in pairs.tracks] == ["small < large", "small < huge", "large < huge"]
    assert [len(track.dots) for track in pairs.tracks] == [4, 4, 4]
