"""How a classification's trainings went: loss and metrics over epochs, and training beside validation at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

from harness.report.curves import DASHES, MANY, PALETTE
from harness.report.svg import INK, inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Line = Sequence[tuple[float, float]]
"""One seed's curve: epoch and value."""

STYLES: Mapping[str, tuple[str, float]] = {"training": (":", 1.6), "validation": ("-", 2.0), "test": ("-", 2.0)}
"""Dashes and width of the lines of each split."""

BINS = 20
"""The training loss is a mean over so many parts of the training, since single batches jump."""

Ends = Mapping[str, Sequence[tuple[float, float]]]
"""By metric, for each seed: its value on the training and on the validation images."""


@dataclass(frozen=True)
class Trained:
    """How the trainings of one arm went.

    Attributes:
        arm: Name of the arm.
        curves: By what is drawn (``"loss"``, ``"kappa"``), then by split (``"training"``, ``"validation"``,
            ``"test"``), one line for each seed.
        ends: Values of the evaluation that counts; empty without validation images.
    """

    arm: str
    curves: Mapping[str, Mapping[str, Sequence[Line]]] = field(default_factory=dict)
    ends: Ends = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """Training and validation at the end, means over the seeds, and whether the seeds agree on the sign."""

    arm: str
    metric: str
    training: float
    validation: float
    seeds: int
    above: int

    @property
    def gap(self) -> float:
        """Training minus validation: what an overfit network has learned by heart."""
        return self.training - self.validation


def gaps(arms: Sequence[Trained]) -> list[Gap]:
    """The gap of each arm by each metric."""
    return [
        Gap(
            arm.arm,
            metric,
            fmean(train for train, _ in seeds),
            fmean(held for _, held in seeds),
            len(seeds),
            sum(train > held for train, held in seeds),
        )
        for metric in dict.fromkeys(metric for arm in arms for metric in arm.ends)
        for arm in arms
        if (seeds := arm.ends.get(metric))
    ]


def binned(line: Line, bins: int = BINS) -> list[tuple[float, float]]:
    """Means over equal parts of a line: the last epoch of each part and the part's mean value.

    >>> binned([(1, 4.0), (2, 2.0), (3, 1.0), (4, 0.0)], bins=2)
    [(2, 3.0), (4, 0.5)]
    """
    count = min(bins, len(line))
    parts = [line[len(line) * part // count : len(line) * (part + 1) // count] for part in range(count)]
    return [(part[-1][0], fmean(value for _, value in part)) for part in parts]


def mean(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """The mean of several seeds' lines at the epochs that all of them have."""
    values = [dict(line) for line in lines]
    shared = sorted(set.intersection(*(set(each) for each in values))) if values else []
    return [(epoch, fmean(each[epoch] for each in values)) for epoch in shared]


def training_svg(arms: Sequence[Trained], key: str) -> str:
    """The curves as an ``<svg>`` element, the means over the seeds of each arm; empty where there are none.

    Args:
        arms: In the order of the claim.
        key: Of the row, so that ids differ.
    """
    drawn = [arm for arm in arms if any(lines for splits in arm.curves.values() for lines in splits.values())]
    if not drawn:
        return ""
    label = f"Loss and metrics over epochs of {', '.join(arm.arm for arm in drawn)}"
    return inline_svg(_figure(drawn), "curves", f"{key} training", label)


def _figure(arms: Sequence[Trained]) -> Figure:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    panels = list(dict.fromkeys(name for arm in arms for name, splits in arm.curves.items() if splits))
    with mpl.rc_context({"text.parse_math": False, "font.size": 10, "text.color": INK, "axes.labelcolor": INK}):
        rows = -(-len(arms) // 2)
        figure = Figure(figsize=(5.6, 2.1 * len(panels) + 0.2 * (rows + 1)), layout="constrained")
        seen: dict[str, None] = {}
        for axes, panel in zip(figure.subplots(len(panels), squeeze=False, sharex=True)[:, 0], panels, strict=True):
            for index, arm in enumerate(arms):
                for split, lines in arm.curves.get(panel, {}).items():
                    _draw(axes, split, lines, index)
                    seen[split] = None
            _dress(axes, panel)
        axes.set_xlabel("epoch", fontsize=9)
        styles = [_key(split) for split in seen]
        colours = [Line2D([], [], color=PALETTE[index % len(PALETTE)], linewidth=2.4) for index in range(len(arms))]
        names = [*seen, *(arm.arm for arm in arms)]
        columns = 2 if len(names) > MANY else len(names)
        figure.legend([*styles, *colours], names, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    return figure


def _key(split: str) -> Line2D:
    """The line of a split in the legend."""
    from matplotlib.lines import Line2D

    dash, width = STYLES[split]
    line = Line2D([], [], color=INK, linewidth=width)
    line.set_linestyle(dash)
    return line


def _draw(axes: Any, split: str, lines: Sequence[Line], index: int) -> None:
    dash, width = STYLES[split]
    if split != "training" and index >= len(PALETTE):
        dash = DASHES[index // len(PALETTE) % len(DASHES)]
    averaged = mean([binned(line) if split == "training" else line for line in lines])
    if averaged:
        marker = "o" if len(averaged) == 1 else None
        colour = PALETTE[index % len(PALETTE)]
        axes.plot(*zip(*averaged, strict=True), color=colour, linestyle=dash, linewidth=width, marker=marker)


def _dress(axes: Any, panel: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(panel, loc="left", fontsize=10, color=INK)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlim(left=0)
    axes.tick_params(colors=INK, length=3, labelsize=9)
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)
        spine.set_alpha(0.4)
