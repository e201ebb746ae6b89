"""How far a data set's annotators agree on the test images: what no network can be asked to pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.data import IGNORED, Catalogue, adapter
from harness.data.cache import folder, keep, recall
from harness.data.packing import items
from harness.specs import Data, Final, Measure, digest, final
from harness.store import Record
from harness.tasks import known, task
from harness.tasks.metrics import Counts, confusion

if TYPE_CHECKING:
    from harness.verdicts.question import Question

VERSION = 1
"""Raise it whenever the same annotations would be counted otherwise."""

Pair = tuple[str, str]
"""Whose annotation counts as the truth, and whose as the prediction."""

Stored = list[list[Any]]
"""Truth, prediction and counts by image, as JSON has them."""


@dataclass(frozen=True)
class Agreement:
    """The annotators' agreement on the test images of some arms, at the packed size, by one metric.

    Attributes:
        data: Title of the data set.
        labels: The annotation that the arms are tested against.
        annotators: Who marked the images.
        metric: In its printed form, as the row has it.
        value: Of one annotator against another, pooled over the images; the mean over all pairs, each of the two once
            as the truth.
        against_labels: Of each annotator against ``labels``, but of ``labels`` against itself. An annotator who is a
            part of ``labels``, of a union for example, comes nearer to it than to another annotator.
        images: Number of test images that all of them annotated.
    """

    data: str
    labels: str
    annotators: tuple[str, ...]
    metric: str
    value: float
    against_labels: dict[str, float] = field(default_factory=dict)
    images: int = 0


def agreements(
    question: Question, records: Mapping[str, Sequence[Record]], catalogue: Catalogue
) -> tuple[Agreement, ...]:
    """The annotators' agreement beside the arms of a claim, by each metric that it compares at the end of a job.

    Args:
        question: The claim.
        records: Finished runs of each arm, which name the test images.
        catalogue: Where the data are.

    Returns:
        Nothing where the data have one annotator only (phantoms too: an image is drawn from its mask), where nothing
        but times, trends and gaps is compared, and where nobody marked what the metric is of.

    Raises:
        DataError: The data cannot be read.
    """
    found: dict[str, Agreement] = {}
    for value in dict.fromkeys(question.relation.values(question.measure)):
        data = final(question.arms[value.arm]).data
        runs = [record for record in records[value.arm] if not record.failed]
        if not isinstance(value.measure, Final) or not runs or not annotators(data):
            continue
        images = sorted({name for record in runs for name in record.test_ids})
        place = digest([data.name, data.labels, data.resize, data.prepare, images, str(value.measure)])
        if place not in found:
            agreement = _agreement(data, value.measure, runs[0], images, annotator_counts(data, catalogue))
            if not math.isnan(agreement.value):
                found[place] = agreement
    return tuple(found.values())


def annotators(data: Data) -> tuple[str, ...]:
    """Who annotated resolved data, at least two; nothing where it was one person, and for phantoms."""
    return adapter(data.name).annotators if data.evidence == "real" else ()


def annotator_counts(data: Data, catalogue: Catalogue) -> dict[Pair, dict[str, Counts]]:
    """Confusion counts ``(C, C)`` of one annotator against another, and against ``data.labels``, by image.

    They are of the packed size and kept beside the packed data. An image that one of a pair did not annotate is left
    out, and so is a pixel.

    Raises:
        DataError: The data cannot be read.
    """
    people, labels = annotators(data), _labels(data)
    content = {
        "version": VERSION,
        "content": catalogue.fingerprint(data),
        "labels": [*people, labels],
        "resize": data.resize,
        "prepare": data.prepare,
    }
    file = folder(catalogue.cache) / "agreement" / f"{data.name}-{digest(content)[:32]}.json"
    pairwise: dict[Pair, dict[str, Counts]] = {}
    for truth, prediction, by_image in _remembered(file, lambda: _all_counts(data, people, labels, catalogue)):
        counts = {name: np.asarray(table, np.int64) for name, table in by_image.items()}
        pairwise[truth, prediction] = counts
        pairwise.setdefault((prediction, truth), {name: table.T for name, table in counts.items()})
    return pairwise


def _remembered(file: Path, make: Callable[[], Stored]) -> Stored:
    """What a file holds; made and written where there is none yet, by one process while the others wait."""
    from filelock import FileLock

    if (stored := recall(file)) is None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(file.with_suffix(".lock")):
                if (stored := recall(file)) is None:
                    stored = make()
                    keep(file, stored)
        except OSError:  # An unwritable cache costs time only.
            stored = make() if stored is None else stored
    found: Stored = stored
    return found


def _all_counts(data: Data, people: tuple[str, ...], labels: str, catalogue: Catalogue) -> Stored:
    """Counts of every pair of annotations, read anew but for the one that is packed already."""
    packed = catalogue.load(data)
    targets = {labels: dict(zip(packed.ids, packed.targets, strict=True))}
    for person in people:
        if person != labels:
            read = items(replace(data, labels=person), catalogue.root)
            targets[person] = {item.id: np.asarray(item.target, np.uint8) for item in read}
    pairs = [*combinations(people, 2), *((labels, person) for person in people if labels not in people)]
    classes = len(packed.classes)
    return [[truth, other, _counted(targets[truth], targets[other], classes)] for truth, other in pairs]


def _labels(data: Data) -> str:
    return data.labels or adapter(data.name).labels[0]


def _counted(
    truth: Mapping[str, npt.NDArray[np.uint8]], prediction: Mapping[str, npt.NDArray[np.uint8]], classes: int
) -> dict[str, list[list[int]]]:
    """Counts by image as plain lists; what either leaves open does not count."""
    return {
        name: confusion(np.where(prediction[name] == IGNORED, IGNORED, mask), prediction[name], classes).tolist()
        for name, mask in truth.items()
        if name in prediction
    }


def _agreement(
    data: Data, measure: Measure, record: Record, images: Sequence[str], counts: Mapping[Pair, Mapping[str, Counts]]
) -> Agreement:
    people, labels, of = annotators(data), _labels(data), task(record.task)
    name = known(of, measure.metric, record.classes, record.foreground)
    common = [image for image in images if all(image in by_image for by_image in counts.values())]

    def score(pair: Pair) -> float:
        if not common:
            return math.nan
        return of.summarise(np.stack([counts[pair][image] for image in common]), record.classes)[name]

    return Agreement(
        data=adapter(data.name).title,
        labels=labels,
        annotators=people,
        metric=str(measure),
        value=fmean(score(pair) for pair in permutations(people, 2)),
        against_labels={person: score((labels, person)) for person in people if person != labels},
        images=len(common),
    )
