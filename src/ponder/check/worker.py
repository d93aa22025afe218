"""A child process that answers one JSON line with another, each within its time.

It is started at the first question and kept. Where it is late or has died it is gone, that question stays
without an answer, and the next one starts another.
"""

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

START_S = 60.0
"""For the start, which may import SymPy; the child then writes a line of its own."""


class Worker:
    """One child that runs `command`; for one thread at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    @property
    def alive(self) -> bool:
        """Whether there is a child now."""
        return self._process is not None

    def ask(self, question: object, deadline_s: float) -> dict[str, Any] | None:
        """The answer; None where there was none within `deadline_s`, and then the child is gone."""
        process = self._process or self._started()
        if process is None or process.stdin is None:
            return None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
        except OSError:
            found = None
        else:
            found = self._next(deadline_s)
        if found is None:
            self.close()
        return found

    def _started(self) -> "subprocess.Popen[str] | None":
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self._lines = queue.SimpleQueue()
        threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()
        if self._next(START_S) is None:
            self.close()
        return self._process

    def _next(self, seconds: float) -> dict[str, Any] | None:
        try:
            line = self._lines.get(timeout=seconds)
            return dict(json.loads(line)) if line else None
        except (queue.Empty, ValueError):
            return None

    def close(self) -> None:
        """End the child, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()


def _read(process: "subprocess.Popen[str]", lines: "queue.SimpleQueue[str]") -> None:
    """Pass its lines on, and an empty one at their end."""
    with contextlib.suppress(ValueError, OSError):
        for line in process.stdout or ():
            lines.put(line)
    lines.put("")
