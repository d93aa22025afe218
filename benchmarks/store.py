"""What keeping a trace costs: adding a token, committing, loading, and a tree of 200 branches.

`python benchmarks/store.py` prints a line for each, in a temporary folder of the disk that holds TMPDIR.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ponder.core.events import Finish, Step, StepEnd, Token, Usage
from ponder.core.request import Message, Request
from ponder.store import Start, Store, open_store

TOKENS, BRANCHES, STEP_TOKENS = 30_000, 200, 100
REQUEST = Request((Message("user", "How many?"),))


def token(index: int) -> Token:
    """One token of a long reasoning."""
    return Token(
        index, index % 30_000, b" word%d" % (index % 97), "reasoning", "model", -0.5, index / 20, 0.3
    )


def timed(name: str, action: Callable[[], object], times: int = 5) -> None:
    """Print the median of several runs in milliseconds."""
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - begin)
    print(f"{name:<44} {1000 * statistics.median(seconds):9.2f} ms")


def fill(store: Store) -> str:
    """The long trace; prints what adding and committing cost."""
    tokens = [token(index) for index in range(TOKENS)]
    journal = store.begin(Start(REQUEST, "model", "engine", tuple(range(200)), 32_768))
    begin = time.perf_counter()
    for one in tokens:
        journal.add(one)
    print(f"{'add one token':<44} {1e6 * (time.perf_counter() - begin) / TOKENS:9.2f} µs")
    timed(f"commit {TOKENS:,} tokens at once", journal.flush, times=1)
    for index in range(TOKENS // STEP_TOKENS):
        first = STEP_TOKENS * index
        journal.add(StepEnd(Step(index, first, first + STEP_TOKENS, "reasoning", "compute", "marker")))
    journal.add(Finish("stop", "model", Usage(completion_tokens=TOKENS)))
    timed("close (steps, end, search index)", journal.close, times=1)
    return journal.trace_id


def branch(store: Store, root: str, number: int) -> None:
    """One correction near the end, with 100 tokens of its own."""
    first = TOKENS - 5_000 + 20 * number
    with store.begin(Start(REQUEST, "model", "engine", tuple(range(200)), 32_768, root, first)) as journal:
        for index in range(first, first + STEP_TOKENS):
            journal.add(token(index))
        journal.add(Finish("stop", "model", Usage()))


def main() -> None:
    """Fill a store, then read it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "traces.db"
        timed("open a new store", lambda: open_store(path).close(), times=1)
        with open_store(path) as store:
            root = fill(store)
            numbers = iter(range(BRANCHES))
            timed(
                "a branch of 100 tokens, begun to closed",
                lambda: branch(store, root, next(numbers)),
                BRANCHES,
            )
            timed(f"tree of {BRANCHES} branches", lambda: store.tree(root))
            timed(f"load {TOKENS:,} tokens", lambda: store.load(root))
            timed("load a branch of it", lambda: store.load("last"))
            timed("search", lambda: store.list("word42", limit=20))
        timed("open it again", lambda: open_store(path).close())
        print(f"{'size of the file':<44} {path.stat().st_size / 1e6:9.2f} MB")


if __name__ == "__main__":
    main()
