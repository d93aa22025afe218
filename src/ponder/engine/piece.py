"""One streamed `/completion`, made token-exact.

The stream is cut where the server's token count shows that ids were lost (`ponder.engine.exact` says why),
the lost tokens are found, and the stream goes on after them with the next seed.
"""

import math
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ponder.core.events import Alternative, Prefill, Sampled
from ponder.engine.exact import Candidate, fill
from ponder.engine.gather import Calm
from ponder.engine.http import Loopback
from ponder.engine.protocol import Emission, EngineDiedError, Stopped
from ponder.errors import EngineError

Json = dict[str, Any]

SEEDS = 2**32 - 1
"""Seeds count from 0 to below this; llama.cpp reads 2**32 - 1 itself as "take any"."""
WIDE = 1000
"""Alternatives to look at where sampling sets no limit; more only when none of these fits, for 150,000
take the server a second."""


QUICK = 2
"""Tokens of a piece that are read as they come: nobody shall wait for the first text."""

SURPRISES = (KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration)


class Piece:
    """The run of one request body (`prompt`, `n_predict`, sampling) from its prefill to its stop.

    `n_vocab` is the size of the vocabulary, `anchor` any token that is a whole character, `since` the
    time.perf_counter() from which token times count. `alternatives` is how many to tell with each token.
    `gather_s`: after the first tokens the stream may gather for so long before it is read.
    """

    alternatives = 0
    gather_s = 0.0

    def __init__(self, server: Loopback, body: Json, *, n_vocab: int, anchor: int, since: float) -> None:
        self._server = server
        self._body = body
        self._n_vocab = n_vocab
        self._anchor = anchor
        self._since = since
        self._ids: list[int] = list(body["prompt"])
        self._quick = len(self._ids) + QUICK
        self._end = len(self._ids) + int(body["n_predict"])
        self._bias = {int(token): -math.inf if bias is False else bias for token, bias in body["logit_bias"]}
        self._most = 1 if body["temperature"] == 0 else body["top_k"] or n_vocab
        self._held: Sampled | None = None
        self._requests = 0
        self._calm = Calm()

    @property
    def ids(self) -> Sequence[int]:
        """The prompt and what came so far."""
        return self._ids

    def emissions(self) -> Generator[Emission, None, None]:
        """Prefill, every token, and the stop; closing the iterator cuts the connection."""
        if "json_schema" in self._body:
            yield from self._unbroken()
            return
        stop = (yield from self._whole()) if self._body.get("grammar") else ""
        while not stop and len(self._ids) < self._end:
            event, missing = yield from self._stream()
            stop, found = self._lost(event, missing) if missing else (event.stop, [])
            for token in found:
                yield from self._emit(token.id, token.data, token.logprob, None)
        yield from self._end_with(stop)

    def _end_with(self, stop: str) -> Iterator[Emission]:
        eos = stop == "eos"
        if self._held is not None and not eos:
            yield self._held
        yield Stopped("eos" if eos else "limit", self._held if eos else None)

    def _whole(self) -> Generator[Emission, None, str]:
        """All at once: a text that is held to a grammar cannot be cut where ids are lost and gone on with."""
        answer = self._server.call("/completion", self._request(stream=False, return_progress=False))
        with foreign("tokens"):
            ids, timings = [int(token) for token in answer["tokens"]], answer["timings"]
            cached, fresh = int(timings["cache_n"]), int(timings["prompt_n"])
            stop = str(answer["stop_type"])
        yield Prefill(len(self._ids), cached + fresh, cached, time.perf_counter() - self._since)
        for token in self._looked_up(ids):
            yield from self._emit(token.id, token.data, token.logprob, None)
        return stop

    def _unbroken(self) -> Generator[Emission, None, None]:
        """One stream to its very end: a grammar cannot be taken up in the middle.

        From the first lost token on, all wait until what was lost has been found.
        """
        start = seen = len(self._ids)
        late: list[tuple[_Told, int]] = []
        with closing(self._events()) as events:
            for event in events:
                if event.get("prompt_progress") is not None:
                    yield from self._progress(event)
                    continue
                told = _told(event, self.alternatives)
                if told.stop:
                    break
                missing, seen = start + told.predicted - seen, start + told.predicted
                if late or missing != 1 or told.data is None:
                    late.append((told, missing))
                else:
                    yield from self._emit(told.id, told.data, told.logprob, told.entropy, told.alternatives)
            else:
                raise EngineDiedError(f"no answer from {self._server.url}: its stream broke off")
        for told, missing in late:
            for token in self._found_late(told, missing):
                yield from self._emit(token.id, token.data, token.logprob, None)
        yield from self._end_with(told.stop)

    def _found_late(self, told: "_Told", missing: int) -> list[Candidate]:
        """The tokens of one event; where the engine's own cannot be found, those that spell the same."""
        if told.data is None:
            return self._looked_up([told.id])
        found = self._found(told, missing) if missing > 1 else None
        if found is None and missing == 1:
            return [Candidate(told.id, told.data, told.logprob or 0.0, 0.0)]
        if found is None:
            body = {"content": told.data.decode("utf-8", "replace"), "parse_special": False}
            with foreign("tokens"):
                found = self._looked_up(self._server.call("/tokenize", body)["tokens"])
        return found

    def _stream(self) -> Generator[Emission, None, tuple["_Told", int]]:
        """Stream until the stop, or until ids are lost; that event, and how many tokens it hides."""
        start = len(self._ids)
        with closing(self._events()) as events:
            for event in events:
                if event.get("prompt_progress") is not None:
                    yield from self._progress(event)
                    continue
                told = _told(event, self.alternatives)
                missing = start + told.predicted - len(self._ids)
                if told.stop or missing != 1 or told.data is None:
                    return told, missing
                yield from self._emit(told.id, told.data, told.logprob, told.entropy, told.alternatives)
        raise EngineDiedError(f"no answer from {self._server.url}: its stream broke off")

    def _events(self) -> Generator[Json, None, None]:
        return self._server.events("/completion", self._request(stream=True), self._calm)

    def _emit(
        self,
        token: int,
        data: bytes,
        logprob: float | None,
        spread: float | None,
        others: tuple[Alternative, ...] = (),
    ) -> Iterator[Sampled]:
        """Yield a token; one without text is held for an event, because it may be the end of the sequence."""
        self._ids.append(token)
        if len(self._ids) == self._quick:
            self._calm.seconds = self.gather_s
        now = time.perf_counter() - self._since
        sampled = Sampled(token, data, logprob, now, spread, None, others)
        if self._held is not None:
            yield self._held
            self._held = None
        if data:
            yield sampled
        else:
            self._held = sampled

    def _progress(self, event: Json) -> Iterator[Prefill]:
        if self._requests == 1:  # later streams only go over tokens that were counted already
            now = time.perf_counter() - self._since
            with foreign("prompt_progress"):
                progress = event["prompt_progress"]
                prefill = Prefill(progress["total"], progress["processed"], progress["cache"], now)
            yield prefill

    def _request(self, **changes: Any) -> Json:
        seed = (self._body["seed"] + self._requests) % SEEDS
        body = self._body | {"prompt": self._ids, "n_predict": self._end - len(self._ids), "seed": seed}
        if self._requests:
            body["cache_prompt"] = True
        self._requests += 1
        return body | changes

    # ------------------------------------------------------------------ lost tokens

    def _lost(self, told: "_Told", missing: int) -> tuple[str, list[Candidate]]:
        """The tokens that an event hides, found or generated anew; and the stop, if there was one now."""
        found = None
        if not told.stop and told.data is not None:
            found = self._found(told, missing)
        elif not told.stop and missing == 1:
            found = self._looked_up([told.id])
        return ("", found) if found else self._anew(missing)

    def _found(self, told: "_Told", missing: int) -> list[Candidate] | None:
        assert told.data is not None
        for width in self._widths():
            found = fill(partial(self._candidates, tuple(self._ids), width), told.data, missing, told.id)
            if found is not None:
                return found
        return None

    def _anew(self, count: int) -> tuple[str, list[Candidate]]:
        """Generate up to `count` tokens again, unstreamed: all ids come back. The stop too, if it was one."""
        request = self._request(stream=False, n_predict=count, return_progress=False)
        answer = self._server.call("/completion", request)
        with foreign("tokens"):
            ids, stop = [int(token) for token in answer["tokens"]], str(answer["stop_type"])
        return ("eos" if stop == "eos" else ""), self._looked_up(ids)

    def _looked_up(self, ids: Sequence[int]) -> list[Candidate]:
        """The bytes and log-probabilities of `ids`, which follow what is known."""
        prefix, found = list(self._ids), []
        for place, token in enumerate(ids):
            everything = (
                choice
                for width in (WIDE, self._n_vocab)
                for choice in self._alternatives([*prefix, *ids[:place]], width)
            )
            with foreign("top_logprobs"):
                found.append(next(choice for choice in everything if choice.id == token))
        return found

    def _widths(self) -> Sequence[int]:
        """How many of the likeliest tokens to look at: as many as sampling leaves, in two tries if all."""
        most = self._n_vocab if self._bias else self._most
        return (most,) if most <= WIDE else (WIDE, most)

    def _candidates(self, prefix: Sequence[int], width: int, way: Sequence[int]) -> list[Candidate]:
        """What sampling could have chosen after `prefix` and `way`, within the `width` likeliest tokens."""
        found = self._alternatives([*prefix, *way], width)
        if self._bias:
            found = biased(found, self._bias)
        return found[: self._most]

    def _alternatives(self, ids: Sequence[int], width: int) -> list[Candidate]:
        """The `width` likeliest successors. A favoured whole character makes the server report at once."""
        request = {
            "prompt": ids,
            "n_predict": 1,
            "n_probs": width,
            "temperature": 0,
            "logit_bias": [[self._anchor, 1000]],
        } | {name: self._body[name] for name in ("id_slot",) if name in self._body}
        answer = self._server.call("/completion", request)
        with foreign("top_logprobs"):
            top = answer["completion_probabilities"][0]["top_logprobs"]
            return [Candidate(int(c["id"]), bytes(c["bytes"]), c["logprob"], c["logprob"]) for c in top]


