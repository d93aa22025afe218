"""A lamp: a row of keys, of which some are pressed; each press turns the lamp on or off. What is it in the end?

Easy with the lamp's state written behind each key, and hard at a glance: a task for the smallest students, which
learn it in a few hundred steps. Every row is equally long; a level has more presses.
"""

from random import Random

from ponder.world.phrasing import phrase
from ponder.world.problem import Problem
from ponder.world.working import Working

KEYS = 10
_PRESSES = {1: (1, 3), 2: (4, 6), 3: (7, 9)}
_SIGNS = {True: "y", False: "n"}
_ASKED = "[Off. {keys} On?|The lamp is off: {keys} Is it on?]"


def make(rng: Random, level: int) -> Problem:
    """Keys as 1 for a press and 0 for none."""
    pressed = set(rng.sample(range(KEYS), rng.randint(*_PRESSES[level])))
    keys = "".join("1" if at in pressed else "0" for at in range(KEYS))
    question = phrase(rng, _ASKED, keys="".join(f"{key}." for key in keys))

    def solve(working: Working) -> str:
        on = False
        working.step()
        for key in keys:
            working.write(key)
            on = on != (key == "1")
            on = working.chosen(_SIGNS[on], _SIGNS[not on]) == "y"
        return _said(on)

    def check(working: Working, answer: str) -> bool:
        working.step("Check: ")
        for count in range(1, KEYS + 1):
            working.write(f"{keys[:count].count('1') % 10},")
        fits = answer == _said(keys.count("1") % 2 == 1)
        working.write(" ✓" if fits else " ✗")
        return fits

    return Problem("lamp", level, question, _said(len(pressed) % 2 == 1), f"lamp {keys}", solve, check)


def _said(on: object) -> str:
    return "on" if on else "off"
