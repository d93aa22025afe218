"""What clients of Ollama may send; what would change an answer and cannot here is refused with a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ponder.serve.openai.requests import MOST_MESSAGES, MOST_STOPS, Empty, Stop, Text
from ponder.serve.schema import Range, Size

REFUSED: Mapping[str, str] = {
    "tools": "tools cannot be called here yet: leave it out",
    "images": "there are no pictures here: leave it out",
    "suffix": "this server does not fill in the middle: leave it out",
    "template": "a model's own template is used: leave it out",
    "context": "send the conversation to /api/chat instead",
    "repeat_penalty": "repetition is ended by a detector, not by penalties: leave it out, or use 1",
    "mirostat": "mirostat is not used here: leave it out",
}
Level = Literal["low", "medium", "high", "max"]
Loading = Annotated[int | bool | float | None, "Not used: `ponder serve` decides how a model is loaded."]


@dataclass(frozen=True, slots=True)
class Options:
    """How tokens are chosen. What concerns loading is accepted and not used: `ponder serve` decides that."""

    REFUSED: ClassVar = REFUSED

    temperature: Annotated[float, Range(0, 5)] | None = None
    top_p: Annotated[float, Range(0, 1)] | None = None
    top_k: Annotated[int, Range(0, 1_000_000)] | None = None
    min_p: Annotated[float, Range(0, 1)] | None = None
    seed: Annotated[int, Range(-(2**63), 2**63 - 1)] | None = None
    num_predict: Annotated[int, Range(-2, 1 << 20)] | None = None
    stop: Annotated[tuple[Stop, ...], Size(MOST_STOPS)] | None = None
    repeat_penalty: Annotated[float, Range(1, 1)] | None = None
    presence_penalty: Annotated[float, Range(0, 0)] | None = None
    frequency_penalty: Annotated[float, Range(0, 0)] | None = None
    mirostat: Literal[0] | None = None
    num_ctx: Loading = None
    num_batch: Loading = None
    num_gpu: Loading = None
    main_gpu: Loading = None
    num_thread: Loading = None
    num_keep: Loading = None
    numa: Loading = None
    use_mmap: Loading = None
    use_mlock: Loading = None
    low_vram: Loading = None
    repeat_last_n: Loading = None


@dataclass(frozen=True, slots=True)
class OllamaMessage:
    """One turn."""

    REFUSED: ClassVar = REFUSED

    role: Literal["system", "user", "assistant"]
    content: Text = ""
    thinking: Text | None = None
    images: Empty | None = None
    tool_calls: Empty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    REFUSED: ClassVar = REFUSED

    model: Annotated[str, Size(512)]
    stream: bool | None = None
    think: bool | Level | None = None
    format: Literal["", "json"] | Mapping[str, object] | None = None
    options: Options | None = None
    keep_alive: Annotated[str | float | None, "Not used: models stay until another needs the room."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaChat(_Common):
    """`POST /api/chat`."""

    messages: Annotated[tuple[OllamaMessage, ...], Size(MOST_MESSAGES)] = ()
    tools: Empty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaGenerate(_Common):
    """`POST /api/generate`."""

    prompt: Text = ""
    system: Text | None = None
    raw: bool | None = None
    suffix: Literal[""] | None = None
    template: Literal[""] | None = None
    images: Empty | None = None
    context: Empty | None = None


@dataclass(frozen=True, slots=True)
class OllamaShow:
    """`POST /api/show`."""

    model: Annotated[str, Size(512)] = ""
    name: Annotated[str, Size(512)] = ""
    verbose: bool | None = None
