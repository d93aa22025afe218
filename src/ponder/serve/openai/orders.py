"""From a client's fields to an Order: one place that decides what each of the many names means."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ponder.core.request import Begun, Message, Request, Sampling, Think
from ponder.serve.openai.requests import (
    MOST_PROMPTS,
    ChatMessage,
    ChatRequest,
    CompletionRequest,
    PlainFormat,
    SchemaFormat,
    TextPart,
)
from ponder.serve.refusal import Refusal
from ponder.serve.runs import Order

EFFORTS: Mapping[str, int | None] = {
    "none": 0,
    "minimal": 256,
    "low": 1024,
    "medium": 4096,
    "high": None,
    "xhigh": None,
    "max": None,
}
"""Effort → most reasoning tokens, None: as many as the context holds. ponder's own scale."""
ANY_OBJECT = {"type": "object"}
MOST_SCHEMA = 64_000
"""Characters of a JSON schema; a grammar is made of it."""
SEEDS = 2**31


def chat_order(chat: ChatRequest, party: str, *, keep: bool) -> Order:
    """What a chat request asks for; raises Refusal where its fields contradict one another."""
    think, budget = thinking_of(chat)
    messages, begun = conversation(chat)
    if begun is not None and begun.reasoning and think == "off":
        raise Refusal(400, "the last message begins a reasoning, and reasoning is switched off.")
    alternatives = chat.top_logprobs or 0
    if alternatives and not chat.logprobs:
        raise Refusal(400, "top_logprobs needs logprobs: true.", parameter="top_logprobs")
    most = chat.max_completion_tokens or chat.max_tokens
    sampling = replace(
        sampling_of(chat, most, alternatives, schema_of(chat.response_format)), logprobs=bool(chat.logprobs)
    )
    request = Request(tuple(messages), think=think, budget=budget, sampling=sampling, begun=begun)
    anywhere = bool(chat.stop_in_reasoning)
    return Order(chat.model, request, keep, stops_of(chat.stop), anywhere, party)


def completion_orders(asked: CompletionRequest, party: str, *, keep: bool) -> list[Order]:
    """What a completion request asks for, an order for each prompt."""
    sampling = sampling_of(asked, asked.max_tokens or 16, asked.logprobs or 0, "")
    sampling = replace(sampling, logprobs=asked.logprobs is not None)
    prompts = prompts_of(asked.prompt)
    if len(prompts) * (asked.n or 1) > MOST_PROMPTS:
        raise Refusal(400, f"n times the prompts is more than {MOST_PROMPTS}: ask in parts.", parameter="n")
    return [
        Order(
            asked.model,
            Request((prompt,), think="off", sampling=sampling),
            keep,
            stops_of(asked.stop),
            stop_anywhere=True,
            party=party,
        )
        for prompt in prompts
    ]


def prompts_of(prompt: str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]]) -> list[Message]:
    """One text or several, as letters or as tokens."""
    if isinstance(prompt, str):
        return [Message("text", prompt)]
    if isinstance(prompt[0], int):
        return [Message("text", "", ids=tuple(cast("Sequence[int]", prompt)))]
    return [
        Message("text", each) if isinstance(each, str) else Message("text", "", ids=tuple(each))
        for each in cast("Sequence[str] | Sequence[Sequence[int]]", prompt)
    ]


def sampling_of(
    asked: ChatRequest | CompletionRequest, max_tokens: int | None, alternatives: int, schema: str
) -> Sampling:
    """How tokens are chosen; a seed of any size becomes one of ours."""
    bias: list[tuple[int, float]] = []
    for token, value in (asked.logit_bias or {}).items():
        if not (token.isascii() and token.isdecimal() and len(token) < 9):
            raise Refusal(400, f"logit_bias: {token[:40]!a} is no token id.", parameter="logit_bias")
        bias.append((int(token), value))
    return Sampling(
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        min_p=asked.min_p,
        seed=None if asked.seed is None else asked.seed % SEEDS,
        max_tokens=max_tokens,
        logit_bias=tuple(bias),
        json_schema=schema,
        alternatives=alternatives,
    )


def stops_of(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    """Stop words as a tuple."""
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def thinking_of(chat: ChatRequest) -> tuple[Think, int | None]:
    """Whether to reason, and the budget: of all the names there are, those given must agree."""
    wishes = chat.chat_template_kwargs
    switches = [chat.enable_thinking]
    switches += [wishes.enable_thinking, wishes.thinking] if wishes else []
    if chat.thinking and chat.thinking.type in {"enabled", "disabled"}:
        switches.append(chat.thinking.type == "enabled")
    budget = chat.thinking_budget_tokens
    if budget is None and chat.thinking:
        budget = chat.thinking.budget_tokens
    effort = chat.reasoning_effort
    if effort is not None and budget is None:
        budget = EFFORTS[effort]
        switches += [False] if effort == "none" else []
    given = {switch for switch in switches if switch is not None}
    if budget == 0:
        given, budget = given | {False}, None
    if len(given) > 1:
        raise Refusal(400, "the request both asks for reasoning and switches it off: say one of them.")
    think: Think = "auto" if not given else "on" if given.pop() else "off"
    return think, (budget if think != "off" else None)


def conversation(chat: ChatRequest) -> tuple[list[Message], Begun | None]:
    """The messages; if the last is the assistant's, it is taken off and gone on with."""
    messages = [_message(message) for message in chat.messages]
    last, go_on = chat.messages[-1], chat.continue_final_message
    if last.role != "assistant":
        if go_on:
            raise Refusal(
                400,
                "continue_final_message needs a last message of the assistant.",
                parameter="continue_final_message",
            )
        if not messages[-1].content.strip():
            raise Refusal(400, "the last message is empty: write a question.", parameter="messages")
        return messages, None
    if len(messages) < 2:
        raise Refusal(400, "there is no question before the assistant's message.", parameter="messages")
    if go_on is False and not last.prefix:
        raise Refusal(400, "the last message is the assistant's, and nothing is to be said.")
    begun = messages.pop()
    inside = go_on == "reasoning_content" or (go_on != "content" and begun.reasoning and not begun.content)
    if inside and begun.content:
        raise Refusal(400, "a message with content has left its reasoning: leave one of them out.")
    return messages, Begun(begun.reasoning, None if inside else begun.content)


def _message(message: ChatMessage) -> Message:
    role = "system" if message.role == "developer" else message.role
    return Message(role, text_of(message.content), message.reasoning_content or message.reasoning or "")


def text_of(content: str | Sequence[TextPart] | None) -> str:
    """A message's text, in one piece."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text for part in content)


def schema_of(wanted: PlainFormat | SchemaFormat | None) -> str:
    """The JSON schema of the answer as text; empty for free text."""
    if wanted is None or wanted.type == "text":
        return ""
    given = wanted.json_schema.schema if isinstance(wanted, SchemaFormat) else wanted.schema
    return schema_text(given if given is not None else ANY_OBJECT, "response_format")


def schema_text(schema: Mapping[str, Any], parameter: str) -> str:
    """A schema as text, bounded."""
    text = json.dumps(schema)
    if len(text) > MOST_SCHEMA:
        raise Refusal(400, f"the JSON schema has more than {MOST_SCHEMA} characters.", parameter=parameter)
    return text
