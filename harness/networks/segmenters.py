"""Families of segmentation networks that mmsegmentation builds from its own configs."""

from __future__ import annotations

from abc import abstractmethod
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from harness.networks.family import Family
from harness.networks.losses import term
from harness.specs import Loss, Segmenter

if TYPE_CHECKING:
    import torch


class SegmenterFamily(Family):
    """A family whose networks are mmsegmentation's ``EncoderDecoder``: a backbone, a decode head, auxiliary heads."""

    kind = Segmenter
    heads: tuple[str, ...] = ("decode_head", "auxiliary_head")

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

        The heads read ``gt_sem_seg.data`` of a sample and nothing else; mmsegmentation's own samples take ten times as
        long to make (116 against 12 µs for a batch of 8).
        """
        samples = [SimpleNamespace(gt_sem_seg=SimpleNamespace(data=target)) for target in targets.unsqueeze(1)]
        total: torch.Tensor = module.parse_losses(module(images, samples, mode="loss"))[0]  # type: ignore[operator]
        return total

    def logits(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Of the decode head, resized to the images."""
        height, width = images.shape[2:]
        meta = dict.fromkeys(("img_shape", "ori_shape", "pad_shape"), (height, width))
        logits: torch.Tensor = module.encode_decode(images, [meta] * len(images))  # type: ignore[operator]
        return logits


def loss_decode(losses: tuple[Loss, ...], share: float) -> list[dict[str, Any]]:
    """``loss_decode`` of a head whose losses count by ``share``."""
    return [term(spec).config(spec, share * spec.weight) for spec in losses]
