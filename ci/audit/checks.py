"""What the figures of one row must satisfy among themselves.

A check looks at the row's figures by quantity and returns what it expected where the printed figures cannot be
reconciled with it, whatever the rounding hid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from ci.audit.identities import (
    Interval,
    accuracy_bounds,
    dice_from_iou,
    f1_from,
    iou_from_dice,
    iou_from_parts,
)
from harness.papers import Figure, Table

# The golden file has the share of a whole data set, a metric is about the test split. Relative to the share: where it
# differs between images by as much as it is large (sd = mean), 200 of 1000 images have a standard error of
# sqrt((1 - 0.2) / 200) = 6% of it, and three of those are a fifth.
SHARE_TOLERANCE = 0.2

AVERAGED = "means over images or batches, not pooled"

# Checks whose violation makes an exchange of columns worth a try: equalities, and a best below its average.
SWAPPABLE = frozenset(
    {"dice-iou", "iou-f1", "f1-precision-recall", "iou-precision-recall", "mean-dice-mean-f1", "best-below-average"}
)


@dataclass(frozen=True)
class Violation:
    """A figure that does not fit the others of its row.

    Attributes:
        kind: Name of the check; ``…-averaged`` where means over images would explain the figures.
        column: Heading of the figure that was compared.
        expected: What the other figures permit, in the library's unit.
        basis: The others, in words.
        others: Headings of the others.
        repair: Which figure would fit instead; empty where unknown.
        averaged: Whether means over images would explain the figures; None where the check does not tell.
    """

    kind: str
    column: str
    expected: Interval
    basis: str
    others: tuple[str, ...]
    repair: str = ""
    averaged: bool | None = None


@dataclass(frozen=True)
class Cells:
    """A row's figures by heading, and the headings by quantity (only quantities that one column holds)."""

    figures: Mapping[str, Figure]
    headings: Mapping[str, str]
    table: Table
    share: float | None

    @classmethod
    def of(cls, table: Table, figures: Mapping[str, Figure], share: float | None = None) -> Cells:
        """The cells of a table's row; ``share`` is the data set's foreground share, where it is known."""
        quantities = [column.quantity for column in table.columns.values()]
        headings = {c.quantity: name for name, c in table.columns.items() if quantities.count(c.quantity) == 1}
        return cls(figures, headings, table, share)

    def has(self, *quantities: str) -> bool:
        """Whether the row has a figure for each quantity."""
        return all(quantity in self.headings for quantity in quantities)

    def figure(self, quantity: str) -> Figure:
        """The figure of a quantity."""
        return self.figures[self.headings[quantity]]

    def range(self, quantity: str) -> Interval:
        """What the printed digits of a quantity may stand for."""
        return Interval(self.figure(quantity).low, self.figure(quantity).high)

    def words(self, quantity: str) -> str:
        """Heading and figure as printed, such as ``IoU 31.00``."""
        return f"{self.headings[quantity]} {self.figure(quantity).marked}"


def written(values: Interval, like: Figure) -> str:
    """An interval in the unit and with the decimals of a printed figure.

    Such as ``47.33``, ``47.32 to 47.34``, or ``at least 31.00`` where the interval ends at 1.
    """
    decimals = len(like.text.partition(".")[2])
    scale = like.half_width / (0.5 * 10.0**-decimals)
    low, high = (f"{value / scale:.{decimals}f}" for value in values)
    if values.high >= 1:
        return f"at least {low}"
    return low if low == high else f"{low} to {high}"


def dice_and_iou(cells: Cells) -> Iterator[Violation]:
    """Dice (or F1) is 2 IoU / (1 + IoU) for pooled counts.

    Means over images lie between the mean IoU and that value, since the function is concave (Jensen): a figure below
    the identity may be such a mean, a figure above it can be neither.
    """
    for quantity, kind in (("dice", "dice-iou"), ("f1", "iou-f1")):
        if cells.has("iou", quantity):
            iou, printed = cells.range("iou"), cells.range(quantity)
            expected = Interval(dice_from_iou(iou.low), dice_from_iou(iou.high))
            back = Interval(iou_from_dice(printed.low), iou_from_dice(printed.high))
            repair = (
                f"{cells.headings[quantity]} {written(expected, cells.figure(quantity))} or "
                f"{cells.headings['iou']} {written(back, cells.figure('iou'))}"
            )
            averages = Interval(iou.low, expected.low)
            yield from _equality(cells, kind, quantity, ("iou",), expected, averages, repair)


def f1_and_parts(cells: Cells) -> Iterator[Violation]:
    """F1 is the harmonic mean of precision and recall for pooled counts.

    The harmonic mean is concave in both, so a mean over images of F1 lies below it, never above (Jensen). Nor does it
    lie below precision + recall - 1, image by image and so for means.
    """
    for quantity in ("f1", "dice"):
        if cells.has("precision", "recall", quantity):
            precision, recall = cells.range("precision"), cells.range("recall")
            expected = Interval(f1_from(precision.low, recall.low), f1_from(precision.high, recall.high))
            averages = Interval(max(0.0, precision.low + recall.low - 1), expected.high)
            parts = ("precision", "recall")
            yield from _equality(cells, "f1-precision-recall", quantity, parts, expected, averages)


