import math
import re
from dataclasses import replace
from urllib.parse import unquote

import numpy as np
import pytest

from harness.report import write_report
from harness.report.html import _interval_mark, _number, html
from harness.report.overlays import Overlay, Prediction


@pytest.fixture(scope="module")
def page(rows, environment, learning_curves):
    square = np.zeros((8, 8), np.uint8)
    runs = [Prediction("pretrained", "seed 2, IoU.fluid 0.15", square)]
    return html(
        rows,
        environment,
        curves=learning_curves(rows[:2]),
        overlays={rows[0].key: [Overlay("img <1>", square, square, runs)]},
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
    assert "docs/papers-audit.md" in page
    assert page.count('class="forest"') >= 12
    assert "seed 2, IoU.fluid 0.15" in page
    assert "Of each arm stands the run whose final IoU.fluid is nearest the arm" in page
    assert "Not available." in page


def section(page, row):
    """The part of the page about one claim."""
    kind = str(row.verdict).lower().replace(" ", "-")
    opening = f'<details class="card {kind}" data-claim="{row.key}">'
    return page.split(opening)[1].split("Run it again")[0]


def entry(page, row):
    """The claim's row of the table."""
    return page.split(f'<tr data-claim="{row.key}"')[1].split("</tr>")[0]


def test_smoke_and_phantoms_stand_above_everything_else(page, rows, environment):
    banner = page.index('class="banner"')
    assert page.index("<h1>") < banner < page.index('id="verdicts"')
    assert "Smoke scale (1 of 8 claims)" in page
    assert 'class="banner"' not in html(rows[:1], environment)


def test_three_sentences_lead_to_their_claims(page, rows):
    head = page.split('class="opening"')[1].split("</div>")[0]
    assert [text in head for text in ("<b>Shown</b>", "<b>Shown not to hold</b>", "<b>Open</b>")] == [True] * 3
    targets = re.findall(r'href="#([^"]*)" data-open="([^"]*)"', head)
    assert sorted(key for _, key in targets) == sorted(row.key for row in rows)
    assert all(unquote(address) == f"claim={key}" for address, key in targets)
    assert page.index('class="banner"') < page.index('class="opening"') < page.index('id="verdicts"')


def test_what_stands_with_an_effect_and_the_annotators_are_there(page, rows):
    assert "4 of 4 seeds" in entry(page, rows[0])
    card = section(page, rows[0])
    assert "&gt;99% likely above 0 (flat prior, normal noise, not corrected)" in card
    assert "agree to IoU.fluid 0.485 on the 22 test images" in card
    assert "0.485: agreement of expert1 and expert2" in card
    assert "annotators of DME" not in section(page, rows[1])


def test_ours_less_the_papers_is_shown_neither_of_tiny_networks_nor_of_phantoms(page, rows):
    assert "ours − paper" in section(page, rows[3])
    assert "ours − paper" not in section(page, rows[4])
    assert "ours − paper" not in section(page, rows[5])


def test_the_table_names_the_comparison_and_the_substitute(page, rows):
    assert "batch-4 &gt; batch-2 [Dice.fluid]" in entry(page, rows[2])
    assert "DRIVE for STARE" in entry(page, rows[0])
    assert "verdict as recorded, a mean is not" in entry(page, rows[2])


def test_every_cell_is_labelled_for_narrow_screens(page, rows):
    for row in rows:
        assert re.findall(r'data-label="(\w+)"', entry(page, row)) == ["Effect", "Paper", "Arms", "Evidence", "Time"]


def test_an_interval_beyond_the_axis_ends_in_an_arrowhead_and_margins_are_marked(rows):
    far = rows[5]
    assert 'class="margin"' in _interval_mark(far, 1.0)
    assert 'class="open"' not in _interval_mark(far, 1.0)
    assert _interval_mark(far, 0.1).count('class="open"') == 1
    assert _interval_mark(rows[1], 1.0) == ""


def test_the_cells_that_a_claim_uses_are_marked(page, rows):
    assert re.findall(r'<td class="number used">(\S+?)</td>', section(page, rows[3])) == ["59.04", "23.12"]
    assert "in percent" in section(page, rows[3])
    assert "a fraction of 1" in section(page, rows[3])


def test_further_metrics_of_an_arm_have_columns(rows, environment):
    arms = tuple(replace(arm, others={"Dice.fluid": 0.5432, "time:Dice>=0.4": None}) for arm in rows[2].arms)
    page = html([replace(rows[2], arms=arms)], environment)
    assert page.count('<td class="number">0.543</td><td class="number">–</td>') == 3
    assert ">Dice.fluid</th>" in page
    assert ">epochs to Dice ≥ 0.4</th>" in page


def test_every_run_has_its_seed_and_its_whole_key(page, rows):
    for arm in rows[0].arms:
        for seed, key in enumerate(arm.keys):
            assert f"seed {seed} <code>{key}</code>" in section(page, rows[0])


def test_comparisons_have_short_pvalues_and_an_exact_one(page, rows):
    table = section(page, rows[2]).split("Its 4 comparisons")[1].split("</table>")[0]
    assert "exact p for" in table
    assert len(re.findall(r"<tr><td><code>", table)) == 4
    assert not re.search(r"\d\.\d*[1-9]\d\d\d", table.split("<tbody>")[1])


def test_effects_are_sorted_within_their_kind(page, rows):
    assert 'data-sort-kind="0"' in entry(page, rows[0])
    assert 'data-sort-kind="1"' in entry(page, rows[1])
    assert _number(math.inf) == "Infinity"


def test_a_family_that_changes_nothing_differs_from_none(page, rows, environment):
    assert "after Holm" not in section(page, rows[0])
    assert "after Holm the same" in html([replace(rows[0], adjusted_verdict="SUPPORTED")], environment)


def test_pictures_are_there_when_the_page_is_printed(page):
    assert 'loading="lazy"' not in page
    assert "print-color-adjust: exact" in page
    assert not re.search(r"@media \((max-width|prefers)", page)


def test_without_scripts_the_address_of_a_claim_leads_into_its_section(page, rows):
    for row in rows:
        assert f'id="claim={row.key}"' in section(page, row)
        assert unquote(re.search(r'href="#([^"]*)"', entry(page, row)).group(1)) == f"claim={row.key}"


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
