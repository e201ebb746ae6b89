"""What a network family is to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from harness.networks import losses
from harness.specs import Classifier, Loss, Recipe, Segmenter

if TYPE_CHECKING:
    import torch

    from harness.networks.features import Features


class Family(ABC):
    """Networks of one architecture in several sizes. A module of ``harness.networks.families`` holds one each.

    Subclass :class:`~harness.networks.segmenters.SegmenterFamily` or
    :class:`~harness.networks.classifiers.ClassifierFamily`. The module must not import torch before a network is
    built, because families are asked while pytest collects.

    Attributes:
        name: Name of the family, ``"resnet"``.
        version: Raise it with every change that lets a network compute something else: jobs are done anew then.
        kind: Which spec the family serves.
        backbones: The values of the spec's ``backbone`` that the family serves.
        heads: Names of the parts that are not the backbone: those whose shape depends on the number of classes, and
            what lies between them and the backbone.
        trunk: Names of the parts that make the features which the rest of the network reads; ``()``: the family cannot
            split its forward pass, and a frozen backbone runs in every iteration.
    """

    name: str
    version: int
    kind: type[Segmenter] | type[Classifier]
    backbones: tuple[str, ...]
    heads: tuple[str, ...]
    trunk: tuple[str, ...] = ()

    def stride(self, network: Any) -> int:
        """What the height and width of an input, in pixels, must be divisible by."""
        del network
        return 1

    def check_network(self, network: Any) -> None:
        """Raises ValueError, one sentence, where the family has no such network."""
        del network

    def check(self, recipe: Recipe) -> None:
        """Checks that a recipe's transforms, losses and batches suit its network, without torch.

        Raises:
            ValueError: They do not; one sentence.
        """
        self.check_network(recipe.network)
        losses.check_task(recipe.losses, recipe.task)
        crop, stride = recipe.crop, self.stride(recipe.network)
        if crop is not None and (crop[0] % stride or crop[1] % stride):
            raise ValueError(
                f"Expected the crop to be divisible by the network's stride of {stride}, but got {crop[0]}×{crop[1]}; "
                f"choose multiples of {stride}."
            )

    @abstractmethod
    def cost(self, network: Any, size: tuple[int, int]) -> float:
        """Multiply-adds, roughly, of one forward pass of one image of ``size`` (height, width)."""

    def trunk_cost(self, network: Any, size: tuple[int, int]) -> float:
        """The part of :meth:`cost` that a frozen trunk spares; all of it where heads cost next to nothing."""
        return self.cost(network, size)

    @abstractmethod
    def create(self, network: Any, classes: int, losses: tuple[Loss, ...]) -> torch.nn.Module:
        """The network with its losses; :meth:`initialise` may still have to draw its weights."""

    def initialise(self, module: torch.nn.Module) -> None:
        """Draws the weights of a network that :meth:`create` made."""
        del module

    @abstractmethod
    def loss(self, module: torch.nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The training loss; see :func:`harness.networks.building.loss`."""

    @abstractmethod
    def logits(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Logits by class; see :func:`harness.networks.building.logits`."""

    def features(self, module: torch.nn.Module, images: torch.Tensor) -> Features:
        """What the parts in ``trunk`` make of images; a family with a ``trunk`` overrides this and the next two.

        :meth:`loss_of` and :meth:`logits_of` of the features must come to what :meth:`loss` and :meth:`logits` come to
        of the images, with the same random numbers.
        """
        raise NotImplementedError(f"the family {self.name} has no trunk")

    def loss_of(self, module: torch.nn.Module, features: Features, targets: torch.Tensor) -> torch.Tensor:
        """As :meth:`loss`, from features."""
        raise NotImplementedError(f"the family {self.name} has no trunk")

    def logits_of(self, module: torch.nn.Module, features: Features) -> torch.Tensor:
        """As :meth:`logits`, from features."""
        raise NotImplementedError(f"the family {self.name} has no trunk")

    def last_map(self, module: torch.nn.Module) -> torch.nn.Module:
        """The part whose output is the feature map that a classifier pools: for Grad-CAM.

        Raises:
            ValueError: It pools none, or several.
        """
        del module
        raise ValueError(f"Expected a classifier, which pools its last feature map, but got a network of {self.name}.")

    def freezes_trunk(self, recipe: Recipe) -> bool:
        """Whether the features of an image stay what they are while a recipe trains."""
        return bool(self.trunk) and all(freezes(recipe, part) for part in self.trunk)


def input_size(recipe: Recipe, stride: int) -> tuple[int, int] | None:
    """Height and width that a recipe trains its network on; ``None``: only the data set's files know."""
    if recipe.crop is not None or recipe.data.size is None:
        return recipe.crop
    height, width = (max(1, round(side * recipe.rescale)) for side in recipe.data.size)
    return -(-height // stride) * stride, -(-width // stride) * stride


def freezes(recipe: Recipe, part: str) -> bool:
    """Whether a recipe freezes a part of its network, by its own name or as part of another."""
    return any(part == name or part.startswith(f"{name}.") for name in recipe.frozen)
