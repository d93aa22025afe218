"""`ponder fit OWNER/NAME` against a stand-in of the hub: headers by range, a bare configuration, refusals."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.catalog.models import find_model
from tests.catalog.hub import Hub, serving
from tests.cli.terminal import ponder

Capture = pytest.CaptureFixture[str]
CARD = ("--gpu", "RTX 4090", "--json")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, speaker_gguf: Path) -> Iterator[Hub]:
    config = find_model("deepseek-r1:7b").config
    known = json.dumps(dict(config)).encode()
    foreign = json.dumps(dict(config) | {"model_type": "gargantua"}).encode()
    repos = {
        "someone/gguf": {"model-Q4_K_M.gguf": speaker_gguf.read_bytes() + b"\0" * (3 << 20)},
        "someone/config": {"config.json": known, "model.safetensors": b"x" * 100},
        "someone/foreign": {"config.json": foreign},
        "someone/empty": {"README.md": b"nothing"},
    }
    with serving(Hub(repos, git={"config.json"}, gated={"someone/gated"})) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        monkeypatch.setenv("HF_HOME", "/nonexistent")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield running


def test_a_header_is_read_by_range(capfd: Capture, hub: Hub) -> None:
    said = ponder(capfd, "fit", "someone/gguf", *CARD)
    assert said.code == 0, said.err
    (plan,) = json.loads(said.out)
    assert plan["file_bytes"] == len(hub.repos["someone/gguf"]["model-Q4_K_M.gguf"])
    assert hub.sent["model-Q4_K_M.gguf"] < plan["file_bytes"]
    assert any("/resolve/" in path for path in hub.asked), "and the redirect is followed"


def test_a_server_that_ignores_ranges_is_cut_off(capfd: Capture, hub: Hub) -> None:
    hub.ranges = False
    said = ponder(capfd, "fit", "someone/gguf", *CARD)
    assert said.code == 0, said.err
    assert json.loads(said.out)[0]["placement"]["kind"] == "one GPU"


def test_a_configuration_alone_gives_every_quantisation(capfd: Capture, hub: Hub) -> None:
    said = ponder(capfd, "fit", "someone/config", *CARD)
    assert said.code == 0, said.err
    plans = json.loads(said.out)
    mine = {plan["quantisation"]: plan["file_bytes"] for plan in plans}
    known = json.loads(ponder(capfd, "fit", "deepseek-r1:7b", *CARD).out)
    assert mine == {plan["quantisation"]: plan["file_bytes"] for plan in known}


@pytest.mark.parametrize(
    ("repo", "word"),
    [
        ("someone/gated", "someone/gated"),
        ("someone/missing", "someone/missing"),
        ("someone/empty", "neither a GGUF file nor a config.json"),
        ("someone/foreign", "'gargantua'"),
    ],
)
def test_what_cannot_be_planned_gets_one_sentence(capfd: Capture, hub: Hub, repo: str, word: str) -> None:
    said = ponder(capfd, "fit", repo, *CARD)
    assert said.code == 2
    assert word in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_a_hub_that_fails_gets_one_sentence(capfd: Capture, hub: Hub) -> None:
    hub.status += [500] * 5
    said = ponder(capfd, "fit", "someone/gguf", *CARD)
    assert said.code != 0
    assert "500" in said.err
    assert len(said.err.strip().splitlines()) == 1
