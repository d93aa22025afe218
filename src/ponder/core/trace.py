"""A trace: one branch from the question to the answer, token by token."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ponder.core.events import Finish, Part, Step, Token
from ponder.core.request import Request


def text_of(tokens: Iterable[Token], part: Part | None = None) -> str:
    """The text of `tokens`, of one part or of all; bytes that are not UTF-8 become U+FFFD."""
    data = b"".join(token.data for token in tokens if part is None or token.part == part)
    return data.decode("utf-8", errors="replace")


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
    of the rendered prompt (empty for an engine that takes only text). `n_ctx` is the context it ran
    with. `parent` and `fork_index` say from which trace and at which token this branch left; the tokens
    before are the parent's and are included here. `finish` is None for a run that was interrupted.
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

    @property
    def question(self) -> str:
        """The last user message."""
        users = [m.content for m in self.request.messages if m.role == "user"]
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

    def step_text(self, step: Step) -> str:
        """The text of one step."""
        return text_of(self.tokens[step.start : step.stop])
