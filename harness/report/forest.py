"""Forest plots as SVG: every seed of every arm, and every comparison with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape

from harness.relations import EffectKind
from harness.report import phrasing
from harness.report.phrasing import Part
from harness.verdicts import Row

WIDTH, LEFT, RIGHT = 540, 10, 530
LINE, TOP = 40, 6
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
    """

    label: str
    dots: tuple[float, ...] = ()
    centre: float | None = None
    span: tuple[float, float] | None = None
    published: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Panel:
    """Tracks on one axis; ``lines`` are reference values with their names."""

    title: str
    tracks: tuple[Track, ...]
    lines: Mapping[float, str] = field(default_factory=dict)
    log: bool = False


def arms_panel(row: Row, *, published: bool) -> Panel:
    """Every seed's value by arm, with mean ± sd; the paper's values too where they are on the same scale."""
    tracks = []
    for arm in row.arms:
        values = [number for value in arm.values if (number := phrasing.as_float(value)) is not None]
        span = None if arm.mean is None or arm.sd is None else (arm.mean - arm.sd, arm.mean + arm.sd)
        text = "; ".join([f"{phrasing.arm_value(arm)}, n = {arm.n}", *phrasing.arm_marks(arm)])
        tracks.append(Track(arm.name, tuple(values), arm.mean, span, arm.published if published else None, text))
    numbers = [value for track in tracks for value in _numbers(track)]
    targets = [part.target for part in phrasing.comparisons(row) if part.metric == row.metric]
    lines = {target: "value to reach" for target in targets if target is not None}
    log = phrasing.counts_epochs(row.metric) and bool(numbers) and 0 < LOG_RATIO * min(numbers) < max(numbers)
    return Panel(f"{phrasing.metric_title(row.metric)}, each seed, mean ± sd", tuple(tracks), lines, log)


def comparison_panels(row: Row, *, published: bool) -> list[Panel]:
    """Every comparison of the decision with its effect, interval and per-seed values; one panel for each kind.

    Args:
        row: The claim.
        published: Whether the paper's own effect is drawn beside each comparison that it gives figures for.
    """
    grouped: dict[EffectKind, list[Part]] = {}
    for part in phrasing.comparisons(row):
        if part.effect is not None:
            grouped.setdefault(part.kind, []).append(part)
    panels = []
    for kind, parts in grouped.items():
        tracks, lines = [], dict(ORIGIN[kind])
        for part in parts:
            own = part.metric == row.metric
            effect, low, high = (phrasing.effect_figure(end, kind) for end in (part.effect, *part.interval))
            theirs = part.published if published else None
            label = part.label if own else f"{part.label} [{phrasing.metric_title(part.metric)}]"
            tracks.append(Track(label, part.seeds, part.effect, part.interval, theirs, f"{effect} [{low}, {high}]"))
            lines.update({bound: f"margin {phrasing.effect_figure(bound, kind)}" for bound in part.boundaries})
        panels.append(Panel(TITLES[kind], tuple(tracks), lines, kind == "ratio"))
    return panels


TITLES: Mapping[EffectKind, str] = {
    "difference": "Differences: each seed, mean and interval",
    "ratio": "Ratios of times: each seed, median and interval",
    "correlation": "Rank correlation τ and its bounds",
    "shortfall": "Distance from the value to reach: each seed, mean and interval",
}

ORIGIN: Mapping[EffectKind, Mapping[float, str]] = {
    "difference": {0.0: "no difference"},
    "ratio": {1.0: "equally fast"},
    "correlation": {0.0: "no correlation"},
    "shortfall": {0.0: "the value"},
}


