"""One server for all tests of a module that do not change it."""

from collections.abc import Iterator

import pytest

from tests.serve.running import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a home folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_HOME", str(tmp_path_factory.mktemp("served-home")))
        with running() as it:
            yield it
