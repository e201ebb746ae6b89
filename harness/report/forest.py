"""Forest plots: panels drawn by matplotlib, in the page's colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from harness.report import numerals
from harness.report.panels import Panel, Track
from harness.report.svg import ACCENT, BAD, INK, MARGIN, PAPER, inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, LEFT, RIGHT, LINE = 5.6, 0.12, 1.35, 0.17
"""Inches: the picture, what is left and right of the axis (where the figures stand), and a line of text."""

LETTERS = 76
"""Letters that a line of text has room for."""

GAP, STRIP, FOOT = 0.3, 1.4, 1.0
"""Heights in lines: between a label and what is drawn, what is drawn, and the names of the margins beneath it."""

CLIPPED = 4.0
"""An interval wider than so many times the median one runs off the axis, so that it does not flatten the others."""


def forest_svg(panel: Panel, name: str) -> str:
    """The panel as an ``<svg>`` element; ``name`` is of no other picture on the page."""
    tracks = ([track.label, *_figures(track, panel), track.remark] for track in panel.tracks)
    words = "; ".join(", ".join(filter(None, texts)) for texts in tracks)
    return inline_svg(draw_forest(panel), "forest", name, f"{panel.title}; {panel.unit}. {words}")


def draw_forest(panel: Panel) -> Figure:
    """The panel as a picture in the colours of :mod:`harness.report.svg`."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    unit = panel.unit if panel.origin is None else f"{panel.unit}; {panel.origin[0]:g}: {panel.origin[1]}"
    below = wrap(unit, LETTERS)
    lines = sum(_height(track) for track in panel.tracks)
    foot = LINE * (1.6 + len(below))
    height = LINE * lines + foot
    with mpl.rc_context({"text.parse_math": False, "font.size": 9, "text.color": INK}):
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes((LEFT / WIDTH, foot / height, (WIDTH - LEFT - RIGHT) / WIDTH, 1 - foot / height))
        axes.set_ylim(lines, 0)
        if panel.log:
            axes.set_xscale("log")
        axes.set_xlim(*_limits(panel))
        top = 0.0
        for track in panel.tracks:
            _draw(axes, track, panel, top)
            top += _height(track)
        _dress(axes, panel.log)
        figure.text(LEFT / WIDTH, 0.02 / height, "\n".join(below), alpha=0.8, va="bottom", linespacing=1.3)
    return figure


