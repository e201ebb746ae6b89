"""harness.verdicts.evidence: one kind of data for a whole claim, and a word about every exception."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from synthetic import recipe

from harness import data as datasets
from harness.data import Catalogue, DataError, catalogue
from harness.specs import (
    Data,
    Ensemble,
    FromJob,
    Recipe,
    Resize,
    Scratch,
    Split,
    Substitute,
    Weights,
    ZeroShot,
    recipes,
)
from harness.verdicts.evidence import Evidence, Unavailable, check_root, resolve, titles

TITLES = {name: name.upper() for name in ("target", "one", "two", "three", "four")}


@pytest.fixture
def there(monkeypatch):
    """The names of the data sets that are complete."""
    names = {"target", "one", "two"}

    def check(data, root):
        if data.name not in names:
            raise DataError(f"Expected {TITLES[data.name]} below {root}, but found nothing; get it.")

    def adapter(name):
        return SimpleNamespace(title=TITLES[name], labels=(), published=True, task="segmentation")

    monkeypatch.setattr(catalogue, "check", check)
    monkeypatch.setattr(datasets, "adapter", adapter)
    monkeypatch.setattr(datasets, "has_phantom", TITLES.__contains__)
    monkeypatch.setattr(datasets, "check_spec", lambda data: None)
    return names


def arm(source: str, substitute: str | Substitute = "", score: float = 0.5) -> Recipe:
    """A training on the target that starts from ``source``."""
    origin = replace(recipe(score), data=Data(source, substitute=substitute))
    return replace(recipe(score), data=Data("target"), init=FromJob(origin))


def names_of(recipe_: Recipe) -> list[tuple[str, str]]:
    return [(step.data.name, step.data.evidence) for step in recipe_.lineage()]


def never(names):
    return False


def always(names):
    return True


@pytest.mark.parametrize("mode", ["auto", "real"])
def test_complete_data_are_real(there, tmp_path, mode):
    arms, found = resolve({"a": arm("one"), "b": arm("two")}, Catalogue(tmp_path), mode)
    assert found == Evidence("real", ("TARGET", "ONE", "TWO"))
    assert names_of(arms["a"]) == [("one", "real"), ("target", "real")]
    assert found.describe() == "real: TARGET, ONE, TWO"


def test_a_substitute_is_named(there, tmp_path):
    arms, found = resolve({"a": arm("three", "two"), "b": arm("one")}, Catalogue(tmp_path), "auto")
    assert found == Evidence("substituted", ("TARGET", "TWO", "ONE"), ("TWO for THREE",))
    assert names_of(arms["a"])[0] == ("two", "real")
    assert found.describe() == "substituted: TARGET, TWO, ONE (TWO for THREE)"


def test_a_substitute_may_have_its_own_number_of_images(there, tmp_path):
    larger, smaller = arm("three", Substitute("two")), arm("four", Substitute("two", subset=64))
    arms, found = resolve({"a": larger, "b": smaller}, Catalogue(tmp_path))
    assert found.notes == ("TWO for THREE", "64 of the training images of TWO for FOUR")
    assert [next(step.data.subset for step in each.lineage()) for each in arms.values()] == [None, 64]


def test_two_parts_of_one_substitute_stand_in_for_two_data_sets(there, tmp_path):
    low, high = Substitute("two", share=(0.0, 0.5)), Substitute("two", share=(0.5, 1.0))
    tuned = replace(arm("three", low), data=Data("four", substitute=high))
    arms, found = resolve({"a": tuned}, Catalogue(tmp_path))
    assert [(step.data.name, step.data.share) for step in arms["a"].lineage()] == [("two", (0, 0.5)), ("two", (0.5, 1))]
    assert set(found.notes) == {"TWO's subjects from 50% to 100% for FOUR", "TWO's subjects from 0% to 50% for THREE"}


def test_a_substitute_without_a_share_takes_that_of_the_absent_one(there, tmp_path):
    part = replace(recipe(0.5), data=Data("three", share=(0.25, 1.0), substitute="two"))
    resolved = resolve({"a": part}, Catalogue(tmp_path))[0]["a"].data
    assert (resolved.name, resolved.share) == ("two", (0.25, 1.0))
    phantom = resolve({"a": replace(part, data=Data("three", share=(0.25, 1.0)))}, Catalogue(tmp_path), "phantom")
    assert phantom[0]["a"].data.share == (0.25, 1.0)


def test_a_substitute_has_the_companions_of_the_absent_one(there, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "companions", lambda name: ("other-eye",))
    for companion, kind in (("other-eye", "substituted"), ("same-eye", "phantom")):
        beside = Data("three", split=Split("subject"), companion=companion, substitute="two")
        arms, found = resolve({"a": replace(recipe(0.5), data=beside)}, Catalogue(tmp_path))
        assert found.kind == kind
        assert arms["a"].data.companion == companion


def test_substitutes_that_are_meant_together_stand_in_together(there, tmp_path):
    """Else 3 real training images of ONE would be the larger source beside all of TWO in place of THREE."""
    smaller = arm("one", Substitute("two", subset=3, together=True))
    larger = arm("three", Substitute("two", together=True), 0.6)
    _, found = resolve({"a": smaller, "b": larger}, Catalogue(tmp_path))
    assert found.notes == ("3 of the training images of TWO for ONE", "TWO for THREE")
    there.add("three")
    assert resolve({"a": smaller, "b": larger}, Catalogue(tmp_path))[1] == Evidence("real", ("TARGET", "ONE", "THREE"))


def test_weights_that_are_there_stay_where_only_others_are_absent(there, tmp_path):
    source = replace(
        recipe(0.5), data=Data("one"), init=Weights("imagenet", part="backbone", otherwise=arm("two").init)
    )
    whole = replace(recipe(0.5), data=Data("target"), init=Weights("big", otherwise=FromJob(source)))
    resolved, found = resolve(
        {"a": whole, "b": replace(whole, batch_size=2)}, Catalogue(tmp_path), find=finder("imagenet")
    )
    assert found.notes == ("weights imagenet (released)", "own source training for big")
    assert resolved["a"].init.recipe.init.path == "/weights/imagenet.pth"


def test_weights_are_not_looked_for_where_the_target_is_absent(there, tmp_path):
    def find(weights):
        raise AssertionError(weights)

    with pytest.raises(Unavailable, match=r"^Expected FOUR below"):
        resolve({"a": released("big", "one", data="four")}, Catalogue(tmp_path), "real", find=find)


def test_real_data_have_no_relatedness(there, tmp_path):
    related = replace(recipe(0.5), data=Data("target", related=0.25))
    assert resolve({"a": related}, Catalogue(tmp_path))[0]["a"].data.related is None
    assert resolve({"a": related}, Catalogue(tmp_path), "phantom")[0]["a"].data.related == 0.25


def test_an_allowed_substitute_is_not_used_where_the_data_set_is_there(there, tmp_path):
    there.add("three")
    _, found = resolve({"a": arm("three", "two")}, Catalogue(tmp_path))
    assert found.kind == "real"


def test_a_resolved_recipe_does_not_depend_on_the_substitute_that_was_allowed(there, tmp_path):
    with_one, _ = resolve({"a": arm("one", "two")}, Catalogue(tmp_path))
    without, _ = resolve({"a": arm("one")}, Catalogue(tmp_path))
    assert with_one == without


def test_auto_takes_phantoms_for_all_arms_where_one_is_not_complete(there, tmp_path):
    arms, found = resolve({"a": arm("one"), "b": arm("three")}, Catalogue(tmp_path), "auto")
    assert found.kind == "phantom"
    assert found.notes == ("no complete THREE in the data root",)
    assert {evidence for each in arms.values() for _, evidence in names_of(each)} == {"phantom"}


def test_real_names_what_is_missing_instead(there, tmp_path):
    with pytest.raises(Unavailable, match=r"Expected THREE below .*, but found nothing; get it\."):
        resolve({"a": arm("one"), "b": arm("three")}, Catalogue(tmp_path), "real")


def test_phantom_looks_at_no_real_data(there, tmp_path):
    there.clear()
    real = Catalogue(tmp_path / "absent")
    arms, found = resolve({"a": arm("one"), "b": arm("three", "two")}, real, "phantom")
    assert found == Evidence("phantom", ("TARGET", "ONE", "THREE"))
    assert names_of(arms["b"]) == [("three", "phantom"), ("target", "phantom")]
    assert real.problems() == ()


def test_an_arm_whose_data_are_absent_may_be_left_out_with_a_note(there, tmp_path):
    arms, found = resolve(
        {"a": arm("one"), "b": arm("three"), "c": arm("two")},
        Catalogue(tmp_path),
        may_drop=lambda names: len(names) >= 2,
    )
    assert list(arms) == ["a", "c"]
    assert found == Evidence("real", ("TARGET", "ONE", "TWO"), ("without b",))


def test_no_arm_is_left_out_where_the_rest_makes_no_sense(there, tmp_path):
    arms, found = resolve(
        {"a": arm("one"), "b": arm("three")}, Catalogue(tmp_path), may_drop=lambda names: len(names) >= 2
    )
    assert list(arms) == ["a", "b"]
    assert found.kind == "phantom"


def test_a_substitute_that_is_another_arm_cannot_stand_for_the_absent_one(there, tmp_path):
    both = {"three": arm("three", "one"), "one": arm("one")}
    arms, found = resolve(both, Catalogue(tmp_path), "real", may_drop=always)
    assert list(arms) == ["one"]
    assert found == Evidence("real", ("TARGET", "ONE"), ("without three",))
    with pytest.raises(Unavailable, match="the substitute of three is another arm already"):
        resolve(both, Catalogue(tmp_path), "real", may_drop=never)
    _, generated = resolve(both, Catalogue(tmp_path), "auto", may_drop=never)
    assert generated.notes == ("the substitute of three is another arm already",)


def test_two_arms_that_become_equal_by_the_same_substitute_are_not_compared(there, tmp_path):
    there.discard("two")
    both = {"three": arm("three", "one"), "two": arm("two", "one")}
    arms, found = resolve(both, Catalogue(tmp_path), "real", may_drop=always)
    assert list(arms) == ["three"]
    assert found == Evidence("substituted", ("TARGET", "ONE"), ("without two", "ONE for THREE"))
    with pytest.raises(Unavailable, match="the substitute of two is another arm already"):
        resolve(both, Catalogue(tmp_path), "real", may_drop=never)


def test_arms_that_differ_otherwise_may_share_a_substitute(there, tmp_path):
    both = {"a": arm("three", "one", 0.5), "b": arm("three", "one", 0.6)}
    arms, found = resolve(both, Catalogue(tmp_path), "real", may_drop=never)
    assert list(arms) == ["a", "b"]
    assert found.kind == "substituted"


def test_every_recipe_of_an_ensemble_and_of_an_evaluation_is_resolved(there, tmp_path):
    both = {"both": Ensemble((arm("one"), arm("two"))), "zero-shot": ZeroShot(arm("one"))}
    arms, found = resolve(both, Catalogue(tmp_path))
    assert found == Evidence("real", ("TARGET", "ONE", "TWO"))
    assert {step.data.evidence for each in arms.values() for step in recipes(each)} == {"real"}
    there.discard("two")
    assert list(resolve(both, Catalogue(tmp_path), may_drop=always)[0]) == ["zero-shot"]


def test_a_data_set_without_a_phantom_is_not_run_where_it_is_absent(there, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "has_phantom", lambda name: name != "three")
    assert resolve({"a": arm("one")}, Catalogue(tmp_path))[1].kind == "real"
    there.add("three")
    assert resolve({"a": arm("three")}, Catalogue(tmp_path))[1].kind == "real"
    there.discard("three")
    for mode, root, reason in (
        ("auto", tmp_path, "no complete THREE in the data root"),
        ("phantom", tmp_path, "phantoms are asked for"),
        ("auto", None, "no data root is given"),
    ):
        sentence = f"Expected real data or a phantom of THREE, but {reason}, and it has no phantom; "
        with pytest.raises(Unavailable, match=sentence):
            resolve({"a": arm("three"), "b": arm("one")}, Catalogue(root), mode)


def released(name: str, source: str = "", score: float = 0.5, data: str = "target") -> Recipe:
    """A training on the target that starts from released weights, or from an own training on ``source``."""
    own = arm(source).init if source else None
    return replace(recipe(score), data=Data(data), init=Weights(name, otherwise=own))


def finder(*there: str, damaged: str = ""):
    """Finds the weights of these names."""

    def find(weights: Weights) -> Weights | str:
        if weights.name == damaged:
            raise ValueError(f"{damaged} is damaged")
        if weights.name not in there:
            return f"put {weights.name} there"
        return replace(weights, sha256="0" * 64, path=f"/weights/{weights.name}.pth", otherwise=None)

    return find


def starts(arms: dict) -> dict[str, str]:
    """What each arm starts from: a file, or the data of its source."""
    inits = {name: each.init for name, each in arms.items()}
    return {
        name: init.path if isinstance(init, Weights) else init.recipe.data.name
        for name, init in inits.items()
        if not isinstance(init, Scratch)
    }


def test_released_weights_are_taken_and_named_and_need_no_source_data(there, tmp_path):
    arms = {"a": released("big", "three"), "b": released("small", "one"), "c": recipe(0.3)}
    arms["c"] = replace(arms["c"], data=Data("target"))
    resolved, found = resolve(arms, Catalogue(tmp_path), "real", find=finder("big", "small"))
    assert starts(resolved) == {"a": "/weights/big.pth", "b": "/weights/small.pth"}
    assert found == Evidence("real", ("TARGET",), ("weights big, small (released)",))
    assert found.describe() == "real: TARGET (weights big, small (released))"
    assert all(each.init.otherwise is None for name, each in resolved.items() if name != "c")


def test_where_one_of_a_claims_weights_is_absent_every_source_is_trained(there, tmp_path):
    arms = {"a": released("big", "two"), "b": released("small", "one")}
    resolved, found = resolve(arms, Catalogue(tmp_path), "real", find=finder("big"))
    assert starts(resolved) == {"a": "two", "b": "one"}
    assert found == Evidence("real", ("TARGET", "TWO", "ONE"), ("own source training for big, small",))


def test_weights_whose_source_the_claim_does_not_name_stay_beside_trained_ones(there, tmp_path):
    arms = {"a": released("imagenet"), "b": released("small", "one")}
    resolved, found = resolve(arms, Catalogue(tmp_path), "real", find=finder("imagenet"))
    assert starts(resolved) == {"a": "/weights/imagenet.pth", "b": "one"}
    assert found.notes == ("weights imagenet (released)", "own source training for small")


def test_absent_weights_without_a_source_are_the_sentence_in_every_mode(there, tmp_path):
    arms = {"a": released("imagenet"), "b": released("small", "one")}
    for mode, root in (("auto", tmp_path), ("real", tmp_path), ("phantom", tmp_path), ("auto", None)):
        with pytest.raises(Unavailable, match=r"^put imagenet there$"):
            resolve(arms, Catalogue(root), mode, find=finder("small"))


def test_absent_weights_whose_source_data_are_absent_too_name_the_file_or_become_phantoms(there, tmp_path):
    arms = {"a": released("big", "three"), "b": released("small", "one")}
    with pytest.raises(Unavailable, match=r"^put big there$"):
        resolve(arms, Catalogue(tmp_path), "real", find=finder("small"))
    resolved, found = resolve(arms, Catalogue(tmp_path), "auto", find=finder("small"))
    assert starts(resolved) == {"a": "three", "b": "one"}
    assert found.kind == "phantom"
    assert found.notes == ("no complete THREE in the data root", "own source training for big, small")


def test_where_the_target_is_absent_that_is_the_reason_and_not_the_weights(there, tmp_path):
    with pytest.raises(Unavailable, match=r"^Expected FOUR below"):
        resolve({"a": released("big", "one", data="four")}, Catalogue(tmp_path), "real", find=finder())


def test_phantoms_stand_for_the_sources_of_released_weights(there, tmp_path):
    resolved, found = resolve({"a": released("big", "one")}, Catalogue(tmp_path), "phantom", find=finder("big"))
    assert names_of(resolved["a"]) == [("one", "phantom"), ("target", "phantom")]
    assert found.notes == ("own source training for big",)
    resolved, found = resolve({"a": released("big")}, Catalogue(tmp_path), "phantom", find=finder("big"))
    assert starts(resolved) == {"a": "/weights/big.pth"}
    assert found == Evidence("phantom", ("TARGET",), ("weights big (released)",))


def test_an_arm_whose_weights_are_absent_may_be_left_out(there, tmp_path):
    arms = {"a": released("big", "three"), "b": released("small", "three", 0.6), "c": arm("one")}
    resolved, found = resolve(arms, Catalogue(tmp_path), find=finder("small"), may_drop=lambda names: len(names) >= 2)
    assert starts(resolved) == {"b": "/weights/small.pth", "c": "one"}
    assert found == Evidence("real", ("TARGET", "ONE"), ("without a", "weights small (released)"))


def test_more_arms_go_before_released_weights(there, tmp_path):
    arms = {"a": released("big", "two"), "b": released("small", "one", 0.6)}
    resolved, found = resolve(arms, Catalogue(tmp_path), find=finder("small"), may_drop=always)
    assert starts(resolved) == {"a": "two", "b": "one"}
    assert found.notes == ("own source training for big, small",)


def test_a_damaged_file_is_no_absent_one(there, tmp_path):
    with pytest.raises(ValueError, match="big is damaged"):
        resolve({"a": released("big", "one")}, Catalogue(tmp_path), find=finder(damaged="big"))


def test_weights_of_a_source_are_found_too(there, tmp_path):
    source = replace(recipe(0.5), data=Data("one"), init=Weights("imagenet"))
    tuned = replace(recipe(0.5), data=Data("target"), init=FromJob(source))
    nested = replace(tuned, init=Weights("big", otherwise=FromJob(source)))
    for each in (tuned, nested):
        resolved, _ = resolve({"a": Ensemble((each, each))}, Catalogue(tmp_path), find=finder("imagenet"))
        assert resolved["a"].members[0].init.recipe.init.path == "/weights/imagenet.pth"
        with pytest.raises(Unavailable, match=r"^put imagenet there$"):
            resolve({"a": each}, Catalogue(tmp_path), find=finder())


def test_a_source_that_may_be_trained_is_checked_where_the_weights_are_there(there, tmp_path, monkeypatch):
    def check_spec(data):
        if data.name == "three":
            raise ValueError("no such annotation")

    monkeypatch.setattr(datasets, "check_spec", check_spec)
    with pytest.raises(ValueError, match="no such annotation"):
        resolve({"a": released("big", "three")}, Catalogue(tmp_path), find=finder("big"))


@pytest.mark.parametrize("name", [name for name in datasets.names() if datasets.has_phantom(name)])
@pytest.mark.parametrize("substitute", datasets.names())
def test_any_data_set_may_be_named_as_a_substitute(name, substitute, tmp_path, monkeypatch):
    """DME, whose annotation and split no other data set has, once raised a ValueError with each of them."""

    def check(data, root):
        datasets.check_spec(data)
        if data.name != substitute:
            raise DataError(f"Expected {data.name}, but found nothing; get it.")

    monkeypatch.setattr(catalogue, "check", check)
    adapter, other = datasets.adapter(name), datasets.adapter(substitute)
    kind = "published" if adapter.published else "subject"
    for labels in ("", *adapter.labels):
        data = Data(name, labels=labels, split=Split(kind), substitute=substitute)
        arms, found = resolve({"a": replace(recipe(0.5), data=data)}, Catalogue(tmp_path), "auto")
        expected = "real" if name == substitute else "substituted" if adapter.task == other.task else "phantom"
        assert found.kind == expected
        datasets.check_spec(arms["a"].data)


def test_a_missing_root_is_one_sentence(tmp_path):
    with pytest.raises(
        Unavailable, match=r"Expected the data root to be a folder, but there is none at .*; give the folder"
    ):
        check_root(tmp_path / "absent", "auto")


def test_real_data_without_a_root_is_one_sentence():
    with pytest.raises(Unavailable, match=r"Expected a data root for --claims-data=real, but none was given"):
        check_root(None, "real")


def test_each_problem_is_named_once(there, tmp_path):
    real = Catalogue(tmp_path)
    resolve({"a": arm("three"), "b": arm("three", score=0.6), "c": arm("one")}, real)
    assert real.problems() == (f"Expected THREE below {tmp_path}, but found nothing; get it.",)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (Data("nowhere"), "Expected the name of a data set"),
        (Data("dme", labels="expert3"), "Expected `labels` of DME"),
        (Data("dme", labels="union"), "Expected the split of DME to be by 'subject'"),
        (Data("stare", substitute="nowhere"), "Expected the name of a data set"),
    ],
)
def test_what_a_data_set_does_not_have_is_a_mistake_for_phantoms_too(data, sentence):
    with pytest.raises(ValueError, match=sentence):
        resolve({"a": replace(recipe(0.5), data=data)}, Catalogue(None))


def test_what_a_claim_would_rest_on_is_known_without_data(there):
    assert titles({"a": arm("one"), "b": ZeroShot(arm("two"))}) == ("TARGET", "ONE", "TWO")


def test_fingerprints_of_phantoms_tell_data_sets_and_sizes_apart():
    phantoms, data = Catalogue(None), recipe(0.5).data
    others = (replace(data, resize=Resize((32, 32))), replace(data, count=41))
    prints = {phantoms.fingerprint(each) for each in (data, *others)}
    assert len(prints) == 3
    assert phantoms.fingerprint(data) in prints
