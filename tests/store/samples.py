"""Plain runs to store."""

from collections.abc import Sequence

from ponder.core.events import Finish, Part, Step, StepEnd, Token, Usage
from ponder.core.request import Message, Request
from ponder.store import Journal, Start, Store

QUESTION = Request((Message("system", "Be brief."), Message("user", "How many r are in 草莓 strawberry?")))
END = Finish("stop", "model", Usage(prompt_tokens=3, completion_tokens=9, reasoning_tokens=6, total_s=4.5))


def words(text: str, part: Part = "reasoning", first: int = 0) -> list[Token]:
    """`text` as tokens of one word each, four a second."""
    pieces = text.replace(" ", "\n ").split("\n")
    return [
        Token(i, i % 1000, piece.encode(), part, "model", -0.5, i / 4, 0.25)
        for i, piece in enumerate(pieces, first)
    ]


def start(parent: str | None = None, fork_index: int = 0, request: Request = QUESTION) -> Start:
    """A run on a small context."""
    return Start(request, "tiny", "test", (1, 2, 3), 4096, parent, fork_index, {"build": "b1", "threads": 2})


def write(
    journal: Journal, tokens: Sequence[Token], steps: Sequence[Step] = (), end: Finish | None = END
) -> str:
    """Journal a whole run and return its id."""
    with journal:
        for token in tokens:
            journal.add(token)
        for step in steps:
            journal.add(StepEnd(step))
        if end is not None:
            journal.add(end)
    return journal.trace_id


def keep(store: Store, reasoning: str, answer: str = "", request: Request = QUESTION) -> str:
    """A finished run with these texts."""
    tokens = words(reasoning)
    if answer:
        tokens += words(answer, "answer", len(tokens))
    return write(store.begin(start(request=request)), tokens)
