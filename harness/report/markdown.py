"""The verdict table as Markdown: ``verdicts.md``, and a short table for a README."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report import figures, findings, numerals, phrasing
from harness.report.opening import opening
from harness.report.parts import Part, comparisons
from harness.verdicts import Row

SPECIAL = re.compile(r"[\\`*\[<|~$]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)")


def markdown(rows: Sequence[Row], header: Mapping[str, Any]) -> str:
    """The whole report as Markdown.

    Args:
        rows: The claims.
        header: What stands above the table, such as the environment; nested mappings are written in one line.
    """
    lines = ["# Verdicts", ""]
    for caution in phrasing.cautions(rows):
        lines += [f"> **{escape(caution)}**", ""]
    for sentence in opening(rows):
        begins = f"**{sentence.begins}**"
        lines += [escape(sentence.text).replace(escape(sentence.begins), begins, 1), ""]
    lines += [f"{_summary(rows)}.", ""]
    lines += [f"- {escape(name)}: {escape(text)}" for name, text in phrasing.pairs(header)]
    lines += ["", markdown_table(rows), _legend(rows)]
    for row in rows:
        lines += _detail(row)
    return "\n".join(lines)


def markdown_table(rows: Sequence[Row], *, arms: bool = True) -> str:
    """One line per claim: verdict, claim, effect, the paper's effect, arms, evidence; ends with a newline.

    Args:
        rows: The claims.
        arms: Whether there is a column of the arms; without it the table is short enough for a README.
    """
    titles = ["verdict", "claim", "effect", "paper", *(["arms: mean ± sd"] if arms else []), "evidence, scale"]
    lines = [f"| {' | '.join(titles)} |", "| --- " * len(titles) + "|"]
    for row in rows:
        verdict = (row.stamp, phrasing.adjusted_text(row), findings.undecided(row, brief=True))
        cells = [
            "<br>".join([f"**{row.verdict}**", *(escape(text) for text in verdict if text)]),
            escape(row.name),
            "<br>".join(escape(line) for line in (_effect(row), phrasing.decided_by(row), _qualified(row)) if line),
            escape(figures.effect_text(row) or "–"),
            *(["<br>".join(escape(phrasing.arm_text(arm)) for arm in row.arms) or "–"] if arms else []),
            escape(f"{phrasing.evidence_text(row)}; {row.scale}"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line, also within a table.

    >>> print(escape("a | <b> [c] d_e"))
    a \\| \\<b> \\[c] d_e
    """
    return SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def _summary(rows: Sequence[Row]) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in phrasing.tally(rows))
    trained = numerals.duration(sum(row.seconds_trained for row in rows))
    saved = numerals.duration(sum(row.seconds_saved for row in rows))
    noun = "claim" if len(rows) == 1 else "claims"
    return f"{len(rows)} {noun}: {counts or 'no verdict'}; trained {trained}, saved {saved} by reuse"


def _legend(rows: Sequence[Row]) -> str:
    lines = [f"{verdict}: {phrasing.MEANINGS[verdict]}." for verdict, _ in phrasing.tally(rows)]
    lines.append("The effect is that of the comparison that decided, named where there are several.")
    lines.append(f"[low, high]: {phrasing.INTERVAL}.")
    lines.append("The paper's effect is that of the same comparison, where it gives figures for both arms.")
    for meanings, kinds in ((phrasing.EVIDENCE, [r.evidence for r in rows]), (phrasing.SCALE, [r.scale for r in rows])):
        lines += [f"{kind}: {meanings[kind]}." for kind in dict.fromkeys(kinds) if kind in meanings]
    return "\n".join(f"- {line}" for line in lines) + "\n"


def _effect(row: Row) -> str:
    return " ".join(filter(None, [phrasing.effect_text(row), phrasing.interval_text(row)]))


def _qualified(row: Row) -> str:
    """``4 of 5 seeds, by less than 0.05``."""
    return ", ".join(phrasing.brief_findings(row))


def _detail(row: Row) -> Iterator[str]:
    yield f"## {escape(row.name)}"
    yield ""
    yield f"{escape(row.statement)} ({escape(row.place)})"
    yield ""
    yield from (f"- {term}: {escape(text)}" for term, text in _facts(row) if text)
    yield ""


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    expected = phrasing.expected_text(row)
    yield "verdict", "; ".join(filter(None, [str(row.verdict), phrasing.family_text(row), expected]))
    yield from (("problem", problem) for problem in row.problems)
    yield "reason", phrasing.reason_text(row)
    yield "relation", f"{phrasing.relation_text(row)}, by {phrasing.metric_title(row.metric)}"
    if row.arms:
        yield "effect", ", of ".join(filter(None, [_effect(row), phrasing.decided_by(row)]))
        yield "beside it", "; ".join(phrasing.findings_texts(row))
    yield "paper's own effect", figures.effect_text(row)
    if row.verdict.decided:
        yield "p-values", findings.chances(row)
    parts = comparisons(row)
    if len(parts) > 1:
        yield from (("comparison", _comparison(row, part)) for part in parts)
    for arm in row.arms:
        further = f", {text}" if (text := phrasing.others_text(arm)) else ""
        bound = f"; {text}" if (text := phrasing.collapse_text(arm)) else ""
        yield "arm", phrasing.arm_text(arm) + further + _beside(figures.arm_text(row, arm)) + bound
    yield from (("contrast, decides nothing", phrasing.contrast_text(contrast)) for contrast in row.contrasts)
    yield from (("annotators", phrasing.agreement_text(agreement)) for agreement in row.agreements)
    yield from ((f"weights of {arm.name}", text) for arm in row.arms for text in arm.weights)
    yield "evidence", f"{phrasing.evidence_text(row)}; {row.scale} scale"
    yield from (("data", note) for note in row.evidence_notes if note not in phrasing.stand_ins(row))
    yield "seeds", phrasing.seeds_text(row)
    yield "time", phrasing.time_text(row) if row.arms else ""
    yield from (("test subjects", sentence) for sentence in phrasing.subjects_texts(row))
    yield from (("note", note) for note in phrasing.notes(row))


def _comparison(row: Row, part: Part) -> str:
    """A comparison with its verdict, its effect and what stands with that."""
    decision = part.decision
    effect = numerals.effect(decision.effect, decision.effect_kind)
    effect = f"{effect} {findings.interval(decision)}".strip()
    known = [str(decision.verdict), effect, *phrasing.part_findings(decision), findings.look_chances(decision)]
    return f"{phrasing.part_text(row, part)}: {'; '.join(filter(None, known))}"


def _beside(theirs: str) -> str:
    return f", the paper {theirs}" if theirs else ""
