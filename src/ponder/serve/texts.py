"""From tokens to the texts that clients see: reasoning and answer apart, whole characters, cut at a stop.

White space between the tags and what they enclose is the template's, so it is left out at the beginning of
each part. Text that could be the beginning of a stop word waits until it is clear that it is none.
"""

from codecs import getincrementaldecoder
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ponder.core.events import Token

_Decoder = getincrementaldecoder("utf-8")


@dataclass(slots=True)
class Delta:
    """What is new: text of each part, and the tokens that it comes from."""

    reasoning: str = ""
    answer: str = ""
    reasoning_tokens: list[Token] = field(default_factory=list)
    answer_tokens: list[Token] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.reasoning or self.answer or self.answer_tokens)


class _Part:
    """The text of one part so far; `strip` while nothing but white space has come."""

    def __init__(self, stops: Sequence[str], *, strip: bool) -> None:
        self._decoder = _Decoder("replace")
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self._strip = strip
        self.stopped = ""

    def feed(self, data: bytes, *, final: bool = False) -> str:
        """The text that is certain now."""
        text = self._decoder.decode(data, final)
        if self._strip:
            text = text.lstrip()
            self._strip = not text
        if not self._stops or self.stopped:
            return "" if self.stopped else text
        text = self._held + text
        found = [(at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            at, self.stopped = min(found)
            self._held = ""
            return text[:at]
        keep = 0 if final else max(self._overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    @staticmethod
    def _overlap(text: str, stop: str) -> int:
        """How many of the last characters of `text` could begin `stop`."""
        most = min(len(text), len(stop) - 1)
        return next((n for n in range(most, 0, -1) if text.endswith(stop[:n])), 0)


class Texts:
    """A fold over a run's tokens, from the first one that is not the client's own (`continued`: some are)."""

    def __init__(
        self, stops: Sequence[str] = (), *, stop_anywhere: bool = False, continued: bool = False
    ) -> None:
        self._reasoning = _Part(stops if stop_anywhere else (), strip=not continued)
        self._answer = _Part(stops, strip=not continued)
        self._blank = not continued

    @property
    def stopped(self) -> str:
        """The stop word that ended it, if one did."""
        return self._reasoning.stopped or self._answer.stopped

    def feed(self, tokens: Iterable[Token]) -> Delta:
        """What these tokens add."""
        delta = Delta()
        for token in tokens:
            if self.stopped:
                break
            if token.part == "reasoning":
                delta.reasoning += self._reasoning.feed(token.data)
                delta.reasoning_tokens.append(token)
            elif token.part == "answer":
                delta.answer += self._answer.feed(token.data)
                self._blank = self._blank and not token.data.strip()
                if not self._blank:
                    delta.answer_tokens.append(token)
        return delta

    def end(self) -> Delta:
        """What was held back: nothing follows."""
        return Delta(self._reasoning.feed(b"", final=True), self._answer.feed(b"", final=True))


def whole(tokens: Sequence[Token], texts: Texts) -> Delta:
    """All of it at once."""
    delta, rest = texts.feed(tokens), texts.end()
    delta.reasoning += rest.reasoning
    delta.answer += rest.answer
    return delta
