"""benchmarks.spread: what a pilot tells, and that it cannot tell which arm does better."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import synthetic

from benchmarks.spread import CLAIMS, PILOT, Pilot, change, spread
from harness.specs import job, parse

MEASURE = parse("IoU.fluid")
SCORES = {"one": [0.50, 0.52, 0.57, 0.55], "other": [0.41, 0.44, 0.43, 0.47], "third": [0.30, 0.38, 0.33, 0.36]}


def records(scores):
    """A record for each score, by arm."""
    ids = {arm: job(synthetic.recipe(0.1), seed) for seed, arm in enumerate(scores)}
    return {arm: [synthetic.record(ids[arm], "k", score) for score in row] for arm, row in scores.items()}


def measured(scores):
    """The values that the records really hold: scores come from whole pixels."""
    return np.array([[each.value(MEASURE) for each in row] for row in records(scores).values()])


def test_it_agrees_with_numpy():
    found, table = spread(records(SCORES), MEASURE), measured(SCORES)
    assert list(found.sd.values()) == pytest.approx(table.std(axis=1, ddof=1))
    assert found.mean == pytest.approx(table.mean())
    off_diagonal = np.corrcoef(table)[np.triu_indices(3, 1)]
    assert found.correlation == pytest.approx(off_diagonal.mean())
    pairs = [(table[0] - table[1]), (table[0] - table[2]), (table[1] - table[2])]
    assert found.paired_sd == pytest.approx(np.sqrt(np.mean([np.var(each, ddof=1) for each in pairs])))


def test_it_does_not_tell_which_arm_is_better():
    """Arms that trade their levels leave every printed line as it was."""
    low, high = np.array([0.30, 0.32, 0.37]), np.array([0.60, 0.62, 0.67])
    one = spread(records({"a": low, "b": high}), MEASURE).lines()
    other = spread(records({"a": high, "b": low}), MEASURE).lines()
    assert one == other


def test_collapsed_and_failed_runs_are_counted_and_a_failed_one_has_no_value():
    runs = records(SCORES)
    runs["one"][0] = replace(runs["one"][0], collapsed=True)
    runs["other"][3] = replace(runs["other"][3], status="failed", curve=[])
    found = spread(runs, MEASURE)
    assert found.collapsed == {"one": 1, "other": 1, "third": 0}
    assert found.sd["other"] == pytest.approx(measured(SCORES)[1, :3].std(ddof=1))
    assert np.isfinite([found.mean, found.correlation, found.paired_sd]).all()


def test_pilot_seeds_are_those_of_no_claim_and_come_seed_by_seed():
    pilot = Pilot("smoke", {"a": synthetic.recipe(0.1), "b": synthetic.recipe(0.2)}, 2)
    jobs = list(pilot.jobs(2))
    assert [each.seed for each in jobs] == [PILOT, PILOT, PILOT + 1, PILOT + 1]
    assert PILOT > 1000 * 800  # further than any registration will come
    assert pilot.wanted(lambda each: None) == 2
    assert pilot.wanted(lambda each: synthetic.record(each, "k")) == 0


def test_settings_change_the_scale_in_this_process_only(monkeypatch):
    monkeypatch.syspath_prepend(str(CLAIMS))
    import huang_dme

    monkeypatch.setattr(huang_dme, "SMALL", dict(huang_dme.SMALL))
    before = huang_dme.SMALL["smoke"]
    change("huang-dme", "smoke", ["epochs=9", "image=(40, 60)", "network=(4, 2)"])
    changed = huang_dme.SMALL["smoke"]
    assert (changed.epochs, changed.image, changed.network) == (9, (40, 60), type(before.network)(4, 2))
    assert replace(changed, epochs=before.epochs, image=before.image, network=before.network) == before
