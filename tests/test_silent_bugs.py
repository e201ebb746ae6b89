"""One test for each bug that would give a wrong figure without an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from harness.models import building, weights
from harness.runs import Run, syntax_digest
from harness.training import evaluation
from harness.training.loop import Trained, Training
from harness.training.seeds import role_seed

from harness import data as datasets
from harness import metrics, runs
from harness.data import Packed
from harness.specs import (
    Augmentation,
    Budget,
    Checkpoint,
    Data,
    Loss,
    Model,
    Optimiser,
    Pretrained,
    Recipe,
    Schedule,
)

SHA = "0123456789abcdef" * 4
RECIPE = Recipe(
    data=Data("dme", split="random", evidence="phantom"),
    budget=Budget(3),
    model=Model(width=8, stages=2),
    augmentation=Augmentation(crop=(16, 16), flip=0.5),
    optimiser=Optimiser("sgd", 0.01),
    batch_size=4,
)
STILL = Optimiser("sgd", 1e-30, momentum=0.0, weight_decay=0.0)
"""Moves no weight by more than ATOL, so that the result shows what the training started from."""
ATOL = 1e-25


def drawn(classes: int = 2) -> Packed:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10, 16, 24, 1), dtype=np.uint8)
    masks = rng.integers(0, classes, (10, 16, 24), dtype=np.uint8)
    masks[:, :3] = 255
    ids = tuple(f"image{index}" for index in range(10))
    return Packed(images, masks, ids, ids, ("",) * 10, ("background", "fluid", "wall")[:classes])


def trained(recipe: Recipe, seed: int = 0, initial: weights.State | None = None, classes: int = 2) -> Trained:
    torch.set_num_threads(1)
    packed = drawn(classes)
    split = datasets.split(packed, recipe.data, seed)
    given = None if initial is None else (initial, "a test")
    return Training(recipe, seed, packed, split, torch.device("cpu"), initial=given).run()


def parameters(state: weights.State, prefix: str = "") -> dict[str, torch.Tensor]:
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return {name: tensor for name, tensor in state.items() if name.startswith(prefix) and not name.endswith(statistics)}


def equal(one: weights.State, two: weights.State, prefix: str = "") -> bool:
    first, second = parameters(one, prefix), parameters(two, prefix)
    assert first
    assert first.keys() == second.keys()
    return all(torch.allclose(first[name], second[name], rtol=0, atol=ATOL) for name in first)


def test_a_seed_is_used_in_every_role_not_only_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = trained(RECIPE, 0), trained(RECIPE, 1)
    assert one.test_ids != two.test_ids, "split"
    assert not equal(one.state, two.state)
    # Each role alone changes the result: seed 1 for it, seed 0 for all others.
    fixed = replace(RECIPE, data=replace(RECIPE.data, split="subject"))
    usual = trained(fixed, 0)
    for role in ("initialisation", "order", "augmentation", "dropout"):
        with monkeypatch.context() as patch:
            for module in ("harness.training.loop", "harness.training.seeds"):
                patch.setattr(
                    f"{module}.role_seed", lambda seed, asked, role=role: role_seed(int(asked == role), asked)
                )
            assert not equal(usual.state, trained(fixed, 0).state), role


def keys(
    fingerprint: Callable[[Data], str] = lambda data: f"content of {data.name}", code: str = "code"
) -> Callable[..., str]:
    return lambda recipe=RECIPE, seed=0: Run(recipe, seed).key(fingerprint, code)


def test_a_stale_run_is_not_reused() -> None:
    source = Recipe(Data("drive", evidence="phantom"), Budget(5))
    fine = replace(RECIPE, init=Pretrained(source))
    content = {name: (lambda data, name=name: f"{data.name == name}") for name in ("dme", "drive")}
    different = {
        "as it is": keys()(fine),
        "another seed": keys()(fine, 1),
        "another budget": keys()(replace(fine, budget=Budget(4))),
        "the target's images changed": keys(content["dme"])(fine),
        "the source's images changed": keys(content["drive"])(fine),
        "the training code changed": keys(code="other")(fine),
        "another source": keys()(
            replace(fine, init=Pretrained(replace(source, data=Data("stare", evidence="phantom"))))
        ),
        "a longer source": keys()(replace(fine, init=Pretrained(replace(source, budget=Budget(6))))),
        "another seed's source": keys()(replace(fine, init=Pretrained(source, seed=3))),
        "a checkpoint": keys()(replace(fine, init=Checkpoint("a.pth", SHA))),
        "another checkpoint": keys()(replace(fine, init=Checkpoint("a.pth", SHA[::-1]))),
        "no source": keys()(RECIPE),
    }
    assert len(set(different.values())) == len(different)


def test_the_key_of_a_run_holds_the_key_of_its_source_in_the_same_data() -> None:
    """A change of the source's data alone must reach the runs that start from it."""
    source = Recipe(Data("drive", evidence="phantom"), Budget(5))
    fine = Run(replace(RECIPE, init=Pretrained(source)), 0)
    first, second = (fine.key(lambda data, n=n: n if data.name == "drive" else "same", "code") for n in ("a", "b"))
    assert first != second


