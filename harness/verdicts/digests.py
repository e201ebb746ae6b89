"""What a claim asks, as digests: they tell whether a recorded verdict answers the same question."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from harness.specs import digest, recipes

if TYPE_CHECKING:
    from harness.verdicts.question import Question

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
    registration: str = ""

    def differences(self, other: QuestionDigest) -> tuple[str, ...]:
        """The parts in which another question differs, in words."""
        words = {"plan": "plan of seeds", "datasets": "data sets"}
        names = (each.name for each in fields(self))
        return tuple(words.get(name, name) for name in names if getattr(self, name) != getattr(other, name))


def question_digest(question: Question) -> QuestionDigest:
    """The digests of what a claim asks.

    Statements, labels, notes and titles do not count, nor do versions of the code: an arm is identified by its spec.
    A margin, a gain, an arm, a plan of seeds, a recipe or a registration that changes makes another question.
    """
    arms = question.arms
    parts = {
        "claim": (question.id, question.variant, question.scale, question.evidence.kind),
        "relation": question.relation,
        "measure": question.measure,
        "plan": (question.looks.at, question.looks.early),
        "datasets": sorted({recipe.data.name for arm in arms.values() for recipe in recipes(arm)}),
        "arms": arms,
        "registration": question.registration,
    }
    return QuestionDigest(**{name: digest(part)[:LENGTH] for name, part in parts.items()})
