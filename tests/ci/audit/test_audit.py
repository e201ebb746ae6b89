"""The audit: what is known of the five papers, and tables made up so that the truth is known."""

from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ci.audit import Finding, audit
from harness.papers import Column, Paper, load, paper_ids

MakePaper = Callable[..., Paper]

PIXELS = 2_000_000
SHARES = st.floats(0.005, 0.6)
RATES = st.tuples(st.floats(0.1, 0.98), st.floats(0.1, 0.98))  # recall and precision


def _find(findings: list[Finding], **fields: str) -> list[Finding]:
    return [f for f in findings if all(getattr(f, name) == value for name, value in fields.items())]


def _counts(share: float, recall: float, precision: float) -> tuple[int, int, int, int]:
    positive = round(PIXELS * share)
    tp = max(1, round(positive * recall))
    fp = min(round(tp * (1 / precision - 1)), PIXELS - positive)
    return tp, fp, positive - tp, PIXELS - positive - fp


def _metrics(tp: int, fp: int, fn: int, tn: int) -> dict[str, float]:
    """By the definitions, from counts."""
    ious = tp / (tp + fp + fn), tn / (tn + fp + fn)
    dices = 2 * tp / (2 * tp + fp + fn), 2 * tn / (2 * tn + fp + fn)
    recalls = tp / (tp + fn), tn / (tn + fp)
    return {
        "iou": ious[0],
        "dice": dices[0],
        "f1": dices[0],
        "precision": tp / (tp + fp),
        "recall": recalls[0],
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "mean-iou": sum(ious) / 2,
        "mean-dice": sum(dices) / 2,
        "mean-f1": sum(dices) / 2,
        "mean-recall": sum(recalls) / 2,
    }


def _printed(metrics: dict[str, float], quantities: list[str], decimals: int, unit: str = "percent") -> list[str]:
    scale = 100 if unit == "percent" else 1
    return [f"{metrics[quantity] * scale:.{decimals}f}" for quantity in quantities]


# The five papers.


def test_huang_table_1_scratch_row_is_swapped() -> None:
    (finding,) = _find(audit(load("huang-dme")), place="1", row="None")
    assert finding.kind == "swapped-columns"
    assert "Dice is 47.32 to 47.33, but printed is 37.80;" in finding.sentence
    assert finding.repair == "exchange Dice and Accuracy in this row alone"


def test_huang_table_4_columns_are_swapped_throughout() -> None:
    findings = _find(audit(load("huang-dme")), place="4", kind="swapped-columns")
    assert [finding.row for finding in findings] == ["CE", "Dice", "Hybrid"]
    assert {finding.repair for finding in findings} == {"exchange Dice and Accuracy in all 3 rows"}


def test_findings_on_recovered_figures_say_so() -> None:
    findings = audit(load("huang-dme"))
    assert {(f.place, f.row) for f in findings if f.sources} == {
        ("3", "Yes"),
        ("3", "No"),
        ("4", "CE"),
        ("4", "Dice"),
        ("4", "Hybrid"),
    }
    assert all("†" in f.sentence for f in findings if f.sources)
    assert all("†" not in f.sentence for f in findings if not f.sources)
    assert not any(f.sources for paper_id in ("wang-pets", "zhou-kvasir") for f in audit(load(paper_id)))


def test_huang_dice_and_iou_of_the_other_tables_do_not_fit() -> None:
    findings = _find(audit(load("huang-dme").corrected()), kind="dice-iou")
    assert [(f.place, f.row) for f in findings] == [
        ("1", "STARE"),
        ("2", "2"),
        ("2", "4"),
        ("2", "8"),
        ("3", "Yes"),
        ("3", "No"),
    ]


def test_zhou_accuracy_is_no_pixel_accuracy() -> None:
    paper = load("zhou-kvasir")
    findings = _find(audit(paper), kind="accuracy-foreground-share")
    assert len(findings) == sum(len(table.rows) for table in paper.tables) == 14
    assert all("as recall of the foreground it would fit" in finding.repair for finding in findings)


