"""The audit as a page, and the command that prints it."""

import pytest

from harness.papers import audit, findings_markdown, load, paper_ids
from harness.papers.__main__ import main


def test_every_finding_is_on_the_page() -> None:
    papers = [load(paper_id) for paper_id in paper_ids()]
    page = findings_markdown(papers)
    for paper in papers:
        assert f"## {paper.id}\n" in page
        for finding in audit(paper):
            assert finding.sentence in page
    assert page.endswith("\n")


def test_a_paper_without_findings_says_so() -> None:
    assert "35 figures, no findings." in findings_markdown([load("wang-pets").corrected()])


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["huang-dme"]) == 0
    assert capsys.readouterr().out == findings_markdown([load("huang-dme")])
    assert main(["nobody"]) == 2
    assert "but got 'nobody'" in capsys.readouterr().err
