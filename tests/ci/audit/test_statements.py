"""What figures say of the pairs that a statement compares."""

import pytest

from ci.audit.statements import disagreements, statement_findings
from harness.papers import PublishedClaim


def _claim(relation: str, above: float, below: float, **fields: object) -> PublishedClaim:
    arms = {"a": above, "b": below}
    return PublishedClaim("slug", "s", "place", "IoU", "fraction", relation, arms, (("a", "b"),), **fields)


@pytest.mark.parametrize(
    ("relation", "above", "below", "against"),
    [
        ("greater", 0.5, 0.4, []),
        ("greater", 0.4, 0.4, ["a 0.4 is not above b 0.4"]),
        ("increasing", 0.3, 0.4, ["a 0.3 is not above b 0.4"]),
        ("not-greater", 0.4, 0.4, []),
        ("not-greater", 0.5, 0.4, ["a 0.5 is above b 0.4"]),
        ("faster", 200, 2000, []),
        ("faster", 2000, 200, ["a 2000 is not below b 200"]),
    ],
)
def test_pairs(relation: str, above: float, below: float, against: list[str]) -> None:
    assert disagreements(_claim(relation, above, below)) == against


@pytest.mark.parametrize("relation", ["equivalent", "not-worse", "reaches", "none"])
def test_a_margin_or_a_value_is_no_comparison(relation: str) -> None:
    assert not list(statement_findings(_claim(relation, 0.1, 0.9)))


def test_figures_that_disagree_with_one_another_make_a_claim_depend_on_them() -> None:
    other = _claim("greater", 0.1, 0.2)
    (finding,) = statement_findings(_claim("greater", 0.2, 0.1, others=(other,)))
    assert finding.kind == "claim-depends-on-figures"
    (finding,) = statement_findings(other)
    assert finding.kind == "claim-against-figures"


def test_the_sentence_counts_and_marks_recovered_figures() -> None:
    claim = _claim("greater", 0.1, 0.2, sources={"a": "the log"}, note="as we read it")
    (finding,) = statement_findings(claim)
    assert finding.sentence == ("slug: by IoU 0 of 1 comparisons agree (a 0.1† is not above b 0.2) (as we read it).")
    assert finding.sources == ("the log",)
