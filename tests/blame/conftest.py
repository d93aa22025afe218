"""The model that goes astray, loaded once, and its trace that did."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.core.trace import Trace
from ponder.opened import Opened, Options, open_model
from tests.blame.wrong import wander, write_wanderer


@pytest.fixture(scope="package")
def wanderer_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wanderer(tmp_path_factory.mktemp("models") / "wanderer.gguf")


@pytest.fixture(scope="package")
def wanderer(wanderer_gguf: Path) -> Iterator[Opened]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_THREADS", "1")
        opened = open_model(str(wanderer_gguf), Options(n_ctx=2048))
    yield opened
    opened.engine.close()


@pytest.fixture(scope="package")
def astray(wanderer: Opened) -> Trace:
    return wander(wanderer, None, "43")
