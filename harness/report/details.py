"""The claim-verdict table in the terminal with all details, as ``pytest -v`` prints it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from harness.relations import Verdict
from harness.report import figures, phrasing
from harness.verdicts import Arm, Row

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table
    from rich.text import Text

STYLES = {
    Verdict.SUPPORTED: "bold green",
    Verdict.REFUTED: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.NOT_RUN: "bold bright_black",
    Verdict.ERROR: "bold white on red",
}

VERDICT_WIDTH = 14
"""The longest verdict with its sign."""

MEDIUM, WIDE = 104, 168
"""Columns from which the measurements, then the effect and the data, stand in columns of their own."""


class Details:
    """The rows as a rich renderable that fits its layout to the width it is given."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)
        self.footnotes = _footnotes(self.rows)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._table(options.max_width)
        yield self._legend()

    def _table(self, width: int) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(box=box.HORIZONTALS, show_lines=True, expand=True, pad_edge=False, border_style="dim")
        table.add_column("VERDICT", width=VERDICT_WIDTH)
        table.add_column("CLAIM", ratio=5)
        if width >= MEDIUM:
            table.add_column("ARMS  mean ± sd (seeds)", ratio=4)
        if width >= WIDE:
            table.add_column("EFFECT  [interval]", ratio=3)
            table.add_column("EVIDENCE", ratio=3)
        for row in self.rows:
            table.add_row(*self._cells(row, width))
        return table

    def _cells(self, row: Row, width: int) -> list[RenderableType]:
        from rich.console import Group

        arms, effect = _arms(row.arms), _effect(row, "\n" if width >= MEDIUM else "  ")
        claim: list[RenderableType] = [*_claim(row)]
        if width >= WIDE:
            data = Group(*self._data(row, "\n"))
            return [_verdict(row), Group(*claim, *_remarks(row)), Group(*arms), Group(*effect), data]
        data = Group(*self._data(row, " · "))
        if width >= MEDIUM:
            return [_verdict(row), Group(*claim, data, *_remarks(row)), Group(*arms, *effect)]
        return [_verdict(row), Group(*claim, *arms, *effect, data, *_remarks(row))]

    def _data(self, row: Row, separator: str) -> list[Text]:
        from rich.text import Text

        style = {"phantom": "magenta", "substituted": "yellow"}.get(row.evidence, "default")
        line = Text(f"{phrasing.evidence_text(row)}").append(f" · {row.scale}", style="default")
        line.stylize(style, 0, len(row.evidence))
        if row.arms:
            spent = filter(None, [phrasing.seeds_text(row), phrasing.time_text(row)])
            line.append("".join(f"{separator}{text}" for text in spent), "dim")
        if numbers := [str(number) for number in sorted(self.footnotes[note] for note in _notes(row))]:
            line.append(f"{separator}note{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}", "dim")
        return [line]

    def _legend(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(justify="right", no_wrap=True, min_width=VERDICT_WIDTH)
        grid.add_column()
        for term, meaning in [*_terms(self.rows), *((f"note {n}", note) for note, n in self.footnotes.items())]:
            grid.add_row(Text(term, "bold"), Text(meaning, "dim"))
        grid.add_row("", "")
        return grid


def _verdict(row: Row) -> RenderableType:
    from rich.text import Text

    cell = Text(f"{phrasing.MARKS[row.verdict]} {row.verdict}", style=STYLES[row.verdict])
    if adjusted := phrasing.adjusted_text(row):
        cell.append(f"\n{adjusted}", style="not bold not reverse yellow on default")
    if expected := phrasing.expected_text(row):
        style = "red" if row.problems else "dim"
        cell.append(f"\n{expected}", style=f"not bold {style} on default")
    return cell


def _arms(arms: Iterable[Arm]) -> list[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    arms = list(arms)
    if not arms:
        return []
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column()
    for arm in arms:
        value = Text(phrasing.arm_value(arm)).append(f" ({arm.n})", style="dim")
        if marks := phrasing.arm_marks(arm):
            value.append(f" {'; '.join(marks)}", style="red")
        if further := phrasing.others_text(arm):
            value.append(f" {further}", style="dim")
        grid.add_row(Text(arm.name, overflow="fold"), value)
    return [grid]


def _claim(row: Row) -> list[Text]:
    from rich.text import Text

    statement = Text(row.statement).append(f"  {row.place}", style="dim")
    relation = Text(phrasing.relation_text(row), style="cyan").append(f" · {phrasing.metric_title(row.metric)}", "dim")
    return [Text(row.name, style="bold", overflow="fold"), statement, relation]


def _remarks(row: Row) -> list[Text]:
    """What went wrong or stayed open."""
    from rich.text import Text

    remarks = [Text(f"✗ {problem}", style="red") for problem in row.problems]
    if row.reason and not row.verdict.decided:
        style = "yellow" if row.verdict is Verdict.INCONCLUSIVE else "default"
        remarks.append(Text(phrasing.reason_text(row), style=style))
    return remarks


def _effect(row: Row, separator: str) -> list[Text]:
    from rich.text import Text

    line = Text()
    if row.effect is not None or row.interval is not None:
        line.append("effect ", "dim").append(phrasing.effect_text(row), f"bold {STYLES[row.verdict].split()[1]}")
        line.append(f" {phrasing.interval_text(row)}")
        if decided_by := phrasing.decided_by(row):
            line.append(f"{separator}of {decided_by}", "dim")
    if theirs := figures.effect_text(row):
        line.append(f"{separator if line else ''}paper ", "dim").append(theirs)
    said = [Text(text, "dim") for text in phrasing.findings_texts(row)]
    said += [Text(phrasing.agreement_text(agreement), "dim") for agreement in row.agreements]
    said += [Text(phrasing.contrast_text(contrast)) for contrast in row.contrasts]
    return [*([line] if line else []), *said]


def _notes(row: Row) -> list[str]:
    return list(
        dict.fromkeys([*(note for note in row.evidence_notes if note not in phrasing.stand_ins(row)), *row.notes])
    )


def _footnotes(rows: Sequence[Row]) -> dict[str, int]:
    """Numbers by note; a note that several claims share stands once."""
    notes = dict.fromkeys(note for row in rows for note in _notes(row))
    return {note: number for number, note in enumerate(notes, 1)}


def _terms(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The terms that occur in the table and what they mean."""
    open_ended = (Verdict.INCONCLUSIVE, Verdict.ERROR)
    terms = [(str(verdict), phrasing.MEANINGS[verdict]) for verdict, _ in phrasing.tally(rows) if verdict in open_ended]
    if any(row.effect is not None for row in rows):
        terms.append(("effect [ ]", f"of the comparison that decided; [ ] are {phrasing.INTERVAL}"))
    if any(phrasing.adjusted_text(row) for row in rows):
        terms.append(("after Holm", "the verdict once all pre-registered claims of the paper are counted"))
    if any(arm.collapsed for row in rows for arm in row.arms):
        terms.append(("collapsed", "predicts (nearly) one class only; kept in the mean, compared apart"))
    kinds = dict.fromkeys(row.evidence for row in rows if row.evidence in ("phantom", "substituted"))
    terms += [(kind, phrasing.EVIDENCE[kind]) for kind in kinds]
    scales = dict.fromkeys(row.scale for row in rows if row.scale != "paper")
    return terms + [(scale, phrasing.SCALE[scale]) for scale in scales]
