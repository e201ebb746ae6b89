"""The pipeline of huang-dme, "Transfer learning for Domain Adaptation", at each scale.

Published: U-Net S5-D16, DME with the fluid that either expert marked, subjects 09 and 10 for testing (as in the
authors' code), resize 0.5–2.0, crop 256, flip, SGD 0.01 without appreciable decay, batch 8, 200 epochs, grey levels
normalised with 46.6002 and 54.681. Sources as in mmsegmentation's U-Net configs: 40 000 iterations with poly decay.

Reduced: the same networks and images, a fifth of the epochs, 2 000 iterations of the sources, street scenes in crops of
256×512, bf16.

Smoke: a backbone of 8 channels and 3 stages, crops of 32 from images of 48×72, 6 epochs. With the published loss and
optimiser networks this small predict background everywhere. The loss and learning rate below were chosen because with
them every head finds vessels within the 96 iterations of a source (Dice 0.3–0.5 on CHASE_DB1), and are the same for all
arms but where the claim is about the loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from harness.specs import (
    Augmentation,
    Budget,
    Data,
    Loss,
    Model,
    Optimiser,
    Pretrained,
    Recipe,
    Scale,
    Schedule,
    Scratch,
)

HEADS = ("fcn", "pspnet", "deeplabv3")
MEDICAL = ("drive", "stare", "chase_db1", "hrf")

SUBSTITUTES = {"stare": "drive", "cityscapes": "camvid"}
"""Real data sets that may stand in for absent ones; the table names them."""

SOURCE_CROPS = {
    "drive": (64, 64),
    "stare": (128, 128),
    "chase_db1": (128, 128),
    "hrf": (256, 256),
    "cityscapes": (512, 1024),
}
"""Crop sizes of mmsegmentation's U-Net configs."""

FEW_PIXELS = (1.0, 10.0)
"""Class weights of the cross entropy at the smoke scale."""

SMOKE_LOSS = Loss(cross_entropy=1.0, dice=3.0, class_weight=FEW_PIXELS, dice_classes="foreground")

SMOKE_OPTIMISER = Optimiser("adam", 0.01, weight_decay=0.0)


@dataclass(frozen=True)
class Pipeline:
    """Recipes of the paper's arms at one scale."""

    scale: Scale

    @property
    def losses(self) -> dict[str, Loss]:
        """The three losses that are compared; at the smoke scale in the forms that small networks survive."""
        if self.scale == "smoke":
            weighted = Loss(cross_entropy=1.0, class_weight=FEW_PIXELS)
            dice = Loss(cross_entropy=0.0, dice=1.0, dice_classes="foreground")
            return {"cross-entropy": weighted, "dice": dice, "hybrid": SMOKE_LOSS}
        dice = Loss(cross_entropy=0.0, dice=1.0)
        return {"cross-entropy": Loss(), "dice": dice, "hybrid": Loss(cross_entropy=1.0, dice=3.0)}

    @property
    def sources(self) -> tuple[str, ...]:
        """Medical sources of the grid: all four, but two at the smoke scale."""
        return ("drive", "chase_db1") if self.scale == "smoke" else MEDICAL

    def fine_tuned(self, source: str, head: str, **changes: object) -> Recipe:
        """The target's training, started from U-Net pretrained on ``source`` with the same head."""
        # Seven sources for each seed would not fit into a smoke run: there, all seeds share one checkpoint.
        seed = 0 if self.scale == "smoke" else None
        return replace(self.scratch(head), init=Pretrained(self.source(source, head), seed), **changes)  # type: ignore[arg-type]

    def scratch(self, head: str, times: int = 1, **changes: object) -> Recipe:
        """The target's training from Kaiming initialisation, ``times`` the budget of a fine-tuning."""
        recipe = Recipe(
            data=Data("dme", labels="union", split="subject", count=110, size=(48, 72) if self._smoke else None),
            model=self._model(head),
            init=Scratch(),
            budget=self.epochs(times),
            augmentation=Augmentation(resize=(0.5, 2.0), crop=(32, 32) if self._smoke else (256, 256), flip=0.5),
            loss=SMOKE_LOSS if self._smoke else Loss(),
            optimiser=SMOKE_OPTIMISER if self._smoke else Optimiser("sgd", 0.01),
            schedule=Schedule("poly") if self._smoke else Schedule("constant"),
            batch_size=8,
            normalise=(46.6002, 54.681),
            precision="bf16" if self.scale == "reduced" else "fp32",
        )
        return replace(recipe, **changes)  # type: ignore[arg-type]

    def epochs(self, times: int = 1) -> Budget:
        """The text's 200 epochs, evaluated every tenth of them, or the scale's share."""
        amount, evaluations = {"paper": (200, 20), "reduced": (40, 20), "smoke": (6, 6)}[self.scale]
        return Budget(amount * times, "epochs", evaluations * times)

    def iterations(self) -> Budget:
        """The reading of the authors' code, in which 200 counts iterations, not epochs."""
        return Budget({"paper": 200, "reduced": 200, "smoke": 66}[self.scale], "iterations", 20)

    @property
    def without_augmentation(self) -> dict[str, object]:
        """Whole images at half their size, in training and testing."""
        return {"augmentation": Augmentation(resize=(0.5, 0.5)), "test_resize": 0.5}

    def source(self, name: str, head: str) -> Recipe:
        """The training of a source network on retinal vessels or street scenes."""
        street = name == "cityscapes"
        split: Literal["published", "subject", "random"] = "published"
        data = Data(name, split=split, count=40, substitute=SUBSTITUTES.get(name, ""))
        if self._smoke:
            return Recipe(
                data=replace(data, size=(48, 72) if street else (64, 64)),
                model=self._model(head),
                budget=Budget(96),
                augmentation=Augmentation(resize=(0.5, 2.0), crop=(32, 32), flip=0.5),
                loss=Loss() if street else SMOKE_LOSS,
                optimiser=SMOKE_OPTIMISER,
                schedule=Schedule("poly"),
            )
        paper = self.scale == "paper"
        iterations = 2_000 if not paper else (160_000 if street else 40_000)
        crop = (256, 512) if street and not paper else SOURCE_CROPS[name]
        return Recipe(
            data=data,
            model=self._model(head),
            budget=Budget(iterations),
            augmentation=Augmentation(resize=(0.5, 2.0), crop=crop, flip=0.5),
            optimiser=Optimiser("sgd", 0.01),
            schedule=Schedule("poly", min_lr=1e-4),
            batch_size=16,
            precision="bf16" if self.scale == "reduced" else "fp32",
        )

    @property
    def _smoke(self) -> bool:
        return self.scale == "smoke"

    def _model(self, head: str) -> Model:
        return Model(head=head, width=8, stages=3) if self._smoke else Model(head=head)
