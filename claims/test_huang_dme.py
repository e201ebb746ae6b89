"""Claims of huang-dme: "Transfer learning for Domain Adaptation" (Huang, Kumar, Zheng).

Margins and gains are in units of the metric (IoU and Dice are fractions). Margins were fixed before the first run: 0.05
is about the gain of 0.057 IoU that the paper itself calls comparable (Table 1), and more than the 0.036 IoU between
losses in which it sees no difference (Table 4). The smallest gain of interest is half of the difference that the paper
prints for the comparison, at most 0.05, and 0.02 where it prints none: who finds less than half has not replicated it.
Gains came with registration 2, after values of registration 1 had been seen, so every claim takes new seeds.
"""

import pytest
from huang_dme import HEADS, MEDICAL, Pipeline

from harness.relations import All, BestOf, ConvergesFaster, Equivalent, Greater, Increasing, NotWorse, Reaches

MARGIN = 0.05
REGISTRATION = 2

SOURCES_AND_HEADS = [
    pytest.param(source, head, id="as-published" if (source, head) == ("stare", "fcn") else f"{source}-{head}")
    for source in MEDICAL
    for head in HEADS
]


@pytest.mark.parametrize(("source", "head"), SOURCES_AND_HEADS)
def test_pretraining_beats_scratch(claim, source, head):
    """At equal budget the STARE-pretrained U-Net + FCN beats scratch, and is not worse than scratch at ten times it."""
    unet = Pipeline(claim.scale)
    claim.holds(
        # Half of the gain is more than .05: the paper prints an IoU of .367 for 200 epochs and sees no fluid before
        # 1000 epochs from scratch.
        All(
            (
                Greater("pretrained", "scratch", gain=0.05, paired=unet.paired),
                NotWorse("pretrained", "scratch-x10", margin=MARGIN, paired=unet.paired),
            )
        ),
        {
            "pretrained": unet.fine_tuned(source, head),
            "scratch": unet.scratch(head),
            "scratch-x10": unet.scratch(head, times=10),
        },
        measure="IoU.foreground",
        registration=REGISTRATION,
    )


@pytest.mark.parametrize("ratio", [pytest.param(10, id="as-published"), pytest.param(1, id="any-ratio")])
def test_pretraining_converges_faster(claim, ratio):
    """To any fluid at all and to a comparable score, scratch needs a magnitude more training than U-Net from STARE."""
    unet = Pipeline(claim.scale)
    budget = unet.epochs()
    epochs, grid = (budget.amount, 10 * budget.amount), budget.amount / budget.evaluations
    # Dice 0.4 is about what the paper's weakest pretrained network reaches (Table 2, batch 2); 0.01 is "non-zero".
    times = ("time:Dice.foreground>=0.4", "time:Dice.foreground>=0.01")
    claim.holds(
        All(tuple(ConvergesFaster("pretrained", "scratch-x10", ratio, epochs, grid, measure=time) for time in times)),
        {"pretrained": unet.fine_tuned("stare", "fcn"), "scratch-x10": unet.scratch("fcn", times=10)},
        measure=times[0],
        registration=REGISTRATION,
    )


@pytest.mark.parametrize(
    "budget", [pytest.param("epochs", id="as-published"), pytest.param("iterations", id="iterations")]
)
def test_larger_batch_is_better(claim, budget):
    """With DeepLabV3 from CHASE_DB1, the IoU and the Dice of fluid rise with the batch size: 2 < 4 < 8."""
    unet = Pipeline(claim.scale)
    length = {"budget": unet.iterations()} if budget == "iterations" else {}
    arms = {f"batch-{n}": unet.fine_tuned("chase_db1", "deeplabv3", batch_size=n, **length) for n in (2, 4, 8)}
    sizes = tuple(arms)
    # Half of the smallest step that the paper prints: IoU 22.56 to 27.44, Dice 38.20 to 43.72.
    claim.holds(
        All(
            (
                Increasing(sizes, gain=0.024, paired=unet.paired),
                Increasing(sizes, gain=0.028, measure="Dice.foreground", paired=unet.paired),
            )
        ),
        arms,
        measure="IoU.foreground",
        registration=REGISTRATION,
    )


def test_augmentation_enables_convergence(claim):
    """With augmentation DeepLabV3 from CHASE_DB1 converges: its curve rises, more than without, and ends higher."""
    unet = Pipeline(claim.scale)
    # A rank correlation of 0.5 between training time and mIoU is the least that one would call a trend.
    claim.holds(
        All(
            (
                # Half of the printed .359 is more than .05; for the trend the paper prints no figure.
                Greater("augmented", "plain", gain=0.05, paired=unet.paired),
                Greater("augmented", "plain", gain=0.02, measure="trend:mIoU", paired=unet.paired),
                Reaches("augmented", value=0.5, tolerance=0.0, measure="trend:mIoU"),
            )
        ),
        {
            "augmented": unet.fine_tuned("chase_db1", "deeplabv3"),
            "plain": unet.fine_tuned("chase_db1", "deeplabv3", **unet.without_augmentation),
        },
        measure="Dice.foreground",
        registration=REGISTRATION,
    )


def test_loss_makes_no_difference(claim):
    """With PSPNet from CHASE_DB1, cross entropy, Dice and 3:1 Dice + cross entropy do equally well."""
    unet = Pipeline(claim.scale)
    arms = {name: unet.fine_tuned("chase_db1", "pspnet", losses=losses) for name, losses in unet.losses.items()}
    relation = Equivalent(tuple(arms), margin=MARGIN, paired=unet.paired)
    claim.holds(relation, arms, measure="IoU.foreground", registration=REGISTRATION)


def test_best_pipeline_score(claim):
    """PSPNet from CHASE_DB1 with cross entropy and batch 8 reaches an IoU of 0.4529 and a Dice of 0.6234."""
    unet = Pipeline(claim.scale)
    claim.holds(
        All(
            (
                Reaches("pipeline", value=0.4529, tolerance=MARGIN),
                Reaches("pipeline", value=0.6234, tolerance=MARGIN, measure="Dice.foreground"),
            )
        ),
        {"pipeline": unet.fine_tuned("chase_db1", "pspnet", losses=unet.losses["cross-entropy"])},
        measure="IoU.foreground",
        registration=REGISTRATION,
    )


def test_cityscapes_transfers_well(claim):
    """A network from street scenes is not worse than those from any of the medical sources (PSPNet)."""
    unet = Pipeline(claim.scale)
    arms = {name: unet.fine_tuned(name, "pspnet") for name in ("cityscapes", *unet.sources)}

    def relation(names: tuple[str, ...]) -> All:
        others = (name for name in names if name != "cityscapes")
        return All(tuple(NotWorse("cityscapes", name, margin=MARGIN, paired=unet.paired) for name in others))

    claim.holds(
        relation,
        arms,
        measure="IoU.foreground",
        registration=REGISTRATION,
    )


def test_source_and_head_grid(claim):
    """Of the source × head grid, PSPNet from CHASE_DB1 is best."""
    unet = Pipeline(claim.scale)
    arms = {f"{source}-{head}": unet.fine_tuned(source, head) for source in unet.sources for head in HEADS}
    claim.holds(
        # Half of what the paper prints between the best and the second: IoU 45.29 and 41.48.
        lambda names: BestOf(names, named="chase_db1-pspnet", gain=0.019, paired=unet.paired),
        arms,
        measure="IoU.foreground",
        registration=REGISTRATION,
    )