@dataclass(frozen=True, slots=True)
class _Told:
    """What an event tells: tokens so far, why it stopped if it did, and its last token.

    `data` is what the event released, None where that is not to be had exactly.
    """

    predicted: int
    stop: str
    id: int = -1
    data: bytes | None = None
    logprob: float | None = None
    entropy: float | None = None
    alternatives: tuple[Alternative, ...] = ()


def _told(event: Json, alternatives: int) -> _Told:
    try:
        predicted = int(event["tokens_predicted"])
        if event["stop"]:
            return _Told(predicted, str(event["stop_type"]))
        tops = event.get("completion_probabilities")
        if tops:
            top = tops[0]
            others = tuple(
                (int(c["id"]), bytes(c["bytes"]), float(c["logprob"]))
                for c in (top["top_logprobs"][:alternatives] if alternatives else ())
            )
            data = bytes(top["bytes"])
            return _Told(predicted, "", int(top["id"]), data, top["logprob"], entropy(top), others)
        # A token that speculation guessed comes without probabilities.
        text = str(event["content"])
        return _Told(predicted, "", int(event["tokens"][-1]), None if "\ufffd" in text else text.encode())
    except SURPRISES:  # not `with foreign`: every token comes through here
        raise _stranger("tokens_predicted") from None


def biased(found: Sequence[Candidate], bias: Mapping[int, float]) -> list[Candidate]:
    """The likeliest first, with scores after `bias` was added and the whole made 1 again."""
    raw = [choice.logprob + bias.get(choice.id, 0.0) for choice in found]
    most = max(raw)
    total = most + math.log(math.fsum(math.exp(score - most) for score in raw))
    scored = [replace(choice, score=score - total) for choice, score in zip(found, raw, strict=True)]
    return sorted(scored, key=lambda choice: -choice.score)


@contextmanager
def foreign(what: str) -> Iterator[None]:
    """Turns the surprise at an answer that is not llama.cpp's into EngineError."""
    try:
        yield
    except SURPRISES:
        raise _stranger(what) from None


def _stranger(what: str) -> EngineError:
    return EngineError(
        f"the server does not answer as llama.cpp's does (`{what}` is missing or strange): update it, or "
        "use its OpenAI route by writing --server with /v1 at the end."
    )


def entropy(top: Json) -> float | None:
    """Shannon entropy in nats of the reported alternatives, the rest of the mass counted as one more."""
    logprobs = [choice["logprob"] for choice in top.get("top_logprobs") or []]
    if not logprobs:
        return None
    rest = 1.0 - math.fsum(math.exp(p) for p in logprobs)
    return -math.fsum(p * math.exp(p) for p in logprobs) - (rest * math.log(rest) if rest > 1e-9 else 0.0)
