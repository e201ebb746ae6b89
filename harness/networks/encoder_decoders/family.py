"""Families of segmenters: a backbone and a decode head that mmsegmentation publishes together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, ClassVar

from harness.networks.encoder_decoders import heads
from harness.networks.encoder_decoders.backbone import STAGES, Backbone
from harness.networks.encoder_decoders.published import BATCH_NORM, published
from harness.networks.family import freezes, input_size
from harness.networks.segmenters import SegmenterFamily, loss_decode
from harness.specs import Loss, Recipe, Segmenter

if TYPE_CHECKING:
    import torch


class EncoderDecoder(SegmenterFamily):
    """A published config is read and changed where the recipe differs.

    What changes: number of classes, losses, BatchNorm instead of SyncBN (one device), evaluation on whole images, and
    where the network is shrunk the backbone, and the channels of the heads that `Shrink.head` gives.

    Attributes:
        members: The family's backbones by name.
        files: The published config of each head, by backbone.
    """

    members: ClassVar[Mapping[str, Backbone]]
    files: ClassVar[Mapping[str, Mapping[str, str]]]

    def member(self, network: Segmenter) -> Backbone:
        """The backbone of a network."""
        return self.members[network.backbone]

    def stride(self, network: Segmenter) -> int:
        """As :meth:`Family.stride`."""
        return self.member(network).stride(network.shrink)

    def check_network(self, network: Segmenter) -> None:
        """As :meth:`Family.check_network`."""
        if network.head not in (known := self.files[network.backbone]):
            names = ", ".join(map(repr, known))
            raise ValueError(
                f"Expected segmenter `head` for {network.backbone} to be one of {names}, but got {network.head!r}."
            )
        self.member(network).check(network.shrink)
        if network.head == heads.LINEAR and network.shrink is not None and network.shrink.head is not None:
            raise ValueError(
                f"Expected shrink `head` to be None with the head {heads.LINEAR!r}, which has no channels of its own, "
                f"but got {network.shrink.head}."
            )

    def check(self, recipe: Recipe) -> None:
        """As :meth:`Family.check`; sizes must suit the backbone, and batch normalisation have more than one value."""
        super().check(recipe)
        network = recipe.network
        assert isinstance(network, Segmenter)
        size = input_size(recipe, self.stride(network))
        if size is not None:
            self.member(network).check_size(network.shrink, size)
        if recipe.batch_size > 1:
            return
        pooled = heads.POOLED.get(network.head)
        if pooled is not None and not freezes(recipe, pooled):
            raise ValueError(
                f"Expected recipe `batch_size` to be at least 2 with the head {network.head!r}, which pools each image "
                "to one pixel before batch normalisation, but got 1; take a larger batch."
            )
        if size is not None:
            check_single(recipe, size, {**self.member(network).norms(network.shrink), **self.norms(network)})

    def norms(self, network: Segmenter) -> dict[str, int]:
        """As :meth:`Backbone.norms`, of the heads."""
        if network.head == heads.LINEAR:
            return {}
        *_, third, last = self.member(network).reductions(network.shrink)
        return {"decode_head": last, "auxiliary_head": third}

    def trunk_cost(self, network: Segmenter, size: tuple[int, int]) -> float:
        """As :meth:`Family.trunk_cost`: the backbone's."""
        return self.member(network).cost(network.shrink, size)

    def cost(self, network: Segmenter, size: tuple[int, int]) -> float:
        """As :meth:`Family.cost`, without the auxiliary head, which does not run in inference."""
        member, shrink = self.member(network), network.shrink
        own = (shrink and shrink.head) or self.head_channels(network)
        inputs, by = self.decoded(network)
        return member.cost(shrink, size) + heads.cost(self.head_kind(network), inputs, by, own, size)

    def head_kind(self, network: Segmenter) -> str:
        """Which cost the decode head has."""
        return network.head

    def head_channels(self, network: Segmenter) -> int:
        """Channels of the published decode head."""
        del network
        return 512

    def decoded(self, network: Segmenter) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Channels and reductions of what the decode head reads."""
        member = self.member(network)
        return member.channels(network.shrink), member.reductions(network.shrink)

    def create(self, network: Segmenter, classes: int, losses: tuple[Loss, ...]) -> torch.nn.Module:
        """As :meth:`Family.create`."""
        import harness.networks.openmmlab

        # isort: split
        import harness.networks.encoder_decoders.modules  # noqa: F401

        return super().create(network, classes, losses)

    def initialise(self, module: torch.nn.Module) -> None:
        """As :meth:`Family.initialise`."""
        with redirect_stdout(None):  # mmsegmentation's Swin transformer prints that it has no weights yet
            super().initialise(module)

    def config(self, network: Segmenter, classes: int, losses: tuple[Loss, ...]) -> dict[str, Any]:
        """As :meth:`SegmenterFamily.config`."""
        member, shrink = self.member(network), network.shrink
        built = published(self.files[network.backbone][network.head])
        built["backbone"] = member.config(shrink)
        if network.head == heads.LINEAR:
            built["decode_head"] = heads.probe(built["decode_head"], member.channels(shrink)[-1])
            del built["auxiliary_head"]
        elif shrink is not None:
            self.shrink_heads(network, built)
        for part, share in (("decode_head", 1.0), ("auxiliary_head", heads.AUXILIARY_SHARE)):
            if part not in built:
                continue
            entry = built[part]
            entry["num_classes"], entry["norm_cfg"] = classes, BATCH_NORM
            entry["loss_decode"] = loss_decode(losses, share)
            if shrink is not None and shrink.head is not None:
                entry["channels"] = shrink.head
        built["test_cfg"] = {"mode": "whole"}
        return built

    def shrink_heads(self, network: Segmenter, built: dict[str, Any]) -> None:
        """Lets the heads of a published config read a smaller backbone; changes ``built`` in place."""
        channels, _ = self.decoded(network)
        for part in ("decode_head", "auxiliary_head"):
            if part not in built:
                continue
            entry = built[part]
            if isinstance(entry["in_channels"], list):
                entry["in_channels"], entry["in_index"] = list(channels), list(range(len(channels)))
            else:
                entry["in_index"] -= STAGES - len(channels)  # counted from the coarsest
                entry["in_channels"] = channels[entry["in_index"]]


def check_single(recipe: Recipe, size: tuple[int, int], norms: Mapping[str, int]) -> None:
    """Raises ValueError where a batch of one image leaves batch normalisation one value per channel.

    Args:
        recipe: Its frozen parts do not train, and do not normalise by the batch.
        size: Of the image, (height, width).
        norms: As :meth:`Backbone.norms`.
    """
    for part, by in norms.items():
        if max(size) <= by and not freezes(recipe, part):
            raise ValueError(
                f"Expected images larger than {by}×{by} where recipe `batch_size` is 1, because batch normalisation in "
                f"{part} needs more than one pixel, but got {size[0]}×{size[1]}; enlarge either."
            )
