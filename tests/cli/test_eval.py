"""`ponder eval` as a person types it: figures, comparisons, going on after a kill, bad input."""

import json
import signal
import time
from pathlib import Path

import pytest

from ponder.store import open_store
from tests.cli.terminal import ponder, program

Capture = pytest.CaptureFixture[str]
FIXED = ("--max-tokens", "60", "--temperature", "0.7", "--ctx", "512", "--slots", "2")


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "sums.jsonl"
    rows = [{"question": f"{i}?", "answer": 42 + i % 2, "level": f"level {i % 2}"} for i in range(4)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_figures_with_everything_that_was_held_fixed(
    capfd: Capture, speaker_gguf: Path, babbler_gguf: Path, task: Path
) -> None:
    line = ("eval", str(speaker_gguf), "--task", str(task), "-n", "2", *FIXED, "--by-budget")
    said = ponder(capfd, *line, "--against", str(babbler_gguf))
    assert said.code == 0, said.err
    assert "4 problems × 2 samples" in said.out
    assert "speaker" in said.out
    assert "50.0 % (" in said.out
    assert "-50.0 (" in said.out  # the babbler against the speaker
    for words in ("pass@k", "by reasoning budget", "by level", "level 1", "Verifier ponder-1", "template",
                  "seed 0", "xllamacpp", "temperature 0.7", "Please reason step by step"):  # fmt: skip
        assert words in said.out, words
    assert max(map(len, said.out.splitlines()[:20])) <= 80
    assert "sums · speaker: 8 samples" in said.err
    again = ponder(capfd, *line, "--against", str(babbler_gguf))
    assert again.out == said.out
    assert not again.err


def test_json_holds_all_and_every_sample_can_be_shown(capfd: Capture, speaker_gguf: Path, task: Path) -> None:
    said = ponder(
        capfd, "eval", "-m", str(speaker_gguf), "-t", str(task), *FIXED, "--json", "--when-to-think"
    )
    thinking, direct = json.loads(said.out)
    assert thinking["label"] == "speaker, thinking"
    assert thinking["figures"]["accuracy"]["value"] == 0.5
    assert (thinking["fixed"]["think"], direct["fixed"]["think"]) == ("on", "off")
    assert direct["against"]["test"] == {"gained": 0, "lost": 0, "chance": 1.0}
    rows = [json.loads(line) for line in Path(thinking["folder"], "samples.jsonl").read_text().splitlines()]
    trace = next(row["trace"] for row in rows if row.get("outcome") == "right")
    assert "It is 42!" in ponder(capfd, "show", trace).out
    rows = [json.loads(line) for line in Path(direct["folder"], "samples.jsonl").read_text().splitlines()]
    assert {row["closed_by"] for row in rows if "closed_by" in row} == {"no_think"}


def test_markdown_is_a_table(capfd: Capture, speaker_gguf: Path, task: Path) -> None:
    said = ponder(capfd, "eval", "-m", str(speaker_gguf), "-t", str(task), *FIXED, "--markdown")
    head, dashes, row = [line for line in said.out.splitlines() if line.startswith("|")][:3]
    assert head.count("|") == dashes.count("|") == row.count("|")
    assert "speaker" in row


def test_a_killed_evaluation_goes_on(capfd: Capture, babbler_gguf: Path, task: Path) -> None:
    line = ("eval", str(babbler_gguf), "-t", str(task), "-n", "6", "--max-tokens", "100", "--ctx", "512")
    with program(*line, "--json") as run:
        folders = Path(f"{task.parent}/ponder-home/evals")
        while not any(len(f.read_text().splitlines()) > 6 for f in folders.glob("*/samples.jsonl")):
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    (samples,) = folders.glob("*/samples.jsonl")
    before = [row for row in map(json.loads, samples.read_text().splitlines()) if "starts" not in row]
    said = ponder(capfd, *line, "--json")
    assert said.code == 0, said.err
    assert f"({len(before)} are there already)" in said.err
    after = [row for row in map(json.loads, samples.read_text().splitlines()) if "starts" not in row]
    assert after[: len(before)] == before
    assert len({(row["problem"], row["number"]) for row in after}) == len(after) == 24
    with open_store() as store:
        assert len(store.list()) <= 24 + 4  # what was begun was gone on with, or had not a token yet
    assert json.loads(said.out)[0]["missing"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "there is no task"),
        (("-t", "nowhere.jsonl"), "there is no task file nowhere.jsonl"),
        (("-t", "gym:nothing_of_that"), "reasoning-gym has no task"),
        (("-t", "TASK", "--cuts", "120"), "--cuts 120 are no per cent"),
        (("-t", "TASK", "-n", "3", "--temperature", "0"), "would be 3 times the same"),
        (("-t", "TASK", "-m", "other"), "named twice"),
    ],
)
def test_bad_input_gets_one_sentence(
    capfd: Capture, speaker_gguf: Path, task: Path, arguments: tuple[str, ...], words: str
) -> None:
    given = [str(task) if argument == "TASK" else argument for argument in arguments]
    said = ponder(capfd, "eval", str(speaker_gguf), *given)
    assert said.code == 2
    assert words in said.err
    assert len(said.err.strip().splitlines()) == 1
