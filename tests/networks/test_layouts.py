"""Layouts of other publishers: their tensors, under mmsegmentation's names, compute what they computed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

import harness.networks.openmmlab  # noqa: F401

# isort: split
import mmseg
from mmseg.models.backbones import ResNet, ResNetV1c, SwinTransformer, VisionTransformer
from torchvision.models import resnet50, squeezenet1_0

from harness.networks import WeightsError, layouts

HEAD = {"head.weight": torch.zeros(5, 4), "head.bias": torch.zeros(5)}

State = dict[str, torch.Tensor]


class Network(nn.Module):
    """A backbone where a segmenter has it."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone


def vit(size: int = 32, **settings: object) -> VisionTransformer:
    return VisionTransformer(
        img_size=(size, size), patch_size=8, embed_dims=16, num_layers=2, num_heads=2, out_indices=(0, 1), **settings
    )


def swin(window: int = 4) -> SwinTransformer:
    return SwinTransformer(
        embed_dims=8, depths=(2, 2), num_heads=(1, 2), strides=(4, 2), out_indices=(0, 1), window_size=window
    )


def timm_vit(blocks: int = 2, dims: int = 16, patches: int = 16, patch: int = 8) -> State:
    """A vision transformer as timm names it (``vit_base_patch16_224``), by default tiny."""
    layer = {
        "norm1.weight": (dims,),
        "norm1.bias": (dims,),
        "attn.qkv.weight": (3 * dims, dims),
        "attn.qkv.bias": (3 * dims,),
        "attn.proj.weight": (dims, dims),
        "attn.proj.bias": (dims,),
        "norm2.weight": (dims,),
        "norm2.bias": (dims,),
        "mlp.fc1.weight": (4 * dims, dims),
        "mlp.fc1.bias": (4 * dims,),
        "mlp.fc2.weight": (dims, 4 * dims),
        "mlp.fc2.bias": (dims,),
    }
    shapes = {
        "cls_token": (1, 1, dims),
        "pos_embed": (1, patches + 1, dims),
        "patch_embed.proj.weight": (dims, 3, patch, patch),
        "patch_embed.proj.bias": (dims,),
        **{f"blocks.{number}.{name}": shape for number in range(blocks) for name, shape in layer.items()},
        "norm.weight": (dims,),
        "norm.bias": (dims,),
    }
    return {**{name: torch.randn(shape) for name, shape in shapes.items()}, **HEAD}


def authors_swin(
    window: int = 4, dims: int = 8, depths: tuple[int, ...] = (2, 2), heads: tuple[int, ...] = (1, 2)
) -> State:
    """A Swin as its authors name it (``swin_base_patch4_window7_224``), by default tiny."""
    last = dims << (len(depths) - 1)
    shapes: dict[str, tuple[int, ...]] = {
        "patch_embed.proj.weight": (dims, 3, 4, 4),
        "patch_embed.proj.bias": (dims,),
        "patch_embed.norm.weight": (dims,),
        "patch_embed.norm.bias": (dims,),
        "norm.weight": (last,),
        "norm.bias": (last,),
    }
    for stage, (blocks, number) in enumerate(zip(depths, heads, strict=True)):
        width = dims << stage
        one = {
            "norm1.weight": (width,),
            "norm1.bias": (width,),
            "attn.relative_position_bias_table": ((2 * window - 1) ** 2, number),
            "attn.relative_position_index": (window**2, window**2),
            "attn.qkv.weight": (3 * width, width),
            "attn.qkv.bias": (3 * width,),
            "attn.proj.weight": (width, width),
            "attn.proj.bias": (width,),
            "norm2.weight": (width,),
            "norm2.bias": (width,),
            "mlp.fc1.weight": (4 * width, width),
            "mlp.fc1.bias": (4 * width,),
            "mlp.fc2.weight": (width, 4 * width),
            "mlp.fc2.bias": (width,),
        }
        for block in range(blocks):
            shapes |= {f"layers.{stage}.blocks.{block}.{name}": shape for name, shape in one.items()}
        shapes[f"layers.{stage}.blocks.1.attn_mask"] = (4, window**2, window**2)
        if stage < len(depths) - 1:
            shapes[f"layers.{stage}.downsample.reduction.weight"] = (2 * width, 4 * width)
            shapes[f"layers.{stage}.downsample.norm.weight"] = (4 * width,)
            shapes[f"layers.{stage}.downsample.norm.bias"] = (4 * width,)
    return {**{name: torch.randn(shape) for name, shape in shapes.items()}, **HEAD}


