"""What one training per arm can carry, against simulation and counting."""

from math import sqrt

import numpy as np
import pytest

from harness.papers import load, paper_ids, support


def test_a_difference_in_the_light_of_the_seed_spread() -> None:
    found = support(load("huang-dme"), "pretraining-beats-scratch", 0.02)
    assert found.effect == pytest.approx(0.0572)
    assert found.z == pytest.approx(0.0572 / (0.02 * sqrt(2)))
    assert found.detectable == pytest.approx(1.6449 * 0.02 * sqrt(2), rel=1e-4)
    assert found.pvalue is not None
    assert found.pvalue < 0.05
    wide = support(load("huang-dme"), "pretraining-beats-scratch", 0.05)
    assert wide.pvalue is not None
    assert wide.pvalue > 0.05


def test_p_and_detectable_difference_agree_with_simulation() -> None:
    found = support(load("wang-pets"), "frozen-coco-beats-scratch", 0.03)
    draws = np.random.default_rng(0).normal(0, 0.03, (200_000, 2))
    differences = draws[:, 0] - draws[:, 1]
    assert found.pvalue == pytest.approx(np.mean(differences >= found.effect), abs=0.005)
    assert np.mean(differences >= found.detectable) == pytest.approx(0.05, abs=0.003)


def test_not_greater_counts_in_the_claims_direction() -> None:
    found = support(load("wang-pets"), "unfrozen-is-only-an-initialisation", 0.02)
    assert found.effect == pytest.approx(-0.007)
    assert found.z == pytest.approx(0.007 / (0.02 * sqrt(2)))


def test_equivalence_needs_a_margin_beyond_the_spread() -> None:
    found = support(load("huang-dme"), "loss-makes-no-difference", 0.02)
    assert found.z is None
    assert found.margin == pytest.approx(0.0364 + found.detectable)


@pytest.mark.parametrize(
    ("slug", "best", "published"),
    [
        ("source-score-predicts-transfer", (1 / 24, 1 / 12), 1 / 3),
        ("stronger-backbone-transfers-better", (1 / 6, 1 / 3), 1 / 3),
    ],
)
def test_few_models_have_a_smallest_p(slug: str, best: tuple[float, float], published: float) -> None:
    found = support(load("zhou-kvasir"), slug, 0.02)
    assert found.best_rank_pvalues == pytest.approx(best)
    assert found.rank_pvalue == pytest.approx(published)
    assert found.z is None


@pytest.mark.parametrize(
    ("paper_id", "slug"),
    [
        ("huang-dme", "cityscapes-transfers-well"),
        ("huang-dme", "pretraining-converges-faster"),
        ("huang-dme", "best-pipeline-score"),
        ("ehsanimehr-dr", "colour-jitter-hurts"),
    ],
)
def test_nothing_is_computed_where_nothing_applies(paper_id: str, slug: str) -> None:
    found = support(load(paper_id), slug, 0.02)
    assert (found.z, found.pvalue, found.detectable, found.margin, found.rank_pvalue) == (None,) * 5


@pytest.mark.parametrize("paper_id", paper_ids())
def test_every_claim_has_a_sentence(paper_id: str) -> None:
    paper = load(paper_id)
    for slug in paper.claims:
        assert support(paper, slug, 0.02).sentence.endswith(".")


@pytest.mark.parametrize("sd", [0.0, -0.1, float("nan")])
def test_the_spread_must_be_positive(sd: float) -> None:
    with pytest.raises(ValueError, match="expected seed_sd to be above 0"):
        support(load("huang-dme"), "pretraining-beats-scratch", sd)


def test_an_unknown_claim_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected a claim of huang-dme"):
        support(load("huang-dme"), "nothing", 0.02)
