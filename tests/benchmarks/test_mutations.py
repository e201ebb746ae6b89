"""benchmarks.mutations: each mistake can still be made, and a control notices one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.mutations import MUTATIONS, ROOT, Mutation, caught_by


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_line_that_a_mutation_breaks_is_still_there(mutation: Mutation, tmp_path: Path) -> None:
    copy = tmp_path / mutation.file
    copy.parent.mkdir(parents=True)
    before = (ROOT / mutation.file).read_text("utf-8")
    copy.write_text(before, "utf-8")
    mutation.apply(tmp_path)
    compile(copy.read_text("utf-8"), str(copy), "exec")
    assert copy.read_text("utf-8") != before
    with pytest.raises(ValueError, match="write the mutation"):
        replace(mutation, line="no such line").apply(tmp_path)


def test_every_control_that_has_to_notice_is_there() -> None:
    text = (ROOT / "claims" / "test_controls.py").read_text("utf-8")
    assert all(f"def {name}(claim)" in text for mutation in MUTATIONS for name in mutation.noticed_by)
    assert all(mutation.noticed_by for mutation in MUTATIONS)


def test_a_control_notices_that_the_seed_is_not_used() -> None:
    (mutation,) = (mutation for mutation in MUTATIONS if mutation.name == "the seed is not used")
    assert caught_by(mutation, mutation.noticed_by) == ["nothing-beats-itself (ERROR)"]
