"""The audit as a page, and the command that prints it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ci.audit import __main__ as command
from ci.audit import audit
from ci.audit.page import findings_page
from harness.papers import Paper, load, paper_ids


def test_every_finding_is_on_the_page() -> None:
    papers = [load(paper_id) for paper_id in paper_ids()]
    page = findings_page(papers)
    for paper in papers:
        assert f"## {paper.id}\n" in page
        for finding in audit(paper):
            assert finding.sentence in page
    assert page.endswith("\n")


def test_a_paper_without_findings_says_so(make_paper: Callable[..., Paper]) -> None:
    page = findings_page([make_paper({"IoU": "iou"}, {"a": ["50.0"]})])
    assert page.endswith("\n## made-up\n\nmade up: 1 figures, no findings.\n")


def test_recovered_figures_are_marked_with_their_source() -> None:
    huang = findings_page([load("huang-dme")])
    assert "by IoU 41.48†, Dice is" in huang
    assert "† Not in the paper's text. Taken from: the paper's PDF" in huang
    assert "†" not in findings_page([load("wang-pets")])


def test_the_page_names_what_is_not_the_papers_own() -> None:
    page = findings_page([load(paper_id) for paper_id in paper_ids()])
    assert "Headings of Tables 2, 3, 4: IoU is spelled" in page
    assert "Headings of Table 1: the first heading, Model here, is blank in the paper." in page
    assert "Assumed: Cohen's kappa is read as quadratic weighted" in page
    assert "69.7† (mDice after fine-tuning" in page
    assert "2000 (epochs of training from scratch; Section 5.1)" in page


def test_the_command_prints_the_page_of_the_papers_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["huang-dme"]) == 0
    assert capsys.readouterr().out == findings_page([load("huang-dme")])
    assert command.main(["nobody"]) == 2
    assert "but got 'nobody'" in capsys.readouterr().err


def test_the_page_in_docs_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check"]) == 0, capsys.readouterr().err


def test_another_page_in_docs_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "papers-audit.md"
    page.write_text(command.PAGE.read_text("utf-8") + "more\n", encoding="utf-8")
    monkeypatch.setattr(command, "PAGE", page)
    assert command.main(["--check"]) == 1
    assert "python -m ci.audit > docs/papers-audit.md" in capsys.readouterr().err
