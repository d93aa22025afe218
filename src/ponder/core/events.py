"""The only things that ever stream: the terminal, the pages, the API and the store all fold these."""

from dataclasses import dataclass
from typing import Literal

Part = Literal["reasoning", "answer", "tag"]
"""Where a token belongs: `tag` is a think tag, a channel header or the end-of-sequence token."""

Origin = Literal[
    "model",  # the model chose it
    "template",  # opens or closes the reasoning because the model's template leaves that to us
    "no_think",  # closes the reasoning before it begins
    "budget",  # closes the reasoning: its budget, or what max_tokens leaves for it, was reached
    "context",  # closes the reasoning: the context was nearly full
    "loop",  # closes the reasoning: it repeated itself
    "eos",  # closes the reasoning: the model wanted to stop inside it
    "user",  # closes the reasoning: the person asked for the answer now
    "correction",  # a person's correction, in the model's voice
    "extend",  # goes on with the reasoning where the model would have ended it
]
"""Who wrote a token: the model, or which intervention."""

Alternative = tuple[int, bytes, float]
"""A token that could have stood somewhere: id, bytes, natural log-probability."""

ClosedBy = Literal["model", "no_think", "budget", "context", "loop", "eos", "user", "none", "open"]
"""How the reasoning ended; `none`: there was no reasoning, `open`: it never ended."""

FinishReason = Literal["stop", "length", "loop", "cancelled", "error"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """One token as an engine produced it.

    `id` is None where the engine gives only text. `data` are the token's exact bytes (for text engines:
    the UTF-8 of a piece of text). `logprob` is natural, of the untempered distribution. `entropy` is in
    nats over the alternatives the engine reports, a lower bound. `time_s` counts from the start of the
    request. `part` is set only by servers that separate the reasoning themselves. `alternatives` are told
    only where they were asked for, the likeliest first.
    """

    id: int | None
    data: bytes
    logprob: float | None
    time_s: float
    entropy: float | None = None
    part: Part | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Prefill:
    """The prompt is being, or has been, evaluated: `done` of `total` tokens, `cached` of them from the KV
    cache.
    """

    total: int
    done: int
    cached: int
    time_s: float


@dataclass(frozen=True, slots=True)
class Token:
    """One token of the output, `index` counted from the first token after the prompt.

    `alternatives` pass by while it runs and are not kept.
    """

    index: int
    id: int | None
    data: bytes
    part: Part
    origin: Origin
    logprob: float | None
    time_s: float
    entropy: float | None = None
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A half-open range [start, stop) of token indices, all of one part.

    `role` is what the step does in the reasoning and `rule` what the label rests on.
    """

    index: int
    start: int
    stop: int
    part: Literal["reasoning", "answer"]
    role: str = "other"
    rule: str = ""


@dataclass(frozen=True, slots=True)
class StepStart:
    """A step begins at token `start`."""

    index: int
    start: int
    part: Literal["reasoning", "answer"]


@dataclass(frozen=True, slots=True)
class StepEnd:
    """A step is complete."""

    step: Step


@dataclass(frozen=True, slots=True)
class Paused:
    """The run waits, as a person wished: `step` has just ended. Taking the next event goes on."""

    step: Step


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts and seconds of one run, OpenAI's names where it has one.

    `completion_tokens` = reasoning + answer + tags; `sampled_tokens` of them the model chose in this run.
    `prefill_s` is the evaluation of the tokens that were not cached, `decode_s` everything after the first
    token.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    answer_tokens: int = 0
    sampled_tokens: int = 0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    total_s: float = 0.0

    @property
    def prefill_tps(self) -> float:
        """Prefill speed in tokens per second; 0.0 when nothing was evaluated."""
        fresh = self.prompt_tokens - self.cached_tokens
        return fresh / self.prefill_s if self.prefill_s > 0 else 0.0

    @property
    def decode_tps(self) -> float:
        """Decode speed in tokens per second, the first token not counted."""
        return max(0, self.sampled_tokens - 1) / self.decode_s if self.decode_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a run. `notes` are sentences for the person: what was forced, what could not be honoured."""

    reason: FinishReason
    closed_by: ClosedBy
    usage: Usage
    notes: tuple[str, ...] = ()


Event = Prefill | Token | StepStart | StepEnd | Paused | Finish
