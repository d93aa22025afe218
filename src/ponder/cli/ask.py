"""`ponder ask`: one question, or a file of them."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import FrameType
from typing import Any

import click

from ponder.catalog.models import BUILTIN
from ponder.cli import ahead
from ponder.cli.live import possible, step_in, watching
from ponder.cli.options import (
    model_options,
    options_of,
    sampling_options,
    stacked,
    think_options,
)
from ponder.cli.predictions import idle_gpu, plan_line, surprises
from ponder.cli.questions import answer_all
from ponder.cli.screen import Screen, as_json, numbers
from ponder.cli.steering import request_of, steering_options
from ponder.cli.texts import read_text
from ponder.core.events import Event, Paused
from ponder.core.request import Message
from ponder.errors import InputError
from ponder.opened import open_model
from ponder.session import Answering, start
from ponder.store import open_store
from ponder.warm import put_away

INTRODUCTION = (
    "This is ponder-builtin, made for sums and small puzzles. For anything else `ponder fit` names the "
    "DeepSeek-R1 that suits this machine, and `ponder pull` gets it."
)

output_options = stacked(
    click.option("--hide-reasoning", is_flag=True, help="Show only the answer."),
    click.option("--json", "json_lines", is_flag=True, help="The stream of events as JSON Lines."),
    click.option("-v", "--verbose", is_flag=True, help="The plan, and what became of its predictions."),
)


@click.command()
@click.argument("question", nargs=-1)
@model_options
@think_options
@steering_options
@sampling_options
@output_options
@click.option("--no-keep", is_flag=True, help="Keep no trace of it.")
@click.option(
    "--file", "files", multiple=True, metavar="FILE", help="Text to go with the question; - is stdin."
)
@click.option("--questions", metavar="FILE.jsonl", help="Ask many: a JSON object with `question` a line.")
@click.option("-o", "--output", metavar="FILE.jsonl", help="With --questions: where the answers go.")
def command(question: tuple[str, ...], **values: Any) -> None:
    """Ask QUESTION (or standard input) and watch the reasoning, then the answer.

    Ctrl-C once ends the reasoning and asks for the answer now; twice stops, and the trace is kept. On a
    terminal, p pauses at the end of the step: correct it or an earlier one, and the model goes on from there.
    """
    request = request_of(values)
    options = options_of(values)
    if values["questions"]:
        if question or values["files"] or values["json_lines"]:
            raise InputError("--questions takes neither a QUESTION nor --file or --json: leave them out.")
        if values["no_keep"]:
            raise InputError(
                "--questions keeps its traces, to go on after an interruption: leave out --no-keep."
            )
        answer_all(values, request, options)
        return
    messages = [Message("system", values["system"])] if values["system"] else []
    messages.append(Message("user", question_text(question, values["files"])))
    opened = open_model(values["model"], options, *ahead.take())
    if not values["model"] and opened.model is not None and opened.model.id == BUILTIN:
        Screen().tell(INTRODUCTION)
    with nullcontext() if values["no_keep"] else open_store() as store:
        try:
            answering = start(opened, replace(request, messages=tuple(messages)), store)
            shown = {name: values[name] for name in ("hide_reasoning", "json_lines", "verbose")}
            show(answering, **shown)
        finally:
            put_away(opened)


def show(
    answering: Answering, *, hide_reasoning: bool = False, json_lines: bool = False, verbose: bool = False
) -> Answering:
    """Run `answering` to its end on the terminal; Ctrl-C and the pause key work as promised.

    Returns the run that came to its end: a branch, where a person has corrected a step.
    """
    screen = Screen(hide_reasoning=hide_reasoning)
    told: tuple[str, ...] = ()
    if verbose:
        screen.tell(plan_line(answering.opened))
    live = not json_lines and possible()
    branch: Answering | None = answering
    while branch is not None:
        answering = branch
        for sentence in answering.run.notes:
            if sentence not in told:
                screen.tell(sentence)
        told = answering.run.notes
        branch = _shown(answering, screen, json_lines=json_lines, live=live)
    finish = answering.run.finish
    if finish is not None:
        for sentence in [*(note for note in finish.notes if note not in told), *answering.warnings]:
            screen.tell(sentence)
        screen.tell(numbers(finish, answering.trace_id))
        idle = idle_gpu(answering.opened, finish.usage.decode_s)
        for sentence in (*surprises(answering.compared, everything=verbose), *([idle] if idle else [])):
            screen.tell(sentence)
        if finish.reason == "cancelled" and answering.trace_id:
            screen.tell(f"Stopped; `ponder resume {answering.trace_id}` goes on from there.")
    return answering


def _shown(answering: Answering, screen: Screen, *, json_lines: bool, live: bool) -> Answering | None:
    """Show events until the run ends, or a person at a pause goes on with the branch that is returned."""

    def take(event: Event) -> None:
        if json_lines:
            click.echo(as_json(event))
        else:
            screen.show(event)

    try:
        while True:
            paused, told = None, False
            with interruptible(answering, screen), watching(answering.pause) if live else nullcontext():
                for event in answering:
                    if live and answering.run.pausing and not told:
                        told = True
                        screen.aside("pausing at the end of this step")
                    take(event)
                    if live and isinstance(event, Paused):
                        paused = event
                        break
            if paused is None:
                return None
            screen.tell(f"Paused after step {paused.step.index + 1}.")
            branch = step_in(answering)
            if branch is not None:
                kept = f"; trace {answering.trace_id} is the line so far" if answering.trace_id else ""
                screen.tell(f"On from here as a branch{kept}.")
                return branch
            for token in answering.run.fold.tokens[paused.step.stop :]:  # the line goes on behind its menu
                screen.show(token)
    except KeyboardInterrupt:
        for event in answering.cancel():
            take(event)
    return None


@contextmanager
def interruptible(answering: Answering, screen: Screen) -> Iterator[None]:
    """While it lasts, a first Ctrl-C in the reasoning asks for the answer, any other one stops."""
    pressed = 0

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        nonlocal pressed
        pressed += 1
        if pressed > 1 or not answering.run.reasoning:
            raise KeyboardInterrupt
        answering.answer_now()
        screen.tell("Closing the reasoning; Ctrl-C again stops.")

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def question_text(words: tuple[str, ...], files: tuple[str, ...]) -> str:
    """The question with the files it goes with; raises InputError for one that is empty or not text."""
    text = " ".join(words)
    if text in {"", "-"} and "-" not in files and (not words or text == "-"):
        if sys.stdin.isatty():
            raise InputError('there is no question: type `ponder ask "…"`, or pipe one in.')
        text = read_text("-")
    parts = [text] if text.strip() and text != "-" else []
    parts += [f"{name}:\n```\n{read_text(name, '--file')}\n```" for name in files]
    whole = "\n\n".join(parts)
    if not whole.strip():
        raise InputError('the question is empty: type `ponder ask "…"`.')
    return whole