def test_a_run_is_found_again_where_nothing_of_substance_changed() -> None:
    one, two = (replace(RECIPE, init=Checkpoint(path, SHA)) for path in ("here.pth", "/there/it.pth"))
    assert keys()(one) == keys()(two)
    before = '"""About."""\nRATE = 0.1  # guessed\ndef f(x):\n    """Doc."""\n    return x * RATE\n'
    after = "RATE = 0.1\n\ndef f(x):\n    # another comment\n    return (x * RATE)\n"
    assert syntax_digest(before) == syntax_digest(after)
    assert syntax_digest(before) != syntax_digest(before.replace("0.1", "0.2"))
    assert syntax_digest(before) != syntax_digest(before.replace("x * RATE", "x + RATE"))


@pytest.mark.parametrize(
    "file", ["training/augmentation.py", "models/losses.py", "data/splitting.py", "metrics.py", "specs/__init__.py"]
)
def test_a_changed_constant_anywhere_in_the_training_code_changes_every_key(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = runs.training_code()
    seen: list[str] = []

    def spied(source: str) -> str:
        seen.append(source)
        return syntax_digest(source + "\nCHANGED = 1\n" if source == wanted else source)

    wanted = (runs.Path(runs.__file__).parent / file).read_text("utf-8")
    monkeypatch.setattr(runs, "syntax_digest", spied)
    assert runs.training_code.__wrapped__() != before
    assert wanted in seen


def test_a_float_key_matches_the_equal_int() -> None:
    floats = replace(RECIPE, optimiser=Optimiser("sgd", 1.0, 0.0, 0.0), normalise=(100.0, 50.0), test_resize=1.0)
    ints = replace(RECIPE, optimiser=Optimiser("sgd", 1, 0, 0), normalise=(100, 50), test_resize=1)
    assert keys()(floats) == keys()(ints)
    assert keys()(floats) != keys()(replace(floats, test_resize=1.5))


def test_ignored_pixels_neither_train_nor_count() -> None:
    result = trained(RECIPE)
    assert result.counts.sum() == len(result.test_ids) * 13 * 24
    images = torch.randn(2, 3, 16, 16)
    network = building.build(RECIPE.model, 2, Loss(1.0, 3.0, (1.0, 10.0), "foreground"), 0)
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    target = torch.full((2, 1, 16, 16), 255)
    target[:, :, :8] = 0
    logits = network.encode_decode(images, [{"img_shape": (16, 16)}] * 2)
    logits.retain_grad()
    feature = SegDataSample(gt_sem_seg=PixelData(data=target[0]))
    other = SegDataSample(gt_sem_seg=PixelData(data=target[1]))
    losses = network.decode_head.loss_by_feat(logits, [feature, other])
    sum(value for name, value in losses.items() if "loss" in name).backward()
    assert logits.grad[:, :, 8:].abs().max() == 0
    assert logits.grad[:, :, :8].abs().max() > 0


def test_paired_arms_start_from_the_same_head() -> None:
    """What differs between the arms of one seed must be what the claim varies, not the luck of the head's draw."""
    source = trained(replace(RECIPE, data=Data("drive", split="random", evidence="phantom")), 50, classes=3)
    still = replace(RECIPE, optimiser=STILL, budget=Budget(1))
    scratch, fine = trained(still, 4), trained(still, 4, source.state)
    assert equal(scratch.state, fine.state, "decode_head.conv_seg")
    assert equal(scratch.state, fine.state, "auxiliary_head.conv_seg")
    assert not equal(scratch.state, fine.state, "backbone")
    assert not equal(scratch.state, trained(still, 5).state, "decode_head.conv_seg")


def test_paired_arms_see_the_same_images_in_the_same_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[bytes]] = {}
    from harness.training.loader import ResidentLoader

    batch = ResidentLoader.batch
    for name, change in {
        "scratch": {},
        "loss": {"loss": Loss(0.0, 1.0)},
        "optimiser": {"optimiser": Optimiser("adam")},
        "head": {"model": replace(RECIPE.model, head="deeplabv3")},
        "frozen": {"frozen": ("backbone",)},
    }.items():

        def spied(self: ResidentLoader, step: int, name: str = name) -> tuple[torch.Tensor, torch.Tensor]:
            found = batch(self, step)
            seen.setdefault(name, []).append(found[0].contiguous().numpy().tobytes())
            return found

        monkeypatch.setattr(ResidentLoader, "batch", spied)
        trained(replace(RECIPE, **change), 6)
    assert all(batches == seen["scratch"] for batches in seen.values())