def iou_and_parts(cells: Cells) -> Iterator[Violation]:
    """1 / IoU is 1 / precision + 1 / recall - 1 for pooled counts.

    That is neither concave nor convex in the two, so a mean over images may lie on either side of it: anywhere from
    precision + recall - 1 to the smaller of the two.
    """
    if cells.has("precision", "recall", "iou"):
        precision, recall = cells.range("precision"), cells.range("recall")
        expected = Interval(iou_from_parts(precision.low, recall.low), iou_from_parts(precision.high, recall.high))
        averages = Interval(max(0.0, precision.low + recall.low - 1), min(precision.high, recall.high))
        yield from _equality(cells, "iou-precision-recall", "iou", ("precision", "recall"), expected, averages)


def _equality(
    cells: Cells,
    kind: str,
    quantity: str,
    others: tuple[str, ...],
    expected: Interval,
    averages: Interval,
    repair: str = "",
) -> Iterator[Violation]:
    """A violation where a quantity is not what pooled counts give for the others.

    Args:
        cells: The row.
        kind: Name of the check.
        quantity: What is compared.
        others: The quantities that it follows from.
        expected: What pooled counts give.
        averages: What means over images may give.
        repair: Which figure would fit, unless means over images explain the printed one.
    """
    printed = cells.range(quantity)
    if expected.meets(printed):
        return
    averaged = averages.meets(printed)
    yield Violation(
        f"{kind}-averaged" if averaged else kind,
        cells.headings[quantity],
        expected,
        " and ".join(cells.words(other) for other in others),
        tuple(cells.headings[other] for other in others),
        AVERAGED if averaged else repair,
        averaged,
    )


def accuracy_and_share(cells: Cells) -> Iterator[Violation]:
    """A pixel accuracy must be one that the IoU permits at the foreground's share of the pixels."""
    if cells.share is None or not cells.has("iou", "accuracy"):
        return
    slack = SHARE_TOLERANCE * cells.share
    iou, printed = cells.range("iou"), cells.range("accuracy")
    expected = accuracy_bounds(iou, Interval(max(0.0, cells.share - slack), min(1.0, cells.share + slack)))
    if expected.meets(printed):
        return
    basis = f"{cells.words('iou')} and a foreground share of {cells.share:.1%} give or take {slack:.1%}"
    repair = ""
    if printed.high < expected.low and iou.low > 0:
        needed = (1 - printed.high) / (1 / iou.low - 1)
        repair = f"a share of at least {needed:.0%} would be needed"
        if printed.high >= iou.low:
            repair += "; as recall of the foreground it would fit"
    name = cells.headings["accuracy"]
    yield Violation("accuracy-foreground-share", name, expected, basis, (cells.headings["iou"],), repair)


def means_agree(cells: Cells) -> Iterator[Violation]:
    """Mean Dice and mean F1 over classes are the same number."""
    if cells.has("mean-dice", "mean-f1") and not cells.range("mean-dice").meets(cells.range("mean-f1")):
        name, other = cells.headings["mean-dice"], cells.headings["mean-f1"]
        repair = f"{name} {cells.figure('mean-f1').text}, or the other way round"
        expected = cells.range("mean-f1")
        yield Violation("mean-dice-mean-f1", name, expected, cells.words("mean-f1"), (other,), repair)


def best_and_average(cells: Cells) -> Iterator[Violation]:
    """The best of several trainings is not below their average, for the same quantity on the same split."""
    for best, of_best in cells.table.columns.items():
        for average, of_average in cells.table.columns.items():
            same = of_best.quantity == of_average.quantity and of_best.split == of_average.split
            if same and of_best.statistic == "best" and of_average.statistic == "average":
                printed, least = cells.figures[best], cells.figures[average]
                if printed.high < least.low:
                    basis = f"{average} {least.marked}"
                    yield Violation("best-below-average", best, Interval(least.value, 1.0), basis, (average,))


CHECKS: tuple[Callable[[Cells], Iterator[Violation]], ...] = (
    dice_and_iou,
    f1_and_parts,
    iou_and_parts,
    accuracy_and_share,
    means_agree,
    best_and_average,
)


def violations(cells: Cells) -> list[Violation]:
    """Everything that the checks find in one row."""
    return [violation for check in CHECKS for violation in check(cells)]


def repairing_swaps(cells: Cells) -> list[tuple[str, str]]:
    """Pairs of columns whose exchange in this row leaves nothing to find.

    Only columns of one unit are exchanged, and only where the row violates one of `SWAPPABLE`: an inequality alone,
    such as an accuracy out of bounds, is mended by too many exchanges to be evidence for one.
    """
    swaps: list[tuple[str, str]] = []
    if not any(violation.kind.removesuffix("-averaged") in SWAPPABLE for violation in violations(cells)):
        return swaps
    columns = cells.table.columns
    for first, second in combinations(columns, 2):
        figures = dict(cells.figures) | {first: cells.figures[second], second: cells.figures[first]}
        if columns[first].unit == columns[second].unit and not violations(replace(cells, figures=figures)):
            swaps.append((first, second))
    return swaps
