"""Breaks the harness on purpose and prints which control notices.

    python -m benchmarks.mutations [--only NAME …] [--quick]

Each mutation changes one line of a copy of the checkout, never of the checkout itself. In the copy the controls run as
``pytest`` runs them, from an empty store; no recorded value takes part, so that what is caught here is caught on any
CPU. The exit status is 1 where a mutation slips through, or where the unbroken copy fails a control.

All controls against one mutation take about a minute of one core; ``--quick`` runs only those that have to notice.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

COPIED = ("harness", "fixtures", "claims", "golden", "conftest.py", "pyproject.toml")
"""What the controls need of the checkout."""


@dataclass(frozen=True)
class Mutation:
    """One mistake.

    Attributes:
        name: What it does, in a few words.
        file: Where, relative to the checkout.
        line: A piece of the file that occurs once.
        broken: What stands there instead.
        noticed_by: Controls that have to notice, as tests.
    """

    name: str
    file: str
    line: str
    broken: str
    noticed_by: tuple[str, ...]

    def apply(self, tree: Path) -> None:
        """Makes the mistake in a copy of the checkout.

        Raises:
            ValueError: The line is not there exactly once; the code has changed since this mistake was written.
        """
        path = tree / self.file
        text = path.read_text("utf-8")
        if text.count(self.line) != 1:
            raise ValueError(
                f"Expected {self.file} to hold {self.line!r} once, to break it, but found it {text.count(self.line)} "
                f"times; write the mutation {self.name!r} anew."
            )
        path.write_text(text.replace(self.line, self.broken), "utf-8")


MUTATIONS = (
    Mutation(
        "half of the weights are not loaded",
        "harness/networks/weights.py",
        "module.load_state_dict(fitted.tensors, strict=False)",
        "module.load_state_dict(dict(list(fitted.tensors.items())[::2]), strict=False)",
        ("test_a_shared_texture_helps",),
    ),
    Mutation(
        "pretrained weights are not loaded",
        "harness/networks/weights.py",
        "module.load_state_dict(fitted.tensors, strict=False)",
        "pass",
        ("test_a_shared_texture_helps",),
    ),
    Mutation(
        "frozen parts are trained",
        "harness/jobs/optimisation.py",
        "part.requires_grad_(False)",
        "part.requires_grad_(True)",
        ("test_a_frozen_random_backbone_hurts",),
    ),
    Mutation(
        "geometric augmentation is off",
        "harness/jobs/augmentation.py",
        "resize, flipping = find(recipe, RandomResize), find(recipe, RandomFlip)",
        "resize, flipping = None, None",
        ("test_mirrored_images_destroy_the_target", "test_wrong_labels_of_mirrored_images_are_right"),
    ),
    Mutation(
        "colour augmentation is off",
        "harness/jobs/batches.py",
        "if (jittering := find(recipe, ColourJitter)) is not None:",
        "if (jittering := None) is not None:",
        ("test_changed_light_destroys_the_target",),
    ),
    Mutation(
        "phantoms of one name are packed once, however related they are",
        "harness/data/fingerprints.py",
        'content: object = drawn if data.related is None else {**drawn, "related": data.related}',
        "content: object = drawn",
        ("test_a_related_source_transfers_better",),
    ),
    Mutation(
        "the batch size is ignored",
        "harness/jobs/features.py",
        "batches = Batches(data, recipe, seed, ",
        "batches = Batches(data, __import__('dataclasses').replace(recipe, batch_size=8), seed, ",
        ("test_batches_of_one_hurt",),
    ),
    Mutation(
        "the seed is not used",
        "harness/jobs/seeds.py",
        'f"{role}:{seed}"',
        'f"{role}:0"',
        ("test_nothing_beats_itself",),
    ),
    Mutation(
        "labels are one image off",
        "harness/jobs/resident.py",
        "self.targets[picked]",
        "self.targets[picked - 1]",
        ("test_more_training_helps", "test_shuffled_labels_hurt"),
    ),
    Mutation(
        "labels are shifted within the batch",
        "harness/jobs/batches.py",
        "augmented(normalised(images, recipe.normalise), targets, windows)",
        "augmented(normalised(images, recipe.normalise), targets.roll(1, 0), windows)",
        ("test_more_training_helps", "test_shuffled_labels_hurt"),
    ),
    Mutation(
        "the learning rate's schedule is ignored",
        "harness/jobs/training.py",
        "if scheduler is not None:\n                scheduler.step()",
        "if scheduler is not None:\n                pass",
        ("test_a_rate_that_vanishes_hurts",),
    ),
    Mutation(
        "weights of loss terms are ignored",
        "harness/networks/term_loss.py",
        "return self.spec.weight * self.term.value(",
        "return self.term.value(",
        ("test_weights_of_losses_count",),
    ),
    Mutation(
        "weights of classes are ignored",
        "harness/networks/losses/cross_entropy.py",
        "weights = None if spec.class_weight is None else logits.new_tensor(spec.class_weight)",
        "weights = None",
        ("test_weights_of_losses_count",),
    ),
    Mutation(
        "training images test",
        "harness/data/splitting.py",
        "return Parts(np.flatnonzero(~tested & ~validating), np.flatnonzero(validating), np.flatnonzero(tested))",
        "return Parts(*[np.flatnonzero(side) for side in (~tested & ~validating, validating, ~tested & ~validating)])",
        ("test_wrong_labels_of_mirrored_images_are_right",),
    ),
)


def copy(tree: Path) -> None:
    """Copies to ``tree`` what the controls need of the checkout."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tree / name)


