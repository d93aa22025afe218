"""A dial: it stands at a place, is turned by so many places again and again, and where does it stand?

Easy with a line for each turn, and hard at a glance: a task for the smallest students. Turns have letters, so
that the next one can be found by its name. A level has more of them.
"""

from random import Random

from ponder.world.phrasing import phrase
from ponder.world.problem import Problem
from ponder.world.working import Working

PLACES = 5
_TURNS = {1: (3, 5), 2: (6, 9), 3: (10, 14)}
_ASKED = (
    "[The dial is at {start}. Turns: {turns}. Where is it?|"
    "A dial from 0 to 4 stands at {start}. It is turned by {turns}. Where does it stand?]"
)


def make(rng: Random, level: int) -> Problem:
    """Where it stands, and the turns."""
    start = rng.randrange(PLACES)
    turns = [rng.randrange(1, PLACES) for _ in range(rng.randint(*_TURNS[level]))]
    names = [f"{chr(ord('a') + number)}{by}" for number, by in enumerate(turns)]
    question = phrase(rng, _ASKED, start=start, turns=", ".join(names))

    def solve(working: Working) -> str:
        at = start
        working.step()
        for name, by in zip(names, turns, strict=True):
            working.line(f"{at} {name} ")
            right = (at + by) % PLACES
            at = int(working.chosen(str(right), str((right + 1) % PLACES)))
        return str(at)

    def check(working: Working, answer: str) -> bool:
        at = int(answer)
        working.step(f"Check: {answer}")
        for name, by in zip(names[::-1], turns[::-1], strict=True):
            before = (at - by) % PLACES
            working.line(f"{at} {name} {before}")
            at = before
        working.write(" ✓" if at == start else " ✗")
        return at == start

    key = f"dial {start} {turns}"
    return Problem("dial", level, question, str((start + sum(turns)) % PLACES), key, solve, check)
