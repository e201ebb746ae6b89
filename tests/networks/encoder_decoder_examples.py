"""Every encoder-decoder of mmsegmentation in its published size and in a small form."""

from __future__ import annotations

from harness.networks import registered
from harness.networks.encoder_decoders.family import EncoderDecoder
from harness.networks.families.pooled_backbone import MEMBERS
from harness.specs import Classifier, Segmenter, Shrink

FAMILIES = [each for each in registered() if isinstance(each, EncoderDecoder)]

PUBLISHED = [Segmenter(name, head) for each in FAMILIES for name in each.backbones for head in each.files[name]]

SMALL = {
    "hr48": Shrink(8, 3, 0.25, 16),
    "vit-b16_ln_mln": Shrink(32, 3, 0.25, 16),
    "swin-base-patch4-window7": Shrink(8, 2, 0.25, 16),
    "squeezenet1_0": Shrink(12, 4, head=16),
}
"""By backbone; all others are :data:`RESNET`'s."""

RESNET = Shrink(8, 4, 0.25, 16)


def small(backbone: str, head: str) -> Segmenter:
    """The small form of a segmenter."""
    shrink = SMALL.get(backbone, RESNET)
    if head == "linear":
        shrink = Shrink(shrink.width, shrink.stages, shrink.depth)
    return Segmenter(backbone, head, shrink)


def classifier(backbone: str) -> Classifier:
    """The small form of a classifier."""
    shrink = SMALL.get(backbone, RESNET)
    return Classifier(backbone, shrink=Shrink(shrink.width, shrink.stages, shrink.depth))


SHRUNK = [small(each.backbone, each.head) for each in PUBLISHED]

CLASSIFIERS = [Classifier(name) for name in MEMBERS]

SHRUNK_CLASSIFIERS = [classifier(name) for name in MEMBERS]