def preload() -> None:
    """Imports what the controls need of other people's packages, so that the copies' processes need not: 10 s each."""
    for name in ("pytest", "scipy.stats", "statsmodels.stats.multitest", "torch", "torchvision"):
        importlib.import_module(name)
    found = importlib.util.spec_from_file_location("openmmlab", ROOT / "harness" / "networks" / "openmmlab.py")
    assert found is not None
    assert found.loader is not None
    found.loader.exec_module(
        importlib.util.module_from_spec(found)
    )  # mmsegmentation; the module imports nothing of ours


def failed_controls(tree: Path, only: Sequence[str] = ()) -> list[str]:
    """Runs the controls of a tree in a process of their own.

    Args:
        tree: A copy of the checkout.
        only: Tests to run instead of all controls.

    Returns:
        The controls that did not come out as planted, with their verdicts.

    Raises:
        RuntimeError: The controls did not run.
    """
    results = tree / "junit.xml"
    options = ["-q", "-p", "no:cacheprovider", f"--junitxml={results}", f"--rootdir={tree}"]
    options += [f"--claims-store={tree / 'store'}", f"--claims-report={tree / 'report'}"]
    tests = [f"claims/test_controls.py::{name}" for name in only] or ["claims/test_controls.py"]
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = _pytest(tree, [*options, *tests])
        finally:
            os._exit(code)
    os.waitpid(child, 0)
    if not results.exists():
        raise RuntimeError((tree / "output.txt").read_text("utf-8"))
    failed = []
    for case in ElementTree.parse(results).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            properties = {each.get("name"): each.get("value") for each in case.iter("property")}
            name = (properties.get("claim") or "").partition("/")[2] or case.get("name")
            failed.append(f"{name} ({properties.get('verdict') or 'no verdict'})")
    return failed


def _pytest(tree: Path, arguments: list[str]) -> int:
    """Calls pytest in this process, on a tree of its own instead of the checkout."""
    output = os.open(tree / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(tree)
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "CLAIMS_"))]:
        del os.environ[name]
    ours = ("harness", "fixtures", "claims", "conftest", "controls", "test_controls")
    for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
        del sys.modules[name]
    sys.path[:] = [str(tree), *(place for place in sys.path if Path(place or ".").resolve() != ROOT)]
    sys.argv = ["pytest", *arguments]
    return int(importlib.import_module("pytest").main(arguments))


def caught_by(mutation: Mutation | None, only: Sequence[str] = ()) -> list[str]:
    """The controls that fail in a copy of the checkout with a mistake; ``None``: without any."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        tree = Path(folder)
        copy(tree)
        if mutation is not None:
            mutation.apply(tree)
        return failed_controls(tree, only)


def main() -> int:
    """Prints a table of mutations and what caught them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="mutations whose name holds one of these texts")
    parser.add_argument("--quick", action="store_true", help="run only the controls that have to notice each")
    given = parser.parse_args()
    wanted = given.only
    preload()
    chosen = [None, *MUTATIONS] if wanted is None else [m for m in MUTATIONS if any(text in m.name for text in wanted)]
    print("| mutation | controls that fail | verdicts | seconds |\n| --- | --- | --- | --- |", flush=True)
    wrong = 0
    for mutation in chosen:
        began = time.monotonic()
        failed = caught_by(mutation, mutation.noticed_by if given.quick and mutation is not None else ())
        wrong += bool(failed) == (mutation is None)
        name = "none" if mutation is None else mutation.name
        print(f"| {name} | {len(failed)} | {', '.join(failed) or '–'} | {time.monotonic() - began:.0f} |", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
