"""The page in a real browser: its state is in the address, so that a dump of the DOM shows what a reader would see."""

import json
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

STEPS = """
const seen = {}, claim = document.querySelectorAll('td.claim a')[2], name = claim.closest('tr').dataset.claim;
const card = [...document.querySelectorAll('.card')].find((each) => each.dataset.claim === name);
const asked = () => decodeURIComponent(location.hash);
const focused = () => document.activeElement;
const length = history.length;
claim.click();
seen.link = [focused() === card.querySelector('summary'), card.open, asked(), history.length - length];
card.querySelector('.back a').click();
seen.back = [focused() === claim, card.open, asked()];
card.querySelector('summary').click();
seen.summary = [card.open, asked()];
const opening = [...document.querySelectorAll('.opening a')].find((each) => each.dataset.open === name);
card.querySelector('summary').click();
opening.click();
seen.opening = [focused() === card.querySelector('summary'), card.open, asked()];
const tally = document.querySelector('.bar [data-verdict=REFUTED]');
tally.click();
seen.tally = [tally.getAttribute('aria-pressed'), asked()];
const order = document.querySelector('[name=order]');
order.value = 'effect descending';
order.dispatchEvent(new Event('input', { bubbles: true }));
seen.order = [document.querySelector('[data-sort=effect]').getAttribute('aria-sort'), asked()];
document.title = JSON.stringify(seen);
"""

SCRIPTS = {"clicked": CLICKS, "steps": STEPS}

FRAGMENTS = {
    "plain": "",
    "words": "filter=" + quote("loss DICE phantom"),
    "chosen": f"verdict=REFUTED&evidence=real&claim={quote(NAME, safe='/@')}",
    "sorted": "sort=effect",
    "clicked": "",
    "steps": "",
    "nothing": "filter=zzz",
    "hidden": f"filter=zzz&scale=smoke&sort=claim&claim={quote(NAME, safe='/@')}",
}


@pytest.fixture(scope="module")
def doms(rows, environment, learning_curves, tmp_path_factory):
    """What the browser made of the page, by fragment."""
    folder = tmp_path_factory.mktemp("browser")
    text = html(rows, environment, curves=learning_curves(rows[:1]))

    def dump(name):
        page = folder / f"{name}.html"
        page.write_text(text + (f"<script>{SCRIPTS[name]}</script>" if name in SCRIPTS else ""), "utf-8")
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


def test_sort_by_effect_is_within_its_kind_and_leaves_claims_without_one_last(doms, rows):
    kinds = ("difference", "ratio", "correlation", "shortfall")
    known = [row for row in rows if row.effect is not None]
    known.sort(key=lambda row: (kinds.index(row.effect_kind), row.effect))
    assert shown(doms["sorted"]) == [row.key for row in known] + [row.key for row in rows if row.effect is None]
    assert 'data-sort="effect" aria-sort="ascending"' in doms["sorted"]


def test_clicks_and_typing_do_the_same_and_stay_in_the_address(doms):
    assert shown(doms["clicked"]) == [NAME, "huang-dme/best-pipeline-score@reduced"]
    assert 'aria-sort="descending"' in doms["clicked"]
    assert opened(doms["clicked"]) == [NAME]
    address = re.search(r"<title>([^<]*)</title>", doms["clicked"]).group(1).replace("&amp;", "&")
    assert address == "#sort=effect&descending=1&filter=huang&verdict=REFUTED&claim=" + quote(NAME, safe="")


def test_focus_and_address_follow_the_keyboard(doms):
    seen = json.loads(re.search(r"<title>([^<]*)</title>", doms["steps"]).group(1).replace("&amp;", "&"))
    assert seen == {
        "link": [True, True, f"#claim={NAME}", 1],
        "back": [True, False, ""],
        "summary": [True, f"#claim={NAME}"],
        "opening": [True, True, f"#claim={NAME}"],
        "tally": ["true", f"#claim={NAME}&verdict=REFUTED"],
        "order": ["descending", f"#claim={NAME}&verdict=REFUTED&sort=effect&descending=1"],
    }


def test_the_empty_table_says_so(doms):
    assert shown(doms["nothing"]) == []
    assert re.search(r'<tbody id="none">\s*<tr><td [^>]*>No claim fits', doms["nothing"])
    assert '<tbody id="none" hidden' in doms["plain"]


def test_filters_that_hide_the_claim_of_the_address_are_cleared(doms, rows):
    assert len(shown(doms["hidden"])) == len(rows)
    assert opened(doms["hidden"]) == [NAME]
    assert 'data-sort="claim" aria-sort="ascending"' in doms["hidden"]
