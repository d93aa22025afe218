"""A verdict on one answer: right, wrong or unknown, and the step that decided it."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["right", "wrong", "unknown"]

VERIFIER = "ponder-1"
"""Name and version of the rules in this folder; it changes when a verdict may."""


LATE = "no verdict within"
"""How the note of a comparison begins that took longer than its deadline."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`step` decided; `given` is the answer that was judged, `how` the text gave it (see
    `ponder.check.answers.Found`), `note` what a person should know.

    Unknown is what no step could decide, such as an answer that nothing here can read, or one whose
    comparison took longer than it may. It counts as not right, and is counted.
    """

    outcome: Outcome
    step: str
    given: str = ""
    how: str = ""
    note: str = ""

    @property
    def right(self) -> bool:
        """Whether it is known to be right."""
        return self.outcome == "right"
