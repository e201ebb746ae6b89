"""The claims as written: their arms are those that the recorded papers give figures for."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import papers
from harness.networks import released

CLAIMS = Path(__file__).parents[1] / "claims"

COLLECT = """
import sys
import pytest

code = pytest.main(sys.argv[1:])
print(code, [name for name in ("torch", "torchvision", "mmseg", "mmengine", "mmcv") if name in sys.modules])
"""


class Declared(Exception):
    """What a claim's test declared."""

    def __init__(self, arms: dict[str, Any]) -> None:
        super().__init__()
        self.arms = arms


def published(test: Any) -> dict[str, Any]:
    """The parameters of a claim's pre-registered form."""
    values: dict[str, Any] = {}
    for mark in getattr(test, "pytestmark", ()):
        names, cases = mark.args
        case = next(case for case in cases if case.id == "as-published")
        values.update(zip([names] if isinstance(names, str) else names, case.values, strict=True))
    return values


def declared() -> Iterator[tuple[str, str, Any]]:
    sys.path.insert(0, str(CLAIMS))
    try:
        for file in sorted(CLAIMS.glob("test_*.py")):
            for name, test in inspect.getmembers(importlib.import_module(file.stem), inspect.isfunction):
                if name.startswith("test_"):
                    yield file.stem[5:].replace("_", "-"), name[5:].replace("_", "-"), test
    finally:
        sys.path.remove(str(CLAIMS))


@pytest.mark.parametrize(
    ("paper", "slug", "test"),
    [pytest.param(*case, id=f"{case[0]}/{case[1]}") for case in declared() if case[0] in papers.paper_ids()],
)
def test_every_arm_with_a_published_figure_is_an_arm_of_the_claim(paper, slug, test):
    """Else the paper's figure would stand nowhere, or beside another arm."""

    def holds(relation: Any, arms: dict[str, Any], **options: Any) -> None:
        raise Declared(arms)

    with pytest.raises(Declared) as caught:
        test(SimpleNamespace(scale="paper", holds=holds), **published(test))
    assert set(papers.load(paper).claims[slug].arms) <= set(caught.value.arms)


@pytest.mark.parametrize("arguments", [["-m", "smoke"], ["claims", "-m", "gpu", "--claims-device=cpu"]])
def test_claims_are_collected_and_planned_without_torch_and_mmseg(arguments, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CLAIMS_"))}
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", f"--claims-store={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, *arguments, *options],
        cwd=CLAIMS.parent, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    *_, last = done.stdout.splitlines()
    assert last == "0 []", done.stdout + done.stderr


@pytest.mark.parametrize("paper", sorted({paper for paper, _, _ in declared() if paper in papers.paper_ids()}))
def test_the_family_of_a_paper_holds_each_of_its_claims(paper):
    """A claim outside of its family would be decided without Holm's correction."""
    family = tomllib.loads((CLAIMS.parent / "golden" / "family.toml").read_text("utf-8"))
    assert set(family[paper]["claims"]) == {slug for other, slug, _ in declared() if other == paper}


@pytest.fixture
def zhou_kvasir() -> Iterator[tuple[Any, Any]]:
    """The pipeline's module and that of its claims."""
    sys.path.insert(0, str(CLAIMS))
    try:
        yield importlib.import_module("zhou_kvasir"), importlib.import_module("test_zhou_kvasir")
    finally:
        sys.path.remove(str(CLAIMS))


def test_every_checkpoint_that_zhou_kvasir_names_is_published(zhou_kvasir):
    pipeline, _ = zhou_kvasir
    for name in (*pipeline.RELEASED.values(), *pipeline.IMAGENET_WEIGHTS.values()):
        assert released.known(name)


def test_the_papers_scores_on_cityscapes_are_those_of_the_released_checkpoints(zhou_kvasir):
    """But for PSPNet, where the paper prints 74.84 and mmsegmentation 74.87; UPerNet's score is in no library."""
    pipeline, claims = zhou_kvasir
    for head, score in claims.CITYSCAPES_MIOU.items():
        if head == "upernet":
            continue
        found = released.reported(pipeline.RELEASED[claims.HEADS[head], head, "cityscapes"])
        assert found.metric == "mIoU"
        assert found.value == pytest.approx(score, abs=0.031 if head == "pspnet" else 0)


def test_small_networks_of_zhou_kvasir_keep_the_order_of_their_depths(zhou_kvasir):
    """Else depth-is-non-monotonic would compare other depths than the paper's."""
    from harness.networks import building

    pipeline, _ = zhou_kvasir
    for small in pipeline.SMALL.values():
        layers = [
            sum(name.endswith("weight") for name, _ in building.outline(network, 2, ()).named_parameters())
            for network in (pipeline.Segmenter(f"{depth}-d8", "fcn", small.resnet) for depth in ("r18", "r50", "r101"))
        ]
        assert layers == sorted(set(layers))


@pytest.fixture
def ece661_dme() -> Iterator[Any]:
    """The pipeline's module."""
    sys.path.insert(0, str(CLAIMS))
    try:
        yield importlib.import_module("ece661_dme")
    finally:
        sys.path.remove(str(CLAIMS))


def test_every_checkpoint_that_ece661_dme_names_is_published_for_its_source(ece661_dme):
    titles = {"hrf": "HRF", "voc2012": "Pascal VOC 2012 + Aug", "cityscapes": "Cityscapes", "ade20k": "ADE20K"}
    for model in ece661_dme.MODELS.values():
        assert released.known(model.weights).data == titles[model.source]
        assert model.weights.split("_")[0 if model.backbone.startswith("r50") else 1] == model.head


@pytest.mark.parametrize("scale", ["paper", "reduced", "desk", "smoke"])
def test_crops_and_lengths_of_ece661_dme_keep_their_ratios_at_every_scale(ece661_dme, scale):
    """Else its claims about crops and iterations would compare other things than the paper's."""
    dme = ece661_dme.Pipeline(scale)
    crops = {side: dme.fine_tuned(crop=side) for side in (256, 288, 320)}
    picture = crops[256].data.size[0] * crops[256].rescale
    assert {recipe.crop[0] * 512 / picture for recipe in crops.values()} == {256, 288, 320}
    assert all(recipe.crop[0] * 512 / picture == side for side, recipe in crops.items())
    lengths = [dme.fine_tuned(iterations=number).budget.amount for number in (150, 200, 300)]
    assert [length / lengths[1] for length in lengths] == [0.75, 1, 1.5]
    assert dme.fine_tuned(crop=None).crop is None
    assert not any(type(each).__name__ == "RandomFlip" for each in crops[256].transforms)


def test_splits_of_ece661_dme_differ_in_nothing_but_their_test_images(ece661_dme):
    dme = ece661_dme.Pipeline("desk")
    random, subject = dme.fine_tuned(crop=320), dme.by_subject.fine_tuned(crop=320)
    assert random.data.split.kind == "random"
    assert replace(random, data=replace(random.data, split=subject.data.split)) == subject
