"""Striped bars with a planted truth, generated only; see :mod:`harness.data.phantoms.stripes`."""

from harness.data.generated import Generated

ADAPTER = Generated(
    name="bars",
    title="Bars",
    size=(48, 48),
    images=40,
    classes=("background", "rising"),
    foreground="rising",
    labels=("rising", "decoys", "shuffled", "bright"),
)
