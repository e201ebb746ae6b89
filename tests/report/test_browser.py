"""The page in a real browser: its state is in the address, so that a dump of the DOM shows what a reader would see."""

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from harness.report.html import html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

NAME = "huang-dme/larger-batch-is-better[as-published]@reduced"

CLICKS = """
document.querySelector('[data-sort=effect] button').click();
document.querySelector('[data-sort=effect] button').click();
const box = document.querySelector('[name=filter]');
box.value = 'huang';
box.dispatchEvent(new Event('input', { bubbles: true }));
document.querySelector('.bar [data-verdict=REFUTED]').click();
document.querySelector('tr:not([hidden]) td.claim a').click();
document.title = location.hash;
"""

FRAGMENTS = {
    "plain": "",
    "words": "filter=" + quote("loss DICE phantom"),
    "chosen": f"verdict=REFUTED&evidence=real&claim={quote(NAME, safe='/@')}",
    "sorted": "sort=effect",
    "clicked": "",
}


@pytest.fixture(scope="module")
def doms(rows, environment, learning_curves, tmp_path_factory):
    """What the browser made of the page, by fragment."""
    folder = tmp_path_factory.mktemp("browser")
    text = html(rows, environment, curves=learning_curves(rows[:1]))

    def dump(name):
        page = folder / f"{name}.html"
        page.write_text(text + (f"<script>{CLICKS}</script>" if name == "clicked" else ""), "utf-8")
        url = f"{page.as_uri()}#{FRAGMENTS[name]}"
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / name}", "--dump-dom", url]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(FRAGMENTS, pool.map(dump, FRAGMENTS), strict=True))


def shown(dom):
    """Names of the rows that are not hidden, in their order."""
    tags = re.findall(r"<tr data-claim=[^>]*>", dom)
    return [re.search(r'data-claim="([^"]*)"', tag).group(1) for tag in tags if not re.search(r"\shidden\b", tag)]


def opened(dom):
    """Names of the sections that are open."""
    tags = re.findall(r"<details class=\"card[^>]*>", dom)
    return [re.search(r'data-claim="([^"]*)"', tag).group(1) for tag in tags if re.search(r"\sopen\b", tag)]


def test_the_whole_table_in_its_order(doms, rows):
    assert shown(doms["plain"]) == [row.key for row in rows]
    assert opened(doms["plain"]) == []


def test_filter_by_words(doms):
    assert shown(doms["words"]) == ["huang-dme/loss-makes-no-difference@smoke"]
    assert "1 of 8 claims" in doms["words"]


def test_filter_by_verdict_and_evidence_and_open_a_claim(doms):
    assert shown(doms["chosen"]) == [NAME]
    assert opened(doms["chosen"]) == [NAME]


def test_sort_by_effect_leaves_claims_without_one_last(doms, rows):
    known = sorted((row for row in rows if row.effect is not None), key=lambda row: row.effect)
    assert shown(doms["sorted"]) == [row.key for row in known] + [row.key for row in rows if row.effect is None]
    assert 'data-sort="effect" aria-sort="ascending"' in doms["sorted"]


def test_clicks_and_typing_do_the_same_and_stay_in_the_address(doms):
    assert shown(doms["clicked"]) == [NAME, "huang-dme/best-pipeline-score@reduced"]
    assert 'aria-sort="descending"' in doms["clicked"]
    assert opened(doms["clicked"]) == [NAME]
    address = re.search(r"<title>([^<]*)</title>", doms["clicked"]).group(1).replace("&amp;", "&")
    assert address == "#sort=effect&descending=1&filter=huang&verdict=REFUTED&claim=" + quote(NAME, safe="")
