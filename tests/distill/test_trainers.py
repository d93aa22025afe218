"""Trainers by name, as a recipe uses them: a cold start with experts, rewards on top of it, and its file."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from ponder.catalog.gguf import read_header
from ponder.distill.example import Example
from ponder.distill.rendering import Rendering
from ponder.distill.rows import read_json, write_rows
from ponder.distill.trainers import Job, trainer
from ponder.distill.work import Expected, Stopped, Told
from ponder.errors import InputError
from tests.distill.small import DEEPSEEK, LLAMA, vocabulary


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a dataset stage with twenty lessons."""
    folder = tmp_path_factory.mktemp("data")
    vocabulary().save(folder / "vocabulary.json")
    rendering = Rendering(folder / "vocabulary.json", direct=False)
    examples = [
        Example(str(at), f"What is {at} + 1?", ((f"{at}+1={at + 1}", True),), f"The answer is {at + 1}.")
        for at in range(20)
    ]
    write_rows(folder / "examples.jsonl", examples)
    lessons = [rendering.lesson(each) for each in examples]
    write_rows(
        folder / "lessons.jsonl",
        [
            {"id": str(at), "ids": each.ids, "learn": [[each.learn.index(True), len(each.ids)]]}
            for at, each in enumerate(lessons)
        ],
    )
    return folder


def job(data: Path, folder: Path, start: Path | None = None, **settings: Any) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(data, folder, start, 1, settings, lambda _: None, lambda: False)


def test_experts_are_trained_rewarded_and_exported_by_name(data: Path, tmp_path: Path) -> None:
    moe, grpo = trainer("moe"), trainer("grpo")
    settings: dict[str, Any] = {"shape": DEEPSEEK, "steps": 4, "tokens": 256}
    moe.check(settings)
    came = moe.train(job(data, tmp_path / "cold", **settings))
    assert came["steps"] == 4
    assert came["loss"] > 0
    wanted: dict[str, Any] = {
        "weights": {"sums": 1.0},
        "updates": 2,
        "prompts": 2,
        "samples": 2,
        "most_tokens": 6,
    }
    wanted |= {"check_count": 1}
    grpo.check(wanted)
    assert grpo.expect(wanted, Expected()).tokens == 2 * 2 * 2 * 6
    with pytest.raises(InputError, match="name its training as start"):
        grpo.train(job(data, tmp_path / "none", **wanted))
    told: list[Told] = []
    asked = job(data, tmp_path / "rewarded", tmp_path / "cold", **wanted)
    came = grpo.train(replace(asked, tell=told.append))
    assert came["steps"] == 2
    assert [each.done for each in told][:2] == [0, 1]
    assert read_json(tmp_path / "rewarded" / "health.json")["updates"] == 2
    grpo.export(tmp_path / "rewarded", tmp_path / "best.gguf", "Q8_0")
    assert grpo.examine(data, tmp_path / "best.gguf", 5) == {"lessons": 5, "apart": 0}


def test_a_reward_run_that_is_stopped_goes_on(data: Path, tmp_path: Path) -> None:
    trainer("lean").train(job(data, tmp_path / "cold", shape=LLAMA, steps=2, tokens=256))
    wanted: dict[str, Any] = {
        "weights": {"sums": 1.0},
        "updates": 3,
        "prompts": 2,
        "samples": 2,
        "most_tokens": 4,
    }
    wanted |= {"check_count": 1}
    asked = job(data, tmp_path / "on", tmp_path / "cold", **wanted)
    with pytest.raises(Stopped):
        trainer("grpo").train(replace(asked, stopping=lambda: True))
    kept = json.loads((tmp_path / "on" / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert kept["step"] == 1
    assert trainer("grpo").train(job(data, tmp_path / "on", tmp_path / "cold", **wanted))["steps"] == 3
    trainer("grpo").export(tmp_path / "on", tmp_path / "llama.gguf", "Q4_0")
    assert read_header(tmp_path / "llama.gguf").metadata["general.architecture"] == "llama"


def test_what_cannot_be_trained_is_told_before(data: Path) -> None:
    for name, settings, said in (
        ("moe", {"steps": 1, "shape": {"used": 9}}, "used = 9 of 8 experts"),
        ("moe", {"steps": 1, "shape": {"expert_feed": 40}}, "a multiple of 32"),
        ("moe", {"steps": 1, "shap": {}}, "trainer moe has no field 'shap'"),
        ("lean", {"steps": 1, "shape": {**LLAMA, "kv_heads": 3}}, "cannot share kv_heads = 3"),
        ("grpo", {"weights": {"sums": 1}, "samples": 1}, "samples must be 2"),
        ("grpo", {"updates": 1}, "weights"),
    ):
        with pytest.raises(InputError, match=said):
            trainer(name).check(settings)
