"""Loading another network's weights: all that fits, and one sentence where too little does."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from harness.checkpoints import WeightsError, verify
from harness.models import building, weights
from harness.specs import Budget, Checkpoint, Data, Loss, Model, Pretrained, Recipe, Scratch

TINY = Model(width=8, stages=3)


def network(seed: int, classes: int = 2, model: Model = TINY) -> torch.nn.Module:
    return building.build(model, classes, Loss(), seed)


def saved(path: Path, content: object) -> Checkpoint:
    torch.save(content, path)
    return Checkpoint(str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def test_everything_of_the_same_network_is_loaded() -> None:
    source, target = network(0), network(1)
    source.backbone.encoder[0][0].convs[0].bn.running_mean += 3
    assert weights.fit(target, source.state_dict(), "a test") == ()
    expected = source.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in target.state_dict().items())


def test_a_classifier_for_other_classes_is_left_as_initialised_and_named() -> None:
    source, target = network(0, classes=11), network(1)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    left = weights.fit(target, source.state_dict(), "a test")
    assert set(left) == {
        f"{head}.conv_seg.{kind}" for head in ("decode_head", "auxiliary_head") for kind in ("weight", "bias")
    }
    after, given = target.state_dict(), source.state_dict()
    for name in after:
        assert torch.equal(after[name], before[name] if name in left else given[name]), name


def test_the_heads_of_another_kind_stay_as_initialised() -> None:
    source, target = network(0, model=Model(head="pspnet", width=8, stages=3)), network(1)
    left = weights.fit(target, source.state_dict(), "a test")
    assert not any(name.startswith("backbone.") for name in left)
    assert any(name.startswith("decode_head.convs") for name in left)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"encoder.weight": torch.zeros(3)},
        building.build(Model(width=16, stages=3), 2, Loss(), 0).state_dict(),
        {f"module.{name}": tensor for name, tensor in network(0).state_dict().items()},
        {name: tensor for name, tensor in network(0).state_dict().items() if not name.startswith("backbone.")},
    ],
    ids=["nothing", "another name", "another width", "a prefix", "heads only"],
)
def test_weights_that_do_not_fit_the_backbone_are_refused_and_nothing_is_loaded(state: dict) -> None:
    target = network(1)
    with pytest.raises(WeightsError, match=r"Expected the weights of here\.pth to fit .* choose a checkpoint"):
        weights.fit(target, state, "here.pth")
    expected = network(1).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in target.state_dict().items())


def starting(init: object) -> Recipe:
    return Recipe(Data("dme"), Budget(1), model=TINY, init=init)


def pretrained(model: Model) -> Pretrained:
    return Pretrained(Recipe(Data("drive"), Budget(1), model=model))


def test_a_checkpoint_file_that_does_not_fit_is_found_without_training(tmp_path: Path) -> None:
    fits = saved(tmp_path / "fits.pth", network(0, classes=11).state_dict())
    wide = saved(tmp_path / "wide.pth", network(0, model=Model(width=16, stages=3)).state_dict())
    weights.check(starting(fits), 2)
    with pytest.raises(WeightsError, match=r"the weights of .*wide\.pth to fit .* but only \d+ of its \d+ tensors"):
        weights.check(starting(wide), 2)
    with pytest.raises(WeightsError, match="a checkpoint at"):
        weights.check(starting(Checkpoint(str(tmp_path / "absent.pth"), "0" * 64)), 2)


@pytest.mark.parametrize("init", [Scratch(), pretrained(TINY), pretrained(Model(head="pspnet", width=8, stages=3))])
def test_a_source_with_the_same_backbone_fits(init: object) -> None:
    weights.check(starting(init), 2)


@pytest.mark.parametrize("model", [Model(width=16, stages=3), Model(width=8, stages=2)])
def test_a_source_with_another_backbone_is_found_before_it_trains(model: Model) -> None:
    with pytest.raises(WeightsError, match="the weights of the source on drive to fit the network's backbone"):
        weights.check(starting(pretrained(model)), 2)


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"meta": {"epoch": 3}, "state_dict": state}])
def test_a_plain_state_dict_and_mmengines_are_read_alike(wrap, tmp_path: Path) -> None:
    state = network(0).state_dict()
    read = weights.read(saved(tmp_path / "weights.pth", wrap(state)))
    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], state[name]) for name in state)


def test_another_file_than_the_one_meant_is_refused(tmp_path: Path) -> None:
    checkpoint = saved(tmp_path / "weights.pth", network(0).state_dict())
    other = Checkpoint(checkpoint.path, "0" * 64)
    for use in (verify, weights.read):
        with pytest.raises(WeightsError, match=f"to have the SHA-256 {'0' * 64}, but got {checkpoint.sha256}"):
            use(other)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(WeightsError, match="but there is no such file; give the path of the weights"):
            weights.read(Checkpoint(str(path), "0" * 64))


class Anything:
    """Loads with pickle only."""


@pytest.mark.parametrize(
    "content",
    [b"", b"not a checkpoint at all", b"PK\x03\x04" + bytes(40), Anything()],
    ids=["empty", "text", "zip", "object"],
)
def test_a_file_that_is_no_checkpoint_is_one_sentence(content: object, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(WeightsError, match=r"to be a checkpoint that torch loads with `weights_only=True`"):
        weights.read(Checkpoint(str(path), hashlib.sha256(path.read_bytes()).hexdigest()))


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, {"state_dict": {}}, [torch.zeros(2)], {"state_dict": None}])
def test_a_checkpoint_without_named_tensors_is_one_sentence(content: object, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="to hold tensors by name, but found none"):
        weights.read(saved(tmp_path / "weights.pth", content))
