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

Line = Sequence[tuple[float, float]]
"""One seed's curve: epoch and value."""

STYLES: Mapping[str, tuple[str, float, str]] = {
    "training": (":", 1.6, "dotted: training"),
    "validation": ("", 2.0, "line: validation"),
    "test": ("", 2.0, "line: test"),
}
"""Dashes, where they are not the arm's own, and width of the lines of each split, and both in words."""

LOG_RATIO = 20
"""Values that differ by so much, a loss that falls to nothing and one that explodes, share no linear axis."""

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


def training_svg(arms: Sequence[Trained], names: Sequence[str], key: str) -> str:
    """The curves as an ``<svg>`` element, the means over the seeds of each arm; empty where there are none.

    Args:
        arms: In the order of the claim.
        names: All arms of the claim, so that each has the colour that it has in the claim's other curves.
        key: Of the row, so that ids differ.
    """
    drawn = [arm for arm in arms if any(lines for splits in arm.curves.values() for lines in splits.values())]
    if not drawn:
        return ""
    label = f"Loss and metrics over epochs of {', '.join(arm.arm for arm in drawn)}"
    return inline_svg(_figure(drawn, names), "curves", f"{key} training", label)


def _figure(arms: Sequence[Trained], names: Sequence[str]) -> Figure:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    panels = list(dict.fromkeys(name for arm in arms for name, splits in arm.curves.items() if splits))
    with mpl.rc_context({"text.parse_math": False, "font.size": 10, "text.color": INK, "axes.labelcolor": INK}):
        many = len(arms) > MANY
        height = 2.1 * len(panels) + 0.2 * (-(-len(arms) // 2) if many else 1)
        figure = Figure(figsize=(5.6, height), layout="constrained")
        for axes, panel in zip(figure.subplots(len(panels), squeeze=False, sharex=True)[:, 0], panels, strict=True):
            drawn = dict.fromkeys(split for arm in arms for split in arm.curves.get(panel, {}))
            for arm in arms:
                for split, lines in arm.curves.get(panel, {}).items():
                    _draw(axes, split, lines, names.index(arm.arm))
            _dress(axes, panel, [STYLES[split][2] for split in drawn])
        axes.set_xlabel("epoch", fontsize=9)
        keys = [
            Line2D([], [], color=PALETTE[index % len(PALETTE)], linestyle=_dash(index), linewidth=2.4)
            for index in (names.index(arm.arm) for arm in arms)
        ]
        labels, columns = [arm.arm for arm in arms], 2 if many else len(arms)
        figure.legend(keys, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    return figure


def _dash(index: int) -> Any:
    """Dashes of an arm's lines: colours come again after the eighth arm."""
    return DASHES[index // len(PALETTE) % len(DASHES)]


def _draw(axes: Any, split: str, lines: Sequence[Line], index: int) -> None:
    dash, width, _ = STYLES[split]
    averaged = mean([binned(line) if split == "training" else line for line in lines])
    if averaged:
        marker = "o" if len(averaged) == 1 else None
        colour = PALETTE[index % len(PALETTE)]
        axes.plot(
            *zip(*averaged, strict=True), color=colour, linestyle=dash or _dash(index), linewidth=width, marker=marker
        )


def _dress(axes: Any, panel: str, splits: Sequence[str]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    values = [value for line in axes.lines for value in line.get_ydata()]
    axes.set_title(panel, loc="left", fontsize=10, color=INK)
    axes.set_title(", ".join(splits), loc="right", fontsize=9, color=INK, alpha=0.7)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    if values and 0 < LOG_RATIO * min(values) < max(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=5))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlim(left=0)
    axes.tick_params(colors=INK, length=3, labelsize=9)
    axes.grid(axis="y", color=INK, alpha=0.12, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)
        spine.set_alpha(0.4)
