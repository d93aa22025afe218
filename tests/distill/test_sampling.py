"""Sampling and filtering with the real engine: nothing is asked twice, and every sample is decided on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ponder.distill.example import Example
from ponder.distill.recipe import read_recipe
from ponder.distill.rows import read_rows
from ponder.distill.running import Run, open_run
from ponder.distill.stages import filter as filtering
from ponder.distill.stages import sample as sampling
from ponder.distill.work import Stopped
from ponder.errors import EngineError
from ponder.store import open_store
from tests.engine.asking import PATIENCE_S

RECIPE = """
name = "asked"
seed = 3

[stages.prompts]
sources = [{{ task = "questions.jsonl" }}]

[stages.sample]
prompts = "prompts"
teachers = [{teachers}]
samples = {samples}
temperature = 0.7
max_tokens = 40

[stages.filter]
samples = "sample"
most_per_prompt = 2
unfiltered = true
"""


def recipe(folder: Path, model: Path, *, samples: int = 3, engines: int = 1, count: int = 20) -> Run:
    """Prompts whose right answer is 42, and every fourth one's is not."""
    targets = [41 if number % 4 == 3 else 42 for number in range(count)]
    rows = [
        {"question": f"Question {number}: {chr(97 + number % 26) * (number + 9)}?", "answer": str(target)}
        for number, target in enumerate(targets)
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    teacher = f'{{ model = "{model}", n_ctx = 512, slots = 2 }}'
    text = RECIPE.format(teachers=", ".join([teacher] * engines), samples=samples)
    (folder / "recipe.toml").write_text(text)
    return Run(read_recipe(folder / "recipe.toml"), folder / "run")


def through(run: Run) -> None:
    run.run(lambda _stage, _told: None, lambda: False)


def folder_of(run: Run, name: str) -> Path:
    return run.state(run.recipe.stage(name)).folder


def sampled(run: Run) -> dict[tuple[str, int], str]:
    """The trace of each sample that has ended."""
    found: dict[tuple[str, int], str] = {}
    for path in folder_of(run, "sample").rglob("samples.jsonl"):
        for line in path.read_text().splitlines():
            row: dict[str, Any] = json.loads(line) if line.endswith("}") else {"starts": 1}
            if "starts" not in row:
                assert (row["problem"], row["number"]) not in found, "asked twice"
                found[row["problem"], row["number"]] = row["trace"]
    return found


def test_a_run_that_is_killed_goes_on_at_the_row(speaker_gguf: Path, tmp_path: Path) -> None:
    run = recipe(tmp_path, speaker_gguf)
    command = [
        sys.executable,
        "-m",
        "ponder",
        "distill",
        "run",
        str(tmp_path / "recipe.toml"),
        "-o",
        str(run.folder),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + PATIENCE_S
    while len(before := sampled(run)) < 8:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = sampled(run)
    assert 8 <= len(before) < 60
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    after = sampled(run)
    assert len(after) == 60
    assert {place: after[place] for place in before} == before
    manifest = run.state(run.recipe.stage("sample")).manifest
    assert manifest is not None
    assert (manifest["starts"], manifest["counts"]["rows"]) == (2, 60)
    assert manifest["counts"]["finished"] == {"stop": 60}
    with open_store(run.folder / "traces.db") as store:
        trace = store.load(next(iter(after.values())))
        assert trace.answer == "It is 42!"
        assert trace.ids
    assert (run.folder / "report.html").exists()


def test_every_sample_is_decided_on_once_with_its_reasons(speaker_gguf: Path, tmp_path: Path) -> None:
    run = recipe(tmp_path, speaker_gguf)
    through(run)
    manifest: Any = run.state(run.recipe.stage("filter")).manifest
    counts, path = manifest["counts"], folder_of(run, "filter") / "decisions.jsonl"
    assert counts["verdicts"] == {"right by exact": 45, "wrong by numeric": 15}
    assert counts["reasons"] == {"wrong": 15, "duplicate": 30}
    assert counts["rows"] == counts["unfiltered"] == 15
    assert counts["audit"]["missed"] == {
        "hits": 0,
        "of": 45,
        "interval": counts["audit"]["missed"]["interval"],
    }
    examples = list(read_rows(folder_of(run, "filter") / "examples.jsonl", Example))
    assert {example.answer for example in examples} == {"It is 42!"}
    assert all(example.reasoning.startswith("Okay") and example.trace for example in examples)
    text = path.read_bytes()
    (path.parent / "manifest.json").unlink()
    path.write_bytes(text[: len(text) // 2])  # as after a kill in the middle of a row
    through(run)
    assert path.read_bytes() == text
    again: Any = run.state(run.recipe.stage("filter")).manifest
    assert again["counts"] == counts


def test_engines_share_the_shards_and_one_that_fails_leaves_them_to_the_other(
    speaker_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sampling, filtering):
        monkeypatch.setattr(module, "SHARD", 4)
    run = recipe(tmp_path, speaker_gguf, engines=2, samples=1)
    used: list[int] = []
    whole = sampling._Asking._shard

    def failing(self: Any, opened: Any, folder: Path, number: int) -> None:
        used.append(id(opened))
        if len(set(used)) == 2 and used[0] == id(opened):
            raise EngineError("the first engine is gone")
        whole(self, opened, folder, number)

    monkeypatch.setattr(sampling._Asking, "_shard", failing)
    through(run)
    assert len(sampled(run)) == 20
    assert len(set(used)) == 2
    manifest: Any = run.state(run.recipe.stage("filter")).manifest
    assert manifest["counts"]["samples"] == 20


def test_a_run_stops_when_it_is_told_to_and_a_changed_recipe_does_what_it_changes(
    speaker_gguf: Path, tmp_path: Path
) -> None:
    run = recipe(tmp_path, speaker_gguf, samples=2)
    asked: list[str] = []

    def watch(stage: Any, _told: Any) -> None:
        asked.append(stage.name)

    with pytest.raises(Stopped):
        run.run(watch, lambda: asked.count("sample") > 5)
    before = sampled(run)
    assert 0 < len(before) < 40
    through(run)
    assert {place: trace for place, trace in sampled(run).items() if place in before} == before
    text = (tmp_path / "recipe.toml").read_text().replace("most_per_prompt = 2", "most_per_prompt = 1")
    (tmp_path / "recipe.toml").write_text(text)
    other = Run(read_recipe(tmp_path / "recipe.toml"), run.folder)
    assert [state.manifest is not None for state in other.states()] == [True, True, False]
    through(other)
    assert open_run(run.folder).recipe.text == text
    assert (run.folder / "recipe-2.toml").exists()
