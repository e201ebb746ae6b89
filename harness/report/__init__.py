"""What is left of a run for its readers: the verdict table, the report folder and the comparison of two reports.

Importing this package imports neither rich nor jinja2 nor matplotlib, since pytest imports it at collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.verdicts import Row

if TYPE_CHECKING:
    from harness.report.attempts import Failed
    from harness.report.curves import Curves
    from harness.report.overlays import Overlay
    from harness.report.sections import Sections

__all__ = ["write_report"]


def write_report(
    rows: Sequence[Row],
    folder: Path,
    *,
    environment: Mapping[str, Any],
    curves: Mapping[str, Curves | Failed],
    overlays: Mapping[str, Sequence[Overlay] | Failed] | None = None,
    sections: Mapping[str, Sections] | None = None,
    commands: Mapping[str, str] | None = None,
    controls: Sequence[Row] = (),
    controls_open: int = 0,
) -> list[Path]:
    """Writes ``verdicts.json``, ``verdicts.md``, ``verdicts.html`` and a learning-curve picture per claim.

    Args:
        rows: The claims, in the order of the table.
        folder: Made where it is absent. Files of an earlier report are replaced, other files are left alone.
        environment: Versions, device, commit, date; see ``docs/verdicts-schema.md``.
        curves: Learning curves by :attr:`Row.key`, metric and arm; a row without any gets no picture.
        overlays: Predictions on test images by :attr:`Row.key`.
        sections: What the cards of classifications show beside the rest, by :attr:`Row.key`.
        commands: The command that runs a claim again, by :attr:`Row.key`.
        controls: The controls that ran beside the claims.
        controls_open: How many more there are that did not come to their end.

    Returns:
        The files written.
    """
    from harness.report.attempts import Failed, attempt
    from harness.report.controls import markdown_section
    from harness.report.curves import draw_curves, drawable, file_stem
    from harness.report.document import complete, replace_text, write_json
    from harness.report.html import html
    from harness.report.markdown import markdown
    from harness.report.written import sweep

    folder.mkdir(parents=True, exist_ok=True)
    environment = complete(environment, rows)
    written = [write_json(rows, folder / "verdicts.json", environment, controls)]
    planted = markdown_section(controls, controls_open)
    written.append(replace_text(folder / "verdicts.md", markdown(rows, environment) + planted))
    page = html(
        rows,
        environment,
        curves=curves,
        overlays=overlays,
        sections=sections,
        commands=commands,
        controls=controls,
        controls_open=controls_open,
    )
    written.append(replace_text(folder / "verdicts.html", page))
    taken: set[str] = set()
    for row in rows:
        drawn = curves.get(row.key, {})
        if not isinstance(drawn, Failed) and drawable(drawn):
            path = folder / "curves" / f"{file_stem(row.name, taken)}.png"
            picture = attempt(
                f"The curves of {row.name}",
                partial(draw_curves, row, drawn, path),
            )
            if not isinstance(picture, Failed):
                written.append(picture)
    sweep(folder, written)
    return written