def converter(name: str):  # type: ignore[no-untyped-def]
    """The module of that name of mmsegmentation's ``tools/model_converters``."""
    file = Path(mmseg.__file__).parent / ".mim" / "tools" / "model_converters" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def adapted(backbone: nn.Module, state: State) -> layouts.Adapted:
    return layouts.adapt(Network(backbone).state_dict(), state, "it", "a file")


def loads(backbone: nn.Module, state: State) -> set[str]:
    """Loads another layout into a backbone; returns what of the backbone stayed as it was."""
    network = Network(backbone)
    found = layouts.adapt(network.state_dict(), state, "it", "a file")
    left = {name: tensor for name, tensor in found.state.items() if name not in found.beyond}
    missing, unexpected = network.load_state_dict(left, strict=False)
    assert unexpected == []
    assert {name for name in missing if not name.endswith("relative_position_index")} <= found.fresh
    return set(missing)


def test_a_vit_of_timm_has_the_names_that_mmsegmentations_converter_gives_it() -> None:
    state = timm_vit()
    theirs = converter("vit2mmseg").convert_vit(state)
    ours = layouts.of_vit(state)
    assert {name: id(tensor) for name, tensor in ours.items() if not name.startswith(("head.", "norm."))} == {
        name: id(tensor) for name, tensor in theirs.items() if not name.startswith("ln1.")
    }


@pytest.mark.parametrize("norm", [False, True])
def test_a_vit_of_timm_loads(norm: bool) -> None:
    state, backbone = timm_vit(), vit(final_norm=norm)
    assert loads(backbone, state) == ({"backbone.ln1.weight", "backbone.ln1.bias"} if norm else set())
    assert torch.equal(backbone.state_dict()["layers.1.attn.attn.in_proj_weight"], state["blocks.1.attn.qkv.weight"])
    assert torch.equal(backbone.state_dict()["pos_embed"], state["pos_embed"])


def test_positions_are_resized_to_the_networks_grid_as_mmsegmentation_does_it() -> None:
    state, backbone = timm_vit(patches=9), vit()
    loads(backbone, state)
    expected = VisionTransformer.resize_pos_embed(state["pos_embed"], (4, 4), (3, 3), "bicubic")
    assert torch.equal(backbone.state_dict()["pos_embed"], expected)
    assert torch.equal(expected[:, 0], state["pos_embed"][:, 0])
    released = {f"backbone.{name}": tensor for name, tensor in vit(size=24).state_dict().items()}
    assert loads(backbone, released) == set()
    for length in (11, 1, 0):
        state["pos_embed"] = torch.zeros(1, length, 16)
        assert adapted(backbone, state).state["backbone.pos_embed"] is state["pos_embed"]


def test_a_swin_of_its_authors_is_what_mmsegmentations_converter_makes_of_it() -> None:
    state = authors_swin()
    theirs = converter("swin2mmseg").convert_swin(state)
    ours = layouts.of_swin(state)
    computed = {name for name in theirs if name.endswith(("attn_mask", "relative_position_index"))}
    assert ours.keys() - HEAD.keys() == theirs.keys() - computed
    assert all(torch.equal(theirs[name], tensor) for name, tensor in ours.items() if name not in HEAD)


