"""The raw route of an OpenAI-compatible server: `/completions` goes on after any text or token ids.

With it such a server can be stopped, corrected and continued. What it takes is found by asking, never by
brand. Two things are needed: a way to render the conversation with the model's own template (vLLM's
`/tokenize` of messages with `/detokenize`, or llama.cpp's `/apply-template`), and a completions route that
puts nothing around its prompt (Ollama's does). Where the route returns token ids and the tokenizer is
open, everything is token-exact; else the output so far is handed over as text: its bytes are kept, but the
server cuts them into tokens anew. The chat route's `continue_final_message` is not used: templates drop or
re-render what stands in a reasoning.
"""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from ponder.core.request import Message
from ponder.core.tags import FORMATS
from ponder.engine.piece import entropy
from ponder.engine.protocol import Ability, Prompt, Written, ids_of
from ponder.engine.remote import Json, Remote, as_dict, first_choice
from ponder.engine.render import filled, placeholders, render
from ponder.engine.vocabulary import spelled
from ponder.errors import EngineError, InputError, NetworkError

TRIED = {"role": "user", "content": "Hi there."}
MOST_RAW_TOKENS = 4
"""The word "Hi" is at most so many tokens where nothing is put around it."""
_CONTROL = re.compile(
    r"<\|[^<>|\s]{1,40}\|>|<｜[^<>｜]{1,40}｜>|\[/?INST\]|</?s>|<(?:start|end)_of_turn>|"
    + "|".join(re.escape(t) for tags in FORMATS.values() for t in (tags.open, tags.close) if t[0] in "<[◁")
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one event of the raw route adds: (id or None, bytes, log-probability, entropy) of each token.

    `finish` is why it ended, if it did; `eos`: the last token ends the sequence.
    """

    tokens: tuple[tuple[int | None, bytes, float | None, float | None], ...]
    finish: str = ""
    eos: bool = False


class Raw:
    """The raw route of `remote` for `model`; made by `probe`."""

    def __init__(self, remote: Remote, model: str, *, tokenizer: bool, ids: bool, logprobs: bool) -> None:
        self._remote = remote
        self._model = model
        self._tokenizer = tokenizer
        self.ids = ids
        self._logprobs = logprobs

    @property
    def abilities(self) -> Ability:
        """What the route can do."""
        can = Ability.THINK_SWITCH | Ability.SEED
        if self._logprobs:
            can |= Ability.LOGPROBS
        if self.ids:
            return can | Ability.TOKEN_IDS | Ability.TOKEN_PREFIX | Ability.LOGIT_BIAS
        return can | Ability.TEXT_PREFIX

    def prompt(self, messages: Sequence[Message], *, think: bool, tags: tuple[str, str] | None) -> Prompt:
        """The conversation as the model's template renders it; no text in it becomes a control token."""
        marked = placeholders(messages)
        rendered = self._rendered(marked, think=think)
        switched = self._rendered(marked, think=not think) != rendered
        if self.ids:
            tokens, head, tail = render(rendered, messages, self._pieces)
            ids = tuple(ids_of(tokens))
            text = b"".join(data for _, data in tokens).decode("utf-8", "replace")
            size = len(ids)
        else:
            _refuse_control(messages)
            text, tail = filled(rendered, messages)
            ids, head, size = (), 0, self.count(text)
        opened = tags is not None and tail.rstrip().endswith(tags[0])
        closed = tags is not None and not opened and tail.rstrip().endswith(tags[1])
        return Prompt(tuple(messages), ids, head, opened, closed, switched, think, text, size)

    def tokenize(self, text: str, *, control: bool) -> tuple[Written, ...]:
        """A text as tokens; where ids are not to be had, as one piece."""
        if not self.ids:
            return ((None, text.encode()),) if text else ()
        del control  # a text of ours has no other reading, and one of a person's is cut by `render`
        return tuple(self._pieces([text], True))

    def count(self, text: str) -> int:
        """How many tokens a text is; a cautious guess where the server does not say."""
        try:
            body = {"model": self._model, "prompt": text, "content": text, "add_special_tokens": True}
            tokens = self._remote.call("POST", "/tokenize", body, root=True).get("tokens")
        except (EngineError, NetworkError):
            tokens = None
        return len(tokens) if isinstance(tokens, list) and tokens else len(text.encode()) // 3 + 1

    def chunks(self, prompt: str | Sequence[int], body: Json) -> Generator[Chunk, None, None]:
        """Stream after `prompt`; `body` holds the sampling and the limit."""
        asked = body | {
            "model": self._model,
            "prompt": prompt,
            "stream": True,
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
            "add_special_tokens": not self.ids and not self._tokenizer,
            "return_token_ids": True if self.ids else None,
            "logprobs": 5 if self._logprobs else None,
        }
        asked = {name: value for name, value in asked.items() if value is not None}
        for event in self._remote.events("/completions", asked):
            choice = first_choice(event)
            if choice:
                yield read_chunk(choice, ids=self.ids)

    # ------------------------------------------------------------------ details

    def _rendered(self, messages: Sequence[Json], *, think: bool) -> str:
        return rendered(self._remote, self._model, messages, tokenizer=self._tokenizer, think=think)

    def _pieces(self, texts: Sequence[str], special: bool) -> list[Written]:
        del special  # such a tokenizer has no other mode; `render` cuts what a person wrote
        tokens: list[Written] = []
        for text in texts:
            if text:
                tokens += pieces(self._remote, self._model, text)
        return tokens


def probe(remote: Remote, model: str) -> Raw | None:
    """The raw route of a server, None where it has none or no way to render a conversation."""
    for tokenizer in (True, False):
        try:
            text = rendered(remote, model, [TRIED], tokenizer=tokenizer, think=True)
        except (EngineError, NetworkError):
            continue
        if TRIED["content"] in text:
            return _route(remote, model, text, tokenizer=tokenizer)
    return None


def _route(remote: Remote, model: str, text: str, *, tokenizer: bool) -> Raw | None:
    """The route, if it is raw: tried with ids that come back, then as text; with log-probabilities first."""
    exact = tokenizer and message_ids(remote, model, [TRIED], think=True) == ids_of(
        pieces(remote, model, text)
    )
    for ids in (True, False) if exact else (False,):
        prompt: Any = ids_of(pieces(remote, model, "Hi")) if ids else "Hi"
        for logprobs in (True, False):
            body: Json = {"model": model, "prompt": prompt, "max_tokens": 1, "temperature": 0}
            body |= {"logprobs": 5} if logprobs else {}
            body |= {"return_token_ids": True} if ids else {}
            try:
                answer = remote.call("POST", "/completions", body)
            except (EngineError, NetworkError):
                continue
            choice, used = first_choice(answer), as_dict(answer.get("usage")).get("prompt_tokens")
            if isinstance(used, int) and used > MOST_RAW_TOKENS:
                return None
            if not isinstance(choice.get("text"), str) or (ids and not _whole_ids(choice.get("token_ids"))):
                break
            told = bool(read_logprobs(as_dict(choice.get("logprobs"))))
            return Raw(remote, model, tokenizer=tokenizer, ids=ids, logprobs=logprobs and told)
    return None


def rendered(remote: Remote, model: str, messages: Sequence[Json], *, tokenizer: bool, think: bool) -> str:
    """A conversation as the model's template renders it; raises EngineError where that is not to be had."""
    body = _conversation(model, messages, think=think)
    if not tokenizer:
        text = remote.call("POST", "/apply-template", body, root=True).get("prompt")
    else:
        tokens = message_ids(remote, model, messages, think=think)
        text = remote.call("POST", "/detokenize", {"model": model, "tokens": tokens}, root=True).get("prompt")
    if not isinstance(text, str):
        raise EngineError(f"{remote.url} does not render messages.")
    return text


def message_ids(remote: Remote, model: str, messages: Sequence[Json], *, think: bool) -> list[int]:
    """A conversation as the ids that the model would see; raises EngineError where they are not to be had."""
    body = _conversation(model, messages, think=think) | {"add_generation_prompt": True}
    tokens = remote.call("POST", "/tokenize", body, root=True).get("tokens")
    if not _whole_ids(tokens):
        raise EngineError(f"{remote.url} does not tokenize messages.")
    assert isinstance(tokens, list)
    return tokens


def _conversation(model: str, messages: Sequence[Json], *, think: bool) -> Json:
    kwargs = {"enable_thinking": think, "thinking": think}
    return {"model": model, "messages": list(messages), "chat_template_kwargs": kwargs}


def pieces(remote: Remote, model: str, text: str) -> list[Written]:
    """The tokens of a text, special ones included, with their bytes as far as their spelling tells."""
    body = {"model": model, "prompt": text, "add_special_tokens": False, "return_token_strs": True}
    answer = remote.call("POST", "/tokenize", body, root=True)
    tokens = answer.get("tokens")
    if not _whole_ids(tokens):
        raise EngineError(f"{remote.url} does not tokenize a text.")
    assert isinstance(tokens, list)
    strings = answer.get("token_strs")
    data = spelled(strings if isinstance(strings, list) else [], text.encode(), len(tokens))
    return list(zip(tokens, data, strict=True))


def read_chunk(choice: Json, *, ids: bool) -> Chunk:
    """The tokens of one event, and why it ended if it did."""
    text = str(choice.get("text") or "").encode()
    finish = str(choice.get("finish_reason") or "")
    known = read_logprobs(as_dict(choice.get("logprobs")))
    numbers = choice.get("token_ids") if ids else None
    if ids and _whole_ids(numbers):
        assert isinstance(numbers, list)
        # The end of the sequence is among the ids, and has no text.
        said = b"".join(piece for piece, _, _ in known)
        ended = finish == "stop" and (not text or (len(numbers) > 1 and said != text))
        spoken = len(numbers) - ended
        data = spelled([piece.decode("utf-8", "replace") for piece, _, _ in known[:spoken]], text, spoken)
        data += [b""] * ended
        rest = known if len(known) == len(numbers) else [(b"", None, None)] * len(numbers)
        rows = zip(numbers, data, rest, strict=True)
        return Chunk(tuple((number, piece, *more[1:]) for number, piece, more in rows), finish, ended)
    if known and b"".join(piece for piece, _, _ in known) == text:
        # The end of the sequence may be among them, without text.
        return Chunk(tuple((None, piece, lp, spread) for piece, lp, spread in known if piece), finish)
    return Chunk(((None, text, None, None),) if text else (), finish)


def read_logprobs(told: Json) -> list[tuple[bytes, float | None, float | None]]:
    """Bytes, log-probability and entropy of each token, from OpenAI's old form or the chat's."""
    content = told.get("content")
    if isinstance(content, list):
        rows = [as_dict(row) for row in content]
        return [
            (
                bytes(row["bytes"]) if row.get("bytes") else str(row.get("token", "")).encode(),
                row.get("logprob"),
                entropy(row),
            )
            for row in rows
        ]
    names, values = told.get("tokens"), told.get("token_logprobs")
    if not isinstance(names, list) or not isinstance(values, list) or len(names) != len(values):
        return []
    tops = told.get("top_logprobs")
    tops = tops if isinstance(tops, list) and len(tops) == len(names) else [None] * len(names)
    return [
        (
            str(name).encode(),
            value,
            entropy({"top_logprobs": [{"logprob": p} for p in as_dict(top).values()]}),
        )
        for name, value, top in zip(names, values, tops, strict=True)
    ]


def _whole_ids(tokens: Any) -> bool:
    """Whether it is a list of at least one token id."""
    return isinstance(tokens, list) and bool(tokens) and all(type(token) is int for token in tokens)


def _refuse_control(messages: Sequence[Message]) -> None:
    """Raise InputError for a text that the server would read as a control token."""
    for message in messages:
        found = _CONTROL.search(message.content + "\n" + message.reasoning)
        if found:
            raise InputError(
                f"the conversation holds {found[0]}, which this server would read as a control token, "
                "because it takes its prompts as text: leave it out, or ask through llama.cpp."
            )
