"""A server process of ours on loopback: started, watched, its last words kept, ended with us."""

import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from ponder.engine.protocol import EngineDiedError
from ponder.errors import EngineError, InputError

LAST_WORDS = 4000
MOST_LOG = 1 << 20
"""Bytes of its log that are kept: llama.cpp tells some lines of every request."""
FAREWELL_S = 0.5


_ERROR = re.compile(r"[\d.]+ E (.*)")


class Process:
    """One child process. Its standard input is a lifeline: it ends when we do, however we end.

    What it says on standard error is kept for `last_words`.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,  # Ctrl-C is for the person's program, which decides
            )
        except OSError as error:
            self._log.close()
            raise InputError(f"cannot start {command[0]} ({error.strerror}): is the path right?") from error

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.popen.poll() is None

    def resident_bytes(self) -> int:
        """RAM that it and its children take now, files they have mapped included; 0 after its end."""
        return sum(int(each.memory_info().rss) for each in self._family())

    def busy_s(self) -> float:
        """Seconds of processor time that it and its children have had so far."""
        return sum(float(sum(each.cpu_times()[:2])) for each in self._family())

    def _family(self) -> list[Any]:
        psutil = import_module("psutil")
        try:
            own = psutil.Process(self.popen.pid)
            return [each for each in (own, *own.children(recursive=True)) if each.is_running()]
        except psutil.Error:
            return []

    @contextmanager
    def or_end(self) -> Iterator["Process"]:
        """This process, which is ended if what is done with it fails or is interrupted."""
        try:
            yield self
        except BaseException:
            self.end()
            raise

    def say(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self.popen.stdin is not None
        try:
            self.popen.stdin.write(line.encode() + b"\n")
            self.popen.stdin.flush()
        except OSError:
            raise self.ended("the engine's process ended at its start") from None

    def hear(self) -> str:
        """One line of its standard output; empty when it has ended."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().decode("utf-8", "replace").strip()

    def ended(self, what: str, known: str = "") -> EngineError:
        """The error to raise when it has ended or is about to: a death if a signal killed it."""
        with suppress(subprocess.TimeoutExpired):
            code = self.popen.wait(FAREWELL_S)
            if code < 0:
                return EngineDiedError(f"{what}: killed by signal {-code}.")
        return EngineError(f"{what}: {self.last_words(known)}.")

    def last_words(self, known: str = "") -> str:
        """What a message can show: the first error in its log's end, else what is `known`, else its last line
        or its exit code.
        """
        said = [line.strip() for line in self.log(LAST_WORDS).split("\n") if line.strip()]
        errors = [found[1].strip() for line in said if (found := _ERROR.match(line))]
        words = (*errors[:1], known, *said[-1:], f"exit code {self.popen.poll()}")
        return next(word for word in words if word).rstrip(".")

    def log(self, most: int = 2 * MOST_LOG) -> str:
        """The end of what it has said, `most` bytes of it."""
        file = self._log.fileno()  # shared with the child, which writes where this file stands
        return os.pread(file, most, max(0, os.fstat(file).st_size - most)).decode("utf-8", "replace")

    def forget(self) -> None:
        """Drop a log that has grown long."""
        if os.fstat(self._log.fileno()).st_size > MOST_LOG:
            self._log.seek(0)
            self._log.truncate()

    def end(self) -> None:
        """Stop it: politely by closing its input, then for good."""
        for stream in (self.popen.stdin, self.popen.stdout):
            assert stream is not None
            with suppress(OSError):  # what was not flushed to the dead
                stream.close()
        try:
            self.popen.wait(timeout=FAREWELL_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self._log.close()


def new_key() -> str:
    """A key for one life of one process."""
    return secrets.token_urlsafe(24)


def source(name: str) -> str:
    """The path of a program beside this file."""
    return str(Path(__file__).with_name(name))
