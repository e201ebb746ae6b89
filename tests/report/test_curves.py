import re

import pytest

from harness.relations import All, ConvergesFaster, Greater
from harness.report.curves import _figure, curves_svg, draw_curves, drawable, file_stem, metrics
from harness.specs.measures import Value, parse


@pytest.fixture(scope="module")
def curves(rows, learning_curves):
    return learning_curves(rows)


def test_the_picture_is_a_png(rows, curves, tmp_path):
    path = draw_curves(rows[0], curves[rows[0].key], tmp_path / "curves" / "a.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_svg_needs_nothing_else_and_shares_no_ids(rows, curves):
    first, second = (curves_svg(row, curves[row.key]) for row in rows[:2])
    for svg in (first, second):
        assert svg.startswith("<svg")
        assert "http" not in svg
        assert "<style" not in svg
        assert "currentColor" in svg
        assert set(re.findall(r'href="#([^"]+)', svg)) <= set(re.findall(r'\bid="([^"]+)', svg))
    assert not set(re.findall(r'\bid="([^"]+)', first)) & set(re.findall(r'\bid="([^"]+)', second))
    assert curves_svg(rows[0], curves[rows[0].key]) == first


def test_budgets_that_differ_much_need_a_logarithmic_axis_and_times_a_threshold(rows, curves):
    plain, times = (_figure(row, curves[row.key], "black").axes[0] for row in rows[:2])
    assert (plain.get_xscale(), times.get_xscale()) == ("linear", "log")
    assert [line.get_ydata()[0] for line in times.lines if list(line.get_xdata()) == [0, 1]] == [0.4]
    assert times.get_title(loc="left") == "Dice.fluid"


def test_the_axis_counts_epochs_where_the_claim_does(rows, curves):
    plain, times = (_figure(row, curves[row.key], "black").axes[0] for row in rows[:2])
    assert plain.get_xlabel() == "iteration, 10 an epoch"
    assert times.get_xlabel() == "epoch of 10 iterations"
    assert max(max(line.get_xdata()) for line in times.lines) == 80
    batches = {"IoU.fluid": {"a": [[(10, 1.0, 0.1)]], "b": [[(40, 2.0, 0.1)]]}}
    assert _figure(rows[0], batches, "black").axes[0].get_xlabel() == "iteration (an epoch: a 10, b 20)"


def test_each_seed_is_marked_where_it_first_reaches_a_threshold(make_row):
    times = [("a", [2, 2, 1, 2, 2]), ("b", [9, 9, 8, 7, 9])]
    faster = [ConvergesFaster("a", "b", measure=f"time:Dice>={bound}") for bound in (0.5, 0.1)]
    row = make_row("a/faster", All(tuple(faster)), dict(times), metric="time:Dice>=0.5")
    seed = [(1, 1.0, 0.05), (2, 2.0, 0.3), (3, 3.0, 0.55), (4, 4.0, 0.2), (5, 5.0, 0.9)]
    never = [(1, 1.0, 0.05), (5, 5.0, 0.06)]
    assert metrics(row) == ["Dice"]
    (axes,) = _figure(row, {"Dice": {"a": [seed, never], "b": [seed]}}, "black").axes
    marks = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert marks == [[[2.0, 0.3]], [[3.0, 0.55]]] * 2


def test_every_metric_of_the_relation_has_a_panel_with_every_seed(make_row):
    trend = parse("trend:mIoU")
    samples = {"a": [0.5, 0.6, 0.7, 0.6], "b": [0.1, 0.2, 0.1, 0.2]}
    samples |= {Value("a", trend): [1] * 4, Value("b", trend): [0] * 4}
    relation = All((Greater("a", "b"), Greater("a", "b", measure=trend)))
    row = make_row("a/trend", relation, samples, metric="Dice.fluid")
    assert metrics(row) == ["Dice.fluid", "mIoU"]
    seeds = [[(1, 0.1, 0.1), (2, 0.2, value)] for value in (0.3, 0.4, 0.5)]
    figure = _figure(row, {metric: {"a": seeds} for metric in metrics(row)}, "black")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Dice.fluid", "mIoU, its trend"]
    assert [sum(line.get_alpha() == 0.6 for line in axes.lines) for axes in figure.axes] == [3, 3]


def test_what_has_no_points_is_not_drawable():
    assert not drawable({})
    assert not drawable({"mIoU": {"a": [[]], "b": []}})
    assert drawable({"mIoU": {"a": [[]], "b": [[(1, 0.1, 0.2)]]}})


@pytest.mark.parametrize(
    "curves",
    [
        {"a": [[(10, 1.0, 0.1)]], "b": []},
        {"a": [[(10, 1.0, 0.1), (20, 2.0, 0.2)], [(15, 1.5, 0.3)]]},
        {"a": [[(0, 0.0, 0.1), (800, 8.0, 0.2)]], "b": [[(0, 0.0, 0.0), (80, 0.8, 0.1)]]},
        {"a": [[(10, 1.0, float("nan")), (20, 2.0, 0.2)]]},
        {f"arm-{n} & <{n}>": [[(1, 0.1, 0.1 * n), (2, 0.2, 0.1)]] for n in range(12)},
    ],
    ids=["one point", "no common iteration", "from zero", "nan", "twelve arms"],
)
def test_awkward_curves_are_drawn(rows, curves, tmp_path):
    assert draw_curves(rows[0], {"IoU.fluid": curves}, tmp_path / "a.png").stat().st_size > 1000
    assert "<1>" not in curves_svg(rows[0], {"IoU.fluid": curves})


def test_file_names_are_safe_and_differ():
    taken = set()
    names = [file_stem(name, taken) for name in ("a/b[c]", "a/b[C]", "a/b(c)", "../..", "ü" * 300)]
    assert len({name.lower() for name in names}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,140}", name) for name in names)
