"""OpenAI's answers as JSON: whole, and as the chunks of a stream.

A chunk is put together from ready pieces, since every token passes here.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from ponder.core.events import Token
from ponder.serve.generating import Count
from ponder.serve.live import Live
from ponder.serve.refusal import Refusal, body_of
from ponder.serve.texts import Delta, Texts

Json = dict[str, Any]

REASONS = {"stop": "stop", "length": "length", "loop": "stop", "cancelled": "stop", "error": "stop"}


def usage_of(count: Count) -> Json:
    """The `usage` object."""
    return {
        "prompt_tokens": count.prompt,
        "completion_tokens": count.completion,
        "total_tokens": count.prompt + count.completion,
        "prompt_tokens_details": {"cached_tokens": count.cached},
        "completion_tokens_details": {"reasoning_tokens": count.reasoning},
    }


def reason_of(live: Live, texts: Texts) -> str:
    """The `finish_reason`."""
    if texts.stopped or live.finish is None:
        return "stop"
    return REASONS[live.finish.reason]


def logprobs_of(tokens: Iterable[Token]) -> list[Json]:
    """Tokens with their log-probabilities; one that ponder wrote was certain: 0."""
    return [
        {**_logprob(t.data, t.logprob or 0.0), "top_logprobs": [_logprob(d, p) for _, d, p in t.alternatives]}
        for t in tokens
    ]


def text_logprobs(tokens: Sequence[Token], offset: int) -> Json:
    """The same for a text's tokens, in the older form; `offset` is the place of the first in the text."""
    words = [token.data.decode("utf-8", "replace") for token in tokens]
    return {
        "tokens": words,
        "token_logprobs": [token.logprob or 0.0 for token in tokens],
        "top_logprobs": [
            {data.decode("utf-8", "replace"): p for _, data, p in token.alternatives} for token in tokens
        ],
        "text_offset": list(accumulate(map(len, words), initial=offset))[:-1],
    }


def _logprob(data: bytes, logprob: float) -> Json:
    return {"token": data.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(data)}


def ponder_of(live: Live) -> Json:
    """What only ponder tells: where the trace is kept, how the reasoning ended, and notes for the person."""
    finish = live.finish
    return {
        "trace": live.trace_id or None,
        "closed_by": finish.closed_by if finish else None,
        "notes": live.notes if finish else [],
    }


