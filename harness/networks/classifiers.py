"""Families of classification networks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from harness.networks.family import Family, input_size
from harness.networks.features import Features
from harness.specs import ChannelAttention, Classifier, Loss, Recipe, SelfAttention

if TYPE_CHECKING:
    import torch

ATTENTION = "attention"
"""Name of the part that changes the last feature map, in every family. It is no part of the backbone."""

OTHER = {"attention": 0x5EED, "last": 0x1A57}
"""Added to the seed where a network has a part that another of the same backbone lacks, or has otherwise: the rest of
both starts equal."""


class ClassifierFamily(Family):
    """A family whose networks are one module with dropout before its last layer.

    Most are torchvision's, under torchvision's names of backbones and of tensors. What a family says of one image is
    enough for networks with attention and for those of two views: see :meth:`features` and :meth:`classify`.

    Attributes:
        last: Name of the last layer, an ``nn.Linear`` or a 1×1 ``nn.Conv2d``.
        least: Smallest height and width of an image, in pixels, that the networks take.
        stages: The values of `Shrink.stages` that the family takes; ``()``: its networks do not shrink.
    """

    kind = Classifier
    last: str
    least = 1
    stages: ClassVar[tuple[int, ...]] = ()

    def check_network(self, network: Classifier) -> None:
        """As :meth:`Family.check_network`; the attention must suit the last feature map."""
        self.check_shrink(network)
        self.check_attention(network)

    def check_shrink(self, network: Classifier) -> None:
        """Raises ValueError, one sentence, where the family has no network of that size."""
        if (shrink := network.shrink) is None:
            return
        if not self.stages:
            raise ValueError(
                f"Expected classifier `shrink` of {network.backbone} to be None, because torchvision builds it whole, "
                f"but got {shrink!r}; take the backbone of a segmenter, 'r18-d8' for example."
            )
        if shrink.stages not in self.stages:
            known = " or ".join(map(str, self.stages))
            raise ValueError(
                f"Expected shrink `stages` of {network.backbone} to be {known}, but got {shrink.stages!r}."
            )
        if shrink.head is not None:
            raise ValueError(
                f"Expected shrink `head` of a classifier to be None, because it has no decode head, but got "
                f"{shrink.head}."
            )

    def check_attention(self, network: Classifier) -> None:
        """Raises ValueError, one sentence, where the attention does not suit the channels of the last feature map."""
        spec, channels = network.attention, self.channels(network)
        if isinstance(spec, SelfAttention) and channels % spec.heads:
            raise ValueError(
                f"Expected self-attention `heads` to divide the {channels} channels of {network.backbone}, but got "
                f"{spec.heads}; choose a divisor."
            )
        if isinstance(spec, ChannelAttention) and spec.reduction > channels:
            raise ValueError(
                f"Expected channel attention `reduction` to be at most the {channels} channels of {network.backbone}, "
                f"but got {spec.reduction}; choose a smaller one."
            )

    def check(self, recipe: Recipe) -> None:
        """As :meth:`Family.check`; images must be large enough, and attention to positions have several of them."""
        super().check(recipe)
        network = recipe.network
        assert isinstance(network, Classifier)
        size = input_size(recipe, self.stride(network))
        if size is None:
            return
        if min(size) < (least := self.least_side(network)):
            raise ValueError(
                f"Expected images of at least {least}×{least} pixels for {network.backbone}, "
                f"but got {size[0]}×{size[1]}; choose a larger crop or size."
            )
        if network.attention is None or isinstance(network.attention, ChannelAttention):
            return
        if self.map_size(network, size) == (1, 1):
            raise ValueError(
                f"Expected the last feature map of {network.backbone} to have several positions to attend to, but "
                f"images of {size[0]}×{size[1]} pixels leave one; enlarge them, or shrink to fewer stages."
            )

    def least_side(self, network: Classifier) -> int:
        """Smallest height and width of an image, in pixels."""
        del network
        return self.least

    @abstractmethod
    def channels(self, network: Classifier) -> int:
        """Channels of the last feature map of one view."""

    @abstractmethod
    def map_size(self, network: Classifier, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of the last feature map of an image of ``size`` (height, width) in pixels."""

    def cost(self, network: Classifier, size: tuple[int, int]) -> float:
        """As :meth:`Family.cost`: that of every view. Attention and the last layer cost next to nothing."""
        return network.views * self.view_cost(network, size)

    @abstractmethod
    def view_cost(self, network: Classifier, size: tuple[int, int]) -> float:
        """Multiply-adds, roughly, of one forward pass of one view of ``size`` (height, width)."""

    @abstractmethod
    def make(self, network: Classifier, classes: int) -> torch.nn.Module:
        """The network of one view with random weights and with dropout before its last layer, without losses."""

    @abstractmethod
    def maps(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """The last feature map ``(N, C, h, w)`` of single images ``(N, 3, h', w')``, before attention."""

    @abstractmethod
    def pooled(self, module: torch.nn.Module, maps: torch.Tensor) -> torch.Tensor:
        """What dropout and the last layer read, ``(N, C, …)``, of last feature maps ``(N, C, h, w)``."""

    @abstractmethod
    def decided(self, module: torch.nn.Module, pooled: torch.Tensor) -> torch.Tensor:
        """Logits ``(B, classes)``, by dropout and the last layer, of what :meth:`pooled` gives."""

    def draw_last(self, layer: Any) -> None:
        """Draws the weights of a last layer that is built anew for two views; here: as torch built it."""
        del layer

    def create(self, network: Classifier, classes: int, losses: tuple[Loss, ...]) -> torch.nn.Module:
        """As :meth:`make` builds it, with its attention and a last layer for its views, the losses as ``loss_terms``.

        All tensors but those of the attention and of a last layer for two views start as those of the plain network.
        """
        from torch import nn

        from harness.networks.term_loss import TermLoss

        self.check_network(network)
        module = self.make(network, classes)
        if network.views > 1 or network.attention is not None:
            self._extend(module, network)
        module.loss_terms = nn.ModuleList(TermLoss(spec) for spec in losses)
        return module

    def _extend(self, module: torch.nn.Module, network: Classifier) -> None:
        """Gives a network of one view its attention and the last layer and the forward pass of its views."""
        from harness.networks.attention import attention
        from harness.networks.views import widened

        if network.views > 1:
            parent, _, name = self.last.rpartition(".")
            with _other_numbers(OTHER["last"]):
                layer: Any = widened(module.get_submodule(self.last), network.views)  # type: ignore[arg-type]
                self.draw_last(layer)
            setattr(module.get_submodule(parent), name, layer)
        if network.attention is not None:
            with _other_numbers(OTHER["attention"]):
                module.add_module(ATTENTION, attention(network.attention, self.channels(network)))
        self.passes(module, network.views)

    def passes(self, module: torch.nn.Module, views: int = 1) -> None:
        """Makes a module's forward pass that of the family, :meth:`features` and then :meth:`classify`.

        Its class is replaced by one derived from it, as ``torch.nn.utils.parametrize`` does, so that all parts keep
        their names.
        """

        def forward(own: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
            return self.logits_of(own, self.features(own, images))

        kind = type(module)
        module.__class__ = type(kind.__name__, (kind,), {"forward": forward, "views": views})

    def loss(self, module: torch.nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Every term of the logits."""
        return _summed(module, module(images), targets)

    def logits(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """What the network gives."""
        logits: torch.Tensor = module(images)
        return logits

    def features(self, module: torch.nn.Module, images: torch.Tensor) -> Features:
        """What the backbone makes of ``(B, 3 · views, h, w)``, the views of each subject side by side.

        Returns:
            The pooled features ``(B, views · C, …)`` before dropout; with attention, which may still train, the last
            feature maps ``(B, views · C, h, w)``.
        """
        from harness.networks.views import singly, together

        views = _views(module)
        found = self.maps(module, singly(images, views))
        if not hasattr(module, ATTENTION):
            found = self.pooled(module, found)
        height, width = images.shape[2:]
        return Features((together(found, views),), (height, width))

    def classify(self, module: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """Logits ``(B, classes)`` from the one level of :meth:`features`."""
        from harness.networks.views import singly, together

        if hasattr(module, ATTENTION):
            views = _views(module)
            attended = module.get_submodule(ATTENTION)(singly(features, views))
            features = together(self.pooled(module, attended), views)
        return self.decided(module, features)

    def loss_of(self, module: torch.nn.Module, features: Features, targets: torch.Tensor) -> torch.Tensor:
        """As :meth:`loss`."""
        return _summed(module, self.logits_of(module, features), targets)

    def logits_of(self, module: torch.nn.Module, features: Features) -> torch.Tensor:
        """As :meth:`logits`."""
        return self.classify(module, *features.levels)

    def last_map(self, module: torch.nn.Module) -> torch.nn.Module:
        """The part whose output is the last feature map, after attention, as it is pooled: for Grad-CAM.

        Its output is ``(B, C, h, w)``; of two views ``(2B, C, h, w)``, the B images first, then their B companions.

        Raises:
            ValueError: The network pools several maps.
        """
        if hasattr(module, ATTENTION):
            return module.get_submodule(ATTENTION)
        return self.map_part(module)

    @abstractmethod
    def map_part(self, module: torch.nn.Module) -> torch.nn.Module:
        """The part whose output is what :meth:`maps` gives."""


def _views(module: torch.nn.Module) -> int:
    """Of a module that :meth:`ClassifierFamily.passes` changed, else one."""
    return getattr(module, "views", 1)


@contextmanager
def _other_numbers(apart: int) -> Iterator[None]:
    """Random numbers of a seed so far from that of the current ones, which go on afterwards as if untouched."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(torch.initial_seed() + apart)
        yield


def _summed(module: torch.nn.Module, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The sum of the network's loss terms."""
    import torch

    terms: torch.nn.ModuleList = module.loss_terms  # type: ignore[assignment]
    return torch.stack([each(logits, targets) for each in terms]).sum()
