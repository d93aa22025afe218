"""What is asked: messages, sampling, and what was already reasoned."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]
Think = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. `reasoning` is what an assistant wrote before `content`."""

    role: Role
    content: str
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen, with the names of OpenAI and llama.cpp.

    `temperature` 0 is greedy; `top_k` 0 and `min_p` 0.0 switch those off; `max_tokens` counts reasoning
    and answer together, None means as many as the context holds. None elsewhere: the model's own
    default. `logit_bias` holds (token id, added logit) pairs.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    logit_bias: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model.

    `model` is a catalogue name, a path of a GGUF file, or an address. `budget` is the most reasoning
    tokens, None for no limit of its own.
    """

    messages: tuple[Message, ...]
    model: str = ""
    think: Think = "auto"
    budget: int | None = None
    sampling: Sampling = Sampling()
