"""What a run is and what it leaves behind.

A :class:`Run` is one recipe with one seed. Its key is the hash of everything that its result depends on: recipe, seed,
the content of the data, and the training code. A :class:`Record` is its result without the weights.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from harness import metrics
from harness.specs import Data, Pretrained, Recipe, digest, to_dict
from harness.specs.measures import Final, Measure, TimeTo, Trend, parse

TRAINING_CODE = ("data", "models", "training", "metrics.py", "specs/__init__.py")
"""What the result of a training depends on, beneath ``harness/``."""


@cache
def training_code() -> str:
    """Hash of the syntax of the training code: a comment or a docstring changes nothing, a constant does."""
    root = Path(__file__).parent
    total = hashlib.sha256()
    for part in TRAINING_CODE:
        for file in sorted([root / part] if part.endswith(".py") else (root / part).rglob("*.py")):
            total.update(f"{file.relative_to(root).as_posix()}:{syntax_digest(file.read_text('utf-8'))}\n".encode())
    return total.hexdigest()


def syntax_digest(source: str) -> str:
    """SHA-256 of Python source without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


@dataclass(frozen=True)
class Run:
    """One recipe with one seed."""

    recipe: Recipe
    seed: int

    @property
    def source(self) -> Run | None:
        """The run whose weights this one starts from."""
        init = self.recipe.init
        if not isinstance(init, Pretrained):
            return None
        return Run(init.recipe, self.seed if init.seed is None else init.seed)

    def lineage(self) -> Iterator[Run]:
        """The runs that this one needs, the farthest first, then itself."""
        if self.source is not None:
            yield from self.source.lineage()
        yield self

    def key(self, fingerprint: Callable[[Data], str], code: str | None = None) -> str:
        """What the run is found by, 64 hexadecimal digits.

        Args:
            fingerprint: Hash of a data set's content.
            code: Hash of the training code; ``None``: of this checkout's.
        """
        content = {
            "recipe": to_dict(self.recipe, identity=True),
            "seed": self.seed,
            "source": self.source.key(fingerprint, code) if self.source else None,
            "data": fingerprint(self.recipe.data),
            "code": code or training_code(),
        }
        return digest(content)


@dataclass
class Record:
    """The result of a run.

    Attributes:
        key: See :meth:`Run.key`.
        recipe, seed: The run, as plain types.
        status: ``"finished"`` or ``"failed"``.
        reason: Why it failed, in one sentence.
        transient: The failure says nothing about the recipe (out of memory, killed): a later invocation tries again.
        session: The invocation in which it failed.
        classes: Class names by index.
        curve: ``{"iteration", "epoch", "metrics"}`` for each evaluation on the test split, the last one at the end.
        losses: Training loss every few iterations.
        test_ids, test_subjects: Of the images that the counts belong to.
        preview_ids: Test images whose predictions are kept.
        not_loaded: Names of the tensors that the weights that it started from did not hold.
        iterations: Length of the training.
        train_images: How many images it trained on.
        seconds: Wall time of the training with its evaluations.
        peak_memory: Bytes.
        provenance: Versions, device, date, commit.
    """

    key: str
    recipe: dict[str, Any]
    seed: int
    status: str
    reason: str = ""
    transient: bool = False
    session: str = ""
    classes: list[str] = field(default_factory=list)
    curve: list[dict[str, Any]] = field(default_factory=list)
    losses: list[list[float]] = field(default_factory=list)
    train_ids: list[str] = field(default_factory=list)
    test_ids: list[str] = field(default_factory=list)
    test_subjects: list[str] = field(default_factory=list)
    preview_ids: list[str] = field(default_factory=list)
    not_loaded: list[str] = field(default_factory=list)
    iterations: int = 0
    train_images: int = 0
    seconds: float = 0.0
    peak_memory: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether there are no metrics."""
        return self.status != "finished"

    @property
    def final(self) -> Mapping[str, float]:
        """Metrics of the last evaluation."""
        values: Mapping[str, float] = self.curve[-1]["metrics"]
        return values

    @property
    def collapsed(self) -> bool:
        """Whether the predictions of the finished network hold (nearly) no foreground."""
        return not self.failed and metrics.collapsed(self.final)

    def value(self, measure: str | Measure) -> float:
        """One number of the run.

        Args:
            measure: A measure or its printed form; its metric is a name of :func:`harness.metrics.summarise`. A time is
                the first evaluated epoch at which the curve is at least there, infinite where it never is.

        Returns:
            The value; NaN for a failed run.

        Raises:
            ValueError: The run has no such metric.
        """
        measure = parse(measure)
        name = str(measure.metric)
        if self.failed:
            return float("nan")
        match measure:
            case TimeTo(threshold=threshold):
                epochs = [float(point["epoch"]) for point in self.curve]
                values = [value for _, value in self.points(name)]
                return metrics.first_reached(list(zip(epochs, values, strict=True)), threshold)
            case Trend():
                return metrics.trend(self.points(name))
            case Final() if name in self.final:
                return float(self.final[name])
        raise ValueError(f"Expected a metric of {', '.join(sorted(self.final))}, but got {str(measure)!r}.")

    def points(self, name: str) -> list[tuple[int, float]]:
        """The learning curve of one metric as pairs of iteration and value."""
        if self.curve and name not in self.curve[-1]["metrics"]:
            raise ValueError(f"Expected a metric of {', '.join(sorted(self.final))}, but got {name!r}.")
        return [(int(point["iteration"]), float(point["metrics"][name])) for point in self.curve]
