"""Whether code that shapes results changed while its version did not.

Each part declares an integer version that enters the keys of the jobs it shapes (see ``docs/architecture.md``). The
lock file ``ci/parts.json`` holds the version and the syntax digest that each part had when somebody last looked at it.
Where a part's syntax changed, its author either raises the version, and every result that it shaped is made anew, or
the change is neutral: a replay of small jobs gives the same bits in the commit that wrote the lock file and in this
working tree.

    python -m ci.parts             print which parts changed; exit status 1 where one did
    python -m ci.parts --update    write the lock file: raised versions at once, all else after a replay of both trees
    python -m ci.parts --replay    print what the replay comes to in this tree, by part
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import inspect
import json
import subprocess
import sys
import tempfile
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "ci" / "parts.json"

OMITTED = ("type_comment", "type_ignores", "type_params", "kind", "annotation", "returns")
"""Fields of syntax trees that change no result, or that some Python versions do not have."""

PACKING = ("dataset", "images", "masks", "packfile", "packing", "preparation", "resizing")
"""Modules of ``harness/data`` that all data sets share."""

JOBS = (
    "augmentation", "batches", "boosting", "checkpoint", "evaluation", "features", "memory", "optimisation", "resident",
    "running", "sampling", "seeds", "training", "work",
)  # fmt: skip
"""Modules of ``harness/jobs`` that shape results; the others export, combine or hold versions."""

NETWORKS = (
    "attention", "building", "classifiers", "family", "features", "layouts", "openmmlab", "segmenters", "term_loss",
    "views", "weights",
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Code that shapes results.

    Attributes:
        name: ``"network:unet"`` for example.
        version: As declared beside the code.
        files: The code, relative to the repository.
    """

    name: str
    version: int
    files: tuple[str, ...]

    def syntax(self) -> str:
        """SHA-256 of the files' syntax."""
        total = hashlib.sha256()
        for file in self.files:
            total.update(f"{Path(file).name}:{syntax_digest((ROOT / file).read_text('utf-8'))}\n".encode())
        return total.hexdigest()


def syntax_digest(source: str) -> str:
    """SHA-256 of Python source without comments, docstrings, annotations and layout; the same on every Python."""
    return hashlib.sha256(json.dumps(_plain(ast.parse(source))).encode()).hexdigest()


def parts() -> list[Part]:
    """Every part of this checkout."""
    from harness import data, jobs
    from harness.data import fingerprints
    from harness.networks.losses import terms
    from harness.networks.registry import registered
    from harness.specs import identity
    from harness.tasks import task, tasks

    shared = [f"harness/jobs/{name}.py" for name in JOBS] + [f"harness/networks/{name}.py" for name in NETWORKS]
    own = ["harness/data/splitting.py", "harness/tasks/warping.py"]
    every = [
        Part("specs", identity.VERSION, tuple(sorted(f"harness/specs/{file.name}" for file in _specs()))),
        Part("packing", fingerprints.PACKING_VERSION, tuple(f"harness/data/{name}.py" for name in PACKING)),
        Part("jobs", jobs.VERSION, (*shared, *own)),
        Part("combination", jobs.COMBINATION, ("harness/jobs/combination.py",)),
    ]
    for name in tasks():
        every.append(Part(f"task:{name}", task(name).VERSION, (f"harness/tasks/{name}.py", "harness/tasks/metrics.py")))
    every += [Part(f"network:{family.name}", family.version, _built_with(_file(family))) for family in registered()]
    every += [
        Part(f"loss:{each.name}", each.version, (_file(each), "harness/networks/losses/term.py")) for each in terms()
    ]
    for name in data.names():
        every.append(Part(f"data:{name}", data.adapter(name).version, _files(data.adapter(name))))
        if data.has_phantom(name):
            made = data.generator(name)
            every.append(Part(f"phantom:{name}", made.version, _drawn_with(_file(made))))
    return every


def lock_of(every: list[Part]) -> dict[str, dict[str, Any]]:
    """What the lock file should hold."""
    return {part.name: {"version": part.version, "syntax": part.syntax()} for part in every}


