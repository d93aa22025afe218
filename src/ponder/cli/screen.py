"""A run on the terminal: reasoning dim and live, the answer bright, then one line of numbers.

When standard output is no terminal it gets the answer alone; everything else goes to standard error.
"""

import codecs
import json
import sys
from dataclasses import asdict
from typing import Any, TextIO

import click

from ponder.core.events import Event, Finish, Part, Prefill, Token

CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}") | {9: "\t", 10: "\n"}
"""A model's text must not steer the terminal."""
WORTH_TELLING = 256
"""Prompts from this many tokens on show their progress."""


def clean(text: str) -> str:
    """`text` without control characters but tab and newline."""
    return text.translate(CONTROLS)


class Screen:
    """Folds a run's events into what a person sees."""

    def __init__(self, *, hide_reasoning: bool = False) -> None:
        self.live = sys.stdout.isatty()
        self._reasoning_out: TextIO | None = None
        if not hide_reasoning:
            self._reasoning_out = sys.stdout if self.live else sys.stderr
        self._colour = {"reasoning": (self._reasoning_out or sys.stderr).isatty(), "answer": self.live}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._part: Part = "tag"
        self._fresh = True  # nothing of the part shown yet: its leading white space is dropped
        self._status = False

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Token):
            self._token(event)
        elif isinstance(event, Prefill) and event.total >= WORTH_TELLING and sys.stderr.isatty():
            click.echo(f"\r\x1b[2mreading {event.done}/{event.total} tokens\x1b[0m", nl=False, err=True)
            self._status = True
        elif isinstance(event, Finish):
            self._enter("tag")

    def past(self, part: Part, text: str) -> None:
        """Text that was there before this run."""
        self._enter(part)
        self._write(part, text)

    def aside(self, words: str) -> None:
        """A few words inside the line that is being written."""
        if self._part == "tag":
            self.tell(f"{words.capitalize()}.")
        else:
            out = sys.stdout if self._part == "answer" else self._reasoning_out or sys.stderr
            out.write(click.style(f"[{words}]", reverse=True))
            out.flush()

    def tell(self, sentence: str) -> None:
        """A sentence beside the output."""
        self._enter("tag")
        click.echo(click.style(clean(sentence), dim=True), err=True)

    def _token(self, token: Token) -> None:
        if token.part != self._part:
            self._enter(token.part)
        if token.part != "tag":
            self._write(token.part, self._decoder.decode(token.data), by_person=token.origin == "correction")

    def _enter(self, part: Part) -> None:
        """Another part begins: the old one ends its line, a blank line stands before the answer."""
        if self._status:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._status = False
        if part == self._part:
            return
        if self._part != "tag":
            self._write(self._part, self._decoder.decode(b"", final=True))
            if not self._fresh:
                self._raw(self._part, "\n")
            if self._part == "reasoning" and self.live and not self._fresh:
                self._raw(self._part, "\n")
        self._decoder.reset()
        self._part, self._fresh = part, True

    def _write(self, part: Part, text: str, *, by_person: bool = False) -> None:
        text = clean(text)
        if self._fresh:
            text = text.lstrip("\n ")
        if text:
            self._fresh = False
            style: dict[str, Any] = {"dim": True} if part == "reasoning" else {"bold": True}
            style = {"fg": "yellow"} if by_person else style
            self._raw(part, click.style(text, **style) if self._colour[part] else text)

    def _raw(self, part: Part, text: str) -> None:
        out = sys.stdout if part == "answer" else self._reasoning_out
        if out is not None:
            out.write(text)
            out.flush()


def numbers(finish: Finish, trace_id: str) -> str:
    """The one line after an answer."""
    use = finish.usage
    words = [
        f"{use.reasoning_tokens} reasoning + {use.answer_tokens} answer tokens",
        f"prefill {use.prefill_tps:.0f} tok/s" if use.prefill_tps >= 1 else "",
        f"decode {use.decode_tps:.1f} tok/s" if use.decode_s else "",
        f"{use.total_s:.1f} s",
        f"trace {trace_id}" if trace_id else "",
    ]
    return " · ".join(word for word in words if word)


def as_json(event: Event) -> str:
    """One event as a line of JSON: its kind, its fields, token bytes as text (and as hex if not UTF-8)."""
    row: dict[str, Any] = {"event": type(event).__name__.lower()} | asdict(event)
    if isinstance(event, Token):
        data: bytes = row.pop("data")
        row["text"] = data.decode("utf-8", "replace")
        try:
            data.decode()
        except UnicodeDecodeError:
            row["hex"] = data.hex()
    return json.dumps(row, ensure_ascii=False)
