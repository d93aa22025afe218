"""Online segmentation: tokens in, the beginnings and ends of steps out.

The steps of one part tile it: every token from the part's first to its last belongs to exactly one step,
tag tokens to none, and a part of white space only has no step. In the reasoning a step begins at a
paragraph, at a line or sentence that starts with a marker ("Wait", "So", "首先"), at any other sentence once
a step has `SENTENCE_TOKENS`, so that a step does one thing, and at any other line once it has `LONG_TOKENS`;
in the answer only at a paragraph. Where a text may be cut at all is `cuts`' matter. A correction begins a
step wherever it stands.
A step has at least `MIN_TOKENS` tokens: a shorter piece joins what follows, the last one what precedes; a
cut is therefore announced when so many tokens stand behind it. The result never depends on timing.

A cut falls between tokens. A token that holds the end of one step and the beginning of the next (". Wait")
goes with the larger half.
"""

from bisect import bisect_left
from collections.abc import Iterable
from copy import copy
from typing import Literal

from ponder.core.events import Origin, Step, StepEnd, StepStart, Token
from ponder.reason.cuts import Cut, CutFinder

MIN_TOKENS = 8
SENTENCE_TOKENS = 12
LONG_TOKENS = 32
_BYTES_PER_TOKEN = 4
_SEEN_BYTES = 3
"""So much of a step tells its beginning from a formula's, or from the first letter of a marker."""

StepEvent = StepStart | StepEnd


class Segmenter:
    """A fold over the tokens of one output: `feed` each, then `finish`."""

    def __init__(self) -> None:
        self._step = 0
        self._run: _Run | None = None
        self._origin: Origin = "model"

    def feed(self, token: Token) -> list[StepEvent]:
        """The steps that `token` begins and ends."""
        run, before, self._origin = self._run, self._origin, token.origin
        corrected = token.origin == "correction" != before
        if run is not None and token.part == run.part and not corrected:
            return run.feed(token)
        events = self.finish()
        if token.part != "tag":
            self._run = _Run(token, self._step)
            events += self._run.feed(token)
        return events

    def ahead(self, *, over: bool) -> list[Step]:
        """The steps that have ended although their StepEnd has yet to come, seen a token or two after them.

        It comes when that is certain: a part that ends at once leaves its last words to the step before.
        `over`: as if the part ended here, with its last step.
        """
        return self._run.ahead(over=over) if self._run else []

    def finish(self) -> list[StepEvent]:
        """The end of the step that is open, if any: a tag, another part or nothing follows."""
        if self._run is None:
            return []
        events = self._run.finish()
        self._step, self._run = self._run.step, None
        return events


def segment(tokens: Iterable[Token]) -> tuple[Step, ...]:
    """The steps of a whole output."""
    segmenter = Segmenter()
    events = [event for token in tokens for event in segmenter.feed(token)] + segmenter.finish()
    return tuple(event.step for event in events if isinstance(event, StepEnd))


class _Run:
    """Neighbouring tokens of one part. Positions in it count its tokens from 0, offsets its bytes."""

    def __init__(self, first: Token, step: int) -> None:
        self.part: Literal["reasoning", "answer"] = "answer" if first.part == "answer" else "reasoning"
        self.step = step
        self._first = first.index
        self._finder = CutFinder()
        self._data: list[bytes] = []
        self._offsets: list[int] = []
        self._sizes = [0]  # how much the tokens before each position count
        self._length = 0
        self._start = 0
        self._cut: int | None = None  # the next step's start, not announced yet
        self._open = False

    def feed(self, token: Token) -> list[StepEvent]:
        data = token.data
        self._data.append(data)
        self._offsets.append(self._length)
        self._length += len(data)
        self._sizes.append(self._sizes[-1] + _size(token))
        events: list[StepEvent] = []
        if not self._open and self._sizes[-1]:
            self._begin(0, events)
        for cut in self._finder.feed(data):
            self._consider(cut, events)
        self._announce(len(self._data), events)
        return events

    def ahead(self, *, over: bool) -> list[Step]:
        again, events = copy(self), list[StepEvent]()
        again._finder = copy(self._finder)
        if over:
            events = again.finish()
        else:
            for cut in again._finder.finish():
                if cut.position + _SEEN_BYTES <= self._length:
                    again._consider(cut, events)
        steps = [event.step for event in events if isinstance(event, StepEnd)]
        return steps if over or again._cut is None else [*steps, again._step(again._cut)]

    def finish(self) -> list[StepEvent]:
        events: list[StepEvent] = []
        for cut in self._finder.finish():
            self._consider(cut, events)
        self._announce(len(self._data), events)
        if self._open:
            self._end(len(self._data), events)
        return events

    def _consider(self, cut: Cut, events: list[StepEvent]) -> None:
        """Cut here if the piece before is long enough for this kind of cut."""
        position = self._position(cut.position)
        self._announce(position, events)
        start = self._start if self._cut is None else self._cut
        size = self._sizes[position] - self._sizes[start]
        if self.part == "answer":
            wanted = cut.kind == "paragraph"
        else:
            least = SENTENCE_TOKENS if cut.kind == "sentence" else LONG_TOKENS
            wanted = cut.kind == "paragraph" or cut.marked or size >= least
        if wanted and size >= MIN_TOKENS and position < len(self._data):
            self._cut = position

    def _position(self, offset: int) -> int:
        """The token where a step that starts at the byte `offset` begins."""
        position = bisect_left(self._offsets, offset)
        if position < len(self._offsets) and self._offsets[position] == offset:
            return position
        data = self._data[position - 1]
        inside = offset - self._offsets[position - 1]
        old, new = data[:inside].strip(), data[inside:].strip()
        return position - 1 if len(new) >= len(old) else position

    def _announce(self, position: int, events: list[StepEvent]) -> None:
        """Make the cut known if enough stands between it and `position`."""
        cut = self._cut
        if cut is not None and self._sizes[position] - self._sizes[cut] >= MIN_TOKENS:
            self._end(cut, events)
            self._begin(cut, events)
            self._cut = None

    def _begin(self, position: int, events: list[StepEvent]) -> None:
        self._start, self._open = position, True
        events.append(StepStart(self.step, self._first + position, self.part))

    def _end(self, position: int, events: list[StepEvent]) -> None:
        events.append(StepEnd(self._step(position)))
        self.step += 1

    def _step(self, stop: int) -> Step:
        return Step(self.step, self._first + self._start, self._first + stop, self.part)


def _size(token: Token) -> int:
    """What a token counts: 1, white space nothing; a piece of text without an id as its likely tokens."""
    if not token.data or token.data.isspace():
        return 0
    return 1 if token.id is not None else max(1, len(token.data) // _BYTES_PER_TOKEN)
