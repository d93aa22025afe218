"""One splitter for every model: engine tokens in, tokens of the reasoning, of the answer and of tags out.

Where a tag is one token of the vocabulary its id decides, and the same letters spelled in several tokens
are text. Where it is not (SmolLM2 writes `<`, `think`, `>`), bytes decide, across token boundaries; only
what may yet become a tag is held back. What makes a tag a tag, in the order of the rules:

1. A server that separates the reasoning itself is believed (`Sampled.part`).
2. A tag that ponder wrote to open or close the reasoning always counts.
3. A tag between two matching quotation marks or backticks is text, whether it is one token or several: a
   model that thinks about "`</think>`" has not finished. A tag that is only text is text in any code, too.
4. An opening tag in the reasoning counts only at its very beginning (the template had written one before);
   elsewhere only at the start of a line and outside a code block: an answer about tags opens nothing.
5. A closing tag in the reasoning counts. Before any reasoning it counts outside code blocks. In an answer
   it counts at the start of a line, outside code blocks. In the last two cases it is *stray*: what stands
   before it was reasoning, but was shown as answer, since most models that do not open a tag answer at
   once and a person should see that. `relabelled` names those tokens; `core.trace.relabel` mends them.

A token cannot be divided: one that holds any byte of a tag is of part `tag`. Pieces of text without an id
(servers) are divided exactly. White space after a tag belongs to what follows. An end-of-sequence token is
a tag and changes nothing. The state after the last token is always one of `closed_by`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from ponder.core.events import ClosedBy, Origin, Part, Sampled, Token
from ponder.core.model import Mark, ThinkTags
from ponder.reason.quoting import Quoting

State = Literal["undecided", "reasoning", "answer"]

_HEADER_BYTES = 256
_OURS: frozenset[Origin] = frozenset(
    {"template", "no_think", "budget", "context", "loop", "eos", "user"},
)
_CLOSER: Mapping[Origin, ClosedBy] = {
    "template": "no_think",
    "no_think": "no_think",
    "budget": "budget",
    "context": "context",
    "loop": "loop",
    "eos": "eos",
    "user": "user",
}


def marks(tags: ThinkTags) -> dict[str, Mark]:
    """The texts a splitter looks for, and what each does.

    An engine looks up which of them are one token. A text that begins with another one is left out: the
    shorter decides.
    """
    known: dict[str, Mark] = {tags.open: "open", tags.close: "close", **dict(tags.more)}
    return {
        text: mark
        for text, mark in known.items()
        if not any(other != text and text.startswith(other) for other in known)
    }


class _Found(NamedTuple):
    """A possible tag in the buffer: its byte range, what it does, and whether an id says so."""

    start: int
    stop: int
    mark: Mark
    by_id: bool


class _Held:
    """A token whose part is not known yet, at the bytes [start, stop) of the buffer."""

    __slots__ = ("origin", "start", "stop", "tagged", "token")

    def __init__(self, token: Sampled, origin: Origin, start: int, stop: int) -> None:
        self.token = token
        self.origin = origin
        self.start = start
        self.stop = stop
        self.tagged = False


class Splitter:
    """A fold over the tokens of one output; the rules are the module's.

    `tags` None: a model without reasoning, all is answer. `tag_ids`: id of each text of `marks(tags)` that
    is one token in this vocabulary. `started`: `reasoning` if the prompt ends inside an open tag, `answer`
    if it ends after a closed one, else `undecided`. `first_index`: index of the first token fed.
    The state is in `state`, `closed_by`, `relabelled` and the two counts, which do not include held tokens.
    """

    def __init__(
        self,
        tags: ThinkTags | None,
        *,
        tag_ids: Mapping[str, int] | None = None,
        started: State = "undecided",
        eos_ids: Iterable[int] = (),
        first_index: int = 0,
    ) -> None:
        known = marks(tags) if tags else {}
        ids = tag_ids or {}
        self._opening = tags.open.encode() if tags else b""
        self._headers = "header" in known.values()
        self._by_id: dict[int | None, tuple[bytes, Mark]] = {
            ids[text]: (text.encode(), mark) for text, mark in known.items() if text in ids
        }
        self._eos = frozenset(eos_ids)
        self._special: frozenset[int | None] = self._eos | self._by_id.keys()
        self._by_text = {text.encode(): mark for text, mark in known.items() if text not in ids}
        self._longest = max(map(len, self._by_text), default=0)
        self._pattern = re.compile(b"|".join(map(re.escape, self._by_text)) or rb"(?!)")
        firsts = b"".join({text[:1] for text in self._by_text})
        self._notable = re.compile(b"[\n`" + re.escape(firsts) + b"]").search

        self.state: State = started
        self.closed_by: ClosedBy = "open" if started == "reasoning" else "none"
        if started == "answer" and tags:
            self.closed_by = "no_think"
        self.reasoning_tokens = 0
        self.answer_tokens = 0
        self._relabelled: list[tuple[int, int]] = []
        self._index = first_index
        self._since = (first_index, 0)

        self._quoting = Quoting()
        self._header: bytes | None = None
        self._held: list[_Held] = []
        self._buffer = b""
        self._position = 0
        self._certain: list[_Found] = []
        self._quiet = True

    @property
    def in_reasoning(self) -> bool:
        """Whether an ordinary token would be reasoning now."""
        return self.state == "reasoning"

    @property
    def relabelled(self) -> tuple[tuple[int, int], ...]:
        """Index ranges given out as answer that were reasoning, since a stray closing tag followed."""
        return tuple(self._relabelled)

    def feed(self, token: Sampled, origin: Origin = "model") -> list[Token]:
        """The tokens whose part is certain now: usually this one, none while a tag may be coming."""
        data = token.data
        if self._quiet and token.part is None and token.id not in self._special and not self._notable(data):
            self._quoting.plain(data)
            return [self._emit(token, origin, "reasoning" if self.state == "reasoning" else "answer")]
        if token.part is not None:
            out = self.flush()
            self._believe(token.part, origin)
            out.append(self._emit(token, origin, token.part))
        elif token.id in self._eos:
            out = self.flush()
            out.append(self._emit(token, origin, "tag"))
        else:
            self._hold(token, origin)
            out = self._advance(final=False)
        self._quiet = not (self._held or self._quoting.pending or self._header is not None)
        return out

    def flush(self) -> list[Token]:
        """The tokens still held: nothing follows them. Feeding may go on afterwards."""
        return self._advance(final=True) if self._held else []

    def _hold(self, token: Sampled, origin: Origin) -> None:
        start = len(self._buffer)
        text, mark = self._by_id.get(token.id, (token.data, None))
        self._buffer += text
        self._held.append(_Held(token, origin, start, len(self._buffer)))
        if mark:
            self._certain.append(_Found(start, len(self._buffer), mark, by_id=True))

    def _advance(self, *, final: bool) -> list[Token]:
        """Decide as much of the buffer as can be decided."""
        out: list[Token] = []
        while True:
            found = self._next()
            self._text(found.start if found else self._text_end(final=final), out)
            if found is None:
                break
            counts = self._counts(found, final=final)
            if counts is None:
                break
            if found.by_id:
                del self._certain[0]
            if counts:
                self._tag(found, out)
            else:
                self._text(found.stop, out)
        self._forget()
        return out

    def _next(self) -> _Found | None:
        """The next possible tag in the buffer."""
        certain = self._certain[0] if self._certain else None
        end = certain.start if certain else len(self._buffer)
        match = self._pattern.search(self._buffer, self._position, end)
        return _Found(*match.span(), self._by_text[match[0]], by_id=False) if match else certain

    def _text_end(self, *, final: bool) -> int:
        """Up to where the buffer, which holds no whole tag, cannot hold the beginning of one either."""
        end = len(self._buffer)
        if not final:
            for start in range(max(self._position, end - self._longest + 1), end):
                rest = self._buffer[start:]
                if any(text.startswith(rest) for text in self._by_text):
                    return start
        return end

    def _text(self, stop: int, out: list[Token]) -> None:
        """The bytes up to `stop` are text (or inside a header)."""
        data = self._buffer[self._position : stop]
        self._position = stop
        if self._header is None:
            self._quoting.advance(data)
        else:
            self._header += data
            if len(self._header) > _HEADER_BYTES:
                self._header = None
        self._release(stop, out)

    def _counts(self, found: _Found, *, final: bool) -> bool | None:
        """Whether `found` is a tag; None if that depends on what follows."""
        if self._touched(found)[-1].origin in _OURS:
            return True
        here = self._quoting
        here.settle()
        if not found.by_id and (here.fenced or here.inline):
            return False
        awaited, after = here.awaited, self._buffer[found.stop :]
        if awaited and after.startswith(awaited):
            return False
        if awaited and awaited.startswith(after) and not final:
            return None
        if found.mark == "body":
            return self._header is not None
        if self._headers or found.mark in {"header", "silent"}:
            return True
        if self.state == "reasoning":
            return found.mark == "close" or not here.written
        if found.mark == "close" and self.state == "undecided":
            return not here.fenced
        return here.blank and not here.fenced

    def _touched(self, found: _Found) -> list[_Held]:
        return [held for held in self._held if held.start < found.stop and held.stop > found.start]

    def _tag(self, found: _Found, out: list[Token]) -> None:
        """The bytes of `found` are a tag."""
        touched = self._touched(found)
        for held in touched:
            held.tagged = True
        self._change(found, touched[-1].origin)
        self._position = found.stop
        self._release(found.stop, out)

    def _change(self, found: _Found, origin: Origin) -> None:
        """What a tag does to the state."""
        if found.mark == "header":
            self._header = (self._header or b"") + self._buffer[found.start : found.stop]
            self._quoting.reset()
        elif found.mark == "body":
            header = (self._header or b"") + self._buffer[found.start : found.stop]
            self._header = None
            self._enter("reasoning" if header.endswith(self._opening) else "answer", origin)
        elif found.mark == "open":
            self._enter("reasoning", origin)
        elif found.mark == "close":
            if self.state != "reasoning" and not self._headers:
                self._stray()
            self._enter("answer", origin)

    def _enter(self, state: State, origin: Origin) -> None:
        if state == "reasoning":
            self.closed_by = "open"
        elif self.state == "reasoning":
            self.closed_by = _CLOSER.get(origin, "model")
        self.state = state
        self._since = (self._index, self.answer_tokens)
        self._quoting.reset()

    def _stray(self) -> None:
        """A closing tag without an opening one: what came since the last tag was reasoning."""
        if self._quoting.written or self.state == "undecided":
            self.state = "reasoning"
            start, counted = self._since
            moved = self.answer_tokens - counted
            self.answer_tokens -= moved
            self.reasoning_tokens += moved
            if moved:
                self._relabelled.append((start, self._index))

    def _believe(self, part: Part, origin: Origin) -> None:
        """A server says where a token belongs."""
        if part not in {"tag", self.state}:
            self._enter("reasoning" if part == "reasoning" else "answer", origin)

    def _release(self, stop: int, out: list[Token]) -> None:
        """Give out the tokens that end by `stop`; divide a piece of text (which has no id) there."""
        while self._held and self._held[0].start <= stop:
            held = self._held[0]
            token, size = held.token, stop - held.start
            if held.stop > stop:
                if token.id is not None or not size:
                    return
                held.token = replace(token, data=token.data[size:], logprob=None, entropy=None)
                token = replace(token, data=token.data[:size])
                held.start = stop
            else:
                del self._held[0]
            part: Part = "reasoning" if self.state == "reasoning" else "answer"
            if held.tagged or self._header is not None:
                part = "tag"
            out.append(self._emit(token, held.origin, part))
            if held.stop > stop:
                held.tagged = False
                return

    def _forget(self) -> None:
        """Drop what was given out from the buffer."""
        size = self._held[0].start if self._held else len(self._buffer)
        self._buffer = self._buffer[size:]
        self._position -= size
        for held in self._held:
            held.start -= size
            held.stop -= size
        self._certain = [
            found._replace(start=found.start - size, stop=found.stop - size) for found in self._certain
        ]

    def _emit(self, token: Sampled, origin: Origin, part: Part) -> Token:
        if part == "reasoning":
            self.reasoning_tokens += 1
        elif part == "answer":
            self.answer_tokens += 1
        index = self._index
        self._index = index + 1
        logprob, spread, others = token.logprob, token.entropy, token.alternatives
        return Token(index, token.id, token.data, part, origin, logprob, token.time_s, spread, others)
