"""What every test has: a home folder of its own, no network, and two tiny real models."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tiny import write_random, write_script

SCRIPT = ("Okay", ",", " let", " me", " think", ".", "\n\n", "</think>", "It is", " 42", "!")
"""What the speaker says to any question: a reasoning of 7 tokens, its end, an answer of 3."""


@pytest.fixture(scope="session")
def babbler_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights: it babbles bytes, most of them no UTF-8."""
    return write_random(tmp_path_factory.mktemp("models") / "babbler.gguf")


@pytest.fixture(scope="session")
def speaker_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says SCRIPT, whatever it is asked."""
    return write_script(tmp_path_factory.mktemp("models") / "speaker.gguf", SCRIPT)


@pytest.fixture(autouse=True)
def ponder_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ponder's data folder, empty; nothing of the person's own settings is seen."""
    for name in [name for name in os.environ if name.startswith("PONDER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PONDER_THREADS", "1")  # two spinning threads on a busy core are slower than one
    monkeypatch.setenv("PONDER_HOME", str(tmp_path / "ponder-home"))
    return tmp_path / "ponder-home"


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A connection to any other machine fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _only_loopback(getattr(socket.socket, name)))
        yield


def _only_loopback(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        internet = self.family in {socket.AF_INET, socket.AF_INET6}
        if internet and not re.fullmatch(r"localhost|127\..*|::1", str(address[0])):
            pytest.fail(f"a test wants to connect to {address}")
        return connect(self, address)

    return guarded
