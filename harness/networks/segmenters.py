"""Families of segmentation networks that mmsegmentation builds from its own configs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from harness.networks.family import Family
from harness.networks.features import Features
from harness.networks.losses import term
from harness.specs import Loss, Segmenter

if TYPE_CHECKING:
    import torch


class SegmenterFamily(Family):
    """A family whose networks are mmsegmentation's ``EncoderDecoder``: a backbone, a decode head, auxiliary heads."""

    kind = Segmenter
    heads: tuple[str, ...] = ("decode_head", "auxiliary_head")
    trunk = ("backbone",)

    @abstractmethod
    def config(self, network: Segmenter, classes: int, losses: tuple[Loss, ...]) -> dict[str, Any]:
        """The network as the ``model`` entry of an mmsegmentation config, for one device and whole images."""

    def start_backbone(self, model: dict[str, Any], checkpoint: str) -> None:
        """Lets the backbone of a config start from that of a file of weights; changes ``model`` in place."""
        model["backbone"]["init_cfg"] = {"type": "Pretrained", "checkpoint": checkpoint, "prefix": "backbone."}

    def create(self, network: Segmenter, classes: int, losses: tuple[Loss, ...]) -> torch.nn.Module:
        """As mmsegmentation's registry builds it."""
        import harness.networks.openmmlab
        import harness.networks.term_loss  # noqa: F401

        # isort: split
        from mmseg.registry import MODELS

        self.check_network(network)
        module: torch.nn.Module = MODELS.build(self.config(network, classes, losses))
        return module

    def initialise(self, module: torch.nn.Module) -> None:
        """By mmsegmentation's rules."""
        module.init_weights()  # type: ignore[operator]

    def loss(self, module: torch.nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The sum that mmengine's ``train_step`` takes: every term of every head.

        mmsegmentation's own heads compute their accuracy beside it, which nothing reads: 4 to 8% of a step of the small
        U-Nets, and on a GPU they wait for it.
        """
        network: Any = module
        return _summed(network, network.extract_feat(images), targets)

    def logits(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Of the decode head, resized to the images."""
        height, width = images.shape[2:]
        logits: torch.Tensor = module.encode_decode(images, _metas(len(images), (height, width)))  # type: ignore[operator]
        return logits

    def features(self, module: torch.nn.Module, images: torch.Tensor) -> Features:
        """What the backbone gives, without a neck; levels that nothing reads are empty."""
        network: Any = module
        levels = network.backbone(images)
        used = _read(network, len(levels))
        height, width = images.shape[2:]
        kept = (level if index in used else level[:, :0] for index, level in enumerate(levels))
        return Features(tuple(kept), (height, width))

    def loss_of(self, module: torch.nn.Module, features: Features, targets: torch.Tensor) -> torch.Tensor:
        """As :meth:`loss`."""
        network: Any = module
        return _summed(network, _through_neck(network, features), targets)

    def logits_of(self, module: torch.nn.Module, features: Features) -> torch.Tensor:
        """As :meth:`logits`."""
        network: Any = module
        metas = _metas(len(features), features.size)
        logits: torch.Tensor = network.decode_head.predict(_through_neck(network, features), metas, network.test_cfg)
        return logits


def _summed(network: Any, levels: Sequence[torch.Tensor], targets: torch.Tensor) -> torch.Tensor:
    """Every term of every head, heads in the order of ``EncoderDecoder.loss``, which draws their dropout."""
    from mmseg.models.utils import resize

    terms: list[torch.Tensor] = []
    for head in _heads(network):
        logits = resize(head(levels), targets.shape[1:], mode="bilinear", align_corners=head.align_corners)
        terms += [term(logits, targets, ignore_index=head.ignore_index) for term in head.loss_decode]
    return sum(terms[1:], terms[0])


def _metas(number: int, size: tuple[int, int]) -> list[dict[str, tuple[int, int]]]:
    """What the decode head must know of images of that size."""
    return [dict.fromkeys(("img_shape", "ori_shape", "pad_shape"), size)] * number


def _heads(network: Any) -> list[Any]:
    """The decode head and the auxiliary heads, of which mmsegmentation has none, one or a list."""
    auxiliary = network.auxiliary_head if network.with_auxiliary_head else []
    return [network.decode_head, *(auxiliary if isinstance(auxiliary, Iterable) else [auxiliary])]


def _read(network: Any, levels: int) -> set[int]:
    """Which of the backbone's levels the neck or the heads read."""
    if network.with_neck:
        return set(range(levels))
    used = set()
    for head in _heads(network):
        indices = [head.in_index] if isinstance(head.in_index, int) else list(head.in_index)
        if getattr(head, "c1_bottleneck", None) is not None:
            indices.append(0)  # DeepLabV3+ reads the first level beside its `in_index`
        used |= {index % levels for index in indices}
    return used


def _through_neck(network: Any, features: Features) -> tuple[torch.Tensor, ...]:
    """What the heads read."""
    return tuple(network.neck(features.levels)) if network.with_neck else features.levels


def loss_decode(losses: tuple[Loss, ...], share: float) -> list[dict[str, Any]]:
    """``loss_decode`` of a head whose losses count by ``share``."""
    return [term(spec).config(spec, share * spec.weight) for spec in losses]
