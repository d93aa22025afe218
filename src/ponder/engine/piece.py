"""One streamed `/completion`, made token-exact.

The stream is cut where the server's token count shows that ids were lost (`ponder.engine.exact` says why),
the lost tokens are found, and the stream goes on after them with the next seed.
"""

import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from ponder.core.events import Prefill, Sampled
from ponder.engine.exact import Candidate, fill, look_up
from ponder.engine.http import Loopback
from ponder.engine.protocol import Emission, EngineDiedError, Stopped

Json = dict[str, Any]

SEEDS = 2**32 - 1
"""Seeds count from 0 to below this; llama.cpp reads 2**32 - 1 itself as "take any"."""
ANEW = 8
"""Tokens to generate unstreamed where the lost ones cannot be told from their bytes."""


class Piece:
    """The run of one request body (`prompt`, `n_predict`, sampling) from its prefill to its stop.

    `n_vocab` is the size of the vocabulary, `anchor` any token that is a whole character, `since` the
    time.perf_counter() from which token times count.
    """

    def __init__(self, server: Loopback, body: Json, *, n_vocab: int, anchor: int, since: float) -> None:
        self._server = server
        self._body = body
        self._n_vocab = n_vocab
        self._anchor = anchor
        self._since = since
        self._ids: list[int] = list(body["prompt"])
        self._end = len(self._ids) + int(body["n_predict"])
        self._held: Sampled | None = None
        self._prefill: Json = {}
        self._requests = 0

    def emissions(self) -> Generator[Emission, None, None]:
        """Prefill, every token, and the stop; closing the iterator cuts the connection."""
        final: Json | None = None
        while final is None and len(self._ids) < self._end:
            event, missing = yield from self._stream()
            if event["stop"] and missing == 0:
                final = event
                continue
            found = None if event["stop"] else self._found(event["completion_probabilities"][0], missing)
            if found is None:
                final, found = self._anew(max(missing, ANEW))
            for candidate in found:
                yield from self._emit(candidate.id, candidate.data, candidate.logprob, None)
        yield from self._stopped(final or {"stop_type": "limit"})

    def _stream(self) -> Generator[Emission, None, tuple[Json, int]]:
        """Stream until the stop, or until ids are lost; that event, and how many tokens it hides."""
        start = len(self._ids)
        with closing(self._server.events("/completion", self._request(stream=True))) as events:
            for event in events:
                progress = event.get("prompt_progress")
                if progress is not None:
                    yield from self._progress(progress)
                    continue
                missing = start + event["tokens_predicted"] - len(self._ids)
                if event["stop"] or missing != 1:
                    return event, missing
                top = event["completion_probabilities"][0]
                yield from self._emit(top["id"], bytes(top["bytes"]), top["logprob"], entropy(top))
        raise EngineDiedError("the stream ended without a last event")

    def _emit(
        self, token: int, data: bytes, logprob: float | None, entropy: float | None
    ) -> Iterator[Sampled]:
        """Yield a token; one without text is held for an event, because it may be the end of the sequence."""
        self._ids.append(token)
        now = time.perf_counter() - self._since
        sampled = Sampled(token, data, logprob, now, entropy)
        if self._held is not None:
            yield self._held
            self._held = None
        if data:
            yield sampled
        else:
            self._held = sampled

    def _stopped(self, final: Json) -> Iterator[Emission]:
        eos = final.get("stop_type") == "eos"
        if self._held is not None and not eos:
            yield self._held
        yield Stopped("eos" if eos else "limit", self._held if eos else None)

    def _progress(self, progress: Json) -> Iterator[Prefill]:
        if self._requests == 1:  # later streams only go over tokens that were counted already
            now = time.perf_counter() - self._since
            yield Prefill(progress["total"], progress["processed"], progress["cache"], now)

    def _request(self, **changes: Any) -> Json:
        seed = (self._body["seed"] + self._requests) % SEEDS
        body = self._body | {"prompt": self._ids, "n_predict": self._end - len(self._ids), "seed": seed}
        if self._requests:
            body["cache_prompt"] = True
        self._requests += 1
        return body | changes

    # ------------------------------------------------------------------ lost tokens

    def _found(self, top: Json, missing: int) -> list[Candidate] | None:
        greedy = self._body["temperature"] == 0
        width = 1 if greedy else self._body["top_k"] or self._n_vocab
        if self._body["logit_bias"]:
            width = self._n_vocab
        prefix = list(self._ids)
        return fill(lambda way: self._candidates(prefix, way, width), bytes(top["bytes"]), missing, top["id"])

    def _anew(self, count: int) -> tuple[Json | None, list[Candidate]]:
        """Generate up to `count` tokens again, unstreamed: all ids come back. The stop too, if it was one."""
        count = min(count, self._end - len(self._ids))
        request = self._request(stream=False, n_predict=count, return_progress=False)
        answer = self._server.call("/completion", request)
        prefix = list(self._ids)
        found = look_up(lambda way: self._candidates(prefix, way, self._n_vocab), answer["tokens"])
        return (answer if answer["stop_type"] == "eos" else None), found

    def _candidates(self, prefix: list[int], way: Sequence[int], width: int) -> list[Candidate]:
        """The `width` likeliest successors. A favoured whole character makes the server report at once."""
        request = {
            "prompt": [*prefix, *way],
            "n_predict": 1,
            "n_probs": width,
            "temperature": 0,
            "logit_bias": [[self._anchor, 1000]],
        }
        top = self._server.call("/completion", request)["completion_probabilities"][0]["top_logprobs"]
        return [Candidate(c["id"], bytes(c["bytes"]), c["logprob"]) for c in top]


def entropy(top: Json) -> float:
    """Shannon entropy in nats of the reported alternatives, the rest of the mass counted as one more."""
    logprobs = [choice["logprob"] for choice in top["top_logprobs"]]
    rest = 1.0 - math.fsum(math.exp(p) for p in logprobs)
    return -math.fsum(p * math.exp(p) for p in logprobs) - (rest * math.log(rest) if rest > 1e-9 else 0.0)
