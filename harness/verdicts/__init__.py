"""Rows of the claim-verdict table: how they are judged, compared with what was recorded, and counted in families."""

from harness.verdicts.agreement import Agreement
from harness.verdicts.digests import QuestionDigest, question_digest
from harness.verdicts.judgement import blank, judge, published_claim, published_effect
from harness.verdicts.rows import Arm, Row
from harness.verdicts.subjects import SubjectDifference

__all__ = [
    "Agreement",
    "Arm",
    "QuestionDigest",
    "Row",
    "SubjectDifference",
    "blank",
    "judge",
    "published_claim",
    "published_effect",
    "question_digest",
]
