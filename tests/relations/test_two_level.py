"""The interval over seeds and test subjects, against statsmodels, by properties, and by simulation with known truth."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.clustered import CLUSTERED, Clustered, coverage, iou
from harness.relations import two_level
from harness.relations.crossed import components, pseudo_values, weights
from harness.relations.paired_t import bounds


def recall(counts):
    return counts[..., 1, 1] / counts[..., 1, :].sum(-1)


def precision(counts):
    return counts[..., 1, 1] / counts[..., 1].sum(-1)


def arms(seeds=5, subjects=8, images=1, seed=0, design=CLUSTERED[2]):
    """Counts of two arms ``(S, N, 2, 2)`` and the subjects of the images."""
    rng = np.random.default_rng(seed)
    a, b = (counts[0].astype(int) for counts in design.draw(rng, seeds, subjects * images, 1))
    return a, b, [f"subject {i // images}" for i in range(subjects * images)]


def balanced(effects):
    """Counts of equally large subjects whose recall is exactly linear: 1000 pixels, ``effects`` (S, J) of them hit."""
    hit = np.asarray(effects)
    return np.stack([np.full_like(hit, 9000), 0 * hit, 1000 - hit, hit], axis=-1).reshape(*hit.shape, 2, 2)


# Against other implementations


def test_balanced_linear_case_is_the_crossed_analysis_of_variance():
    """Equal subjects and a metric linear in the counts: statsmodels' two-way ANOVA gives the mean squares."""
    import pandas as pd
    import statsmodels.api as sm
    from statsmodels.formula.api import ols

    rng = np.random.default_rng(3)
    seeds, subjects = 6, 9
    table = 500 + 60 * rng.standard_normal((seeds, 1)) + 90 * rng.standard_normal(subjects)
    a = np.round(table + 40 * rng.standard_normal((seeds, subjects))).astype(int)
    b = np.round(400 + 40 * rng.standard_normal((seeds, subjects))).astype(int)
    found = two_level(balanced(a), balanced(b), [f"s{j}" for j in range(subjects)], recall, level=0.8)

    long = pd.DataFrame(
        {"y": ((a - b) / 1000).ravel(), "s": np.repeat(range(seeds), subjects), "j": np.tile(range(subjects), seeds)}
    )
    anova = sm.stats.anova_lm(ols("y ~ C(s) + C(j)", long).fit())
    mean_square = dict(zip(("s", "j", "e"), anova["mean_sq"], strict=True))
    square = mean_square["s"] + mean_square["j"] - mean_square["e"]
    df = square**2 / sum(mean_square[k] ** 2 / f for k, f in (("s", 5), ("j", 8), ("e", 40)))
    half = stats.t.ppf(0.9, df) * math.sqrt(square / (seeds * subjects))
    assert found.effect == pytest.approx(long.y.mean())
    assert found.interval == pytest.approx((long.y.mean() - half, long.y.mean() + half))
    assert found.df == pytest.approx(df)
    assert found.effective_subjects == pytest.approx(subjects)
    assert found.variance_seeds == pytest.approx((mean_square["s"] - mean_square["e"]) / subjects)
    assert found.variance_subjects == pytest.approx((mean_square["j"] - mean_square["e"]) / seeds)
    assert found.variance_rest == pytest.approx(mean_square["e"])
    assert found.test_share == pytest.approx(found.variance_subjects / subjects / (square / (seeds * subjects)))
    assert found.floor == pytest.approx(stats.t.ppf(0.9, subjects - 1) * math.sqrt(found.variance_subjects / subjects))


def test_effect_and_seed_interval_are_those_of_the_metrics_by_run():
    a, b, subjects = arms(images=3)
    found = two_level(a, b, subjects, iou)
    by_run = [iou(x.sum(0)) - iou(y.sum(0)) for x, y in zip(a, b, strict=True)]
    assert found.effect == pytest.approx(np.mean(by_run))
    assert found.seed_interval == pytest.approx(bounds(np.array(by_run), 0.05, 0.05))


def test_pseudo_values_are_those_of_a_loop():
    a, b, _ = arms(seeds=3, subjects=6)
    _, pseudo = pseudo_values(a, b, iou)
    for s in range(3):
        for j in range(6):
            kept = [i for i in range(6) if i != j]
            without = iou(a[s, kept].sum(0)) - iou(b[s, kept].sum(0))
            whole = iou(a[s].sum(0)) - iou(b[s].sum(0))
            assert pseudo[s, j] == pytest.approx(6 * whole - 5 * without)


