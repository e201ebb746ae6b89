import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from harness.relations import All, Greater, NotWorse, Reaches
from harness.report import forest
from harness.report.forest import draw_forest, forest_svg
from harness.report.panels import Panel, Track, arms_panel, comparison_panels
from harness.specs import Value, parse


def drawn(panel, name):
    """The lines and marks of one kind in a panel's picture."""
    (axes,) = draw_forest(panel).axes
    return [line for line in axes.lines if line.get_label() == name]


def texts(panel):
    figure = draw_forest(panel)
    return "\n".join(text.get_text() for text in (*figure.axes[0].texts, *figure.texts))


def every_panel(rows):
    for row in rows:
        panels = (arms_panel(row, published=True), *comparison_panels(row))
        yield from (panel for panel in panels if panel.tracks)


def test_every_seed_of_every_arm_is_drawn(rows):
    panel = arms_panel(rows[0], published=True)
    assert [list(line.get_xdata()) for line in drawn(panel, "seed")] == [list(arm.values) for arm in rows[0].arms]
    assert [line.get_xdata()[0] for line in drawn(panel, "paper")] == [
        arm.published for arm in rows[0].arms if arm.published is not None
    ]
    assert [line.get_xdata()[0] for line in drawn(panel, "centre")] == [arm.mean for arm in rows[0].arms]


def test_seeds_that_never_arrive_stand_at_the_edge(rows):
    panel = arms_panel(rows[1], published=False)
    assert panel.log
    (never,) = drawn(panel, "never")
    assert (list(never.get_xdata()), never.get_marker()) == ([1, 1], ">")
    assert [track.remark for track in panel.tracks] == ["", "2 of 7 never reached it"]
    assert "2 of 7 never reached it" in texts(panel)


def test_comparisons_of_two_metrics_stand_on_two_axes_that_name_them(rows):
    panels = comparison_panels(rows[2])
    assert [panel.unit for panel in panels] == ["difference in IoU.fluid", "difference in Dice.fluid"]
    assert [[track.label for track in panel.tracks] for panel in panels] == [
        ["batch-4 > batch-2", "batch-8 > batch-4"]
    ] * 2
    assert "difference in Dice.fluid; 0: no difference" in texts(panels[1])
    assert "batch-8 > batch-4" in texts(panels[1])


@pytest.mark.parametrize("value", [0.45, 0.0])
def test_the_value_to_reach_and_its_margin_are_drawn_among_the_arms(make_row, value):
    samples = {"a": [0.3, 0.35, 0.32, 0.31], "b": [0.3, 0.31, 0.32, 0.3]}
    both = All((Reaches("a", value=value, tolerance=0.05), Reaches("a", value=0.6, tolerance=0.1, measure="Dice")))
    row = make_row("a/reach", both, samples | {Value("a", parse("Dice")): [0.5, 0.51, 0.52, 0.5]})
    panel = arms_panel(row, published=False)
    first, second = panel.tracks
    assert (first.target, first.margins) == (value, (pytest.approx(value - 0.05),))
    assert (second.target, second.margins) == (None, ())
    assert f"value to reach {value:.3f}" in texts(panel)
    assert [list(line.get_xdata()) for line in drawn(panel, "origin")] == [[value] * 2]


def test_each_comparison_has_its_own_margins(rows, make_row):
    (equivalent,) = comparison_panels(rows[4])
    assert [track.margins for track in equivalent.tracks] == [(-0.05, 0.05)] * 3
    assert len(drawn(equivalent, "margin")) == 6
    assert "margins −0.050 and +0.050" in texts(equivalent)
    (faster,) = comparison_panels(rows[1])
    assert faster.tracks[0].margins == (2.0,)
    assert "margin 2.0×" in texts(faster)
    samples = {name: [level, level + 0.01, level + 0.02, level] for name, level in (("a", 0.5), ("b", 0.4), ("c", 0.3))}
    (panel,) = comparison_panels(
        make_row("a/mixed", All((Greater("a", "b"), NotWorse("a", "c", margin=0.05))), samples)
    )
    (margin,), origins = drawn(panel, "margin"), drawn(panel, "origin")
    assert len(origins) == 2
    assert list(margin.get_ydata()) == list(origins[1].get_ydata())


def test_open_intervals_end_in_arrowheads():
    track = Track("a", centre=1.0, span=(0.5, math.inf))
    assert [line.get_marker() for line in drawn(Panel("t", "u", (track,)), "open")] == [">"]
    both = Panel("t", "u", (replace(track, span=(0.0, math.inf)),), log=True)
    assert [line.get_marker() for line in drawn(both, "open")] == ["<", ">"]
    assert not drawn(Panel("t", "u", (replace(track, span=(0.5, 1.5)),)), "open")


def test_an_interval_beyond_the_axis_is_an_arrowhead_alone():
    near = [Track(name, dots=(0.1, 0.2), centre=0.1, span=(0.0, 0.2)) for name in "ab"]
    panel = Panel("t", "u", (*near, Track("far", span=(3.0, 9.0))))
    assert len(drawn(panel, "span")) == 2
    assert [line.get_marker() for line in drawn(panel, "open")] == [">"]


def test_one_wide_interval_does_not_flatten_the_others():
    narrow = [Track(name, centre=0.1, span=(0.0, 0.2)) for name in "ab"]
    wide = Track("wide", centre=0.1, span=(-5.0, 5.0))
    panel = Panel("t", "u", (*narrow, wide))
    assert len(drawn(panel, "open")) == 2
    low, high = draw_forest(panel).axes[0].get_xlim()
    start, end = drawn(panel, "span")[0].get_xdata()
    assert end - start > 0.8 * (high - low)
    assert not drawn(Panel("t", "u", (narrow[0], replace(wide, span=(-0.2, 0.4)))), "open")


def test_every_point_is_on_the_axis(rows):
    for panel in every_panel(rows):
        low, high = draw_forest(panel).axes[0].get_xlim()
        assert all(low < value < high for track in panel.tracks for value in track.points)


def test_no_text_meets_another_or_leaves_the_picture(rows):
    for panel in every_panel(rows):
        figure = draw_forest(panel)
        boxes = [text.get_window_extent() for text in (*figure.axes[0].texts, *figure.texts) if text.get_text()]
        assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
        assert all(box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)
        assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.shrunk(0.98, 0.8).overlaps(b)]


def test_a_long_label_is_wrapped():
    label = f"{' '.join(['pretrained'] * 20)} > scratch"
    lines = forest._label(Track(label, remark="2 of 10 collapsed"))
    assert " ".join(lines) == label
    assert max(map(len, lines)) <= forest.LETTERS - len("2 of 10 collapsed")


def test_the_svg_takes_the_pages_colours_and_is_small(rows):
    for row in rows[:6]:
        text = forest_svg(arms_panel(row, published=True), row.key)
        root = ElementTree.fromstring(text)
        assert root.get("class") == "forest"
        assert row.arms[0].name in root.get("aria-label")
        assert {"currentColor", "var(--accent)"} <= set(re.findall(r"currentColor|var\(--\w+\)", text))
        assert "#0102" not in text
        assert len(text) < 20_000
    assert forest_svg(arms_panel(rows[0], published=True), "a") == forest_svg(arms_panel(rows[0], published=True), "a")