def _limits(panel: Panel) -> tuple[float, float]:
    """The ends of the axis: it holds every point, and every interval that is not much wider than the others."""

    def place(value: float) -> float:
        return math.log10(value) if panel.log else value

    points = [value for track in panel.tracks for value in track.points]
    points += [panel.origin[0]] if panel.origin else []
    bars = [[place(end) for end in track.ends if end > 0 or not panel.log] for track in panel.tracks]
    widths = sorted(max(bar) - min(bar) for bar in bars if len(bar) == 2)
    usual = CLIPPED * widths[(len(widths) - 1) // 2] if widths else 0.0
    places = [place(value) for value in points if value > 0 or not panel.log]
    places += [end for bar in bars if bar and max(bar) - min(bar) <= usual for end in bar]
    low, high = (min(places), max(places)) if places else (0.0, 1.0)
    room = 0.06 * (high - low) or max(0.05, 0.1 * abs(high))
    return (10 ** (low - room), 10 ** (high + room)) if panel.log else (low - room, high + room)


def _draw(axes: Any, track: Track, panel: Panel, top: float) -> None:
    """Draws a track from the line ``top`` down. The labels of what is drawn tell its parts apart."""
    label = _label(track)
    strip = top + len(label) + GAP
    foot, middle = strip + STRIP, strip + STRIP / 2
    along = axes.get_yaxis_transform()  # x from 0 to 1 along the axis, y in lines
    axes.text(0, top + 0.5, "\n".join(label), transform=along, va="top", linespacing=1.25)
    if track.remark:
        axes.text(1.32, top + 0.5, track.remark, transform=along, va="top", ha="right", color=BAD)
    axes.text(1.04, middle, "\n".join(_figures(track, panel)), transform=along, va="center", linespacing=1.25)
    for origin in (panel.origin[0] if panel.origin else None, track.target):
        if origin is not None:
            axes.plot([origin] * 2, [strip, foot], color=INK, alpha=0.45, linewidth=0.8, label="origin")
    for margin in track.margins:
        axes.plot([margin] * 2, [strip, foot], color=MARGIN, linestyle=(0, (4, 3)), linewidth=1.2, label="margin")
    if names := _names(track, panel):
        axes.text(0, foot + FOOT / 2, names, transform=along, va="center", alpha=0.8, fontsize=8)
    _draw_span(axes, track.span, middle)
    finite = [value for value in track.dots if math.isfinite(value)]
    style = {"linestyle": "none", "markeredgewidth": 0, "color": ACCENT, "alpha": 0.5, "clip_on": False}
    axes.plot(finite, [middle] * len(finite), marker="o", markersize=5.5, label="seed", **style)
    for edge, marker in ((0, "<"), (1, ">")):
        if never := sum(math.isinf(value) and (value > 0) == bool(edge) for value in track.dots):
            places = [edge] * never, [middle] * never
            axes.plot(*places, marker=marker, markersize=8, label="never", transform=along, **style)
    if track.published is not None:
        paper = {"markerfacecolor": "none", "markeredgecolor": PAPER, "markeredgewidth": 1.4}
        axes.plot(track.published, middle, marker="D", markersize=7, label="paper", clip_on=False, **paper)
    if track.centre is not None and math.isfinite(track.centre):
        axes.plot([track.centre] * 2, [middle - 0.5, middle + 0.5], color=INK, linewidth=1.8, label="centre")


def _draw_span(axes: Any, span: tuple[float, float] | None, middle: float) -> None:
    """The interval; where it goes on beyond the axis it ends in an arrowhead."""
    if span is None:
        return
    low, high = axes.get_xlim()
    if span[0] <= high and span[1] >= low:
        ends = [max(span[0], low), min(span[1], high)]
        axes.plot(ends, [middle] * 2, color=ACCENT, alpha=0.65, linewidth=1.6, label="span", solid_capstyle="butt")
    for edge, marker, beyond in ((0, "<", min(span) < low), (1, ">", max(span) > high)):
        if beyond:
            along = axes.get_yaxis_transform()
            axes.plot(edge, middle, marker=marker, color=ACCENT, label="open", transform=along, clip_on=False)


def _dress(axes: Any, log: bool) -> None:
    """The axis beneath the tracks, with about five round numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8) if log else MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="both", color=INK, labelcolor=INK, length=3, labelsize=8)
    axes.yaxis.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INK)
        spine.set_alpha(0.4)


def _height(track: Track) -> float:
    return len(_label(track)) + GAP + STRIP + (FOOT if track.margins or track.target is not None else 0.3)


def _label(track: Track) -> Sequence[str]:
    """The label's lines; a remark stands right of the first."""
    room = LETTERS - len(track.remark) - 2 if track.remark else LETTERS
    return wrap(track.label, max(30, room), break_on_hyphens=False) or [""]


def _names(track: Track, panel: Panel) -> str:
    """What the lines through a track are: ``margins −0.050 and +0.050``, ``value to reach 0.450``."""

    def figure(value: float) -> str:
        return numerals.effect(value, panel.kind) if panel.kind else numerals.figure(value)

    margins = list(dict.fromkeys(map(figure, track.margins)))
    texts = [f"margin{'s' if len(margins) > 1 else ''} {' and '.join(margins)}"] if margins else []
    texts += [] if track.target is None else [f"value to reach {figure(track.target)}"]
    return ", ".join(texts)


def _figures(track: Track, panel: Panel) -> list[str]:
    """What stands right of the axis: a value, and beneath an effect its interval."""
    if panel.kind is None or track.span is None:
        return [track.text]
    return [track.text, numerals.interval(*track.span, panel.kind)]
