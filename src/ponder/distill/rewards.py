"""What a written answer is worth: rewards that can be verified, each by name, from 0 to 1.

`answer` by the scorers of the evaluation, where only an answer that is marked counts; `format`: the reasoning
is closed once and the answer ends; `language`: the reasoning keeps to the script of its question, as R1's
second stage rewards. What might be a reward without the work, `suspicions` names.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from ponder.check.claims import claims_in
from ponder.distill.vocabulary import END, ENDTHINK, SPECIAL, Vocabulary
from ponder.errors import InputError
from ponder.evaluate.problem import Problem as Asked
from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.verifier import Verifier
from ponder.evaluate.tasks.world import own_of
from ponder.world.problem import Problem
from ponder.world.reasoning import said

SHORT = 0.25
"""A reasoning of less than this share of its group's median length is suspiciously short."""


class Written(NamedTuple):
    """What a student wrote to a prompt that opens the reasoning: ids, and the texts between their tags."""

    ids: tuple[int, ...]
    reasoning: str
    answer: str
    closed: int
    ended: bool


def split(vocabulary: Vocabulary, ids: Sequence[int]) -> Written:
    """The reasoning up to the first closing tag, and what stands behind the last."""
    text = vocabulary.text(ids)
    tag, end = SPECIAL[ENDTHINK], SPECIAL[END]
    reasoning, _, _ = text.partition(tag)
    answer = text.rpartition(tag)[2].removesuffix(end) if tag in text else ""
    ended = bool(ids) and ids[-1] == END
    return Written(tuple(ids), reasoning, answer.strip(), ids.count(ENDTHINK), ended)


_VERIFIER = Verifier(Cascade(anchored=True))


@lru_cache(maxsize=8192)
def answered(problem: Problem, written: Written) -> float:
    """1 for a right answer behind a closed reasoning, else 0; what is unknown is not right."""
    if not written.closed or not written.ended:
        return 0.0
    if written.answer == said(problem):
        return 1.0
    asked = Asked("", problem.question, problem.answer, own=own_of(problem.task, problem.answer))
    return float(_VERIFIER.judge(asked, written.answer).outcome == "right")


def formed(problem: Problem, written: Written) -> float:
    """1 where the reasoning is there, closed once, and the text behind it ends and has no other tag."""
    del problem
    others = sum(each < len(SPECIAL) for each in written.ids) - 2
    whole = written.closed == 1 and written.ended and others == 0
    return float(whole and bool(written.reasoning.strip()) and bool(written.answer))


def consistent(problem: Problem, written: Written) -> float:
    """The share of the reasoning's letters that are of the question's script; 1 without letters."""
    scripts = {_script(each) for each in problem.question if each.isalpha()}
    letters = [each for each in written.reasoning if each.isalpha()]
    if not letters or not scripts:
        return 1.0
    return sum(_script(each) in scripts for each in letters) / len(letters)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").partition(" ")[0]


REWARDS: Mapping[str, Callable[[Problem, Written], float]] = MappingProxyType(
    {"answer": answered, "format": formed, "language": consistent}
)


def reward(weights: Mapping[str, float], problem: Problem, written: Written) -> float:
    """The weighted sum. Raises InputError for a name that is none of REWARDS."""
    for name in weights:
        if name not in REWARDS:
            raise InputError(f"there is no reward {name!r}; there are {', '.join(REWARDS)}.")
    return sum(weight * REWARDS[name](problem, written) for name, weight in weights.items())


def suspicions(problem: Problem, written: Written, median_length: float) -> list[str]:
    """Why a right answer may not have come from its reasoning; empty where nothing speaks for that."""
    found = []
    if len(written.ids) < SHORT * median_length:
        found.append(f"{len(written.ids)} tokens where half of its group has {median_length:.0f} or more")
    if not written.reasoning.strip():
        found.append("no reasoning")
    elif problem.answer.isdigit() and problem.answer not in written.reasoning.replace(",", ""):
        found.append("the answer does not stand in the reasoning")
    wrong = [claim for claim in claims_in(written.reasoning) if claim.verdict == "wrong"]
    if wrong and "Wait" not in written.reasoning:
        found.append(f"{len(wrong)} wrong claims in the reasoning, none taken back")
    lines = [line for line in written.reasoning.splitlines() if line.strip()]
    if len(lines) >= 8 and len(set(lines)) < len(lines) / 2:
        found.append("more than half of its lines are repeated")
    return found