def test_variance_over_subjects_is_that_of_the_linearised_ratio():
    """Many subjects: jackknife and Taylor series (Kish) agree on the standard error of a ratio."""
    a, _, _ = arms(seeds=2, subjects=400)
    _, pseudo = pseudo_values(a, None, iou)
    hit, union = a[0, :, 1, 1], a[0].sum((1, 2)) - a[0, :, 0, 0]
    residual = (hit - hit.sum() / union.sum() * union) / union.mean()
    assert pseudo[0].std(ddof=1) == pytest.approx(residual.std(ddof=1), rel=0.02)


# Invariances


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_order_scale_and_empty_images_do_not_matter(seed, data):
    a, b, subjects = arms(seeds=4, subjects=6, images=2, seed=seed)
    wanted = two_level(a, b, subjects, iou)
    seeds, images = data.draw(st.permutations(range(4))), data.draw(st.permutations(range(12)))
    shuffled = [counts[seeds][:, images] for counts in (a, b)]
    renamed = [f"x{9 - int(subjects[i][-1])}" for i in images]
    empty = np.zeros_like(a[:, :1])
    empty[..., 0, 0] = 5000  # nothing there and nothing found
    for found in (
        two_level(*shuffled, renamed, iou),
        two_level(7 * a, 7 * b, subjects, iou),
        two_level(*(np.concatenate([c, empty], 1) for c in (a, b)), [*subjects, subjects[0]], iou),
    ):
        assert found.interval == pytest.approx(wanted.interval)
        assert found.df == pytest.approx(wanted.df)
        assert found.limited_by == wanted.limited_by


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_swapped_arms_mirror_the_interval(seed):
    a, b, subjects = arms(seed=seed)
    one, other = two_level(a, b, subjects, iou), two_level(b, a, subjects, iou)
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))
    assert other.test_share == pytest.approx(one.test_share)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), design=st.sampled_from(CLUSTERED), seeds=st.integers(3, 10))
def test_components_are_consistent(seed, design, seeds):
    a, b, subjects = arms(seeds, 12, seed=seed, design=design)
    found = two_level(a, b, subjects, iou)
    if found.limited_by == "too few subjects":
        return
    assert min(found.variance_seeds, found.variance_subjects, found.variance_rest, found.floor) >= 0
    assert 0 <= found.test_share <= 1
    assert found.df >= min(seeds - 1, found.effective_subjects - 1) - 1e-9
    assert 1 <= found.effective_subjects <= 12 + 1e-9
    assert found.interval[0] < found.effect < found.interval[1]
    assert found.interval[0] <= found.seed_interval[0] + 1e-12  # a second source of spread never narrows it
    assert found.interval[1] >= found.seed_interval[1] - 1e-12
    assert (found.limited_by == "test images") == (found.test_share > 0.5)
    assert two_level(a, b, subjects, iou, level=0.5).interval[0] > found.interval[0]


