"""Keys while the model writes: one pauses at the end of the step, and then a person can step in.

Only on a terminal of a system that has one to read key by key (not on Windows' console).
"""

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from shutil import get_terminal_size
from typing import Any

import click

from ponder.cli.drawing import line
from ponder.cli.screen import clean
from ponder.core.trace import Trace
from ponder.errors import InputError, PonderError
from ponder.session import Answering

PAUSE_KEYS = "p "
SHOWN = 8
"""Steps that a pause lists, the last ones."""
POLL_S = 0.1

MENU = """\
{keys}
{c} go on from TEXT after this step
{put} put TEXT in place of step {n}
{d} drop step {n} and all after it
{s} read step {n}"""


def possible() -> bool:
    """Whether keys can be read one by one here."""
    return sys.stdin.isatty() and sys.stdout.isatty() and _termios() is not None


@contextmanager
def watching(pause: Callable[[], None]) -> Iterator[None]:
    """While it lasts, a pause key calls `pause`; what else is typed is dropped. Ctrl-C works as ever."""
    termios, tty = _termios(), import_module("tty")
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            typed = select.select([terminal], [], [], POLL_S)[0] and not done.is_set()
            if typed and any(key in PAUSE_KEYS for key in os.read(terminal, 64).decode("utf-8", "replace")):
                pause()

    reader = threading.Thread(target=read, name="ponder-keys", daemon=True)
    tty.setcbreak(terminal, termios.TCSANOW)
    reader.start()
    try:
        yield
    finally:
        done.set()
        reader.join()
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def step_in(answering: Answering) -> Answering | None:
    """What a person wants at a pause: None to go on as it is, else the branch to go on with.

    Wishes that need no branch (answer now, think more, stop) are told to the run.
    """
    trace = answering.so_far()
    _list(trace, SHOWN)
    _say(_menu(answering, trace))
    while True:
        try:
            typed = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            typed = "q"
        try:
            done, branch = _obey(answering, trace, typed)
        except PonderError as error:
            click.echo(click.style(str(error), fg="red"), err=True)
            continue
        if done:
            return branch


def _obey(answering: Answering, trace: Trace, typed: str) -> tuple[bool, Answering | None]:
    """Whether the pause is over after what was `typed`, and the branch to go on with."""
    word, _, rest = typed.partition(" ")
    rest = rest.strip()
    wishes: dict[str, Callable[[], None]] = {
        "a": answering.answer_now,
        "m": answering.think_more,
        "q": answering.stop,
    }
    if word in wishes or not word:
        if word:
            wishes[word]()
        return True, None
    if word == "s":
        if rest:
            _say(clean(trace.step_text(trace.step(_number(rest)))).strip())
        else:
            _list(trace, len(trace.steps))
        return False, None
    if word == "c":
        return True, answering.fork(len(trace.steps) + 1, "say", rest)
    if word == "d":
        return True, answering.fork(_number(rest), "delete")
    if word.isdecimal():
        return True, answering.fork(_number(word), "say", rest)
    if word != "?":
        _say(f"{typed[:40]!r} is none of these:")
    _say(_menu(answering, trace))
    return False, None


def _menu(answering: Answering, trace: Trace) -> str:
    """What can be typed; only what this model can do, with a step that there is."""
    run, n = answering.run, len(trace.steps)
    keys = ["Enter go on", "a answer now"] if run.reasoning else ["Enter go on"]
    keys += ["m think more"] if run.reasoning and run.interventions.can_extend else []
    typed = {"c": "c TEXT", "put": f"{n} TEXT", "d": f"d {n}", "s": f"s {n}"}
    width = max(map(len, typed.values())) + 1
    padded = {name: text.ljust(width) for name, text in typed.items()}
    return MENU.format(keys=" · ".join([*keys, "s all steps", "q stop and keep"]), n=n, **padded)


def _number(text: str) -> int:
    if not text.isdecimal():
        raise InputError(f"{text!r} is no number of a step: write it like d 7.")
    return int(text)


def _list(trace: Trace, count: int) -> None:
    """The last `count` steps, a line each."""
    width = get_terminal_size().columns - 1
    for step in trace.steps[-count:]:
        _say(f"{step.index + 1:>4} {step.role:<11} {line(trace.step_text(step))}"[:width])


def _say(text: str) -> None:
    click.echo(click.style(text, dim=True), err=True)


def _termios() -> Any:
    try:
        return import_module("termios")
    except ImportError:  # Windows
        return None
