"""What is seen while a trace is checked by sampling: the cost before, a line of progress, a question."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from types import FrameType
from typing import Protocol

import click

from ponder.blame.rollouts import Ending
from ponder.blame.values import Blame, Estimate, Method, Vote
from ponder.cli.screen import clean
from ponder.core.events import Event
from ponder.core.spent import Spent
from ponder.endings import Watch

ASK_S, ASK_TOKENS = 60.0, 5000
"""From so many seconds on (tokens, where no speed is known) a person at a terminal is asked first."""
EVERY_S = 0.1
WIDTH = 100


class Finder(Protocol):
    """What the dear methods have in common."""

    spent: Spent
    watch: Watch | None

    def estimate(self) -> Estimate:
        """The cost, before it begins."""

    def __iter__(self) -> Iterator[Vote | Ending]:
        """Do the work, piece by piece."""

    def result(self) -> Blame:
        """What is known so far."""


def worth_it(method: Method, estimate: Estimate, *, sure: bool) -> bool:
    """Tell the cost; where it is high and somebody is there, ask."""
    click.echo(click.style(f"{method}: {estimate.sentence()}", dim=True), err=True)
    seconds = estimate.seconds
    dear = estimate.sampled_tokens > ASK_TOKENS if seconds is None else seconds > ASK_S
    if sure or not dear or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return click.confirm("Go on?", default=True, err=True)


def follow(method: Method, finder: Finder) -> bool:
    """Run it to its end with a line of progress; False if Ctrl-C broke it off."""
    line = _Line(method, finder.spent)
    finder.watch = line.event
    try:
        with _at_an_event(line):
            for piece in finder:
                line.piece(piece)
    except KeyboardInterrupt:
        return False
    finally:
        line.clear()
    return True


@contextmanager
def _at_an_event(line: "_Line") -> Iterator[None]:
    """While it lasts, a first Ctrl-C takes effect at the next event, where nothing can swallow it or be left
    half done; a second one at once.
    """

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if line.interrupted:
            raise KeyboardInterrupt
        line.interrupted = True

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Line:
    """One line on standard error, rewritten as things happen; nothing where that is no terminal."""

    def __init__(self, method: Method, spent: Spent) -> None:
        self._method, self._spent = method, spent
        self._shown_s = 0.0
        self._live = sys.stderr.isatty()
        self._last = "…"
        self._pieces = 0
        self.interrupted = False

    def event(self, event: Event) -> None:
        """Tokens pass: the counts grow."""
        del event
        if self.interrupted:
            raise KeyboardInterrupt
        if self._live and time.monotonic() - self._shown_s > EVERY_S:
            self._draw()

    def piece(self, piece: Vote | Ending) -> None:
        """An ending or a vote has come."""
        self._pieces += 1
        if isinstance(piece, Vote):
            named = "unreadable" if not piece.read else "none" if piece.step is None else piece.step + 1
            self._last = f"vote {self._pieces}: {named}"
        else:
            mark = "" if piece.right is None else " ✓" if piece.right else " ✗"
            self._last = f"ending {self._pieces}, before step {piece.node + 1}: {piece.answer or '–'}{mark}"
        if self._live:
            self._draw()

    def clear(self) -> None:
        """Take the line away."""
        if self._live:
            click.echo("\r\x1b[K", nl=False, err=True)

    def _draw(self) -> None:
        self._shown_s = time.monotonic()
        words = f"{self._method} · {self._spent.sampled_tokens:,} tokens · {clean(self._last)}"
        width = min(WIDTH, get_terminal_size()[0])
        shown = words if len(words) < width else words[: width - 2] + "…"
        click.echo(f"\r\x1b[K\x1b[2m{shown}\x1b[0m", nl=False, err=True)
