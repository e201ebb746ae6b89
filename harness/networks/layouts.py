"""Layouts: how publishers name the tensors of a backbone, brought into the names of the segmenters here.

mmsegmentation's segmenters name their parts ``backbone.…``, ``decode_head.…``; files of a backbone alone, classifiers
of torchvision, and transformers of their authors do not. A layout recognises such a file by its names and renames it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from harness.networks.weight_files import WeightsError

State = Mapping[str, torch.Tensor]
"""Tensors by name."""

Renamed = dict[str, torch.Tensor]

POSITIONS, BIASES = "pos_embed", "relative_position_bias_table"
"""Ends of the names of tensors whose size follows from the size of images or windows."""


@dataclass(frozen=True)
class Layout:
    """The names of one publisher.

    Attributes:
        name: Whose.
        sign: A tensor of every such file, as a pattern.
        rename: From the file's tensors to the tensors of a backbone, without ``backbone.``.
        beyond: Patterns of renamed tensors that lie behind the backbone: its classifier, the norm before it.
        fresh: Pattern of tensors of the backbone that no such file holds; they stay as initialised.
    """

    name: str
    sign: str
    rename: Callable[[State], Renamed]
    beyond: str = r"(fc|head|classifier)\."
    fresh: str = r"(?!)"


@dataclass(frozen=True)
class Adapted:
    """Weights under the names of a network.

    Attributes:
        state: The tensors.
        beyond, fresh: Of :class:`Layout`, as the names in ``state`` and in the network that need not fit.
    """

    state: Renamed
    beyond: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()


def of_swin(state: State) -> Renamed:
    """Swin's authors' names to mmsegmentation's, as mmsegmentation's ``swin2mmseg.py`` does.

    The four neighbours that a downsampling joins come in another order: by columns there, by rows here. What is
    computed from the window's size (masks, indices of positions) is left out.
    """
    renamed = {}
    for name, tensor in state.items():
        if name.endswith(("attn_mask", "relative_position_index")):
            continue
        if name.startswith("layers."):
            name = "stages." + name.removeprefix("layers.")
            name = name.replace(".attn.", ".attn.w_msa.")
            name = name.replace(".mlp.fc1.", ".ffn.layers.0.0.").replace(".mlp.fc2.", ".ffn.layers.1.")
        elif name.startswith("patch_embed.proj."):
            name = name.replace(".proj.", ".projection.")
        if ".downsample." in name:
            tensor = _by_rows(tensor)
        renamed[name] = tensor
    return renamed


def _by_rows(tensor: torch.Tensor) -> torch.Tensor:
    """The last axis, ``(4, C)`` neighbours by columns with their channels, as ``(C, 4)`` with neighbours by rows."""
    *outer, last = tensor.shape
    neighbours = tensor.reshape(*outer, 4, last // 4)[..., [0, 2, 1, 3], :]
    return neighbours.transpose(-1, -2).reshape(*outer, last)


def of_vit(state: State) -> Renamed:
    """timm's names of a vision transformer, which its authors' converted weights have, to mmsegmentation's.

    As mmsegmentation's ``vit2mmseg.py`` does; the norm behind the last layer keeps its name.
    """
    parts = {
        "norm1.": "ln1.",
        "norm2.": "ln2.",
        "mlp.fc1.": "ffn.layers.0.0.",
        "mlp.fc2.": "ffn.layers.1.",
        "attn.qkv.": "attn.attn.in_proj_",
        "attn.proj.": "attn.attn.out_proj.",
    }
    renamed = {}
    for name, tensor in state.items():
        if block := re.fullmatch(r"blocks\.(\d+)\.(.+)", name):
            old = next((part for part in parts if block[2].startswith(part)), "")
            name = f"layers.{block[1]}.{parts.get(old, '')}{block[2].removeprefix(old)}"
        elif name.startswith("patch_embed.proj."):
            name = name.replace(".proj.", ".projection.")
        renamed[name] = tensor
    return renamed


def of_densenet(state: State) -> Renamed:
    """The names of torchvision's first DenseNets, which its files have, to those of today: ``norm.1`` to ``norm1``."""
    old = re.compile(r"(.*denselayer\d+\.(?:norm|conv))\.([12]\.\w+)")
    matched = {name: old.fullmatch(name) for name in state}
    return {(found[1] + found[2] if (found := matched[name]) else name): tensor for name, tensor in state.items()}


def as_they_are(state: State) -> Renamed:
    """The backbone's own names."""
    return dict(state)


