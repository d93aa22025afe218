"""Everything that is read from a stream of tokens, in one fold: parts, steps and their roles, loops, counts.

The spine feeds it what the engine sampled and what ponder wrote; out come the events for everybody else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ponder.core.events import ClosedBy, Event, Origin, Sampled, Step, StepEnd, Token
from ponder.core.model import ThinkTags
from ponder.core.trace import relabel, text_of
from ponder.reason.label import Labeller
from ponder.reason.loops import LoopDetector
from ponder.reason.segment import Segmenter
from ponder.reason.split import Splitter, State


class Fold:
    """The reading of one output; `question` helps to see roles.

    `tokens` and `steps` are all so far, `ids` and `data` what was fed.
    """

    def __init__(
        self, tags: ThinkTags | None, tag_ids: Mapping[str, int], started: State, question: str = ""
    ) -> None:
        self.tokens: list[Token] = []
        self.steps: list[Step] = []
        self.ids: list[int] = []
        self.data = bytearray()
        self._splitter = Splitter(tags, tag_ids=tag_ids, started=started)
        self._segmenter = Segmenter()
        self._labeller = Labeller(question)
        self._loops = LoopDetector()
        self._part = ""
        self.fed = 0
        self.looping = False
        self.answered = False

    @property
    def in_reasoning(self) -> bool:
        """Whether an ordinary token would be reasoning now."""
        return self._splitter.in_reasoning

    @property
    def reasoning_tokens(self) -> int:
        """Tokens between the think tags so far."""
        return self._splitter.reasoning_tokens

    @property
    def closed_by(self) -> ClosedBy:
        """How the reasoning ended, or that it has not."""
        return self._splitter.closed_by

    @property
    def ended(self) -> bool:
        """Whether the last token is the end of the sequence: a tag without text, in no reasoning."""
        last = self.tokens[-1] if self.tokens else None
        return last is not None and last.part == "tag" and not last.data and not self.in_reasoning

    def feed(self, sampled: Sampled, origin: Origin = "model") -> list[Event]:
        """One token in; the events that are certain now."""
        self.fed += 1
        if sampled.id is not None:
            self.ids.append(sampled.id)
        self.data += sampled.data
        return self._read(self._splitter.feed(sampled, origin))

    def ahead(self, *, over: bool) -> list[Step]:
        """The steps that have ended although their StepEnd has yet to come; see Segmenter."""
        labeller = self._labeller.copy()
        return [self._labelled(step, labeller) for step in self._segmenter.ahead(over=over)]

    def replay(self, tokens: Iterable[Token]) -> None:
        """Read again what was kept of an interrupted run; its events are known already."""
        for token in tokens:
            sampled = Sampled(token.id, token.data, token.logprob, token.time_s, token.entropy)
            self.feed(sampled, token.origin)

    def flush(self) -> list[Event]:
        """Nothing follows for now: the events of what was held back. Feeding may go on."""
        return self._read(self._splitter.flush())

    def end(self) -> list[Event]:
        """Nothing follows at all: the last events. `relabelled` tokens get their true part."""
        events = self.flush()
        events += self._keep_steps(self._segmenter.finish())
        if self.relabelled:
            self.tokens = list(relabel(self.tokens, self.relabelled))
        return events

    @property
    def relabelled(self) -> tuple[tuple[int, int], ...]:
        """Index ranges shown as answer that a stray closing tag revealed to be reasoning."""
        return self._splitter.relabelled

    def _read(self, tokens: list[Token]) -> list[Event]:
        events: list[Event] = []
        for token in tokens:
            self.tokens.append(token)
            if token.part == "answer" and token.data.strip():
                self.answered = True
            if token.part != self._part:
                self._part, self._loops = token.part, LoopDetector()
            self.looping = self._loops.feed(token)
            steps = self._segmenter.feed(token)
            if steps:
                events += self._keep_steps(steps)
            events.append(token)
        return events

    def _keep_steps(self, events: Iterable[Event]) -> list[Event]:
        kept: list[Event] = []
        for event in events:
            if isinstance(event, StepEnd):
                self.steps.append(self._labelled(event.step, self._labeller))
                kept.append(StepEnd(self.steps[-1]))
            else:
                kept.append(event)
        return kept

    def _labelled(self, step: Step, labeller: Labeller) -> Step:
        if step.part == "answer":
            return replace(step, role="answer", rule="after the reasoning")
        label = labeller.step(text_of(self.tokens[step.start : step.stop]))
        return replace(step, role=label.role, rule=label.rule)
