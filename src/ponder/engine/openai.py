"""Any OpenAI-compatible server: vLLM, SGLang, Ollama, LM Studio, llama.cpp's own route, the DeepSeek API.

Which field holds the reasoning is seen in the answers, not guessed from a brand: `reasoning_content`,
`reasoning`, `thinking`, blocks in the content, or tags in the text (which the splitter finds). Whether
log-probabilities are to be had is found by asking for one token. Such a server takes conversations, not
token ids: it cannot be stopped, corrected and continued, and its flags say so.
"""

import json
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import httpx

from ponder.core.events import Part, Sampled
from ponder.core.request import Message, Sampling
from ponder.engine.piece import entropy
from ponder.engine.protocol import Ability, Emission, EngineDiedError, Prompt, Served, Stopped, Written
from ponder.errors import AbilityError, EngineError, NetworkError, NotFoundError

Json = dict[str, Any]

REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
WITH_LOGPROBS: Json = {"logprobs": True, "top_logprobs": 5}
CONTEXT_FIELDS = ("max_model_len", "n_ctx", "context_length", "n_ctx_train")


class OpenAIServer:
    """An engine behind `url` (with or without `/v1`); `model` may be empty if the server has only one."""

    def __init__(self, url: str, key: str = "", model: str = "") -> None:
        url = url.rstrip("/")
        self._url = url if url.rsplit("/", 1)[-1].startswith("v") else url + "/v1"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(headers=headers, timeout=httpx.Timeout(600.0, connect=10.0))
        self._model = model
        self._served: Served | None = None

    # ------------------------------------------------------------------ Engine

    def serve(self) -> Served:
        """Find the model and what the server can do; raises NetworkError or NotFoundError."""
        if self._served is None:
            listed = self._call("GET", "/models").get("data") or []
            entry = self._chosen(listed)
            self._model = str(entry["id"])
            meta = entry.get("meta") or {}
            n_ctx = next((int(e[f]) for f in CONTEXT_FIELDS for e in (entry, meta) if e.get(f)), 0)
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
        if output:
            raise AbilityError(
                f"{self._url} cannot go on from given tokens: use a llama.cpp server for that."
            )
        body = self._body(prompt, sampling)
        stop = Stopped("eos")
        for chunk in self._chunks(body):
            choice = (chunk.get("choices") or [{}])[0]
            for part, text, top in _read(choice.get("delta") or {}, choice.get("logprobs")):
                now = time.perf_counter() - since
                logprob, spread = (top["logprob"], entropy(top)) if top else (None, None)
                yield Sampled(None, text, logprob, now, spread, part)
            reason = "limit" if choice.get("finish_reason") == "length" else stop.reason
            usage = chunk.get("usage") or {}
            stop = Stopped(
                reason,
                prompt_tokens=usage.get("prompt_tokens") or stop.prompt_tokens,
                completion_tokens=usage.get("completion_tokens") or stop.completion_tokens,
            )
        yield stop

    def close(self) -> None:
        """Drop the connections; the server is not ours."""
        self._http.close()

    # ------------------------------------------------------------------ details

    def _chosen(self, listed: Sequence[Json]) -> Json:
        names = [str(entry.get("id")) for entry in listed]
        if not self._model and len(names) == 1:
            return listed[0]
        if self._model in names:
            return listed[names.index(self._model)]
        what = f"has no model {self._model!r}" if self._model else "has several models"
        raise NotFoundError(f"{self._url} {what}; choose with --model one of: {', '.join(names) or 'none'}.")

    def _probe(self) -> Ability:
        """Ask for one token with its log-probability; a server that refuses that is asked without."""
        body: Json = {"model": self._model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}
        try:
            answer = self._call("POST", "/chat/completions", body | WITH_LOGPROBS)
        except EngineError:
            self._call("POST", "/chat/completions", body)
            return Ability.NONE
        choice = (answer.get("choices") or [{}])[0]
        return Ability.LOGPROBS if (choice.get("logprobs") or {}).get("content") else Ability.NONE

    def _body(self, prompt: Prompt, sampling: Sampling) -> Json:
        body: Json = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.content} for m in prompt.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "seed": sampling.seed,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "max_tokens": sampling.max_tokens,
            "logit_bias": {str(token): bias for token, bias in sampling.logit_bias} or None,
        }
        if not prompt.think:
            body["chat_template_kwargs"] = {"enable_thinking": False, "thinking": False}
        if Ability.LOGPROBS in self.serve().abilities:
            body |= WITH_LOGPROBS
        return {name: value for name, value in body.items() if value is not None}

    def _chunks(self, body: Json) -> Iterator[Json]:
        try:
            with self._http.stream("POST", self._url + "/chat/completions", json=body) as response:
                if response.status_code != 200:
                    self._refuse(response.status_code, response.read())
                for line in response.iter_lines():
                    if line.startswith("data:") and line[5:].strip() not in {"", "[DONE]"}:
                        chunk = json.loads(line[5:])
                        if chunk.get("error"):
                            raise EngineError(f"{self._url} stopped: {chunk['error']}.")
                        yield chunk
        except httpx.ConnectError as error:
            raise self._unreachable(error) from error
        except (httpx.HTTPError, ValueError) as error:
            raise EngineDiedError(str(error) or type(error).__name__) from error

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        try:
            response = self._http.request(method, self._url + path, json=body)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.status_code != 200:
            self._refuse(response.status_code, response.content)
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise NetworkError(
                f"{self._url} is not an OpenAI-compatible server: {path} gives no JSON object."
            )
        return answer

    def _unreachable(self, error: httpx.HTTPError) -> NetworkError:
        return NetworkError(f"cannot reach {self._url} ({error}); is the server running there?")

    def _refuse(self, status: int, data: bytes) -> None:
        text = data.decode("utf-8", "replace")[:300].strip()
        if status in {401, 403}:
            raise NetworkError(f"{self._url} refused the key (status {status}): set PONDER_API_KEY.")
        if status == 404:
            raise NetworkError(f"{self._url} has no such route (404): is it an OpenAI-compatible server?")
        raise EngineError(f"{self._url} refused the request with status {status}: {text}")


def _read(delta: Json, logprobs: Json | None) -> Iterator[tuple[Part | None, bytes, Json | None]]:
    """The texts of one delta with their part if the server tells it, by token where that is known."""
    for part, text in _texts(delta):
        tokens = (logprobs or {}).get("content") or []
        pieces = [bytes(t["bytes"]) if t.get("bytes") else str(t.get("token", "")).encode() for t in tokens]
        if b"".join(pieces) == text.encode():
            yield from ((part, piece, top) for piece, top in zip(pieces, tokens, strict=True))
        else:
            yield part, text.encode(), None


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
            inner = "".join(str(item.get("text", "")) for item in inner)
        if inner:
            yield "reasoning", str(inner)
        elif isinstance(block, dict) and block.get("text"):
            yield "answer", str(block["text"])
