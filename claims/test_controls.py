"""Controls: claims whose truth is planted. They tell whether this installation finds what is there, and nothing else.

They run with every selection of claims (``--claims-controls=off`` leaves them out), on phantoms, with five seeds. One
that does not come out as planted makes the invocation fail, and no verdict beside it is to be trusted.
``benchmarks/README.md`` has how often each is decided as planted, and which mistake in the harness fails which control.
"""

from controls import GAIN, HELP, MARGIN, SHORT, SOME, WHOLE, pets_after, trained, weighted

from harness.relations import All, Equivalent, Greater, NonMonotonic, NotGreater, NotWorse, RankCorrelation, Reaches
from harness.specs import ColourJitter, FromJob, Poly, RandomCrop, RandomFlip, Reseeded

DICE = "Dice.foreground"


def test_nothing_beats_itself(claim):
    """The same arm under two names, with other seeds, is not greater than itself, and both are equivalent."""
    claim.holds(
        All(
            (
                NotGreater("again", "trained", MARGIN, paired=False),
                Equivalent(("again", "trained"), margin=MARGIN, paired=False),
            )
        ),
        {"trained": trained(), "again": Reseeded(trained(), by=500)},
        measure=DICE,
    )


def test_more_training_helps(claim):
    """A training of three epochs beats one that hardly begins, and tells the target from its decoys."""
    # Who takes all patches for the target comes to Dice 0.67 at most; the training comes to 0.87.
    claim.holds(
        All((Greater("trained", "hardly", GAIN), Reaches("trained", value=0.8, tolerance=MARGIN))),
        {"trained": trained(), "hardly": trained(SHORT)},
        measure=DICE,
    )


def test_training_orders_models(claim):
    """The longer of three trainings is the better one: a planted rank order."""
    arms = {"hardly": (SHORT, trained(SHORT)), "some": (SOME, trained(SOME)), "trained": (WHOLE, trained())}
    claim.holds(
        RankCorrelation(tuple((name, length) for name, (length, _) in arms.items())),
        {name: recipe for name, (_, recipe) in arms.items()},
        measure=DICE,
    )


def test_a_shared_texture_helps(claim):
    """After a sixth of the training, weights from bars with the same stripes beat scratch and nearly have it all."""
    claim.holds(
        All((Greater("from-bars", "scratch", GAIN), NotWorse("from-bars", "trained", margin=2 * MARGIN))),
        {
            "from-bars": trained(SHORT, init=FromJob(trained(data="bars"))),
            "scratch": trained(SHORT),
            "trained": trained(),
        },
        measure=DICE,
    )


def test_shuffled_weights_do_not_help(claim):
    """The same weights from bars, with the entries of each tensor shuffled, do not help."""
    claim.holds(
        NotGreater("shuffled", "scratch", HELP, paired=False),
        {"shuffled": trained(SHORT, init=FromJob(trained(data="bars"), shuffled=True)), "scratch": trained(SHORT)},
        measure=DICE,
    )


def test_shuffled_labels_hurt(claim):
    """Training images that are annotated with the patches of other images teach less than their own."""
    claim.holds(
        Greater("trained", "shuffled", GAIN),
        {"trained": trained(), "shuffled": trained(labels="shuffled")},
        measure=DICE,
    )


def test_a_frozen_random_backbone_hurts(claim):
    """A head on a backbone that stays as it was drawn does worse than a network that is trained whole."""
    # Random crops let the backbone run in every iteration: of whole images its features would be computed once.
    crops = (RandomCrop((20, 20)),)
    claim.holds(
        Greater("trained", "frozen", GAIN),
        {"trained": trained(transforms=crops), "frozen": trained(transforms=crops, frozen=("backbone",))},
        measure=DICE,
    )


def test_mirrored_images_destroy_the_target(claim):
    """Stripes that rise fall in a mirror: a network that sees both as the target cannot tell it from the decoys."""
    claim.holds(
        Greater("trained", "mirrored", GAIN),
        {"trained": trained(), "mirrored": trained(transforms=(RandomFlip(),))},
        measure=DICE,
    )


def test_changed_light_destroys_the_target(claim):
    """Where the patches of bright images are the target, a network that sees brightness change fails."""
    claim.holds(
        Greater("bright", "jittered", GAIN, paired=False),
        {
            "bright": trained(labels="bright"),
            "jittered": trained(labels="bright", transforms=(ColourJitter(0.8),)),
        },
        measure=DICE,
    )


def test_wrong_labels_of_mirrored_images_are_right(claim):
    """Who learns decoys for targets fails, unless the images are mirrored too: a planted valley."""
    claim.holds(
        NonMonotonic(("right", "wrong", "wrong-and-mirrored"), "wrong", "valley", GAIN),
        {
            "right": trained(),
            "wrong": trained(labels="decoys"),
            "wrong-and-mirrored": trained(labels="decoys", transforms=(RandomFlip(1.0),)),
        },
        measure=DICE,
    )


def test_batches_of_one_hurt(claim):
    """With as many iterations, batches of one image teach less than batches of four."""
    claim.holds(
        Greater("batch-4", "batch-1", GAIN),
        {"batch-4": trained(), "batch-1": trained(batch_size=1)},
        measure=DICE,
    )


def test_a_rate_that_vanishes_hurts(claim):
    """A learning rate that decays with the tenth power is gone after a few iterations and teaches less."""
    claim.holds(
        Greater("trained", "vanishing", GAIN),
        {"trained": trained(), "vanishing": trained(schedule=Poly(power=10.0))},
        measure=DICE,
    )


def test_weights_of_losses_count(claim):
    """A loss that mostly asks for every target pixel costs precision beside one that asks for every pixel alike."""
    claim.holds(
        Greater("every-pixel", "every-target", GAIN),
        {"every-pixel": trained(losses=weighted(1.0, 4.0)), "every-target": trained(losses=weighted(4.0, 1.0))},
        measure="Precision.foreground",
    )


def test_a_related_source_transfers_better(claim):
    """Of two sources that are frozen, the one whose objects have the target's shapes and coats serves it better."""
    claim.holds(
        Greater("related", "unrelated", GAIN),
        {"related": pets_after("voc2012", 1.0), "unrelated": pets_after("voc2012", 0.0)},
        measure=DICE,
    )


def test_sources_that_are_alike_transfer_alike(claim):
    """Of two sources of which neither is related to the target, neither serves it better by what relatedness gives."""
    claim.holds(
        NotGreater("coco", "voc", HELP, paired=False),
        {"coco": pets_after("coco2017", 0.0), "voc": pets_after("voc2012", 0.0)},
        measure=DICE,
    )