def test_grouping_into_subjects_matters():
    """Six images of each subject that share its luck are not six times the evidence."""
    a, b, _ = arms(5, 8, design=Clustered("", 0.05, 0.3, 0.05))
    a, b = (np.repeat(counts, 6, axis=1) for counts in (a, b))
    images = [str(i) for i in range(48)]
    naive = two_level(a, b, images, iou).interval
    right = two_level(a, b, [str(i // 6) for i in range(48)], iou).interval
    assert right[1] - right[0] > 2 * (naive[1] - naive[0])


def test_one_image_a_subject_is_its_own_cluster():
    a, b, subjects = arms(images=1)
    assert two_level(a, b, subjects, iou).subjects == two_level(a, b, subjects, iou).images == 8


def test_one_arm_alone():
    a, _, subjects = arms()
    found = two_level(a, None, subjects, iou)
    assert found.effect == pytest.approx(iou(a.sum(1)).mean())
    assert found.interval[0] < found.effect < found.interval[1]


# What limits


def test_the_test_set_is_named_where_it_limits():
    a, b, subjects = arms(10, 10, design=Clustered("", 0.02, 0.4, 0.05))
    found = two_level(a, b, subjects, iou)
    assert found.limited_by == "test images"
    assert found.interval[1] - found.interval[0] > 3 * (found.seed_interval[1] - found.seed_interval[0])
    assert 0 < found.floor < (found.interval[1] - found.interval[0]) / 2
    assert "the test set limits it: after any number of seeds it would still be ±" in found.describe()


def test_the_seeds_are_named_where_they_limit():
    a, b, subjects = arms(5, 20, design=Clustered("", 0.3, 0.0, 0.05))
    found = two_level(a, b, subjects, iou)
    assert found.limited_by == "seeds"
    assert "the seeds limit it" in found.describe()
    assert found.interval == pytest.approx(found.seed_interval, abs=0.02)


# Where there is no interval


@pytest.mark.parametrize("count", [1, 2, 4])
def test_few_subjects(count):
    a, b, subjects = arms(subjects=count, images=4)
    found = two_level(a, b, subjects, iou)
    assert found.limited_by == "too few subjects"
    assert found.interval is None
    assert found.seed_interval is not None
    assert found.reason == found.describe()
    assert f"the test images are of {count}, and fewer than 5 cannot stand for others" in found.reason


def test_five_subjects_are_enough():
    a, b, subjects = arms(subjects=5, images=4)
    assert two_level(a, b, subjects, iou).interval is not None


def test_subjects_without_foreground_do_not_count_as_enough():
    a, b, subjects = arms(subjects=8)
    for counts in (a, b):
        counts[:, 4:, 1] = 0
    found = two_level(a, b, subjects, iou)
    assert found.limited_by == "too few subjects"
    assert "only 4 of the 8 test subjects have any foreground" in found.reason
    for counts in (a, b):
        counts[:, :, 1] = 0
    found = two_level(a, b, subjects, recall)
    assert (found.effect, found.interval, found.effective_subjects) == (None, None, 0.0)


def test_some_empty_subjects_widen_the_interval():
    a, b, subjects = arms(subjects=12)
    few = two_level(a[:, :6], b[:, :6], subjects[:6], iou)
    for counts in (a, b):
        counts[:, 6:] = [[5000, 0], [0, 0]]
    found = two_level(a, b, subjects, iou)
    assert found.effect == pytest.approx(few.effect)
    assert found.effective_subjects == pytest.approx(few.effective_subjects)
    # As a sample of 12 with half of them empty the same differences say no more than as a sample of 6.
    assert found.interval == pytest.approx(few.interval, abs=0.1 * (few.interval[1] - few.interval[0]))


def test_one_subject_with_nearly_all_foreground():
    a, b, subjects = arms(subjects=8)
    for counts in (a, b):
        counts[:, 0] *= 1000
    found = two_level(a, b, subjects, iou)
    assert found.limited_by == "too few subjects"
    assert "one of the 8 test subjects holds" in found.reason


def test_no_spread():
    a, b, subjects = arms()
    constant = [counts[:1, :1].repeat(4, axis=0).repeat(8, axis=1) for counts in (a, b)]
    for same in (two_level(a, a, subjects, iou), two_level(*constant, subjects, iou)):
        assert same.interval is None
        assert same.limited_by is None
        assert "Neither the seeds nor the test subjects differ" in same.reason


def test_same_seeds_leave_the_subjects():
    a, b, subjects = arms()
    a, b = a[:1].repeat(4, 0), b[:1].repeat(4, 0)
    found = two_level(a, b, subjects, iou)
    assert found.limited_by == "test images"
    assert found.test_share == pytest.approx(1)
    assert found.variance_seeds == pytest.approx(0)
    assert found.df == pytest.approx(found.effective_subjects - 1)


def test_same_subjects_leave_the_seeds():
    a, b, subjects = arms()
    a, b = a[:, :1].repeat(8, 1), b[:, :1].repeat(8, 1)
    found = two_level(a, b, subjects, iou)
    assert found.limited_by == "seeds"
    assert found.interval == pytest.approx(found.seed_interval)


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds(seeds):
    a, b, subjects = arms(seeds=seeds)
    found = two_level(a, b, subjects, iou)
    assert (found.interval, found.seed_interval, found.limited_by) == (None, None, "seeds")
    assert "at least 3 are needed" in found.reason


def test_a_run_that_finds_nothing():
    """A collapsed run has an IoU of 0, which counts, and no precision, which does not become a number."""
    a, b, subjects = arms()
    b[0, :, :, 0] += b[0, :, :, 1]
    b[0, :, :, 1] = 0
    assert two_level(a, b, subjects, iou).interval is not None
    found = two_level(a, b, subjects, precision)
    assert (found.effect, found.interval, found.limited_by) == (None, None, None)
    assert "no value in some run" in found.reason


def test_a_metric_that_hangs_on_one_subject():
    a, b, subjects = arms()
    b[0, 1:, :, 0] += b[0, 1:, :, 1]
    b[0, 1:, :, 1] = 0
    found = two_level(a, b, subjects, precision)
    assert found.effect is not None
    assert "Without one of the test subjects" in found.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 1.0}, "`level`"),
        ({"subjects": ["x"] * 3}, "`subjects` to name 8 images' subjects, but got 3"),
        ({"b": np.ones((4, 8, 2, 2), int)}, "same seeds, images and classes"),
        ({"a": np.ones((8, 2, 2), int)}, r"`a` to have the shape \(S, N, C, C\), but got \(8, 2, 2\)"),
        ({"b": np.ones((5, 8, 2, 2))}, "`b` to hold counts"),
        ({"a": -np.ones((5, 8, 2, 2), int)}, "`a` to hold counts"),
        ({"a": np.ones((5, 0, 2, 2), int)}, "`a` to have the shape"),
    ],
)
def test_mistakes(change, message):
    a, b, subjects = arms()
    call = {"a": a, "b": b, "subjects": subjects, **change}
    with pytest.raises(ValueError, match=message):
        two_level(**{"value": iou, **call})


