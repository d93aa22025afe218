"""What the text has established so far: which variable has which value since when, and how sure that is."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Known:
    """A variable's value and where it was set; `firm` if a contradiction to it is an error.

    `said` is a value that was set in so many words ("let x = 12").
    """

    value: Fraction
    start: int
    firm: bool
    said: bool = False


class Scope:
    """The values of the variables at every place of a text, written in order."""

    def __init__(self, given: Mapping[str, Fraction] | None = None) -> None:
        self._values = {name: Known(value, 0, True, True) for name, value in (given or {}).items()}
        self._starts = [0]
        self._states: list[Mapping[str, Known]] = [dict(self._values)]

    def at(self, place: int) -> Mapping[str, Known]:
        """The values known before the character `place`."""
        return self._states[bisect_right(self._starts, place) - 1]

    @property
    def now(self) -> Mapping[str, Known]:
        """The values known at the end of what was read."""
        return self._values

    def put(self, place: int, name: str, known: Known) -> None:
        """A variable has a value from `place` on; a second, different value is not firm unless it is said."""
        before = self._values.get(name)
        changed = before is not None and before.value != known.value
        firm = known.firm and (known.said or not changed)
        self._values[name] = Known(known.value, known.start, firm, known.said)
        self._keep(place)

    def drop(self, place: int, *names: str) -> None:
        """Nothing is known of these variables, or of any if none is named, from `place` on."""
        if names and not any(name in self._values for name in names):
            return
        if not names and not self._values:
            return
        for name in names or list(self._values):
            self._values.pop(name, None)
        self._keep(place)

    def _keep(self, place: int) -> None:
        self._starts.append(place)
        self._states.append(dict(self._values))


NAMED = re.compile(
    r"(?<![A-Za-z\\'])(?<![-+*/^×÷=<>≤≥(] )([b-hj-zB-HJ-Z])\s+(?:is|equals|is equal to|will be)\s+"
    r"(-?[0-9][0-9,]{0,11}(?:\.[0-9]+)?)"
    r"(?![0-9]|[.,][0-9]|\s*[-+*/^×÷%=(]|(?:\s+\w+){0,2}\s+(?:more|less|fewer|than|times|of|percent|or|to)\b)"
)
"""The price p is 12; in June p is 13."""

SAID = re.compile(
    r"(?:\b(?:let|set|sets|given|denote|define|put)\b|设|令|已知)[^.;:?\n]{0,50}$|\b(?:where|with)\s+$",
    re.IGNORECASE,
)
