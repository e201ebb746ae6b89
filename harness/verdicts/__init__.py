"""Rows of the claim-verdict table: how they are judged, compared with what was recorded, and counted in families."""

from harness.verdicts.judgement import Arm, Row, blank, judge, published_claim, published_effect

__all__ = ["Arm", "Row", "blank", "judge", "published_claim", "published_effect"]