LAYOUTS = (
    Layout(
        "Swin's authors",
        r"layers\.0\.blocks\.0\.attn\.qkv\.weight",
        of_swin,
        beyond=r"(head|norm)\.",
        fresh=r"norm\d+\.",
    ),
    Layout(
        "mmsegmentation's Swin",
        r"stages\.0\.blocks\.0\.attn\.w_msa\.qkv\.weight",
        as_they_are,
        beyond=r"(head|norm)\.",
        fresh=r"norm\d+\.",
    ),
    # mmsegmentation's patches have no bias, and its transformer need not end in a norm
    Layout(
        "timm's ViT",
        r"blocks\.0\.attn\.qkv\.weight",
        of_vit,
        beyond=r"(head|head_dist|pre_logits|norm|fc_norm|ln1)\.|patch_embed\.projection\.bias$|dist_token$",
        fresh=r"ln1\.",
    ),
    Layout("torchvision's", r"features\..+", as_they_are),
    # HRNet's authors classify by the last four of these
    Layout(
        "a backbone alone",
        r"(?!backbone\.).+",
        as_they_are,
        beyond=r"(fc|head|classifier|final_layer|incre_modules|downsamp_modules)\.",
    ),
)
"""In the order in which they are tried."""


def adapt(own: State, state: State, backbone: str, origin: str) -> Adapted:
    """Other weights under a network's names, its positions' embeddings and biases resized to the network's.

    Args:
        own: The network's tensors; of both only names and shapes are looked at, but to resize.
        state: The other weights.
        backbone: The network's name, for errors.
        origin: Where the weights are from, for errors.

    Raises:
        WeightsError: They are of a ResNet with another stem.
    """
    prefix = "backbone."
    if not any(name.startswith(prefix) for name in own) or any(name.startswith(prefix) for name in state):
        return Adapted(_resized(own, of_densenet(state)))
    layout = next((each for each in LAYOUTS if any(re.match(each.sign, name) for name in state)), None)
    if layout is None:
        return Adapted(dict(state))
    if "backbone.stem.0.weight" in own and "conv1.weight" in state and "stem.0.weight" not in state:
        raise WeightsError(
            f"Expected the weights of {origin} to have the stem of {backbone}, three 3×3 convolutions (ResNet V1c), "
            "but got torchvision's, one of 7×7; take open-mmlab://resnet50_v1c, for example, or a released segmenter."
        )
    renamed = {f"{prefix}{name}": tensor for name, tensor in layout.rename(state).items()}
    return Adapted(
        _resized(own, renamed),
        beyond=_matching(prefix + layout.beyond, set(renamed) - set(own)),
        fresh=_matching(prefix + layout.fresh, set(own)),
    )


def _matching(pattern: str, names: set[str]) -> frozenset[str]:
    prefix, rest = pattern[: len("backbone.")], pattern[len("backbone.") :]
    return frozenset(name for name in names if re.match(f"{re.escape(prefix)}(?:{rest})", name))


def _resized(own: State, state: State) -> Renamed:
    """The tensors, what follows the size of images or windows in the network's size where both are of squares."""
    resize: dict[str, Callable[[Any, int], torch.Tensor]] = {POSITIONS: positions, BIASES: biases}
    resized = dict(state)
    for name, tensor in state.items():
        kind = name.rpartition(".")[2]
        if name in own and kind in resize and tensor.shape != own[name].shape:
            length = own[name].shape[1 if kind == POSITIONS else 0]
            if _squares(kind, tensor, own[name]):
                resized[name] = resize[kind](tensor, length)
    return resized


def _squares(kind: str, tensor: torch.Tensor, own: torch.Tensor) -> bool:
    """Whether two tensors of one kind differ in the length of a square grid alone."""
    axis, extra = (1, 1) if kind == POSITIONS else (0, 0)
    rest = [[*each.shape[:axis], *each.shape[axis + 1 :]] for each in (tensor, own)]
    if rest[0] != rest[1]:
        return False
    grids = [each.shape[axis] - extra for each in (tensor, own)]
    return all(cells > 0 and math.isqrt(cells) ** 2 == cells for cells in grids)


def positions(tensor: torch.Tensor, length: int) -> torch.Tensor:
    """The embedding of positions for another grid, by mmsegmentation's own function (bicubic).

    Args:
        tensor: ``(1, 1 + h·h, C)``, the class token's first.
        length: 1 + H·H of the other grid.

    Returns:
        ``(1, length, C)``.
    """
    import harness.networks.openmmlab  # noqa: F401

    # isort: split
    from mmseg.models.backbones import VisionTransformer

    old, new = (math.isqrt(each - 1) for each in (tensor.shape[1], length))
    resized: torch.Tensor = VisionTransformer.resize_pos_embed(tensor, (new, new), (old, old), "bicubic")
    return resized


def biases(tensor: torch.Tensor, length: int) -> torch.Tensor:
    """The biases of relative positions for another window, bicubic as mmsegmentation's Swin does when it loads.

    Args:
        tensor: ``((2w − 1)², heads)``.
        length: (2W − 1)² of the other window.

    Returns:
        ``(length, heads)``.
    """
    old, new = (math.isqrt(each) for each in (tensor.shape[0], length))
    grid = tensor.T.reshape(1, -1, old, old)
    resized = functional.interpolate(grid, size=(new, new), mode="bicubic")
    return resized.reshape(-1, length).T.contiguous()
