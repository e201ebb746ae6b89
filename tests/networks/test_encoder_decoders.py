"""Segmenters from mmsegmentation's own configs: published sizes are theirs, small forms train, both export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mmseg
import pytest
import torch
from encoder_decoder_examples import CLASSIFIERS, PUBLISHED, SHRUNK, SHRUNK_CLASSIFIERS, small
from mmengine.config import Config
from torch.utils.flop_counter import FlopCounterMode

from harness.jobs import mmseg_config
from harness.networks import building, family
from harness.specs import (
    Budget,
    CrossEntropy,
    Data,
    Dice,
    Network,
    RandomCrop,
    Recipe,
    Resize,
    Segmenter,
    Shrink,
)

PLAIN = (CrossEntropy(),)
SMOKE = (CrossEntropy(class_weight=(1.0, 10.0)), Dice(3.0, "foreground"))
DIFFERS = ("norm_cfg", "loss_decode", "num_classes", "test_cfg", "pretrained", "data_preprocessor", "init_cfg")
CONFIGS = Path(mmseg.__file__).parent / ".mim" / "configs"
VIT, SWIN = "vit-b16_ln_mln", "swin-base-patch4-window7"


def without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    """A config without the given keys, at every depth."""
    return {
        key: without(value, *names) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in names
    }


def recipe(network: Network, **changes: Any) -> Recipe:
    return Recipe(**{"data": Data("dme"), "network": network, "budget": Budget(1), **changes})


def check(network: Network, **changes: Any) -> None:
    family(network).check(recipe(network, **changes))


def crop(*size: int) -> dict[str, Any]:
    return {"transforms": (RandomCrop(size),)}


@pytest.mark.parametrize(
    ("network", "file"),
    [
        (Segmenter("r18-d8", "pspnet"), "pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py"),
        (Segmenter("r50-d8", "fcn"), "fcn/fcn_r50-d8_4xb4-20k_voc12aug-512x512.py"),
        (Segmenter("r101-d8", "deeplabv3"), "deeplabv3/deeplabv3_r101-d8_4xb4-160k_ade20k-512x512.py"),
        (Segmenter("r18", "upernet"), "upernet/upernet_r18_4xb4-20k_voc12aug-512x512.py"),
        (Segmenter("r50", "upernet"), "upernet/upernet_r50_4xb4-160k_ade20k-512x512.py"),
        (Segmenter("hr48", "fcn"), "hrnet/fcn_hr48_4xb2-80k_cityscapes-512x1024.py"),
        (Segmenter(VIT, "upernet"), "vit/vit_vit-b16-ln_mln_upernet_8xb2-160k_ade20k-512x512.py"),
        (Segmenter(SWIN, "upernet"), "swin/swin-base-patch4-window7-in22k-pre_upernet_8xb2-160k_ade20k-512x512.py"),
    ],
    ids=str,
)
def test_the_published_size_is_mmsegs_config_but_for_norm_losses_and_whole_images(
    network: Segmenter, file: str
) -> None:
    built = family(network).config(network, 2, PLAIN)
    theirs = Config.fromfile(CONFIGS / file).model.to_dict()
    assert without(built, *DIFFERS) == without(theirs, *DIFFERS)
    assert "SyncBN" not in str(built)
    assert built["test_cfg"] == {"mode": "whole"}
    assert "init_cfg" not in built["backbone"]
    shares = [built[part]["loss_decode"][0]["loss_weight"] for part in built if part.endswith("_head")]
    assert shares == [1.0, 0.4][: len(shares)]


@pytest.mark.parametrize(
    ("network", "millions"),  # mmsegmentation's and torchvision's published counts, less what classes differ in
    [(Segmenter("r50-d8", "fcn"), 49.5), (Segmenter(SWIN, "upernet"), 121.2), (Segmenter(VIT, "upernet"), 144.0)],
    ids=str,
)
def test_the_published_networks_are_as_large_as_they_should_be(network: Segmenter, millions: float) -> None:
    parameters = building.outline(network, 19, PLAIN).parameters()
    assert sum(parameter.numel() for parameter in parameters) == pytest.approx(millions * 1e6, rel=0.01)


@pytest.mark.parametrize("network", PUBLISHED, ids=str)
def test_every_parameter_of_the_published_size_is_reached_from_the_heads(network: Segmenter) -> None:
    """One step without values; accuracy, which mmsegmentation computes beside the losses, needs values."""
    module = building.outline(network, 2, PLAIN).train()
    features = module.extract_feat(torch.empty(2, 3, 64, 96, device="meta"))
    heads = [getattr(module, name) for name in ("decode_head", "auxiliary_head") if hasattr(module, name)]
    assert len(heads) == (1 if network.head == "linear" or network.backbone in ("hr48", "squeezenet1_0") else 2)
    sum(head(features).sum() for head in heads).backward()
    assert [name for name, parameter in module.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("network", [Segmenter("r18-d8", "fcn"), Segmenter("squeezenet1_0", "fcn")], ids=str)
def test_a_published_size_trains_a_step(network: Segmenter) -> None:
    trains(network, 32)


@pytest.mark.parametrize("network", SHRUNK, ids=str)
def test_every_small_form_trains_every_parameter_on_small_crops(network: Segmenter) -> None:
    check(network, **crop(32, 32))
    check(network, data=Data("dme", resize=Resize((32, 48))))
    trains(network, 32)


def trains(network: Segmenter, side: int) -> None:
    module = building.build(network, 2, SMOKE, seed=0)
    images, targets = torch.randn(2, 3, side, side), torch.randint(0, 2, (2, side, side))
    targets[:, :3] = 255
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    optimiser = torch.optim.Adam(module.parameters(), 1e-3)
    for _ in range(2):  # in the first one a block's last norm, which starts at zero, holds back all before it
        optimiser.zero_grad()
        loss = building.loss(network, module, images, targets)
        loss.backward()
        optimiser.step()
    assert loss.isfinite()
    assert [name for name, parameter in module.named_parameters() if torch.equal(parameter, before[name])] == []
    assert building.logits(network, module.eval(), torch.randn(1, 3, side, 48)).shape == (1, 2, side, 48)


@pytest.mark.parametrize("network", SHRUNK, ids=str)
def test_an_exported_config_builds_the_same_network(network: Segmenter) -> None:
    from mmseg.registry import MODELS

    arm = recipe(network, **crop(32, 32))
    content = mmseg_config.config(arm, ("background", "fluid"), (64, 96, 3), 16)
    model = Config.fromstring(Config(content).pretty_text, ".py").model.to_dict()
    theirs = MODELS.build(model).state_dict()
    ours = building.outline(network, 2, PLAIN).state_dict()
    assert {name: tensor.shape for name, tensor in theirs.items()} == {name: t.shape for name, t in ours.items()}


STARTED = {network.backbone: network for network in SHRUNK}


@pytest.mark.parametrize("network", STARTED.values(), ids=str)
def test_an_exported_backbone_starts_from_another_network_s(network: Segmenter, tmp_path: Path) -> None:
    from mmseg.registry import MODELS

    source = building.build(network, 5, PLAIN, seed=1).state_dict()
    torch.save({"state_dict": source}, tmp_path / "source.pth")
    content = mmseg_config.config(
        recipe(network), ("a", "b"), (64, 96, 3), 16, load_from=str(tmp_path / "source.pth"), part="backbone"
    )
    assert content["load_from"] is None
    module = MODELS.build(content["model"])
    module.init_weights()
    for name, tensor in module.state_dict().items():
        if name.startswith("backbone.") or name.endswith(("conv.weight", "conv_seg.weight")):  # others start alike
            same = torch.equal(tensor, source[name]) if tensor.shape == source[name].shape else False
            assert same == name.startswith("backbone."), name


@pytest.mark.parametrize("network", PUBLISHED, ids=str)
def test_the_published_size_is_written_as_a_config(network: Segmenter) -> None:
    content = mmseg_config.config(recipe(network, **crop(512, 512)), ("background", "fluid"), (640, 640, 3), 16)
    model = Config.fromstring(Config(content).pretty_text, ".py").model.to_dict()
    model.pop("data_preprocessor")
    assert model == Config({"model": family(network).config(network, 2, PLAIN)}).model.to_dict()


@pytest.mark.parametrize("network", [*SHRUNK, *SHRUNK_CLASSIFIERS, *PUBLISHED[::5], *CLASSIFIERS[::4]], ids=str)
def test_the_cost_is_what_torch_counts(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mha, "get_fastpath_enabled", lambda: False)  # its operator is not counted
    module, size = building.outline(network, 2, ()).eval(), (64, 96)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        building.logits(network, module, torch.empty(1, 3, *size, device="meta"))
    assert family(network).cost(network, size) == pytest.approx(counter.get_total_flops() / 2, rel=0.05)


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (Segmenter("r50-d8", "upernet"), "to be one of 'fcn', 'pspnet', 'deeplabv3', 'linear', but got 'upernet'."),
        (Segmenter("r50", "fcn"), "to be one of 'upernet', 'linear', but got 'fcn'."),
        (Segmenter("hr48", "linear"), "Expected segmenter `head` for hr48 to be one of 'fcn', but got 'linear'."),
        (Segmenter("r18-d8", "fcn", Shrink(8, 3)), "Expected shrink `stages` of r18-d8 to be 4, but got 3."),
        (Segmenter("r18-d8", "fcn", Shrink(7, 4)), "`width` of r18-d8 to be even, because its stem has half of it, "),
        (Segmenter("r18-d8", "linear", Shrink(8, 4, head=16)), "with the head 'linear', which has no channels"),
        (Segmenter(VIT, "upernet", Shrink(32, 5)), f"`stages` of {VIT} to be 2 or 3 or 4, but got 5."),
        (Segmenter(VIT, "upernet", Shrink(20, 2)), "to be a multiple of 8, because attention heads share it"),
        (Segmenter(SWIN, "upernet", Shrink(10, 2)), "to be a multiple of 4, because attention heads share it"),
        (Segmenter("squeezenet1_0", "fcn", Shrink(96, 4, 0.5)), "`depth` of squeezenet1_0 to be 1, because its"),
    ],
)
def test_a_network_that_does_not_exist_is_one_sentence(network: Segmenter, sentence: str) -> None:
    for use in (check, lambda network: building.outline(network, 2, ())):
        with pytest.raises(ValueError, match="Expected") as error:
            use(network)
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)


def test_a_crop_suits_the_patches_and_windows() -> None:
    check(Segmenter("r50-d8", "fcn"), **crop(769, 769))  # as published on Cityscapes
    tiny, published = small(VIT, "upernet"), Segmenter(VIT, "upernet")
    with pytest.raises(ValueError, match="divisible by the network's stride of 16, but got 520×512"):
        check(published, **crop(520, 512))
    with pytest.raises(ValueError, match="divisible by the network's stride of 8, but got 36×32"):
        check(tiny, **crop(36, 32))
    with pytest.raises(ValueError, match=f"at least 32×32 pixels for {VIT}, but got 16×64; choose a larger crop"):
        check(published, **crop(16, 64))
    check(published, **crop(32, 64))
    with pytest.raises(ValueError, match=f"at least 28×28 pixels for {SWIN}, one window of 7×7 patches of 4×4, but"):
        check(Segmenter(SWIN, "upernet"), **crop(24, 64))
    check(small(SWIN, "upernet"), **crop(16, 16))


@pytest.mark.parametrize(
    ("network", "size", "words"),
    [
        (
            Segmenter(VIT, "upernet"),
            (256, 1024),
            "takes 16×64 patches for the 32×32 of its position",
        ),
        (
            small(VIT, "upernet"),
            (64, 256),
            "takes 8×32 patches for the 16×16 of its position embedding, but got 64×256",
        ),
    ],
    ids=str,
)
def test_a_crop_whose_patches_pass_for_a_square_is_refused(
    network: Segmenter, size: tuple[int, int], words: str
) -> None:
    """mmsegmentation compares numbers of patches only, and would take the square's rows one after the other."""
    check(network, **crop(size[0], size[1] // 2))
    with pytest.raises(ValueError, match=words):
        check(network, **crop(*size))


@pytest.mark.parametrize("head", ["pspnet", "deeplabv3", "upernet"])
def test_pooled_heads_train_on_no_single_image(head: str) -> None:
    network = small("r18" if head == "upernet" else "r18-d8", head)
    check(network, batch_size=2)
    with pytest.raises(ValueError, match="`batch_size` to be at least 2 with the head"):
        check(network, batch_size=1)
    check(network, batch_size=1, frozen=("decode_head",))
    module = building.build(network, 2, PLAIN, seed=0)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        module.decode_head(module.extract_feat(torch.randn(1, 3, 64, 64)))


SINGLE = [*SHRUNK, *SHRUNK_CLASSIFIERS]


@pytest.mark.parametrize("side", [32, 64])
@pytest.mark.parametrize("network", SINGLE, ids=str)
def test_a_single_image_is_refused_where_torch_would_refuse_it(network: Network, side: int) -> None:
    frozen = ("decode_head",) if isinstance(network, Segmenter) and network.head != "linear" else ()
    module = building.build(network, 2, PLAIN, seed=0).train()
    for part in frozen:
        module.get_submodule(part).eval()
    image, single = torch.randn(1, 3, side, side), {"batch_size": 1, "frozen": frozen, **crop(side, side)}
    try:
        if isinstance(network, Segmenter):
            features = module.extract_feat(image)
            for head in ("decode_head", "auxiliary_head"):
                if hasattr(module, head):
                    getattr(module, head)(features)
        else:
            module(image)
    except ValueError:
        with pytest.raises(ValueError, match="where recipe `batch_size` is 1"):
            check(network, **single)
    else:
        check(network, **single)
