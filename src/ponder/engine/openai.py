"""Any OpenAI-compatible server: vLLM, SGLang, Ollama, LM Studio, llama.cpp's own route, the DeepSeek API.

Where its raw route can be used (`ponder.engine.raw`), it can be stopped, corrected and continued. Else it
takes conversations, and its flags say what it cannot do. Which field holds the reasoning is seen in the
answers, not guessed from a brand: `reasoning_content`, `reasoning`, `thinking`, blocks in the content, or
tags in the text (which the splitter finds). Whether log-probabilities are to be had is found by asking for
one token.
"""

import re
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress

from ponder.core.events import Part, Sampled
from ponder.core.request import Message, Sampling
from ponder.engine.piece import entropy
from ponder.engine.protocol import (
    Ability,
    Emission,
    EngineDiedError,
    Prompt,
    Served,
    Stopped,
    Written,
    require,
)
from ponder.engine.raw import Raw, probe
from ponder.engine.remote import Json, Remote, as_dict, first_choice
from ponder.errors import AbilityError, ContextError, EngineError, NetworkError, NotFoundError

REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
WITH_LOGPROBS: Json = {"logprobs": True, "top_logprobs": 5}
UNBOUNDED = 2**31
"""A limit like this is none, where the context is not known."""
UNKNOWN_ROOM = 2**15
"""Tokens asked for on the raw route, whose default is 16, where the context is not known."""
CONTEXT_FIELDS = ("max_model_len", "n_ctx", "context_length", "n_ctx_train")


class OpenAIServer:
    """An engine behind `url`, by default its path `/v1`; `model` may be empty if the server has only one.

    `raw` False keeps to the chat route.
    """

    def __init__(self, url: str, key: str = "", model: str = "", *, raw: bool = True) -> None:
        self._remote = Remote(url, key)
        self._url = self._remote.url
        self._model = model
        self._try_raw = raw
        self._raw: Raw | None = None
        self._served: Served | None = None

    # ------------------------------------------------------------------ Engine

    def serve(self) -> Served:
        """Find the model and what the server can do; raises NetworkError or NotFoundError."""
        if self._served is None:
            listed = self._remote.call("GET", "/models").get("data")
            entry = self._chosen([each for each in listed or [] if isinstance(each, dict) and each.get("id")])
            self._model = str(entry["id"])
            places = (entry, as_dict(entry.get("meta")))
            known = (place.get(name) for name in CONTEXT_FIELDS for place in places)
            n_ctx = next((n for n in known if isinstance(n, int) and n > 0), 0)
            self._raw = probe(self._remote, self._model) if self._try_raw else None
            abilities = self._raw.abilities if self._raw else self._probe()
            n_ctx, template = self._properties(n_ctx) if self._raw else (n_ctx, "")
            name = f"OpenAI API at {self._url}" + (
                " (text prefixes)" if Ability.TEXT_PREFIX in abilities else ""
            )
            self._served = Served(name, self._model, n_ctx, abilities, template)
        return self._served

    def prompt(self, messages: Sequence[Message], *, think: bool, tags: tuple[str, str] | None) -> Prompt:
        """Rendered with the model's own template on the raw route, else the messages themselves."""
        self.serve()
        if messages[0].role == "text":
            raise AbilityError(
                f"{self._url} takes conversations only here: ask a question, or use the embedded engine."
            )
        if self._raw is not None:
            return self._raw.prompt(messages, think=think, tags=tags)
        return Prompt(tuple(messages), think=think)

    def tokenize(self, text: str, *, control: bool) -> tuple[Written, ...]:
        """Tokens, or one piece of text, for the raw route; raises AbilityError where there is none."""
        self.serve()
        if self._raw is None:
            raise AbilityError(
                f"{self._url} gives no token ids: use the embedded engine or a llama.cpp server."
            )
        return self._raw.tokenize(text, control=control)

    def stream(
        self, prompt: Prompt, output: Sequence[int], sampling: Sampling, *, since: float
    ) -> Generator[Emission, None, None]:
        """One piece: after `output`, or after the text of `prompt`; on the chat route the whole answer."""
        if sampling.grammar:
            require(self.serve(), Ability.GRAMMAR, "A grammar", "leave it out")
        self.serve()
        if self._raw is not None:
            yield from self._continued(self._raw, prompt, output, sampling, since)
            return
        if output:
            raise AbilityError(
                f"{self._url} cannot go on from given tokens: use a llama.cpp server for that."
            )
        ended = separated = False
        stop = Stopped("eos")
        for chunk in self._remote.events("/chat/completions", self._chat(prompt, sampling)):
            choice = first_choice(chunk)
            for part, text, top in _read(as_dict(choice.get("delta")), as_dict(choice.get("logprobs"))):
                separated = separated or part == "reasoning"  # then what is not reasoning is the answer
                now = time.perf_counter() - since
                logprob, spread = (top.get("logprob"), entropy(top)) if top else (None, None)
                yield Sampled(None, text, logprob, now, spread, part or ("answer" if separated else None))
            ended = ended or bool(choice.get("finish_reason"))
            usage = as_dict(chunk.get("usage"))
            stop = Stopped(
                "limit" if choice.get("finish_reason") == "length" else stop.reason,
                prompt_tokens=usage.get("prompt_tokens") or stop.prompt_tokens,
                completion_tokens=usage.get("completion_tokens") or stop.completion_tokens,
            )
        if not ended:
            raise EngineDiedError(f"no answer from {self._url}: its stream broke off")
        yield stop

    def close(self) -> None:
        """Drop the connections; the server is not ours."""
        self._remote.close()

    # ------------------------------------------------------------------ details

    def _continued(
        self, raw: Raw, prompt: Prompt, output: Sequence[int], sampling: Sampling, since: float
    ) -> Generator[Emission, None, None]:
        """One piece of the raw route."""
        served = self.serve()
        known = len(prompt.ids) + len(output) if raw.ids else raw.count(prompt.text)
        room = served.n_ctx - known if served.n_ctx else UNBOUNDED
        if room < 1:
            raise ContextError(
                f"the context of {served.n_ctx} tokens is full: serve the model with a larger one."
            )
        limit = min(sampling.max_tokens or room, room)
        body = _chosen_by(sampling) | {"max_tokens": limit if limit < UNBOUNDED else UNKNOWN_ROOM}
        before: str | list[int] = [*prompt.ids, *output] if raw.ids else prompt.text
        with closing(raw.chunks(before, body)) as chunks:
            for chunk in chunks:
                now = time.perf_counter() - since
                rows = [Sampled(token, data, lp, now, spread) for token, data, lp, spread in chunk.tokens]
                eos = rows.pop() if chunk.eos else None
                yield from rows
                if chunk.finish:
                    yield Stopped("limit" if chunk.finish == "length" else "eos", eos)
                    return
        raise EngineDiedError(f"no answer from {self._url}: its stream broke off")

    def _properties(self, n_ctx: int) -> tuple[int, str]:
        """Context and chat template, where a server like llama.cpp's tells them."""
        with suppress(EngineError, NetworkError):
            props = self._remote.call("GET", "/props", root=True)
            told = as_dict(props.get("default_generation_settings")).get("n_ctx")
            n_ctx = told if isinstance(told, int) and told > 0 else n_ctx
            return n_ctx, str(props.get("chat_template") or "")
        return n_ctx, ""

    def _chosen(self, listed: Sequence[Json]) -> Json:
        names = [str(entry["id"]) for entry in listed]
        if not self._model and len(names) == 1:
            return listed[0]
        if self._model and not names:
            return {"id": self._model}  # a server that does not list what it has
        if self._model in names:
            return listed[names.index(self._model)]
        if not names:
            raise NotFoundError(f"{self._url} lists no model: name the one you mean with --model.")
        what = f"has no model {self._model!r}" if self._model else "has several models"
        raise NotFoundError(f"{self._url} {what}; choose with --model one of: {', '.join(names)}.")

    def _probe(self) -> Ability:
        """Ask for a few tokens with log-probabilities; a server may refuse that, or leave them out."""
        question = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4, "temperature": 0}
        body: Json = {"model": self._model} | question
        try:
            answer = self._remote.call("POST", "/chat/completions", body | WITH_LOGPROBS)
        except EngineError:
            return Ability.NONE
        told = as_dict(first_choice(answer).get("logprobs")).get("content")
        return Ability.LOGPROBS if told else Ability.NONE

    def _chat(self, prompt: Prompt, sampling: Sampling) -> Json:
        served, most = self.serve(), sampling.max_tokens
        if most is not None and most >= (served.n_ctx or UNBOUNDED):
            most = None  # as many as there is room for: servers refuse larger numbers than that
        body: Json = {
            "model": served.model,
            "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            **_chosen_by(sampling),
            "max_tokens": most,
        }
        if not prompt.think:
            body["chat_template_kwargs"] = {"enable_thinking": False, "thinking": False}
        if Ability.LOGPROBS in served.abilities:
            body |= WITH_LOGPROBS
        return {name: value for name, value in body.items() if value is not None}


