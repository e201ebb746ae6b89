"""Learning curves of a claim's arms as a picture: the mean over the seeds, their range, and every seed."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report import phrasing
from harness.verdicts import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Sequence[tuple[int, float]]
"""One seed's curve: pairs of iteration and value."""

Curves = Mapping[str, Sequence[Points]]
"""Curves by arm, one for each seed."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A6A00", "#56B4E9", "#8B4513", "#6A3D9A")
"""Okabe and Ito's colours (the yellow darkened), then three more; beyond eight arms the dashes tell them apart."""

DASHES = ("-", "--", ":", "-.")

LOG_RATIO = 4
"""Arms whose budgets differ by so much share no linear axis."""

INK = "#010203"
"""Stands for the page's text colour in the SVG."""


def draw_curves(row: Row, curves: Curves, path: Path) -> Path:
    """Writes the picture as PNG.

    Args:
        row: The claim.
        curves: Learning curves of its arms.
        path: The file; its folder is made where it is absent.

    Returns:
        The file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = _figure(row, curves, ink="#222222")
    figure.savefig(path, dpi=144, facecolor="white", metadata={"Software": None})
    return path


def curves_svg(row: Row, curves: Curves) -> str:
    """The picture as an ``<svg>`` element to put into HTML: no outside references, the text in the page's colour."""
    import matplotlib as mpl

    salt = hashlib.sha256(row.name.encode()).hexdigest()[:8]
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        figure = _figure(row, curves, ink=INK)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href").replace(INK, "currentColor")
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>c{salt}-", svg)
    label = f"Learning curves of {', '.join(curves)}: {phrasing.metric_base(row.metric)} by iteration"
    label = escape(label, quote=True)
    opening = re.search(r'<svg\b[^>]*?viewBox="([^"]*)"[^>]*>', svg)
    assert opening is not None
    start = f'<svg class="curves" viewBox="{opening.group(1)}" role="img" aria-label="{label}">'
    return start + svg[opening.end() :]


def file_stem(name: str, taken: set[str]) -> str:
    """A file name for a row, safe everywhere and different from those in ``taken``, to which it is added.

    >>> file_stem("huang-dme/a-b[chase/fcn]", set())
    'huang-dme--a-b-chase-fcn'
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name.replace("/", "--", 1)).strip("-.")[:120] or "claim"
    if stem.lower() in taken:
        stem = f"{stem}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    taken.add(stem.lower())
    return stem


def _figure(row: Row, curves: Curves, ink: str) -> Figure:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    drawn = {name: [points for points in seeds if points] for name, seeds in curves.items()}
    drawn = {name: seeds for name, seeds in drawn.items() if seeds}
    many = len(drawn) > 4
    with mpl.rc_context({"font.size": 9, "font.family": "sans-serif", "text.color": ink, "axes.labelcolor": ink}):
        figure = Figure(figsize=(7.2, 3.6 if not many else 4.2), layout="constrained")
        axes = figure.add_subplot()
        ends = [_draw(axes, name, seeds, index) for index, (name, seeds) in enumerate(drawn.items())]
        _scale(axes, drawn)
        bound = phrasing.threshold(row.metric)
        if bound is not None:
            axes.axhline(bound, color=ink, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate(
                f"threshold {bound:g}", (0, bound), (2, 3), xycoords=("axes fraction", "data"),
                textcoords="offset points", color=ink, fontsize=8, va="bottom",
            )  # fmt: skip
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel("iteration")
        axes.set_title(phrasing.metric_base(row.metric), loc="left", fontsize=9, color=ink)
        axes.set_title("mean, range and every seed", loc="right", fontsize=8, color=ink, alpha=0.7)
        axes.tick_params(colors=ink, length=3)
        axes.grid(axis="y", color=ink, alpha=0.12, linewidth=0.6)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(ink)
            spine.set_alpha(0.4)
        if many:
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
        else:
            _label(axes, ends)
    return figure


def _draw(axes: Any, name: str, seeds: Sequence[Points], index: int) -> tuple[str, str, float, float]:
    """Draws an arm; returns its name, its colour and where its mean curve ends."""
    import numpy as np

    color, dash = PALETTE[index % len(PALETTE)], DASHES[index // len(PALETTE) % len(DASHES)]
    shared = sorted(set.intersection(*({step for step, _ in points} for points in seeds)))
    for points in seeds:
        axes.plot(*zip(*points, strict=True), color=color, alpha=0.28, linewidth=0.7, zorder=2)
    if not shared:  # seeds that were never evaluated at the same iteration have no mean
        axes.plot([], [], color=color, linestyle=dash, label=name)
        return name, color, float(seeds[0][-1][0]), float(seeds[0][-1][1])
    values = np.array([[dict(points)[step] for step in shared] for points in seeds], float)
    mean = values.mean(0)
    if len(seeds) > 1:
        axes.fill_between(shared, values.min(0), values.max(0), color=color, alpha=0.14, linewidth=0, zorder=1)
    axes.plot(
        shared, mean, color=color, linestyle=dash, linewidth=1.9, label=name, zorder=3,
        marker="o" if len(shared) == 1 else None, markersize=4,
    )  # fmt: skip
    return name, color, float(shared[-1]), float(mean[-1])


def _scale(axes: Any, drawn: Curves) -> None:
    """A logarithmic iteration axis where the budgets differ much, with the iterations in plain digits."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    budgets = [max(step for points in seeds for step, _ in points) for seeds in drawn.values()]
    first = min((step for seeds in drawn.values() for points in seeds for step, _ in points if step > 0), default=1)
    if budgets and max(budgets) >= LOG_RATIO * max(1, min(budgets)):
        axes.set_xscale("log")
        axes.set_xlim(left=first)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_xlim(left=0)
    axes.margins(x=0.01)


def _label(axes: Any, ends: Sequence[tuple[str, str, float, float]]) -> None:
    """Writes each arm's name right of the axes at the height where its curve ends, moved apart where they meet."""
    axes.autoscale_view()
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    least = 0.075 * (high - low)
    placed: list[float] = []
    for name, color, x, y in sorted(ends, key=lambda end: end[3]):
        height = max(y, placed[-1] + least) if placed else y
        placed.append(height)
        axes.annotate(
            name, (x, y), (1.02, height), xycoords="data", textcoords=("axes fraction", "data"), color=color,
            va="center", fontsize=9, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "alpha": 0.35, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
