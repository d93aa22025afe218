"""Many questions from a JSONL file, answered one by one into another file; a second start goes on."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ponder.cli import ahead
from ponder.core.events import Token
from ponder.core.request import Message, Request
from ponder.core.trace import Trace
from ponder.errors import FileFormatError, InputError
from ponder.opened import Options, open_model
from ponder.session import start
from ponder.store import open_store
from ponder.warm import put_away


@dataclass(frozen=True, slots=True)
class Question:
    """One line of the file; `id` is the line's own, else its number."""

    id: str
    text: str
    system: str = ""


def answer_all(values: dict[str, Any], request: Request, options: Options) -> None:
    """Answer every question of `--questions` that `--output` does not hold yet."""
    asked = list(read_questions(Path(values["questions"])))
    output = Path(values["output"]) if values["output"] else None
    done = _done(output)
    todo = [question for question in asked if question.id not in done]
    opened = open_model(values["model"], options, *ahead.take())
    with open_store() as store, _out(output) as out, _progress(len(asked), len(asked) - len(todo)) as advance:
        try:
            for question in todo:
                system = question.system or values["system"]
                messages = [Message("system", system)] if system else []
                whole = replace(request, messages=(*messages, Message("user", question.text)))
                answering = start(opened, whole, store)
                for event in answering:
                    if isinstance(event, Token):
                        advance(0)
                out.write(json.dumps(_row(question, answering.trace()), ensure_ascii=False) + "\n")
                out.flush()
                advance(1)
        finally:
            put_away(opened)


def read_questions(path: Path) -> Iterator[Question]:
    """The questions in a JSONL file: objects with `question` (or `prompt`), or plain JSON strings.

    Raises FileFormatError, which names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--questions {path} cannot be read ({error}): is it a JSONL file?") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise FileFormatError(f"{path} line {number} is no JSON ({error}): mend it.") from error
        row = {"question": row} if isinstance(row, str) else row
        text = (row.get("question") or row.get("prompt")) if isinstance(row, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise FileFormatError(f'{path} line {number} has no `question`: write {{"question": "…"}}.')
        yield Question(str(row.get("id", number)), text, str(row.get("system", "")))


def _row(question: Question, trace: Trace) -> dict[str, Any]:
    finish = trace.finish
    usage = finish.usage if finish else None
    return {
        "id": question.id,
        "question": question.text,
        "reasoning_content": trace.reasoning,
        "content": trace.answer,
        "finish_reason": finish.reason if finish else None,
        "reasoning_tokens": usage.reasoning_tokens if usage else 0,
        "completion_tokens": usage.completion_tokens if usage else 0,
        "seconds": round(usage.total_s, 3) if usage else 0.0,
        "trace_id": trace.id,
    }


def _done(output: Path | None) -> set[str]:
    """The ids that `output` holds already; a last line that a kill cut off is removed from it."""
    if output is None or not output.exists():
        return set()
    data = output.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        output.write_bytes(whole)
    try:
        return {str(json.loads(line)["id"]) for line in whole.splitlines()}
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            f"--output {output} holds something else than answers ({error}): choose another file."
        ) from error


@contextmanager
def _out(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("a", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise InputError(
            f"--output {output} cannot be written ({error.strerror}): choose another."
        ) from error


@contextmanager
def _progress(total: int, done: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error; called with 1 for each answer, with 0 for each token."""
    console = Console(stderr=True)
    columns = (
        TextColumn("asking"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[tokens]} tokens"),
    )
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total, completed=done, tokens=0)
        tokens = 0

        def advance(count: int) -> None:
            nonlocal tokens
            tokens += count == 0
            bar.update(task, advance=count, tokens=tokens)

        yield advance