def _chosen_by(sampling: Sampling) -> Json:
    """How tokens are chosen, in the names of the API; what is open is None."""
    # JSON has no infinity; -100 means never, as OpenAI has it.
    bias = {str(token): max(-100.0, value) for token, value in sampling.logit_bias}
    return {
        "seed": sampling.seed,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "logit_bias": bias or None,
    }


def _read(delta: Json, logprobs: Json) -> Iterator[tuple[Part | None, bytes, Json | None]]:
    """The texts of one delta with their part if the server tells it, by token where that is known."""
    tokens = [as_dict(token) for token in logprobs.get("content") or []]
    pieces = [bytes(t["bytes"]) if t.get("bytes") else str(t.get("token", "")).encode() for t in tokens]
    for part, text in _texts(delta):
        if tokens and _alike(b"".join(pieces).decode("utf-8", "replace"), text):
            yield from ((part, piece, top) for piece, top in zip(pieces, tokens, strict=True))
        else:
            yield part, text.encode(), None


def _alike(one: str, other: str) -> bool:
    """Whether two readings of the same bytes agree, however many U+FFFD a reader makes of bad ones."""
    return re.sub("\ufffd+", "\ufffd", one) == re.sub("\ufffd+", "\ufffd", other)


def _texts(delta: Json) -> Iterator[tuple[Part | None, str]]:
    for name in REASONING_FIELDS:
        if isinstance(delta.get(name), str) and delta[name]:
            yield "reasoning", delta[name]
            break  # some servers write the same text into two fields
    content = delta.get("content")
    if isinstance(content, str) and content:
        yield None, content
    for block in content if isinstance(content, list) else []:
        inner = block.get("thinking") if isinstance(block, dict) else None
        if isinstance(inner, list):
            inner = "".join(str(as_dict(item).get("text", "")) for item in inner)
        if inner:
            yield "reasoning", str(inner)
        elif isinstance(block, dict) and block.get("text"):
            yield "answer", str(block["text"])
