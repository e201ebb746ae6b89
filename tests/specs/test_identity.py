"""harness.specs.identity: what is in a digest, and what is not."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import pkgutil
from dataclasses import fields, is_dataclass, make_dataclass, replace
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
import spec_examples as examples
from hypothesis import given
from hypothesis import strategies as st

import harness.specs
from harness.specs import Data, Loss, Normalise, Recipe, Segmenter, Split, Weights, canonical, digest, replaced
from harness.specs.identity import SPEC, rebuilt

FIELDS = [(spec, name, value) for spec, changes in examples.CHANGES for name, value in changes.items()]


def kinds() -> set[type]:
    """Every spec class of the package."""
    modules = [
        importlib.import_module(f"harness.specs.{info.name}") for info in pkgutil.iter_modules(harness.specs.__path__)
    ]
    classes = {kind for module in modules for _, kind in inspect.getmembers(module, is_dataclass)}
    return {kind for kind in classes if isinstance(kind, type) and not kind.__name__.startswith("_")}


def identifies(spec: Any, name: str) -> bool:
    metadata = {item.name: item.metadata for item in fields(spec)}[name]
    known_by_another = "identified_by" in metadata and getattr(spec, metadata["identified_by"])
    return metadata.get("identity", True) and not known_by_another


def with_a_new_field(spec: Any) -> Any:
    """The spec as a later version has it: its class has one more field, with a default."""
    later = make_dataclass(type(spec).__name__, [("novelty", int, 0)], bases=(type(spec),), frozen=True)
    return later(**{item.name: getattr(spec, item.name) for item in fields(spec)})


def test_the_examples_hold_every_field_of_every_spec() -> None:
    declared = {(kind, item.name) for kind in kinds() - {Loss} for item in fields(kind)}
    assert {(type(spec), name) for spec, name, _ in FIELDS} == declared


@pytest.mark.parametrize(("spec", "name", "value"), FIELDS, ids=[f"{type(s).__name__}.{name}" for s, name, _ in FIELDS])
def test_a_change_of_a_field_changes_the_digest_of_all_that_holds_it(spec: Any, name: str, value: Any) -> None:
    changed = replaced(
        examples.WHOLE, type(spec), lambda part: replace(part, **{name: value}) if part == spec else part
    )
    assert changed != examples.WHOLE
    assert (digest(changed) != digest(examples.WHOLE)) == identifies(spec, name)


def test_every_change_is_a_digest_of_its_own() -> None:
    for spec, changes in examples.CHANGES:
        changed = [replace(spec, **{name: value}) for name, value in changes.items() if identifies(spec, name)]
        assert len({digest(spec), *map(digest, changed)}) == len(changed) + 1


def test_where_a_file_lies_and_which_substitute_a_claim_allows_identify_nothing() -> None:
    assert {(type(spec).__name__, name) for spec, name, _ in FIELDS if not identifies(spec, name)} == {
        ("Weights", "name"),
        ("Weights", "otherwise"),
        ("Weights", "path"),
        ("Data", "substitute"),
        ("Substitute", "name"),
        ("Substitute", "labels"),
        ("Substitute", "subset"),
        ("Substitute", "together"),
        ("Substitute", "share"),
    }


def test_released_weights_are_identified_by_their_name_until_their_file_is_known() -> None:
    one, other = Weights("one"), Weights("other")
    assert digest(one) != digest(other)
    assert digest(replace(one, otherwise=examples.INIT)) == digest(one)
    found = [replace(each, sha256=examples.SHA, path=f"here/{each.name}.pth") for each in (one, other)]
    assert digest(found[0]) == digest(found[1]) == digest(Weights("a.pth", examples.SHA))
    assert digest(found[0]) not in (digest(one), digest(replace(found[0], part="backbone")))


@pytest.mark.parametrize("spec", [spec for spec, _ in examples.CHANGES], ids=lambda spec: type(spec).__name__)
def test_a_new_field_with_a_default_changes_no_digest(spec: Any) -> None:
    later = with_a_new_field(spec)
    assert digest(later) == digest(spec)
    assert digest(replace(later, novelty=1)) != digest(spec)


def test_no_two_kinds_of_spec_share_a_name() -> None:
    names = [kind.__name__ for kind in kinds()]
    assert len(set(names)) == len(names)


def test_the_canonical_form_holds_the_kind_and_what_differs_from_the_defaults() -> None:
    assert canonical(examples.PLAIN) == {
        "spec": "Recipe",
        "data": {"spec": "Data", "name": "dme"},
        "network": {
            "spec": "Segmenter",
            "backbone": "unet-s5-d16",
            "head": "fcn",
            "shrink": {"spec": "Shrink", "width": 8, "stages": 3},
        },
        "budget": {"spec": "Budget", "amount": 10},
    }
    assert "substitute" not in canonical(Data("dme", substitute="drive"))


def test_a_specs_name_in_the_canonical_form_hides_none_of_its_fields() -> None:
    assert canonical(Split("subject")) == {"spec": "Split", "kind": "subject"}
    assert not [kind for kind in kinds() if SPEC in {item.name for item in fields(kind)}]


def test_a_canonical_form_that_went_through_json_is_rebuilt_as_the_spec() -> None:
    classes = {kind.__name__: kind for kind in kinds()}
    for spec in (examples.PLAIN, examples.ENSEMBLE, examples.COMBINATION, examples.MEASURES, examples.VALUE):
        assert rebuilt(json.loads(json.dumps(canonical(spec))), classes) == spec
    moved = replace(examples.PLAIN, data=Data("dme", substitute="drive"))
    assert rebuilt(canonical(moved), classes) == examples.PLAIN, "what identifies nothing is lost"


def test_a_canonical_form_of_another_version_or_of_a_file_is_not_rebuilt() -> None:
    classes = {kind.__name__: kind for kind in kinds()}
    with pytest.raises(KeyError):
        rebuilt({"spec": "Distillation", "teacher": "a"}, classes)
    with pytest.raises(TypeError):
        rebuilt({**canonical(examples.PLAIN), "novelty": 1}, classes)
    with pytest.raises(ValueError, match="`amount` to be a whole number"):
        rebuilt({"spec": "Budget", "amount": 0}, classes)
    with pytest.raises(TypeError, match="name"):
        rebuilt(canonical(examples.RICH), classes)


def test_the_digest_is_that_of_sorted_ascii_json() -> None:
    text = rb'{"a":[1.5,null,"\u00e9",true],"b":1}'
    assert digest({"b": 1.0, "a": (1.5, None, "é", True)}) == hashlib.sha256(text).hexdigest()


def test_an_enumeration_is_its_value() -> None:
    assert digest(Enum("Colour", {"RED": 1.0}).RED) == digest(1)


@given(st.integers(-(10**6), 10**6))
def test_an_int_and_the_equal_float_hash_alike(value: int) -> None:
    assert digest({"x": value}) == digest({"x": float(value)})
    assert digest([value, {"y": (value,)}]) == digest((float(value), {"y": [float(value)]}))


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_unequal_numbers_hash_differently(one: float, two: float) -> None:
    assert (digest(one) == digest(two)) == (one == two)


def test_a_recipe_written_with_ints_is_the_same_job_as_one_with_floats() -> None:
    ints, floats = (
        replace(examples.PLAIN, normalise=normalise) for normalise in (Normalise(1, 2), Normalise(1.0, 2.0))
    )
    assert ints == floats
    assert digest(ints) == digest(floats)
    default = replace(examples.PLAIN, normalise=Normalise(116, 57))
    assert canonical(default) == canonical(examples.PLAIN), "an int that equals the default is the default"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_has_no_digest(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest({"x": value})


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", SimpleNamespace(a=1), Recipe])
def test_only_specs_and_plain_values_have_a_canonical_form(value: object) -> None:
    with pytest.raises(TypeError, match="Expected a spec or a plain value, but got"):
        canonical([value])


def test_one_network_under_two_names_is_two_networks() -> None:
    assert digest(Segmenter("a", "b")) != digest(Segmenter("b", "a"))
