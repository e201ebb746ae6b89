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
from harness.papers.published import Figure, Table

# The share of a whole data set is given, the share of the test split is what counts. Relative to the share: where it
# differs between images by as much as it is large (sd = mean), 200 of 1000 images have a standard error of
# sqrt((1 - 0.2) / 200) = 6% of it, and three of those are a fifth.
SHARE_TOLERANCE = 0.2

POOLED = "means over images or batches, not pooled"

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
    """

    kind: str
    column: str
    expected: Interval
    basis: str
    others: tuple[str, ...]
    repair: str = ""


@dataclass(frozen=True)
class Cells:
    """A row's figures by heading, and the headings by quantity (only quantities that one column holds)."""

    figures: Mapping[str, Figure]
    headings: Mapping[str, str]
    table: Table
    share: float | None

    @classmethod
    def of(cls, table: Table, figures: Mapping[str, Figure], share: float | None) -> Cells:
        quantities = [column.quantity for column in table.columns.values()]
        headings = {c.quantity: c.name for c in table.columns.values() if quantities.count(c.quantity) == 1}
        return cls(figures, headings, table, share)

    def has(self, *quantities: str) -> bool:
        return all(quantity in self.headings for quantity in quantities)

    def figure(self, quantity: str) -> Figure:
        return self.figures[self.headings[quantity]]

    def range(self, quantity: str) -> Interval:
        return rounding(self.figure(quantity))

    def say(self, quantity: str) -> str:
        """Heading and figure as printed, such as ``IoU 31.00``."""
        return f"{self.headings[quantity]} {self.figure(quantity).marked}"

    def named(self, *quantities: str) -> tuple[str, ...]:
        """The headings of quantities."""
        return tuple(self.headings[quantity] for quantity in quantities)


def rounding(figure: Figure) -> Interval:
    """What the printed digits may stand for."""
    return Interval(figure.low, figure.high)


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
    for quantity in ("dice", "f1"):
        if not cells.has("iou", quantity):
            continue
        iou, found = cells.range("iou"), cells.range(quantity)
        expected = Interval(dice_from_iou(iou.low), dice_from_iou(iou.high))
        if expected.meets(found):
            continue
        averaged = iou.low <= found.high and found.low < expected.low
        back = Interval(iou_from_dice(found.low), iou_from_dice(found.high))
        name, figure = cells.headings[quantity], cells.figure(quantity)
        repair = f"{name} {written(expected, figure)} or {cells.headings['iou']} {written(back, cells.figure('iou'))}"
        kind = "dice-iou" if quantity == "dice" else "iou-f1"
        if averaged:
            kind, repair = f"{kind}-averaged", POOLED
        yield Violation(kind, name, expected, cells.say("iou"), cells.named("iou"), repair)


def f1_and_parts(cells: Cells) -> Iterator[Violation]:
    """F1 is the harmonic mean of precision and recall for pooled counts.

    The harmonic mean is concave in both, so a mean over images of F1 lies below it, never above (Jensen). Nor does it
    lie below precision + recall - 1, image by image and so for means.
    """
    for quantity in ("f1", "dice"):
        if not cells.has("precision", "recall", quantity):
            continue
        precision, recall = cells.range("precision"), cells.range("recall")
        expected = Interval(f1_from(precision.low, recall.low), f1_from(precision.high, recall.high))
        found = cells.range(quantity)
        if not expected.meets(found):
            averaged = Interval(max(0.0, precision.low + recall.low - 1), expected.high).meets(found)
            yield _by_parts(cells, "f1-precision-recall", quantity, expected, averaged)


def iou_and_parts(cells: Cells) -> Iterator[Violation]:
    """1 / IoU is 1 / precision + 1 / recall - 1 for pooled counts.

    That is neither concave nor convex in the two, so a mean over images may lie on either side of it: anywhere from
    precision + recall - 1 to the smaller of the two, and all of that can be reached. What lies above is left to
    `parts_above_iou`.
    """
    if not cells.has("precision", "recall", "iou"):
        return
    precision, recall, found = cells.range("precision"), cells.range("recall"), cells.range("iou")
    expected = Interval(iou_from_parts(precision.low, recall.low), iou_from_parts(precision.high, recall.high))
    if expected.meets(found) or found.low > min(precision.high, recall.high):
        return
    averaged = Interval(max(0.0, precision.low + recall.low - 1), 1.0).meets(found)
    yield _by_parts(cells, "iou-precision-recall", "iou", expected, averaged)


