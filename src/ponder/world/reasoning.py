"""A problem's reasoning: solve, check; where a slip was made the check fails, and it is solved again."""

from random import Random

from ponder.world.problem import Problem, Solution
from ponder.world.working import Working

REPAIR = "Wait, that does not fit. Again:"
TRIES = 6
MOST_CHARACTERS = 1300
"""A slip that leads further astray is left out: the longest reasoning without one has about 1,000."""


def reasoned(problem: Problem, rng: Random, slip_rate: float = 0.0) -> Solution:
    """The reasoning of `problem`; with the chance `slip_rate` one with a slip that is found and repaired."""
    if rng.random() < slip_rate:
        for _ in range(TRIES):  # many a slip changes nothing in the end
            solution = _slipped(problem, rng)
            if solution is not None:
                return solution
    working = Working()
    answer = problem.solve(working)
    if answer != problem.answer or not problem.check(working, answer):
        raise AssertionError(f"{problem.task}: {problem.question!r} gave {answer!r}, not {problem.answer!r}")
    return Solution(tuple(working.pieces), said(problem), slipped=False)


def said(problem: Problem) -> str:
    """What stands after the reasoning."""
    return problem.says or f"The answer is {problem.answer}."


def _slipped(problem: Problem, rng: Random) -> Solution | None:
    """A reasoning with one slip, or None where that cannot be told apart by the check."""
    clean = Working()
    problem.solve(clean)
    if not clean.results:
        return None
    working = Working(rng.randrange(clean.results), rng)
    try:
        answer = problem.solve(working)
        found = working.slipped and not problem.check(working.calm(), answer)
    except (ValueError, ArithmeticError, IndexError, KeyError):
        return None  # the slip leads where the working has no lines for
    if not found:
        return None
    working.step(REPAIR)
    answer = problem.solve(working)
    if answer != problem.answer or not problem.check(working, answer):
        return None
    solution = Solution(tuple(working.pieces), said(problem), slipped=True)
    return solution if len(solution.reasoning) <= MOST_CHARACTERS else None
