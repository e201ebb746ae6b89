"""Learning curves of a claim's arms as a picture: every seed, their mean, and where each reached a threshold."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report import phrasing
from harness.report.parts import comparisons
from harness.report.svg import INK, inline_svg
from harness.verdicts import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Sequence[tuple[int, float, float]]
"""One seed's curve: iteration, epoch and value of each evaluation."""

Curves = Mapping[str, Mapping[str, Sequence[Points]]]
"""Curves by metric, then by arm, one for each seed."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#7A6A00", "#56B4E9", "#8B4513", "#6A3D9A")
"""Okabe and Ito's colours (the yellow darkened), then three more; beyond eight arms the dashes tell them apart."""

DASHES = ("-", "--", ":", "-.")

LOG_RATIO = 4
"""Arms whose budgets differ by so much share no linear axis."""

MANY = 4
"""More arms than these have a legend instead of a name beside each curve."""


def metrics(row: Row) -> list[str]:
    """Names of the curves behind a claim: that of its metric, then those of its comparisons and of its arms."""
    names = [row.metric, *(part.metric for part in comparisons(row)), *(arm.metric for arm in row.arms)]
    return list(dict.fromkeys(phrasing.metric_base(name) for name in names))


def drawable(curves: Curves) -> bool:
    """Whether there is anything to draw."""
    return any(points for arms in curves.values() for seeds in arms.values() for points in seeds)


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
    figure.savefig(path, dpi=180, facecolor="white", metadata={"Software": None})
    return path


def curves_svg(row: Row, curves: Curves) -> str:
    """The picture as an ``<svg>`` element to put into HTML: no outside references, the text in the page's colour."""
    arms = dict.fromkeys(arm for by_arm in curves.values() for arm in by_arm)
    label = f"Learning curves of {', '.join(arms)}: {', '.join(curves)}"
    return inline_svg(_figure(row, curves, ink=INK), "curves", row.key, label)


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


@dataclass(frozen=True)
class _Panel:
    """One metric: its curves by arm, and what is waited for."""

    metric: str
    arms: Mapping[str, Sequence[Points]]
    thresholds: tuple[float, ...]
    trend: bool

    @property
    def x(self) -> int:
        """Which entry of a point is on the horizontal axis: the epoch where the claim counts epochs."""
        return 1 if self.thresholds else 0


def _panels(row: Row, curves: Curves) -> list[_Panel]:
    read = dict.fromkeys([row.metric, *(part.metric for part in comparisons(row))])
    panels = []
    for metric, by_arm in curves.items():
        drawn = {name: [points for points in seeds if points] for name, seeds in by_arm.items()}
        drawn = {name: seeds for name, seeds in drawn.items() if seeds}
        mine = [name for name in read if phrasing.metric_base(name) == metric]
        bounds = {bound for name in mine if (bound := phrasing.threshold(name)) is not None}
        if drawn:
            panels.append(_Panel(metric, drawn, tuple(sorted(bounds)), any(name.startswith("trend:") for name in mine)))
    return panels


