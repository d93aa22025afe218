"""What an engine read is kept on disk: a fork in a new process reads nothing again, and nothing wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ponder import api
from ponder.core.events import Prefill
from ponder.core.request import Message, Request, Sampling
from ponder.core.trace import Trace
from ponder.engine.owned import Owned
from ponder.opened import Opened, Options, open_model, reopen
from ponder.session import Answering, fork, resume, start
from ponder.store import Store, open_store
from ponder.store.caches import Caches
from ponder.warm import LEAST_TOKENS, fingerprint, put_away, recall
from tests.cli.terminal import ponder
from tests.engine.asking import wait_for
from tests.serve.running import running
from tests.tiny import write_random

GREEDY = Sampling(temperature=0.0, seed=1, max_tokens=400)


@contextmanager
def model(path: Path, **options: int) -> Iterator[Opened]:
    """A model in an engine that has just started."""
    opened = open_model(str(path), Options(n_ctx=options.get("n_ctx", 1024)))
    try:
        yield opened
    finally:
        opened.engine.close()


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store() as kept:
        yield kept


@pytest.fixture
def caches(ponder_home: Path) -> Caches:
    return Caches(ponder_home / "caches")


@pytest.fixture
def parent(babbler_gguf: Path, store: Store) -> Trace:
    """A trace of 400 tokens, its cache kept, its engine gone."""
    with model(babbler_gguf) as opened:
        answering = start(opened, Request((Message("user", "Why?"),), sampling=GREEDY, budget=380), store)
        trace = answering.trace()
        put_away(opened)
    return trace


def read(answering: Answering) -> tuple[int, Trace]:
    """How many tokens a run had to read, and its trace."""
    first = next(event for event in answering if isinstance(event, Prefill))
    return first.total - first.cached, answering.trace()


def test_a_fork_in_a_new_engine_reads_nothing_again_and_writes_the_same(
    babbler_gguf: Path, store: Store, parent: Trace, caches: Caches
) -> None:
    (cache,) = caches
    assert cache.shared([*parent.prompt_ids, *parent.ids]) >= len(parent.prompt_ids) + 390
    assert (caches.folder / f"{parent.id}.kv").stat().st_mode & 0o777 == 0o600
    with model(babbler_gguf) as opened:
        count, branch = read(fork(opened, parent, parent.fork_at(350), store))
        assert count <= 1
        assert branch.ids == parent.ids
        # What lies in the engine already is not taken from disk again.
        assert (
            recall(opened, fork(opened, parent, parent.fork_at(300), None).run.prompt, parent.ids[:300]) == 0
        )


def test_a_run_that_was_stopped_goes_on_where_it_was(babbler_gguf: Path, store: Store) -> None:
    with model(babbler_gguf) as opened:
        answering = start(opened, Request((Message("user", "Why?"),), sampling=GREEDY, budget=380), store)
        for number, _ in enumerate(answering):
            if number == 350:
                break
        answering.cancel()
        put_away(opened)
    with model(babbler_gguf) as opened:
        count, _ = read(resume(opened, store.load(answering.trace_id), store))
        assert count <= 1


def test_what_was_deleted_or_overwritten_is_not_written(
    babbler_gguf: Path, store: Store, caches: Caches
) -> None:
    with model(babbler_gguf) as opened:
        asked = [Request((Message("user", text),), sampling=GREEDY, budget=380) for text in ("Why?", "Who?")]
        one, other = (start(opened, request, store).trace() for request in asked)
        put_away(opened)
        assert [cache.trace for cache in caches] == [other.id]
        again = start(opened, asked[0], store).trace()
        store.delete(again.id)
        put_away(opened)
        assert {cache.trace for cache in caches} == {other.id}
        put_away(opened)  # an engine that does not run is not started for this
        assert opened.engine.starts == 2  # type: ignore[attr-defined]
    assert one.id != again.id


def test_an_engine_that_ends_for_want_of_work_keeps_what_it_holds(
    babbler_gguf: Path, store: Store, caches: Caches
) -> None:
    with model(babbler_gguf) as opened:
        engine = opened.engine
        assert isinstance(engine, Owned)
        engine.settings = replace(engine.settings, idle_s=0.2)
        trace = start(opened, Request((Message("user", "Why?"),), sampling=GREEDY, budget=380), store).trace()
        wait_for(lambda: not engine.loaded)
        assert [cache.trace for cache in caches] == [trace.id]


def test_python_programs_and_servers_leave_caches_to_everybody(
    babbler_gguf: Path, store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    options = Options(n_ctx=1024)
    first = api.ask("Why?", model=str(babbler_gguf), budget=380, sampling=GREEDY, options=options).trace()
    api.close()
    count, branch = read(api.fork(first.id, len(first.steps)))
    api.close()
    assert count <= 1
    assert branch.fork_index == first.steps[-1].start
    said = ponder(capfd, "replay", first.id)
    assert (said.code, "tokens came again" in said.out) == (0, True)

    with running(model=str(babbler_gguf), slots=1, options=options) as server:
        body = {
            "messages": [{"role": "user", "content": "Who?"}],
            "sampling": {"temperature": 0, "max_tokens": 400},
        }
        asked = server.post("/api/ponder/traces", body)
        assert asked.status == 201, asked.text
        name = asked.json["id"]
        wait_for(lambda: server.get(f"/api/ponder/traces/{name}").json["state"] == "done")
    served = store.bundle(name)
    opened = reopen(served.environment, served.trace.model)
    count, _ = read(fork(opened, served.trace, served.trace.fork_at(350), store))
    put_away(opened)
    assert count <= 1


def test_a_cache_that_was_changed_or_cut_is_deleted_and_not_read(
    babbler_gguf: Path, store: Store, parent: Trace, caches: Caches
) -> None:
    file = caches.folder / f"{parent.id}.kv"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with model(babbler_gguf) as opened:
        count, branch = read(fork(opened, parent, parent.fork_at(350), None))
    assert count > 350
    assert branch.ids == parent.ids
    assert list(caches) == []
    assert not file.exists()


def test_an_engine_that_refuses_a_cache_is_started_anew(
    babbler_gguf: Path, parent: Trace, caches: Caches
) -> None:
    """A file that is whole, and yet none that llama.cpp takes: it may have spoilt what is loaded."""
    (cache,) = caches
    (caches.folder / caches.half(parent.id)).write_bytes(b"no cache at all")
    assert caches.keep(parent.id, cache.key, cache.weights, cache.ids)
    with model(babbler_gguf) as opened:
        count, branch = read(fork(opened, parent, parent.fork_at(350), None))
        assert opened.engine.starts == 2  # type: ignore[attr-defined]
    assert count > 350
    assert branch.ids == parent.ids
    assert list(caches) == []


def test_other_weights_and_another_context_do_not_use_it(
    babbler_gguf: Path, parent: Trace, tmp_path: Path
) -> None:
    other = write_random(tmp_path / "other.gguf", seed=1)
    assert other.stat().st_size == babbler_gguf.stat().st_size
    for path, n_ctx in ((other, 1024), (babbler_gguf, 2048)):
        with model(path, n_ctx=n_ctx) as opened:
            count, _ = read(fork(opened, parent, parent.fork_at(350), None))
            assert count > 350


def test_a_copy_of_the_weights_has_their_fingerprint(babbler_gguf: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(babbler_gguf.read_bytes())
    with model(babbler_gguf) as one, model(copy) as two:
        assert one.local is not None
        assert two.local is not None
        assert fingerprint(one.local.file.header) == fingerprint(two.local.file.header)


def test_caches_make_room_for_one_another(caches: Caches, monkeypatch: pytest.MonkeyPatch) -> None:
    caches.folder.mkdir(parents=True)

    def put(trace: str) -> None:
        (caches.folder / caches.half(trace)).write_bytes(bytes(400_000))
        assert caches.keep(trace, "key", "weights.gguf", range(300))

    monkeypatch.setenv("PONDER_CACHE_GB", "0.001")
    for trace in ("first", "second"):
        put(trace)
    assert caches.sound(next(cache for cache in caches if cache.trace == "first"))  # used: the other goes
    put("third")
    assert {cache.trace for cache in caches} == {"first", "third"}
    assert not caches.room_for(2_000_000)
    caches.forget_weights([Path("weights.gguf")])
    assert list(caches.folder.iterdir()) == []
    monkeypatch.setenv("PONDER_CACHE_GB", "0")
    assert not caches.room_for(1)


def test_a_cache_goes_with_its_trace(store: Store, parent: Trace, caches: Caches) -> None:
    store.delete(parent.id)
    assert list(caches.folder.iterdir()) == []


def test_the_terminal_keeps_a_cache_and_uses_it(
    capfd: pytest.CaptureFixture[str], babbler_gguf: Path, caches: Caches
) -> None:
    words = ("-m", str(babbler_gguf), "--ctx", "1024", "--temperature", "0", "--budget", "380")
    assert ponder(capfd, "ask", *words, "--max-tokens", "400", "Why?").code == 0
    assert len(list(caches)) == 1
    with open_store() as store:
        steps = store.load("last").steps
    at = next(step.index + 1 for step in steps if step.start > LEAST_TOKENS)
    forked = ponder(capfd, "fork", "--at", str(at), "--json")
    first = next(line for line in forked.out.splitlines() if '"prefill"' in line)
    assert int(first.partition('"cached": ')[2].partition(",")[0]) > LEAST_TOKENS
    assert len(list(caches)) == 2
