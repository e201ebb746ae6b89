"""What a claim's paper printed: its figures and the tables that its place names."""

from __future__ import annotations

import re
from functools import cache

from harness import papers
from harness.report import numerals
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


def used_cells(row: Row) -> frozenset[tuple[str, str, str]]:
    """The cells from which the paper's values by arm were read: table, row and column, as the table is to be read."""
    claim = claim_of(row)
    origins = claim.origins.values() if claim else ()
    return frozenset((origin.table, origin.row, origin.column) for origin in origins if origin.table)


def unit_text(table: papers.Table) -> str:
    """The unit of a table's figures, as in ``in percent``; empty where they have several or none."""
    units = {column.unit for column in table.columns.values()} - {"none"}
    return {"percent": "in percent", "fraction": "fractions of 1"}.get(units.pop(), "") if len(units) == 1 else ""


def effect_text(row: Row) -> str:
    """The paper's own figure of the comparison whose effect the row shows; empty where it gives none."""
    if row.published_effect is None:
        return ""
    text = numerals.effect(row.published_effect, row.effect_kind)
    return f"ρ {text}" if row.effect_kind == "correlation" else text


def arm_text(row: Row, arm: Arm) -> str:
    """The paper's value for an arm with its unit, where it is not a fraction; empty where it gives none."""
    if arm.published is None:
        return ""
    claim = claim_of(row)
    unit = claim.unit if claim and claim.unit != "fraction" else ""
    return f"{numerals.figure(arm.published, whole=bool(unit))} {unit}".strip()


def comparable(row: Row) -> bool:
    """Whether the paper's values by arm are on the scale of the row's metric."""
    claim = claim_of(row)
    return claim is not None and claim.unit == "fraction" and ":" not in row.metric


@cache
def _paper(name: str) -> papers.Paper | None:
    return papers.load(name) if name in papers.paper_ids() else None
