"""Multiple choice: choices as a list, as letters with texts, or as fields of their own (MMLU, ARC, GPQA)."""

import random
import re
from typing import Any

from ponder.errors import FileFormatError
from ponder.evaluate.problem import Problem, lettered
from ponder.evaluate.tasks.rows import ANSWER, QUESTION, Row

ASKS = "Please reason step by step, and put the letter of your choice within \\boxed{}."
_LISTS = ("choices", "options", "endings")
_WRONG = re.compile(r"incorrect answer \d+")
_KEYS = ("answerkey", "label", "answer_index", "answer_idx", *ANSWER)


def has_choices(row: Row) -> bool:
    """Whether a row is of this format."""
    return row.first(_LISTS) is not None or any(_WRONG.fullmatch(name) for name in row.fields)


def problem_of(row: Row) -> Problem:
    """The problem of a row; where the right choice stands alone (GPQA) the order is shuffled, by its id."""
    wrong = [str(row.fields[name]).strip() for name in row.fields if _WRONG.fullmatch(name)]
    if wrong:
        right = row.text(("correct answer",)).strip()
        choices = [right, *wrong]
        random.Random(f"choices {row.id}").shuffle(choices)
        return Problem(row.id, row.text(QUESTION), _letter(choices.index(right)), row.level, tuple(choices))
    texts, labels = _listed(row.first(_LISTS))
    return Problem(row.id, row.text(QUESTION), _right(row, texts, labels), row.level, tuple(texts))


def _listed(value: Any) -> tuple[list[str], list[str]]:
    """The texts of the choices, and their labels in the file."""
    if isinstance(value, dict) and isinstance(value.get("text"), list):  # ARC
        return [str(text) for text in value["text"]], [str(label) for label in value.get("label", ())]
    if isinstance(value, dict):
        return [str(text) for text in value.values()], [str(label) for label in value]
    texts = [str(text) for text in value] if isinstance(value, list) else str(value).splitlines()
    return [re.sub(r"^\(?[A-Z][).:]\s+", "", text.strip()) for text in texts if text.strip()], []


def _right(row: Row, texts: list[str], labels: list[str]) -> str:
    """The letter of the right choice, however the file names it: place from 0, label, letter or text."""
    value = row.first(_KEYS)
    named = str(value).strip()
    if isinstance(value, int) and not labels and 0 <= value < len(texts):
        return _letter(value)
    if named in labels:
        return _letter(labels.index(named))
    letters = [letter for letter, _ in lettered(tuple(texts))]
    bare = named.strip(" ().").upper()
    if bare in letters:
        return bare
    if texts.count(named) == 1:
        return _letter(texts.index(named))
    if named.isdecimal() and int(named) < len(texts):
        return _letter(int(named))
    raise FileFormatError(
        f"{row.where} has the answer {named[:60]!r}, which is none of its choices: mend it."
    )


def _letter(place: int) -> str:
    return chr(ord("A") + place)
