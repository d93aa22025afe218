"""What is said of predictions: nothing when they came true, one sentence when they did not."""

from pathlib import Path

import pytest

from ponder.cli import predictions
from ponder.cli.predictions import idle_gpu, plan_line, surprises
from ponder.core.plan import Compared
from ponder.fit import probe
from ponder.fit.readings import Gpu
from ponder.opened import Options, open_model
from tests.cli.terminal import ponder

RAM = Compared("RAM", 4e8, 3e8, 5e8, 3.5e8)
SLOW = Compared("decode", 60.0, 50.0, 70.0, 30.0)


def test_what_came_true_is_told_only_when_asked_for() -> None:
    assert list(surprises((RAM,))) == []
    assert list(surprises((RAM,), everything=True)) == ["RAM 350 MB, as planned (400 MB; 300 MB to 500 MB)."]


def test_what_did_not_says_what_to_do() -> None:
    (sentence,) = surprises((RAM, SLOW))
    assert "30 tok/s is not the 50 tok/s to 70 tok/s" in sentence
    assert "`ponder fit --calibrate` measures it once" in sentence
    again = Compared("decode", 60.0, 50.0, 70.0, 30.0, calibrated=True)
    assert "if that stays so" in next(surprises((again,)))
    assert "report it" in next(surprises((Compared("RAM", 1e9, 9e8, 1.1e9, 2e9),)))


def test_a_gpu_that_the_engine_cannot_use_is_named(
    speaker_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_model(str(speaker_gguf), Options(n_ctx=256))
    assert idle_gpu(opened, 100.0) == ""
    monkeypatch.setattr(predictions, "may_have_gpu", lambda: True)
    monkeypatch.setattr(probe, "graphics", lambda: [(Gpu("RTX 4090", 1, 1), "NVIDIA")])
    assert "RTX 4090 stood idle" in idle_gpu(opened, 100.0)
    assert idle_gpu(opened, 5.0) == ""
    assert plan_line(opened) == "plan: CPU only, context 256, cache f16, 1 threads"


def test_ask_shows_its_plan(capfd: pytest.CaptureFixture[str], speaker_gguf: Path) -> None:
    said = ponder(capfd, "ask", "-m", str(speaker_gguf), "-v", "--ctx", "512", "Why?")
    assert said.code == 0
    assert "plan: CPU only, context 512, cache f16" in said.err
