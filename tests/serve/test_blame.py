"""Looking for the first wrong step over HTTP: what it costs, how it goes, what it finds, and stopping it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from ponder.opened import Options
from tests.blame.wrong import ASTRAY, write_wanderer
from tests.engine.asking import wait_for
from tests.serve.running import Running, running
from tests.serve.sse import Event, events

TRACES = "/api/ponder/traces"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def wandering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose model goes astray in step five, now and then."""
    model = write_wanderer(tmp_path_factory.mktemp("models") / "wanderer.gguf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PONDER_HOME", str(tmp_path_factory.mktemp("wandering-home")))
        with running(model=str(model), slots=2, options=Options(n_ctx=2048, threads=1)) as it:
            yield it


def done(server: Running, name: str) -> bool:
    return bool(server.get(f"{TRACES}/{name}").json["state"] == "done")


@pytest.fixture(scope="module")
def astray(wandering: Running) -> str:
    """The id of a trace that answers 43."""
    for seed in range(50):
        sampling = {
            "temperature": 1.0,
            "top_p": 1.0,
            "top_k": 0,
            "min_p": 0.0,
            "seed": seed,
            "max_tokens": 400,
        }
        body = {"messages": [{"role": "user", "content": "How much?"}], "sampling": sampling}
        name = str(wandering.post(TRACES, body).json["id"])
        wait_for(partial(done, wandering, name))
        if wandering.get(f"{TRACES}/{name}").json["answer"].endswith("43"):
            return name
    raise AssertionError("no seed leads astray")


def followed(server: Running, name: str) -> list[Event]:
    with events(server, f"{name}/blame") as stream:
        return list(stream)


def test_what_it_costs_is_told_before(wandering: Running, astray: str) -> None:
    few = wandering.get(f"{TRACES}/{astray}/blame?samples=2&known=true").json
    many = wandering.get(f"{TRACES}/{astray}/blame?samples=8&known=true").json
    assert set(few["costs"]) == {"critic", "rollouts", "importance"}
    assert many["costs"]["rollouts"]["sampled_tokens"] == 4 * few["costs"]["rollouts"]["sampled_tokens"]
    assert "endings" in few["costs"]["rollouts"]["sentence"]
    assert few["search"] is None
    assert [found["method"] for found in few["found"]] == ["claims"]


def test_the_step_is_found_and_kept(wandering: Running, astray: str) -> None:
    told = wandering.get(f"{TRACES}/{astray}/blame?samples=6&known=true").json["costs"]["rollouts"]
    begun = wandering.post(
        f"{TRACES}/{astray}/blame", {"methods": ["rollouts"], "answer": "42", "samples": 6}
    )
    assert begun.status == 201, begun.text
    assert wandering.post(f"{TRACES}/{astray}/blame", {}).status == 409
    found = followed(wandering, astray)
    assert {event.name for event in found[:-1]} == {"search"}
    assert (found[-1].name, found[-1].data["state"]) == ("end", "done")
    shares = [event.data["share"] for event in found]
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1
    blame = found[-1].data["found"][-1]
    assert (blame["method"], blame["step"], blame["verdict"]) == ("rollouts", ASTRAY, "found")
    assert blame["confidence"] > 0.9
    assert 0 < blame["spent"]["sampled_tokens"] <= told["sampled_tokens"]
    assert found[-1].data["pieces"] == blame["spent"]["runs"]
    kept = {each["method"]: each for each in wandering.get(f"{TRACES}/{astray}/blame").json["found"]}
    assert kept["rollouts"] == blame
    state: Any = wandering.get("/api/ponder/state").json["models"]
    assert [model["running"] for model in state] == [0]  # every slot was given back


