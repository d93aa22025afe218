"""Sizes of a small DeepSeek-V3: a latent for attention, experts for the feed-forward."""

from dataclasses import dataclass

from ponder.distill.student import Shape
from ponder.errors import InputError


@dataclass(frozen=True, slots=True)
class DeepseekShape(Shape):
    """The defaults are the teacher of `mini-r1`: about 1.3M parameters beside the vocabulary.

    The first `dense` layers have a plain feed-forward of width `feed`. The others have `experts` of width
    `expert_feed`, of which `used` work on a token, weighted to a sum of `scale`, and one that always works.
    `mtp` is the number of modules that predict one token further (0 or 1).
    """

    width: int = 128
    layers: int = 4
    heads: int = 4
    feed: int = 352
    family: str = "deepseek3"
    q_lora: int = 64
    kv_lora: int = 32
    nope: int = 16
    rope: int = 16
    value: int = 32
    dense: int = 1
    experts: int = 8
    used: int = 2
    expert_feed: int = 96
    scale: float = 1.0
    mtp: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.used <= self.experts:
            raise InputError(
                f"{self.used} of {self.experts} experts cannot be used; 1 to {self.experts} can."
            )
        if self.mtp not in {0, 1}:
            raise InputError(f"mtp is {self.mtp}; a student has 0 or 1 modules that predict further.")

    @property
    def rotary(self) -> int:
        """Numbers of a head that are turned by the position."""
        return self.rope
