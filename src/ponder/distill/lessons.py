"""Lessons: problems of the world as token ids, with the tokens that are to be learned, in batches.

A lesson is made from (seed, its number) alone, so a place in the stream is all that has to be kept.
A batch holds lessons of like length side by side, each in a row of its own: nothing sees its neighbour.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

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
    a reasoning at all (a direct model has an empty one).
    """

    weights: Mapping[str, float]
    seed: int = 0
    slip_rate: float = 0.12
    direct: bool = False


def lesson(vocabulary: Vocabulary, one: Problem, solution: Solution | None) -> Lesson:
    """The conversation with the reasoning of `solution`, or with an empty one."""
    ids = vocabulary.prompt(one.question)
    learn = [False] * len(ids)
    for piece in _joined(solution) if solution else []:
        tokens = vocabulary.ids(piece[0])
        ids += tokens
        learn += [piece[1]] * len(tokens)
    end = [*vocabulary.ids("\n"), ENDTHINK, *vocabulary.ids("\n\n" + said(one)), END]
    if solution is None:
        end = end[1:]
    return Lesson(ids + end, learn + [True] * len(end))


def _joined(solution: Solution) -> list[tuple[str, bool]]:
    """Neighbouring pieces of one kind as one text, so that tokens are those of the whole."""
    out: list[tuple[str, bool]] = []
    for piece in solution.pieces:
        if out and out[-1][1] == piece.learn:
            out[-1] = (out[-1][0] + piece.text, piece.learn)
        else:
            out.append((piece.text, piece.learn))
    return out


def drawn(vocabulary: Vocabulary, course: Course, number: int) -> Lesson:
    """Lesson `number` of a course."""
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
