from harness.runs import Record

from fixtures.pictures import IMAGES, points, shown_images, shown_runs


def record(seed, value, *, foreground=1.0, **changes):
    curve = [
        {"iteration": 11 * n, "epoch": float(n), "metrics": {"IoU": value * n / 2, "foreground": foreground}}
        for n in (1, 2)
    ]
    return Record(key=f"key-{seed}", recipe={}, seed=seed, status="finished", curve=curve, **changes)


def seeds(*values, collapsed=()):
    return [record(seed, value, foreground=0.0 if seed in collapsed else 1.0) for seed, value in enumerate(values)]


def test_the_run_nearest_the_median_is_shown():
    assert [run.seed for run in shown_runs(seeds(0.1, 0.9, 0.5), "IoU")] == [2]
    assert [run.seed for run in shown_runs(seeds(0.25, 0.75), "IoU")] == [0]
    assert [run.seed for run in shown_runs(seeds(0.3, float("nan")), "IoU")] == [0]
    assert shown_runs([], "IoU") == []


def test_a_collapsed_run_is_shown_beside_a_healthy_one():
    assert [run.seed for run in shown_runs(seeds(0.5, 0.0, 0.6, 0.0, 0.55, collapsed=(1, 3)), "IoU")] == [0, 1]
    assert [run.seed for run in shown_runs(seeds(0.0, 0.0, 0.6, collapsed=(0, 1)), "IoU")] == [0]


def test_images_are_of_different_subjects_where_there_are_some():
    ids, subjects = ["a1", "a2", "a3", "a4", "b1"], ["a", "a", "a", "a", "b"]
    both = record(0, 0.5, test_ids=ids, test_subjects=subjects, preview_ids=ids)
    assert [ids[index] for index in shown_images(both)] == ["a1", "b1", "a2"]
    one = record(0, 0.5, test_ids=ids, test_subjects=subjects, preview_ids=ids[:4])
    assert shown_images(one) == list(range(IMAGES))


def test_curves_know_iterations_and_epochs():
    assert points(record(0, 0.5), "IoU") == [(11, 1.0, 0.25), (22, 2.0, 0.5)]
