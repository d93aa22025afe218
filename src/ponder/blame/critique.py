"""The first wrong step by a critic: a model that solves the task itself, then reads the steps, several times.

The critic may be the model that wrote the trace or any other, behind any engine. What it reads passes through
its prompt's rendering, so no text of the trace becomes a control token. Where the engine can be held to a
grammar, a reading without a clear verdict is asked for one that must be a step's number or `none`.
"""

import math
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from ponder.blame.costs import Reading, critic_cost
from ponder.blame.rollouts import reasoning_steps
from ponder.blame.values import Blame, Estimate, Vote
from ponder.check.critic import (
    LAST_LINE,
    Verdict,
    Window,
    grammar,
    majority,
    reading,
    reason,
    verdict,
    windows,
)
from ponder.core.events import Prefill, Sampled
from ponder.core.request import Message, Request, Sampling, Think
from ponder.core.spent import Spent
from ponder.core.trace import Trace
from ponder.endings import Watch, finished
from ponder.engine.protocol import Ability, ids_of
from ponder.errors import ContextError
from ponder.opened import Opened
from ponder.session import Answering, start
from ponder.steer.beginning import Voice
from ponder.steer.brake import RESERVE

VOTES = 4
REPLY_TOKENS = 300
"""Tokens of a reading's answer at most; what a critic reasons before comes on top."""
REASONING_TOKENS = 1024
"""Tokens that a reasoning critic may think, each time, by default."""
LEAST_ROOM = 200
"""Tokens of steps that must fit beside the question for a reading to make sense."""
UNKNOWN_CTX = 8192
"""Context taken for granted where a server does not tell its own."""
MARGIN = 64
"""Tokens kept free for the template and the forced verdict."""
SEED_STEP = 7919


