"""What sampling has cost, counted from the events as they pass."""

from dataclasses import dataclass

from ponder.core.events import Event, Prefill, Token


@dataclass(slots=True)
class Spent:
    """Whole runs, tokens sampled and evaluated, tokens of prompts and prefixes that were taken from the KV
    cache instead, and seconds.
    """

    runs: int = 0
    sampled_tokens: int = 0
    evaluated_tokens: int = 0
    cached_tokens: int = 0
    seconds: float = 0.0

    def take(self, event: Event, reading: Prefill | None) -> Prefill | None:
        """Count one event after `reading`, the evaluation that waits for its first token; the next such.

        An evaluation is told several times while it goes on, and counts once.
        """
        if isinstance(event, Prefill):
            return event
        if isinstance(event, Token):
            self.sampled_tokens += event.origin == "model"
            if reading is not None:
                self.read(reading)
            return None
        return reading

    def read(self, prefill: Prefill) -> None:
        """Count what one piece of generation had to evaluate before its first token."""
        self.evaluated_tokens += prefill.total - prefill.cached
        self.cached_tokens += prefill.cached
