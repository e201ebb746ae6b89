"""What each room of the house may import, as docs/architecture.md draws it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

SUPPORT = {"provenance", "devices", "converter"}
"""Modules of harness/ that know of nothing else."""

ROOMS = {
    "specs": set(),
    "relations": {"specs"},
    "data": {"specs"},
    "networks": {"specs"},
    "tasks": {"specs"},
    "store": {"specs", *SUPPORT},
    "papers": {"specs", *SUPPORT},
    "jobs": {"specs", "data", "networks", "tasks", "store", *SUPPORT},
    "scheduling": {"specs", "data", "networks", "store", "jobs", *SUPPORT},
    "verdicts": {"specs", "relations", "data", "tasks", "store", "papers", *SUPPORT},
    "report": {"specs", "relations", "papers", "verdicts", *SUPPORT},
    "provenance": set(),
    "devices": set(),
    "converter": set(),
}
"""What a room of harness/ may import of the others. Each names only rooms above it."""


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(file: Path) -> set[str]:
    """Every module that a file imports, wherever in it, ``TYPE_CHECKING`` included."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(file: Path) -> str:
    return file.relative_to(ROOT / "harness").parts[0].removesuffix(".py")


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_a_room_imports_only_what_lies_beneath_it(name: str) -> None:
    for file in modules("harness"):
        if room(file) == name:
            used = {each.split(".")[1] for each in imported(file) if each.startswith("harness.")} & set(ROOMS)
            assert used - {name} <= ROOMS[name], file


def test_every_room_is_known_and_lies_above_those_that_it_imports() -> None:
    there = {room(file) for file in modules("harness")} - {"__init__", "__main__"}
    assert there == set(ROOMS)
    order = list(ROOMS)
    for name, below in ROOMS.items():
        assert all(order.index(each) < order.index(name) for each in below - SUPPORT)


def test_harness_knows_no_pytest_no_fixtures_and_no_claims() -> None:
    for file in modules("harness"):
        tops = {each.split(".")[0] for each in imported(file)}
        assert not tops & {"pytest", "_pytest", "xdist", "fixtures", "claims", "tests", "benchmarks", "ci"}, file


def test_fixtures_know_no_claims_and_claims_only_the_vocabulary_and_the_relations() -> None:
    for file in modules("fixtures"):
        assert not {each.split(".")[0] for each in imported(file)} & {"claims", "tests", "benchmarks", "ci"}, file
    own = {file.stem for file in modules("claims")}
    for file in modules("claims"):
        used = {each for each in imported(file) if each.split(".")[0] in ("harness", "fixtures")}
        assert all(each.startswith(("harness.specs", "harness.relations")) for each in used), file
        assert {each.split(".")[0] for each in imported(file)} <= {*own, "harness", "pytest", *sys.stdlib_module_names}


@pytest.mark.parametrize("name", sorted(ROOMS.keys() - {"jobs"}))
def test_what_collects_and_decides_does_not_import_torch(name: str) -> None:
    code = f"import sys, harness.{name}; print([m for m in ('torch', 'mmseg', 'mmengine', 'cv2') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_picture_in_the_docs_shows_no_arrow_that_is_not_allowed_and_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    arrows = set(re.findall(r"^ +(\w+)(?:\[[^]]*\])? --> (\w+)", text, re.MULTILINE))
    inside = {(one, other) for one, other in arrows if one not in ("claims", "fixtures")}
    assert all(other in ROOMS[one] for one, other in inside)
    assert {room for pair in inside for room in pair} == set(ROOMS) - SUPPORT
