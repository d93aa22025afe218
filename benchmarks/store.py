"""What keeping a trace costs: adding a token, committing, loading, and a tree of 200 branches.

`python -m benchmarks.store` prints a line for each, in a temporary folder of the disk that holds TMPDIR. The
other side of the tree is what sharing avoids: the same branches kept whole, and listed by loading them.
"""

import os
import statistics
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from ponder.cli.tree import command as tree
from ponder.core.events import Finish, Step, StepEnd, Token, Usage
from ponder.core.request import Correction, Message, Request
from ponder.store import Start, Store, open_store

TOKENS, BRANCHES, STEP_TOKENS, WHOLE = 30_000, 200, 100, 20
REQUEST = Request((Message("user", "How many?"),))


def token(index: int) -> Token:
    """One token of a long reasoning."""
    return Token(
        index, index % 30_000, b" word%d" % (index % 97), "reasoning", "model", -0.5, index / 20, 0.3
    )


def timed(name: str, action: Callable[[], object], times: int = 11) -> None:
    """Wall time, and the processor time of it, which other programs disturb less."""
    seconds, busy = [], []
    for _ in range(times):
        begin, worked = time.perf_counter(), time.process_time()
        action()
        seconds.append(time.perf_counter() - begin)
        busy.append(time.process_time() - worked)
    middle, cpu = 1e3 * statistics.median(seconds), 1e3 * statistics.median(busy)
    print(f"{name:<44} {middle:9.2f} ms   at most {1e3 * max(seconds):.1f}, {cpu:.1f} of the processor")


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
    request = Request(REQUEST.messages, correction=Correction(first, "say", f"Wait, not {number}."))
    with store.begin(Start(request, "model", "engine", tuple(range(200)), 32_768, root, first)) as journal:
        for index in range(first, first + STEP_TOKENS):
            journal.add(token(index))
        journal.add(Finish("stop", "model", Usage()))


def whole(store: Store, number: int) -> None:
    """The same branch as a store without sharing keeps it: all its tokens."""
    with store.begin(Start(REQUEST, "model", "engine", tuple(range(200)), 32_768)) as journal:
        for index in range(TOKENS - 5_000 + 20 * number + STEP_TOKENS):
            journal.add(token(index))
        journal.add(Finish("stop", "model", Usage()))


def draw(root: str) -> None:
    """`ponder tree`, from opening the store to the last line, without starting Python."""
    with redirect_stdout(StringIO()):
        tree.main([root], standalone_mode=False)


def size_bytes(path: Path) -> int:
    """The file once everything is in it."""
    return path.stat().st_size


def unshared(folder: Path) -> None:
    """The other side: every branch whole, and a list of them that loads them."""
    path = folder / "whole.db"
    with open_store(path) as store:
        numbers = iter(range(WHOLE))
        timed("the same branch kept whole", lambda: whole(store, next(numbers)), WHOLE)
        timed(
            f"list {WHOLE} of them by loading them",
            lambda: [store.load(summary.id) for summary in store.list()],
            times=3,
        )
    print(f"{'bytes of a branch kept whole':<44} {size_bytes(path) / WHOLE:9,.0f}")


def main() -> None:
    """Fill a store, then read it."""
    with TemporaryDirectory() as folder:
        os.environ["PONDER_HOME"] = folder
        path = Path(folder) / "traces.db"
        timed("open a new store", lambda: open_store(path).close(), times=1)
        with open_store(path) as store:
            root = fill(store)
            timed(f"load {TOKENS:,} tokens", lambda: store.load(root))
            timed("search", lambda: store.list("word42", limit=20))
        alone_bytes = size_bytes(path)
        with open_store(path) as store:
            numbers = iter(range(BRANCHES))
            timed(
                "a branch of 100 tokens, begun to closed",
                lambda: branch(store, root, next(numbers)),
                BRANCHES,
            )
            timed(f"tree of {BRANCHES} branches", lambda: store.tree(root))
            timed("load a branch of it", lambda: store.load("last"))
        timed("open it again", lambda: open_store(path).close())
        timed("`ponder tree` of it, opened and drawn", lambda: draw(root))
        print(f"{'bytes of the long trace':<44} {alone_bytes:9,}")
        print(f"{'bytes of a branch':<44} {(size_bytes(path) - alone_bytes) / BRANCHES:9,.0f}")
        unshared(Path(folder))


if __name__ == "__main__":
    main()
