"""harness.verdicts.recorded: what is recorded of a row, and how far its means may move."""

from __future__ import annotations

import pytest
from synthetic import question, recipe, record

from harness.converter import build, plain
from harness.relations import Looks, Verdict
from harness.verdicts import judge
from harness.verdicts.recorded import Recording, entry_of, tolerance


def test_the_tolerance_follows_the_spread_with_a_floor():
    assert tolerance(0.1, 8) == pytest.approx(4 * 0.1 * 0.5)
    assert tolerance(0.0, 3) == tolerance(None, 0) == 0.01
    assert tolerance(0.0, 3, 200.0) == 2.0


def test_an_entry_holds_what_was_measured_and_asked_and_survives_json():
    claim = question({"good": recipe(0.6), "bad": recipe(0.3)}, looks=Looks.fixed(4))

    def find(run):
        return record(run, f"{run.recipe.optimiser.lr}/{run.seed}")

    row = judge(claim, claim.stand(find), find, lambda run: find(run).key, "now")
    entry = entry_of(row)
    assert (entry.verdict, entry.question, entry.seeds, entry.effect) == (
        Verdict.SUPPORTED,
        row.question,
        4,
        row.effect,
    )
    good = entry.arms["good"]
    assert (good.mean, good.values, good.n) == (row.arms[0].mean, row.arms[0].values, 4)
    pooled = ((row.arms[0].sd ** 2 + row.arms[1].sd ** 2) / 2) ** 0.5
    assert good.tolerance == pytest.approx(tolerance(max(row.arms[0].sd, pooled), 4))
    assert build(plain(Recording({row.name: entry})), Recording).claims == {row.name: entry}