def _by_parts(cells: Cells, kind: str, quantity: str, expected: Interval, averaged: bool) -> Violation:
    return Violation(
        f"{kind}-averaged" if averaged else kind,
        cells.headings[quantity],
        expected,
        f"{cells.say('precision')} and {cells.say('recall')}",
        cells.named("precision", "recall"),
        POOLED if averaged else "",
    )


def parts_above_iou(cells: Cells) -> Iterator[Violation]:
    """Recall and precision are at least the IoU, image by image and so for means and pooled counts."""
    for quantity in ("recall", "precision"):
        if cells.has("iou", quantity) and cells.range(quantity).high < cells.range("iou").low:
            expected = Interval(cells.figure("iou").value, 1.0)
            name = cells.headings[quantity]
            yield Violation(f"{quantity}-below-iou", name, expected, cells.say("iou"), cells.named("iou"))


def accuracy_and_share(cells: Cells) -> Iterator[Violation]:
    """A pixel accuracy must be one that the IoU permits at the foreground's share of the pixels."""
    if cells.share is None or not cells.has("iou", "accuracy"):
        return
    slack = SHARE_TOLERANCE * cells.share
    iou, found = cells.range("iou"), cells.range("accuracy")
    expected = accuracy_bounds(iou, Interval(max(0.0, cells.share - slack), min(1.0, cells.share + slack)))
    if expected.meets(found):
        return
    basis = f"{cells.say('iou')} and a foreground share of {cells.share:.1%} give or take {slack:.1%}"
    repair = ""
    if found.high < expected.low and iou.low > 0:
        needed = (1 - found.high) / (1 / iou.low - 1)
        repair = f"a share of at least {needed:.0%} would be needed"
        if found.high >= iou.low:
            repair += "; as recall of the foreground it would fit"
    name = cells.headings["accuracy"]
    yield Violation("accuracy-foreground-share", name, expected, basis, cells.named("iou"), repair)


def means_agree(cells: Cells) -> Iterator[Violation]:
    """Mean Dice and mean F1 over classes are the same number, and lie between mIoU and 2 mIoU / (1 + mIoU)."""
    if cells.has("mean-dice", "mean-f1") and not cells.range("mean-dice").meets(cells.range("mean-f1")):
        other = cells.range("mean-f1")
        repair = f"{cells.headings['mean-dice']} {cells.figure('mean-f1').text}, or the other way round"
        name = cells.headings["mean-dice"]
        yield Violation("mean-dice-mean-f1", name, other, cells.say("mean-f1"), cells.named("mean-f1"), repair)
    for quantity in ("mean-dice", "mean-f1"):
        if cells.has("mean-iou", quantity):
            iou = cells.range("mean-iou")
            expected = Interval(iou.low, dice_from_iou(iou.high))
            if not expected.meets(cells.range(quantity)):
                name, others = cells.headings[quantity], cells.named("mean-iou")
                yield Violation("mean-dice-mean-iou", name, expected, cells.say("mean-iou"), others)


def best_and_average(cells: Cells) -> Iterator[Violation]:
    """The best of several trainings is not below their average, for the same quantity on the same split."""
    columns = cells.table.columns.values()
    for best in columns:
        for average in columns:
            same = best.quantity == average.quantity and best.split == average.split
            if same and best.statistic == "best" and average.statistic == "average":
                found, least = cells.figures[best.name], cells.figures[average.name]
                if found.high < least.low:
                    basis = f"{average.name} {least.marked}"
                    expected = Interval(least.value, 1.0)
                    yield Violation("best-below-average", best.name, expected, basis, (average.name,))


CHECKS: tuple[Callable[[Cells], Iterator[Violation]], ...] = (
    dice_and_iou,
    f1_and_parts,
    iou_and_parts,
    parts_above_iou,
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