def changes(now: dict[str, dict[str, Any]], locked: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What differs from the lock file: a sentence for each part by name."""
    sentences = {}
    for name, part in now.items():
        before = locked.get(name)
        if before is None:
            sentences[name] = f"{name} is new"
        elif part["version"] < before["version"]:
            sentences[name] = f"{name} has version {part['version']}, but had {before['version']} already"
        elif part["version"] > before["version"]:
            sentences[name] = f"{name} was raised to version {part['version']}"
        elif part["syntax"] != before["syntax"]:
            sentences[name] = f"{name} changed, but its version is still {part['version']}"
    return sentences | {name: f"{name} is gone" for name in locked if name not in now}


def replay() -> dict[str, str]:
    """Digests of what small jobs and small phantoms come to in this tree, by part."""
    from ci.replay import replayed

    return replayed()


def differing(here: dict[str, str], there: dict[str, str], raised: Set[str] = frozenset()) -> list[str]:
    """What comes to something else in two trees; what one tree lacks cannot differ, what a raised part shapes may."""
    from ci.replay import rests_on

    shaped = {name: {name} for name in here} | rests_on()
    return sorted(
        name for name in here.keys() & there.keys() if here[name] != there[name] and not shaped[name] & raised
    )


def replay_of_commit() -> dict[str, str]:
    """The replay as the code of the commit that wrote the lock file gives it in this environment."""
    asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%H", "--", str(LOCK)]
    commit = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        command = [sys.executable, "-m", "ci.parts", "--replay"]
        printed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    content: dict[str, str] = json.loads(printed)
    return content


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ci.parts", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--update", action="store_true", help="write the lock file, after a replay where it is needed")
    parser.add_argument("--replay", action="store_true", help="print what the replay comes to in this tree")
    chosen = parser.parse_args(arguments)
    if chosen.replay:
        print(json.dumps(replay()))
        return 0
    locked = json.loads(LOCK.read_text("utf-8")) if LOCK.exists() else {}
    now = lock_of(parts())
    changed = changes(now, locked)
    if not chosen.update:
        print("\n".join(changed.values()) or "no part changed")
        return 1 if changed else 0
    lowered = [
        name for name in changed if name in now and now[name]["version"] < locked.get(name, now[name])["version"]
    ]
    unraised = [name for name in changed if name in now and now[name]["version"] == locked.get(name, {}).get("version")]
    if lowered:
        print(f"Expected versions that only rise, but {changed[lowered[0]]}; raise it.", file=sys.stderr)
        return 1
    raised = {name for name in changed if name in now and now[name]["version"] > locked.get(name, now[name])["version"]}
    if unraised and (wrong := differing(replay(), replay_of_commit(), raised)):
        print(
            f"Expected {', '.join(unraised)} to come to the same as when the lock file was written, but "
            f"{', '.join(wrong)} differs; raise the version of what changed.",
            file=sys.stderr,
        )
        return 1
    LOCK.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n", "utf-8")
    print("\n".join(changed.values()) or "no part changed")
    return 0


def _plain(node: Any) -> Any:
    if isinstance(node, ast.AST):
        entries = {}
        for name, value in ast.iter_fields(node):
            if name in OMITTED or value is None or value == []:
                continue
            if name == "body" and isinstance(value, list):
                value = [each for each in value if not _is_documentation(each)]
            entries[name] = _plain(value)
        return [type(node).__name__, entries]
    if isinstance(node, list):
        return [_plain(each) for each in node]
    return node if isinstance(node, (str, int, float, bool)) else repr(node)


def _is_documentation(node: ast.AST) -> bool:
    """Whether a statement is a string that stands alone: a docstring, of an attribute too."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _specs() -> list[Path]:
    return list((ROOT / "harness" / "specs").glob("*.py"))


def _files(made: object) -> tuple[str, ...]:
    """The files, relative to the repository, of an object's class and of those that it derives from."""
    paths = [
        Path(inspect.getfile(kind)).resolve() for kind in type(made).__mro__[:-1] if kind.__module__ in sys.modules
    ]
    return tuple(path.relative_to(ROOT).as_posix() for path in paths if path.is_relative_to(ROOT))


def _drawn_with(file: str) -> tuple[str, ...]:
    """A phantom's module and those beside it that it imports."""
    source = ast.parse((ROOT / file).read_text("utf-8"))
    modules = [node.module or "" for node in ast.walk(source) if isinstance(node, ast.ImportFrom)]
    beside = [f"{name.replace('.', '/')}.py" for name in modules if name.startswith("harness.data.phantoms.")]
    return (file, *sorted(beside))


def _built_with(file: str) -> tuple[str, ...]:
    """A family's module and those of ``encoder_decoders`` that it imports, directly or through one another."""
    files = [file]
    for each in files:  # grows while it is read
        names = [
            name
            for node in ast.walk(ast.parse((ROOT / each).read_text("utf-8")))
            for name in _imported(node)
            if name.startswith("harness.networks.encoder_decoders.")
        ]
        own = [f"{name.replace('.', '/')}.py" for name in names]
        files += sorted({path for path in own if (ROOT / path).is_file()} - set(files))
    return (file, *sorted(files[1:]))


def _imported(node: ast.AST) -> list[str]:
    """Names of the modules, or of what is taken from a package, that a node of a syntax tree imports."""
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
    return []


def _file(made: object) -> str:
    """The file, relative to the repository, in which an object's class is defined."""
    return Path(inspect.getfile(type(made))).resolve().relative_to(ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main())
