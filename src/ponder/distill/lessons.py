"""Lessons: problems of the world as token ids, with the tokens that are to be learned, in batches.

A lesson is made from (seed, its number) alone, or stands in a file, so a place in the stream is all that has
to be kept. A batch holds lessons of like length side by side, each in a row of its own: nothing sees its
neighbour.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random

from ponder.distill.rows import Lines
from ponder.distill.vocabulary import END, ENDTHINK, Vocabulary
from ponder.world.problem import Problem, Solution
from ponder.world.reasoning import reasoned, said
from ponder.world.tasks import LEVELS, problem

POOL = 256
"""So many lessons are made at once and sorted by length."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Token ids of one conversation. `learn[i]` tells whether token i is to be predicted."""

    ids: list[int]
    learn: list[bool]


@dataclass(frozen=True, slots=True)
class Course:
    """What to draw lessons from: weights of the tasks, how often the reasoning slips, and whether there is
    a reasoning at all (a direct model has an empty one); or `lessons`, the file of a dataset, shuffled anew
    whenever all of it has been drawn.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    slip_rate: float = 0.12
    direct: bool = False
    lessons: str = ""


def lesson(vocabulary: Vocabulary, one: Problem, solution: Solution | None) -> Lesson:
    """The conversation with the reasoning of `solution`, or with an empty one."""
    return conversation(vocabulary, one.question, solution.pieces if solution else None, said(one))


def conversation(
    vocabulary: Vocabulary, question: str, pieces: Sequence[tuple[str, bool]] | None, answer: str
) -> Lesson:
    """A question, the pieces of its reasoning with whether to learn them (None: it is empty), its answer."""
    ids = vocabulary.prompt(question)
    learn = [False] * len(ids)
    for text, wanted in joined(pieces or ()):
        tokens = vocabulary.ids(text)
        ids += tokens
        learn += [wanted] * len(tokens)
    close = [] if pieces is None else vocabulary.ids("\n")
    end = [*close, ENDTHINK, *vocabulary.ids("\n\n" + answer), END]
    return Lesson(ids + end, learn + [True] * len(end))


def joined(pieces: Sequence[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Neighbouring pieces of one kind as one text, so that tokens are those of the whole."""
    out: list[tuple[str, bool]] = []
    for text, wanted in pieces:
        if out and out[-1][1] == wanted:
            out[-1] = (out[-1][0] + text, wanted)
        else:
            out.append((text, wanted))
    return out


def from_file(path: str, seed: int, number: int) -> Lesson:
    """Lesson `number` of the endless row of shuffled copies of a dataset's file."""
    lines = _lines(path)
    turn, at = divmod(number, len(lines))
    (row,) = lines.read(_order(seed, turn, len(lines))[at], 1, dict)
    learn = [False] * len(row["ids"])
    for start, stop in row["learn"]:
        learn[start:stop] = [True] * (stop - start)
    return Lesson(row["ids"], learn)


@lru_cache(maxsize=2)
def _order(seed: int, turn: int, count: int) -> Sequence[int]:
    order = array("L", range(count))
    Random(f"{seed} turn {turn}").shuffle(order)
    return order


@lru_cache(maxsize=4)
def _lines(path: str) -> Lines:
    return Lines(Path(path))


def drawn(vocabulary: Vocabulary, course: Course, number: int) -> Lesson:
    """Lesson `number` of a course."""
    if course.lessons:
        return from_file(course.lessons, course.seed, number)
    rng = Random(f"{course.seed} {number}")
    task = rng.choices(list(course.weights), list(course.weights.values()))[0]
    one = problem(task, rng, rng.choice(LEVELS), held_out=False)
    return lesson(vocabulary, one, None if course.direct else reasoned(one, rng, course.slip_rate))


def batches(
    vocabulary: Vocabulary, course: Course, tokens: int, place: tuple[int, int] = (0, 0)
) -> Iterator[tuple[tuple[int, int], list[Lesson]]]:
    """Batches of at most `tokens` places, endlessly, from `place` (pool, batch in it) on; each with the place
    of the one that follows.
    """
    pool, skip = place
    while True:
        lessons = [drawn(vocabulary, course, pool * POOL + at) for at in range(POOL)]
        packed = _packed(lessons, tokens, Random(f"{course.seed} order {pool}"))
        for at in range(skip, len(packed)):
            yield ((pool, at + 1) if at + 1 < len(packed) else (pool + 1, 0)), packed[at]
        pool, skip = pool + 1, 0


def _packed(lessons: list[Lesson], tokens: int, rng: Random) -> list[list[Lesson]]:
    out: list[list[Lesson]] = [[]]
    for one in sorted(lessons, key=lambda each: len(each.ids)):
        if out[-1] and (len(out[-1]) + 1) * len(one.ids) > tokens:
            out.append([])
        out[-1].append(one)
    rng.shuffle(out)
    return out
