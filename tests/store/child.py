"""A real process that journals about 200 tokens a second, until it is killed or has written enough.

`python -m tests.store.child DATABASE COUNT` prints the id of its trace, and then, unbuffered, a line for each
token after it was added: its index and the clock it carries.
"""

import os
import sys
import time
from pathlib import Path

from ponder.core.events import Step, StepEnd, Token
from ponder.store import open_store
from tests.store.samples import END, start


def token(index: int, time_s: float) -> Token:
    """The token that every run has at `index`: broken UTF-8, missing ids and numbers among them."""
    token_id = None if index % 7 == 0 else index % 1000
    data = bytes([0xE8, 0x8D, 0x89, index % 256][: index % 5])
    return Token(index, token_id, data, "reasoning", "model", -index / 8 if index % 3 else None, time_s)


def environment() -> dict[str, str]:
    """The environment in which a child finds ponder and the tests as this process does."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])}


def main() -> None:
    """Write one trace, a step for every ten tokens."""
    store = open_store(Path(sys.argv[1]))
    with store.begin(start()) as journal:
        os.write(1, f"{journal.trace_id}\n".encode())
        for index in range(int(sys.argv[2])):
            now = time.perf_counter()
            journal.add(token(index, now))
            if index % 10 == 9:
                journal.add(StepEnd(Step(index // 10, index - 9, index + 1, "reasoning")))
                journal.note("piece", {"seed": index, "first": index - 9})
            os.write(1, f"{index} {now!r}\n".encode())
            time.sleep(0.005)
        journal.add(END)


if __name__ == "__main__":
    main()
