"""``verdicts.html``: one page with everything in it, opened from disk without a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.papers import Table
from harness.report import figures, findings, numerals, panels, phrasing
from harness.report.attempts import Failed, attempt
from harness.report.controls import summary
from harness.report.curves import Curves, curves_svg, drawable
from harness.report.forest import forest_svg
from harness.report.opening import opening
from harness.report.overlays import CHOICE, COLOURS, Overlay, Picture
from harness.report.parts import Part, comparisons, deciding
from harness.report.sections import Sections, rendered
from harness.specs import SMALL
from harness.verdicts import Arm, Row

if TYPE_CHECKING:
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def html(
    rows: Sequence[Row],
    environment: Mapping[str, Any],
    *,
    curves: Mapping[str, Curves | Failed] | None = None,
    overlays: Mapping[str, Sequence[Overlay] | Failed] | None = None,
    sections: Mapping[str, Sections] | None = None,
    commands: Mapping[str, str] | None = None,
    controls: Sequence[Row] = (),
    controls_open: int = 0,
) -> str:
    """The page.

    Args:
        rows: The claims.
        environment: Versions, device, commit, date.
        curves: Learning curves by :attr:`Row.key`, metric and arm.
        overlays: Predictions on test images by :attr:`Row.key`.
        sections: What the cards of classifications show beside the rest, by :attr:`Row.key`.
        commands: The command that runs a claim again, by :attr:`Row.key`.
        controls: The controls that ran beside the claims.
        controls_open: How many more there are that did not come to their end.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is None or name.endswith(".j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    templates.tests["failed"] = lambda part: isinstance(part, Failed)
    widest = _widest(rows)
    claims = []
    for row in rows:
        claims.append(
            {
                "row": row,
                "fragment": _fragment(row.key),
                "slug": _class(str(row.verdict)),
                "arms": [_arm(row, arm) for arm in row.arms],
                "gaps": [_gap(row, arm) for arm in row.arms] if _beside(row) else None,
                "others": list(dict.fromkeys(metric for arm in row.arms for metric in arm.others)),
                "published": figures.effect_text(row),
                "interval_mark": Markup(_interval_mark(row, widest)),
                "forests": _drawn("Seeds and intervals", row, _forests),
                "curves": _drawn("The learning curves", (curves or {}).get(row.key, {}), partial(_curves, row)),
                "overlays": _drawn("The predictions", (overlays or {}).get(row.key, ()), _pictures),
                "sections": rendered(row, (sections or {}).get(row.key, Sections()), templates),
                "choice": CHOICE.format(metric=phrasing.metric_base(row.metric)),
                "tables": [_table(table, figures.used_cells(row)) for table in figures.tables_of(row)],
                "paper_note": claim.note if (claim := figures.claim_of(row)) else "",
                "command": (commands or {}).get(row.key, ""),
                "sort": _sort_keys(row),
                "parts": [(part, phrasing.part_text(row, part)) for part in comparisons(row)],
                "level": row.decision.alpha if row.decision else None,
            }
        )
    return templates.get_template("verdicts.html.j2").render(
        claims=claims,
        rows=rows,
        controls=controls,
        controls_line=summary(controls, controls_open),
        environment=phrasing.pairs(environment),
        cautions=phrasing.cautions(rows),
        opening=opening(rows),
        fragment=_fragment,
        tally=[(verdict, count, _class(str(verdict))) for verdict, count in phrasing.tally(rows)],
        kinds={
            "verdict": [str(verdict) for verdict, _ in phrasing.tally(rows)],
            "evidence": list(dict.fromkeys(row.evidence for row in rows)),
            "scale": list(dict.fromkeys(row.scale for row in rows)),
        },
        trained=numerals.duration(sum(row.seconds_trained for row in rows)),
        saved=numerals.duration(sum(row.seconds_saved for row in rows)),
        unexpected=sum(bool(row.problems) for row in rows),
        numerals=numerals,
        phrasing=phrasing,
        findings=findings,
        colours={name: f"rgb{rgb}" for name, rgb in COLOURS.items()},
    )


def _drawn(what: str, content: Any, draw: Callable[[Any], Any]) -> Any:
    """A part of a card; the sentence of one that could not be gathered, or cannot be drawn."""
    return content if isinstance(content, Failed) else attempt(what, lambda: draw(content))


def _fragment(key: str) -> str:
    """The address of a claim on the page."""
    return "claim=" + quote(key, safe="/@")


def _forests(row: Row) -> list[tuple[str, Markup]]:
    """The forest plots with their titles: the arms, then the comparisons."""
    from markupsafe import Markup

    drawn = [panels.arms_panel(row, published=figures.comparable(row)), *panels.comparison_panels(row)]
    return [
        (panel.title, Markup(forest_svg(panel, f"{row.key} {number}")))
        for number, panel in enumerate(drawn)
        if panel.tracks
    ]


def _curves(row: Row, curves: Curves) -> Markup:
    """The learning curves; empty where there are none."""
    from markupsafe import Markup

    return Markup(curves_svg(row, curves) if drawable(curves) else "")


def _pictures(overlays: Sequence[Overlay]) -> list[tuple[str, list[Picture]]]:
    """The pictures of each test image with its title."""
    return [(overlay.title, overlay.pictures()) for overlay in overlays]


def _arm(row: Row, arm: Arm) -> tuple[Arm, str, tuple[str, ...], str]:
    """An arm with its value, its marks and the paper's value."""
    return arm, phrasing.arm_value(arm), phrasing.arm_marks(arm), figures.arm_text(row, arm)


def _beside(row: Row) -> bool:
    """Whether ours minus the paper's says anything: not of tiny networks, and not of generated images."""
    return row.scale not in SMALL and row.evidence != "phantom"


def _gap(row: Row, arm: Arm) -> str:
    """Ours minus the paper's, where both are on one scale."""
    if arm.mean is None or arm.published is None or not figures.comparable(row):
        return "–"
    return numerals.figure(arm.mean - arm.published, sign=True)


def _sort_keys(row: Row) -> dict[str, str | float]:
    """What the columns are sorted by; no number sorts last. Effects are sorted within their kind, by ``kind``."""
    order = list(phrasing.MARKS)
    return {
        "verdict": order.index(row.verdict),
        "claim": row.name,
        "kind": list(panels.UNITS).index(row.effect_kind),
        "effect": "" if row.effect is None or math.isnan(row.effect) else _number(row.effect),
        "paper": "" if row.published_effect is None else row.published_effect,
        "evidence": f"{row.evidence} {row.scale}",
        "time": row.seconds_trained + row.seconds_saved,
    }


def _number(value: float) -> float | str:
    """A number as JavaScript reads it."""
    return value if math.isfinite(value) else f"{'-' if value < 0 else ''}Infinity"


def _on_axis(row: Row) -> Part | None:
    """The comparison that decided, where it is on the axis that the table's rows share: a difference of a share."""
    part = deciding(row)
    if part is None or part.decision.effect is None or ":" in part.metric:
        return None
    return part if part.decision.effect_kind in ("difference", "shortfall") else None


def _widest(rows: Sequence[Row]) -> float:
    """The half-width of the table's common axis for differences; outliers run off it."""
    ends = [abs(end) for row in rows if (part := _on_axis(row)) is not None for end in _ends(part)]
    return sorted(ends)[int(0.9 * (len(ends) - 1))] * 1.1 or 1.0 if ends else 1.0


def _ends(part: Part) -> list[float]:
    return [
        end for end in (*(part.decision.interval or ()), part.decision.effect) if end is not None and math.isfinite(end)
    ]


def _interval_mark(row: Row, widest: float) -> str:
    """A small picture of effect, interval and margins about zero, on an axis that all rows share."""
    part = _on_axis(row)
    if part is None or part.decision.effect is None:
        return ""
    effect = part.decision.effect

    def x(value: float) -> float:
        return round(50 + 42 * max(-1.0, min(1.0, value / widest)), 1)

    low, high = part.decision.interval or (effect, effect)
    heads = [(50 + 49 * side, 6 * side) for side, end in ((-1, low), (1, high)) if side * end > widest]
    arrows = "".join(f'<path class="open" d="M{tip - long},3 L{tip},7 L{tip - long},11 Z"/>' for tip, long in heads)
    margins = "".join(
        f'<line class="margin" x1="{x(bound)}" x2="{x(bound)}" y1="0" y2="14"/>'
        for bound in part.decision.boundaries
        if abs(bound) <= widest
    )
    return (
        '<svg class="mark" viewBox="0 0 100 14" aria-hidden="true">'
        f'<line class="origin" x1="50" x2="50" y1="0" y2="14"/>{margins}'
        f'<line class="span" x1="{x(low)}" x2="{x(high)}" y1="7" y2="7"/>{arrows}'
        f'<circle class="dot" cx="{x(effect)}" cy="7" r="3.2"/></svg>'
    )


def _table(table: Table, used: Collection[tuple[str, str, str]]) -> dict[str, Any]:
    """A paper's table: each cell as printed, what it is to be read as, and whether the claim uses it."""
    corrected = table.corrected()
    body = []
    for printed, read in zip(table.rows, corrected.rows, strict=True):
        cells = []
        for heading in table.headings:
            figure = printed.figures.get(heading)
            was, now = printed.cells.get(heading, ""), read.cells.get(heading, "")
            recovered = figure is not None and figure.recovered
            cells.append(
                {
                    "text": was,
                    "read": now if now != was else "",
                    "recovered": recovered,
                    "used": (table.id, read.name, heading) in used,
                    "number": heading in table.columns,
                }
            )
        body.append(cells)
    return {
        "title": table.title,
        "place": table.place,
        "unit": figures.unit_text(table),
        "headings": [(heading, heading in table.columns) for heading in table.headings],
        "body": body,
        "recovered": any(cell["recovered"] for cells in body for cell in cells),
        "used": any(cell["used"] for cells in body for cell in cells),
        "readings": [reading.reason for reading in table.readings],
    }


def _class(verdict: str) -> str:
    return verdict.lower().replace(" ", "-")
