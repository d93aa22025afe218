"""Seconds to an answer: read the prompt, then write while every token makes the next one slower.

A rate at the start understates a long thought by a fifth: 8,000 tokens on a card that starts at 130 tokens/s
take 15 % longer than 8,000 / 130 seconds. The time is integrated over the growing depth instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ponder.errors import InputError
from ponder.fit.prefill import prefill_time_s
from ponder.fit.quality import Length
from ponder.fit.speed import interval, token_time_s
from ponder.fit.work import Stage


@dataclass(frozen=True, slots=True)
class Answer:
    """Predicted seconds of one answer of mean length, and of a long one (90th percentile of lengths).

    `total_s` is `reading_s` + `writing_s`; `low_s` and `high_s` bound it with 80 % for the mean length.
    `mean_tps` is the rate over the whole answer.
    """

    length: Length
    prompt_tokens: int
    reading_s: float
    writing_s: float
    total_s: float
    low_s: float
    high_s: float
    p90_s: float
    mean_tps: float


def writing_time_s(
    stages: Sequence[Stage], tokens: float, depth: float = 0.0, correction: float = 1.0
) -> float:
    """Seconds to write `tokens` with `depth` tokens before them.

    The time of a token is linear in depth until a window is full, so Simpson's rule on eight pieces is
    exact without windows and good to a thousandth with them.
    """
    if tokens <= 0:
        raise InputError(f"An answer of {tokens:g} tokens cannot be timed; give at least 1.")
    weights = (1, 4, 2, 4, 2, 4, 2, 4, 1)
    times = (token_time_s(stages, depth + tokens * place / 8) for place in range(9))
    return tokens * sum(weight * time for weight, time in zip(weights, times, strict=True)) / 24 / correction


def answer(
    stages: Sequence[Stage], length: Length, prompt_tokens: int = 200, correction: float = 1.0
) -> Answer:
    """Predict the seconds from question to answer on a placed model."""
    reading_s = prefill_time_s(stages, max(1, prompt_tokens))
    writing_s = writing_time_s(stages, length.mean_tokens, prompt_tokens, correction)
    long_s = writing_time_s(stages, length.p90_tokens, prompt_tokens, correction)
    low, high = interval("decode", stages, calibrated=correction != 1.0)
    total_s = reading_s + writing_s
    return Answer(
        length=length,
        prompt_tokens=prompt_tokens,
        reading_s=reading_s,
        writing_s=writing_s,
        total_s=total_s,
        low_s=total_s / high,
        high_s=total_s / low,
        p90_s=reading_s + long_s,
        mean_tps=length.mean_tokens / writing_s,
    )
