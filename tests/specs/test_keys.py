"""Digests and keys that are written down: a store that is found today is found by every later version and Python."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spec_examples as examples

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

WRITTEN = {
    "smoke recipe": "c02ce601786a58fa48f8adc00696f8f391336d6074c28cafc2dc9821bb6d704c",
    "pretrained": "a06e79eb01a786221af27082478e7059ca5b042b89deb5a0e7c55eaf7aa4000e",
    "zero shot": "90726ceb68b373c724bb709df99c79c13f763fd3c7b16252d34bc47985bd56af",
    "ensemble": "9574c2fcd824fc418d896b4524ec5846ce42fe7b552e8295f3ccdf1cd1266646",
    "key of a combination": "d5f67fc2ecfc6ca4d3041495d3d3e00c5fa7e1e70b16a24a5473b5d4604283b3",
}

DIGESTS = "import spec_examples; print(json.dumps(spec_examples.written_down()))"
IMPORTED = "import harness.specs; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"


def run(interpreter: str, code: str) -> Any:
    """What code prints as JSON in a bare interpreter: -S leaves out installed packages, -E the environment."""
    prologue = f"import json, sys; sys.path[:0] = {[str(HERE), str(ROOT)]!r}; "
    command = [interpreter, "-S", "-E", "-B", "-c", prologue + code]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@functools.cache
def interpreter(version: str) -> str | None:
    """An interpreter of that version on this machine: this one, one on PATH, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    candidates = [
        sys.executable,
        shutil.which(f"python{version}"),
        *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python"))),
    ]
    question = [*["-S", "-E", "-c"], "import sys; print('%d.%d' % sys.version_info[:2])"]
    for candidate in filter(None, candidates):
        answer = subprocess.run([candidate, *question], capture_output=True, text=True)
        if answer.stdout.strip() == version:
            return candidate
    return None


def test_digests_are_those_written_down() -> None:
    assert examples.written_down() == WRITTEN


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_digests_depend_on_no_python_version(version: str) -> None:
    chosen = interpreter(version)
    if chosen is None:
        pytest.skip(f"there is no Python {version} on this machine")
    assert run(chosen, DIGESTS) == WRITTEN


def test_specs_import_the_standard_library_alone() -> None:
    assert set(run(sys.executable, IMPORTED)) - {"harness", "__main__"} <= set(sys.stdlib_module_names)
