"""What a person typed for a path."""

from pathlib import Path

import pytest

from ponder.core.paths import typed_path
from ponder.errors import InputError


def test_a_home_is_found_or_missed_in_one_sentence() -> None:
    assert typed_path("~/x") == Path.home() / "x"
    with pytest.raises(InputError, match=r"^~nosuchuser/x: nobody of that name has a home here"):
        typed_path("~nosuchuser/x")
