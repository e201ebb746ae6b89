"""harness.verdicts.evidence: one kind of data for a whole claim, and a word about every exception."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from harness.verdicts.evidence import Catalogue, Evidence, Unavailable
from synthetic import recipe

from harness import data as datasets
from harness import evidence as module
from harness.data import DataError
from harness.specs import Data, Pretrained, Recipe

TITLES = {name: name.upper() for name in ("target", "one", "two", "three")}


@pytest.fixture
def there(monkeypatch):
    """The names of the data sets that are complete."""
    names = {"target", "one", "two"}

    def check(data, root):
        if data.name not in names:
            raise DataError(f"Expected {TITLES[data.name]} below {root}, but found nothing; get it.")

    monkeypatch.setattr(datasets, "check", check)
    monkeypatch.setattr(datasets, "adapter", lambda name: SimpleNamespace(title=TITLES[name]))
    monkeypatch.setattr(datasets, "generator", lambda name: None)
    monkeypatch.setattr(module, "check_spec", lambda data: None)
    return names


def arm(source: str, substitute: str = "", score: float = 0.5) -> Recipe:
    """A training on the target that starts from ``source``."""
    origin = replace(recipe(score), data=Data(source, substitute=substitute))
    return replace(recipe(score), data=Data("target"), init=Pretrained(origin))


def names_of(recipe_: Recipe) -> list[tuple[str, str]]:
    return [(step.data.name, step.data.evidence) for step in recipe_.lineage()]


def never(names):
    return False


def always(names):
    return True


@pytest.mark.parametrize("mode", ["auto", "real"])
def test_complete_data_are_real(there, tmp_path, mode):
    arms, found = Catalogue(tmp_path, mode).resolve({"a": arm("one"), "b": arm("two")})
    assert found == Evidence("real", ("TARGET", "ONE", "TWO"))
    assert names_of(arms["a"]) == [("one", "real"), ("target", "real")]
    assert found.describe() == "real: TARGET, ONE, TWO"


def test_a_substitute_is_named(there, tmp_path):
    arms, found = Catalogue(tmp_path, "auto").resolve({"a": arm("three", "two"), "b": arm("one")})
    assert found == Evidence("substituted", ("TARGET", "TWO", "ONE"), ("TWO for THREE",))
    assert names_of(arms["a"])[0] == ("two", "real")
    assert found.describe() == "substituted: TARGET, TWO, ONE (TWO for THREE)"


def test_an_allowed_substitute_is_not_used_where_the_data_set_is_there(there, tmp_path):
    there.add("three")
    _, found = Catalogue(tmp_path).resolve({"a": arm("three", "two")})
    assert found.kind == "real"


def test_a_resolved_recipe_does_not_depend_on_the_substitute_that_was_allowed(there, tmp_path):
    with_one, _ = Catalogue(tmp_path).resolve({"a": arm("one", "two")})
    without, _ = Catalogue(tmp_path).resolve({"a": arm("one")})
    assert with_one == without


def test_auto_takes_phantoms_for_all_arms_where_one_is_not_complete(there, tmp_path):
    arms, found = Catalogue(tmp_path, "auto").resolve({"a": arm("one"), "b": arm("three")})
    assert found.kind == "phantom"
    assert found.notes == ("no complete THREE in the data root",)
    assert {evidence for each in arms.values() for _, evidence in names_of(each)} == {"phantom"}


def test_real_says_what_is_missing_instead(there, tmp_path):
    with pytest.raises(Unavailable, match=r"Expected THREE below .*, but found nothing; get it\."):
        Catalogue(tmp_path, "real").resolve({"a": arm("one"), "b": arm("three")})


def test_phantom_looks_at_no_real_data(there, tmp_path):
    there.clear()
    catalogue = Catalogue(tmp_path / "absent", "phantom")
    arms, found = catalogue.resolve({"a": arm("one"), "b": arm("three", "two")})
    assert found == Evidence("phantom", ("TARGET", "ONE", "THREE"))
    assert names_of(arms["b"]) == [("three", "phantom"), ("target", "phantom")]
    assert catalogue.problems() == ()


def test_an_arm_whose_data_are_absent_may_be_left_out_with_a_note(there, tmp_path):
    arms, found = Catalogue(tmp_path, "auto").resolve(
        {"a": arm("one"), "b": arm("three"), "c": arm("two")}, may_drop=lambda names: len(names) >= 2
    )
    assert list(arms) == ["a", "c"]
    assert found == Evidence("real", ("TARGET", "ONE", "TWO"), ("without b",))


def test_no_arm_is_left_out_where_the_rest_makes_no_sense(there, tmp_path):
    arms, found = Catalogue(tmp_path, "auto").resolve(
        {"a": arm("one"), "b": arm("three")}, may_drop=lambda names: len(names) >= 2
    )
    assert list(arms) == ["a", "b"]
    assert found.kind == "phantom"


def test_a_substitute_that_is_another_arm_cannot_stand_for_the_absent_one(there, tmp_path):
    both = {"three": arm("three", "one"), "one": arm("one")}
    arms, found = Catalogue(tmp_path, "real").resolve(both, may_drop=always)
    assert list(arms) == ["one"]
    assert found == Evidence("real", ("TARGET", "ONE"), ("without three",))
    with pytest.raises(Unavailable, match="the substitute of three is another arm already"):
        Catalogue(tmp_path, "real").resolve(both, may_drop=never)
    _, generated = Catalogue(tmp_path, "auto").resolve(both, may_drop=never)
    assert generated.notes == ("the substitute of three is another arm already",)


def test_two_arms_that_become_equal_by_the_same_substitute_are_not_compared(there, tmp_path):
    there.discard("two")
    both = {"three": arm("three", "one"), "two": arm("two", "one")}
    arms, found = Catalogue(tmp_path, "real").resolve(both, may_drop=always)
    assert list(arms) == ["three"]
    assert found == Evidence("substituted", ("TARGET", "ONE"), ("without two", "ONE for THREE"))
    with pytest.raises(Unavailable, match="the substitute of two is another arm already"):
        Catalogue(tmp_path, "real").resolve(both, may_drop=never)


def test_arms_that_differ_otherwise_may_share_a_substitute(there, tmp_path):
    both = {"a": arm("three", "one", 0.5), "b": arm("three", "one", 0.6)}
    arms, found = Catalogue(tmp_path, "real").resolve(both, may_drop=never)
    assert list(arms) == ["a", "b"]
    assert found.kind == "substituted"


def test_a_missing_root_is_one_sentence(tmp_path):
    with pytest.raises(
        Unavailable, match=r"Expected the data root to be a folder, but there is none at .*; give the folder"
    ):
        Catalogue(tmp_path / "absent")


def test_real_data_without_a_root_is_one_sentence():
    with pytest.raises(Unavailable, match=r"Expected a data root for --claims-data=real, but none was given"):
        Catalogue(None, "real")


def test_each_problem_is_said_once(there, tmp_path):
    catalogue = Catalogue(tmp_path)
    catalogue.resolve({"a": arm("three"), "b": arm("three", score=0.6), "c": arm("one")})
    assert catalogue.problems() == (f"Expected THREE below {tmp_path}, but found nothing; get it.",)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (Data("nowhere"), "Expected the name of a data set"),
        (Data("dme", labels="expert3"), "Expected `labels` of DME"),
        (Data("dme", labels="union", split="published"), "Expected `split` of DME"),
    ],
)
def test_what_a_data_set_does_not_have_is_said_for_phantoms_too(data, sentence):
    with pytest.raises(ValueError, match=sentence):
        Catalogue(None).resolve({"a": replace(recipe(0.5), data=data)})


def test_what_a_claim_would_rest_on_is_known_without_data(there):
    assert Catalogue(None).unresolved({"a": arm("one")}) == Evidence("real", ("TARGET", "ONE"))


def test_fingerprints_of_phantoms_tell_data_sets_and_sizes_apart():
    catalogue = Catalogue(None)
    data = recipe(0.5).data
    prints = {catalogue.fingerprint(each) for each in (data, replace(data, size=(32, 32)), replace(data, count=41))}
    assert len(prints) == 3
    assert catalogue.fingerprint(data) in prints
