"""Log-probabilities cost the engine a look at its whole vocabulary: who does not ask for them has none."""

from pathlib import Path
from typing import Any

import pytest

from tests.serve.running import Running, running

ASKED = {"messages": [{"role": "user", "content": "hello"}], "temperature": 1, "seed": 7, "max_tokens": 60}


def kept(server: Running, answer: dict[str, Any]) -> list[dict[str, Any]]:
    whole = server.get(f"/api/ponder/traces/{answer['ponder']['trace']}?tokens=true").json
    return [token for token in whole["tokens"] if token["origin"] == "model"]


def test_they_are_kept_if_a_client_asks(babbling: Running) -> None:
    without = kept(babbling, babbling.post("/v1/chat/completions", ASKED).json)
    with_them = kept(babbling, babbling.post("/v1/chat/completions", ASKED | {"logprobs": True}).json)
    assert all(token["id"] is not None for token in without)
    assert all(token["logprob"] is not None for token in with_them)
    assert any(token["logprob"] is None for token in without)


def test_or_if_the_server_was_told_to(
    speaker_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path))
    with running(model=str(speaker_gguf), logprobs=True) as server:
        tokens = kept(server, server.post("/v1/chat/completions", ASKED).json)
        assert tokens
        assert all(token["logprob"] is not None for token in tokens)
