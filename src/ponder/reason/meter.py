"""Counts and seconds of one run, read off the events as they pass."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ponder.core.events import Prefill, Sampled, Token, Usage


class Meter:
    """A run's clock and counters; `begun` is the time.perf_counter() from which its token times count."""

    def __init__(self, prompt_tokens: int, elapsed_s: float = 0.0) -> None:
        self.begun = time.perf_counter() - elapsed_s
        self.prompt_tokens = prompt_tokens
        self.completion_tokens = 0
        self._first_prefill: Prefill | None = None
        self._prefill_s = 0.0
        self._first_s: float | None = None
        self._last_s = 0.0
        self._sampled = 0

    def now(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self.begun

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The clock stands still: nothing is done meanwhile."""
        since = time.perf_counter()
        try:
            yield
        finally:
            self.begun += time.perf_counter() - since

    def prefill(self, event: Prefill) -> None:
        """The prompt's evaluation has come this far."""
        if self._first_s is None:  # later ones go over what was counted already
            self._first_prefill = self._first_prefill or event
            self._prefill_s = event.time_s - self._first_prefill.time_s

    def sampled(self, token: Sampled) -> None:
        """The model has chosen a token."""
        if self._first_s is None:
            self._first_s = token.time_s
        self._last_s = token.time_s
        self._sampled += 1

    def counted(self, prompt_tokens: int, completion_tokens: int) -> None:
        """What the engine itself has counted; 0 where it says nothing."""
        self.prompt_tokens = prompt_tokens or self.prompt_tokens
        self.completion_tokens = completion_tokens

    def usage(self, tokens: Sequence[Token]) -> Usage:
        """The sums, `tokens` being the whole output."""
        parts = [token.part for token in tokens]
        cached = self._first_prefill.cached if self._first_prefill else 0
        return Usage(
            prompt_tokens=self.prompt_tokens,
            cached_tokens=min(cached, self.prompt_tokens),
            completion_tokens=self.completion_tokens or len(tokens),
            reasoning_tokens=parts.count("reasoning"),
            answer_tokens=parts.count("answer"),
            sampled_tokens=self._sampled,
            prefill_s=self._prefill_s,
            decode_s=self._last_s - (self._first_s or 0.0),
            total_s=self.now(),
        )
