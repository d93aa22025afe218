"""`ponder fork` and `ponder replay` as a person types them, through the real engine."""

from pathlib import Path

import pytest

from ponder.core.trace import Trace, text_of
from ponder.store import open_store
from tests.cli.terminal import Said, ponder

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def asked(capfd: Capture, babbler_gguf: Path) -> Trace:
    """A kept trace with a few steps."""
    model = ("-m", str(babbler_gguf), "--ctx", "512", "--temperature", "0")
    assert ponder(capfd, "ask", *model, "--budget", "80", "--max-tokens", "120", "Why?").code == 0
    return last()


def last() -> Trace:
    with open_store() as store:
        return store.load("last")


def fork(capfd: Capture, *arguments: str) -> Said:
    return ponder(capfd, "fork", *arguments)


def test_a_step_is_corrected(capfd: Capture, asked: Trace) -> None:
    said = fork(capfd, asked.id, "--at", "2", "--say", "Wait, the ticket costs 12.", "--seed", "5")
    assert said.code == 0
    assert f"Branch of {asked.id}: step 1 stays ({asked.step(2).start} tokens)." in said.err
    branch = last()
    assert branch.parent == asked.id
    assert "Wait, the ticket costs 12." in branch.reasoning
    assert (branch.request.sampling.seed, branch.request.sampling.temperature) == (5, 0)
    assert ponder(capfd, "show", branch.id).out.count("[correction]") == 1


def test_the_reasoning_is_kept_and_gone_on_with_or_only_answered_again(capfd: Capture, asked: Trace) -> None:
    assert fork(capfd, "--think-more", "--budget", "100").code == 0
    more = last()
    assert more.fork_index == asked.reasoning_end
    assert text_of(token for token in more.tokens if token.origin == "correction").strip() == "Wait"
    assert fork(capfd, asked.id, "--reroll-answer").code == 0
    assert last().fork_index == asked.answer_start


def test_the_answer_now_a_budget_and_a_forbidden_word(capfd: Capture, asked: Trace) -> None:
    assert fork(capfd, asked.id, "--at", "2", "--answer-now").code == 0
    closed = last().finish
    assert closed is not None
    assert closed.closed_by == "user"
    assert fork(capfd, asked.id, "--at", "2", "--budget", "60", "--ban", "x", "--favour", "y=2").code == 0
    assert last().request.budget == 60
    assert last().request.steering.favour == (("x", float("-inf")), ("y", 2.0))


def test_a_replay_tells_whether_the_same_tokens_come(capfd: Capture, asked: Trace) -> None:
    said = ponder(capfd, "replay", asked.id)
    assert (said.code, "tokens came again" in said.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "at which step? Give --at N"),
        (("--at", "99"), "has the steps 1 to"),
        (("--at", "2", "--say", "a", "--note", "b"), "--say and --note exclude each other"),
        (("--at", "2", "--think-more"), "leave --at out"),
        (("--at", "2", "--say", " "), "is empty"),
        (("--at", "2", "--say", ""), "is empty"),
        (("--at", "2", "--favour", "Wait=much"), "write --favour Wait=3"),
        (("nothing", "--at", "2"), "There is no trace"),
    ],
)
def test_a_mistake_gets_one_sentence(
    capfd: Capture, asked: Trace, arguments: tuple[str, ...], sentence: str
) -> None:
    said = fork(capfd, *arguments)
    assert said.code == 2
    assert sentence in said.err
    assert len(said.err.strip().splitlines()) == 1
