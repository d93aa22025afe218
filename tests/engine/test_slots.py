"""Several conversations at once: each in a slot of its own, none in another's cache."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.engine.embedded import Embedded
from ponder.engine.protocol import EngineDiedError, Prompt
from ponder.engine.slots import Slots
from tests.engine.asking import GREEDY, LONG, ids, prefill, prompt_of, run, settings, tokens

SLOTS = 3


@pytest.fixture(scope="module")
def several(babbler_gguf: Path) -> Iterator[Embedded]:
    """A babbler with three slots."""
    engine = Embedded(settings(babbler_gguf, n_parallel=SLOTS))
    yield engine
    engine.close()


def prompt(*numbers: int, head: int = 0) -> Prompt:
    return Prompt((), numbers, head)


def test_a_conversation_goes_back_to_its_slot_and_a_new_one_takes_the_oldest() -> None:
    slots = Slots(2)
    first = slots.take(prompt(1, 2, 3, head=2), [1, 2, 3])
    second = slots.take(prompt(7, 8, head=2), [7, 8])
    assert (first.number, second.number) == (0, 1)
    assert not first.same
    slots.leave(second)
    slots.leave(first)
    again = slots.take(prompt(1, 2, 9, head=2), [1, 2, 9])
    assert (again.number, again.same) == (0, True)
    slots.leave(again)
    other = slots.take(prompt(1, 5, 6, head=2), [1, 5, 6])
    assert (other.number, other.same) == (1, False)


def test_of_two_branches_the_longer_common_beginning_decides() -> None:
    slots = Slots(2)
    one = slots.take(prompt(1, 2, head=2), [1, 2, 3, 4])
    two = slots.take(prompt(1, 2, head=2), [1, 2, 5, 6])
    slots.leave(one)
    slots.leave(two)
    assert slots.take(prompt(1, 2, head=2), [1, 2, 3, 4, 9]).number == one.number


def test_each_has_the_whole_context(several: Embedded) -> None:
    assert several.serve().n_ctx == 2048


def test_conversations_at_once_are_as_alone(several: Embedded, babbler: Embedded) -> None:
    questions = [f"question number {number}" for number in range(6)]
    alone = [ids(run(babbler, prompt=prompt_of(babbler, question))) for question in questions]
    found: dict[str, list[int]] = {}

    def ask(question: str) -> None:
        found[question] = ids(run(several, prompt=prompt_of(several, question)))

    for _ in ("cold", "warm"):
        threads = [threading.Thread(target=ask, args=(question,)) for question in questions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [found[question] for question in questions] == alone
        found.clear()


def test_a_cache_serves_its_own_conversation_only(several: Embedded) -> None:
    mine, yours = prompt_of(several, "mine " * 20), prompt_of(several, "yours " * 20)
    assert prefill(run(several, prompt=mine)).cached == 0
    assert prefill(run(several, prompt=yours)).cached == 0
    assert prefill(run(several, prompt=mine)).cached == len(mine.ids) - 1
    assert prefill(run(several, prompt=yours)).cached == len(yours.ids) - 1


def test_a_death_under_several_streams_is_one_death(several: Embedded) -> None:
    streams = [several.stream(prompt_of(several, f"to {n}"), (), LONG, since=0.0) for n in range(SLOTS)]
    # Each stream is begun in a thread of its own, as a server does.
    before, started, died = several.starts, threading.Barrier(SLOTS + 1), []

    def follow(number: int) -> None:
        stream = streams[number]
        next(stream)
        next(stream)
        started.wait()
        try:
            for _ in stream:
                pass
        except EngineDiedError:
            died.append(number)
            tokens(run(several, GREEDY, prompt_of(several, f"again {number}")))

    threads = [threading.Thread(target=follow, args=(number,)) for number in range(SLOTS)]
    for thread in threads:
        thread.start()
    started.wait()
    assert several.pid is not None
    os.kill(several.pid, signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert sorted(died) == list(range(SLOTS))
    assert several.starts == before + 1
