"""Matplotlib's pictures within an HTML page: no outside references, and the page's own font and colours."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, ACCENT, MARGIN, PAPER, BAD = "#010203", "#010204", "#010205", "#010206", "#010207"
"""Colours to draw with: each stands for one of the page's, which differ in the light and the dark."""

PAGE: Mapping[str, str] = {
    INK: "currentColor",
    ACCENT: "var(--accent)",
    MARGIN: "var(--inconclusive)",
    PAPER: "var(--published)",
    BAD: "var(--refuted)",
}


def inline_svg(figure: Figure, kind: str, name: str, label: str) -> str:
    """A figure as an ``<svg>`` element.

    Args:
        figure: Drawn in the colours of this module, or in others that are legible on light and dark ground.
        kind: The element's class.
        name: Of no other picture on the page, so that ids differ.
        label: The picture in words.
    """
    import matplotlib as mpl

    salt = hashlib.sha256(f"{kind} {name}".encode()).hexdigest()[:8]
    buffer = io.StringIO()
    # Names of arms and classes may hold dollar signs.
    with mpl.rc_context({"text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": salt}):
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>c{salt}-", svg)
    svg = re.sub(r" font-family: [^;\"]*;?", "", svg)
    svg = re.sub(r' transform="rotate\(-?0 [^"]*"', "", svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    for drawn, shown in PAGE.items():
        svg = svg.replace(drawn, shown)
    opening = re.search(r'<svg\b[^>]*?viewBox="([^"]*)"[^>]*>', svg)
    assert opening is not None
    words = escape(label, quote=True)
    return f'<svg class="{kind}" viewBox="{opening.group(1)}" role="img" aria-label="{words}">{svg[opening.end() :]}'