def test_ece661_mean_dice_is_not_mean_f1_in_one_row() -> None:
    (finding,) = audit(load("ece661-dme"))
    assert (finding.kind, finding.row) == ("mean-dice-mean-f1", "fcn-320-200-focal")


def test_zhou_rank_p_values_are_not_the_exact_ones() -> None:
    findings = _find(audit(load("zhou-kvasir")), kind="rank-correlation")
    assert [(f.place, f.repair) for f in findings] == [("1", "rho 0.800 and p 0.333"), ("2", "rho 1.000 and p 0.333")]
    assert all("the t approximation" in finding.sentence for finding in findings)


def test_wang_figures_are_means_over_images() -> None:
    findings = audit(load("wang-pets"))
    assert {f.kind for f in findings if f.place == "1"} == {
        "f1-precision-recall-averaged",
        "iou-f1-averaged",
        "iou-precision-recall-averaged",
    }
    assert {f.repair for f in findings if f.place == "1"} == {"means over images or batches, not pooled"}
    below = {f.row for f in _find(findings, kind="f1-precision-recall-averaged")}
    assert below == {"COCO-Ablation", "ISIC2018", "Cityscapes", "MAS3K", "VOC2012"}  # the others hold when rounded
    iou_below = {f.row for f in _find(findings, kind="iou-precision-recall-averaged")}
    assert iou_below == {"COCO-Ablation", "ISIC2018", "Cityscapes", "MAS3K"}


def test_ehsanimehr_table_9_best_below_average() -> None:
    findings = _find(audit(load("ehsanimehr-dr")), kind="best-below-average")
    assert [(f.place, f.row) for f in findings] == [("9", "Boosting"), ("9", "Bagging")]
    assert {f.repair for f in findings} == {"exchange Best Test and Test (avg) in all 2 rows"}


def test_claims_and_statements_that_the_papers_own_figures_go_against() -> None:
    against = {
        (f"{paper_id}/{finding.row}", finding.kind)
        for paper_id in paper_ids()
        for finding in audit(load(paper_id))
        if finding.kind.startswith("claim-")
    }
    assert against == {
        ("ehsanimehr-dr/two-images-beat-one", "claim-depends-on-figures"),
        ("ehsanimehr-dr/ensembles-enhance", "claim-against-figures"),
        ("ehsanimehr-dr/attention-offers-limited-improvements", "claim-depends-on-figures"),
        ("huang-dme/larger-batch-is-better", "claim-depends-on-figures"),
        ("wang-pets/other-transfers-are-below-scratch", "claim-depends-on-figures"),
    }


def _sentence(paper_id: str, row: str) -> str:
    (finding,) = _find(audit(load(paper_id)), row=row)
    return finding.sentence


def test_two_images_win_by_the_best_and_not_always_by_the_average() -> None:
    sentence = _sentence("ehsanimehr-dr", "two-images-beat-one")
    assert "by average test kappa 2 of 3 comparisons agree (resnet34-dual 0.7675 is not above" in sentence
    assert "by best test kappa 3 of 3 comparisons agree" in sentence
    assert "this project's reading" in sentence


def test_attention_improves_on_one_base_and_not_on_the_other() -> None:
    sentence = _sentence("ehsanimehr-dr", "attention-offers-limited-improvements")
    for words in (
        "by average test kappa 0 of 4",
        "by best test kappa 0 of 4",
        "by average test kappa over Table 5's base 4 of 4",
        "by best test kappa over Table 5's base 4 of 4",
    ):
        assert f"{words} comparisons agree" in sentence


def test_a_larger_batch_is_better_by_two_scores_of_three() -> None:
    sentence = _sentence("huang-dme", "larger-batch-is-better")
    assert "by Accuracy 1 of 2 comparisons agree (batch-8 0.7104 is not above batch-4 0.7188)" in sentence


def test_one_other_transfer_is_above_scratch_by_precision() -> None:
    sentence = _sentence("wang-pets", "other-transfers-are-below-scratch")
    assert "by Precision 4 of 5 comparisons agree (scratch 0.907 is not above coco-finetuned 0.927)" in sentence


