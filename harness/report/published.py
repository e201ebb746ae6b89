"""What a claim's paper printed: its figures and the tables that its place names."""

from __future__ import annotations

import re
from functools import cache

from harness import papers
from harness.report import phrasing
from harness.verdicts import Arm, Row


def claim_of(row: Row) -> papers.PublishedClaim | None:
    """The claim as the golden file of its paper has it; ``None`` for a paper without one."""
    paper = _paper(row.id.partition("/")[0])
    return paper.claims.get(row.id.partition("/")[2]) if paper else None


def tables_of(row: Row) -> list[papers.Table]:
    """The paper's tables that the place of the claim names, as printed; the only table where it names none."""
    paper, claim = _paper(row.id.partition("/")[0]), claim_of(row)
    if paper is None or claim is None:
        return []
    named = re.search(r"\b[Tt]ables? ((?:\d+|, | and )+)", claim.place)
    if named:
        wanted = re.findall(r"\d+", named.group(1))
        return [table for table in paper.tables if table.id in wanted]
    return list(paper.tables) if re.search(r"\btable\b", claim.place) and len(paper.tables) == 1 else []


def effect_text(row: Row) -> str:
    """The paper's own figure of the comparison whose effect the row shows; empty where it gives none."""
    if row.published_effect is None:
        return ""
    text = phrasing.effect_figure(row.published_effect, row.effect_kind)
    return f"ρ {text}" if row.effect_kind == "correlation" else text


def arm_text(row: Row, arm: Arm) -> str:
    """The paper's value for an arm with its unit, where it is not a fraction; empty where it gives none."""
    if arm.published is None:
        return ""
    claim = claim_of(row)
    unit = claim.unit if claim and claim.unit != "fraction" else ""
    return f"{phrasing.figure(arm.published, whole=bool(unit))} {unit}".strip()


def comparable(row: Row) -> bool:
    """Whether the paper's values by arm are on the scale of the row's metric."""
    claim = claim_of(row)
    return claim is not None and claim.unit == "fraction" and ":" not in row.metric


@cache
def _paper(name: str) -> papers.Paper | None:
    return papers.load(name) if name in papers.paper_ids() else None
