"""A trace that no model wrote, put into a server's store: real steps, roles and claims of any text."""

import re
from dataclasses import replace

from ponder.core.events import Finish, Part, Token, Usage
from ponder.core.request import Message, Request
from ponder.core.trace import text_of
from ponder.reason.label import Labeller
from ponder.reason.segment import segment
from ponder.store import Start, open_store
from tests.browser.served import Served
from tests.store.samples import write


def plant(
    served: Served, reasoning: str, answer: str, question: str = "How many?", model: str = "tiny"
) -> str:
    """The id of the kept trace."""
    tokens = _tokens(reasoning, "reasoning", 0)
    tokens += _tokens(answer, "answer", len(tokens))
    labeller, steps = Labeller(question), []
    for step in segment(tokens):
        role = (
            "answer" if step.part == "answer" else labeller.step(text_of(tokens[step.start : step.stop])).role
        )
        steps.append(replace(step, role=role))
    request = Request((Message("system", "Be brief."), Message("user", question)))
    usage = Usage(3, 0, len(tokens), sampled_tokens=len(tokens), prefill_s=0.1, decode_s=len(tokens) / 10)
    with open_store(served.home / "traces.db") as store:
        journal = store.begin(Start(request, model, "test", (1, 2, 3), 4096))
        return write(journal, tokens, steps, Finish("stop", "model", usage))


def _tokens(text: str, part: Part, first: int) -> list[Token]:
    pieces = re.findall(r"\s*\S{1,5}|\s+$", text)
    return [
        Token(at, at % 1000, piece.encode(), part, "model", -0.1 * (at % 40), at / 10, 0.3)
        for at, piece in enumerate(pieces, first)
    ]
