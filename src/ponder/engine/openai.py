"""Any OpenAI-compatible server: vLLM, SGLang, Ollama, LM Studio, llama.cpp's own route, the DeepSeek API.

Which field holds the reasoning is seen in the answers, not guessed from a brand: `reasoning_content`,
`reasoning`, `thinking`, blocks in the content, or tags in the text (which the splitter finds). Whether
log-probabilities are to be had is found by asking for one token. Such a server takes conversations, not
token ids: it cannot be stopped, corrected and continued, and its flags say so.
"""

import json
import re
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from ponder.core.events import Part, Sampled
from ponder.core.request import Message, Sampling
from ponder.engine.http import as_json, events_in, message_of
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
from ponder.errors import AbilityError, EngineError, NetworkError, NotFoundError

Json = dict[str, Any]

REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
WITH_LOGPROBS: Json = {"logprobs": True, "top_logprobs": 5}
LOOPBACK = ("localhost", "127.0.0.1", "::1")
UNBOUNDED = 2**31
"""A limit like this is none, where the context is not known."""
CONTEXT_FIELDS = ("max_model_len", "n_ctx", "context_length", "n_ctx_train")


class OpenAIServer:
    """An engine behind `url`, by default its path `/v1`; `model` may be empty if the server has only one."""

    def __init__(self, url: str, key: str = "", model: str = "") -> None:
        parts = urlsplit(url.rstrip("/"))
        self._url = parts.geturl() if parts.path else parts.geturl() + "/v1"
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(600.0, connect=10.0),
            trust_env=parts.hostname not in LOOPBACK,  # no proxy leads back to this machine
        )
        self._model = model
        self._served: Served | None = None

    # ------------------------------------------------------------------ Engine

    def serve(self) -> Served:
        """Find the model and what the server can do; raises NetworkError or NotFoundError."""
        if self._served is None:
            listed = self._call("GET", "/models").get("data")
            entry = self._chosen([each for each in listed or [] if isinstance(each, dict) and each.get("id")])
            self._model = str(entry["id"])
            places = (entry, _dict(entry.get("meta")))
            known = (place.get(name) for name in CONTEXT_FIELDS for place in places)
            n_ctx = next((n for n in known if isinstance(n, int) and n > 0), 0)
            self._served = Served(f"OpenAI API at {self._url}", self._model, n_ctx, self._probe())
        return self._served

    def prompt(self, messages: Sequence[Message], *, think: bool, tags: tuple[str, str] | None) -> Prompt:
        """The messages themselves: the server renders them."""
        del tags
        return Prompt(tuple(messages), think=think)

    def tokenize(self, text: str, *, control: bool) -> tuple[Written, ...]:
        """Not to be had; raises AbilityError."""
        del text, control
        raise AbilityError(f"{self._url} gives no token ids: use the embedded engine or a llama.cpp server.")

    def stream(
        self, prompt: Prompt, output: Sequence[int], sampling: Sampling, *, since: float
    ) -> Generator[Emission, None, None]:
        """The whole answer in one piece; `output` must be empty."""
        if sampling.grammar:
            require(self.serve(), Ability.GRAMMAR, "A grammar", "leave it out")
        if output:
            raise AbilityError(
                f"{self._url} cannot go on from given tokens: use a llama.cpp server for that."
            )
        ended = separated = False
        stop = Stopped("eos")
        for chunk in self._chunks(self._body(prompt, sampling)):
            choice = _first(chunk)
            for part, text, top in _read(_dict(choice.get("delta")), _dict(choice.get("logprobs"))):
                separated = separated or part == "reasoning"  # then what is not reasoning is the answer
                now = time.perf_counter() - since
                logprob, spread = (top.get("logprob"), entropy(top)) if top else (None, None)
                yield Sampled(None, text, logprob, now, spread, part or ("answer" if separated else None))
            ended = ended or bool(choice.get("finish_reason"))
            usage = _dict(chunk.get("usage"))
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
        self._http.close()

    # ------------------------------------------------------------------ details

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
            answer = self._call("POST", "/chat/completions", body | WITH_LOGPROBS)
        except EngineError:
            return Ability.NONE
        told = _dict(_first(answer).get("logprobs")).get("content")
        return Ability.LOGPROBS if told else Ability.NONE

    def _body(self, prompt: Prompt, sampling: Sampling) -> Json:
        served, most = self.serve(), sampling.max_tokens
        if most is not None and most >= (served.n_ctx or UNBOUNDED):
            most = None  # as many as there is room for: servers refuse larger numbers than that
        body: Json = {
            "model": served.model,
            "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "seed": sampling.seed,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "max_tokens": most,
            "logit_bias": {str(token): bias for token, bias in sampling.logit_bias} or None,
        }
        if not prompt.think:
            body["chat_template_kwargs"] = {"enable_thinking": False, "thinking": False}
        if Ability.LOGPROBS in served.abilities:
            body |= WITH_LOGPROBS
        return {name: value for name, value in body.items() if value is not None}

    def _chunks(self, body: Json) -> Iterator[Json]:
        url = self._url + "/chat/completions"
        try:
            with self._http.stream("POST", url, content=as_json(body)) as response:
                if response.status_code != 200:
                    self._refuse(response.status_code, response.read())
                yield from events_in(response.iter_bytes(), self._url)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(error) from error
        except httpx.HTTPError as error:
            raise EngineDiedError(f"no answer from {self._url}: {_reason(error)}") from error

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        try:
            content = None if body is None else as_json(body)
            response = self._http.request(method, self._url + path, content=content)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.status_code != 200:
            self._refuse(response.status_code, response.content)
        answer = _json(response.content)
        if not isinstance(answer, dict):
            raise NetworkError(
                f"{self._url} is not an OpenAI-compatible server: {path} gives no JSON object."
            )
        return answer

    def _unreachable(self, error: httpx.HTTPError) -> NetworkError:
        return NetworkError(f"cannot reach {self._url} ({_reason(error)}): is the server running there?")

    def _refuse(self, status: int, data: bytes) -> None:
        said = _json(data)
        text = message_of(data.decode("utf-8", "replace") if said is None else said)[:300]
        if status in {401, 403}:
            raise NetworkError(f"{self._url} refused the key (status {status}): set PONDER_API_KEY.")
        if status == 404:
            raise NetworkError(f"{self._url} has no such route or model (404: {text}): is the address right?")
        raise EngineError(f"{self._url} refused the request with status {status}: {text}.")


def _json(data: bytes) -> Any:
    """What `data` says, None if it is no JSON."""
    try:
        return json.loads(data)
    except ValueError:
        return None


def _reason(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__


def _dict(value: Any) -> Json:
    """`value` if it is an object; else, null and other surprises, an empty one."""
    return value if isinstance(value, dict) else {}


def _first(answer: Json) -> Json:
    """The first choice of an answer; empty in the last chunks of a stream."""
    choices = answer.get("choices")
    return _dict(choices[0]) if isinstance(choices, list) and choices else {}


def _read(delta: Json, logprobs: Json) -> Iterator[tuple[Part | None, bytes, Json | None]]:
    """The texts of one delta with their part if the server tells it, by token where that is known."""
    tokens = [_dict(token) for token in logprobs.get("content") or []]
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
            inner = "".join(str(_dict(item).get("text", "")) for item in inner)
        if inner:
            yield "reasoning", str(inner)
        elif isinstance(block, dict) and block.get("text"):
            yield "answer", str(block["text"])
