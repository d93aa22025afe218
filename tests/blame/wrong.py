"""A model that goes astray at a known step, now and then: what bisection has to find."""

from pathlib import Path

from ponder.core.request import Message, Request, Sampling
from ponder.core.trace import Trace
from ponder.opened import Opened
from ponder.session import start
from ponder.store import Store
from tests.tiny import ASSISTANT, EOS, write_chain

STEPS = 8
ASTRAY = 4
"""Index of the step in which it may take 21 for 12; then the answer is 43, else 42."""
CHANCE = 0.25
GREEDYLESS = Sampling(temperature=1.0, top_p=1.0, top_k=0, min_p=0.0, max_tokens=400)


def write_wanderer(path: Path, n_ff: int = 64) -> Path:
    """A reasoning of eight steps of ten tokens, then an answer that depends on what step five said.

    A large `n_ff` makes it slow enough to watch.
    """
    chain: dict[str, dict[str, float]] = {}
    before = ["\n", ASSISTANT]
    for step in range(STEPS):
        for word in range(10):
            text = f" word{step}{word}" if word < 9 else f" end{step}.\n\n"
            here = {text: 1.0}
            if (step, word) == (ASTRAY, 5):
                here = {" twelve": 1 - CHANCE, " twentyone": CHANCE}
            for piece in before:
                chain[piece] = here
            before = list(here)
    chain[before[0]] = {"</think>": 1.0}
    chain["</think>"] = {"The answer is": 1.0}
    chain["The answer is"] = {" 42": 1.0}
    chain[" 42"] = chain[" 43"] = {EOS: 1.0}
    return write_chain(path, chain, memory=(" twentyone", "The answer is", " 43"), n_ff=n_ff)


def wander(opened: Opened, store: Store | None, answer: str) -> Trace:
    """A trace that ends with this answer, by the first seed that leads there."""
    for seed in range(50):
        sampling = Sampling(1.0, 1.0, 0, 0.0, seed, 400)
        trace = start(opened, Request((Message("user", "How much?"),), sampling=sampling), store).trace()
        if trace.answer.endswith(answer):
            return trace
        if store is not None:
            store.delete(trace.id)
    raise AssertionError(f"no seed leads to {answer}")