@pytest.mark.parametrize(
    ("paper_id", "left"),
    [
        ("huang-dme", {"dice-iou"}),
        ("ece661-dme", set()),
        ("zhou-kvasir", {"rank-correlation"}),
        ("wang-pets", set()),
        ("ehsanimehr-dr", set()),
    ],
)
def test_readings_remove_what_they_explain(paper_id: str, left: set[str]) -> None:
    """Of tables; claims and statements are held against the tables as read in any case."""
    paper = load(paper_id)
    about_text = {*paper.claims, *paper.statements}
    found = {finding.kind for finding in audit(paper.corrected()) if finding.row not in about_text}
    assert found == left


@pytest.mark.parametrize("paper_id", paper_ids())
def test_findings_are_sentences_about_printed_figures(paper_id: str) -> None:
    for finding in audit(load(paper_id)):
        assert finding.sentence.endswith(".")
        assert "\n" not in finding.sentence


# Tables made up.


@settings(max_examples=150, deadline=None)
@given(
    share=SHARES,
    rows=st.lists(RATES, min_size=1, max_size=5),
    decimals=st.integers(0, 3),
    unit=st.sampled_from(["percent", "fraction"]),
)
def test_pooled_counts_have_no_findings(
    make_paper: MakePaper, share: float, rows: list[tuple[float, float]], decimals: int, unit: str
) -> None:
    every = list(_metrics(1, 1, 1, 1))
    counts = {str(i): _counts(share, *rates) for i, rates in enumerate(rows)}
    for quantities in (["iou", "dice", "recall"], every[:6], every):
        printed = {name: _printed(_metrics(*c), quantities, decimals, unit) for name, c in counts.items()}
        columns = {quantity: Column(quantity, unit) for quantity in quantities}
        assert audit(make_paper(columns, printed, share=share)) == []


@settings(max_examples=150, deadline=None)
@given(share=SHARES, rows=st.lists(RATES, min_size=2, max_size=4), only_first=st.booleans())
def test_swapped_columns_are_found(
    make_paper: MakePaper, share: float, rows: list[tuple[float, float]], only_first: bool
) -> None:
    quantities = ["iou", "dice", "recall"]
    printed = {}
    for i, rates in enumerate(rows):
        metrics = _metrics(*_counts(share, *rates))
        assume(abs(metrics["dice"] - metrics["recall"]) > 0.005)
        iou, dice, recall = _printed(metrics, quantities, 2)
        printed[str(i)] = [iou, dice, recall] if only_first and i else [iou, recall, dice]
    findings = audit(make_paper({"IoU": "iou", "Dice": "dice", "Acc": "recall"}, printed))
    assert {finding.row for finding in findings} == ({"0"} if only_first else set(printed))
    for finding in findings:
        assert finding.kind == "swapped-columns"
        assert "Dice and Acc" in finding.repair
        assert ("alone" in finding.repair) == only_first


@settings(max_examples=150, deadline=None)
@given(images=st.lists(st.tuples(SHARES, RATES), min_size=2, max_size=6))
def test_means_over_images_are_never_called_impossible(
    make_paper: MakePaper, images: list[tuple[float, tuple[float, float]]]
) -> None:
    quantities = ["iou", "f1", "precision", "recall"]
    each = [_metrics(*_counts(share, *rates)) for share, rates in images]
    means = {quantity: sum(metrics[quantity] for metrics in each) / len(each) for quantity in quantities}
    columns = dict(zip(quantities, quantities, strict=True))
    findings = audit(make_paper(columns, {"a": _printed(means, quantities, 3)}))
    assert all(f.kind.endswith("-averaged") for f in findings)


PRF = {"P": "precision", "R": "recall", "F1": "f1"}
PRI = {"P": "precision", "R": "recall", "IoU": "iou"}