def test_a_downsampling_of_swins_authors_computes_the_same_under_the_other_order_of_neighbours() -> None:
    state, backbone = authors_swin(), swin()
    loads(backbone, state)
    grid = torch.randn(2, 6, 6, 8)
    # as in microsoft/Swin-Transformer: neighbours by columns, channels innermost
    corners = [grid[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
    names = ("norm.weight", "norm.bias", "reduction.weight")
    weight, bias, reduction = (state[f"layers.0.downsample.{name}"] for name in names)
    expected = nn.functional.layer_norm(torch.cat(corners, -1), (32,), weight, bias) @ reduction.T
    merged, size = backbone.stages[0].downsample(grid.flatten(1, 2), (6, 6))
    assert size == (3, 3)
    assert torch.allclose(merged, expected.flatten(1, 2), atol=1e-5)


def test_a_swin_leaves_the_norms_of_its_outputs_as_initialised() -> None:
    norms = {f"backbone.norm{output}.{kind}" for output in (0, 1) for kind in ("weight", "bias")}
    for state in (authors_swin(), layouts.of_swin(authors_swin())):
        missing = loads(swin(), state)
        assert {name for name in missing if not name.endswith("relative_position_index")} == norms


def test_biases_of_another_window_are_resized_as_mmsegmentation_does_it(tmp_path: Path) -> None:
    state = layouts.of_swin(authors_swin(window=3))
    torch.save(state, tmp_path / "swin.pth")
    ours, theirs = swin(), swin()
    loads(ours, state)
    theirs.init_cfg = {"type": "Pretrained", "checkpoint": str(tmp_path / "swin.pth")}
    theirs.init_weights()
    tables = [name for name in ours.state_dict() if name.endswith("relative_position_bias_table")]
    assert len(tables) == 4
    for name in tables:
        assert ours.state_dict()[name].shape[0] == 49 != state[name].shape[0]
        assert torch.equal(ours.state_dict()[name], theirs.state_dict()[name])


def test_a_file_of_a_backbone_alone_loads_and_its_classifier_lies_beyond() -> None:
    with torch.device("meta"):
        backbone, source = ResNetV1c(depth=18), ResNetV1c(depth=18)
    classifier = ("fc.weight", "fc.bias", "incre_modules.0.0.conv1.weight", "final_layer.0.bias")
    found = adapted(backbone, {**source.state_dict(), **{name: torch.zeros(2) for name in classifier}})
    assert found.beyond == {f"backbone.{name}" for name in classifier}
    assert found.fresh == set()
    assert found.state.keys() - found.beyond == Network(backbone).state_dict().keys()


def test_a_resnet_of_torchvision_fits_the_plain_one_and_not_that_of_three_convolutions() -> None:
    with torch.device("meta"):
        state, plain, stem = resnet50().state_dict(), ResNet(depth=50), ResNetV1c(depth=50)
    found = adapted(plain, state)
    own = Network(plain).state_dict()
    assert {name: tensor.shape for name, tensor in found.state.items() if name not in found.beyond} == {
        name: tensor.shape for name, tensor in own.items()
    }
    with pytest.raises(
        WeightsError, match=r"the weights of a file to have the stem of it, .* take open-mmlab://resnet50"
    ):
        adapted(stem, state)


def test_a_squeezenet_of_torchvision_loads_where_a_segmenter_has_its_features() -> None:
    backbone = nn.Module()
    backbone.features = squeezenet1_0().features
    state = squeezenet1_0().state_dict()
    assert loads(backbone, state) == set()
    assert torch.equal(backbone.state_dict()["features.3.squeeze.weight"], state["features.3.squeeze.weight"])
    assert adapted(backbone, state).beyond == {"backbone.classifier.1.weight", "backbone.classifier.1.bias"}


def test_what_has_the_networks_names_stays_as_it_is() -> None:
    network = Network(vit())
    state = {**network.state_dict(), "decode_head.conv_seg.weight": torch.zeros(2)}
    found = layouts.adapt(network.state_dict(), state, "it", "a file")
    assert found == layouts.Adapted(state)
    classifier = squeezenet1_0().state_dict()
    assert layouts.adapt(classifier, classifier, "it", "a file") == layouts.Adapted(classifier)
    assert layouts.adapt(network.state_dict(), {}, "it", "a file") == layouts.Adapted({})
