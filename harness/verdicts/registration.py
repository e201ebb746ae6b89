"""The pre-registered claims of each paper: the families that Holm corrects over, fixed in ``golden/family.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.verdicts.golden import GoldenError


def load_families(file: Path) -> dict[str, tuple[str, ...]]:
    """Slugs of the pre-registered claims by paper.

    Raises:
        GoldenError: The file does not parse, or an entry is no list of slugs, each once.
    """
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise GoldenError(
            f"Expected {file} to list the pre-registered claims of each paper, but got: {error}; restore it."
        ) from error
    families = {}
    for paper, entry in content.items():
        slugs = entry.get("claims") if isinstance(entry, dict) else entry
        named = isinstance(slugs, list) and all(isinstance(slug, str) for slug in slugs)
        if not slugs or not named or len(set(slugs)) < len(slugs):
            raise GoldenError(
                f"Expected {file} to give [{paper}] a list `claims` of slugs, each once, but got {slugs!r}; correct it."
            )
        families[paper] = tuple(slugs)
    return families


def check_families(
    file: Path, families: Mapping[str, Iterable[str]], known: Iterable[str], *, whole: bool = False
) -> None:
    """Checks that a family counts claims that exist.

    Args:
        file: Where the families are from.
        families: Slugs by paper.
        known: As for :meth:`Golden.check`; variants are in no family.
        whole: As for :meth:`Golden.check`.

    Raises:
        GoldenError: A claim or a paper does not exist.
    """
    known = list(known)
    names = {name for name in known if "[" not in name}
    papers = {name.partition("/")[0] for name in known}
    for paper, slugs in families.items():
        missing = [slug for slug in slugs if f"{paper}/{slug}" not in names]
        if missing and any(name.startswith(f"{paper}/{missing[0]}[") for name in known):
            raise GoldenError(
                f"Expected {paper}/{missing[0]}, which {file} counts, to have a form of its own, but all its "
                'parameters are variants; give the paper\'s own set of them id="as-published".'
            )
        if missing and (whole or paper in papers):
            raise GoldenError(
                f"Expected {file} to count claims that exist in the family of [{paper}], but it names {missing[0]!r}; "
                "correct the slug, or remove it."
            )
