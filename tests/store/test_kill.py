"""Real processes on one database: killed at random moments, and writing at the same time."""

import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from ponder.core.events import Step
from ponder.store import Store, open_store
from tests.store.child import environment, token
from tests.store.samples import END, write

AT_ONCE, ROUNDS = 5, 4
MOST_LOST_S = 1.0
"""The promise; the usual loss is a fifth of it."""


def spawn(path: Path, count: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.store.child", str(path), str(count)]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])


def kill_some(path: Path, chance: random.Random) -> list[tuple[str, list[float]]]:
    """Start children, kill each at a random moment; the id and the clock of every token each had added."""
    children = [spawn(path, 10**6) for _ in range(AT_ONCE)]
    output = []
    for child in children:
        assert child.stdout is not None
        output.append(child.stdout.readline())
    time.sleep(chance.uniform(0.0, 0.2))
    results = []
    for child, first in zip(children, output, strict=True):
        time.sleep(chance.uniform(0.0, 0.15))
        child.kill()
        rest, _ = child.communicate()
        lines = rest.decode().splitlines()
        results.append((first.decode().strip(), [float(line.split()[1]) for line in lines]))
    return results


def assert_consistent(store: Store, trace_id: str, clocks: list[float]) -> None:
    """What is there is a prefix of what was added, exact in every value, its steps and notes with it."""
    bundle = store.bundle(trace_id)
    trace = bundle.trace
    kept = len(trace.tokens)
    assert trace.tokens == tuple(token(i, t.time_s) for i, t in enumerate(trace.tokens))
    assert [t.time_s for t in trace.tokens[: len(clocks)]] == clocks[:kept]
    assert trace.finish is None
    # A tick may fall between a step's last token and the step.
    assert kept // 10 - len(trace.steps) in (0, 1)
    assert trace.steps == tuple(Step(i, 10 * i, 10 * i + 10, "reasoning") for i in range(len(trace.steps)))
    assert len(trace.steps) - len(bundle.notes) in (0, 1)
    if len(clocks) > kept:
        assert clocks[-1] - clocks[max(kept - 1, 0)] <= MOST_LOST_S


def test_a_killed_process_loses_at_most_the_last_moment(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    chance = random.Random(20)
    killed = [run for _ in range(ROUNDS) for run in kill_some(path, chance)]
    with open_store(path) as store:
        for trace_id, clocks in killed:
            assert_consistent(store, trace_id, clocks)
        assert store.check() == AT_ONCE * ROUNDS
        assert sum(summary.tokens for summary in store.list()) > 0
        for trace_id, _ in killed:
            before = store.load(trace_id).tokens
            journal = store.resume(trace_id)
            assert journal.next_index == len(before)
            write(journal, [replace(token(i, 0.0), time_s=float(i)) for i in range(len(before) + 50)])
            after = store.load(trace_id)
            assert after.tokens[: len(before)] == before
            assert (len(after.tokens), after.finish) == (len(before) + 50, END)


def test_two_processes_write_and_a_third_reads(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    with open_store(path) as store:
        children = [spawn(path, 80), spawn(path, 80)]
        while any(child.poll() is None for child in children):
            for summary in store.list():
                store.load(summary.id)
            time.sleep(0.01)
        names = [child.communicate()[0].split(b"\n")[0].decode() for child in children]
        assert [child.returncode for child in children] == [0, 0]
        for name in names:
            trace = store.load(name)
            assert trace.tokens == tuple(token(i, t.time_s) for i, t in enumerate(trace.tokens))
            assert (len(trace.tokens), len(trace.steps), trace.finish) == (80, 8, END)
