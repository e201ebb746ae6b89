"""harness.verdicts.golden: a record is compared where the same was asked, and is never lost."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from synthetic import question, recipe

from harness.relations import Decision, Greater, Looks, SequentialDecision, Verdict
from harness.verdicts import Arm, blank
from harness.verdicts.evidence import Evidence
from harness.verdicts.golden import Expectation, Golden, GoldenError, disagreements
from harness.verdicts.recorded import tolerance

NAME = "tiny-paper/first-is-better"


def arm(name: str, mean: float, sd: float = 0.01, n: int = 4) -> Arm:
    return Arm(name, "IoU.fluid", (mean,) * n, mean, sd, n, 0, (), ("k",) * n)


def row(verdict=Verdict.SUPPORTED, good=0.6, seeds=4, reason="", **claim):
    """A row of a claim with these changes, which came to a verdict."""
    empty = blank(question(claim.pop("arms", {"good": recipe(0.6), "bad": recipe(0.3)}), **claim))
    decision = Decision(verdict, effect=0.3, interval=(0.1, math.inf), n=seeds)
    standing = SequentialDecision(decision, "last look", None, 0.01, 0.99, 0, ())
    arms = (arm("good", good), arm("bad", 0.3))
    return replace(empty, verdict=verdict, reason=reason, standing=standing, arms=arms)


@pytest.fixture
def golden(tmp_path):
    return Golden(tmp_path / "verdicts")


def problems(golden, made):
    again = Golden(golden.root)
    return disagreements(made, again.expectation(made))


def test_the_same_again_passes(golden):
    golden.record([row()])
    assert golden.expectation(row()).source == "golden"
    assert problems(golden, row()) == ()


def test_without_a_record_the_paper_is_expected(golden):
    assert golden.expectation(row()) == Expectation(Verdict.SUPPORTED, "paper")
    assert problems(golden, row()) == ()
    assert problems(golden, row(Verdict.REFUTED)) == (
        "verdict: expected SUPPORTED (what the paper says, nothing is recorded), but got REFUTED",
    )
    assert problems(golden, row(Verdict.INCONCLUSIVE)) == ()


@pytest.mark.parametrize("now", [Verdict.REFUTED, Verdict.INCONCLUSIVE])
def test_a_decided_verdict_that_differs_fails_with_a_sentence(golden, now):
    golden.record([row()])
    assert problems(golden, row(now)) == (f"verdict: expected SUPPORTED (recorded), but got {now}",)


def test_a_recorded_refutation_is_expected_whatever_the_paper_says(golden):
    golden.record([row(Verdict.REFUTED)])
    assert problems(golden, row(Verdict.REFUTED)) == ()
    assert len(problems(golden, row(Verdict.SUPPORTED))) == 1


def test_a_recorded_inconclusive_that_is_decided_now_is_a_problem(golden):
    golden.record([row(Verdict.INCONCLUSIVE)])
    assert problems(golden, row(Verdict.INCONCLUSIVE)) == ()
    assert problems(golden, row()) == ("verdict: expected INCONCLUSIVE (recorded), but got SUPPORTED",)


def test_metrics_outside_the_tolerance_fail_whatever_the_verdict(golden):
    golden.record([row()])
    allowed = tolerance(0.01, 4)
    assert problems(golden, row(good=0.6 + 0.9 * allowed)) == ()
    (problem,) = problems(golden, row(good=0.6 + 1.1 * allowed))
    assert problem.startswith("good: expected IoU.fluid 0.6000 ± 0.0283 (recorded), but got 0.63")


@pytest.mark.parametrize(
    "changed",
    [
        row(looks=Looks()),
        row(registration=2),
        row(arms={"good": recipe(0.6), "bad": recipe(0.2)}),
        row(relation=Greater("good", "bad", 0.1)),
        row(measure="mIoU"),
        row(scale="reduced"),
        row(evidence=Evidence("real", ("DME",))),
    ],
)
def test_a_record_under_other_conditions_is_not_used(golden, changed):
    golden.record([row(Verdict.REFUTED)])
    assert golden.expectation(changed).source == "paper"


def test_an_error_is_a_problem_and_what_did_not_run_is_none(golden):
    assert problems(golden, row(Verdict.ERROR, reason="x")) == ("the claim could not be decided: x",)
    golden.record([row()])
    assert problems(golden, row(Verdict.NOT_RUN)) == ()


def test_recording_keeps_the_other_entries_and_sorts(golden):
    other = row(Verdict.REFUTED, slug="zz")
    golden.record([other])
    written = Golden(golden.root).record([row(variant="drive"), row()])
    assert written == [golden.root / "tiny-paper" / "smoke-phantom-3.json"]
    content = json.loads(written[0].read_text())
    assert list(content["claims"]) == [NAME, f"{NAME}[drive]", "tiny-paper/zz"]
    assert content["claims"]["tiny-paper/zz"]["verdict"] == "REFUTED"
    assert not list(golden.root.rglob("*.tmp"))


def test_what_did_not_come_to_a_verdict_is_never_recorded(golden):
    golden.record([row()])
    assert golden.record([row(Verdict.NOT_RUN), row(Verdict.ERROR)]) == []
    assert Golden(golden.root).expectation(row()).verdict is Verdict.SUPPORTED


def test_each_scale_and_evidence_has_its_file(golden):
    files = golden.record([row(), row(scale="reduced", evidence=Evidence("real", ("DME",)))])
    assert [file.name for file in files] == ["reduced-real-3.json", "smoke-phantom-3.json"]


def test_an_arm_that_arrives_where_none_did_or_is_gone_is_a_problem(golden):
    never = replace(arm("good", 0.6), mean=None, sd=None, values=(math.inf,) * 4)
    golden.record([replace(row(), arms=(never,))])
    assert "good: expected IoU.fluid no value (recorded), but got 0.6000" in problems(golden, row())
    assert problems(golden, replace(row(), arms=(never,))) == ()
    golden.record([row()])
    assert "good: expected IoU.fluid 0.6000 ± 0.0283 (recorded), but got no value" in problems(
        golden, replace(row(), arms=())
    )


def test_another_wording_of_the_same_question_is_compared(golden):
    golden.record([row(Verdict.REFUTED)])
    reworded = replace(row(), statement="x", place="y", relation="good beats bad", datasets=("Edema",), notes=("z",))
    assert golden.expectation(reworded).verdict is Verdict.REFUTED
    assert golden.uncompared(reworded) == ()


def test_an_entry_without_a_question_is_of_another_one(golden):
    """Entries of before the digests cannot tell what they answer."""
    (file,) = golden.record([row(Verdict.REFUTED)])
    content = json.loads(file.read_text())
    del content["claims"][NAME]["question"]
    file.write_text(json.dumps(content))
    assert Golden(golden.root).expectation(row()).source == "paper"
    assert "relation" in Golden(golden.root).uncompared(row())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "Expecting property name"),
        ("[]", "it is [], not an object"),
        ('{"schema": 2, "claims": {}}', "it is refused: Expected schema 1, but got 2"),
        (
            '{"schema": 1, "claims": {"tiny-paper/a": {"verdict": "MAYBE"}}}',
            '.verdict is "MAYBE", not one',
        ),
        (
            '{"schema": 1, "claims": {"tiny-paper/a": {"verdict": "SUPPORTED"}}}',
            "['tiny-paper/a'].arms is missing",
        ),
        (
            '{"schema": 1, "claims": {"a": {"verdict": "SUPPORTED", "arms": {"b": {"mean": 1, "tolerance": null}}}}}',
            "claims['a'].arms['b'] is refused: Expected a finite mean and tolerance",
        ),
    ],
)
def test_an_unusable_file_is_one_sentence(golden, content, problem):
    file = golden.root / "tiny-paper" / "smoke-phantom-3.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(GoldenError) as caught:
        golden.check([NAME])
    sentence = str(caught.value)
    assert sentence.startswith(f"Expected {file} to hold recorded verdicts, but got: ")
    assert problem in sentence
    assert sentence.endswith("; restore it, or remove it and record it anew with --claims-update-golden.")
    assert "\n" not in sentence


def test_a_claim_that_does_not_exist_is_one_sentence(golden):
    golden.record([row(), row(slug="renamed")])
    Golden(golden.root).check([NAME, "tiny-paper/renamed"])
    with pytest.raises(GoldenError, match=r"but it names 'tiny-paper/renamed'; remove that entry, or give it"):
        Golden(golden.root).check([NAME])


def test_papers_that_were_not_collected_are_not_checked(golden):
    golden.record([row(slug="renamed")])
    broken = golden.root / "tiny-paper" / "reduced-real-3.json"
    broken.write_text("{")
    Golden(golden.root).check(["other-paper/claim"])
    Golden(golden.root).check([])


def test_a_folder_of_an_unknown_paper_is_one_sentence_where_all_papers_are_known(golden):
    golden.record([row()])
    Golden(golden.root).check(["other-paper/claim"])
    with pytest.raises(GoldenError, match="but there are none of 'tiny-paper'; remove the folder, or give it"):
        Golden(golden.root).check(["other-paper/claim"], whole=True)
    Golden(golden.root).check([NAME], whole=True)


def test_what_an_entry_differs_in_is_known(golden):
    assert golden.uncompared(row()) == ()
    golden.record([row()])
    assert golden.uncompared(row()) == ()
    assert golden.uncompared(row(relation=Greater("good", "bad", 0.1), measure="mIoU")) == ("relation", "measure")
    assert golden.uncompared(row(arms={"good": recipe(0.7), "bad": recipe(0.3)})) == ("arms",)
    assert golden.uncompared(row(looks=Looks())) == ("plan of seeds",)
    assert golden.uncompared(row(scale="reduced", looks=Looks.fixed(4))) == ()
    golden.record([row(looks=Looks())])
    assert golden.uncompared(row(looks=Looks())) == ()


HERE = {"versions": {"torch": "2.15.0"}, "device": "CPU (AMD EPYC, AVX512)", "machine": "x86_64", "commit": "a"}


def with_values(*values, provenance=HERE, seeds=4):
    good = replace(arm("good", 0.6, sd=0.1), values=values)
    return replace(row(seeds=seeds), arms=(good, arm("bad", 0.3)), provenance=provenance)


def test_a_seed_that_comes_to_something_else_in_the_same_environment_fails(golden):
    golden.record([with_values(0.5, 0.6, 0.61234, 0.7)])
    assert problems(golden, with_values(0.5, 0.6, 0.6123449, 0.7, provenance={**HERE, "commit": "b"})) == ()
    (problem,) = problems(golden, with_values(0.5, 0.6, 0.62, 0.7))
    assert problem == (
        "good: seed 2 was recorded with IoU.fluid 0.61234 with these versions on such a CPU, where runs repeat, but "
        "came to 0.62; if a change of program or data is meant, record it anew with --claims-update-golden"
    )
    (problem,) = problems(golden, with_values(0.5, 0.59, None, math.inf))
    assert "good: seed 1 was recorded with IoU.fluid 0.6 with these" in problem
    assert "came to 0.59, and so do 2 more of 4 seeds; if" in problem


def test_seeds_have_the_numbers_of_their_registration(golden):
    golden.record([replace(with_values(0.5, 0.6), registration=2)])
    (problem,) = problems(golden, replace(with_values(0.5, 0.7), registration=2))
    assert problem.startswith("good: seed 1001 was recorded")


def test_times_never_reached_and_runs_that_failed_repeat_too(golden):
    golden.record([with_values(math.inf, None, 3.0, 0.0)])
    assert problems(golden, with_values(math.inf, None, 3.0, 0.0)) == ()
    assert "recorded with IoU.fluid inf" in problems(golden, with_values(9.0, None, 3.0, 0.0))[0]
    assert "recorded with IoU.fluid no value" in problems(golden, with_values(math.inf, 9.0, 3.0, 0.0))[0]
    assert "came to no value" in problems(golden, with_values(math.inf, None, 3.0, None))[0]


@pytest.mark.parametrize(
    "provenance",
    [
        {},
        {**HERE, "versions": {"torch": "2.6.0"}},
        {**HERE, "device": "CPU (Intel Xeon, AVX512)"},
        {**HERE, "machine": "aarch64"},
        {**HERE, "machine": None},
        {**HERE, "device": ["CPU (AMD EPYC, AVX512)", "NVIDIA H200"]},
    ],
)
def test_another_environment_is_held_to_the_mean_alone(golden, provenance):
    golden.record([with_values(0.5, 0.6, 0.6, 0.7)])
    assert problems(golden, with_values(0.4, 0.7, 0.7, 0.6, provenance=provenance)) == ()
    golden.record([with_values(0.5, 0.6, 0.6, 0.7, provenance=provenance)])
    assert problems(golden, with_values(0.4, 0.7, 0.7, 0.6)) == ()


@pytest.mark.parametrize("changed", ["NVIDIA H200", ["CPU", "CPU (AMD EPYC)"]])
def test_a_gpu_and_several_machines_are_held_to_the_mean_alone(golden, changed):
    elsewhere = {**HERE, "device": changed}
    golden.record([with_values(0.5, 0.6, 0.6, 0.7, provenance=elsewhere)])
    assert problems(golden, with_values(0.4, 0.7, 0.7, 0.6, provenance=elsewhere)) == ()


def test_another_number_of_seeds_is_held_to_the_mean_alone(golden):
    golden.record([with_values(0.5, 0.6, 0.6, 0.7)])
    assert problems(golden, with_values(0.4, 0.7, 0.7, seeds=3)) == ()
