import re

import pytest

from harness.report.curves import _figure, curves_svg, draw_curves, file_stem


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
    assert [line.get_ydata()[0] for line in times.lines if len(set(line.get_ydata())) == 1] == [0.4]
    assert times.get_title(loc="left") == "Dice.fluid"


@pytest.mark.parametrize(
    "curves",
    [
        {"a": [[(10, 0.1)]], "b": []},
        {"a": [[(10, 0.1), (20, 0.2)], [(15, 0.3)]]},
        {"a": [[(0, 0.1), (800, 0.2)]], "b": [[(0, 0.0), (80, 0.1)]]},
        {"a": [[(10, float("nan")), (20, 0.2)]]},
        {f"arm-{n} & <{n}>": [[(1, 0.1 * n), (2, 0.1)]] for n in range(12)},
    ],
    ids=["one point", "no common iteration", "from zero", "nan", "twelve arms"],
)
def test_awkward_curves_are_drawn(rows, curves, tmp_path):
    assert draw_curves(rows[0], curves, tmp_path / "a.png").stat().st_size > 1000
    assert "<1>" not in curves_svg(rows[0], curves)


def test_file_names_are_safe_and_differ():
    taken = set()
    names = [file_stem(name, taken) for name in ("a/b[c]", "a/b[C]", "a/b(c)", "../..", "ü" * 300)]
    assert len({name.lower() for name in names}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,140}", name) for name in names)
