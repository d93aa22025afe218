"""What clients of Anthropic's Messages API may send."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ponder.serve.openai.requests import MOST_MESSAGES, MOST_STOPS, Budget, Empty, Stop, Text, Tokens
from ponder.serve.schema import Range, Size

REFUSED: Mapping[str, str] = {
    "tools": "tools cannot be called here yet: leave it out",
    "tool_choice": "tools cannot be called here yet: leave it out",
    "container": "code is not run here: leave it out",
    "mcp_servers": "this server reaches no other one: leave it out",
}


@dataclass(frozen=True, slots=True)
class CacheControl:
    """Accepted and not used: a conversation's own beginning is always cached."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Text."""

    type: Literal["text"]
    text: Text
    cache_control: CacheControl | None = None
    citations: Empty | None = None


@dataclass(frozen=True, slots=True)
class ThinkingBlock:
    """What an assistant reasoned."""

    type: Literal["thinking"]
    thinking: Text
    signature: Annotated[str, Size(100_000)] = ""


@dataclass(frozen=True, slots=True)
class AnthropicMessage:
    """One turn; the last one may be the assistant's: the model goes on with it."""

    role: Literal["user", "assistant"]
    content: Text | Annotated[tuple[TextBlock | ThinkingBlock, ...], Size(256)]


@dataclass(frozen=True, slots=True)
class ThinkingWish:
    """Whether to reason, and for how many tokens."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Budget | None = None
    display: Literal["summarized", "omitted"] | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who asks; used for the queue's fairness only."""

    user_id: Annotated[str | None, Size(512)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesRequest:
    """`POST /v1/messages`."""

    REFUSED: ClassVar = REFUSED

    model: Annotated[str, Size(512)]
    max_tokens: Tokens
    messages: Annotated[tuple[AnthropicMessage, ...], Size(MOST_MESSAGES, 1)]
    system: Text | Annotated[tuple[TextBlock, ...], Size(64)] | None = None
    stream: bool | None = None
    temperature: Annotated[float, Range(0, 5)] | None = None
    top_p: Annotated[float, Range(0, 1)] | None = None
    top_k: Annotated[int, Range(0, 1_000_000)] | None = None
    stop_sequences: Annotated[tuple[Stop, ...], Size(MOST_STOPS)] | None = None
    thinking: ThinkingWish | None = None
    metadata: Metadata | None = None
    tools: Empty | None = None
    service_tier: Annotated[str | None, Size(64)] = None
