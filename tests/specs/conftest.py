"""What all tests of specs share."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def refusal() -> Callable[[Callable[[], object]], str]:
    """The one sentence with which a spec is refused."""

    def sentence(make: Callable[[], object]) -> str:
        with pytest.raises(ValueError, match=r"\AExpected [^\n]*\.\Z") as error:
            make()
        return str(error.value)

    return sentence