def test_critic_then_what_matters(wandering: Running, astray: str) -> None:
    wish = {"methods": ["importance", "critic"], "votes": 2, "samples": 2, "budget": 256}
    assert wandering.post(f"{TRACES}/{astray}/blame", wish).status == 201
    found = followed(wandering, astray)[-1].data
    assert found["error"] is None
    assert found["methods"] == ["critic", "importance"]  # cheap to dear
    assert [each["method"] for each in found["found"]] == ["critic", "importance"]
    assert len(found["found"][0]["votes"]) == 2
    assert len(found["found"][1]["weights"]) == 8


def test_a_search_that_cannot_be_says_why(wandering: Running, astray: str) -> None:
    wish = {"methods": ["critic", "rollouts"], "budget": 1_000_000}
    assert wandering.post(f"{TRACES}/{astray}/blame", wish).status == 201
    last = followed(wandering, astray)[-1]
    assert (last.name, last.data["state"], last.data["found"]) == ("end", "failed", [])
    assert "context" in last.data["error"]
    assert wandering.get("/api/ponder/state").json["models"][0]["running"] == 0


def test_it_is_stopped_and_what_is_known_is_kept(wandering: Running, astray: str) -> None:
    wish = {"methods": ["rollouts"], "answer": "42", "samples": 64, "seed": 5}
    assert wandering.post(f"{TRACES}/{astray}/blame", wish).status == 201
    with events(wandering, f"{astray}/blame") as stream:
        next(event for event in stream if event.data["pieces"] >= 3)
        assert wandering.ask("DELETE", f"{TRACES}/{astray}/blame").status == 200
        last = list(stream)[-1].data
    assert last["state"] == "stopped"
    assert 3 <= last["pieces"] < 64
    kept = {each["method"]: each for each in wandering.get(f"{TRACES}/{astray}/blame").json["found"]}
    assert kept["rollouts"]["spent"]["runs"] == last["pieces"]
    assert kept["rollouts"]["about"]["seed"] == 5
    wait_for(lambda: wandering.get("/api/ponder/state").json["models"][0]["running"] == 0)


@pytest.mark.parametrize(
    ("wish", "status", "words"),
    [
        ({"methods": []}, 400, "methods"),
        ({"methods": ["dice"]}, 400, "critic"),
        ({"samples": 65}, 400, "samples"),
        ({"critic_model": "nobody", "methods": ["critic"]}, 404, "nobody"),
        ({"critics": 3}, 400, "critics"),
    ],
)
def test_what_cannot_be_is_refused(
    wandering: Running, astray: str, wish: dict[str, Any], status: int, words: str
) -> None:
    answer = wandering.post(f"{TRACES}/{astray}/blame", wish)
    assert (answer.status, words in answer.text) == (status, True), answer.text


def test_a_trace_that_is_not_there(wandering: Running) -> None:
    assert wandering.get(f"{TRACES}/nothere/blame").status == 404
    assert wandering.post(f"{TRACES}/nothere/blame", {}).status == 404
    assert wandering.get(f"{TRACES}/nothere/blame/events").status == 404


def test_the_page_does_it_without_scripts(wandering: Running, astray: str) -> None:
    page = wandering.get(f"/traces/{astray}").text
    assert "Look for it" in page
    assert "tokens to sample" in page
    answer = wandering.ask("POST", f"/traces/{astray}/blame", b"method=rollouts&answer=42&samples=4", FORM)
    assert (answer.status, answer.headers["location"]) == (303, f"/traces/{astray}#blame")
    assert 'http-equiv="refresh"' in wandering.get(f"/traces/{astray}").text
    wait_for(lambda: 'http-equiv="refresh"' not in wandering.get(f"/traces/{astray}").text)
    page = wandering.get(f"/traces/{astray}").text
    assert 'class="blamed">wrong first' in page
    step = wandering.get(f"/traces/{astray}/steps/{ASTRAY + 1}").text
    assert "Wrong first" in step
    assert "before it" in step  # the evidence, in a sentence
    assert wandering.ask("POST", f"/traces/{astray}/blame", b"answer=42", FORM).status == 400
