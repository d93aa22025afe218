"""What an engine is: five methods, and flags that say what it can do.

An engine that cannot do a thing does not pretend: whoever needs an ability asks for it with `require`,
which refuses in one sentence. Nothing is silently ignored.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import Literal, Protocol

from ponder.core.events import Prefill, Sampled
from ponder.core.request import Message, Sampling
from ponder.errors import AbilityError, EngineError


class Ability(Flag):
    """What an engine can do beyond answering a conversation."""

    NONE = 0
    TOKEN_IDS = auto()  # every token comes with its id
    LOGPROBS = auto()  # every token comes with its log-probability
    TOKEN_PREFIX = auto()  # generation can go on after any token ids: budgets, corrections, resuming
    TEXT_PREFIX = auto()  # it can go on after any text, which the engine cuts into tokens by itself
    LOGIT_BIAS = auto()  # single tokens can be favoured or banned
    SEED = auto()  # the same seed gives the same tokens
    THINK_SWITCH = auto()  # reasoning can be asked for or forbidden
    GRAMMAR = auto()  # a piece of text can be held to a grammar (GBNF)
    JSON_SCHEMA = auto()  # an answer can be made to follow a JSON schema

    @classmethod
    def prefix(cls) -> "Ability":
        """Either way to go on from what was written before."""
        return cls.TOKEN_PREFIX | cls.TEXT_PREFIX

    def words(self) -> str:
        """The flags as readable words, for messages."""
        return ", ".join((flag.name or "").lower().replace("_", " ") for flag in self) or "nothing special"


@dataclass(frozen=True, slots=True)
class Served:
    """What an engine serves, once it is up: the model, its context in tokens, what can be done,
    and the chat template where it is known.
    """

    engine: str
    model: str
    n_ctx: int
    abilities: Ability
    template: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation made ready for one engine.

    `ids` are the rendered token ids (empty where an engine takes only messages), the first `head` of them
    lead through the first user message: two prompts that share these are one conversation. `text` is the
    rendered text where it is known, without what the tokenizer itself puts before it. `size` is how many
    tokens it has, counted or, where nobody tells, guessed. `opened`: the template has already opened the
    reasoning. `closed`: it has opened and closed it, so that the model will not reason. `switched`: the
    template itself honours the wish to think or not. `think` is that wish.
    """

    messages: tuple[Message, ...]
    ids: tuple[int, ...] = ()
    head: int = 0
    opened: bool = False
    closed: bool = False
    switched: bool = False
    think: bool = True
    text: str = ""
    size: int = 0

    @property
    def tokens(self) -> int:
        """How many tokens it has, as far as that is known."""
        return len(self.ids) or self.size


@dataclass(frozen=True, slots=True)
class Stopped:
    """The end of one piece of generation.

    `eos` is the end-of-sequence token where one was sampled and the engine shows it; it is not part of
    what was streamed before. The counts are for engines whose tokens or prompt we do not see.
    """

    reason: Literal["eos", "limit"]
    eos: Sampled | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


Written = tuple[int | None, bytes]
"""A token that was not sampled: its id (None for a piece of text) and its bytes."""

Emission = Prefill | Sampled | Stopped


def ids_of(written: Iterable[Written]) -> list[int]:
    """The ids of some tokens, of those that have one."""
    return [token for token, _ in written if token is not None]


class Engine(Protocol):
    """Something that runs a model. Methods raise EngineError when it does not start, refuses, or dies."""

    def serve(self) -> Served:
        """Start or find the engine if need be; say what it serves."""

    def prompt(self, messages: Sequence[Message], *, think: bool, tags: tuple[str, str] | None) -> Prompt:
        """Render a conversation; text in `messages` never becomes a control token."""

    def tokenize(self, text: str, *, control: bool) -> tuple[Written, ...]:
        """`text` as tokens. `control`: ponder wrote it, special tokens and tags in it are real."""

    def stream(
        self, prompt: Prompt, output: Sequence[int], sampling: Sampling, *, since: float
    ) -> Generator[Emission, None, None]:
        """Go on after `prompt` and the token ids in `output`; times count from time.perf_counter() `since`.

        An engine that only takes text prefixes gets what was written at the end of `prompt.text`, and no ids.

        Yields Prefill, then Sampled for each token, then one Stopped. Closing the iterator stops
        the engine within a token or two. `sampling` is complete: no None but in `max_tokens`.
        """

    def close(self) -> None:
        """End the engine if it is ours; further calls of `serve` start it again."""


class EngineDiedError(EngineError):
    """The engine went away in the middle of a piece; the run can go on with a new one."""


def require(served: Served, ability: Ability, what: str, instead: str) -> None:
    """Raise AbilityError if `served` can do nothing of `ability`, one of which `what` needs; `instead` says
    what to do.
    """
    if not served.abilities & ability:
        raise AbilityError(
            f"{what} needs an engine with {ability.words().replace(', ', ' or ')}, and {served.engine} has "
            f"{served.abilities.words()}: {instead}."
        )
