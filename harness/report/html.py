"""``verdicts.html``: one page with everything in it, opened from disk without a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.papers import Table
from harness.report import forest, phrasing, published
from harness.report.curves import Curves, curves_svg
from harness.report.overlays import COLOURS, Overlay
from harness.verdicts import Arm, Row

if TYPE_CHECKING:
    from markdown_it.token import Token

TEMPLATES = Path(__file__).parent / "templates"


def html(
    rows: Sequence[Row],
    environment: Mapping[str, Any],
    *,
    curves: Mapping[str, Curves] | None = None,
    overlays: Mapping[str, Sequence[Overlay]] | None = None,
    findings: str | None = None,
    commands: Mapping[str, str] | None = None,
) -> str:
    """The page.

    Args:
        rows: The claims.
        environment: Versions, device, commit, date.
        curves: Learning curves by :attr:`Row.key` and arm.
        overlays: Predictions on test images by :attr:`Row.key`.
        findings: What the audit found in the papers' own figures, as Markdown.
        commands: The command that runs a claim again, by :attr:`Row.key`.
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
    widest = _widest(rows)
    claims = []
    for row in rows:
        drawn = (curves or {}).get(row.key, {})
        claims.append(
            {
                "row": row,
                "fragment": "claim=" + quote(row.key, safe="/@"),
                "slug": _class(str(row.verdict)),
                "arms": [_arm(row, arm) for arm in row.arms],
                "gaps": [_gap(row, arm) for arm in row.arms],
                "published": published.effect_text(row),
                "interval_mark": Markup(_interval_mark(row, widest)),
                "forests": [(panel.title, Markup(forest.svg(panel))) for panel in _panels(row) if panel.tracks],
                "curves": Markup(curves_svg(row, drawn)) if any(p for seeds in drawn.values() for p in seeds) else "",
                "overlays": [(overlay.title, overlay.pictures()) for overlay in (overlays or {}).get(row.key, ())],
                "tables": [_table(table) for table in published.tables_of(row)],
                "command": (commands or {}).get(row.key, ""),
                "sort": _sort_keys(row),
                "parts": phrasing.comparisons(row),
            }
        )
    return templates.get_template("verdicts.html.j2").render(
        claims=claims,
        rows=rows,
        environment=_pairs(environment),
        tally=[(verdict, count, _class(str(verdict))) for verdict, count in phrasing.tally(rows)],
        kinds={
            "verdict": [str(verdict) for verdict, _ in phrasing.tally(rows)],
            "evidence": list(dict.fromkeys(row.evidence for row in rows)),
            "scale": list(dict.fromkeys(row.scale for row in rows)),
        },
        trained=phrasing.duration(sum(row.seconds_trained for row in rows)),
        saved=phrasing.duration(sum(row.seconds_saved for row in rows)),
        unexpected=sum(bool(row.problems) for row in rows),
        findings=Markup(_findings(findings)) if findings else "",
        pairs=_pairs,
        phrasing=phrasing,
        colours={name: f"rgb{rgb}" for name, rgb in COLOURS.items() if name != "truth"},
    )


def _panels(row: Row) -> list[forest.Panel]:
    panels = forest.comparison_panels(row, published=True)
    return [forest.arms_panel(row, published=published.comparable(row)), *panels]


def _arm(row: Row, arm: Arm) -> tuple[Arm, str, tuple[str, ...], str]:
    """An arm with its value, its marks and the paper's value."""
    return arm, phrasing.arm_value(arm), phrasing.arm_marks(arm), published.arm_text(row, arm)


def _gap(row: Row, arm: Arm) -> str:
    """Ours minus the paper's, where both are on one scale."""
    if arm.mean is None or arm.published is None or not published.comparable(row):
        return "–"
    return phrasing.figure(arm.mean - arm.published, sign=True)


def _sort_keys(row: Row) -> dict[str, str | float]:
    """What the columns are sorted by; no number sorts last."""
    order = list(phrasing.MARKS)
    return {
        "verdict": order.index(row.verdict),
        "claim": row.name,
        "effect": "" if row.effect is None or not math.isfinite(row.effect) else row.effect,
        "paper": "" if row.published_effect is None else row.published_effect,
        "evidence": f"{row.evidence} {row.scale}",
        "time": row.seconds_trained + row.seconds_saved,
    }


def _widest(rows: Sequence[Row]) -> float:
    """The half-width of the table's common axis for differences; outliers run off it."""
    ends = [abs(end) for row in rows if row.effect_kind in ("difference", "shortfall") for end in _ends(row)]
    return sorted(ends)[int(0.9 * (len(ends) - 1))] * 1.1 or 1.0 if ends else 1.0


def _ends(row: Row) -> list[float]:
    numbers = [phrasing.as_float(end) for end in (row.interval or ())] + [phrasing.as_float(row.effect)]
    return [number for number in numbers if number is not None and math.isfinite(number)]


def _interval_mark(row: Row, widest: float) -> str:
    """A small picture of effect and interval about zero, on an axis that all rows share."""
    if row.effect is None or not math.isfinite(row.effect) or ":" in row.metric:
        return ""
    if row.effect_kind not in ("difference", "shortfall"):
        return ""

    def x(value: float) -> float:
        return round(50 + 48 * max(-1.0, min(1.0, value / widest)), 1)

    low, high = (phrasing.as_float(end) for end in row.interval or (row.effect, row.effect))
    left, right = x(-math.inf if low is None else low), x(math.inf if high is None else high)
    return (
        '<svg class="mark" viewBox="0 0 100 14" aria-hidden="true">'
        '<line class="origin" x1="50" x2="50" y1="0" y2="14"/>'
        f'<line class="span" x1="{left}" x2="{right}" y1="7" y2="7"/>'
        f'<circle class="dot" cx="{x(row.effect)}" cy="7" r="3.2"/></svg>'
    )


def _table(table: Table) -> dict[str, Any]:
    """A paper's table: each cell as printed, what it is to be read as, and whether it was recovered."""
    corrected = table.corrected()
    body = []
    for printed, read in zip(table.rows, corrected.rows, strict=True):
        cells = []
        for heading in table.headings:
            figure = printed.figures.get(heading)
            was, now = printed.cells.get(heading, ""), read.cells.get(heading, "")
            recovered = figure is not None and figure.recovered
            cells.append({"text": was, "read": now if now != was else "", "recovered": recovered})
        body.append(cells)
    return {
        "title": table.title,
        "place": table.place,
        "headings": table.headings,
        "body": body,
        "recovered": any(cell["recovered"] for cells in body for cell in cells),
        "readings": [reading.reason for reading in table.readings],
    }


def _pairs(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values as text, nested mappings and lists in one line."""

    def text(value: Any) -> str:
        if isinstance(value, Mapping):
            return ", ".join(f"{name} {text(item)}" for name, item in value.items())
        if isinstance(value, (list, tuple)):
            return ", ".join(text(item) for item in value)
        return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)

    return [(name.replace("_", " "), text(value)) for name, value in content.items() if value not in (None, "", [], {})]


def _findings(text: str) -> str:
    """Markdown as HTML: raw HTML stays text, there are no images, and headings go below the page's own."""
    from markdown_it import MarkdownIt

    outward = ["image", "link", "autolink", "reference"]
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(outward)
    tokens: list[Token] = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    return str(parser.renderer.render(tokens, parser.options, {}))


def _class(verdict: str) -> str:
    return verdict.lower().replace(" ", "-")
