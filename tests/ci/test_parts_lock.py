"""Versions of the parts that shape results: no code changes under its version, and neutral changes are replayed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ci import parts

CODE = '''
"""A module."""
import math

LIMIT = 3  # of something
"""What it is."""


def area(radius: float) -> float:
    """Of a circle."""
    return math.pi * radius**2 if radius < LIMIT else f"{radius!r:>{LIMIT}} is {'too'} large"
'''


def test_no_part_changed_without_its_version() -> None:
    """Where this fails: raise the version of what changed, or let a replay show that the change is neutral, and run
    ``python -m ci.parts --update``."""
    locked = json.loads(parts.LOCK.read_text("utf-8"))
    assert parts.changes(parts.lock_of(parts.parts()), locked) == {}


def test_every_part_has_a_version_above_zero_and_files_that_are_there() -> None:
    found = parts.parts()
    assert len({part.name for part in found}) == len(found)
    for part in found:
        assert part.version >= 1
        assert part.files
        assert all((parts.ROOT / file).is_file() for file in part.files)


def test_a_family_on_a_backbone_is_a_part_with_the_modules_that_it_is_built_with() -> None:
    files = {part.name: set(part.files) for part in parts.parts() if part.name.startswith("network:")}
    shared = {f"harness/networks/encoder_decoders/{name}.py" for name in ("backbone", "published", "modules")}
    for name, backbone in (("resnet_v1c", "resnet"), ("hrnet", "hrnet"), ("vit", "vit"), ("swin", "swin")):
        own = {f"harness/networks/families/{name}.py", f"harness/networks/encoder_decoders/{backbone}.py"}
        assert shared | own <= files[f"network:{name}"]
    assert not any("vit" in file for file in files["network:swin"])
    unet = {name.rpartition("/")[2] for name in files["network:unet"]}
    assert {"unet.py", "published.py", "heads.py"} <= unet
    assert not unet & {"modules.py", "resnet.py", "vit.py"}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# of something", "# of another thing", True),
        ('"""What it is."""', '"""Reworded."""', True),
        ('    """Of a circle."""\n', "", True),
        ("radius: float) -> float", "radius)", True),
        ("import math\n\nLIMIT", "import math\nLIMIT", True),
        ("LIMIT = 3", "LIMIT = 4", False),
        ("radius**2", "radius**3", False),
        ("radius < LIMIT", "radius <= LIMIT", False),
        ("'too'", "'so'", False),
    ],
)
def test_syntax_is_what_runs(old: str, new: str, same: bool) -> None:
    assert old in CODE
    assert (parts.syntax_digest(CODE) == parts.syntax_digest(CODE.replace(old, new))) is same


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_syntax_is_the_same_on_every_python(version: str, tmp_path: Path) -> None:
    """A digest that a newer Python computes differently would fail everybody's tests there."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    files = ["harness/specs/arms.py", "harness/jobs/training.py", "harness/tasks/metrics.py", "ci/parts.py"]
    script = (
        "import json, pathlib, sys; from ci.parts import syntax_digest; "
        "print(json.dumps([syntax_digest(pathlib.Path(file).read_text('utf-8')) for file in sys.argv[1:]]))"
    )
    run = subprocess.run([python, "-c", script, *files], cwd=parts.ROOT, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == [parts.syntax_digest((parts.ROOT / file).read_text("utf-8")) for file in files]


def interpreter(version: str) -> str | None:
    if found := shutil.which(f"python{version}"):
        ok = subprocess.run([found, "-c", ""], capture_output=True).returncode == 0
        if ok:
            return found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next((str(path) for path in sorted(root.glob(f"{version}.*/bin/python"))), None)


def entry(version: int, syntax: str) -> dict[str, object]:
    return {"version": version, "syntax": syntax}


def test_what_differs_from_the_lock_file_is_one_sentence_each() -> None:
    locked = {"a": entry(1, "x"), "b": entry(1, "x"), "c": entry(2, "x"), "d": entry(1, "x"), "e": entry(1, "x")}
    now = {"a": entry(1, "x"), "b": entry(1, "y"), "c": entry(1, "y"), "d": entry(2, "y"), "f": entry(1, "x")}
    assert parts.changes(now, locked) == {
        "b": "b changed, but its version is still 1",
        "c": "c has version 1, but had 2 already",
        "d": "d was raised to version 2",
        "f": "f is new",
        "e": "e is gone",
    }


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file of its own, as it should be but for the segmentation's syntax."""
    now = parts.lock_of(parts.parts())
    now["task:segmentation"]["syntax"] = "another"
    file = tmp_path / "parts.json"
    file.write_text(json.dumps(now))
    monkeypatch.setattr(parts, "LOCK", file)
    return file


def test_a_changed_part_is_named_and_fails(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert parts.main([]) == 1
    assert capsys.readouterr().out == "task:segmentation changed, but its version is still 1\n"


def test_a_neutral_change_is_taken_only_where_the_replay_comes_to_the_same(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = lock.read_text()
    monkeypatch.setattr(parts, "replay", lambda: {"source": "a", "tuned": "b", "new": "c"})
    monkeypatch.setattr(parts, "replay_of_commit", lambda: {"source": "a", "tuned": "other"})
    assert parts.main(["--update"]) == 1
    sentence = "Expected task:segmentation to come to the same as when the lock file was written, but tuned differs"
    assert sentence in capsys.readouterr().err
    assert lock.read_text() == before
    monkeypatch.setattr(parts, "replay_of_commit", lambda: {"source": "a", "tuned": "b"})
    assert parts.main(["--update"]) == 0
    assert parts.main([]) == 0


def test_what_a_raised_part_shapes_may_come_to_something_else() -> None:
    here, there = {"graded": "a", "source": "a"}, {"graded": "b", "source": "b"}
    assert parts.differing(here, there) == ["graded", "source"]
    assert parts.differing(here, there, {"task:classification"}) == ["source"]


def test_a_raised_version_needs_no_replay(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "replay", lambda: pytest.fail("nothing is to be replayed"))
    monkeypatch.setattr("harness.tasks.segmentation.VERSION", 2)
    assert parts.main(["--update"]) == 0
    assert json.loads(lock.read_text())["task:segmentation"]["version"] == 2