class ChatShape:
    """Chat: deltas of `reasoning_content` and `content`."""

    kind, prefix = "chat.completion", "chatcmpl-"

    def __init__(self, *, logprobs: bool, usage: bool, reasoning: bool) -> None:
        self._logprobs = logprobs
        self._usage = usage
        self._reasoning = reasoning
        self._head = self._tail = ""

    def first(self, index: int, live: Live) -> bytes:
        """The chunk with the role."""
        self._begin(live)
        return self._chunk(index, '{"role":"assistant","content":""}')

    def _begin(self, live: Live) -> None:
        if not self._head:
            head = json.dumps(self._about(live, ".chunk"))
            self._head = f'data: {head[:-1]},"choices":[{{"index":'
            self._tail = ',"usage":null}\n\n' if self._usage else "}\n\n"

    def _about(self, live: Live, end: str = "") -> Json:
        return {
            "id": self.prefix + (live.trace_id or f"{id(live):x}"),
            "object": self.kind + end,
            "created": int(live.created),
            "model": live.model,
            "system_fingerprint": live.run.served.engine,
        }

    def delta(self, index: int, delta: Delta) -> bytes:
        """A chunk of text, or two: no chunk holds both parts, since clients look at one of them."""
        out = b""
        if delta.reasoning and self._reasoning:
            text = f'{{"reasoning_content":{json.dumps(delta.reasoning)}}}'
            out += self._chunk(index, text, {"content": [], "reasoning_content": delta.reasoning_tokens})
        if delta.answer or delta.answer_tokens:
            text = f'{{"content":{json.dumps(delta.answer)}}}'
            out += self._chunk(index, text, {"content": delta.answer_tokens})
        return out

    def last(self, index: int, live: Live, texts: Texts) -> bytes:
        """The chunk with the reason."""
        return self._chunk(index, "{}", reason=reason_of(live, texts), live=live)

    def idle(self) -> bytes:
        """A comment."""
        return b": waiting\n\n"

    def end(self, count: Count) -> bytes:
        """The usage, if it is wanted, and the mark of the end."""
        usage = ""
        if self._usage and self._head:
            head = self._head[: self._head.rindex(',"choices":')]
            usage = f'{head},"choices":[],"usage":{json.dumps(usage_of(count))}}}\n\n'
        return f"{usage}data: [DONE]\n\n".encode()

    def error(self, refusal: Refusal) -> bytes:
        """The error as an event; clients raise it."""
        return f"data: {json.dumps(body_of(refusal, '/v1'))}\n\n".encode()

    def _chunk(
        self,
        index: int,
        delta: str,
        tokens: dict[str, list[Token]] | None = None,
        *,
        reason: str = "",
        live: Live | None = None,
    ) -> bytes:
        logprobs = "null"
        if self._logprobs and tokens:
            logprobs = json.dumps(self._told(index, tokens))
        end = f'"{reason}"' if reason else "null"
        own = f',"ponder":{json.dumps(ponder_of(live))}' if live else ""
        choice = f'{index},{self._text(delta)},"logprobs":{logprobs},"finish_reason":{end}}}]'
        return f"{self._head}{choice}{own}{self._tail}".encode()

    def _text(self, delta: str) -> str:
        return f'"delta":{delta}'

    def _told(self, index: int, tokens: dict[str, list[Token]]) -> Json:
        del index
        return {name: logprobs_of(each) for name, each in tokens.items()} | {"refusal": None}

    def whole(self, found: list[tuple[Live, Delta, Texts]], count: Count) -> Json:
        """The answer in one piece."""
        return self._about(found[0][0]) | {
            "choices": [self._choice(i, *each) for i, each in enumerate(found)],
            "usage": usage_of(count),
            "ponder": ponder_of(found[0][0]),
        }

    def _choice(self, index: int, live: Live, delta: Delta, texts: Texts) -> Json:
        message: Json = {"role": "assistant", "content": delta.answer, "refusal": None}
        if delta.reasoning and self._reasoning:
            message["reasoning_content"] = delta.reasoning
        logprobs = None
        if self._logprobs:
            logprobs = {
                "content": logprobs_of(delta.answer_tokens),
                "reasoning_content": logprobs_of(delta.reasoning_tokens),
                "refusal": None,
            }
        return {
            "index": index,
            "message": message,
            "logprobs": logprobs,
            "finish_reason": reason_of(live, texts),
        }


class CompletionShape(ChatShape):
    """Text completion: all of it is `text`."""

    kind, prefix = "text_completion", "cmpl-"

    def __init__(self, *, logprobs: bool, usage: bool, echo: bool) -> None:
        super().__init__(logprobs=logprobs, usage=usage, reasoning=False)
        self._echo = echo
        self._places: dict[int, int] = {}  # how long each choice's text is so far

    def _about(self, live: Live, end: str = "") -> Json:
        del end
        return super()._about(live)

    def first(self, index: int, live: Live) -> bytes:
        """The prompt, if it is to be repeated."""
        self._begin(live)
        self._places[index] = len(self._echoed(live))
        return self._chunk(index, json.dumps(self._echoed(live))) if self._echo else b""

    def _told(self, index: int, tokens: dict[str, list[Token]]) -> Json:
        told = text_logprobs(tokens["content"], self._places.get(index, 0))
        self._places[index] = self._places.get(index, 0) + sum(map(len, told["tokens"]))
        return told

    def _echoed(self, live: Live) -> str:
        return live.run.request.messages[0].content if self._echo else ""

    def delta(self, index: int, delta: Delta) -> bytes:
        """A chunk of text."""
        logprobs = {"content": delta.answer_tokens}
        return self._chunk(index, json.dumps(delta.answer), logprobs) if delta.answer else b""

    def last(self, index: int, live: Live, texts: Texts) -> bytes:
        """The chunk with the reason."""
        return self._chunk(index, '""', reason=reason_of(live, texts), live=live)

    def _text(self, delta: str) -> str:
        return f'"text":{delta}'

    def _choice(self, index: int, live: Live, delta: Delta, texts: Texts) -> Json:
        echoed = self._echoed(live)
        return {
            "index": index,
            "text": echoed + delta.answer,
            "logprobs": text_logprobs(delta.answer_tokens, len(echoed)) if self._logprobs else None,
            "finish_reason": reason_of(live, texts),
        }
