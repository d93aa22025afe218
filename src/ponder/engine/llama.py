"""The client of a llama.cpp server, embedded or not: prompts and continuations as token ids.

It uses `/completion`, never the chat endpoint: there the template's switches are silently ignored for
R1, prefilled reasoning is re-rendered with other bytes, and token ids are not to be had.
"""

import json
import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from ponder.core.request import Message, Sampling
from ponder.core.trace import shared_ids
from ponder.engine.http import Loopback
from ponder.engine.piece import Piece, foreign
from ponder.engine.protocol import Ability, Emission, EngineDiedError, Prompt, Served, Written, ids_of
from ponder.engine.render import neutral, placeholders, render
from ponder.engine.slots import Slots
from ponder.errors import ContextError, EngineError, InputError

ABILITIES = (
    Ability.TOKEN_IDS
    | Ability.LOGPROBS
    | Ability.TOKEN_PREFIX
    | Ability.LOGIT_BIAS
    | Ability.SEED
    | Ability.THINK_SWITCH
    | Ability.GRAMMAR
    | Ability.JSON_SCHEMA
)
MOST_WRITTEN = 512
"""Texts, and forms of conversations, of which the tokens or the rendering are remembered."""
RENDERED_S = 60.0
"""How long a rendering is believed: a template may put in the date."""
ALTERNATIVES = 5
"""Alternatives asked for with each token: enough for an entropy estimate, and no dearer than one."""
SAMPLERS = ("top_k", "top_p", "min_p", "temperature")
"""Nothing else takes part in choosing a token, whatever a server's own defaults are."""


