"""`ponder chat` with its commands, through the real engine."""

import io
import json
import sys
from pathlib import Path

import pytest

from ponder.store import open_store
from tests.cli.terminal import Said, ponder

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def talk(capfd: Capture, monkeypatch: pytest.MonkeyPatch, speaker_gguf: Path) -> "Talk":
    return Talk(capfd, monkeypatch, speaker_gguf)


class Talk:
    def __init__(self, capfd: Capture, patch: pytest.MonkeyPatch, gguf: Path) -> None:
        self.capfd, self.patch, self.gguf = capfd, patch, gguf

    def __call__(self, *lines: str, options: tuple[str, ...] = ()) -> Said:
        self.patch.setattr(sys, "stdin", io.StringIO("\n".join(lines) + "\n"))
        return ponder(self.capfd, "chat", "-m", str(self.gguf), *options)


def test_turns_follow_each_other_and_old_reasoning_is_dropped(talk: Talk) -> None:
    said = talk("One?", "Two?")
    assert (said.code, said.out) == (0, "It is 42!\nIt is 42!\n")
    with open_store() as store:
        second, first = (store.load(summary.id) for summary in store.list())
    assert [m.role for m in second.request.messages] == ["user", "assistant", "user"]
    assert second.request.messages[1].content == "It is 42!"
    assert second.request.messages[1].reasoning == "Okay, let me think."
    # R1's template drops it: the prompt grew by the answer and the question, not by the reasoning.
    assert len(second.prompt_ids) - len(first.prompt_ids) < 20


def test_commands(talk: Talk, tmp_path: Path, babbler_gguf: Path) -> None:
    saved = tmp_path / "talk.json"
    said = talk(
        "/budget 3",
        "One?",
        "/budget",
        "/think off",
        "Two?",
        "/think",
        "/retry",
        f"/save {saved}",
        "/help",
        "/quit",
        "Nie?",
    )
    assert said.code == 0
    with open_store() as store:
        retried, second, first = (store.load(summary.id) for summary in store.list())
    assert first.request.budget == 3
    assert second.request.budget is None
    assert second.request.think == "off"
    assert retried.request.think == "auto"
    assert retried.request.messages[-1] == second.request.messages[-1]
    messages = json.loads(saved.read_text())["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "user", "assistant"]
    assert messages[-1]["reasoning_content"] == "Okay, let me think."
    assert "/retry" in said.err
    assert talk(f"/model {babbler_gguf}", "/new", "/system Brief.").code == 0


def test_mistakes_leave_the_conversation_alone(talk: Talk, tmp_path: Path) -> None:
    said = talk(
        "/dance",
        "/budget many",
        "/think maybe",
        "/retry",
        "/save",
        "/model nobody",
        "",
        "x" * 300,
        "Now?",
        options=("--ctx", "256"),
    )
    assert (said.code, said.out) == (0, "It is 42!\n")
    for word in (
        "no command /dance",
        "/budget many",
        "/think maybe",
        "no question to retry",
        "/save needs",
        "nobody",
        "leaves no room",
    ):
        assert word in said.err
    with open_store() as store:
        assert len(store.load("last").request.messages) == 1
