"""A server process of ours on loopback: started, watched, its last words kept, ended with us."""

import secrets
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ponder.errors import EngineError, InputError

LAST_WORDS = 4000


class Process:
    """One child process. Its standard input is a lifeline: it ends when we do, however we end."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        try:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the person's program, which decides
            )
        except OSError as error:
            self._log.close()
            raise InputError(f"cannot start {command[0]} ({error.strerror}): is the path right?") from error

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.popen.poll() is None

    def say(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self.popen.stdin is not None
        try:
            self.popen.stdin.write(line.encode() + b"\n")
            self.popen.stdin.flush()
        except OSError:
            raise EngineError(f"the engine's process ended at its start: {self.last_words()}") from None

    def hear(self) -> str:
        """One line of its standard output; empty when it has ended."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().decode("utf-8", "replace").strip()

    def last_words(self) -> str:
        """The first error in its log's end, else its exit code: what a message can show."""
        self._log.seek(0, 2)
        self._log.seek(max(0, self._log.tell() - LAST_WORDS))
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        errors = [line.split(" E ", 1)[1] for line in lines if " E " in line]
        if errors:
            return errors[0].strip()
        code = self.popen.poll()
        return lines[-1].strip() if lines else f"exit code {code}"

    def end(self) -> None:
        """Stop it: politely by closing its input, then for good."""
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream is not None:
                stream.close()
        try:
            self.popen.wait(timeout=0.5)
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
