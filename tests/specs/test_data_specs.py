"""harness.specs.data: the sentence for each mistake."""

from __future__ import annotations

import pytest

from harness.specs import CircularCrop, Clahe, Data, RandomFlip, Resize, Split


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: Split("thirds"),
            "split `kind` to be one of 'published', 'subject', 'random', 'folds', but got 'thirds'",
        ),
        (lambda: Split(test=0), "split `test` to be a share between 0 and 1, but got 0"),
        (lambda: Split(test=1.0), "split `test` to be a share between 0 and 1, but got 1.0"),
        (lambda: Split(test="half"), "split `test` to be a finite number, but got 'half'"),
        (lambda: Split(validation=1), "split `validation` to be a share below 1, but got 1"),
        (lambda: Split(validation=-0.1), "split `validation` to be a share below 1, but got -0.1"),
        (lambda: Split(validation=float("nan")), "split `validation` to be a finite number, but got nan"),
        (lambda: Resize((48, 0)), "resize `size` to be a (height, width) in pixels, but got (48, 0)"),
        (lambda: Resize(48), "resize `size` to be a (height, width) in pixels, but got 48"),
        (lambda: Resize([48, 72]), "resize `size` to be a (height, width) in pixels, but got [48, 72]"),
        (lambda: Resize((48.0, 72.0)), "resize `size` to be a (height, width) in pixels"),
        (lambda: Resize((48, 72), "cubic"), "resize `fit` to be one of 'area', 'nearest', 'short-side', 'centre-crop'"),
        (lambda: Clahe(clip=0), "Clahe `clip` to be greater than 0, but got 0"),
        (lambda: Clahe(tiles=2.5), "Clahe `tiles` to be a whole number above 0, but got 2.5"),
        (lambda: CircularCrop(-1), "CircularCrop `threshold` to be at least 0, but got -1"),
        (
            lambda: Data("dme", split="subject"),
            "data `split` to be a Split as in Split(\"subject\"), but got 'subject'",
        ),
        (lambda: Data("dme", resize=(48, 72)), "data `resize` to be a Resize((height, width)), but got (48, 72)"),
        (lambda: Data("dme", prepare=Clahe()), "data `prepare` to be a tuple as in (CircularCrop(), Clahe())"),
        (lambda: Data("dme", prepare=(RandomFlip(),)), "data `prepare` to be a tuple as in"),
        (lambda: Data("dme", count=0), "data `count` to be a whole number above 0, but got 0"),
        (lambda: Data("dme", count=1.5), "data `count` to be a whole number above 0, but got 1.5"),
        (lambda: Data("dme", evidence="synthetic"), "data `evidence` to be one of '', 'real', 'phantom'"),
        (lambda: Data("dme", companion=1), 'Expected data `companion` to be a name as "other-eye", but got 1'),
        (lambda: Data("dme", subset=0), "data `subset` to be a whole number above 0, but got 0"),
        (lambda: Data("dme", subset=True), "data `subset` to be a whole number above 0, but got True"),
        (lambda: Data("dme", subset=-0.5), "a number of images or a share below 1, but got -0.5"),
        (lambda: Data("dme", subset=1.0), "a number of images or a share below 1, but got 1.0"),
        (lambda: Data("dme", subset=20.0), "a number of images or a share below 1, but got 20.0"),
        (lambda: Data("dme", subset=float("nan")), "a number of images or a share below 1, but got nan"),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words: str) -> None:
    assert words in refusal(make)


@pytest.mark.parametrize("subset", [None, 1, 20, 0.5, 1e-3])
def test_a_subset_is_a_number_of_images_or_a_share(subset: float | None) -> None:
    assert Data("dme", subset=subset).subset == subset


def test_the_packed_size_is_that_of_the_resize() -> None:
    assert Data("dme").size is None
    assert Data("dme", resize=Resize((48, 72), "short-side")).size == (48, 72)