def test_fast():
    a, b, subjects = arms(10, 22)
    two_level(a, b, subjects, iou)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        two_level(a, b, subjects, iou)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.05


def test_importing_does_not_import_scipy():
    code = "import sys, harness.relations.two_level; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Calibration

SIMULATIONS = 2000
# The least found over many simulations is .884 (see `two_level`), less simulation error.
LEAST = 0.884 - 4 * math.sqrt(0.09 / SIMULATIONS)


@pytest.mark.parametrize("design", CLUSTERED, ids=lambda design: design.label)
def test_coverage(design):
    """At .90 the truth over seeds and subjects is held: at least .88, whatever differs and however unequal."""
    rng = np.random.default_rng(21)
    for seeds, subjects in ((3, 5), (4, 8), (3, 20), (10, 6), (10, 20)):
        found = coverage(design, seeds, subjects, SIMULATIONS, rng)
        assert found.two_level >= LEAST, f"{seeds} seeds, {subjects} subjects: {found}"
        # Neither side alone errs much more than its 5%, which is what one-sided decisions would use.
        assert max(found.outside) < 0.10


def test_more_seeds_do_not_cover_the_population_of_subjects():
    """Why the two-level interval exists: seeds alone hold the truth in under half of cases, more seeds in fewer."""
    rng = np.random.default_rng(22)
    few, many = (coverage(CLUSTERED[1], seeds, 8, SIMULATIONS, rng) for seeds in (4, 10))
    assert many.seeds_only < few.seeds_only < 0.5
    assert min(few.two_level, many.two_level) > 0.88
    assert many.test_limited > 0.95


def test_it_costs_nothing_where_subjects_do_not_differ():
    found = coverage(CLUSTERED[3], 10, 20, SIMULATIONS, np.random.default_rng(23))
    assert found.two_level == pytest.approx(0.90, abs=0.025)
    assert found.width == pytest.approx(found.seeds_width, rel=0.03)
    assert found.test_limited < 0.01


@pytest.mark.parametrize("design", CLUSTERED, ids=lambda design: design.label)
def test_the_simulation_knows_its_truth(design):
    """Many seeds and subjects come near the value by quadrature."""
    rng = np.random.default_rng(24)
    found = []
    for _ in range(3):
        a, b = (counts[0] for counts in design.draw(rng, 150, 1200, 1))
        found += [iou(a.sum(1)) - iou(b.sum(1))]
    # Means over the seeds of both arms: 450 of them leave .3 · .4 · √(2 / 450) = .008 at the most.
    assert np.mean(found) == pytest.approx(design.truth(), abs=0.03)


def test_unequal_subjects_have_fewer_degrees_of_freedom():
    table = np.random.default_rng(0).standard_normal((4, 6))
    equal, unequal = np.full(6, 1 / 6), np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
    assert components(table, unequal).df < components(table, equal).df
    assert components(table, unequal).error == components(table, equal).error
    assert weights(np.ones((3, 6, 2, 2), int)) == pytest.approx(equal)
