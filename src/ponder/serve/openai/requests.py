"""What clients of the OpenAI API may send, field by field; what cannot be honoured gets a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ponder.serve.schema import Range, Size

MOST_MESSAGES, MOST_TEXT, MOST_STOPS, MOST_CHOICES = 1024, 2_000_000, 16, 16
MOST_TOKENS = 1 << 20
MOST_PROMPTS = 64
"""Of one request, and its choices for all of them together."""

Text = Annotated[str, Size(MOST_TEXT)]
Prompt = Annotated[str, Size(MOST_TEXT, 1)]
Stop = Annotated[str, Size(256, 1)]
Ids = Annotated[tuple[Annotated[int, Range(0, 2**31 - 1)], ...], Size(MOST_TOKENS, 1)]
Tokens = Annotated[int, Range(1, MOST_TOKENS)]
Budget = Annotated[int, Range(0, MOST_TOKENS)]
Empty = Annotated[tuple[object, ...], Size(0)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

REFUSED: Mapping[str, str] = {
    "tools": "tools cannot be called here yet: leave it out",
    "tool_choice": "tools cannot be called here yet: leave it out",
    "functions": "functions cannot be called here: leave it out",
    "function_call": "functions cannot be called here: leave it out",
    "audio": "there is no sound here: leave it out",
    "web_search_options": "this server does not reach the web: leave it out",
    "prediction": "predicted outputs are not used here: leave it out",
    "grammar": "give a JSON schema in response_format; other grammars are not taken here",
    "presence_penalty": "repetition is ended by a detector, not by penalties: leave it out",
    "frequency_penalty": "repetition is ended by a detector, not by penalties: leave it out",
    "repeat_penalty": "repetition is ended by a detector, not by penalties: leave it out",
    "repetition_penalty": "repetition is ended by a detector, not by penalties: leave it out",
    "verbosity": "the answer's length is not steered by this: say so in the question, or use max_tokens",
    "best_of": "ask for n and choose yourself: leave it out",
    "suffix": "this server does not fill in the middle: leave it out",
    "samplers": "the order of samplers is fixed (top_k, top_p, min_p, temperature): leave it out",
    "mirostat": "mirostat is not used here: leave it out",
    "typical_p": "typical sampling is not used here: leave it out",
}
"""Known fields that would change the answer, and cannot here."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a message: text only."""

    REFUSED: ClassVar = {
        "type": "models read only text here: leave pictures, sound and files out",
        "image_url": "models read only text here: leave the picture out",
        "input_audio": "models read only text here: leave the sound out",
        "file": "models read only text here: leave the file out",
    }

    type: Literal["text"]
    text: Text


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn. The last one may be the assistant's: the model goes on with it."""

    REFUSED: ClassVar = {
        "tool_call_id": "tools cannot be called here yet: leave it out",
        "tool_calls": "tools cannot be called here yet: tell what they said in a user's message",
        "function_call": "functions cannot be called here: tell what they said in a user's message",
        "audio": "there is no sound here: leave it out",
        "role": "system, developer, user or assistant; tools and functions cannot speak here yet",
    }

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[tuple[TextPart, ...], Size(256)] | None = None
    reasoning_content: Annotated[Text | None, "What an assistant reasoned before its content."] = None
    reasoning: Annotated[Text | None, "The same, under vLLM's name."] = None
    name: Annotated[str | None, Size(256), "Not used: no template knows it."] = None
    prefix: Annotated[bool | None, "DeepSeek's mark of a last message to go on with."] = None
    refusal: None = None
    annotations: Empty | None = None
    audio: None = None
    function_call: None = None
    tool_calls: Empty | None = None


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What a stream shall bring besides."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    continuous_usage_stats: Literal[False] | None = None


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """A schema and its name."""

    name: Annotated[str | None, Size(256)] = None
    schema: Mapping[str, object] | None = None
    strict: bool | None = None
    description: Annotated[str | None, Size(10_000)] = None


