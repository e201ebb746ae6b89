"""harness.verdicts.digests: another wording is the same question, another margin, arm, plan or recipe is not."""

from __future__ import annotations

from dataclasses import make_dataclass, replace

import pytest
from synthetic import DATA, question, recipe

from harness.relations import All, Greater, Looks, NotGreater
from harness.specs import Weights
from harness.verdicts import QuestionDigest, question_digest
from harness.verdicts.evidence import Evidence

GOOD, BAD = recipe(0.6), recipe(0.3)
ARMS = {"good": GOOD, "bad": BAD}


def asked(arms=ARMS, **changes):
    return question_digest(question(arms, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"statement": "The first arm is the better one."},
        {"place": "Section 3"},
        {"evidence": Evidence("phantom", ("Diabetic macular edema",), ("no root was given",))},
        {"relation": Greater("good", "bad", 0.0)},
        {"family": 8},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_wording_is_the_same_question(changes):
    assert asked(**changes) == asked()


def test_the_order_of_the_arms_is_no_matter():
    relation = Greater("good", "bad")
    assert asked({"bad": BAD, "good": GOOD}, relation=relation) == asked(relation=relation)


def test_where_a_checkpoint_lies_is_no_matter():
    here, there = (replace(GOOD, init=Weights(path, "0" * 64)) for path in ("a.pth", "b.pth"))
    assert asked({"good": here, "bad": BAD}) == asked({"good": there, "bad": BAD}) != asked()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slug": "another"}, ("claim",)),
        ({"variant": "x"}, ("claim",)),
        ({"scale": "reduced"}, ("claim",)),
        ({"evidence": Evidence("real", ("DME",))}, ("claim",)),
        ({"relation": Greater("good", "bad", 0.1)}, ("relation",)),
        ({"relation": Greater("bad", "good")}, ("relation",)),
        ({"relation": NotGreater("good", "bad", 0.1)}, ("relation",)),
        ({"relation": All((Greater("good", "bad"), Greater("good", "bad", measure="mIoU")))}, ("relation",)),
        ({"measure": "mIoU"}, ("measure",)),
        ({"looks": Looks()}, ("plan of seeds",)),
        ({"looks": Looks((3, 4), (0.2,)), "measure": "mIoU"}, ("measure", "plan of seeds")),
        ({"registration": 2}, ("registration",)),
        ({"arms": {"good": replace(GOOD, batch_size=4), "bad": BAD}}, ("arms",)),
        ({"arms": {"good": recipe(0.6, data=replace(DATA, name="camvid")), "bad": BAD}}, ("data sets", "arms")),
        ({"arms": {"better": GOOD, "bad": BAD}}, ("relation", "arms")),
    ],
)
def test_another_question_differs_in_what_changed(changes, words):
    assert asked().differences(asked(**changes)) == words


def test_a_new_field_with_a_default_changes_nothing():
    later = make_dataclass("Greater", [("bias", float, 0.0)], bases=(Greater,), frozen=True)
    assert asked(relation=later("good", "bad")) == asked(relation=Greater("good", "bad"))
    assert asked(relation=later("good", "bad", bias=0.1)) != asked(relation=Greater("good", "bad"))


def test_what_was_never_asked_differs_in_everything():
    assert len(QuestionDigest().differences(asked())) == 7
