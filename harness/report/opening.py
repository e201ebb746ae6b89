"""What the report opens with: three sentences that a practitioner can act on, made from the rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.relations import Verdict
from harness.report import findings, numerals, phrasing
from harness.report.parts import Part, deciding
from harness.verdicts import Row


@dataclass(frozen=True)
class Sentence:
    """One sentence of the opening.

    Attributes:
        begins: What it is about, ``"Shown"``.
        on: On which data and scale, where one phrase says it of all claims; else each claim says it.
        claims: Of each claim its key, its words, and what is said of it.
        none: What stands there where it is about no claim.
    """

    begins: str
    on: str
    claims: tuple[tuple[str, str, str], ...]
    none: str

    @property
    def text(self) -> str:
        """The whole sentence."""
        if not self.claims:
            return f"{self.begins}: {self.none}."
        said = "; ".join(f"{words} ({clause})" if clause else words for _, words, clause in self.claims)
        return f"{self.begins}{self.on}: {said}."


def opening(rows: Sequence[Row]) -> list[Sentence]:
    """What was shown, what was shown not to hold, and what stays open with what it would take.

    Nothing is recommended: a claim that is not decided stands under what stays open, and one that did not run there
    too, so that all three together name every row.
    """
    by_kind: dict[str, list[Row]] = {"shown": [], "not": [], "open": []}
    for row in rows:
        kind = {Verdict.SUPPORTED: "shown", Verdict.REFUTED: "not"}.get(row.verdict, "open")
        by_kind[kind].append(row)
    places = {_place(row) for row in rows if row.arms}
    one = len(places) == 1
    on = f" {places.pop()}" if one else ""
    return [
        Sentence("Shown", on, _claims(by_kind["shown"], one=one), "nothing"),
        Sentence("Shown not to hold", on, _claims(by_kind["not"], one=one), "nothing"),
        Sentence("Open", "", _claims(by_kind["open"], one=one), "nothing"),
    ]


def words(row: Row) -> str:
    """A claim's id as words, ``larger batch is better``, with its variant."""
    slug = row.id.partition("/")[2] or row.id
    return slug.replace("-", " ") + (f" [{row.variant}]" if row.variant else "")


def _claims(rows: Sequence[Row], *, one: bool) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (
            row.key,
            words(row),
            ", ".join(filter(None, [_outcome(row), "" if one or not row.arms else _place(row), *_swaps(row)])),
        )
        for row in rows
    )


def _swaps(row: Row) -> tuple[str, ...]:
    """Which data set stands for which in a claim that came to a verdict."""
    return phrasing.stand_ins(row) if row.verdict.decided else ()


def _outcome(row: Row) -> str:
    """The size of what was shown, or what it would take to decide."""
    if row.verdict is Verdict.NOT_RUN:
        return "not run"
    if row.verdict is Verdict.ERROR:
        return "error"
    if row.verdict is Verdict.INCONCLUSIVE:
        return _takes(row)
    part = deciding(row)
    if part is None:
        return ""
    qualified = [
        phrasing.adjusted_text(row),
        findings.less_than_gain(part.decision),
        findings.converged(part.decision),
    ]
    return ", ".join(filter(None, [_size(row, part), *qualified]))


def _size(row: Row, part: Part) -> str:
    """``pretrained − scratch: +0.152 IoU.fluid [+0.065, +0.238]``; of other kinds the comparison and its effect."""
    decision, bounds = part.decision, findings.interval(part.decision)
    effect = phrasing.effect_text(row)
    if decision.effect_kind not in ("difference", "shortfall") or not decision.compares:
        return f"{part.brief}: {effect} {bounds}".rstrip()
    other = decision.compares[1] if len(decision.compares) > 1 else f"{decision.target:g}"
    return f"{decision.compares[0]} − {other}: {effect} {phrasing.metric_title(part.metric)} {bounds}".rstrip()


def _takes(row: Row) -> str:
    """``leaning for, too few seeds: about 12 seeds would decide: 8 more, about 20 min of one worker``."""
    said = findings.undecided(row, brief=True)
    if not said:
        return row.reason.rstrip(".")
    needed = row.decision.seeds_needed if row.decision else None
    more = (needed or 0) - row.seeds
    if row.undecided != "too few seeds" or more <= 0:
        return said
    seconds = (row.seconds_trained + row.seconds_saved) / max(1, row.seeds) * more
    cost = f", about {numerals.duration(seconds)} of one worker" if seconds else ""
    return f"{said}: {more} more{cost}"


def _place(row: Row) -> str:
    """``on DME phantoms at the smoke scale``, ``on real DME at the desk scale``: the target alone."""
    target = row.datasets[0] if row.datasets else "data"
    data = f"{target} phantoms" if row.evidence == "phantom" else f"real {target}"
    return f"on {data} at the {row.scale} scale"
