"""What few trainings per arm can carry, against simulation and counting."""

from math import sqrt

import numpy as np
import pytest

from harness.papers import Origin, Paper, PublishedClaim, load, paper_ids, support


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


def test_no_gain_is_only_shown_up_to_what_the_spread_leaves_open() -> None:
    """That the arm is worse than the base is another claim, so there is no z for it."""
    found = support(load("wang-pets"), "unfrozen-is-only-an-initialisation", 0.02)
    assert found.effect == pytest.approx(-0.007)
    assert (found.z, found.pvalue) == (None, None)
    assert found.gain == pytest.approx(-0.007 + 1.6449 * 0.02 * sqrt(2), rel=1e-3)
    assert "a gain of 0.040 is left open; the largest published one is -0.007" in found.sentence
    assert "no gain is left open" in support(load("wang-pets"), "unfrozen-is-only-an-initialisation", 0.002).sentence


def test_the_gain_left_open_is_exceeded_by_none_but_one_in_twenty() -> None:
    """A true gain as large as that would have shown more than the published one in 95% of cases."""
    found = support(load("wang-pets"), "unfrozen-is-only-an-initialisation", 0.02)
    draws = found.gain + np.random.default_rng(1).normal(0, 0.02, (200_000, 2)) @ [1, -1]
    assert np.mean(draws <= found.effect) == pytest.approx(0.05, abs=0.003)


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
    numbers = (found.z, found.pvalue, found.detectable, found.margin, found.gain, found.rank_pvalue)
    assert numbers == (None,) * 6


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


def _support(relation: str, arms: dict[str, tuple[float, str]], *pairs: tuple[str, str], sd: float = 0.02):
    claim = PublishedClaim(
        slug="slug",
        statement="statement",
        place="place",
        metric="kappa",
        unit="fraction",
        relation=relation,
        arms={name: value for name, (value, _) in arms.items()},
        pairs=pairs,
        origins={name: Origin("1", name, "kappa", statistic, 0.00005) for name, (_, statistic) in arms.items()},
    )
    return support(Paper("made-up", "made up", (), None, (), {"slug": claim}), "slug", sd)


def test_averages_give_a_least_z() -> None:
    found = _support("greater", {"a": (0.85, "average"), "b": (0.83, "average")}, ("a", "b"))
    single = _support("greater", {"a": (0.85, ""), "b": (0.83, "")}, ("a", "b"))
    assert found.averaged == ("a", "b")
    assert found.z == single.z == pytest.approx(0.02 / (0.02 * sqrt(2)))
    assert found.sentence.startswith("Every arm averages an unknown number of trainings;")
    assert "may or may not be told from none" in found.sentence
    assert "z of at least 0.71, one-sided p at most 0.240; at most 0.047 is needed" in found.sentence
    assert single.sentence.startswith("One training per arm;")
    assert "is not told from none even at best (z = 0.71" in single.sentence
    rng = np.random.default_rng(2)
    means = rng.normal(0, 0.02, (100_000, 2, 3)).mean(axis=2) @ [1, -1]  # three trainings each
    assert np.mean(means >= found.effect) < found.pvalue
    assert np.mean(means >= found.detectable) < 0.05


@pytest.mark.parametrize("relation", ["greater", "equivalent", "not-greater"])
def test_the_best_of_several_trainings_is_not_compared(relation: str) -> None:
    found = _support(relation, {"a": (0.85, "best"), "b": (0.83, "best")}, ("a", "b"))
    assert (found.z, found.pvalue, found.detectable, found.margin, found.gain) == (None,) * 5
    assert found.sentence.startswith("Every arm is the best of an unknown number of trainings:")


def test_arms_of_different_kinds_are_named() -> None:
    with_best = _support(
        "greater", {"a": (0.85, "best"), "b": (0.83, "average"), "c": (0.8, "")}, ("a", "b"), ("a", "c")
    )
    assert with_best.z is None
    assert "differ in kind: of b each averages" in with_best.sentence
    assert "of a each is the best" in with_best.sentence
    without = _support("greater", {"a": (0.85, "average"), "b": (0.83, "")}, ("a", "b"))
    assert without.z == pytest.approx(0.02 / (0.02 * sqrt(2)))
    assert without.sentence.startswith("The arms differ in kind: of a each averages")


@pytest.mark.parametrize("statistic", ["", "average"])
def test_an_effect_against_the_claim_is_said_to_be_one(statistic: str) -> None:
    found = _support("greater", {"a": (0.80, statistic), "b": (0.85, statistic)}, ("a", "b"))
    assert "goes the other way (z" in found.sentence
    assert "told" not in found.sentence


def test_what_is_told_from_none_is_told_at_best() -> None:
    found = support(load("huang-dme"), "pretraining-beats-scratch", 0.02)
    assert "taken as known, the effect of +0.057 is at best told from none (z = 2.02, one-sided p" in found.sentence


def test_statistics_of_the_papers() -> None:
    """Averages and bests of a couple of trainings, by the paper's headings; the others print no more than a score."""
    kinds = {
        f"{paper_id}/{slug}": {*claim.statistics.values()}
        for paper_id in paper_ids()
        for slug, claim in load(paper_id).claims.items()
        if claim.arms
    }
    assert {name for name, kind in kinds.items() if kind == {"average"}} == {
        "ehsanimehr-dr/two-images-beat-one",
        "ehsanimehr-dr/two-stages-beat-one",
        "ehsanimehr-dr/domain-weights-beat-imagenet",
        "ehsanimehr-dr/densenet-is-the-best-backbone",
        "ehsanimehr-dr/attention-brings-no-gain",
        "ehsanimehr-dr/self-attention-is-the-best-attention",
    }
    assert {name for name, kind in kinds.items() if kind == {"best"}} == {
        "ehsanimehr-dr/weighted-average-is-the-best-ensemble",
        "ehsanimehr-dr/ensembles-enhance",
    }
    assert all(kind == {""} for name, kind in kinds.items() if not name.startswith("ehsanimehr-dr/"))
