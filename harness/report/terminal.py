"""The claim-verdict table in the terminal: one screen, two lines a claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from harness.relations import Verdict
from harness.report import findings, numerals, phrasing
from harness.report.details import STYLES, VERDICT_WIDTH, Details
from harness.report.parts import deciding
from harness.verdicts import Row

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.text import Text

LOG_WIDTH = 120
"""Width where there is no terminal, as in a CI log."""

ASCII = str.maketrans({**dict(zip("✓✗±−–—─·×≈τρ…", "+x~----|x~tr~", strict=True)), "≥": ">=", "≤": "<=", "∞": "inf"})


class Overview:
    """The rows as a rich renderable: a claim is a line with verdict, effect and wins, and a line of what qualifies it.

    What all rows share stands once, above them. The second line is cut off at the edge; details and report hold it all.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.rule import Rule
        from rich.text import Text

        shared = phrasing.shared_place(self.rows)
        if shared:
            yield Text(shared, "bold")
        columns = [("VERDICT", "CLAIM", "EFFECT [interval]", "WINS"), *(_columns(row) for row in self.rows)]
        widths = [max(len(cells[index]) for cells in columns) for index in range(4)]
        widths[0] = max(widths[0], VERDICT_WIDTH)
        fits = sum(widths) + 6 <= options.max_width
        if self.rows:
            yield _line(columns[0], widths, "dim") if fits else Text("VERDICT  CLAIM  EFFECT [interval]  WINS", "dim")
            yield Rule(style="dim")
        for row, cells in zip(self.rows, columns[1:], strict=True):
            yield from _claim(row, cells, widths if fits else None, options.max_width, alone=not shared)
        if self.rows:
            yield Rule(style="dim")
        yield from _legend(self.rows)


def print_table(rows: Sequence[Row], console: Console | TextIO | None = None, *, details: bool = False) -> None:
    """Prints the claim-verdict table.

    Args:
        rows: The claims.
        console: A rich console or a text stream; ``None``: standard output. A stream that is no terminal gets
            :data:`LOG_WIDTH` columns unless ``COLUMNS`` says otherwise; one that cannot write Unicode gets ASCII.
        details: Also prints all that is known of each claim, before the table.
    """
    import os
    import sys

    from rich.console import Console

    if isinstance(console, Console):
        _print(rows, console, details=details)
        return
    file = console or sys.stdout
    measured = Console(file=file, highlight=False)
    fixed = None if measured.is_terminal or os.environ.get("COLUMNS") else LOG_WIDTH
    console = Console(file=file, highlight=False, width=fixed)
    encoding = getattr(file, "encoding", None) or "utf-8"
    if encoding.lower().replace("-", "").startswith("utf"):
        _print(rows, console, details=details)
        return
    with console.capture() as capture:
        _print(rows, console, details=details)
    file.write(capture.get().translate(ASCII).encode(encoding, "replace").decode(encoding))


def _print(rows: Sequence[Row], console: Console, *, details: bool) -> None:
    if details and rows:
        console.print(Details(rows))
    console.print(Overview(rows))


def _columns(row: Row) -> tuple[str, str, str, str]:
    """Verdict, claim, effect with its interval, and wins."""
    part = deciding(row)
    effect = " ".join(filter(None, [phrasing.effect_text(row), phrasing.interval_text(row)]))
    won = findings.wins(part.decision, brief=True) if part else ""
    return f"{phrasing.MARKS[row.verdict]} {row.verdict}", row.name, effect, won


def _line(cells: Sequence[str], widths: Sequence[int], style: str = "") -> Text:
    from rich.text import Text

    return Text("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip(), style)


def _claim(row: Row, cells: Sequence[str], widths: Sequence[int] | None, width: int, *, alone: bool) -> Iterable[Text]:
    """The two lines of a claim, three where its name leaves no room for the effect.

    Args:
        row: The claim.
        cells: Its columns.
        widths: Of the columns; ``None``: they do not fit beside each other.
        width: Of the screen.
        alone: Whether the claim says itself what it rests on.
    """
    from rich.text import Text

    verdict, name, effect, won = cells
    first = _line(cells, widths) if widths else Text(f"{verdict.ljust(VERDICT_WIDTH)}  {name}", overflow="fold")
    first.stylize(STYLES[row.verdict], 0, len(verdict))
    first.stylize("bold", VERDICT_WIDTH + 2, VERDICT_WIDTH + 2 + len(name))
    yield first
    margin = " " * (VERDICT_WIDTH + 2)
    if not widths and effect.strip("–"):
        yield Text(f"{margin}{effect}  {won}".rstrip())
    second = Text(margin, no_wrap=True)
    for text, style in _qualified(row, alone=alone):
        second.append(" · " if len(second) > len(margin) else "", "dim").append(text, style)
    second.truncate(width, overflow="ellipsis")
    if len(second) > len(margin):
        yield second


def _qualified(row: Row, *, alone: bool) -> Iterable[tuple[str, str]]:
    """What must be read with a verdict, the most important first, each with its style."""
    if row.stamp:
        yield row.stamp, "red"
    if row.problems:
        more = f" (and {len(row.problems) - 1} more)" if len(row.problems) > 1 else ""
        yield f"{row.problems[0]}{more}", "red"
    part = deciding(row)
    seen = findings.collapsed(part.decision) if part else ""
    if not row.verdict.decided:
        style = "yellow" if row.verdict is Verdict.INCONCLUSIVE else "default"
        kind = findings.undecided(row, brief=True)
        yield from ((text, style) for text in (row.reason if seen or not kind else "", kind) if text)
        if not kind:
            return
    qualifiers = [phrasing.adjusted_text(row), findings.less_than_gain(part.decision) if part else "", seen]
    yield from ((text, "yellow") for text in qualifiers if text)
    if part and part.decision.effect is not None:
        yield phrasing.part_text(row, part), "dim"
    if alone:
        yield phrasing.place_text(row), "dim"


def _legend(rows: Sequence[Row]) -> Iterable[Text]:
    from rich.text import Text

    line = Text(f"{len(rows)} claim{'' if len(rows) == 1 else 's'}: ", style="bold")
    for index, (verdict, count) in enumerate(phrasing.tally(rows)):
        line.append(" · " if index else "", "dim").append(f"{count} {verdict}", style=STYLES[verdict])
    unexpected = sum(bool(row.problems) for row in rows)
    if unexpected:
        line.append(f" · {unexpected} not as expected", style="bold red")
    trained = sum(row.seconds_trained for row in rows)
    saved = sum(row.seconds_saved for row in rows)
    yield line.append(f" · trained {numerals.duration(trained)}, saved {numerals.duration(saved)} by reuse", "dim")
    if any(row.effect is not None for row in rows):
        text = "effect: of the comparison that decided · [ ]: two one-sided bounds · more with -v and in the report"
        yield Text(text, "dim")
