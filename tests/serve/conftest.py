"""One server for all tests of a module that do not change it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.running import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a home folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_HOME", str(tmp_path_factory.mktemp("served-home")))
        with running() as it:
            yield it


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory, speaker_gguf: Path) -> Iterator[Running]:
    """A server whose model says SCRIPT, three conversations at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_HOME", str(tmp_path_factory.mktemp("speaking-home")))
        with running(model=str(speaker_gguf), slots=3) as it:
            yield it


@pytest.fixture(scope="module")
def babbling(tmp_path_factory: pytest.TempPathFactory, babbler_gguf: Path) -> Iterator[Running]:
    """A server whose model babbles bytes, three conversations at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_HOME", str(tmp_path_factory.mktemp("babbling-home")))
        with running(model=str(babbler_gguf), slots=3) as it:
            yield it
