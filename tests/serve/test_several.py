"""Several at once: nothing is mixed, nobody waits for ever, nothing is left behind."""

import asyncio
import http.client
import json
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ponder.errors import MemoryLimitError
from ponder.serve.crew import MOST_FREE
from ponder.serve.refusal import Refusal
from ponder.serve.turns import Turns
from tests.engine.asking import wait_for
from tests.serve.running import TOKEN, Running, running
from tests.tiny import write_random

WORDS = 8


@pytest.fixture(scope="module")
def greedy(tmp_path_factory: pytest.TempPathFactory, babbler_gguf: Path) -> Iterator[Running]:
    """A babbler whose every word depends on the question: as an echo of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_HOME", str(tmp_path_factory.mktemp("greedy-home")))
        with running(model=str(babbler_gguf), slots=4) as it:
            yield it


def answer(server: Running, secret: str) -> tuple[str, str]:
    """Everything the model writes to a question that holds a secret word, and the trace's id."""
    body = {
        "messages": [{"role": "user", "content": f"The secret word is {secret}."}],
        "temperature": 0,
        "max_tokens": 24,
    }
    found = server.post("/v1/chat/completions", body).json
    return json.dumps(found["choices"][0]["message"]), found["ponder"]["trace"]


def test_conversations_are_never_mixed(greedy: Running) -> None:
    """Each question alone, then all at once, cold and warm: the same words, and each trace its own prompt."""
    secrets = [f"secret{number * 7919 % 1009}" for number in range(WORDS)]
    alone = {secret: answer(greedy, secret)[0] for secret in secrets}
    assert len(set(alone.values())) > WORDS // 2
    for _ in ("cold", "warm"):
        found: dict[str, tuple[str, str]] = {}

        def ask(secret: str, found: dict[str, tuple[str, str]] = found) -> None:
            found[secret] = answer(greedy, secret)

        threads = [threading.Thread(target=ask, args=(secret,)) for secret in secrets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for secret in secrets:
            words, trace = found[secret]
            assert words == alone[secret]
            kept = greedy.service.store.load(trace)
            assert secret in kept.question
            assert not any(other in kept.question for other in secrets if other not in secret)


def test_turns_are_fair_by_party_and_bounded() -> None:
    async def scene() -> list[str]:
        turns, order = Turns(1, 4), list[str]()

        async def one(party: str, name: str) -> None:
            await turns.take(party)
            order.append(name)
            await asyncio.sleep(0)
            turns.leave(1.0)

        await turns.take("somebody")
        tasks = [asyncio.create_task(one("many", f"many {n}")) for n in range(3)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(one("one", "one")))
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as refused:
            await turns.take("late")
        assert refused.value.status == 429
        assert refused.value.retry_s
        tasks[1].cancel()
        await asyncio.sleep(0)
        turns.leave()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (turns.running, turns.waiting) == (0, 0)
        return order

    assert asyncio.run(scene()) == ["many 0", "one", "many 2"]


def test_a_turn_that_comes_as_its_waiter_leaves_is_passed_on() -> None:
    async def scene() -> None:
        turns = Turns(1, 4)
        await turns.take("a")
        waiting = asyncio.create_task(turns.take("b"))
        await asyncio.sleep(0)
        turns.leave()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert turns.running == 0

    asyncio.run(scene())


def test_a_full_queue_says_when_to_come_back(tmp_path: Path, babbler_gguf: Path) -> None:
    with running(model=str(babbler_gguf), slots=1, waiting=0) as server:
        body = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
        first = http.client.HTTPConnection("127.0.0.1", server.service.settings.port, timeout=60)
        first.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {TOKEN}"})
        first.getresponse().read1(10)
        refused = server.post("/v1/chat/completions", body)
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) >= 1
        first.close()  # the client that goes gives its slot back
        wait_for(lambda: server.post("/v1/chat/completions", body | {"max_tokens": 3}).status == 200)


def test_models_are_loaded_on_demand_and_make_room(
    tmp_path: Path, speaker_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models of which only one fits: the other one is unloaded, when nobody uses it any more."""
    folder = tmp_path / "ponder-home/models/somebody/tiny-GGUF"
    folder.mkdir(parents=True)
    write_random(folder / "tiny-Q8_0.gguf")
    with running(model=str(speaker_gguf), slots=1) as server:
        models = server.service.models

        def open_one(offer: object, shape: object, opened=models._open) -> object:  # type: ignore[no-untyped-def]
            if models.loaded:
                raise MemoryLimitError("no room")
            return opened(offer, shape)

        monkeypatch.setattr(models, "_open", open_one)
        body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 30}
        names = [model["id"] for model in server.get("/v1/models").json["data"]]
        assert {"speaker", "somebody/tiny-GGUF"} <= set(names)
        for name in ("speaker", "somebody/tiny-GGUF", "speaker"):
            answer = server.post("/v1/chat/completions", body | {"model": name})
            assert answer.status == 200, answer.text
            assert [m["name"] for m in server.get("/api/ponder/state").json["models"]] == [name]
        assert server.ask("DELETE", "/api/ponder/models/speaker").status == 200
        assert server.get("/api/ponder/state").json["models"] == []


def test_clients_that_come_and_go_leave_nothing_behind(babbling: Running) -> None:
    """Forty clients, slow readers among them, half of which leave at random: the rest get all of it."""
    port, process = babbling.service.settings.port, psutil.Process()
    complete: list[bool] = []
    rng = random.Random(7)

    def client(leaves: bool, pause_s: float) -> None:
        body = {
            "messages": [{"role": "user", "content": f"client {pause_s}"}],
            "stream": True,
            "max_tokens": 40,
            "store": False,
        }
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {TOKEN}"}
        )
        response = connection.getresponse()
        read = b""
        while part := response.read1(200):
            read += part
            if leaves and len(read) > 600:
                break
            time.sleep(pause_s)
        connection.close()
        if not leaves:
            complete.append(read.endswith(b"data: [DONE]\n\n"))

    babbling.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "max_tokens": 4})
    before = process.num_fds(), process.num_threads()
    clients = [
        threading.Thread(target=client, args=(number % 2 == 0, rng.random() * 0.02)) for number in range(40)
    ]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    assert complete == [True] * 20
    wait_for(lambda: not babbling.service.runs.living)
    wait_for(lambda: process.num_fds() <= before[0] + 2)
    wait_for(lambda: process.num_threads() <= before[1] + 2 + MOST_FREE)
    (loaded,) = babbling.service.models.loaded.values()
    assert (loaded.turns.running, loaded.turns.waiting, loaded.users) == (0, 0, 0)
    assert not loaded.opened.engine._speakers  # type: ignore[attr-defined]
