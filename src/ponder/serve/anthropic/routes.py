"""`/v1/messages`: thinking blocks and text blocks, whole and as a stream of events."""

import json
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ponder.core.request import Begun, Message, Sampling, Think
from ponder.core.request import Request as Asked
from ponder.serve.anthropic.requests import MessagesRequest, TextBlock, ThinkingBlock
from ponder.serve.asking import EVENTS, Stream, begun, body_of, party_of, while_there
from ponder.serve.generating import Count, answers, count_of, stream
from ponder.serve.live import Live
from ponder.serve.openai.shapes import reason_of
from ponder.serve.operations import Operation
from ponder.serve.refusal import Refusal
from ponder.serve.refusal import body_of as error_body
from ponder.serve.runs import Order
from ponder.serve.service import service_of
from ponder.serve.texts import Delta, Texts

Json = dict[str, Any]
Blocks = str | Sequence[TextBlock | ThinkingBlock]


class MessageShape:
    """Blocks of `thinking` and of `text`, and the events that build them."""

    def __init__(self) -> None:
        self._block = ""
        self._count = -1
        self._last: tuple[Live, Texts] | None = None

    def first(self, index: int, live: Live) -> bytes:
        """The empty message."""
        del index
        usage = {"input_tokens": len(live.run.prompt.ids), "output_tokens": 0}
        message = self._about(live) | {
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        return _event("message_start", {"message": message})

    def delta(self, index: int, delta: Delta) -> bytes:
        """Text, in the block that it belongs to."""
        del index
        out = b""
        if delta.reasoning:
            out += self._begin("thinking")
            out += self._more({"type": "thinking_delta", "thinking": delta.reasoning})
        if delta.answer:
            out += self._begin("text")
            out += self._more({"type": "text_delta", "text": delta.answer})
        return out

    def last(self, index: int, live: Live, texts: Texts) -> bytes:
        """The end of the block; an answer without text still has one."""
        del index
        self._last = live, texts
        return (self._begin("text") if self._block != "text" else b"") + self._stop()

    def idle(self) -> bytes:
        """A ping."""
        return _event("ping", {})

    def end(self, count: Count) -> bytes:
        """Why it ended, and the end."""
        if self._last is None:
            return b""
        reason = self._reason(*self._last)
        told = {"delta": reason, "usage": _usage(count)}
        return _event("message_delta", told) + _event("message_stop", {})

    def error(self, refusal: Refusal) -> bytes:
        """An event, which clients raise."""
        return _event("error", error_body(refusal, "/v1/messages"))

    def whole(self, live: Live, delta: Delta, texts: Texts) -> Json:
        """The message in one piece."""
        blocks = [_block("thinking", delta.reasoning)] if delta.reasoning else []
        return (
            self._about(live)
            | {"content": [*blocks, _block("text", delta.answer)], "usage": _usage(count_of(live))}
            | self._reason(live, texts)
        )

    @staticmethod
    def _about(live: Live) -> Json:
        name = f"msg_{live.trace_id or f'{id(live):x}'}"
        return {"id": name, "type": "message", "role": "assistant", "model": live.model}

    @staticmethod
    def _reason(live: Live, texts: Texts) -> Json:
        if texts.stopped:
            return {"stop_reason": "stop_sequence", "stop_sequence": texts.stopped}
        reason = "max_tokens" if reason_of(live, texts) == "length" else "end_turn"
        return {"stop_reason": reason, "stop_sequence": None}

    def _begin(self, kind: str) -> bytes:
        if self._block == kind:
            return b""
        out = self._stop()
        self._block, self._count = kind, self._count + 1
        return out + _event("content_block_start", {"index": self._count, "content_block": _block(kind, "")})

    def _more(self, delta: Json) -> bytes:
        return _event("content_block_delta", {"index": self._count, "delta": delta})

    def _stop(self) -> bytes:
        if not self._block:
            return b""
        signed = b""
        if self._block == "thinking":
            signed = self._more({"type": "signature_delta", "signature": ""})
        return signed + _event("content_block_stop", {"index": self._count})


def _block(kind: str, text: str) -> Json:
    return {"type": kind, kind: text} | ({"signature": ""} if kind == "thinking" else {})


def _usage(count: Count) -> Json:
    return {
        "input_tokens": count.prompt - count.cached,
        "cache_read_input_tokens": count.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": count.completion,
    }


def _event(name: str, data: Json) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n".encode()


async def messages(request: Request) -> Response:
    """Answer a conversation."""
    asked = await body_of(request, MessagesRequest)
    service = service_of(request)
    party = party_of(request, (asked.metadata.user_id if asked.metadata else "") or "")
    order = Order(asked.model, _wanted(asked), service.settings.keep, asked.stop_sequences or (), party=party)
    shape = MessageShape()
    if asked.stream:
        return Stream(await begun(request, stream(service.runs, [order], shape)), EVENTS)
    ((live, delta, texts),) = await while_there(request, answers(service.runs, [order]))
    return JSONResponse(shape.whole(live, delta, texts))


def _wanted(asked: MessagesRequest) -> Asked:
    think: Think = "auto"
    budget = None
    if asked.thinking is not None and asked.thinking.type != "adaptive":
        think = "on" if asked.thinking.type == "enabled" else "off"
        budget = asked.thinking.budget_tokens if think == "on" else None
    turns = [_message(turn.role, turn.content) for turn in asked.messages]
    start = None
    if turns[-1].role == "assistant":
        if len(turns) < 2:
            raise Refusal(400, "there is no question before the assistant's message.", parameter="messages")
        last = turns.pop()
        start = Begun(last.reasoning, last.content if last.content or not last.reasoning else None)
    elif not turns[-1].content.strip():
        raise Refusal(400, "the last message is empty: write a question.", parameter="messages")
    if asked.system:
        turns.insert(0, Message("system", _message("user", asked.system).content))
    sampling = Sampling(
        asked.temperature, asked.top_p, asked.top_k, max_tokens=asked.max_tokens, logprobs=False
    )
    return Asked(tuple(turns), think=think, budget=budget, sampling=sampling, begun=start)


def _message(role: Any, content: Blocks) -> Message:
    if isinstance(content, str):
        return Message(role, content)
    texts = [block.text for block in content if isinstance(block, TextBlock)]
    reasoned = [block.thinking for block in content if isinstance(block, ThinkingBlock)]
    return Message(role, "\n\n".join(texts), "".join(reasoned))


OPERATIONS = (
    Operation(
        "POST", "/v1/messages", messages, "Answer a conversation (Anthropic).", MessagesRequest, stream=EVENTS
    ),
)
