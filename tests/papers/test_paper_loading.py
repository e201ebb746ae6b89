"""Loading: the five papers as they stand, and one sentence for each mistake in a file."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.papers import Origin, load, paper_ids
from harness.papers.loading import ROOT

CLAIMS = {
    "huang-dme": (
        "pretraining-beats-scratch pretraining-converges-faster larger-batch-is-better "
        "augmentation-enables-convergence loss-makes-no-difference best-pipeline-score cityscapes-transfers-well "
        "source-and-head-grid"
    ),
    "ece661-dme": (
        "larger-crop-is-better longer-training-is-not-better loss-makes-no-difference-at-320 best-configuration "
        "zero-shot-metrics-mislead medical-unet-fine-tunes-best optimiser-and-freezing-bring-no-gain"
    ),
    "zhou-kvasir": (
        "source-score-predicts-transfer stronger-backbone-transfers-better "
        "segmentation-pretraining-beats-classification larger-diverse-source-transfers-better depth-is-non-monotonic"
    ),
    "wang-pets": (
        "frozen-coco-beats-scratch frozen-beats-unfrozen unfrozen-is-only-an-initialisation small-sources-hurt "
        "related-source-transfers-better larger-source-transfers-better"
    ),
    "ehsanimehr-dr": (
        "two-images-beat-one two-stages-beat-one domain-weights-beat-imagenet densenet-is-the-best-backbone "
        "attention-brings-no-gain self-attention-is-the-best-attention weighted-average-is-the-best-ensemble "
        "ensembles-enhance clahe-and-circular-crop-help colour-jitter-hurts freezing-brings-no-gain "
        "small-data-overfit"
    ),
}

# Rows and figures by table, counted in the papers.
TABLES = {
    "huang-dme": {"1": (2, 6), "2": (3, 12), "3": (2, 6), "4": (3, 9), "5": (9, 0)},
    "ece661-dme": {"1": (9, 36)},
    "zhou-kvasir": {"1": (4, 16), "2": (3, 12), "3": (4, 12), "4": (3, 9)},
    "wang-pets": {"1": (7, 35)},
    "ehsanimehr-dr": {
        "1": (5, 5),
        "2": (3, 9),
        "3": (3, 9),
        "4": (2, 2),
        "5": (1, 3),
        "6": (3, 6),
        "7": (4, 8),
        "8": (4, 4),
        "9": (2, 4),
        "10": (4, 4),
    },
}

WITHOUT_FIGURES = {
    "huang-dme/cityscapes-transfers-well",
    "ece661-dme/zero-shot-metrics-mislead",
    "ece661-dme/medical-unet-fine-tunes-best",
    "ece661-dme/optimiser-and-freezing-bring-no-gain",
    "ehsanimehr-dr/colour-jitter-hurts",
    "ehsanimehr-dr/freezing-brings-no-gain",
    "ehsanimehr-dr/small-data-overfit",
}

SMALL = """
id = "small"
title = "Small"
authors = ["A"]
[[table]]
id = "1"
title = "scores"
place = "Table 1"
unit = "percent"
columns = ["Model", "IoU", "Dice"]
key = "Model"
figures.IoU = { quantity = "iou" }
figures.Dice = { quantity = "dice" }
row = [{ cells = ["a", "50.00", "66.67"] }, { cells = ["b", "25.00", "40.00"] }]
[claims.a-beats-b]
statement = "a is above b"
place = "Table 1"
metric = "IoU"
expect = "greater"
arms.a = { table = "1", row = "a", column = "IoU" }
arms.b = { table = "1", row = "b", column = "IoU" }
pairs = [["a", "b"]]
"""


OFF_TABLE = '[off_table.x]\nwhat = "x"\nunit = "none"\nplace = "Section 1"\n'
READING = '[[table.reading]]\nreason = "x"\n'
CORRELATION = '[[correlation]]\ntable = "1"\nx = "IoU"\nrho = "1"\npvalue = "0"\nplace = "Section 1"\n'


def test_the_five_papers_are_there() -> None:
    assert paper_ids() == tuple(sorted(CLAIMS))


@pytest.mark.parametrize("paper_id", sorted(CLAIMS))
def test_every_claim_has_a_published_section(paper_id: str) -> None:
    paper = load(paper_id)
    assert set(paper.claims) == set(CLAIMS[paper_id].split())
    for slug, claim in paper.claims.items():
        assert claim.slug == slug
        assert claim.statement
        assert claim.place
        assert claim.metric
        assert (not claim.arms) == (f"{paper_id}/{slug}" in WITHOUT_FIGURES)
        if claim.unit == "fraction":
            assert all(0 < value < 1 for value in claim.arms.values())


def test_there_are_38_claims() -> None:
    assert sum(len(load(paper_id).claims) for paper_id in paper_ids()) == 38


@pytest.mark.parametrize("paper_id", sorted(TABLES))
def test_every_figure_of_every_table_loads(paper_id: str) -> None:
    tables = load(paper_id).tables
    counted = {table.id: (len(table.rows), sum(len(row.figures) for row in table.rows)) for table in tables}
    assert counted == TABLES[paper_id]
    for table in tables:
        for row in table.rows:
            assert set(row.cells) == set(table.headings)
            for heading, figure in row.figures.items():
                assert figure.text == row.cells[heading]
                if table.columns[heading].unit != "none":
                    assert 0 < figure.value < 1


def test_settings_are_kept_as_printed() -> None:
    assert load("huang-dme").table("5").row("Normalization").cells["Value"] == "μ=46.6002, σ=54.681"


def test_figures_keep_their_text_and_their_rounding() -> None:
    figure = load("huang-dme").table("1").figure("STARE", "Dice")
    assert (figure.text, figure.value, figure.half_width) == ("54.3", 0.543, 0.0005)
    assert load("wang-pets").table("1").figure("COCO-Ablation", "Recall").text == "0.900"


def test_recovered_figures_are_marked_with_their_source() -> None:
    paper = load("huang-dme")
    recovered = {
        (table.id, row.name, heading)
        for table in paper.tables
        for row in table.rows
        for heading, figure in row.figures.items()
        if figure.recovered
    }
    assert recovered == {
        ("3", "Yes", "IoU"),
        ("3", "Yes", "Accuracy"),
        ("3", "No", "IoU"),
        ("3", "No", "Accuracy"),
        ("4", "CE", "IoU"),
        ("4", "Dice", "IoU"),
        ("4", "Hybrid", "IoU"),
    }
    assert "PDF" in paper.table("4").figure("CE", "IoU").source
    assert paper.table("4").figure("CE", "Dice").source == ""


def test_a_paper_is_loaded_once() -> None:
    assert load("huang-dme") is load("huang-dme")


def test_every_reading_says_why() -> None:
    readings = [reading for paper_id in paper_ids() for table in load(paper_id).tables for reading in table.readings]
    assert len(readings) == 11
    assert all(reading.reason for reading in readings)


def test_no_figure_of_a_table_is_repeated_in_a_claim() -> None:
    """Arms point into tables; only what stands in no table points elsewhere."""
    for path in ROOT.glob("*.toml"):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        elsewhere = {
            (path.stem, slug)
            for slug, claim in document["claims"].items()
            for arm in claim.get("arms", {}).values()
            if "off_table" in arm
        }
        assert elsewhere <= {("huang-dme", "pretraining-converges-faster")}


def test_figures_off_the_tables_say_where_they_stand() -> None:
    stated = load("ece661-dme").off_table
    assert {name: figure.figure.text for name, figure in stated.items()} == {
        "voc-deeplabv3": "69.7",
        "other-models": "49.78",
        "other-models-fscore": "99.57",
    }
    assert all(figure.figure.recovered and "NOTES.md" in figure.figure.source for figure in stated.values())
    huang = load("huang-dme").off_table
    assert huang["best-dice"].figure.value == 0.6234
    assert not any(figure.figure.recovered for figure in huang.values())


def test_statements_are_no_claims() -> None:
    for paper_id in paper_ids():
        paper = load(paper_id)
        assert not set(paper.statements) & set(paper.claims)
        assert all(statement.place and statement.arms for statement in paper.statements.values())
    assert sum(len(load(paper_id).statements) for paper_id in paper_ids()) == 3


def test_a_claim_knows_where_its_figures_come_from() -> None:
    claim = load("huang-dme").claims["best-pipeline-score"]
    assert claim.origins == {"pipeline": Origin("4", "CE", "IoU")}
    assert claim.sources.keys() == {"pipeline"}
    assert "PDF" in claim.sources["pipeline"]
    assert claim.arms["pipeline"] == 0.4529
    assert load("huang-dme").claims["larger-batch-is-better"].sources == {}
    assert load("ece661-dme").claims["loss-makes-no-difference-at-320"].sources.keys() == {"focal"}


def test_a_claim_by_other_figures() -> None:
    (best,) = load("ehsanimehr-dr").claims["two-images-beat-one"].others
    assert best.metric == "best test kappa"
    assert {origin.column for origin in best.origins.values()} == {"Best Test"}
    assert (best.arms["densenet121-dual"], best.arms["densenet121-single"]) == (0.8174, 0.8015)
    statement = load("ehsanimehr-dr").statements["attention-offers-limited-improvements"]
    assert [(other.arms["base"], other.arms["channel"]) for other in statement.others] == [
        (0.8738, 0.8631),
        (0.8050, 0.8227),
        (0.8374, 0.8631),
    ]


def test_the_step_before_is_what_the_text_compares_domain_weights_with() -> None:
    """With Table 5; that ImageNet is further below is the claim here."""
    paper = load("ehsanimehr-dr")
    assert paper.claims["domain-weights-beat-imagenet"].pairs == (("domain", "imagenet"),)
    assert paper.statements["domain-weights-beat-two-stages"].pairs == (("domain", "two-stages"),)


def test_loading_is_light() -> None:
    code = (
        "import sys; from harness.papers import load, paper_ids; [load(i) for i in paper_ids()];"
        "print([m for m in ('torch', 'scipy', 'numpy', 'pytest') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    claim = load("small", tmp_path).claims["a-beats-b"]
    assert claim.arms == {"a": 0.5, "b": 0.25}
    assert paper_ids(tmp_path) == ("small",)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "small"', "id = ", "Invalid value"),
        ('id = "small"', 'id = "other"', "expected id to be one of small, but got 'other'"),
        ('title = "Small"\n', "", "required field missing @ paper.title"),
        ('title = "Small"', "title = 3", "expected a str, but got 3 @ paper.title"),
        ('title = "Small"', 'title = "Small"\nyaer = 3', "extra fields found (yaer) @ paper"),
        ('authors = ["A"]', 'authors = "A"', "expected a list, but got 'A' @ paper.authors"),
        ('"50.00"', '"fifty"', "table 1: column 'IoU' in row 'a': expected a plain decimal number, but got 'fifty'"),
        ('"50.00"', "50.00", "expected a str, but got 50.0 @ paper.table[0].row[0].cells"),
        (
            '["a", "50.00", "66.67"]',
            '["a", "50.00"]',
            "table 1: expected a row to have 3 cells, but got ['a', '50.00']",
        ),
        ('{ cells = ["b"', '{ cells = ["a"', "table 1: expected rows to differ from one another, but got 'a' twice"),
        ('unit = "percent"', 'unit = "parts"', "expected a unit of percent, fraction, none, but got 'parts'"),
        (
            'key = "Model"',
            'key = "Name"',
            "table 1: expected key and figures to be one of Model, IoU, Dice, but got 'Name'",
        ),
        ("figures.Dice =", "figures.F1 =", "but got 'F1'"),
        (
            '{ quantity = "dice" }',
            '{ quantity = "dice", statistic = "mean" }',
            "but got 'mean' @ paper.table[0].figures",
        ),
        ('"40.00"] }', '"40.00"], recovered = ["IoU"] }', "table 1: expected recovered_from, since row 'b' has"),
        (
            '"40.00"] }',
            '"40.00"], recovered = ["F1"] }',
            "expected recovered of row 'b' to be one of IoU, Dice, but got 'F1'",
        ),
        (
            "[claims.a-beats-b]",
            f'{READING}rows = ["c"]\n[claims.a-beats-b]',
            "rows of a reading to be one of a, b, but got",
        ),
        (
            "[claims.a-beats-b]",
            f"{READING}columns.IoU = 'F1'\n[claims.a-beats-b]",
            "of a reading to be one of IoU, Dice,",
        ),
        ("[claims.a-beats-b]", f"{READING}figures.IoU = 'x'\n[claims.a-beats-b]", "table 1: expected a plain decimal"),
        (
            "[claims.a-beats-b]",
            f'{CORRELATION}y = "F1"\n[claims.a-beats-b]',
            "table 1 to be one of IoU, Dice, but got 'F1'",
        ),
        ('expect = "greater"', 'expect = "bigger"', "but got 'bigger' @ paper.claims['a-beats-b'].expect"),
        ('table = "1", row = "b"', 'table = "2", row = "b"', "expected a table of small (1), but got '2'"),
        ('row = "b", column = "IoU"', 'row = "c", column = "IoU"', "a row of table 1 (a, b), but got 'c'"),
        ('row = "b", column = "IoU"', 'row = "b", column = "F1"', "(IoU, Dice), but got 'F1'"),
        ('row = "b", column = "IoU"', 'row = "b"', "(IoU, Dice), but got ''"),
        ('[["a", "b"]]', '[["a", "c"]]', "claim 'a-beats-b': expected pairs to be one of a, b, but got 'c'"),
        ('[["a", "b"]]', '[["a"]]', "@ paper.claims['a-beats-b'].pairs[0]"),
        ('expect = "greater"', 'expect = "rank-correlation"', "expected predictor to name ['a', 'b'], but got []"),
        (
            'row = "b", column = "IoU" }\n',
            'row = "b", column = "IoU" }\nother.F1.column = "F1"\n',
            "(IoU, Dice), but got",
        ),
        (
            'row = "b", column = "IoU" }\n',
            'row = "b", column = "IoU" }\nother.x.arms.c.table = "1"\n',
            "claim 'a-beats-b': expected arms of other to be one of a, b, but got 'c'",
        ),
        (
            '{ table = "1", row = "b", column = "IoU" }',
            '{ off_table = "c" }',
            "off the tables of small (none), but got 'c'",
        ),
        (
            "[claims.a-beats-b]",
            "[target]\nforeground_share = 15.4\n[claims.a-beats-b]",
            "between 0 and 1, but got 15.4",
        ),
        (
            "[claims.a-beats-b]",
            f"{OFF_TABLE}text = 'x'\n[claims.a-beats-b]",
            "figure 'x' off the tables: expected a plain",
        ),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "small.toml"
    assert SMALL.count(old) == 1
    path.write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=r"small\.toml") as caught:
        load("small", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert "\n" not in message


def test_an_unknown_paper_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"expected one of ece661-dme, ehsanimehr-dr, .* but got 'nobody'"):
        load("nobody")


def test_an_unknown_table_row_or_column_is_a_sentence() -> None:
    paper = load("wang-pets")
    with pytest.raises(ValueError, match=r"expected a table of wang-pets .* but got '9'"):
        paper.table("9")
    with pytest.raises(ValueError, match="but got 'ADE20K'"):
        paper.table("1").figure("ADE20K", "IoU")
    with pytest.raises(ValueError, match="but got 'Dice'"):
        paper.table("1").figure("COCO", "Dice")