def _figure(row: Row, curves: Curves, ink: str) -> Figure:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = _panels(row, curves)
    names = list(dict.fromkeys(name for panel in panels for name in panel.arms))
    many = len(names) > MANY
    with mpl.rc_context(
        {
            "text.parse_math": False,
            "font.size": 10,
            "font.family": "sans-serif",
            "text.color": ink,
            "axes.labelcolor": ink,
        }
    ):
        height = 2.7 * max(1, len(panels)) + (0.2 * math.ceil(len(names) / 2) if many else 0.0)
        figure = Figure(figsize=(5.6, height), layout="constrained")
        shared: dict[str, Any] = {}
        for axes, panel in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
            ends = [_draw(axes, panel, name, names.index(name)) for name in panel.arms]
            _scale(axes, panel)
            _dress(axes, panel, ink)
            if not many:
                _label(axes, ends)
            handles, labels = axes.get_legend_handles_labels()
            shared |= dict(zip(labels, handles, strict=True))
        if many:
            figure.legend(shared.values(), shared, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _draw(axes: Any, panel: _Panel, name: str, index: int) -> tuple[str, str, float, float]:
    """Draws an arm; returns its name, its colour and where its mean curve ends."""
    import numpy as np

    color, dash = PALETTE[index % len(PALETTE)], DASHES[index // len(PALETTE) % len(DASHES)]
    seeds = [[(point[panel.x], point[2]) for point in points] for points in panel.arms[name]]
    shared = sorted(set.intersection(*({x for x, _ in points} for points in seeds)))
    for points in seeds:
        axes.plot(*zip(*points, strict=True), color=color, alpha=0.6, linewidth=0.8, zorder=2)
        for threshold in panel.thresholds:
            first = next(((x, value) for x, value in points if value >= threshold), None)
            if first is not None:
                axes.plot(
                    *first, marker="o", markersize=5, color=color, markeredgecolor="white", zorder=5, clip_on=False
                )
    if not shared:  # seeds that were never evaluated at the same iteration have no mean
        axes.plot([], [], color=color, linestyle=dash, label=name)
        return name, color, *seeds[0][-1]
    mean = np.array([[dict(points)[x] for x in shared] for points in seeds], float).mean(0)
    axes.plot(
        shared, mean, color=color, linestyle=dash, linewidth=2.2, label=name, zorder=3,
        marker="o" if len(shared) == 1 else None, markersize=4,
    )  # fmt: skip
    return name, color, float(shared[-1]), float(mean[-1])


def _dress(axes: Any, panel: _Panel, ink: str) -> None:
    """Titles, thresholds and what surrounds the curves."""
    from matplotlib.ticker import MaxNLocator

    for threshold in panel.thresholds:
        axes.axhline(threshold, color=ink, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            f"≥ {threshold:g}", (0, threshold), (3, 2), xycoords=("axes fraction", "data"),
            textcoords="offset points", color=ink, fontsize=9, va="bottom",
        )  # fmt: skip
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(_unit(panel), fontsize=9)
    title = f"{panel.metric}, its trend" if panel.trend else panel.metric
    axes.set_title(title, loc="left", fontsize=10, color=ink)
    shown = "every seed, mean" + (", ● first at the threshold" if panel.thresholds else "")
    axes.set_title(shown, loc="right", fontsize=9, color=ink, alpha=0.7)
    axes.tick_params(colors=ink, length=3, labelsize=9)
    axes.grid(axis="y", color=ink, alpha=0.12, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(ink)
        spine.set_alpha(0.4)


def _unit(panel: _Panel) -> str:
    """What the horizontal axis counts, and how many iterations an epoch has where that is the same throughout."""
    lengths = {name: _epoch(seeds) for name, seeds in panel.arms.items()}
    known = {name: length for name, length in lengths.items() if length}
    if not known or len(known) < len(lengths):
        return "epoch" if panel.x else "iteration"
    if len(set(known.values())) == 1:
        length = next(iter(known.values()))
        return f"epoch of {length} iterations" if panel.x else f"iteration, {length} an epoch"
    if len(known) > MANY:
        return "epoch" if panel.x else "iteration"
    each = ", ".join(f"{name} {length}" for name, length in known.items())
    return f"epoch (iterations of one: {each})" if panel.x else f"iteration (an epoch: {each})"


def _epoch(seeds: Sequence[Points]) -> str:
    """Iterations of an epoch; empty where that differs or is not known."""
    lengths = {f"{iteration / epoch:.3g}" for points in seeds for iteration, epoch, _ in points if epoch > 0}
    return lengths.pop() if len(lengths) == 1 else ""


def _scale(axes: Any, panel: _Panel) -> None:
    """A logarithmic axis where the budgets differ much, with plain digits."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    budgets = [max(point[panel.x] for points in seeds for point in points) for seeds in panel.arms.values()]
    places = [point[panel.x] for seeds in panel.arms.values() for points in seeds for point in points]
    if max(budgets) >= LOG_RATIO * min(budgets) and min(budgets) > 0:
        axes.set_xscale("log")
        axes.set_xlim(left=min(place for place in places if place > 0))
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
    least = 0.1 * (high - low)
    placed: list[float] = []
    for name, color, x, y in sorted(ends, key=lambda end: end[3]):
        height = max(y, placed[-1] + least) if placed else y
        placed.append(height)
        axes.annotate(
            name, (x, y), (1.02, height), xycoords="data", textcoords=("axes fraction", "data"), color=color,
            va="center", fontsize=9, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "alpha": 0.35, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
