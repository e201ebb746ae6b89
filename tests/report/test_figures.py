from dataclasses import replace

from harness.report import figures


def test_the_paper_speaks_in_its_own_units(rows):
    assert figures.effect_text(rows[3]) == "+0.359"
    assert figures.effect_text(replace(rows[1], published_effect=10.0)) == "10.0×"
    assert figures.effect_text(rows[5]) == "0.000"  # its own distance from the value to reach
    assert figures.arm_text(rows[1], rows[1].arms[0]) == "200 epochs"
    assert not figures.comparable(rows[1])
    assert figures.comparable(rows[0])


def test_tables_are_those_that_the_place_names(rows):
    assert [table.id for table in figures.tables_of(rows[0])] == ["1"]
    assert [table.id for table in figures.tables_of(rows[5])] == ["4", "5"]
    assert figures.tables_of(rows[1]) == []
    only = replace(rows[0], id="ece661-dme/best-configuration")
    assert [table.id for table in figures.tables_of(only)] == ["1"]
    assert figures.tables_of(replace(rows[0], id="nobody/nothing")) == []
    assert figures.claim_of(replace(rows[0], id="nobody/nothing")) is None


def test_a_rank_correlation_is_named(rows):
    decision = replace(rows[3].decision, effect_kind="correlation")
    standing = replace(rows[3].standing, decision=decision)
    assert figures.effect_text(replace(rows[3], standing=standing)) == "ρ 0.36"


def test_the_cells_that_a_claim_uses_are_known(rows):
    assert figures.used_cells(rows[3]) == {("3", "Yes", "Dice"), ("3", "No", "Dice")}
    assert figures.used_cells(rows[1]) == frozenset()
    assert figures.used_cells(replace(rows[0], id="nobody/nothing")) == frozenset()


def test_a_table_has_a_unit_where_its_figures_share_one(rows):
    (table,) = figures.tables_of(rows[0])
    assert figures.unit_text(table) == "in percent"
    assert figures.unit_text(figures.tables_of(rows[5])[1]) == ""