class Critique:
    """`votes` readings of `trace` by the critic `opened`; iterate it for each `Vote`; `result` at any time.

    `budget` is the most reasoning tokens for the solution and for each reading. Raises InputError for a trace
    without reasoning steps, ContextError where the critic's context is too small to read anything, and as
    `ponder.session.start` does.
    """

    def __init__(
        self,
        opened: Opened,
        trace: Trace,
        *,
        votes: int = VOTES,
        budget: int = REASONING_TOKENS,
        seed: int = 0,
    ) -> None:
        self.steps = reasoning_steps(trace)
        self.votes: list[Vote] = []
        self.solution = ""
        self.spent = Spent()
        self.watch: Watch | None = None
        self._opened, self._trace, self._count, self._budget, self._seed = opened, trace, votes, budget, seed
        self._served = opened.engine.serve()
        self._reasons = reasons(opened.voice)
        self._texts = [(step.index + 1, trace.step_text(step)) for step in self.steps]
        self._windows = self._cut("")

    def estimate(self) -> Estimate:
        """What it may cost: replies are mostly shorter than their limits, and reading stops at an error."""
        question, total = self._trace.question, len(self.steps)
        read = sum(self._tokens(reading(question, "", window, total)) for window in self._windows)
        return critic_cost(
            self._trace,
            self._count,
            limits(self._budget, reasons=self._reasons),
            Reading(len(self._windows), read, self._shares),
            same=self._opened.name == self._trace.model,
        )

    def __iter__(self) -> Iterator[Vote]:
        """Solve, then read once for each vote."""
        self._solve()
        self._windows = self._cut(self.solution)
        while len(self.votes) < self._count:
            vote = self._vote(len(self.votes))
            self.votes.append(vote)
            yield vote

    def result(self) -> Blame:
        """The majority of the votes so far, its share of all votes as the confidence."""
        read = [vote.step for vote in self.votes if vote.read]
        number, share = majority(read)
        total = len(self.votes)
        confidence = share.hits / total if total else None
        unread = f"; {total - len(read)} could not be read" if total > len(read) else ""
        by = f"{share.hits} of {total} votes of {short(self._opened.name)}{unread}"
        if not read:
            found, said = "unsure", f"No vote of {short(self._opened.name)} could be read ({total} cast)."
        elif 2 * share.hits <= total:
            found = "unsure"
            said = f"The votes do not agree; most name {_name(number)} ({by})."
        else:
            found = "none" if number is None else "found"
            said = f"{_name(number).capitalize()} is wrong first ({by})."
            if number is None:
                said = f"No step is wrong ({by})."
        evidence = [
            vote.sentence for vote in self.votes if vote.read and vote.step == number and vote.sentence
        ]
        return Blame(
            "critic",
            found,
            number if read else None,
            said,
            confidence,
            number,
            number,
            tuple(dict.fromkeys(evidence)),
            votes=tuple(self.votes),
            spent=replace(self.spent),
            about={
                "model": self._opened.name, "votes": self._count, "seed": self._seed,
                "solution": self.solution,
            },
        )  # fmt: skip

    # ------------------------------------------------------------------ solving and reading

    def _solve(self) -> None:
        request = Request(
            self._trace.request.messages,
            think=self._think,
            budget=self._limit,
            sampling=Sampling(seed=self._seed, max_tokens=self._solving_tokens),
        )
        self.solution = finished(start(self._opened, request, None), self.spent, self.watch).answer

    def _vote(self, number: int) -> Vote:
        """One reading of all windows, up to the first that has a wrong step."""
        said = ""
        for window in self._windows:
            found, said = self._read(window, self._seed + SEED_STEP * (number + 1))
            if found is None:
                return Vote(None, False, said)
            if found.step is not None:
                return Vote(found.step - 1, True, said)
        return Vote(None, True, said)

    def _read(self, window: Window, seed: int) -> tuple[Verdict | None, str]:
        text = reading(self._trace.question, self.solution, window, len(self.steps))
        sampling = Sampling(seed=seed, max_tokens=self._reply_tokens)
        request = Request((Message("user", text),), think=self._think, budget=self._limit, sampling=sampling)
        answering = start(self._opened, request, None)
        reply = finished(answering, self.spent, self.watch)
        found = verdict(reply.answer, window)
        able = Ability.GRAMMAR | Ability.TOKEN_PREFIX
        if found is None and able in self._served.abilities and not answering.run.reasoning:
            found = verdict(f"{LAST_LINE} {self._forced(answering, reply, window)}", window)
        return found, reason(reply.answer)

    def _forced(self, answering: Answering, reply: Trace, window: Window) -> str:
        """A verdict in the critic's place up to the colon, and behind it by grammar."""
        engine, run = self._opened.engine, answering.run
        written = engine.tokenize(f"\n\n{LAST_LINE}", control=False)
        kept = reply.ids[: len(reply.ids) - reply.ended]
        sampling = replace(run.request.sampling, max_tokens=MARGIN // 2, grammar=grammar(window))
        ids = [*kept, *ids_of(written)]
        text, begun = b"", time.perf_counter()
        with closing(engine.stream(run.prompt, ids, sampling, since=begun)) as emissions:
            for emission in emissions:
                if isinstance(emission, Prefill):
                    self.spent.read(emission)
                elif isinstance(emission, Sampled):
                    self.spent.sampled_tokens += 1
                    text += emission.data
        self.spent.seconds += time.perf_counter() - begun
        return text.decode("utf-8", "replace").strip()

    # ------------------------------------------------------------------ room

    @property
    def _think(self) -> Think:
        """A chat model reads without a made-up reasoning; a reasoning model does as it likes."""
        return "auto" if self._reasons else "off"

    @property
    def _limit(self) -> int | None:
        """The reasoning budget, where this critic reasons and its engine can keep one."""
        able = bool(Ability.prefix() & self._served.abilities)
        return self._budget if able and self._reasons and self._budget else None

    @property
    def _shares(self) -> bool:
        return Ability.TOKEN_PREFIX in self._served.abilities

    @property
    def _solving_tokens(self) -> int:
        return limits(self._budget, reasons=self._reasons)[0]

    @property
    def _reply_tokens(self) -> int:
        """The most that one reading writes."""
        return limits(self._budget, reasons=self._reasons)[1]

    def _cut(self, solution: str) -> tuple[Window, ...]:
        """The steps in windows that leave room for the question, the solution and the reply."""
        empty = reading(self._trace.question, solution, Window(1, 1, ""), len(self.steps))
        reply = self._reply_tokens
        n_ctx = self._served.n_ctx or UNKNOWN_CTX
        room = n_ctx - self._tokens(empty) - reply - MARGIN
        if room < LEAST_ROOM:
            raise ContextError(
                f"the critic's context of {n_ctx} tokens leaves {max(0, room)} for the steps beside the "
                f"question and a reply of {reply}: use --ctx {n_ctx + 2 * LEAST_ROOM - room}."
            )
        return windows(self._texts, room, self._tokens)

    def _tokens(self, text: str) -> int:
        """Tokens of a text; where the engine does not tell, a third of its bytes, which is rather many."""
        if Ability.TOKEN_PREFIX in self._served.abilities:
            return len(self._opened.engine.tokenize(text, control=False))
        return math.ceil(len(text.encode()) / 3)


def reasons(voice: Voice) -> bool:
    """Whether a model reasons by itself; a chat model reads without a made-up reasoning."""
    return voice.tags is not None and voice.thinks not in {"never", "prefill"}


def limits(budget: int, *, reasons: bool) -> tuple[int, int]:
    """The most tokens of a critic's own solution, and of one reading."""
    return (budget + RESERVE,) * 2 if reasons else (RESERVE, REPLY_TOKENS)


def short(model: str) -> str:
    """A model's name in a sentence: of a path only the file."""
    return model.replace("\\", "/").split("/")[-1].removesuffix(".gguf")


def _name(number: int | None) -> str:
    return "no step" if number is None else f"step {number + 1}"
