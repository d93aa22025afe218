"""`ponder check` as a person calls it, on a model whose wrong step is known."""

import json
import signal
import sys
from pathlib import Path

import pytest

from ponder.blame import kept
from ponder.core.trace import Trace
from ponder.opened import Options, open_model
from ponder.store import open_store
from tests.blame.wrong import ASTRAY, wander, write_wanderer
from tests.cli.terminal import ponder, program
from tests.engine.asking import wait_for
from tests.tiny import ASSISTANT, EOS, write_chain

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wanderer(tmp_path_factory.mktemp("models") / "wanderer.gguf")


@pytest.fixture
def astray(gguf: Path) -> Trace:
    """A kept trace that went astray in step 5."""
    opened = open_model(str(gguf), Options(n_ctx=2048))
    with open_store() as store:
        trace = wander(opened, store, "43")
    opened.engine.close()
    return trace


def test_claims_are_free(capfd: Capture, astray: Trace) -> None:
    said = ponder(capfd, "check", "--answer", "42")
    assert said.code == 0
    assert "Answer: 43 ✗ the target is 42" in said.out
    assert "There is no claim that can be checked." in said.out
    assert "by claims" in said.out
    assert said.err == ""


def test_rollouts_find_the_step_tell_their_cost_and_are_kept(capfd: Capture, astray: Trace) -> None:
    said = ponder(capfd, "check", astray.id, "--rollouts", "--answer", "42", "--samples", "6")
    assert said.code == 0
    assert "tokens to sample" in said.err
    words = " ".join(said.out.split())
    assert "taken from the cache" in words
    assert f"It goes astray in step {ASTRAY + 1}" in words
    assert f"--at {ASTRAY + 1}" in said.out
    with open_store() as store:
        assert [found.step for found in kept(store.bundle(astray.id).notes)] == [ASTRAY]
        assert len(store.tree(astray.id)) == 1
    again = ponder(capfd, "check")  # not computed again, and told all the same
    assert f"It goes astray in step {ASTRAY + 1}" in " ".join(again.out.split())
    assert again.err == ""


def test_a_critic_of_another_model(capfd: Capture, astray: Trace, tmp_path: Path) -> None:
    first = {"Step five takes the wrong number.\nFirst wrong step:": 1.0}
    chain = {"\n": {"</think>": 1.0}, ASSISTANT: {"</think>": 1.0}, "</think>": first}
    chain |= {next(iter(first)): {" 5": 1.0}, " 5": {EOS: 1.0}}
    path = write_chain(tmp_path / "reader.gguf", chain, n_ctx_train=8192)
    said = ponder(capfd, "check", "--critic-model", str(path), "--votes", "3", "--json")
    assert said.code == 0
    found = {each["method"]: each for each in json.loads(said.out)["found"]}
    assert found["critic"]["step"] == ASTRAY
    assert found["critic"]["confidence"] == 1.0
    assert [vote["step"] for vote in found["critic"]["votes"]] == [ASTRAY] * 3
    shown = ponder(capfd, "check").out
    assert "3 of 3 votes of reader" in shown
    assert "votes: 5, 5, 5" in shown


def test_importance_of_one_step(capfd: Capture, astray: Trace) -> None:
    step = str(ASTRAY + 1)
    said = ponder(capfd, "check", "--importance", "--step", step, "--samples", "10", "--keep")
    assert said.code == 0
    assert f"Step {step} changes the answers most" in said.out
    with open_store() as store:
        assert len(store.tree(astray.id)) == 1 + 20


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--step", "2"), "--step 2 goes with --importance"),
        (("--keep",), "give --rollouts or --importance"),
        (("--importance", "--step", "99"), "has the steps 1 to"),
        (("nothing",), "There is no trace"),
        (("--critic-model", "no-such-model"), "no-such-model"),
    ],
)
def test_a_mistake_gets_one_sentence(
    capfd: Capture, astray: Trace, arguments: tuple[str, ...], sentence: str
) -> None:
    said = ponder(capfd, "check", *arguments)
    assert said.code == 2
    assert sentence in said.err
    assert "Traceback" not in said.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_what_is_known(astray: Trace) -> None:
    child = program("check", astray.id, "--importance", "--samples", "1000", "--keep")
    with open_store() as store:
        wait_for(lambda: len(store.tree(astray.id)) > 3)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate()
    assert child.returncode == 0, err
    assert "this is what is known so far" in err
    assert "tokens sampled" in out
    with open_store() as store:
        assert [found.method for found in kept(store.bundle(astray.id).notes)] == ["importance"]
