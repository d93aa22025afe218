"""A trace: one branch from the question to the answer, token by token."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from ponder.core.events import Finish, Part, Step, Token
from ponder.core.request import Correction, CorrectionKind, Request
from ponder.errors import InputError, NotFoundError


def text_of(tokens: Iterable[Token], part: Part | None = None) -> str:
    """The text of `tokens`, of one part or of all; bytes that are not UTF-8 become U+FFFD."""
    data = b"".join(token.data for token in tokens if part is None or token.part == part)
    return data.decode("utf-8", errors="replace")


def shared_ids(one: Sequence[int], other: Sequence[int]) -> int:
    """How many token ids two sequences begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def relabel(tokens: Iterable[Token], ranges: Iterable[tuple[int, int]]) -> tuple[Token, ...]:
    """`tokens` with every answer token of the half-open index `ranges` made reasoning."""
    spans = tuple(ranges)
    return tuple(
        replace(token, part="reasoning")
        if token.part == "answer" and any(start <= token.index < stop for start, stop in spans)
        else token
        for token in tokens
    )


@dataclass(frozen=True, slots=True)
class Trace:
    """What was asked, every token that came, its steps, and how it ended.

    `id` is a short word, unique in a store. `created` is Unix time in seconds. `prompt_ids` are the ids
    of the rendered prompt (empty for an engine that takes only text), `prompt_text` is its text where
    known. `n_ctx` is the context it ran with. `parent` and `fork_index` say from which trace and at which
    token this branch left; the tokens before are the parent's and are included here. `finish` is None for
    a run that was interrupted.
    """

    id: str
    created: float
    request: Request
    model: str
    engine: str
    prompt_ids: tuple[int, ...]
    tokens: tuple[Token, ...]
    steps: tuple[Step, ...] = ()
    finish: Finish | None = None
    n_ctx: int = 0
    parent: str | None = None
    fork_index: int = 0
    prompt_text: str = ""

    @property
    def question(self) -> str:
        """The last user message."""
        users = [m.content for m in self.request.messages if m.role in {"user", "text"}]
        return users[-1] if users else ""

    @property
    def reasoning(self) -> str:
        """The text between the think tags."""
        return text_of(self.tokens, "reasoning").strip()

    @property
    def answer(self) -> str:
        """The text after the reasoning."""
        return text_of(self.tokens, "answer").strip()

    @property
    def ids(self) -> tuple[int, ...]:
        """The output's token ids; raises ValueError for a trace of a text-only engine."""
        ids = tuple(token.id for token in self.tokens if token.id is not None)
        if len(ids) != len(self.tokens):
            raise ValueError(f"trace {self.id} comes from an engine that gives no token ids")
        return ids

    @property
    def ended(self) -> bool:
        """Whether its last token is the end of the sequence: a tag without text."""
        last = self.tokens[-1] if self.tokens else None
        return last is not None and last.part == "tag" and not last.data

    @property
    def reasoning_end(self) -> int:
        """Index of the first token of the tag that closes the reasoning; that of the end where none does."""
        last = max((t.index for t in self.tokens if t.part == "reasoning"), default=-1)
        return last + 1

    @property
    def answer_start(self) -> int:
        """Index of the first token after the tag that closes the reasoning; 0 where there is no reasoning."""
        tags = takewhile(lambda token: token.part == "tag", self.tokens[self.reasoning_end :])
        return self.reasoning_end + sum(1 for token in tags if token.data)

    def step(self, number: int) -> Step:
        """The step that a person calls `number`, counted from 1; raises InputError and NotFoundError."""
        if not self.steps:
            raise InputError(f"Trace {self.id} has no steps: `ponder show {self.id} --full` prints its text.")
        for step in self.steps:
            if step.index == number - 1:
                return step
        raise NotFoundError(f"Trace {self.id} has the steps 1 to {len(self.steps)}, no {number}.")

    def step_text(self, step: Step) -> str:
        """The text of one step."""
        return text_of(self.tokens[step.start : step.stop])

    def fork(self, at: int, kind: CorrectionKind = "none", text: str = "") -> Request:
        """The request of a branch that leaves this trace before step `at` (counted from 1).

        Everything before the step stays; one more than there are steps means after the last. Raises
        NotFoundError for a step that it does not have, InputError for a text that is missing or too much.
        """
        after = at == len(self.steps) + 1 and at > 1
        start = self.steps[-1].stop if after else self.step(at).start
        left = self.tokens[start : start + 1] if kind == "delete" else ()
        return self.fork_at(start, kind, text, banned=left[0].id if left else None)

    def fork_at(
        self, index: int, kind: CorrectionKind = "none", text: str = "", *, banned: int | None = None
    ) -> Request:
        """As `fork`, at the token `index`; the seed is left open, a branch gets one of its own."""
        wanted = kind in {"say", "replace", "note"}
        if wanted != bool(text.strip()):
            said = "is empty: write what it shall say" if wanted else f"of kind {kind} takes no text"
            raise InputError(f"the correction {said}.")
        correction = Correction(index, kind, text, banned)
        return replace(
            self.request, correction=correction, sampling=replace(self.request.sampling, seed=None)
        )
