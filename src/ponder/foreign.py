"""Reasoning that was written elsewhere, read as traces: to look at, to check, to search, never to go on from.

A solution comes as plain text (with think tags or without), as chat messages with their reasoning, as a row
with a question and an output, or as a list of steps. Nobody tells its tokens, so words stand for them,
without ids, log-probabilities or times; the trace says so. Given steps stay, other texts are cut as ours are.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ponder.core.events import ClosedBy, Finish, Sampled, Step, Token, Usage
from ponder.core.model import ThinkTags
from ponder.core.request import Message, Request
from ponder.core.tags import FORMATS
from ponder.core.trace import Trace
from ponder.errors import FileFormatError
from ponder.reason.fold import Fold
from ponder.reason.label import Labeller

ENGINE = "imported text"
"""The engine of a trace whose words were not written here."""
SAID = "Imported text: words stand for tokens, and nobody told ids, probabilities or times."
UNTAGGED = "There are no think tags, so the whole text is taken for reasoning."
_PIECE = re.compile(r"\s*[^\W\d_]+|\s*\d|\s*(?:[^\w\s]|_)+\n*|\s+")
_QUESTIONS = ("question", "problem", "modified_question", "prompt", "instruction", "query", "input")
_OUTPUTS = ("response", "output", "completion", "generation", "solution", "text", "long_cot")
_REASONINGS = ("reasoning_content", "reasoning", "thinking", "thought")
_ANSWERS = ("answer", "content")
_STEPS = ("steps", "modified_process", "sections")
_STEP_TEXTS = ("text", "content", "step", "value", "completion")


@dataclass(frozen=True, slots=True)
class Solution:
    """One solution from elsewhere: `steps` where they are given, else `text` as it was written, with tags.

    `row` is what it was read from, with whatever else it holds.
    """

    question: str
    text: str
    steps: tuple[str, ...] = ()
    model: str = ""
    row: Mapping[str, Any] | None = None


def read_solutions(text: str, name: str = "the file") -> Iterator[Solution]:
    """The solutions in a file's text: JSON Lines, one JSON document, or plain text.

    Raises FileFormatError, saying where, for rows that hold no solution.
    """
    begins = text.lstrip()[:1]
    if not begins:
        raise FileFormatError(f"{name} is empty: give a text, or JSON Lines with a solution each.")
    if begins not in "{[":
        yield Solution("", text)
        return
    for number, row in enumerate(_rows(text, name), 1):
        found = solution_of(row) if isinstance(row, dict) else None
        if found is None:
            keys = ", ".join(list(row)[:6]) if isinstance(row, dict) else type(row).__name__
            raise FileFormatError(
                f"{name}, solution {number} ({keys}), holds none that is known: give `messages`, `steps`, or "
                "`question` and `response`."
            )
        yield found


def solution_of(row: Mapping[str, Any]) -> Solution | None:
    """The solution in one row, None where there is none."""
    model = _first(row, ("model", "generator"))
    choices = row.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):  # an answer of OpenAI's API
        message = choices[0].get("message")
        row = {**row, "messages": [message]} if isinstance(message, dict) else row
    elif isinstance(row.get("message"), dict):  # one of Ollama's
        row = {**row, "messages": [row["message"]]}
    question = _first(row, _QUESTIONS)
    if isinstance(row.get("messages"), list):
        return _from_messages(row["messages"], question, model, row)
    given = next((row[name] for name in _STEPS if isinstance(row.get(name), list)), None)
    if given is not None:
        steps = tuple(text for text in map(_step_text, given) if text.strip())
        return Solution(question, "", steps, model, row) if steps else None
    reasoning, output = _first(row, _REASONINGS), _first(row, _OUTPUTS)
    if reasoning:
        return Solution(question, _tagged(reasoning, _first(row, _ANSWERS) or output), (), model, row)
    return Solution(question, output, (), model, row) if output else None


def trace_of(solution: Solution, model: str = "", question: str = "") -> Trace:
    """The solution as a trace without token ids, nor an id of its own yet; `model` and `question`
    where it does not say them.
    """
    notes = [SAID]
    closed: ClosedBy = "open"
    solution = replace(solution, question=solution.question or question, model=solution.model or model)
    if solution.steps:
        tokens, steps = _given(solution)
    else:
        text, tags = solution.text, _tags_in(solution.text)
        if tags is None:
            notes.append(UNTAGGED)
        fold = Fold(tags or FORMATS["think"], {}, "undecided" if tags else "reasoning", solution.question)
        for piece in _PIECE.findall(text.lstrip() if tags else text):
            fold.feed(Sampled(None, piece.encode(), None, 0.0))
        fold.end()
        tokens, steps = tuple(fold.tokens), tuple(fold.steps)
        closed = fold.closed_by if tags else closed
    parts = [token.part for token in tokens]
    usage = Usage(
        completion_tokens=len(tokens),
        reasoning_tokens=parts.count("reasoning"),
        answer_tokens=parts.count("answer"),
    )
    request = Request((Message("user", solution.question),))
    finish = Finish("stop", closed, usage, tuple(notes))
    name = solution.model or "unknown"
    return Trace("", time.time(), request, name, ENGINE, (), tokens, steps, finish)


def _given(solution: Solution) -> tuple[tuple[Token, ...], tuple[Step, ...]]:
    """Tokens and steps as the solution has them, all reasoning."""
    tokens: list[Token] = []
    steps: list[Step] = []
    labeller = Labeller(solution.question)
    for number, text in enumerate(solution.steps):
        start, last = len(tokens), number == len(solution.steps) - 1
        for piece in _PIECE.findall(text.rstrip() + ("" if last else "\n\n")):
            tokens.append(Token(len(tokens), None, piece.encode(), "reasoning", "model", None, 0.0))
        label = labeller.step(text)
        steps.append(Step(number, start, len(tokens), "reasoning", label.role, label.rule))
    return tuple(tokens), tuple(steps)


def _from_messages(
    messages: Sequence[Any], question: str, model: str, row: Mapping[str, Any]
) -> Solution | None:
    """The last turn of an assistant, and the last question before it."""
    turns = [turn for turn in messages if isinstance(turn, dict)]
    at = max((i for i, turn in enumerate(turns) if turn.get("role") == "assistant"), default=-1)
    if at < 0:
        return None
    asked = [_first(turn, ("content",)) for turn in turns[:at] if turn.get("role") == "user"]
    content, reasoning = _first(turns[at], ("content",)), _first(turns[at], _REASONINGS)
    text = _tagged(reasoning, content) if reasoning else content
    return Solution(asked[-1] if asked else question, text, (), model, row) if text else None


def _tagged(reasoning: str, answer: str) -> str:
    tags = FORMATS["think"]
    return f"{tags.open}\n{reasoning.strip()}\n{tags.close}\n\n{answer.strip()}"


def _tags_in(text: str) -> ThinkTags | None:
    """The think tags that a text uses; the closing one alone will do, since templates write the other."""
    return next((tags for tags in FORMATS.values() if tags.close in text or tags.open in text), None)


def _step_text(step: Any) -> str:
    return step if isinstance(step, str) else _first(step, _STEP_TEXTS) if isinstance(step, dict) else ""


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first text under one of these names."""
    return next((row[name] for name in names if isinstance(row.get(name), str) and row[name].strip()), "")


def _rows(text: str, name: str) -> Iterator[Any]:
    """The values of JSON Lines, or of one JSON document."""
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    except RecursionError:
        raise FileFormatError(f"{name} is nested too deeply for JSON of solutions.") from None
    if whole is not None:
        yield from whole if isinstance(whole, list) else [whole]
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FileFormatError(
                    f"{name}, line {number}, is no JSON ({error}): mend it, or leave it out."
                ) from None
