"""The values of the world: a problem with its own solver, and a solution as pieces of text."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from ponder.world.working import Piece, Working

HELD_OUT_OF = 16
"""One key in so many is held out: a problem with such a key is for measuring, never for training."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One question. `key` names the instance whatever its wording, so that held-out problems stay apart.

    `solve` writes the reasoning and returns the answer; `check` works it out by another way and tells
    whether that fits. Both must do nothing but write.
    """

    task: str
    level: int
    question: str
    answer: str
    key: str
    solve: Callable[[Working], str] = field(repr=False, compare=False)
    check: Callable[[Working, str], bool] = field(repr=False, compare=False)
    says: str = ""

    @property
    def held_out(self) -> bool:
        """Whether this instance is kept from training."""
        return sha256(self.key.encode()).digest()[0] % HELD_OUT_OF == 0


@dataclass(frozen=True, slots=True)
class Solution:
    """A reasoning that ends with the right answer. `pieces` join to `reasoning`; of a piece that is not to
    be learned, a slip, no loss is taken. `said` is the text after the reasoning.
    """

    pieces: tuple[Piece, ...]
    said: str
    slipped: bool

    @property
    def reasoning(self) -> str:
        """The text between the think tags."""
        return "".join(piece.text for piece in self.pieces)
