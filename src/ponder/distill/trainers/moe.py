"""The trainer `moe`: a small DeepSeek-V3 from nothing, its experts evenly loaded; see `ponder.distill.moe`.

shape = { width = 128, layers = 4, experts = 8, used = 2 }        steps = 2000        rate = 0.002
moe = { bias_rate = 0.001, further = 0.3 }
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ponder.distill.trainers.lean import Lean
from ponder.errors import InputError


@dataclass(frozen=True, slots=True)
class ShapeOf:
    """The sizes of a student, as `ponder.distill.deepseek_shape.DeepseekShape` has them."""

    width: int = 128
    layers: int = 4
    heads: int = 4
    feed: int = 352
    n_ctx: int = 2048
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
    family: Literal["deepseek3"] = "deepseek3"
    kv_heads: int = 0

    @property
    def parameters(self) -> int:
        """What works on a token without the vocabulary: attention, used experts, the further module."""
        head = self.nope + self.rope
        attention = self.width * (self.q_lora + self.kv_lora + self.rope + self.heads * self.value)
        attention += self.heads * (self.q_lora * head + self.kv_lora * (self.nope + self.value))
        routed = 3 * self.width * self.expert_feed * (self.used + 1)
        plain, further = 3 * self.width * self.feed, self.mtp * (2 * self.width**2 + attention + routed)
        return self.layers * attention + self.dense * plain + (self.layers - self.dense) * routed + further


@dataclass(frozen=True, slots=True)
class Settings:
    """As those of `lean`; `moe` are the factors of `ponder.distill.moe.Factors`."""

    steps: int
    shape: ShapeOf = field(default_factory=ShapeOf)
    rate: float = 0.002
    tokens: int = 1536
    warm: int = 50
    cool: int | None = None
    optimizer: str = "muon"
    moe: Mapping[str, float] = field(default_factory=dict)


class Moe(Lean):
    """See `ponder.distill.trainers.Trainer`."""

    name: ClassVar[str] = "moe"
    settings: ClassVar[type[Any]] = Settings

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise InputError for sizes that make no model."""
        super().check(settings)
        shape = self._read(settings).shape
        if not 1 <= shape.used <= shape.experts:
            raise InputError(f"used = {shape.used} of {shape.experts} experts: take 1 to {shape.experts}.")
        if shape.rope % 2 or shape.expert_feed % 32:
            raise InputError(
                f"rope = {shape.rope} must be even, expert_feed = {shape.expert_feed} a multiple of 32."
            )


TRAINER = Moe()
