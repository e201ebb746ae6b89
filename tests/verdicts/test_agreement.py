"""harness.verdicts.agreement: how far a data set's annotators agree on the images that arms are tested on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layouts import REAL_ROOT, dme, drive
from synthetic import DATA, question, recipe, record

from harness import data as datasets
from harness.data import Catalogue
from harness.relations import All, Greater
from harness.specs import Data, Split, job, parse
from harness.verdicts import agreement
from harness.verdicts.agreement import Agreement, agreements, annotators

FULL = Data("dme", labels="union", split=Split("subject"), evidence="real")
FIRST = replace(FULL, labels="expert1")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A data root with a tiny DME and a tiny DRIVE."""
    folder = tmp_path_factory.mktemp("root")
    dme(folder, np.random.default_rng(3))
    drive(folder, np.random.default_rng(4))
    return folder


@pytest.fixture
def catalogue(root, tmp_path):
    return Catalogue(root, tmp_path / "packs")


def beside(catalogue, data=FULL, relation=None, measure="IoU.foreground"):
    """The agreement beside two arms whose runs were tested on the last two subjects."""
    arms = {"good": recipe(0.6, data=data), "bad": recipe(0.3, data=data)}
    packed = catalogue.load(data)
    ids = [packed.ids[index] for index in datasets.split(packed, data, 0).test]
    made = {
        name: [replace(record(job(arm, seed), f"{name}{seed}"), test_ids=ids) for seed in range(3)]
        for name, arm in arms.items()
    }
    return agreements(question(arms, relation, measure=measure), made, catalogue)


def marked(root, labels, data=FULL):
    """What an annotator marked on the images of the last two subjects, from the adapter itself."""
    read = datasets.adapter("dme").read(root, replace(data, labels=labels))
    return np.stack([item.target == 1 for item in read if item.subject in ("Subject_09", "Subject_10")])


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def test_the_agreement_is_that_of_the_masks_on_the_test_images(root, catalogue):
    (found,) = beside(catalogue)
    one, two, union = (marked(root, labels) for labels in ("expert1", "expert2", "union"))
    assert (found.data, found.labels, found.annotators) == ("DME", "union", ("expert1", "expert2"))
    assert (found.metric, found.images) == ("IoU.foreground", len(one)) == ("IoU.foreground", 4)
    assert found.value == pytest.approx(overlap(one, two))
    assert found.against_labels == pytest.approx({"expert1": overlap(union, one), "expert2": overlap(union, two)})
    assert found.value < min(found.against_labels.values())


def test_arms_that_are_tested_against_one_annotator_are_compared_with_the_other(root, catalogue):
    (found,) = beside(catalogue, FIRST)
    assert found.against_labels == pytest.approx({"expert2": found.value})
    assert found.value == pytest.approx(overlap(marked(root, "expert1"), marked(root, "expert2")))


def test_a_metric_that_is_not_symmetric_takes_each_annotator_once_as_the_truth(root, catalogue):
    (found,) = beside(catalogue, measure="Acc.foreground")
    one, two = (marked(root, labels) for labels in ("expert1", "expert2"))
    both = (one & two).sum()
    assert found.value == pytest.approx((both / one.sum() + both / two.sum()) / 2)


def test_every_final_metric_has_its_own_and_times_and_trends_have_none(catalogue):
    both = All((Greater("good", "bad"), Greater("good", "bad", measure="mIoU")))
    assert [each.metric for each in beside(catalogue, relation=both)] == ["IoU.foreground", "mIoU"]
    assert beside(catalogue, measure="trend:IoU.foreground") == ()


def test_data_of_one_annotator_and_phantoms_have_no_agreement(catalogue):
    drawn = Data("drive", split=Split("published"), evidence="real")
    assert annotators(drawn) == annotators(DATA) == ()
    assert beside(catalogue, drawn, measure="IoU.foreground") == ()


def test_it_is_read_once_and_kept_beside_the_packs(catalogue, monkeypatch):
    (first,) = beside(catalogue)
    monkeypatch.setattr(agreement, "items", lambda *_: pytest.fail("read again"))
    assert beside(Catalogue(catalogue.root, catalogue.cache)) == (first,)


def test_what_one_annotator_left_open_does_not_count(catalogue, monkeypatch):
    (whole,) = beside(catalogue, FIRST)
    read = agreement.items

    def half(data, root):
        for item in read(data, root):
            target = np.array(item.target)
            target[:6] = datasets.IGNORED
            yield replace(item, target=target)

    monkeypatch.setattr(agreement, "items", half)
    one, two = (marked(catalogue.root, labels)[:, 6:] for labels in ("expert1", "expert2"))
    (found,) = beside(Catalogue(catalogue.root, catalogue.cache / "other"), FIRST)
    assert found.value == pytest.approx(overlap(one, two))
    assert found.value != pytest.approx(whole.value)


def test_images_that_an_annotator_lacks_are_left_out_and_nothing_marked_is_no_figure(catalogue, monkeypatch):
    read = agreement.items
    monkeypatch.setattr(agreement, "items", lambda *wanted: list(read(*wanted))[:-1])
    (found,) = beside(catalogue, FIRST)
    assert found.images == 3
    monkeypatch.setattr(agreement, "items", lambda *wanted: list(read(*wanted))[:2])
    assert beside(Catalogue(catalogue.root, catalogue.cache / "other"), FIRST) == ()


def test_real_experts_agree_on_the_test_subjects_to_about_half_of_the_fluid(tmp_path):
    if not (REAL_ROOT / "dme").is_dir():
        pytest.skip(f"no real DME in {REAL_ROOT}")
    (found,) = beside(Catalogue(REAL_ROOT, tmp_path), measure="Dice.foreground")
    assert (found.images, round(found.value, 3)) == (22, 0.653)
    assert {name: round(value, 2) for name, value in found.against_labels.items()} == {"expert1": 0.78, "expert2": 0.91}


def test_the_agreement_is_plain_enough_for_json():
    from harness.converter import build, plain

    made = Agreement("DME", "union", ("expert1", "expert2"), "IoU", 0.5, {"expert1": 0.6}, 22)
    assert build(plain(made), Agreement) == made
    assert parse(made.metric)
