"""What is asked: messages, sampling, and what was already reasoned."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant", "text"]
"""Who speaks; `text` is nobody: the one message of a request whose text no template shall see."""
Think = Literal["auto", "on", "off"]
CorrectionKind = Literal["none", "say", "replace", "note", "delete", "answer"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. `reasoning` is what an assistant wrote before `content`. `ids`: the tokens
    of a `text` that was given as tokens; the engine then says what their content is.
    """

    role: Role
    content: str
    reasoning: str = ""
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen, with the names of OpenAI and llama.cpp.

    `temperature` 0 is greedy; `top_k` 0 and `min_p` 0.0 switch those off; `max_tokens` counts reasoning
    and answer together, None means as many as the context holds. None elsewhere: the model's own
    default. `logit_bias` holds (token id, added logit) pairs. `grammar` (GBNF) is for one short piece of
    generation, which it describes whole; a request has none. `json_schema` is the text of a schema that the
    answer shall follow; while `free` (in the reasoning) it is only checked. `alternatives`: how many of the
    likeliest tokens to tell at each place. `logprobs`: whether tokens come with log-probability and entropy,
    which costs an engine a look at its whole vocabulary for each.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    logit_bias: tuple[tuple[int, float], ...] = ()
    grammar: str = ""
    json_schema: str = ""
    free: bool = False
    alternatives: int = 0
    logprobs: bool = True


@dataclass(frozen=True, slots=True)
class Correction:
    """What a branch does where it leaves its parent, at token `index`, before the model goes on.

    `say`: `text` stands there in the model's own voice, which goes on in the same line. `replace`: `text` is
    a whole step. `note`: `text` is a remark from outside, marked as one. `delete`: nothing is written, but
    the model may not begin with the token `banned` again. `answer`: the reasoning is closed. `none`: nothing.
    """

    index: int
    kind: CorrectionKind = "none"
    text: str = ""
    banned: int | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What the assistant has said already, byte for byte; the model goes on after it.

    `answer` None: it goes on inside the reasoning. Else the reasoning, if there is any, is closed.
    """

    reasoning: str = ""
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Steering:
    """How the reasoning is steered beyond its budget; the default leaves it alone.

    `extend`: how often the model's own end of its reasoning is replaced by "Wait". `soft_budget`: reasoning
    tokens after which a bias on the end tag grows, step by step, until the model closes. `favour`: markers
    (each a word that is one token) and the logits added to them, -inf for never.
    """

    extend: int = 0
    soft_budget: int | None = None
    favour: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One question to one model.

    `model` is a catalogue name, a path of a GGUF file, or an address. `budget` is the most reasoning
    tokens, None for no limit of its own. `correction` is that of a branch, where it begins; `begun` is what
    stands there already where it is none.
    """

    messages: tuple[Message, ...]
    model: str = ""
    think: Think = "auto"
    budget: int | None = None
    sampling: Sampling = Sampling()
    correction: Correction | None = None
    steering: Steering = Steering()
    begun: Begun | None = None
