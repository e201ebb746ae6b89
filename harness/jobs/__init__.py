"""Jobs: training, evaluation without training, combination of members. Nothing here imports torch on import."""

VERSION = 1
"""Of what shapes a training's result beside its task and its network: order, augmentation, optimiser, loop. Raise it
whenever the same recipe would give another result."""

COMBINATION = 2
"""The same of the combination of members."""
