"""Pushing with biases: markers that are favoured or forbidden, and a soft budget: an end tag ever likelier.

A bias is part of one piece of generation, so a growing one means short pieces: `limit` says how long the next
may be. Only the reasoning is pushed; once it is over, the answer is the model's own.
"""

from collections.abc import Sequence

from ponder.core.request import Steering

GROWTH_TOKENS = 32
"""Tokens after which the bias on the end tag grows again."""
GROWTH = 1.0
"""Logits that it grows by: after 320 tokens the tag is e^10 times likelier than it was."""
MOST = 100.0
"""A bias that llama.cpp's sampling never resists."""


class Push:
    """The biases of one run. `close_id` is the end tag's token; `markers` are (token id, logits)."""

    def __init__(
        self, steering: Steering, close_id: int | None, markers: Sequence[tuple[int, float]]
    ) -> None:
        self._soft = steering.soft_budget
        self._close_id = close_id
        self._markers = tuple(markers)

    @property
    def active(self) -> bool:
        """Whether there is any pushing to do."""
        return bool(self._markers) or self._soft is not None

    def bias(self, reasoning_tokens: int) -> tuple[tuple[int, float], ...]:
        """(token id, logits) for the next piece, after so many tokens of reasoning."""
        if self._soft is None or reasoning_tokens < self._soft or self._close_id is None:
            return self._markers
        grown = GROWTH * (1 + (reasoning_tokens - self._soft) // GROWTH_TOKENS)
        return (*self._markers, (self._close_id, min(MOST, grown)))

    def limit(self, reasoning_tokens: int) -> int | None:
        """Tokens until the bias changes; None if it stays."""
        if self._soft is None:
            return None
        past = reasoning_tokens - self._soft
        return -past if past < 0 else GROWTH_TOKENS - past % GROWTH_TOKENS