class LlamaClient:
    """An engine behind a llama.cpp server that already runs at `url`.

    `slots`: how many it has, if they are all ours; 0 for a server that others use too. `gather_s`: how long
    a stream may gather tokens before they are read; see `ponder.engine.gather`.
    """

    gather_s = 0.0

    def __init__(self, url: str, key: str = "", *, name: str = "llama-server", slots: int = 0) -> None:
        self._server = Loopback(url, key)
        self._name = name
        self._served: Served | None = None
        self._n_vocab = 0
        self._anchor = 0
        self._bos: list[int] = []
        self._slots = Slots(slots)
        self._written: dict[str, tuple[Written, ...]] = {}
        self._templates: dict[str, tuple[float, str]] = {}
        self._schemas: set[str] = set()
        self._lent: dict[tuple[int, ...], str] = {}

    # ------------------------------------------------------------------ Engine

    def serve(self) -> Served:
        """Ask the server what it serves; raises EngineError if it is not llama.cpp's."""
        if self._served is None:
            self._served = self._look()
        return self._served

    def prompt(self, messages: Sequence[Message], *, think: bool, tags: tuple[str, str] | None) -> Prompt:
        """Render with the model's own template; see `ponder.engine.render`."""
        self.serve()
        if messages[0].role == "text":
            return self._plain(messages[0])
        kwargs = {"enable_thinking": think, "thinking": think}
        rendered = self._rendered(messages, kwargs)
        tokens, head, tail = render(rendered, messages, self._rendering)
        ids = ids_of(tokens)
        text = b"".join(data for _, data in tokens).decode("utf-8", "replace")
        bos = self._bos
        if bos and ids[: len(bos)] != bos:
            ids, head = [*bos, *ids], head and head + len(bos)
        opened = closed = False
        if tags is not None:
            opened = tail.rstrip().endswith(tags[0])
            closed = not opened and tail.rstrip().endswith(tags[1])
        other = {"enable_thinking": not think, "thinking": not think}
        switched = self._rendered(messages, other) != rendered
        return Prompt(tuple(messages), tuple(ids), head, opened, closed, switched, think, text)

    def tokenize(self, text: str, *, control: bool) -> tuple[Written, ...]:
        """A text as tokens; with `control` its special tokens are real, else nothing in it is one."""
        if not control:
            return tuple(neutral(text, self._pieces))
        if text not in self._written:  # a few texts of ours and of the template, which every run writes
            if len(self._written) >= MOST_WRITTEN:
                self._written.clear()
            self._written[text] = tuple(self._pieces([text], True))
        return self._written[text]

    def _rendering(self, texts: Sequence[str], special: bool) -> list[Written]:
        """As `_pieces`; the template's own texts come again and again."""
        return list(self.tokenize(texts[0], control=True)) if special else self._pieces(texts, False)

    def stream(
        self, prompt: Prompt, output: Sequence[int], sampling: Sampling, *, since: float
    ) -> Generator[Emission, None, None]:
        """Stream one piece; where the server loses ids they are found, which costs a few tokens' time."""
        served, known = self.serve(), [*prompt.ids, *output]
        room = served.n_ctx - len(known)
        if room < 1:
            raise ContextError(
                f"the context of {served.n_ctx} tokens is full: choose a larger one with --ctx."
            )
        limit = room if sampling.max_tokens is None else min(sampling.max_tokens, room)
        # Another conversation must not profit from this one's cache, nor tell from the time that it exists.
        slot = self._slots.take(prompt, known)
        if not slot.same and prompt.ids in self._lent:
            slot.same = self._borrow(slot.number, self._lent[prompt.ids])
        body = self._body(known, sampling, limit) | {"cache_prompt": slot.same}
        if self._slots.chosen:
            body["id_slot"] = slot.number
        if sampling.json_schema and sampling.json_schema not in self._schemas:
            self._check_schema(sampling.json_schema, body)
            body["cache_prompt"] = True
        piece = Piece(self._server, body, n_vocab=self._n_vocab, anchor=self._anchor, since=since)
        piece.alternatives, piece.gather_s = sampling.alternatives, self.gather_s
        try:
            yield from piece.emissions()
        except EngineDiedError:
            self._served = None  # another one may come, with another model
            raise
        finally:
            self._slots.leave(slot, piece.ids)

    def lend(self, prompt: Prompt, name: str, wanted: Callable[[], bool]) -> bool:
        """Evaluate a prompt once and keep it in the file `name` for every conversation that begins with it,
        until `take_back`; False if it is not `wanted` any more before that is done.
        """
        slot = self._slots.take(prompt, prompt.ids)
        body: dict[str, Any] = {"prompt": prompt.ids, "n_predict": 0, "cache_prompt": slot.same}
        body |= {"stream": True, "return_progress": True}
        body |= {"id_slot": slot.number} if self._slots.chosen else {}
        try:
            with closing(self._server.events("/completion", body)) as events:
                if not all(wanted() for _ in events):
                    return False
            self._lent[prompt.ids] = name
            return self._file("save", slot.number, name, "n_saved") > 0
        finally:
            self._slots.leave(slot)

    def _borrow(self, slot: int, name: str) -> bool:
        """Whether a slot now holds a lent prompt; if not, it is evaluated anew."""
        try:
            return self._file("restore", slot, name, "n_restored") > 0
        except EngineDiedError:
            raise
        except EngineError:
            return False

    def take_back(self, prompt: Prompt) -> None:
        """The file of a lent prompt is no longer read."""
        self._lent.pop(prompt.ids, None)

    def holds(self, prompt: Prompt, known: Sequence[int]) -> int:
        """How many of the tokens `known`, which begin with `prompt`, lie in the cache of a free slot."""
        slot = self._slots.own(prompt, known)
        if slot is None:
            return 0
        self._slots.leave(slot)
        return shared_ids(slot.ids, known)

    def save(self, prompt: Prompt, known: Sequence[int], name: str) -> int:
        """Let the server write the cache of a conversation to the file `name` in its folder; how many tokens
        it holds, 0 where no slot has it.
        """
        slot = self._slots.own(prompt, known)
        if slot is None:
            return 0
        try:
            return self._file("save", slot.number, name, "n_saved")
        finally:
            self._slots.leave(slot)

    def restore(self, prompt: Prompt, known: Sequence[int], name: str) -> int:
        """Let the server read what `save` wrote; how many tokens it now holds. The caller has made sure that
        a slot is free, and that the file is whole: after an error the server's cache may be spoilt.
        """
        slot = self._slots.take(prompt, known)
        try:
            return self._file("restore", slot.number, name, "n_restored")
        finally:
            self._slots.leave(slot)

    def _file(self, action: str, slot: int, name: str, count: str) -> int:
        answer = self._server.call(f"/slots/{slot}?action={action}", {"filename": name})
        with foreign(count):
            return int(answer[count])

    def close(self) -> None:
        """Forget the server; it is not ours to stop."""
        self._server.close()
        self._served = None

    # ------------------------------------------------------------------ details

    def _plain(self, message: Message) -> Prompt:
        """What no template sees: tokens as they are, text with nothing in it but text."""
        if not message.ids:
            ids = (*self._bos, *ids_of(neutral(message.content, self._pieces)))
            return Prompt((message,), ids)
        strange = next((each for each in message.ids if not 0 <= each < self._n_vocab), None)
        if strange is not None:
            raise InputError(
                f"the prompt holds the token {strange}, and this model has tokens from 0 to "
                f"{self._n_vocab - 1}."
            )
        answer = self._server.call("/detokenize", {"tokens": message.ids})
        with foreign("content"):
            text = str(answer["content"])
        return Prompt((replace(message, content=text),), message.ids)

    def _check_schema(self, schema: str, body: dict[str, Any]) -> None:
        """Raise InputError for a schema that the server would silently ignore.

        A letter that no JSON begins with is favoured beyond measure: only a schema at work keeps it away.
        """
        probe = body | {"n_predict": 1, "temperature": 0, "logit_bias": [[self._anchor, 1000]]}
        probe |= {"json_schema": json.loads(schema), "n_probs": 0, "return_progress": False}
        try:
            answer = self._server.call("/completion", probe)
        except EngineDiedError:
            raise
        except EngineError as error:
            raise InputError(f"the JSON schema cannot be followed: {error}") from None
        if answer.get("tokens") == [self._anchor]:
            raise InputError("the JSON schema cannot be followed: llama.cpp makes no grammar of it.")
        self._schemas.add(schema)

    def _look(self) -> Served:
        props = self._server.call("/props")
        settings = props.get("default_generation_settings") if isinstance(props, dict) else None
        if not isinstance(settings, dict) or "n_ctx" not in settings:
            raise EngineError(f"{self._server.url} is not a llama.cpp server: its /props has no n_ctx.")
        self._written.clear()
        self._templates.clear()
        models = self._server.call("/v1/models")
        with foreign("n_vocab"):
            self._n_vocab = int(models["data"][0]["meta"]["n_vocab"])
        self._anchor = ids_of(self._pieces(["a"], False))[0]
        self._bos = self._server.call("/tokenize", {"content": "", "add_special": True})["tokens"]
        return Served(
            f"{self._name} {props.get('build_info', '')}".strip(),
            str(props.get("model_alias") or props.get("model_path", "")).replace("\\", "/").split("/")[-1],
            int(settings["n_ctx"]),
            ABILITIES,
            str(props.get("chat_template", "")),
        )

    def _rendered(self, messages: Sequence[Message], kwargs: dict[str, bool]) -> str:
        body = {"messages": placeholders(messages), "chat_template_kwargs": kwargs}
        key = json.dumps(body)  # the users' texts are not in it
        until, text = self._templates.get(key, (0.0, ""))
        if time.monotonic() > until:
            if len(self._templates) >= MOST_WRITTEN:
                self._templates.clear()
            text = str(self._server.call("/apply-template", body)["prompt"])
            self._templates[key] = time.monotonic() + RENDERED_S, text
        return text

    def _pieces(self, texts: Sequence[str], special: bool) -> list[Written]:
        if not any(texts):
            return []
        body = {"content": list(texts), "parse_special": special, "add_special": False, "with_pieces": True}
        answer = self._server.call("/tokenize", body)
        with foreign("with_pieces"):
            return [(int(token["id"]), _bytes(token["piece"])) for token in answer["tokens"]]

    @staticmethod
    def _schema(sampling: Sampling) -> dict[str, Any]:
        bound = sampling.json_schema and not sampling.free
        return {"json_schema": json.loads(sampling.json_schema)} if bound else {}

    @classmethod
    def _body(cls, ids: list[int], sampling: Sampling, limit: int) -> dict[str, Any]:
        body = {
            "prompt": ids,
            "n_predict": limit,
            "samplers": SAMPLERS,
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
            "min_p": sampling.min_p,
            "seed": sampling.seed or 0,
            # JSON has no infinity; llama.cpp takes `false` for never.
            "logit_bias": [[token, bias > -math.inf and bias] for token, bias in sampling.logit_bias],
            "n_probs": max(ALTERNATIVES, sampling.alternatives) if sampling.logprobs else 0,
            "return_tokens": True,
            "return_progress": True,
        }
        return body | ({"grammar": sampling.grammar} if sampling.grammar else {}) | cls._schema(sampling)


def _bytes(piece: str | list[int]) -> bytes:
    """A token's bytes: llama.cpp writes them as a list where they are no UTF-8."""
    return piece.encode() if isinstance(piece, str) else bytes(piece)
