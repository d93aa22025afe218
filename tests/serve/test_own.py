"""ponder's own API: traces, steps, claims, forks, live control, and a stream that can be taken up again."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ponder.core.events import Finish, Step, Token, Usage
from ponder.core.request import Message, Request
from ponder.core.trace import Trace
from ponder.opened import Options
from ponder.store import Bundle
from tests.engine.asking import wait_for
from tests.serve.running import Running, running
from tests.serve.sse import Event, events

TRACES = "/api/ponder/traces"
LONG = {"temperature": 1.0, "seed": 3, "max_tokens": 300}


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, babbler_gguf: Path) -> Iterator[Running]:
    """A babbler with a long context, so that there is time to steer it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_HOME", str(tmp_path_factory.mktemp("slow-home")))
        with running(model=str(babbler_gguf), slots=2, options=Options(n_ctx=4096, threads=1)) as it:
            yield it


def ask(server: Running, question: str = "hello", **fields: Any) -> str:
    """The id of a new trace."""
    body = {"messages": [{"role": "user", "content": question}]} | fields
    answer = server.post(TRACES, body)
    assert answer.status == 201, answer.text
    return str(answer.json["id"])


def tokens_of(found: list[Event]) -> list[Any]:
    return [token for event in found if event.name == "update" for token in event.data["tokens"]]


def test_a_question_is_followed_to_its_end(speaking: Running) -> None:
    trace = ask(speaking)
    with events(speaking, trace) as stream:
        found = list(stream)
    assert "".join(t["text"] for t in tokens_of(found) if t["part"] == "answer") == "It is 42!"
    assert [t["index"] for t in tokens_of(found)] == list(range(12))
    steps = [step for event in found if event.name == "update" for step in event.data["steps"]]
    assert [step["part"] for step in steps] == ["reasoning", "answer"]
    assert found[-1].name == "end"
    assert found[-1].data["finish"]["reason"] == "stop"
    assert found[-1].id == "12.2"


def test_a_trace_is_read_with_its_steps_claims_and_branches(speaking: Running) -> None:
    trace = ask(speaking)
    wait_for(lambda: speaking.get(f"{TRACES}/{trace}").json["state"] == "done")
    whole = speaking.get(f"{TRACES}/{trace}?tokens=true").json
    assert whole["answer"] == "It is 42!"
    assert whole["steps"][1]["text"] == "It is 42!"
    assert len(whole["tokens"]) == whole["token_count"] == 12
    assert speaking.get(f"{TRACES}/{trace}/steps/1").json["tokens"][0]["text"] == "Okay"
    assert speaking.get(f"{TRACES}/{trace}/claims").json == {"claims": []}
    assert [b["id"] for b in speaking.get(f"{TRACES}/{trace}/tree").json["branches"]] == [trace]
    listed = speaking.get(f"{TRACES}?query=hello&limit=1000").json["traces"]
    assert trace in [row["id"] for row in listed]
    saved = speaking.get(f"{TRACES}/{trace}/export?format=html")
    assert "attachment" in saved.headers["content-disposition"]
    assert "It is 42!" in saved.text


def test_a_step_is_corrected_and_the_branch_goes_on(speaking: Running) -> None:
    trace = ask(speaking)
    wait_for(lambda: speaking.get(f"{TRACES}/{trace}").json["state"] == "done")
    answer = speaking.post(f"{TRACES}/{trace}/fork", {"step": 1, "kind": "say", "text": "Well,"})
    assert answer.status == 201, answer.text
    branch = answer.json["id"]
    with events(speaking, branch) as stream:
        text = "".join(token["text"] for token in tokens_of(list(stream)))
    assert text.startswith("Well, let me think.")
    whole = speaking.get(f"{TRACES}/{branch}").json
    assert (whole["parent"], whole["fork_index"]) == (trace, 0)
    assert speaking.get(f"{TRACES}/{trace}").json["reasoning"] == "Okay, let me think."


