"""What a claim asks, as digests: they tell whether a recorded verdict answers the same question."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from harness.plan import Comparison
from harness.specs import digest, to_dict

LENGTH = 16
"""Hexadecimal digits of a part's digest: enough to tell a few thousand questions apart, and short to read."""


@dataclass(frozen=True)
class QuestionDigest:
    """A digest of each part of a question; see :func:`question_digest`."""

    claim: str = ""
    relation: str = ""
    measure: str = ""
    plan: str = ""
    datasets: str = ""
    arms: str = ""

    def differences(self, other: QuestionDigest) -> tuple[str, ...]:
        """The parts in which another question differs, in words."""
        words = {"plan": "plan of seeds", "datasets": "data sets"}
        names = (each.name for each in fields(self))
        return tuple(words.get(name, name) for name in names if getattr(self, name) != getattr(other, name))


def question_digest(comparison: Comparison) -> QuestionDigest:
    """The digests of what a claim asks.

    Statements, labels, notes and titles do not count, nor do versions of the code: an arm is identified by its recipe.
    A margin, an arm, a plan of seeds or a recipe that changes makes another question.
    """
    recipes = comparison.arms.values()
    parts = {
        "claim": (comparison.id, comparison.variant, comparison.scale, comparison.evidence.kind),
        "relation": comparison.relation,
        "measure": comparison.metric,
        "plan": (comparison.looks.at, comparison.looks.shares),
        "datasets": sorted({step.data.name for recipe in recipes for step in recipe.lineage()}),
        "arms": {name: to_dict(recipe, identity=True) for name, recipe in comparison.arms.items()},
    }
    return QuestionDigest(**{name: digest(_canonical(part))[:LENGTH] for name, part in parts.items()})


def _canonical(value: Any) -> Any:
    """Plain types in which a dataclass has its class's name, and a field only where it differs from its default."""
    if is_dataclass(value) and not isinstance(value, type):
        content = {each.name: getattr(value, each.name) for each in fields(value)}
        defaults = {each.name: each.default for each in fields(value) if each.default is not MISSING}
        changed = {name: _canonical(item) for name, item in content.items() if item != defaults.get(name, MISSING)}
        return {"kind": type(value).__name__, **changed}
    if isinstance(value, (tuple, list)):
        return [_canonical(item) for item in value]
    return value