@dataclass(frozen=True, slots=True)
class PlainFormat:
    """Free text, or any JSON object."""

    type: Literal["text", "json_object"]
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class SchemaFormat:
    """An answer by a schema; the reasoning before it is free."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


@dataclass(frozen=True, slots=True)
class Thinking:
    """Whether to reason, and for how many tokens."""

    type: Literal["enabled", "disabled", "adaptive", "auto"]
    budget_tokens: Budget | None = None


@dataclass(frozen=True, slots=True)
class TemplateWishes:
    """Switches of the chat template that are honoured, whatever the template does with them."""

    enable_thinking: bool | None = None
    thinking: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Generation:
    """What chat and completions share."""

    REFUSED: ClassVar = REFUSED

    model: Annotated[str, Size(512), "A name of /v1/models; `default` is the server's own."] = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[Tokens | None, "Most tokens of reasoning and answer together."] = None
    temperature: Annotated[float, Range(0, 5)] | None = None
    top_p: Annotated[float, Range(0, 1)] | None = None
    top_k: Annotated[int, Range(0, 1_000_000)] | None = None
    min_p: Annotated[float, Range(0, 1)] | None = None
    seed: Annotated[int, Range(-(2**63), 2**63 - 1)] | None = None
    n: Annotated[int, Range(1, MOST_CHOICES)] | None = None
    stop: Stop | Annotated[tuple[Stop, ...], Size(MOST_STOPS)] | None = None
    logit_bias: Annotated[Mapping[str, Annotated[float, Range(-100, 100)]], Size(1024)] | None = None
    presence_penalty: Annotated[float, Range(0, 0)] | None = None
    frequency_penalty: Annotated[float, Range(0, 0)] | None = None
    store: Annotated[bool | None, "false: no trace of this is kept."] = None
    user: Annotated[str | None, Size(512), "Not used but for the queue's fairness."] = None
    metadata: Annotated[Mapping[str, Annotated[str, Size(512)]], Size(64)] | None = None
    safety_identifier: Annotated[str | None, Size(512)] = None
    prompt_cache_key: Annotated[str | None, Size(512)] = None
    service_tier: Annotated[str | None, Size(64)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest(_Generation):
    """`POST /v1/chat/completions`."""

    messages: Annotated[tuple[ChatMessage, ...], Size(MOST_MESSAGES, 1)]
    max_completion_tokens: Annotated[Tokens | None, "As max_tokens."] = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Range(0, 20)] | None = None
    response_format: PlainFormat | SchemaFormat | None = None
    reasoning_effort: Annotated[Effort | None, "none, or a budget; see docs/server.md."] = None
    thinking: Thinking | None = None
    thinking_budget_tokens: Annotated[Budget | None, "Most reasoning tokens; 0: do not reason."] = None
    enable_thinking: bool | None = None
    chat_template_kwargs: TemplateWishes | None = None
    reasoning_format: Literal["auto", "deepseek"] | None = None
    include_reasoning: Annotated[bool | None, "false: the reasoning happens, but is not sent."] = None
    stop_in_reasoning: Annotated[bool | None, "true: stop words count in the reasoning too."] = None
    continue_final_message: Literal["reasoning_content", "content", True, False] | None = None
    add_generation_prompt: bool | None = None
    modalities: Annotated[tuple[Literal["text"], ...], Size(1)] | None = None
    parallel_tool_calls: bool | None = None
    tools: Empty | None = None
    tool_choice: Literal["none", "auto"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRequest(_Generation):
    """`POST /v1/completions`: text that no template sees, and what the model makes of it."""

    prompt: (
        Prompt
        | Annotated[tuple[Prompt, ...], Size(MOST_PROMPTS, 1)]
        | Ids
        | Annotated[tuple[Ids, ...], Size(MOST_PROMPTS, 1)]
    )
    logprobs: Annotated[int, Range(0, 20)] | None = None
    echo: bool | None = None
