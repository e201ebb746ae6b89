"""Other weights: all of the backbone or one sentence, of the heads what fits, and a record of what was taken."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.networks import WeightsError, building, weights
from harness.networks.weight_files import verify
from harness.specs import (
    Budget,
    Classifier,
    CrossEntropy,
    Data,
    FromJob,
    Network,
    Recipe,
    Scratch,
    Segmenter,
    Shrink,
    Weights,
)

REAL = Path(os.environ.get("CLAIMS_DATA_ROOT") or Path(__file__).parents[3] / "shared" / "data")
SQUEEZENET = REAL / "weights" / "squeezenet1_0_deepcompression_torchvision.pth"

CLASSES = {"dme": 2, "drive": 2, "camvid": 11}


def classes_of(data: Data) -> int:
    return CLASSES[data.name]


def unet(head: str = "fcn", width: int = 8, stages: int = 3) -> Segmenter:
    return Segmenter("unet-s5-d16", head, Shrink(width, stages))


TINY = unet()
RESNET = Classifier("resnet18")
HEADS = {TINY: ("decode_head.conv_seg", "auxiliary_head.conv_seg"), RESNET: ("fc",)}
both = pytest.mark.parametrize("network", [TINY, RESNET], ids=["segmenter", "classifier"])


def built(seed: int, classes: int = 2, network: Network = TINY) -> torch.nn.Module:
    return building.build(network, classes, (CrossEntropy(),), seed)


def outlined(network: Network, classes: int = 2) -> weights.State:
    return building.outline(network, classes, ()).state_dict()


def saved(path: Path, content: object) -> Weights:
    torch.save(content, path)
    return Weights(str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def last_layers(network: Network) -> set[str]:
    return {f"{head}.{kind}" for head in HEADS[network] for kind in ("weight", "bias")}


@both
def test_everything_of_the_same_network_is_loaded(network: Network) -> None:
    source, target = built(0, 2, network), built(1, 2, network)
    name = next(name for name in source.state_dict() if name.endswith("running_mean"))
    source.get_buffer(name).add_(3)
    expected = source.state_dict()
    assert weights.fit(network, target, expected, "a test") == weights.Loaded("a test", len(expected), (), ())
    assert all(torch.equal(tensor, expected[name]) for name, tensor in target.state_dict().items())


def test_shuffled_weights_have_the_same_entries_in_another_order_that_the_seed_draws() -> None:
    state = built(0).state_dict()
    shuffled, again, other = (weights.shuffled(state, seed) for seed in (3, 3, 4))
    assert shuffled.keys() == state.keys()
    for name, tensor in state.items():
        assert shuffled[name].shape == tensor.shape
        assert torch.equal(shuffled[name].flatten().sort().values, tensor.flatten().sort().values)
        assert torch.equal(shuffled[name], again[name])
        if len(tensor.unique()) > 9:
            assert not torch.equal(shuffled[name], tensor)
            assert not torch.equal(shuffled[name], other[name])
    assert torch.equal(state["decode_head.conv_seg.weight"], built(0).state_dict()["decode_head.conv_seg.weight"])


@both
def test_a_last_layer_for_other_classes_is_left_as_initialised_and_named(network: Network) -> None:
    source, target = built(0, 11, network), built(1, 2, network)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    loaded = weights.fit(network, target, source.state_dict(), "a test")
    assert set(loaded.not_loaded) == set(loaded.unused) == last_layers(network)
    assert loaded.loaded == len(before) - len(loaded.not_loaded)
    after, other = target.state_dict(), source.state_dict()
    for name in after:
        assert torch.equal(after[name], before[name] if name in loaded.not_loaded else other[name]), name


@both
def test_of_the_backbone_alone_no_head_is_loaded(network: Network) -> None:
    source, target = built(0, 2, network), built(1, 2, network)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    loaded = weights.fit(network, target, source.state_dict(), "a test", part="backbone")
    heads = tuple(head.partition(".")[0] + "." for head in HEADS[network])
    assert loaded.not_loaded == loaded.unused == tuple(name for name in before if name.startswith(heads))
    after, other = target.state_dict(), source.state_dict()
    for name in after:
        assert torch.equal(after[name], before[name] if name.startswith(heads) else other[name]), name


def test_the_heads_of_another_kind_stay_as_initialised() -> None:
    loaded = weights.fit(TINY, built(1), built(0, network=unet("pspnet")).state_dict(), "a test")
    assert not any(name.startswith("backbone.") for name in (*loaded.not_loaded, *loaded.unused))
    assert any(name.startswith("decode_head.convs") for name in loaded.not_loaded)
    assert any(name.startswith("decode_head.psp_modules") for name in loaded.unused)


def without(state: weights.State, *ends: str) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.endswith(ends)}


@pytest.mark.parametrize(
    ("network", "state", "sentence"),
    [
        (
            TINY,
            {},
            r"but they lack 60 of its 60 tensors in their shape \(backbone.encoder.0.0.convs.0.conv.weight\);",
        ),
        (
            TINY,
            {"stem.weight": torch.zeros(3)},
            r"60 of its 60 .* and hold 1 that it does not have \(backbone.stem.weight\);",
        ),
        (TINY, outlined(unet(width=16)), "but they lack 60 of its 60 tensors in their shape"),
        (TINY, outlined(unet(stages=5)), "but they hold 60 that it does not have"),
        (unet(stages=5), outlined(TINY), "but they lack 50 of its 110 tensors"),
        (TINY, without(outlined(TINY), "encoder.0.0.convs.0.bn.running_var"), "but they lack 1 of its 60 tensors"),
        (TINY, {f"net.{name}": tensor for name, tensor in outlined(TINY).items()}, "60 of its 60 tensors"),
        (RESNET, outlined(TINY), "to fit the backbone of resnet18"),
        (
            RESNET,
            outlined(Classifier("resnet34")),
            r"but they hold 96 that it does not have \(layer1.2.conv1.weight\);",
        ),
        (Classifier("resnet34"), outlined(RESNET), "but they lack 80 of its 180 tensors"),
        (
            Classifier("resnet50"),
            outlined(Classifier("resnet101")),
            r"but they hold 306 that it does not have \(layer3.6.conv1.weight\); choose weights of the same",
        ),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value)[:40],
)
def test_weights_of_another_architecture_are_refused(network: Network, state: weights.State, sentence: str) -> None:
    with pytest.raises(WeightsError, match=r"Expected the weights of here\.pth to fit the backbone of ") as error:
        weights.fitting(network, outlined(network), state, "here.pth")
    assert error.match(sentence)
    assert "\n" not in str(error.value)


def test_weights_that_are_refused_change_nothing() -> None:
    target = built(1)
    with pytest.raises(WeightsError):
        weights.fit(TINY, target, without(built(0).state_dict(), "encoder.0.0.convs.0.conv.weight"), "here.pth")
    expected = built(1).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in target.state_dict().items())


@both
def test_files_older_than_the_counters_of_batch_normalisation_load(network: Network) -> None:
    source = built(0, network=network).state_dict()
    loaded = weights.fit(network, built(1, network=network), without(source, "num_batches_tracked"), "an old file")
    assert loaded.not_loaded == tuple(name for name in source if name.endswith("num_batches_tracked"))
    assert loaded.unused == ()


def starting(init: Any, network: Network = TINY, data: str = "dme") -> Recipe:
    return Recipe(Data(data), network, Budget(1), init=init)


def source(network: Network, data: str = "drive", init: Any = None) -> FromJob:
    return FromJob(starting(init or Scratch(), network, data))


def test_a_file_that_does_not_fit_is_found_without_training(tmp_path: Path) -> None:
    fits = saved(tmp_path / "fits.pth", built(0, classes=11).state_dict())
    wide = saved(tmp_path / "wide.pth", built(0, network=unet(width=16)).state_dict())
    weights.check(starting(fits), classes_of)
    for recipe in (starting(wide), starting(source(TINY, init=wide))):
        with pytest.raises(
            WeightsError, match=r"the weights of .*wide\.pth to fit .* but they lack 60 of its 60 tensors"
        ):
            weights.check(recipe, classes_of)
    with pytest.raises(WeightsError, match="weights at"):
        weights.check(starting(Weights(str(tmp_path / "absent.pth"), "0" * 64)), classes_of)


@pytest.mark.parametrize("init", [Scratch(), source(TINY), source(unet("pspnet")), source(TINY, "camvid")])
def test_a_source_with_the_same_backbone_fits(init: Any) -> None:
    weights.check(starting(init), classes_of)


@pytest.mark.parametrize("network", [unet(width=16), unet(stages=2), RESNET], ids=str)
def test_a_source_with_another_backbone_is_found_before_it_trains(network: Network) -> None:
    sentence = "the weights of the source on drive to fit the backbone of unet-s5-d16"
    with pytest.raises(WeightsError, match=sentence):
        weights.check(starting(source(network)), classes_of)
    with pytest.raises(WeightsError, match=sentence):
        weights.check(starting(FromJob(starting(source(network), data="camvid"))), classes_of)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"meta": {"epoch": 3}, "state_dict": state},
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    ],
    ids=["torchvision's", "mmengine's", "of a parallel wrapper"],
)
def test_a_plain_state_dict_and_mmengines_are_read_alike(wrap: Any, tmp_path: Path) -> None:
    state = built(0).state_dict()
    read = weights.read(saved(tmp_path / "weights.pth", wrap(state)))
    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], state[name]) for name in state)


def test_another_file_than_the_one_meant_is_refused(tmp_path: Path) -> None:
    file = saved(tmp_path / "weights.pth", built(0).state_dict())
    other = Weights(file.name, "0" * 64)
    for use in (verify, weights.read):
        with pytest.raises(WeightsError, match=f"to have the SHA-256 {'0' * 64}, but got {file.sha256}"):
            use(other)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(WeightsError, match="but there is no such file; give the path of the weights"):
            weights.read(Weights(str(path), "0" * 64))
    with pytest.raises(WeightsError, match="but there is no such file"):
        weights.load(tmp_path / "absent.pth")


class Anything:
    """Loads with pickle only."""


@pytest.mark.parametrize(
    "content",
    [b"", b"not a checkpoint at all", b"PK\x03\x04" + bytes(40), Anything()],
    ids=["empty", "text", "zip", "object"],
)
def test_a_file_that_holds_no_weights_is_one_sentence(content: object, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(WeightsError, match=r"to hold weights that torch loads with `weights_only=True`"):
        weights.read(Weights(str(path), hashlib.sha256(path.read_bytes()).hexdigest()))


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, {"state_dict": {}}, [torch.zeros(2)], {"state_dict": None}])
def test_a_file_without_named_tensors_is_one_sentence(content: object, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="to hold tensors by name, but it holds none"):
        weights.read(saved(tmp_path / "weights.pth", content))


@pytest.mark.skipif(not SQUEEZENET.is_file(), reason=f"{SQUEEZENET.name} is not there")
def test_a_real_file_loads_whole_and_predicts() -> None:
    network = Classifier("squeezenet1_0")
    file = Weights(str(SQUEEZENET), hashlib.sha256(SQUEEZENET.read_bytes()).hexdigest())
    state = weights.read(file)
    module = built(0, 1000, network)
    assert weights.fit(network, module, state, file.name) == weights.Loaded(file.name, len(state), (), ())
    graded = weights.fit(network, built(0, 5, network), state, file.name)
    assert graded.not_loaded == graded.unused == ("classifier.1.weight", "classifier.1.bias")
    weights.check(starting(file, network), classes_of)
    with pytest.raises(WeightsError, match="to fit the backbone of squeezenet1_1"):
        weights.check(starting(file, Classifier("squeezenet1_1")), classes_of)
