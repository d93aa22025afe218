"""Rows of a task file: JSON Lines, one JSON list, or CSV, and their fields in the usual spellings."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ponder.errors import FileFormatError, InputError

QUESTION = ("question", "problem", "prompt", "input", "query", "text", "ctx")
ANSWER = (
    "answer", "final_answer", "expected_answer", "reference_answer", "correct answer", "target", "gold",
    "solution", "output",
)  # fmt: skip
LEVEL = ("level", "difficulty", "subject", "type", "category")
ID = ("id", "task_id", "unique_id", "problem_id", "question_id")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands, and its fields with their names in small letters."""

    where: str
    number: int
    fields: Mapping[str, Any]

    def first(self, names: Iterable[str]) -> Any:
        """The first of these fields that is there and not empty, else None."""
        found = (self.fields.get(name) for name in names)
        return next((value for value in found if value not in (None, "", [])), None)

    def text(self, names: tuple[str, ...]) -> str:
        """As `first`, as text; raises FileFormatError where there is none."""
        value = self.first(names)
        if value is None or not str(value).strip():
            wanted = " or ".join(f"`{name}`" for name in names[:3])
            raise FileFormatError(
                f"{self.where} has no {wanted}: it has {', '.join(self.fields) or 'nothing'}."
            )
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    @property
    def id(self) -> str:
        """Its own name, else its number."""
        name = self.first(ID)
        return str(self.number if name is None else name)

    @property
    def level(self) -> str:
        """A difficulty or a subject, "" for none."""
        level = self.first(LEVEL)
        return "" if level is None else str(level)


def row_of(where: str, number: int, value: object) -> Row:
    """The row that a value is; raises FileFormatError for one that is no object."""
    if not isinstance(value, dict):
        raise FileFormatError(f'{where} is no object: write {{"question": …, "answer": …}}.')
    return Row(where, number, {str(name).strip().lower(): each for name, each in value.items()})


def read_rows(path: Path) -> list[Row]:
    """The rows of a file; raises InputError and FileFormatError, which name the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the task file {path} cannot be read ({error}): is the path right?") from error
    rows = [row_of(f"{path} line {at}", at, each) for at, each in _values(path, text)]
    if not rows:
        raise FileFormatError(f"{path} holds no problems: write one JSON object a line.")
    return rows


def _values(path: Path, text: str) -> Iterable[tuple[int, Any]]:
    if path.suffix.lower() == ".csv":
        return list(enumerate(csv.DictReader(io.StringIO(text)), 2))
    if text.lstrip().startswith("["):
        try:
            return list(enumerate(json.loads(text), 1))
        except ValueError as error:
            raise FileFormatError(f"{path} is no JSON ({error}): mend it.") from error
    values = []
    for at, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                values.append((at, json.loads(line)))
            except ValueError as error:
                raise FileFormatError(f"{path} line {at} is no JSON ({error}): mend it.") from error
    return values
