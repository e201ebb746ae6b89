import re

import numpy as np
import pytest

from harness import papers
from harness.report import write_report
from harness.report.html import html
from harness.report.overlays import Overlay


@pytest.fixture(scope="module")
def page(rows, environment, learning_curves):
    square = np.zeros((8, 8), np.uint8)
    return html(
        rows,
        environment,
        curves=learning_curves(rows[:2]),
        overlays={rows[0].key: [Overlay("img <1>", square, square, {"pretrained": square})]},
        findings=papers.findings_markdown([papers.load("huang-dme")]) + "\n<script>x</script> ![a](http://b/c.png)\n",
        commands={rows[0].key: "pytest 'claims/test_huang_dme.py::test_a[b]'"},
    )


def test_the_page_needs_nothing_from_elsewhere(page):
    for name, target in re.findall(r"\b(src|href|action|poster|xlink:href)\s*=\s*[\"']?([^\"'\s>]+)", page):
        assert target.startswith(("#", "data:")), (name, target)
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {f"#{anchor}" for anchor in re.findall(r"url\(#([^)]+)\)", page)}
    assert "@import" not in page
    assert not re.search(r"\b(fetch|XMLHttpRequest|import)\s*\(", page)


def test_text_of_rows_stays_text(page):
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "img &lt;1&gt;" in page
    assert '<img src="http' not in page


def test_every_claim_has_a_row_and_a_section_with_all_its_parts(rows, page):
    for row in rows:
        assert page.count(f'data-claim="{row.key}"') == 2
    assert "pytest &#39;claims/test_huang_dme.py::test_a[b]&#39;" in page
    assert page.count('class="curves"') == 2
    assert "<del>37.80</del> <ins>47.33</ins>" in page
    assert "swapped-columns" in page
    assert page.count('class="forest"') >= 12
    assert "Not available." in page


def test_ids_differ(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_an_empty_report_is_a_page(environment):
    assert "0 claims" in html([], environment)


def test_the_folder_holds_everything(rows, environment, learning_curves, tmp_path):
    some = rows[:1] + rows[-2:]
    files = write_report(some, tmp_path / "out", environment=environment, curves=learning_curves(some[:2]))
    assert [file.relative_to(tmp_path / "out").as_posix() for file in files] == [
        "verdicts.json",
        "verdicts.md",
        "verdicts.html",
        "curves/huang-dme--pretraining-beats-scratch-as-published.png",
    ]
    assert all(file.stat().st_size for file in files)
