"""Which answers say the same: a number is one number however it is written, words are compared as words."""

import re
from collections.abc import Sequence

from ponder.check.claim import written
from ponder.check.evaluate import NUMBER, NotEvaluated, evaluate, number
from ponder.check.plain import plain
from ponder.reason.effort import final_answer

_NUMBER = re.compile(rf"(?<![\w.])-?(?:{NUMBER})(?![\w])")
_DENIED = re.compile(r"\b(?:not|no|never|isn't|cannot)\b|不", re.IGNORECASE)
_LEADING = re.compile(r"^(?:the|an?|option|choice|answer|选项)\b[\s:]*")
_EDGES = " \t\n.。,;:!*\"'()[]{}$"
_LONG = 60


def answer_key(answer: str) -> str:
    """What an answer says, in one spelling; two answers agree if their keys are equal. "" for no answer."""
    said = final_answer(answer) or answer.strip()
    try:
        return written(evaluate(said.strip(" $.。")).value)
    except NotEvaluated:
        pass
    simple = plain(said)
    found = _NUMBER.findall(simple)
    if len(found) == 1 and len(said) <= _LONG and not _DENIED.search(simple):
        sign = -1 if found[0].startswith("-") else 1
        return written(sign * number(found[0].lstrip("-"))[0])
    words = " ".join(simple.casefold().split()).strip(_EDGES)
    return _LEADING.sub("", words).strip(_EDGES)


def agreement(answers: Sequence[str]) -> tuple[int | None, ...]:
    """For each answer the number of its group, 0 for the largest (of equal ones the earliest); None for no
    answer.
    """
    keys = [answer_key(answer) for answer in answers]
    counts = {key: keys.count(key) for key in dict.fromkeys(keys) if key}
    order = sorted(counts, key=lambda key: -counts[key])
    return tuple(order.index(key) if key else None for key in keys)
