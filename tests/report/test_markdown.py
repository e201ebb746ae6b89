import re

from harness.__main__ import main
from harness.report.document import write_json
from harness.report.markdown import escape, markdown, markdown_table


def cells(line):
    return re.split(r"(?<!\\)\|", line)


def test_pipes_do_not_split_a_cell(rows):
    lines = markdown_table(rows).strip().splitlines()
    assert {len(cells(line)) for line in lines} == {8}
    assert "voc\\|isic" in lines[-1]


def test_every_claim_has_a_row_and_a_section(rows, environment):
    text = markdown(rows, environment)
    for row in rows:
        assert f"\n## {escape(row.name)}\n" in text
        assert f"**{row.verdict}**" in text
        assert escape(row.statement) in text
    assert "after Holm INCONCLUSIVE" in text
    assert "- problem: batch-2" in text
    assert "the paper 200 epochs" in text


def test_what_a_reader_must_know_stands_first_and_in_the_legend(rows, environment):
    text = markdown(rows, environment)
    assert text.index("> **Smoke scale (1 of 8 claims)") < text.index("> **Phantoms") < text.index("| verdict |")
    for phrase in ("- smoke: tiny networks", "- reduced: the published networks", "one-sided bounds, each at its own"):
        assert phrase in text
    assert "- data root: yes" in text


def test_three_sentences_stand_above_the_table(rows, environment):
    text = markdown(rows, environment)
    assert "\n**Shown** on " in markdown(rows[:1], environment)
    places = [text.index(f"\n**{begins}**") for begins in ("Shown", "Shown not to hold", "Open")]
    assert text.index("> **Phantoms") < min(places)
    assert places == sorted(places)
    assert max(places) < text.index("| verdict |")


def test_what_stands_with_an_effect_is_there_in_the_table_and_in_the_section(rows, environment):
    lines = markdown_table(rows).splitlines()
    assert "<br>4 of 4 seeds" in lines[2]
    assert lines[5].startswith("| **INCONCLUSIVE**<br>")
    text = markdown(rows, environment)
    assert "- beside it: 4 of 4 seeds; >99% likely above 0 (flat prior, normal noise, not corrected)" in text
    assert "- annotators: two annotators of DME (expert1, expert2) agree to IoU.fluid 0.485" in text
    assert "- comparison: batch-4 > batch-2 \\[Dice.fluid]: REFUTED; −0.061" in text


def test_an_effect_of_several_names_its_comparison(rows):
    line = markdown_table(rows).splitlines()[4]
    assert "−0.061 \\[−0.103, −0.005]<br>batch-4 > batch-2 \\[Dice.fluid]" in line
    assert "DRIVE for STARE" in markdown_table(rows[:1])


def test_html_in_a_statement_stays_text(rows, environment):
    from markdown_it import MarkdownIt

    page = MarkdownIt("commonmark").enable("table").render(markdown(rows, environment))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; a | pipe" in page


def test_several_lines_become_one():
    assert escape("a\n| b") == "a \\| b"


def test_a_short_table_has_no_arms(rows):
    long, short = (markdown_table(rows, arms=arms).splitlines() for arms in (True, False))
    assert "arms" in long[0]
    assert "arms" not in short[0]
    assert [line.count(" | ") + 1 for line in short] == [line.count(" | ") for line in long]


def test_the_command_prints_the_claims_of_several_files_as_one_table(rows, tmp_path, capsys):
    for name, some in (("a.json", rows[:1]), ("b.json", rows[1:])):
        write_json(some, tmp_path / name, {})
    assert main(["table", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 0
    assert capsys.readouterr().out == markdown_table(rows, arms=False)
    assert main(["table", str(tmp_path / "c.json")]) == 2
    assert "Expected a verdicts.json at" in capsys.readouterr().err
