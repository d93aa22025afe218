"""How many threads to decode with beside a busy neighbour: one fewer for each busy core, or all of them?

    python -m benchmarks.threads [--rounds 3] [--model NAME]

In turn (A B A B): one thread and one per core; alone, and with one core kept busy by a process of ours. Each
figure is a new engine's decode rate after a warm-up; `others` are the cores that other programs kept busy
meanwhile, ours included. Other programs disturb this more than anything else: look at `others` first.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ponder.core.events import Usage
from ponder.core.request import Message, Request, Sampling
from ponder.fit.busy import Beside
from ponder.opened import Opened, Options, default_model, open_model, thread_count, usual_thread_count
from ponder.session import start

TOKENS = 24


@contextmanager
def neighbour(wanted: bool) -> Iterator[None]:
    """A process that keeps one core busy, or none."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if wanted else None
    try:
        time.sleep(0.3)
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def ask(opened: Opened, tokens: int) -> Usage:
    question = Request(
        (Message("user", "Write a long story about a river."),),
        sampling=Sampling(temperature=0.0, max_tokens=tokens),
    )
    answering = start(opened, question, None)
    answering.trace()
    assert answering.run.finish is not None
    return answering.run.finish.usage


def measured(name: str, threads: int) -> tuple[float, float]:
    """(tokens per second, cores that others kept busy)."""
    opened = open_model(name, Options(n_ctx=512, threads=threads))
    try:
        ask(opened, 8)
        beside = Beside(opened)
        usage = ask(opened, TOKENS)
        return usage.decode_tps, beside.cores()
    finally:
        opened.engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="")
    given = parser.parse_args()
    name, cores = given.model or default_model(), usual_thread_count()
    found: dict[tuple[bool, int], list[tuple[float, float]]] = {}
    chosen: dict[bool, list[int]] = {False: [], True: []}
    for _ in range(given.rounds):
        for busy in (False, True):
            for threads in (cores - 1 or 1, cores):
                with neighbour(busy):
                    found.setdefault((busy, threads), []).append(measured(name, threads))
            with neighbour(busy):
                chosen[busy].append(thread_count())
    print(f"| {name}, {cores} cores | threads | tokens/s (each run) | others, cores |")
    print("|---|---:|---|---:|")
    for (busy, threads), runs in found.items():
        rates = ", ".join(f"{tps:.1f}" for tps, _ in runs)
        others = statistics.median(cores for _, cores in runs)
        print(f"| {'one busy neighbour' if busy else 'alone'} | {threads} | {rates} | {others:.2f} |")
    print(f"\nponder chose {chosen[False]} threads alone and {chosen[True]} beside the neighbour.")


if __name__ == "__main__":
    main()