def svg(panel: Panel) -> str:
    """The panel as an ``<svg>`` element; its colours come from the page's style sheet."""
    if not panel.tracks:
        return ""
    axis = _Axis.around(panel)
    bottom = TOP + LINE * len(panel.tracks)
    words = "; ".join(f"{track.label}: {track.text}" for track in panel.tracks)
    label = escape(f"{panel.title}. {words}", quote=True)
    parts = [f'<svg class="forest" viewBox="0 0 {WIDTH} {bottom + 34}" role="img" aria-label="{label}">']
    for value, name in panel.lines.items():
        x = axis(value)
        line = f'<line class="{"origin" if name in _ORIGINS else "margin"}" x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}">'
        parts.append(f"{line}<title>{escape(name)}</title></line>")
    for index, track in enumerate(panel.tracks):
        parts += _drawn(track, axis, TOP + LINE * index)
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{bottom}" y2="{bottom}"/>')
    for tick in axis.ticks():
        x = axis(tick)
        anchor = "start" if x < 30 else "end" if x > WIDTH - 30 else "middle"
        parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 4}"/>')
        parts.append(f'<text class="tick" x="{x}" y="{bottom + 16}" text-anchor="{anchor}">{_tick(tick)}</text>')
    for value, name in panel.lines.items():
        x = axis(value)
        anchor = "start" if x < 60 else "end" if x > WIDTH - 60 else "middle"
        if name in _ORIGINS or len(panel.lines) == 1:
            parts.append(f'<text class="tick" x="{x}" y="{bottom + 30}" text-anchor="{anchor}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


_ORIGINS = {name for lines in ORIGIN.values() for name in lines.values()}


@dataclass(frozen=True)
class _Axis:
    """From values to horizontal positions."""

    low: float
    high: float
    log: bool

    @classmethod
    def around(cls, panel: Panel) -> _Axis:
        """An axis that holds everything finite of the panel."""
        numbers = [value for track in panel.tracks for value in _numbers(track)]
        numbers += [value for value in panel.lines if not panel.log or value > 0]
        if panel.log:
            numbers = [value for value in numbers if value > 0]
        low, high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
        if panel.log:
            low, high = math.log10(low), math.log10(high)
        room = 0.06 * (high - low) or max(0.05, 0.1 * abs(high))
        return cls(low - room, high + room, panel.log)

    def __call__(self, value: float) -> float:
        if self.log:
            value = math.log10(value) if value > 0 else -math.inf
        share = (value - self.low) / (self.high - self.low)
        return round(LEFT + min(1.0, max(0.0, share)) * (RIGHT - LEFT), 1)

    def ticks(self) -> list[float]:
        """Round values within the axis, about six."""
        if self.log:
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            found = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
            found = [value for value in found if self.low <= math.log10(value) <= self.high]
            return found if len(found) < 9 else found[::3]
        step: float = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        step *= next(m for m in (1, 2, 5, 10) if (self.high - self.low) / (step * m) <= 7)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(index * step, 12) for index in range(first, last + 1)]


def _drawn(track: Track, axis: _Axis, top: int) -> Iterator[str]:
    y = top + 27
    label = _shortened(track.label, 82 - len(track.text))
    yield f'<text class="label" x="{LEFT}" y="{top + 13}">{escape(label)}</text>'
    yield f'<text class="value" x="{RIGHT}" y="{top + 13}" text-anchor="end">{escape(track.text)}</text>'
    if track.span:
        yield f'<line class="span" x1="{axis(track.span[0])}" x2="{axis(track.span[1])}" y1="{y}" y2="{y}"/>'
    for value in track.dots:
        if math.isinf(value):
            tip, base = (RIGHT, RIGHT - 7) if value > 0 else (LEFT, LEFT + 7)
            shape = f"M{base},{y - 5} L{tip},{y} L{base},{y + 5} Z"
            yield f'<path class="never" d="{shape}"><title>never</title></path>'
        else:
            dot = f'<circle class="seed" cx="{axis(value)}" cy="{y}" r="3.4">'
            yield f"{dot}<title>{phrasing.figure(value)}</title></circle>"
    if track.published is not None and math.isfinite(track.published):
        x = axis(track.published)
        shape = f"M{x},{y - 7} L{x + 6},{y} L{x},{y + 7} L{x - 6},{y} Z"
        yield f'<path class="published" d="{shape}"><title>paper {phrasing.figure(track.published)}</title></path>'
    if track.centre is not None and math.isfinite(track.centre):
        x = axis(track.centre)
        yield f'<line class="centre" x1="{x}" x2="{x}" y1="{y - 8}" y2="{y + 8}"/>'


def _numbers(track: Track) -> list[float]:
    values = [*track.dots, *(track.span or ()), track.centre, track.published]
    return [value for value in values if value is not None and math.isfinite(value)]


def _tick(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= max(20, length) else f"{text[: max(20, length) - 1]}…"
