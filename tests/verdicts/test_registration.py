"""harness.verdicts.registration: a family counts claims that exist, each once."""

from __future__ import annotations

import pytest

from harness.verdicts.golden import GoldenError
from harness.verdicts.registration import check_families, load_families


def test_families_name_each_claim_once(tmp_path):
    file = tmp_path / "family.toml"
    file.write_text('[a]\nclaims = ["one", "two"]\n[b]\nclaims = ["three"]\n')
    families = load_families(file)
    assert families == {"a": ("one", "two"), "b": ("three",)}
    check_families(file, families, ["a/one", "a/two[x]", "a/two"])
    check_families(file, families, ["a/one", "a/two", "b/three"], whole=True)
    for known, whole in ((["a/one"], False), (["a/one", "a/two"], True)):
        with pytest.raises(GoldenError, match=r"Expected .* to count claims that exist in the family of"):
            check_families(file, families, known, whole=whole)
    with pytest.raises(GoldenError, match=r"Expected a/one, which .* counts, .* id=\"as-published\""):
        check_families(file, families, ["a/one[x]", "a/two"])
    for wrong in ("a = 3", "[a]", "[a]\nclaims = 'one'", "[a]\nclaims = [1]", "[a]\nclaims = ['x', 'x']"):
        file.write_text(wrong)
        with pytest.raises(GoldenError, match=r"to give \[a\] a list `claims` of slugs, each once, but got"):
            load_families(file)
