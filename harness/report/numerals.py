"""How single numbers are written, the same in the terminal, in Markdown and in the HTML report."""

from __future__ import annotations

import math

from harness.relations import EffectKind


def figure(value: float | None, *, sign: bool = False, whole: bool = False) -> str:
    """A number with as many decimals as it deserves.

    Args:
        value: A number, or ``None`` where there is none.
        sign: Whether a plus is written.
        whole: Whether it counts epochs.

    >>> figure(0.41234), figure(-0.0571, sign=True), figure(1280.0, whole=True), figure(0.00031), figure(None)
    ('0.412', '−0.057', '1280', '0.00031', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    size = abs(value)
    if math.isinf(size):
        text = "∞"
    elif (whole and size < 1e6) or 100 <= size < 1e6:
        text = f"{size:.0f}"
    elif size >= 1e6 or 0 < size < 1e-4:
        text = f"{size:.1e}"
    elif size >= 10:
        text = f"{size:.1f}"
    elif size and size < 5e-4:
        text = f"{size:.5f}"
    else:
        text = f"{size:.3f}"
    zero = not text.strip("0.")
    return ("−" if value < 0 and not zero else "+" if sign and not zero else "") + text


def effect(value: float | None, kind: EffectKind, *, whole: bool = False) -> str:
    """An effect in its kind's form: ``+0.057``, ``2.1×`` or ``0.80``."""
    if value is None or math.isnan(value):
        return "–"
    if kind == "ratio":
        return "∞" if math.isinf(value) else f"{value:.1f}×" if value < 100 else f"{value:.0f}×"
    if kind == "correlation":
        return f"{value:.2f}".replace("-", "−")
    return figure(value, sign=True, whole=whole)


def interval(low: float, high: float, kind: EffectKind, *, whole: bool = False) -> str:
    """The bounds of an effect; those that exclude nothing are no bounds.

    >>> interval(0.061, 0.189, "difference"), interval(8.0, math.inf, "ratio"), interval(0.0, math.inf, "ratio")
    ('[+0.061, +0.189]', '[8.0×, ∞]', '[no bound]')
    """
    least = 0.0 if kind == "ratio" else -math.inf
    if low <= least and high == math.inf:
        return "[no bound]"
    return f"[{effect(low, kind, whole=whole)}, {effect(high, kind, whole=whole)}]"


def pvalue(value: float | None) -> str:
    """A p-value with two significant digits.

    >>> pvalue(0.03125), pvalue(1.0), pvalue(0.000012345), pvalue(None)
    ('0.031', '1', '1.2e-05', '–')
    """
    return "–" if value is None else f"{value:.2g}"


def duration(seconds: float) -> str:
    """Wall time, to two figures.

    >>> duration(0), duration(8.2), duration(754), duration(5400), duration(200_000)
    ('0 s', '8 s', '13 min', '1.5 h', '56 h')
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36_000 else f"{seconds / 3600:.0f} h"