def test_evaluation_is_not_in_training_mode() -> None:
    """BatchNorm would use the statistics of the test batch, and dropout would drop."""
    result = trained(RECIPE)
    network = building.build(RECIPE.model, 2, RECIPE.loss, 0)
    network.load_state_dict(result.state)
    packed = drawn()
    _, tested = datasets.split(packed, RECIPE.data, 0)
    data = evaluation.Resident.place(packed, tested, torch.device("cpu"))
    alone = []
    for index in range(len(tested)):
        one = evaluation.Resident(data.images[index : index + 1], data.masks[index : index + 1])
        alone.append(evaluation.confusion(network.train(), one, RECIPE, 2)[0].tolist())
    assert result.counts.tolist() == alone


@pytest.mark.parametrize("split", ["random", "subject"])
def test_no_test_image_is_seen_in_training(split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.training.loader import ResidentLoader

    recipe = replace(
        RECIPE, data=replace(RECIPE.data, split=split), budget=Budget(3, "epochs"), augmentation=Augmentation()
    )
    packed, seen = drawn(), []
    batch = ResidentLoader.batch

    def spied(self: ResidentLoader, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        found = batch(self, step)
        seen.append(found[0][:, 0] * 57 + 116)
        return found

    monkeypatch.setattr(ResidentLoader, "batch", spied)
    result = trained(recipe, 2)
    assert set(result.train_ids).isdisjoint(result.test_ids)
    grey = torch.cat(seen).round().byte().numpy()
    ids = {
        packed.ids[index] for image in grey for index in np.flatnonzero((packed.images[..., 0] == image).all((1, 2)))
    }
    assert ids == set(result.train_ids), "every training image, and no other"


def test_pretrained_weights_are_loaded_and_not_initialised_again_by_the_runner() -> None:
    source = trained(RECIPE, 30).state
    still = replace(RECIPE, optimiser=STILL, budget=Budget(1))
    assert equal(trained(still, 1, source).state, source)
    assert not equal(trained(still, 1).state, source, "backbone")


def test_pretrained_statistics_are_loaded_too() -> None:
    source = trained(RECIPE, 30).state
    frozen = replace(RECIPE, optimiser=Optimiser("sgd", 0.01), budget=Budget(1), frozen=("backbone",))
    found = trained(frozen, 1, source).state
    assert all(torch.equal(found[name], source[name]) for name in source if name.startswith("backbone."))


def test_the_schedule_is_of_the_run_not_of_its_checkpoint_or_evaluations() -> None:
    """A poly schedule whose end is not the run's end trains with another rate throughout."""
    poly = replace(RECIPE, schedule=Schedule("poly"))
    assert not equal(trained(poly).state, trained(RECIPE).state)
    assert equal(trained(replace(poly, budget=Budget(3, evaluations=3))).state, trained(poly).state)
    assert not equal(trained(replace(poly, budget=Budget(4))).state, trained(replace(RECIPE, budget=Budget(4))).state)


def test_a_collapsed_network_does_not_score_well_by_a_mean_that_skips_nan() -> None:
    everything_background = np.array([[[100, 0, 0], [7, 0, 0], [0, 0, 0]]])
    values = metrics.summarise(everything_background, ("background", "fluid", "wall"))
    assert values["IoU.fluid"] == 0
    assert not values["mIoU"] > 0
    assert metrics.collapsed(values)
