"""`ponder chat`: several turns; commands begin with a slash."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from ponder.cli import ahead
from ponder.cli.ask import show
from ponder.cli.options import (
    model_options,
    options_of,
    sampling_options,
    think_options,
)
from ponder.cli.steering import request_of, steering_options
from ponder.core.request import Message, Request
from ponder.errors import InputError, PonderError
from ponder.opened import Opened, Options, open_model
from ponder.session import start
from ponder.store import Store, open_store
from ponder.warm import put_away

HELP = """\
/budget N     most reasoning tokens from now on; /budget alone lifts the limit
/think on|off reason, or answer at once; /think alone lets the model decide
/model NAME   go on with another model
/system TEXT  another system message; alone: none
/retry        answer the last question again
/save FILE    the conversation as JSON, with the reasoning
/new          a new conversation
/quit         leave (or Ctrl-D)"""


@dataclass(slots=True)
class Conversation:
    """What a chat keeps: the turns with their reasoning (the template decides what it shows the model)."""

    opened: Opened
    options: Options
    request: Request
    store: Store
    hide_reasoning: bool
    system: str = ""
    turns: list[Message] = field(default_factory=list)

    def ask(self, question: str) -> None:
        """One turn; a question that fails leaves no trace in the conversation."""
        asked = [*self.turns, Message("user", question)]
        system = [Message("system", self.system)] if self.system else []
        answering = start(self.opened, replace(self.request, messages=(*system, *asked)), self.store)
        trace = show(answering, hide_reasoning=self.hide_reasoning).trace()
        self.turns = [*asked, Message("assistant", trace.answer, trace.reasoning)]


@click.command()
@model_options
@think_options
@steering_options
@sampling_options
@click.option("--hide-reasoning", is_flag=True, help="Show only the answers.")
def command(**values: Any) -> None:
    """Ask several questions in one conversation; /help lists the commands."""
    request = request_of(values)
    options = options_of(values)
    opened = open_model(values["model"], options, *ahead.take())
    with open_store() as store:
        talk = Conversation(opened, options, request, store, values["hide_reasoning"], values["system"])
        try:
            talk.opened.engine.serve()
            click.echo(
                click.style(f"{opened.name}: /help lists the commands, Ctrl-D leaves.", dim=True), err=True
            )
            _loop(talk)
        finally:
            put_away(talk.opened)


def _loop(talk: Conversation) -> None:
    while (line := _line()) is not None:
        try:
            if line.startswith("/"):
                if not _obey(talk, line):
                    return
            elif line:
                talk.ask(line)
        except PonderError as error:
            click.echo(click.style(str(error), fg="red"), err=True)


def _line() -> str | None:
    """One line from the person; None at the end of input."""
    try:
        if sys.stdin.isatty():
            __import__("readline")  # arrow keys and history
            return input("> ").strip()
        line = sys.stdin.readline()
        return line.strip() if line else None
    except (EOFError, KeyboardInterrupt):
        return None


def _obey(talk: Conversation, line: str) -> bool:
    """Run a slash command; False to leave."""
    name, _, rest = line[1:].partition(" ")
    if name in {"quit", "exit", "q"}:
        return False
    action = ACTIONS.get(name)
    if action is None:
        raise InputError(f"there is no command /{name}: /help lists them.")
    action(talk, rest.strip())
    return True


def _budget(talk: Conversation, rest: str) -> None:
    if rest and not rest.isdecimal():
        raise InputError(f"/budget {rest} is no number of tokens: write /budget 500.")
    talk.request = replace(talk.request, budget=int(rest) if rest else None)


def _think(talk: Conversation, rest: str) -> None:
    if rest not in {"on", "off", ""}:
        raise InputError(f"/think {rest} is neither on nor off: write /think on.")
    talk.request = replace(talk.request, think="on" if rest == "on" else "off" if rest else "auto")


def _model(talk: Conversation, rest: str) -> None:
    opened = open_model(rest, talk.options)
    put_away(talk.opened)
    talk.opened = opened
    click.echo(click.style(f"Now {opened.name}.", dim=True), err=True)


def _system(talk: Conversation, rest: str) -> None:
    talk.system = rest


def _retry(talk: Conversation, rest: str) -> None:
    del rest
    if len(talk.turns) < 2:
        raise InputError("there is no question to retry yet: ask one.")
    question, talk.turns = talk.turns[-2].content, talk.turns[:-2]
    talk.ask(question)


def _save(talk: Conversation, rest: str) -> None:
    if not rest:
        raise InputError("/save needs a file: write /save conversation.json.")
    system = [{"role": "system", "content": talk.system}] if talk.system else []
    rows = [
        {"role": turn.role, "content": turn.content}
        | ({"reasoning_content": turn.reasoning} if turn.reasoning else {})
        for turn in talk.turns
    ]
    try:
        Path(rest).write_text(json.dumps({"messages": system + rows}, ensure_ascii=False, indent=2), "utf-8")
    except OSError as error:
        raise InputError(
            f"/save {rest} cannot be written ({error.strerror}): choose another file."
        ) from error
    click.echo(click.style(f"Saved {len(rows)} messages in {rest}.", dim=True), err=True)


def _new(talk: Conversation, rest: str) -> None:
    del rest
    talk.turns = []


def _help(talk: Conversation, rest: str) -> None:
    del talk, rest
    click.echo(HELP, err=True)


ACTIONS: dict[str, Callable[[Conversation, str], None]] = {
    "budget": _budget,
    "think": _think,
    "model": _model,
    "system": _system,
    "retry": _retry,
    "save": _save,
    "new": _new,
    "help": _help,
}
