"""Two engines that run for the whole session, each a real llama.cpp in its own process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.engine.embedded import Embedded
from tests.engine.asking import settings


@pytest.fixture(scope="session")
def babbler(babbler_gguf: Path) -> Iterator[Embedded]:
    """Random weights."""
    engine = Embedded(settings(babbler_gguf))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def speaker(speaker_gguf: Path) -> Iterator[Embedded]:
    """Says SCRIPT."""
    engine = Embedded(settings(speaker_gguf))
    yield engine
    engine.close()
