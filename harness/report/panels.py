"""What a claim's forest plots show: every seed of every arm, and every comparison with its interval and margins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.relations import EffectKind
from harness.report import numerals, phrasing
from harness.report.parts import Part, comparisons
from harness.verdicts import Arm, Row

LOG_RATIO = 4.0
"""Times that differ by more share no linear axis."""


@dataclass(frozen=True)
class Track:
    """One line of a forest plot.

    Attributes:
        label: What it is.
        dots: One for each seed; infinite ones stand at the edge.
        centre: Mean or effect.
        span: Low and high end of the bar; infinite ones run off the edge.
        published: The paper's own value.
        text: The figures in words.
        remark: What must not be overlooked.
        margins: What the track alone is held against, by value.
        target: The value that it is to reach.
    """

    label: str
    dots: tuple[float, ...] = ()
    centre: float | None = None
    span: tuple[float, float] | None = None
    published: float | None = None
    text: str = ""
    remark: str = ""
    margins: tuple[float, ...] = ()
    target: float | None = None

    @property
    def points(self) -> list[float]:
        """What must be on the axis."""
        values = [*self.dots, self.centre, self.published, self.target, *self.margins]
        return [value for value in values if value is not None and math.isfinite(value)]

    @property
    def ends(self) -> list[float]:
        """The finite ends of its bar."""
        return [end for end in self.span or () if math.isfinite(end)]


@dataclass(frozen=True)
class Panel:
    """Tracks on one axis; ``title`` says what is drawn, ``unit`` what the axis counts, ``origin`` names a value."""

    title: str
    unit: str
    tracks: tuple[Track, ...]
    origin: tuple[float, str] | None = None
    log: bool = False
    kind: EffectKind | None = None


TITLES: Mapping[EffectKind, str] = {
    "difference": "Differences: each seed, mean and interval",
    "ratio": "Ratios of times: each seed, median and interval",
    "correlation": "Rank correlation τ and its bounds",
    "shortfall": "Distance from the value to reach: each seed, mean and interval",
}

UNITS: Mapping[EffectKind, str] = {
    "difference": "difference in {metric}",
    "ratio": "ratio of epochs",
    "correlation": "Kendall's τ",
    "shortfall": "{metric} less the value",
}

ORIGIN: Mapping[EffectKind, tuple[float, str]] = {
    "difference": (0.0, "no difference"),
    "ratio": (1.0, "equally fast"),
    "correlation": (0.0, "no correlation"),
    "shortfall": (0.0, "the value to reach"),
}


def arms_panel(row: Row, *, published: bool) -> Panel:
    """Every seed's value by arm, with mean ± sd; the paper's values too where they are on the same scale."""
    reaching = [part for part in comparisons(row) if part.decision.target is not None and part.metric == row.metric]
    targets = {arm: part for part in reaching for arm in part.decision.compares}
    tracks = tuple(_arm_track(arm, targets.get(arm.name), published) for arm in row.arms)
    numbers = [value for track in tracks for value in (*track.points, *track.ends)]
    log = phrasing.counts_epochs(row.metric) and bool(numbers) and 0 < LOG_RATIO * min(numbers) < max(numbers)
    agreed = [each for each in row.agreements if each.metric == row.metric]
    origin = (round(agreed[0].value, 3), f"agreement of {' and '.join(agreed[0].annotators)}") if agreed else None
    return Panel("The arms: each seed, mean ± sd", phrasing.metric_title(row.metric), tracks, origin, log=log)


def _arm_track(arm: Arm, reaching: Part | None, published: bool) -> Track:
    target = reaching.decision.target if reaching else None
    margins: tuple[float, ...] = ()
    if reaching and target is not None:
        margins = tuple(target + boundary for boundary in reaching.decision.boundaries)
    return Track(
        label=f"{arm.name}, n = {arm.n}",
        dots=tuple(value for value in arm.values if value is not None),
        centre=arm.mean,
        span=None if arm.mean is None or arm.sd is None else (arm.mean - arm.sd, arm.mean + arm.sd),
        published=arm.published if published else None,
        text=phrasing.arm_value(arm),
        remark="; ".join(phrasing.arm_marks(arm)),
        margins=margins,
        target=target,
    )


def comparison_panels(row: Row) -> list[Panel]:
    """Every comparison of the decision with its effect, interval, per-seed values and the paper's own effect.

    There is one panel for each unit.
    """
    grouped: dict[tuple[EffectKind, str], list[Part]] = {}
    for part in comparisons(row):
        if part.decision.effect is not None or part.decision.seed_effects:
            kind = part.decision.effect_kind
            unit = UNITS[kind].format(metric=phrasing.metric_title(part.metric))
            grouped.setdefault((kind, unit), []).append(part)
    panels = []
    for (kind, unit), parts in grouped.items():
        alike = len({part.metric for part in parts}) == 1 and kind != "ratio"
        tracks = tuple(
            Track(
                label=part.brief if alike else phrasing.part_text(row, part),
                dots=tuple(effect for effect in part.decision.seed_effects if not math.isnan(effect)),
                centre=part.decision.effect,
                span=part.decision.interval,
                published=part.published,
                text=numerals.effect(part.decision.effect, kind),
                remark="" if part.decision.interval else "not tested",
                margins=part.decision.boundaries,
            )
            for part in parts
        )
        panels.append(Panel(TITLES[kind], unit, tracks, ORIGIN[kind], kind == "ratio", kind))
    return panels