@pytest.mark.parametrize(
    ("columns", "cells", "kind", "expected"),
    [
        ({"IoU": "iou", "Dice": "dice"}, ["50.00", "70.00"], "dice-iou", "66.66 to 66.67"),
        ({"IoU": "iou", "Dice": "dice"}, ["50.00", "60.00"], "dice-iou-averaged", "66.66 to 66.67"),
        ({"IoU": "iou", "F1": "f1"}, ["50.0", "70.0"], "iou-f1", "66.6 to 66.7"),
        (PRF, ["50.0", "50.0", "55.0"], "f1-precision-recall", "49.9 to 50.0"),
        (PRF, ["50.0", "50.0", "45.0"], "f1-precision-recall-averaged", "49.9 to 50.0"),
        (PRF, ["90.0", "90.0", "80.0"], "f1-precision-recall-averaged", "90.0"),
        (PRF, ["90.0", "90.0", "79.0"], "f1-precision-recall", "90.0"),
        (PRF, ["90.0", "90.0", "10.0"], "f1-precision-recall", "90.0"),
        (PRI, ["50.0", "50.0", "45.0"], "iou-precision-recall-averaged", "33.3 to 33.4"),
        (PRI, ["50.0", "50.0", "1.0"], "iou-precision-recall-averaged", "33.3 to 33.4"),
        (PRI, ["90.0", "90.0", "80.0"], "iou-precision-recall-averaged", "81.7 to 81.9"),
        (PRI, ["90.0", "90.0", "79.0"], "iou-precision-recall", "81.7 to 81.9"),
        (PRI, ["90.0", "80.0", "80.2"], "iou-precision-recall", "73.4 to 73.5"),
        ({"mF": "mean-f1", "mDice": "mean-dice"}, ["60.0", "60.4"], "mean-dice-mean-f1", "60.0"),
    ],
)  # fmt: skip
def test_each_kind_of_row(
    make_paper: MakePaper, columns: dict[str, str], cells: list[str], kind: str, expected: str
) -> None:
    (finding,) = audit(make_paper(columns, {"a": cells}))
    assert finding.kind == kind
    assert f" is {expected}, but printed is " in finding.sentence


def test_rounding_alone_is_no_finding(make_paper: MakePaper) -> None:
    """wang-pets' first row: pooled to the last digit only if each figure may be off by half of it."""
    columns = {"R": "recall", "P": "precision", "F1": "f1", "IoU": "iou"}
    assert audit(make_paper(columns, {"a": ["0.927", "0.907", "0.916", "0.846"]}, unit="fraction")) == []
    assert audit(make_paper(columns, {"a": ["0.9270", "0.9070", "0.9160", "0.8460"]}, unit="fraction")) != []


def test_an_accuracy_of_zero_is_written_in_its_unit(make_paper: MakePaper) -> None:
    (finding,) = audit(make_paper({"IoU": "iou", "OA": "accuracy"}, {"a": ["50.00", "0.00"]}, share=0.1))
    assert finding.kind == "accuracy-foreground-share"
    assert "OA is 88.00 to 96.00, but printed is 0.00" in finding.sentence


def test_an_accuracy_out_of_bounds_is_no_evidence_for_an_exchange(make_paper: MakePaper) -> None:
    """IoU 30 and accuracy 50 exchanged would fit, as nearly anything would at so low an IoU."""
    (finding,) = audit(make_paper({"IoU": "iou", "OA": "accuracy"}, {"a": ["50.00", "30.00"]}, share=0.25))
    assert finding.kind == "accuracy-foreground-share"


def test_best_and_average_are_compared_on_one_split_only(make_paper: MakePaper) -> None:
    def column(statistic: str, split: str) -> Column:
        return Column("kappa", "fraction", statistic, split)

    split = {"avg": column("average", "test"), "best": column("best", "validation")}
    same = {"avg": column("average", "test"), "best": column("best", "test")}
    assert audit(make_paper(split, {"a": ["0.80", "0.70"]})) == []
    assert audit(make_paper(same, {"a": ["0.80", "0.80"]})) == []
    (finding,) = audit(make_paper(same, {"a": ["0.80", "0.70"]}))
    assert finding.kind == "best-below-average"
    assert "best is at least 0.80, but printed is 0.70" in finding.sentence
