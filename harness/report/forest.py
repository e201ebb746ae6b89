"""Forest plots as SVG: every seed of every arm, and every comparison with its interval and its margins."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from harness.relations import EffectKind
from harness.report import numerals, phrasing
from harness.report.axis import Axis
from harness.report.parts import Part, comparisons
from harness.verdicts import Row

WIDTH = 480
LEFT, RIGHT = 20, 342
"""Ends of the axis; right of it stand the figures, so that no line runs through them."""

LETTER = 6.9
"""Mean width of a letter of a label."""

LABEL, STRIP, FOOT = 15, 24, 13
"""Heights: a line of a label, what is drawn, and the names of the margins beneath it."""

LOG_RATIO = 4.0


@dataclass(frozen=True)
class Track:
    """One line of a forest plot.

    Attributes:
        label: What it is.
        dots: One for each seed; infinite ones stand at the edge.
        centre: Mean or effect.
        span: Low and high end of the bar; infinite ones run off the edge.
        published: The paper's own value.
        text: The figures in words.
        remark: What must not be overlooked.
        margins: What the track alone is held against, by value.
        target: The value that it is to reach.
    """

    label: str
    dots: tuple[float, ...] = ()
    centre: float | None = None
    span: tuple[float, float] | None = None
    published: float | None = None
    text: str = ""
    remark: str = ""
    margins: tuple[float, ...] = ()
    target: float | None = None


@dataclass(frozen=True)
class Panel:
    """Tracks on one axis; ``title`` says what is drawn, ``unit`` what the axis counts, ``origin`` names a value."""

    title: str
    unit: str
    tracks: tuple[Track, ...]
    origin: tuple[float, str] | None = None
    log: bool = False
    kind: EffectKind | None = None


def arms_panel(row: Row, *, published: bool) -> Panel:
    """Every seed's value by arm, with mean ± sd; the paper's values too where they are on the same scale."""
    reaching = [part for part in comparisons(row) if part.kind == "shortfall" and part.metric == row.metric]
    targets = {arm: part for part in reaching for arm in part.compares}
    tracks = []
    for arm in row.arms:
        part = targets.get(arm.name)
        target = part.target if part else None
        tracks.append(
            Track(
                label=f"{arm.name}, n = {arm.n}",
                dots=tuple(number for value in arm.values if (number := numerals.as_float(value)) is not None),
                centre=arm.mean,
                span=None if arm.mean is None or arm.sd is None else (arm.mean - arm.sd, arm.mean + arm.sd),
                published=arm.published if published else None,
                text=phrasing.arm_value(arm),
                remark="; ".join(phrasing.arm_marks(arm)),
                margins=tuple(target + bound for bound in part.boundaries) if part and target is not None else (),
                target=target,
            )
        )
    numbers = [value for track in tracks for value in _numbers(track)]
    log = phrasing.counts_epochs(row.metric) and bool(numbers) and 0 < LOG_RATIO * min(numbers) < max(numbers)
    unit = phrasing.metric_title(row.metric)
    return Panel("The arms: each seed, mean ± sd", unit, tuple(tracks), log=log)


def comparison_panels(row: Row, *, published: bool) -> list[Panel]:
    """Every comparison of the decision with its effect, interval and per-seed values; one panel for each unit.

    Args:
        row: The claim.
        published: Whether the paper's own effect is drawn beside each comparison that it gives figures for.
    """
    grouped: dict[tuple[EffectKind, str], list[Part]] = {}
    for part in comparisons(row):
        if part.effect is not None or part.seeds:
            unit = UNITS[part.kind].format(metric=phrasing.metric_title(part.metric))
            grouped.setdefault((part.kind, unit), []).append(part)
    panels = []
    for (kind, unit), parts in grouped.items():
        metrics = {part.metric for part in parts}
        tracks = tuple(
            Track(
                label=part.brief if len(metrics) == 1 and kind != "ratio" else phrasing.part_text(row, part),
                dots=part.seeds,
                centre=part.effect,
                span=part.interval,
                published=part.published if published else None,
                text=numerals.effect(part.effect, kind),
                remark="" if part.interval else "not tested",
                margins=part.boundaries,
            )
            for part in parts
        )
        panels.append(Panel(TITLES[kind], unit, tracks, ORIGIN[kind], kind == "ratio", kind))
    return panels


TITLES: Mapping[EffectKind, str] = {
    "difference": "Differences: each seed, mean and interval",
    "ratio": "Ratios of times: each seed, median and interval",
    "correlation": "Rank correlation τ and its bounds",
    "shortfall": "Distance from the value to reach: each seed, mean and interval",
}

UNITS: Mapping[EffectKind, str] = {
    "difference": "difference in {metric}",
    "ratio": "ratio of epochs",
    "correlation": "Kendall's τ",
    "shortfall": "{metric} less the value",
}

ORIGIN: Mapping[EffectKind, tuple[float, str]] = {
    "difference": (0.0, "no difference"),
    "ratio": (1.0, "equally fast"),
    "correlation": (0.0, "no correlation"),
    "shortfall": (0.0, "the value to reach"),
}


def svg(panel: Panel) -> str:
    """The panel as an ``<svg>`` element; its colours come from the page's style sheet."""
    if not panel.tracks:
        return ""
    axis = _axis(panel)
    drawn: list[str] = []
    top = 2.0
    for track in panel.tracks:
        drawn += _drawn(track, panel, axis, top)
        top += LABEL * len(_label(track)) + STRIP + (FOOT if track.margins or track.target is not None else 0)
    drawn.append(f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{top}" y2="{top}"/>')
    for tick in axis.ticks():
        x = axis(tick)
        drawn.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{top}" y2="{top + 4}"/>')
        drawn.append(f'<text class="tick" x="{x}" y="{top + 15}" text-anchor="middle">{_tick(tick)}</text>')
    unit = panel.unit if panel.origin is None else f"{panel.unit}; {_tick(panel.origin[0])}: {panel.origin[1]}"
    lines = wrap(unit, int((WIDTH - 2 * LEFT) / LETTER))
    for index, line in enumerate(lines):
        drawn.append(f'<text class="unit" x="{LEFT}" y="{top + 30 + 13 * index}">{escape(line)}</text>')
    height = top + 22 + 13 * len(lines)
    words = "; ".join(", ".join([track.label, *_figures(track, panel), track.remark]) for track in panel.tracks)
    label = escape(f"{panel.title}; {panel.unit}. {words}", quote=True)
    start = f'<svg class="forest" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{label}">'
    return "".join([start, *drawn, "</svg>"])


def _axis(panel: Panel) -> Axis:
    fixed = [_fixed(track) for track in panel.tracks]
    whole = [_numbers(track) for track in panel.tracks]
    if panel.origin is not None:
        fixed.append([panel.origin[0]])
    return Axis.around(fixed, whole, panel.log, LEFT, RIGHT)


def _drawn(track: Track, panel: Panel, axis: Axis, top: float) -> Iterator[str]:
    lines = _label(track)
    for index, line in enumerate(lines):
        remark = ""
        if track.remark and index == len(lines) - 1:
            remark = f'<tspan class="remark" dx="6">{escape(track.remark)}</tspan>'
        yield f'<text class="label" x="{LEFT}" y="{top + 12 + LABEL * index}">{escape(line)}{remark}</text>'
    strip = top + LABEL * len(lines)
    y, foot = strip + STRIP / 2, strip + STRIP
    figures = _figures(track, panel)
    for index, line in enumerate(figures):
        baseline = y + 4 + 13 * (index - (len(figures) - 1) / 2)
        yield f'<text class="value" x="{RIGHT + 14}" y="{baseline}">{escape(line)}</text>'
    if panel.origin is not None:
        x = axis(panel.origin[0])
        yield f'<line class="origin" x1="{x}" x2="{x}" y1="{strip}" y2="{foot}"/>'
    named = {margin: f"margin {_named(margin, panel)}" for margin in track.margins}
    if len(named) == 2 and sum(track.margins) == 0:
        named = {margin: f"{_named(margin, panel)}" for margin in named}
    for margin in named:
        x = axis(margin)
        yield f'<line class="margin" x1="{x}" x2="{x}" y1="{strip}" y2="{foot}"/>'
    if track.target is not None:
        x = axis(track.target)
        yield f'<line class="origin" x1="{x}" x2="{x}" y1="{strip}" y2="{foot}"/>'
        named[track.target] = "value to reach"
    yield from _names({axis(value): name for value, name in sorted(named.items())}, foot + 9)
    if track.span:
        yield from _bar(track.span, axis, y)
    for value in track.dots:
        if math.isinf(value):
            shape = _arrow(RIGHT if value > 0 else LEFT, 7 if value > 0 else -7, y)
            yield f'<path class="never" d="{shape}"><title>never</title></path>'
        else:
            dot = f'<circle class="seed" cx="{axis(value)}" cy="{y}" r="3.6">'
            yield f"{dot}<title>{numerals.figure(value)}</title></circle>"
    if track.published is not None and math.isfinite(track.published):
        x = axis(track.published)
        shape = f"M{x},{y - 7} L{x + 6},{y} L{x},{y + 7} L{x - 6},{y} Z"
        yield f'<path class="published" d="{shape}"><title>paper {numerals.figure(track.published)}</title></path>'
    if track.centre is not None and math.isfinite(track.centre):
        x = axis(track.centre)
        yield f'<line class="centre" x1="{x}" x2="{x}" y1="{y - 8}" y2="{y + 8}"/>'


def _bar(span: tuple[float, float], axis: Axis, y: float) -> Iterator[str]:
    """The interval; where it goes on beyond the axis it ends in an arrowhead."""
    if axis.beyond(span[0]) * axis.beyond(span[1]) <= 0:
        yield f'<line class="span" x1="{axis(span[0])}" x2="{axis(span[1])}" y1="{y}" y2="{y}"/>'
    for side, edge in ((-1, LEFT), (1, RIGHT)):
        if side in (axis.beyond(span[0]), axis.beyond(span[1])):
            yield f'<path class="open" d="{_arrow(edge + 6 * side, 8 * side, y)}"><title>goes on</title></path>'


def _arrow(tip: float, length: float, y: float) -> str:
    return f"M{tip - length},{y - 4.5} L{tip},{y} L{tip - length},{y + 4.5} Z"


def _names(places: Mapping[float, str], y: float) -> Iterator[str]:
    """Names centred beneath their lines, moved along only as far as they would meet or leave the picture."""
    edge = 0.0
    for x, name in places.items():
        half = LETTER * 0.85 * len(name) / 2
        middle = min(max(x, edge + half), WIDTH - half)
        edge = middle + half + 6
        yield f'<text class="tick" x="{middle:.1f}" y="{y}" text-anchor="middle">{escape(name)}</text>'


def _label(track: Track) -> list[str]:
    """The label in at most three lines; a longer one is shortened in the middle."""
    letters = int((WIDTH - LEFT) / LETTER)
    room = letters - len(track.remark) - 1 if track.remark else letters
    whole = re.sub(r"\[[^]]*\]", lambda found: found[0].replace(" ", "\u00a0"), track.label)
    lines = wrap(whole, max(30, room), break_on_hyphens=False) or [""]
    return lines if len(lines) <= 3 else [lines[0], f"{lines[1][: letters - 2]} …", lines[-1]]


def _figures(track: Track, panel: Panel) -> list[str]:
    """What stands right of the axis: a value, and beneath an effect its interval."""
    if panel.kind is None or track.span is None:
        return [track.text]
    return [track.text, numerals.interval(*track.span, panel.kind)]


def _named(value: float, panel: Panel) -> str:
    return numerals.effect(value, panel.kind) if panel.kind else numerals.figure(value)


def _fixed(track: Track) -> list[float]:
    """What must be on the axis."""
    values = [*track.dots, track.centre, track.published, track.target, *track.margins]
    return [value for value in values if value is not None and math.isfinite(value)]


def _numbers(track: Track) -> list[float]:
    return [*_fixed(track), *(value for value in track.span or () if math.isfinite(value))]


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−")
