"""`ponder fit --calibrate`: several runs, two depths, memory; what is disturbed is said and not kept."""

from pathlib import Path

import pytest

from ponder.catalog.gguf import read_header
from ponder.cli import fit_measure
from ponder.core.plan import Compared
from ponder.fit import calibration
from ponder.fit.busy import Beside, Watch
from ponder.fit.calibration import Calibration, Series, machine_key
from ponder.fit.here import plan_here
from ponder.fit.launch import LocalFile, Wanted
from tests.cli.terminal import ponder

STEADY = (
    Series("decode", 60, (99.0, 100.0, 101.0), 80.0),
    Series("decode", 1000, (80.0, 81.0, 82.0), 72.0),
    Series("prefill", 960, (400.0, 410.0, 420.0), 500.0),
)
SEEN = fit_measure.Seen(STEADY, (Compared("RAM", 4e8, 3e8, 5e8, 3.5e8),), 0.0, usual_threads=True)


def test_a_real_engine_is_measured_at_two_depths(
    capfd: pytest.CaptureFixture[str], speaker_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_measure, "LONG_ITEMS", 8)
    monkeypatch.setattr(fit_measure, "RUNS", 2)
    monkeypatch.setattr(fit_measure, "N_CTX", 512)
    monkeypatch.setattr(fit_measure, "TOKENS", 48)
    monkeypatch.setattr(fit_measure, "LEAST_TOKENS", 1)
    said = ponder(capfd, "fit", str(speaker_gguf), "--calibrate")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["decode", "decode", "prefill", "RAM"]
    assert "in 2 runs), predicted" in lines[1]
    assert "Disturbed: fewer threads ran" in said.out  # the tests set PONDER_THREADS
    assert not calibration.path().exists()


def measured_as(seen: fit_measure.Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_measure, "measure", lambda opened, here: seen)


def test_what_is_steady_is_kept_and_used(
    capfd: pytest.CaptureFixture[str], speaker_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_as(SEEN, monkeypatch)
    said = ponder(capfd, "fit", str(speaker_gguf), "--calibrate")
    assert said.code == 0, said.err
    assert "decode 60 tokens deep: 100 tokens/s (99 to 101 in 3 runs), predicted 80" in said.out
    assert "multiplied by 1.19 (decode) and 0.82 (prefill)" in said.out
    (kept,) = calibration.load().values()
    assert kept.runs == 3
    assert kept.scatter == pytest.approx(20 / 410)
    file = LocalFile(read_header(speaker_gguf), "speaker")
    here = plan_here(file, Wanted(512), (), 8 << 30)
    assert machine_key(here.timing.stages) == kept.machine
    assert here.plan.correction == pytest.approx(kept.factor)
    later = ponder(capfd, "fit", str(speaker_gguf), "--context", "512")
    assert "corrected by 1.19, as measured on this machine" in " ".join(later.out.split())


SHAKEN = (Series("decode", 60, (75.0, 100.0, 125.0), 80.0), *STEADY[1:])


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (fit_measure.Seen(STEADY, (), 1.2, usual_threads=True), "other programs kept 1.2 cores busy"),
        (fit_measure.Seen(STEADY, (), 0.0, usual_threads=False), "fewer threads"),
        (fit_measure.Seen(SHAKEN, (), 0.0, usual_threads=True), "runs differ by 50%"),
    ],
)
def test_what_is_disturbed_is_said_and_not_kept(
    capfd: pytest.CaptureFixture[str],
    speaker_gguf: Path,
    monkeypatch: pytest.MonkeyPatch,
    seen: fit_measure.Seen,
    word: str,
) -> None:
    measured_as(seen, monkeypatch)
    said = ponder(capfd, "fit", str(speaker_gguf), "--calibrate")
    assert said.code == 0, said.err
    assert f"Disturbed: {word}" in said.out
    assert not calibration.path().exists()


def test_another_machine_cannot_be_calibrated(capfd: pytest.CaptureFixture[str]) -> None:
    said = ponder(capfd, "fit", "deepseek-r1:8b", "--gpu", "RTX 3060", "--calibrate")
    assert said.code == 2
    assert "measures this machine" in said.err


def test_an_old_calibration_is_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_HOME", str(tmp_path))
    old = {
        "machine": "a",
        "factor": 1.2,
        "measured_tps": 12.0,
        "predicted_tps": 10.0,
        "model": "m",
        "when": "w",
    }
    calibration.path().write_text(f'{{"a": {str(old).replace(chr(39), chr(34))}}}')
    assert calibration.load() == {"a": Calibration("a", 1.2, 12.0, 10.0, "m", "w")}


def test_a_watch_takes_our_own_work_off() -> None:
    watch = Watch()
    while watch.age_s < 0.05:
        pass
    assert watch.others(1e9) == 0.0
    assert watch.others(0.0) >= 0.0


def test_what_a_child_of_ours_does_is_no_load() -> None:
    class Child:
        seconds = 0.0

        def busy_s(self) -> float:
            return self.seconds

    child = Child()
    beside = Beside(child)
    child.seconds = 1e9
    assert beside.cores(0.01) == 0.0