def test_a_broken_stream_is_taken_up_where_it_broke(slow: Running) -> None:
    trace = ask(slow, sampling=LONG)
    with events(slow, trace) as stream:
        first = [next(stream) for _ in range(3)]
    with events(slow, trace, first[-1].id) as stream:
        rest = list(stream)
    indices = [token["index"] for token in tokens_of(first + rest)]
    assert indices == list(range(len(indices)))
    assert len(indices) >= 300
    # Once more, from the store alone, as after a restart.
    slow.service.runs._named.clear()
    with events(slow, trace, first[-1].id) as stream:
        again = list(stream)
    assert [t["text"] for t in tokens_of(again)] == [t["text"] for t in tokens_of(rest)]
    assert again[-1].data["finish"] == rest[-1].data["finish"]


def control(server: Running, trace: str, action: str) -> int:
    return server.post(f"{TRACES}/{trace}/control", {"action": action}).status


def state(server: Running, trace: str) -> str:
    return str(server.get(f"{TRACES}/{trace}").json["state"])


def test_a_run_is_paused_gives_its_slot_back_and_goes_on(slow: Running) -> None:
    trace = ask(slow, sampling=LONG | {"max_tokens": 2500})
    assert control(slow, trace, "pause") == 200
    wait_for(lambda: state(slow, trace) == "paused")
    wait_for(lambda: all(m["running"] == 0 for m in slow.get("/api/ponder/state").json["models"]))
    assert control(slow, trace, "go_on") == 200
    wait_for(lambda: state(slow, trace) == "running")
    assert control(slow, trace, "answer_now") == 200
    wait_for(lambda: slow.get(f"{TRACES}/{trace}").json["answer"] != "")
    assert control(slow, trace, "stop") == 200
    wait_for(lambda: state(slow, trace) == "done")
    assert slow.get(f"{TRACES}/{trace}").json["finish"]["closed_by"] == "user"


def test_a_run_that_cannot_be_kept_goes_on_and_says_so(slow: Running) -> None:
    connection = slow.service.store._writer.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        live = slow.service.runs.find(ask(slow, "x" * 2500))
        assert live is not None
        wait_for(lambda: any("not kept" in note and "is full" in note for note in live.notes))
        before = len(live.tokens)
        wait_for(lambda: len(live.tokens) > before)
    finally:
        connection.execute("PRAGMA max_page_count = 1000000")
    wait_for(lambda: not live.notes or "not kept" not in live.notes[-1])
    assert slow.service.store.load(live.trace_id).tokens
    assert control(slow, live.trace_id, "stop") == 200


def test_a_run_is_stopped_and_resumed(slow: Running) -> None:
    trace = ask(slow, sampling=LONG | {"max_tokens": 2000})
    wait_for(lambda: state(slow, trace) == "running")
    assert control(slow, trace, "stop") == 200
    wait_for(lambda: state(slow, trace) == "done")
    before = slow.get(f"{TRACES}/{trace}").json
    assert before["finish"]["reason"] == "cancelled"
    assert control(slow, trace, "pause") == 409
    assert slow.post(f"{TRACES}/{trace}/resume").status == 201
    wait_for(lambda: slow.get(f"{TRACES}/{trace}").json["token_count"] > before["token_count"])
    assert slow.post(f"{TRACES}/{trace}/resume").status == 409
    assert slow.ask("DELETE", f"{TRACES}/{trace}").status == 409
    control(slow, trace, "stop")
    wait_for(lambda: state(slow, trace) == "done")
    assert slow.ask("DELETE", f"{TRACES}/{trace}").json == {"deleted": trace}
    assert slow.get(f"{TRACES}/{trace}").status == 404


def test_a_trace_that_was_imported_as_text_cannot_go_on(speaking: Running) -> None:
    trace = Trace("", 1.0, Request((Message("user", "Why?"),)), "some-model", "imported", (), ())
    word = Token(0, None, b"Because.", "answer", "model", None, 0.0)
    step = Step(0, 0, 1, "answer", "answer")
    finish = Finish("stop", "none", Usage())
    name = speaking.service.store.put(
        Bundle(replace(trace, tokens=(word,), steps=(step,), finish=finish), {}, ())
    )
    for change in ("resume", "fork"):
        answer = speaking.post(f"{TRACES}/{name}/{change}", {"step": 1, "kind": "say", "text": "Rather:"})
        assert answer.status == 400
        assert "imported as text" in answer.json["error"]["message"]


