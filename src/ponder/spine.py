"""The spine: steer → generate → fold. Every door and every batch job comes through here.

A `Run` is one request being answered. Iterating it gives the events; whatever happens (budget, full context,
a loop, an early end, a person's impatience, an engine that dies) the reasoning is closed and an answer
asked for, and `Finish` says which of these it was.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing as closed
from dataclasses import replace
from itertools import takewhile
from typing import cast

from ponder.core.events import (
    Event,
    Finish,
    FinishReason,
    Origin,
    Paused,
    Prefill,
    Sampled,
    Step,
    Token,
)
from ponder.core.request import Request
from ponder.core.trace import text_of
from ponder.engine.protocol import Ability, Engine, EngineDiedError, Stopped, Written, require
from ponder.errors import EngineError, InputError
from ponder.interventions import Interventions
from ponder.reason.fold import Fold
from ponder.reason.meter import Meter
from ponder.reason.split import marks
from ponder.steer.beginning import Rendered, Voice, beginning, left_of, tags_for, wants_reasoning
from ponder.steer.brake import limits_of
from ponder.steer.pause import Pause
from ponder.steer.texts import ANSWER, BY_TEXT, TOLD, closing

Note = Callable[[str, Mapping[str, object]], None]

RESTARTS = 3
"""Deaths of the engine in a row, without a token in between, after which a run gives up."""
CLOSERS = frozenset({"budget", "context", "loop", "eos", "user"})
"""Whoever closes a reasoning that its model did not."""
SEED_STEP = 1009
"""Each piece of a run has its own seed: the run's, plus this times the piece's number."""


class Run:
    """One request being answered by one engine; iterate it once for its events.

    `past` are tokens that are there already, from an interrupted run of the same request or, if it has a
    `correction`, from the trace that it leaves: the run goes on after them, and only new events come.
    `request.sampling` must be complete (no None but in `max_tokens`). `note` is told the seed and biases of
    each piece, and every intervention. Raises ContextError, AbilityError, EngineError, and InputError for
    steering that this model's vocabulary does not allow.
    """

    def __init__(
        self,
        engine: Engine,
        request: Request,
        voice: Voice,
        *,
        past: Sequence[Token] = (),
        note: Note | None = None,
    ) -> None:
        self.request = request
        self.finish: Finish | None = None
        self._engine = engine
        self._note = note or (lambda *_: None)
        self._notes: list[str] = []
        self._wish: Origin | FinishReason | None = None
        self._pieces, self._nudged, self._pause = 0, False, Pause()
        self.served = engine.serve()
        self._steerable = bool(self.served.abilities & Ability.prefix())
        self._by_text = Ability.TOKEN_PREFIX not in self.served.abilities
        self._prepare(voice, past)

    def _prepare(self, voice: Voice, past: Sequence[Token]) -> None:
        """Render the prompt, check that an answer has room, and read what there is already."""
        request = self.request
        if request.sampling.grammar:
            raise InputError(
                "a grammar holds one piece of text, not a reasoning and its answer: leave it out."
            )
        text = request.messages[0].role == "text"  # no turn, so no reasoning of its own
        self._tags = tags = None if text else tags_for(voice, request.think)
        reason = not text and wants_reasoning(voice, request.think, request.budget)
        if request.budget:
            require(self.served, Ability.prefix(), "A reasoning budget", "limit --max-tokens instead")
        texts = (tags.open, tags.close) if tags else None
        if request.sampling.json_schema:
            require(self.served, Ability.JSON_SCHEMA, "An answer by a JSON schema", "ask for it in words")
        self.prompt = prompt = self._engine.prompt(request.messages, think=reason, tags=texts)
        self.request = request = replace(request, messages=prompt.messages)  # with what given tokens say
        start = beginning(voice, tags, Rendered(prompt.opened, prompt.closed, prompt.switched), reason=reason)
        ids: dict[str, int] = {}
        self._opening: tuple[Written, ...] = ()
        self._closing: tuple[Written, ...] = ()
        self._answer: tuple[Written, ...] = ()
        if self._steerable and tags is not None:
            # What may have to be written is tokenised now: later the engine could be dead.
            whole = {text: self._tokens(text) for text in marks(tags)}
            single = {text: tokens[0][0] for text, tokens in whole.items() if len(tokens) == 1}
            ids = {text: token for text, token in single.items() if token is not None}
            self._opening = left_of(self._tokens(start.text), tags.open, request.correction)
            asked = ANSWER if voice.untrained and not request.sampling.json_schema else ""
            self._closing = self._tokens(closing(tags) + asked)
            self._answer = self._tokens(ANSWER)
            self._notes += [start.note] if start.note else []
        self._origin: Origin = start.origin if self._steerable else "template"  # else nothing is written
        self._begun = self._begin(request)
        self._limits = limits_of(self.served.n_ctx, prompt.tokens + self.given, request)
        question = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
        self.fold = Fold(tags, ids, start.started if self._steerable else "undecided", question)
        self.fold.replay(past)
        self._past = past
        if self._by_text and past and self._steerable:
            self._notes.append(BY_TEXT)
        leaves = request.correction.index if request.correction else 0
        kept, close_id = text_of(past[max(0, leaves - 4) : leaves]), ids.get(tags.close) if tags else None
        self.interventions = Interventions(self._engine, self.served, request, kept, close_id)
        self._meter = Meter(prompt.tokens, past[-1].time_s if past[leaves:] else 0.0)

    def _begin(self, request: Request) -> list[tuple[Written, Origin]]:
        """What the assistant has said already, after the opening, as tokens and by whom they are written."""
        begun = request.begun
        if begun is None or request.correction is not None:
            return []
        require(self.served, Ability.TOKEN_PREFIX, "To go on with an answer", "ask the whole question")
        written: list[tuple[Written, Origin]] = []
        if begun.reasoning:
            if self._tags is None or not self.prompt.think:
                raise InputError(
                    "the answer begins with reasoning, but the model shall not reason: allow it."
                )
            written += [(t, "correction") for t in self._engine.tokenize(begun.reasoning, control=False)]
        if begun.answer is not None:
            written += [(token, "user") for token in (self._closing if self.prompt.think else ())]
            written += [(t, "correction") for t in self._engine.tokenize(begun.answer, control=False)]
        return written

    def _tokens(self, text: str) -> tuple[Written, ...]:
        return self._engine.tokenize(text, control=True) if text else ()

    # ------------------------------------------------------------------ for the person

    @property
    def reasoning(self) -> bool:
        """Whether the model is reasoning right now."""
        return self.fold.in_reasoning

    @property
    def given(self) -> int:
        """How many tokens of the output stand there before the model writes: an answer's beginning that the
        request brought, or reasoning that is over before it begins.
        """
        given = bool(self._begun) or self._origin == "no_think"
        return len(self._opening) + len(self._begun) if given else 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the person, so far: what was done in the model's place, what it cannot do."""
        return tuple(dict.fromkeys(self._notes))

    def answer_now(self) -> None:
        """End the reasoning at the next token and ask for the answer."""
        self._wish = "user"

    def stop(self) -> None:
        """End the run at the next token."""
        self._wish = "cancelled"

    def enough(self) -> None:
        """End the run at the next token as if the model had: the answer is whole."""
        self._wish = "stop"

    def pause(self) -> None:
        """Give out a Paused event when the step that is being written has ended, or the reasoning would end.

        The engine is free then; taking the next event goes on. A run that ends before does not pause.
        """
        self._pause.wish(self.fold)

    @property
    def pausing(self) -> bool:
        """Whether a pause is wanted that has not come yet."""
        return self._pause.wanted

    @property
    def steps(self) -> Sequence[Step]:
        """All steps so far, those up to the last pause among them although a StepEnd may have yet to come."""
        return self._pause.steps(self.fold.steps)

    def think_more(self) -> None:
        """Replace the next end of the reasoning by "Wait"; raises AbilityError where that cannot be done."""
        self.interventions.think_more()

    def cancel(self) -> list[Event]:
        """The last events of an iteration that was broken off, say by a KeyboardInterrupt."""
        return list(self._end("cancelled")) if self.finish is None else []

    # ------------------------------------------------------------------ the run

    def __iter__(self) -> Generator[Event, None, None]:
        """The events, once. An engine that dies is started again; one that keeps dying raises EngineError."""
        try:
            yield from self._end((yield from self._generate()))
        except EngineError:
            yield from self._end("error")
            raise

    def _generate(self) -> Generator[Event, None, FinishReason]:
        if self.fold.ended:
            return "stop"
        yield from self._write(self._opening[self.fold.fed :], self._origin)
        for token, origin in self._begun[max(0, self.fold.fed - len(self._opening)) :]:
            yield from self._write((token,), origin)
        if not (yield from self._correct()):
            yield from self._complete()
        deaths = 0
        while True:
            before = self.fold.fed
            try:
                outcome = yield from self._piece()
            except EngineDiedError as death:
                deaths = deaths + 1 if self.fold.fed == before else 1
                self._survive(deaths, death)
                continue
            if self._pause.wanted and self._closable and outcome in CLOSERS - {"user"}:
                self._pause.reached(self.fold, over=True)
            if self._pause.due:
                with self._meter.stopped():
                    yield Paused(self._pause.take())
                if outcome is not None:
                    outcome, self._wish = self._wish or outcome, None
            if outcome == "eos" and self.interventions.extensions and self._closable:
                yield from self._extend()
            elif outcome in CLOSERS and self._closable:
                yield from self._write(self._closing, cast("Origin", outcome))
            elif outcome in {"stop", "length", "loop", "cancelled"}:
                return outcome
            elif self.fold.fed == before:  # a server may count tokens whose text it holds back
                return "length"

    @property
    def _closable(self) -> bool:
        return self._steerable and self.fold.in_reasoning

    def _piece(self) -> Generator[Event, None, Origin | FinishReason | None]:
        """Generate until something is to be decided: how the run or its reasoning ends, None to go on."""
        left = self._left()
        if left < 1:
            return self._limits.why if self._closable else "length"
        reasoned = self.fold.reasoning_tokens if self._closable else None
        limit, bias = self.interventions.piece(self.fold.fed, left, reasoned)
        seed = (self.request.sampling.seed or 0) + SEED_STEP * self._pieces
        self._pieces += 1
        noted = {"first_index": self.fold.fed, "seed": seed, "max_tokens": limit}
        self._note("piece", noted | ({"bias": bias} if bias else {}))
        free = self.fold.in_reasoning
        bound = bool(self.request.sampling.json_schema) and not free
        sampling = replace(
            self.request.sampling,
            max_tokens=limit,
            seed=seed,
            logit_bias=(*self.request.sampling.logit_bias, *bias),
            free=free,
        )
        prompt, output = self.prompt, self.fold.ids
        if self._by_text and self._steerable:
            prompt, output = replace(prompt, text=prompt.text + self.fold.data.decode("utf-8", "replace")), []
        stream = self._engine.stream(prompt, output, sampling, since=self._meter.begun)
        with closed(stream) as emissions:
            for emission in emissions:
                if isinstance(emission, Sampled):
                    if self.fold.in_reasoning and self.interventions.ends(emission.id):
                        return "eos"
                    self._meter.sampled(emission)
                    events = self.fold.feed(emission)
                    yield from events
                    if self._wish is not None or self.fold.looping or self._over_budget:
                        return self._decision()
                    if self._pause.wanted and not bound and self._pause.reached(self.fold):
                        return None
                    if (bias or (free and sampling.json_schema)) and not self.fold.in_reasoning:
                        return None
                elif isinstance(emission, Prefill):
                    self._meter.prefill(emission)
                    yield emission
                    if self._wish is not None:
                        return self._decision()
                else:
                    return (yield from self._stopped(emission, partial=limit < left))
        raise EngineDiedError("the engine's stream ended before its time")

    @property
    def _over_budget(self) -> bool:
        return self._closable and self.fold.reasoning_tokens >= self._limits.reasoning

    def _decision(self) -> Origin | FinishReason | None:
        """What a wish, a loop, or too long a reasoning that the model began by itself lead to."""
        wish, self._wish = self._wish, None
        if wish is not None:
            return wish
        return "loop" if self.fold.looping else self._limits.why

    def _stopped(
        self, stop: Stopped, *, partial: bool
    ) -> Generator[Event, None, Origin | FinishReason | None]:
        """The engine stopped by itself: at its limit (a `partial` piece's is none), or the model did."""
        if stop.reason == "limit" and partial:
            return None
        yield from self.fold.flush()
        self._meter.counted(stop.prompt_tokens, stop.completion_tokens)
        if stop.reason == "limit":
            return self._limits.why if self._closable else None if self._steerable else "length"
        if self._closable:
            return "eos"
        if self._steerable and self._tags and not self.fold.answered and not self._nudged:
            self._nudged = True
            yield from self._write(self._answer, "eos")
            return None
        if stop.eos is not None:
            yield from self.fold.feed(replace(stop.eos, part="tag"))
        return "stop"

    def _left(self) -> int:
        """Tokens that the next piece may have."""
        left = self._limits.total - max(0, self.fold.fed - self.given)
        return min(left, self._limits.reasoning - self.fold.reasoning_tokens) if self._closable else left

    def _extend(self) -> Iterator[Event]:
        """Go on with a reasoning that the model wanted to end."""
        yield from self.fold.flush()
        self._note("intervention", {"kind": "extend", "index": self.fold.fed})
        before = text_of(self.fold.tokens[-4:])
        yield from self._write(self.interventions.extension(before), "extend")

    def _correct(self) -> Generator[Event, None, bool]:
        """Write a branch's correction, or the rest of it; whether there was any to write."""
        if self.request.correction is None:
            return False
        correction = self.interventions.correction
        done = self.fold.fed - max(correction.index, len(self._opening))
        if done == 0:
            self._note("intervention", {"kind": correction.kind, "index": self.fold.fed})
        if correction.kind == "answer":
            rest, origin = (self._closing if self._closable and not done else ()), "user"
        else:
            rest, origin = self.interventions.written[done:], "correction"
        yield from self._write(rest, cast("Origin", origin))
        return bool(rest)

    def _complete(self) -> Iterator[Event]:
        """Write the rest of a text in the model's place that an interruption cut off."""
        origin = self._past[-1].origin if self._past else "model"
        if origin in CLOSERS and self._tags is not None:
            tail = list(takewhile(lambda token: token.origin == origin, reversed(self._past)))
            for whole in (self._closing, self._answer):
                if [(token.id, token.data) for token in reversed(tail)] == list(whole[: len(tail)]):
                    yield from self._write(whole[len(tail) :], origin)
                    return

    def _write(self, tokens: Sequence[Written], origin: Origin) -> Iterator[Event]:
        """Tokens in the model's place."""
        for token_id, data in tokens:
            yield from self.fold.feed(Sampled(token_id, data, None, self._meter.now()), origin)

    def _survive(self, deaths: int, death: EngineDiedError) -> None:
        """Go on with a new engine, which the next piece starts; raises EngineError if that is of no use."""
        if self.fold.answered and self.request.sampling.json_schema:
            raise EngineError(
                f"the engine died ({death}) inside an answer by a JSON schema, which cannot go on: ask again."
            )
        if not self._steerable or deaths > RESTARTS:
            advice = "type `ponder resume last` to go on" if self._steerable else "ask again"
            raise EngineError(
                f"the engine died ({death}) after {self.fold.fed} tokens: they are kept, {advice}."
            )
        self._notes.append(f"The engine died after {self.fold.fed} tokens; it was started again and went on.")

    def _end(self, reason: FinishReason) -> Iterator[Event]:
        yield from self.fold.end()
        if self.fold.relabelled:
            self._note("relabelled", {"ranges": self.fold.relabelled})
        told = TOLD.get(self.fold.closed_by, "").format(
            n=min(self.fold.reasoning_tokens, self._limits.reasoning)
        )
        self._notes += [told] if told else []
        if reason == "loop":
            self._notes.append("The answer repeated itself and was ended.")
        if not self.prompt.think and self.fold.reasoning_tokens and self._origin != "no_think":
            self._notes.append(
                "The model reasoned although it was asked not to: this server cannot forbid it."
            )
        self.finish = Finish(reason, self.fold.closed_by, self._meter.usage(self.fold.tokens), self.notes)
        yield self.finish
