"""harness.verdicts.controls: which controls failed, and what that means for the verdicts beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic import question, recipe

from harness.relations import Verdict
from harness.verdicts import blank
from harness.verdicts.controls import PLANTED, failed, is_control, stamp, stamped
from harness.verdicts.golden import disagreements

ARMS = {"good": recipe(0.6), "bad": recipe(0.3)}
CLAIM = replace(blank(question(ARMS)), verdict=Verdict.SUPPORTED)


def control(slug: str, verdict: Verdict):
    return replace(CLAIM, id=f"controls/{slug}", verdict=verdict)


def test_a_control_is_one_of_the_pseudo_paper() -> None:
    assert is_control(control("a", Verdict.SUPPORTED).name)
    assert not is_control(CLAIM.name)
    assert not is_control("controls-of-others/a")


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.SUPPORTED])
def test_whatever_is_not_supported_has_failed_and_stamps_every_verdict(verdict: Verdict) -> None:
    controls = [control("a", Verdict.SUPPORTED), control("b", verdict)]
    assert [row.name for row in failed(controls)] == ["controls/b"]
    assert stamp(controls) == "not to be trusted: the control b failed"
    assert [row.stamp for row in stamped([CLAIM, CLAIM], controls)] == [stamp(controls)] * 2


def test_controls_as_planted_leave_the_rows_alone() -> None:
    assert stamped([CLAIM], [control("a", Verdict.SUPPORTED)]) == [CLAIM]
    assert stamped([CLAIM], []) == [CLAIM]


def test_several_are_named() -> None:
    controls = [control(slug, Verdict.REFUTED) for slug in ("a", "b")]
    assert stamp(controls) == "not to be trusted: the controls a, b failed"


def test_a_control_that_stays_open_disagrees_with_what_is_planted() -> None:
    (problem,) = disagreements(control("a", Verdict.INCONCLUSIVE), PLANTED)
    assert problem == "verdict: expected SUPPORTED (planted), but got INCONCLUSIVE"
    assert not disagreements(control("a", Verdict.SUPPORTED), PLANTED)


def test_controls_without_an_end_stamp_every_verdict() -> None:
    """A worker that died in a control left it without a row, and the report said 12 of 12 as planted."""
    (row,) = stamped([CLAIM], [control("a", Verdict.SUPPORTED)], unfinished=1)
    assert row.stamp == "not to be trusted: 1 control did not end"