def test_a_paused_run_is_corrected(slow: Running) -> None:
    trace = ask(slow, sampling=LONG | {"max_tokens": 2000})
    control(slow, trace, "pause")
    wait_for(lambda: state(slow, trace) == "paused")
    live = slow.service.runs.find(trace)
    assert live is not None
    assert live.paused is not None
    step = live.paused
    answer = slow.post(f"{TRACES}/{trace}/fork", {"step": step.index + 2, "kind": "say", "text": "Rather:"})
    assert answer.status == 201, answer.text
    # It leaves where the step ended, not behind the token or two that had come after it.
    assert slow.service.store.load(answer.json["id"]).fork_index == step.stop
    wait_for(lambda: state(slow, trace) == "done")
    control(slow, answer.json["id"], "stop")
    wait_for(lambda: state(slow, answer.json["id"]) == "done")
    assert "Rather:" in slow.get(f"{TRACES}/{answer.json['id']}").json["reasoning"]


def test_an_engine_that_is_killed_in_a_stream_is_replaced(slow: Running) -> None:
    trace = ask(slow, sampling=LONG | {"max_tokens": 400})
    with events(slow, trace) as stream:
        found = [next(stream), next(stream)]
        (loaded,) = slow.service.models.loaded.values()
        pid = loaded.opened.engine.pid  # type: ignore[attr-defined]
        os.kill(pid, signal.SIGKILL)
        found += list(stream)
    indices = [token["index"] for token in tokens_of(found)]
    assert indices == list(range(len(indices)))
    assert found[-1].data["finish"]["reason"] in {"length", "stop"}
    assert "died" in str(found[-1].data["finish"]["notes"])
    assert loaded.opened.engine.pid != pid  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("request_line", "body", "status", "words"),
    [
        (("GET", f"{TRACES}/nothing"), None, 404, "nothing"),
        (("GET", f"{TRACES}/..%2f..%2fserver.key"), None, 404, ""),
        (("GET", f"{TRACES}?limit=0"), None, 400, "limit must be from 1"),
        (("GET", f"{TRACES}?colour=red"), None, 400, "colour"),
        (("POST", TRACES), {"messages": []}, 400, "messages"),
        (("POST", TRACES), {"messages": [{"role": "user", "content": "x"}], "n": 2}, 400, "does not know"),
        (("POST", TRACES), {"messages": [{"role": "user", "content": "x"}], "model": "/x"}, 404, "no model"),
        (("POST", f"{TRACES}/nothing/fork"), {"step": 1}, 404, ""),
        (("POST", f"{TRACES}/nothing/control"), {"action": "explode"}, 400, "one of"),
        (("POST", "/api/ponder/fit"), {"model": "/etc/passwd"}, 400, "terminal"),
        (("POST", "/api/ponder/fit"), {"machine": {"gpu": "no such card"}}, 404, ""),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    speaking: Running, request_line: tuple[str, str], body: Any, status: int, words: str
) -> None:
    answer = speaking.ask(*request_line, body)
    assert answer.status == status, answer.text
    assert words in answer.json["error"]["message"]


def test_a_place_that_is_none_is_refused(speaking: Running) -> None:
    trace = ask(speaking)
    for last in ("x", "1", "1.x", "-1.2", "1.2.3"):
        answer = speaking.get(f"{TRACES}/{trace}/events", headers={"Last-Event-ID": last})
        assert answer.status == 400


def test_fit_gives_plans_for_another_machine(speaking: Running) -> None:
    asked = {"model": "deepseek-r1:7b", "machine": {"gpu": "RTX 4090", "ram_gib": 64}}
    found = speaking.post("/api/ponder/fit", asked).json
    assert sum(plan["recommended"] for plan in found["plans"]) == 1
    assert all(plan["command"] for plan in found["plans"])
