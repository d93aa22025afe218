"""`ponder serve` as people start it, in a process that can be killed, with a model slow enough to watch."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.engine.asking import wait_for
from tests.tiny import EOS, write_chain

TOKEN = "a-token-for-the-browser-tests"
OPENERS = ("Okay", "Wait", "So", "Then", "Now", "Next")
DIGITS = "0123456789"


def write_wanderer(path: Path) -> Path:
    """A model that sets up short lines for ever, no two alike, a few of them wrong, and answers 42 when its
    reasoning is closed; about a hundred tokens a second on one core.
    """
    opening = dict.fromkeys(OPENERS, 1 / len(OPENERS))
    digit = {place: dict.fromkeys((place + digit for digit in DIGITS), 0.1) for place in (" ", "")}
    chain = {
        "\n": opening,
        **{opener: {", line": 1.0} for opener in OPENERS},
        ", line": digit[" "],
        **dict.fromkeys(digit[" "], digit[""]),
        **{number: {": 2 + 3": 1.0} for number in DIGITS},
        ": 2 + 3": {" = 5": 0.8, " = 6": 0.2},
        " = 5": {".": 1.0},
        " = 6": {".": 1.0},
        ".": {"\n\n": 1.0},
        "\n\n": opening,
        "</think>": {"The answer is": 1.0},
        "The answer is": {" 42": 1.0},
        " 42": {EOS: 1.0},
    }
    return write_chain(path, chain, memory=("</think>", "\n\n", "The answer is"), n_ctx_train=8192, n_ff=8192)


class Served:
    """A server that can be killed and started again at the same address."""

    def __init__(self, model: Path, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self._command = [sys.executable, "-m", "ponder", "serve", "-m", str(model), "--ctx", "8192"]
        self._command += ["--slots", "2", "--port", str(self.port)]
        self.process: subprocess.Popen[str]
        self.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        given = {"PONDER_HOME": str(self.home), "PONDER_TOKEN": TOKEN, "PONDER_THREADS": "1"}
        self.process = subprocess.Popen(
            self._command, env=os.environ | given, stdout=subprocess.DEVNULL, stderr=None, text=True
        )
        wait_for(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the server ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        time.sleep(0.02)
        return False

    def kill(self) -> None:
        """As `kill -9`, which its engine must notice."""
        engines = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        psutil.wait_procs(engines, timeout=30)

    def engine(self) -> psutil.Process:
        """The process that computes."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return max(found, key=lambda each: each.memory_info().rss)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(30)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Wire:
    """What lies between a browser and a server: every connection through it can be cut at once."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._go(self._accept)

    @property
    def url(self) -> str:
        """The near end."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> int:
        """Cut all connections; returns how many there were."""
        found = list(self._open)
        for end in found:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        return len(found) // 2

    def close(self) -> None:
        """Cut them, and take no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _go(self, work: object, *args: socket.socket) -> None:
        assert callable(work)
        self._threads.append(threading.Thread(target=work, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self._open |= {near, far}
            self._go(self._pass, near, far)
            self._go(self._pass, far, near)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        self._open.discard(source)
        if target not in self._open:
            source.close()
            target.close()


@contextmanager
def wired(port: int) -> Iterator[Wire]:
    """A wire to a server's port."""
    wire = Wire(port)
    try:
        yield wire
    finally:
        wire.close()
