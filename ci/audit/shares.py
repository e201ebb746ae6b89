"""The foreground share that each row implies: rows about one test split must imply the same.

Accuracy, precision and recall together, or the three means over two classes, determine the share of the pixels that
is foreground. A row that implies another share than its neighbours has a wrong figure somewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from ci.audit.checks import Cells
from ci.audit.identities import (
    EPSILON,
    Interval,
    over_rounding,
    share_from_accuracy,
    share_from_means,
)
from harness.papers.published import Figure

MEANS = ("mean-dice", "mean-recall", "mean-iou")
PARTS = ("accuracy", "precision", "recall")
WIDEST = 0.5  # a share known no better than this, relative to itself, says nothing


@dataclass(frozen=True)
class Exchange:
    """A column whose figures two rows have exchanged.

    Attributes:
        column: Its heading.
        rows: The two rows.
        rows_agreeing: How many rows imply one share with the exchange, and with `mended`.
        mended: Figures that were read otherwise on the way, as (row, heading, figure): a mean Dice that differs from
            the mean F1.
        rows_mended: How many rows imply one share with `mended` alone.
        rows_exchanged: How many do with the exchange alone.
    """

    column: str
    rows: tuple[str, str]
    rows_agreeing: int
    mended: tuple[tuple[str, str, str], ...]
    rows_mended: int
    rows_exchanged: int


def implied_share(cells: Cells) -> Interval | None:
    """The share that a row implies, from pooled counts; None where it cannot be told."""
    share = None
    if cells.has(*MEANS):
        share = over_rounding(share_from_means, [cells.range(quantity) for quantity in MEANS])
    elif cells.has(*PARTS):
        share = over_rounding(share_from_accuracy, [cells.range(quantity) for quantity in PARTS])
    if share is None or not 0 < share.low <= share.high < 1 or share.high - share.low > WIDEST * share.middle:
        return None
    return share


def implying(cells: Cells) -> list[Figure]:
    """The figures that `implied_share` uses."""
    return next(([cells.figure(q) for q in quantities] for quantities in (MEANS, PARTS) if cells.has(*quantities)), [])


def consensus(shares: Sequence[Interval]) -> tuple[Interval, int]:
    """The range of shares that most intervals hold, and how many hold it."""
    best, most = Interval(0.0, 1.0), 0
    for low in sorted({share.low for share in shares}):
        holding = [share for share in shares if share.low <= low + EPSILON and low <= share.high + EPSILON]
        if len(holding) > most:
            best, most = Interval(low, max(low, min(share.high for share in holding))), len(holding)
    return best, most


def exchange(rows: Mapping[str, Cells]) -> Exchange | None:
    """The exchange of one column's figures between two rows that makes most rows agree.

    Rows whose mean Dice and mean F1 differ are read with their mean F1 for both. Only an exchange that makes at least
    two more rows agree than without it, however they are read, and no other as many, is reported.
    """
    mended = {name: _mended(cells) for name, cells in rows.items()}
    printed, read = _agreeing(rows), _agreeing(mended)
    shares = [share for cells in mended.values() if (share := implied_share(cells)) is not None]
    if read == len(shares):
        return None
    found: list[tuple[int, str, tuple[str, str]]] = []
    for first, second in combinations([name for name in rows if implied_share(mended[name]) is not None], 2):
        for quantity in (*MEANS, *PARTS):
            if not mended[first].has(quantity):
                continue
            trial = _taken(mended, quantity, first, second)
            if all(implied_share(trial[name]) is not None for name in (first, second)):
                found.append((_agreeing(trial), quantity, (first, second)))
    found.sort(key=lambda candidate: -candidate[0])
    if not found or found[0][0] < max(printed, read) + 2 or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    most, quantity, (first, second) = found[0]
    differing = [name for name in rows if mended[name] is not rows[name]]
    return Exchange(
        column=rows[first].headings[quantity],
        rows=(first, second),
        rows_agreeing=most,
        mended=tuple((n, rows[n].headings["mean-dice"], mended[n].figure("mean-dice").text) for n in differing),
        rows_mended=read,
        rows_exchanged=_agreeing(_taken(rows, quantity, first, second)),
    )


def exchanged(rows: Mapping[str, Cells], swap: Exchange) -> dict[str, Cells]:
    """The rows after an exchange, and as read for it."""
    mended = {name: _mended(cells) for name, cells in rows.items()}
    return _taken(mended, rows[swap.rows[0]].table.columns[swap.column].quantity, *swap.rows)


def _taken(rows: Mapping[str, Cells], quantity: str, first: str, second: str) -> dict[str, Cells]:
    pairs = ((first, second), (second, first))
    return {**rows, **{name: _with(rows[name], quantity, rows[other].figure(quantity)) for name, other in pairs}}


def _agreeing(rows: Mapping[str, Cells]) -> int:
    return consensus([share for cells in rows.values() if (share := implied_share(cells)) is not None])[1]


def replacements(cells: Cells, share: Interval) -> list[tuple[str, str]]:
    """Single figures that would make a row imply a share: (heading, figure), within 3 points of the printed one.

    A mean Dice that is printed twice (as mean F1 too) is taken as right.
    """
    found = []
    for quantity in MEANS if cells.has(*MEANS) else PARTS:
        if quantity == "mean-dice" and cells.has("mean-f1"):
            continue
        printed = cells.figure(quantity)
        decimals = len(printed.text.partition(".")[2])
        step = 2 * printed.half_width
        fitting = []
        for offset in range(-round(0.03 / step), round(0.03 / step) + 1):
            text = f"{float(printed.text) + offset * 10.0**-decimals:.{decimals}f}"
            value = printed.value + offset * step
            if not 0 < value < 1:
                continue
            implied = implied_share(_with(cells, quantity, Figure(text, value, printed.half_width)))
            if implied is not None and implied.meets(share):
                fitting.append(text)
        if fitting:
            first, last = fitting[0], fitting[-1]
            found.append((cells.headings[quantity], first if first == last else f"{first} to {last}"))
    return found


def _with(cells: Cells, quantity: str, figure: Figure) -> Cells:
    return Cells({**cells.figures, cells.headings[quantity]: figure}, cells.headings, cells.table, cells.share)


def _mended(cells: Cells) -> Cells:
    if cells.has("mean-dice", "mean-f1") and not cells.range("mean-dice").meets(cells.range("mean-f1")):
        return _with(cells, "mean-dice", cells.figure("mean-f1"))
    return cells
