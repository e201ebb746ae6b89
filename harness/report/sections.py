"""What the card of a classification claim shows beside the rest: each part stands where it applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.report import heat, numerals, phrasing, training
from harness.report.attempts import Failed, attempt
from harness.report.heat import Graded
from harness.report.matrices import Matrix
from harness.report.side_by_side import SideBySide
from harness.report.training import Trained
from harness.verdicts import Row

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


@dataclass(frozen=True)
class Sections:
    """The parts; an empty one does not apply, a :class:`Failed` one could not be gathered.

    Attributes:
        trained: How the trainings of each arm went.
        matrices: The confusion matrix of each arm.
        graded: Test images with predicted classes and heat maps.
        prepared: Images after the preparations that the arms differ by.
    """

    trained: Sequence[Trained] | Failed = ()
    matrices: Sequence[Matrix] | Failed = ()
    graded: Sequence[Graded] | Failed = ()
    prepared: Sequence[SideBySide] | Failed = ()


TITLES = {
    "trained": "Training and validation",
    "matrices": "Confusion matrices",
    "graded": "Predictions on the same test images, and where the networks looked",
    "prepared": "The same images after each preparation",
}
"""The parts in the order of the page."""


def rendered(row: Row, sections: Sections, templates: Environment) -> list[tuple[str, str, Markup | Failed]]:
    """The parts that apply: their names, their titles and their HTML, or the sentence of one that cannot be drawn."""
    macros: Any = templates.get_template("sections.html.j2").module
    found: list[tuple[str, str, Markup | Failed]] = []
    for name, title in TITLES.items():
        content = getattr(sections, name)
        if isinstance(content, Failed):
            found.append((name, title, content))
        elif content:
            drawn = attempt(title, partial(_body, row, name, content, macros))
            found.append((name, title, drawn))
    return found


def _body(row: Row, name: str, content: Sequence[Any], macros: Any) -> Markup:
    from markupsafe import Markup

    body: Markup
    if name == "trained":
        curves = Markup(training.training_svg(content, [arm.name for arm in row.arms], row.key))
        body = macros.trained(curves, training.gaps(content), numerals)
    elif name == "matrices":
        body = macros.matrices(content, numerals)
    elif name == "graded":
        choice = heat.CHOICE.format(metric=phrasing.metric_base(row.metric))
        unexplained = list(dict.fromkeys(arm for each in content for arm in each.unexplained))
        shown = [(each.title, each.truth, each.pictures()) for each in content]
        body = macros.graded(shown, choice, heat.MEANING, heat.legend(), unexplained)
    else:
        body = macros.prepared([(each.title, each.pictures()) for each in content])
    return body
