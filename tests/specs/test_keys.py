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
    "smoke recipe": "6b92c43ab04acf5f8fa0710fb4fab6b05cd5034b73dd4e0d3a8a8c719dada05f",
    "pretrained": "1ab2c396219ea4b3c6040461c9d9b8a02f958ffe951406095339f815de10267e",
    "zero shot": "0dd43076acefe7dd438c6de07b1774229f67b2a7d588775c535f968f4cd48ab7",
    "ensemble": "4d7a91decdef39ab92edabe20f67051dddd9ce31a9100bb321e404fcb75e52bc",
    "key of a combination": "4c681eec710730a0c8ffdbb132df28499628b386eee8e048d05e1e4ae612a651",
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
