r"""Questions with an answer: GSM8K (`#### 18`), MATH (`\boxed{…}` in a solution), AIME, and any like them."""

import re

from ponder.errors import FileFormatError
from ponder.evaluate.problem import BOXED, Problem
from ponder.evaluate.tasks.rows import ANSWER, QUESTION, Row
from ponder.reason.effort import boxed

ASKS = BOXED
_MARKED = re.compile(r"^####[ \t]*(.+?)\s*$", re.MULTILINE)


def problem_of(row: Row) -> Problem:
    """The problem of a row; raises FileFormatError where question or answer is missing."""
    return Problem(row.id, row.text(QUESTION), target_of(row), row.level)


def target_of(row: Row) -> str:
    """What the answer is: of a worked solution only its end; several answers are a list."""
    value = row.first(ANSWER)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = row.text(ANSWER).strip()
    marked = _MARKED.findall(text)
    if marked:
        return str(marked[-1])
    box = boxed(text)
    if box is None and "\\boxed" in text:
        raise FileFormatError(f"{row.where} has an answer whose box never ends: mend it.")
    return text if box is None else box
