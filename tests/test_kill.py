"""Nothing is lost: the program, or the engine's process, is killed at random moments, many times."""

import json
import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from ponder.core.request import Message, Request, Sampling
from ponder.core.trace import Trace
from ponder.opened import Options, open_model
from ponder.session import start
from ponder.store import open_store
from tests.cli.terminal import ponder, program

ASK = ("ask", "--temperature", "0", "--max-tokens", "160", "--budget", "60", "--ctx", "512", "--json", "Hm?")
TIMES = 8


@pytest.fixture(scope="module")
def calm(babbler_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """The run that nobody disturbs."""
    opened = open_model(str(babbler_gguf), Options(n_ctx=512, threads=1))
    asked = Request((Message("user", "Hm?"),), budget=60, sampling=Sampling(temperature=0.0, max_tokens=160))
    with open_store(tmp_path_factory.mktemp("calm") / "traces.db") as store:
        trace = start(opened, asked, store).trace()
    opened.engine.close()
    return trace


@pytest.mark.parametrize("attempt", range(TIMES))
def test_a_killed_program_loses_at_most_a_second_and_goes_on(
    capfd: pytest.CaptureFixture[str], babbler_gguf: Path, calm: Trace, attempt: int
) -> None:
    moment = random.Random(attempt).randrange(len(calm.tokens) * 3 // 4)
    seen = []
    with program(*ASK, "-m", str(babbler_gguf)) as run:
        assert run.stdout is not None
        for line in run.stdout:
            event = json.loads(line)
            seen += [event["time_s"]] if event["event"] == "token" else []
            if len(seen) > moment:
                run.send_signal(signal.SIGKILL)
                break
    with open_store() as store:
        kept = store.load("last")
    if kept.finish is not None:  # on a busy machine the kill can come after the end
        assert kept.ids == calm.ids
        return
    assert kept.tokens == calm.tokens[:0] or kept.ids == calm.ids[: len(kept.tokens)]
    lost = seen[len(kept.tokens) :]
    assert not lost or seen[-1] - lost[0] <= 1.0
    assert ponder(capfd, "resume", kept.id).code == 0
    with open_store() as store:
        whole = store.load(kept.id)
    assert whole.ids == calm.ids
    assert [token.part for token in whole.tokens] == [token.part for token in calm.tokens]
    assert whole.answer == calm.answer
    assert whole.finish is not None
    assert len(whole.steps) == len(calm.steps)


def test_an_engine_killed_at_random_moments_changes_nothing(
    capfd: pytest.CaptureFixture[str], babbler_gguf: Path, calm: Trace
) -> None:
    dice = random.Random(7)
    moments = sorted(dice.sample(range(len(calm.tokens)), TIMES))
    with program(*ASK, "-m", str(babbler_gguf)) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if moments and json.loads(line).get("index") == moments[0]:
                del moments[0]
                for child in psutil.Process(run.pid).children():
                    os.kill(child.pid, signal.SIGKILL)
                    time.sleep(0.05)
        assert run.wait() == 0
    with open_store() as store:
        assert store.load("last").ids == calm.ids


def test_a_finished_trace_cannot_be_resumed(capfd: pytest.CaptureFixture[str], speaker_gguf: Path) -> None:
    assert ponder(capfd, "ask", "-m", str(speaker_gguf), "Hm?").code == 0
    said = ponder(capfd, "resume")
    assert said.code == 2
    assert "has come to its end" in said.err


def test_a_trace_whose_weights_changed_is_not_gone_on_with(
    capfd: pytest.CaptureFixture[str], babbler_gguf: Path, speaker_gguf: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(babbler_gguf.read_bytes())
    with program(*ASK, "-m", str(mine)) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if json.loads(line).get("index") == 50:
                run.send_signal(signal.SIGKILL)
                break
    mine.write_bytes(speaker_gguf.read_bytes())
    said = ponder(capfd, "resume", "last")
    assert said.code == 2
    assert "is another file" in said.err
