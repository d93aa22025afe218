"""`ponder models`: the list, one model, a search, and what is on this machine."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ponder.catalog.library import models_folder
from ponder.catalog.models import all_models, spelled_count
from ponder.cli import models
from ponder.errors import NotFoundError
from tests.catalog.forge import Forge

R1_7B = "bartowski/DeepSeek-R1-Distill-Qwen-7B-GGUF"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models.command, arguments, catch_exceptions=False)


def put(repo: str, name: str, data: bytes | None = None) -> Path:
    path = models_folder() / repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(Forge().bytes() if data is None else data)
    return path


def test_the_list_holds_every_model_once() -> None:
    lines = run().output.splitlines()
    for model in all_models():
        assert sum(line.startswith(f"{model.aliases[0]} ") for line in lines) == 1
        assert any(model.good_for in line for line in lines)
    assert lines[0] == "On this machine:"
    assert lines[2].startswith("builtin       3M          always   MIT         Q8_0 3 MB")
    assert lines[3].startswith("smollm2:135m  135M        prefill  Apache-2.0  Q4_1 98 MB")
    assert "No GGUF repository is known of:" in lines


def test_pulled_weights_come_first_with_their_sizes() -> None:
    put(R1_7B, "m-Q4_K_M.gguf")
    put(R1_7B, "m-Q8_0.gguf")
    put("someone/thing", "t-Q6_K.gguf")
    output = run("--local").output
    assert "deepseek-r1:7b  7.6B" in output
    assert "Q4_K_M 0 MB, Q8_0 0 MB" in output
    assert "someone/thing" in output
    assert "qwq:32b" not in output


def test_a_broken_file_is_told_beside_the_list() -> None:
    put("someone/broken", "b-Q4_0.gguf", b"<html>")
    result = run("--local")
    assert "a web page" in result.stderr
    assert "a web page" not in result.stdout


def test_a_word_searches() -> None:
    output = run("nemotron").output
    assert {"nemotron-super:49b", "nemotron-nano:8b", "nemotron-3-nano:30b"} <= set(output.split())
    assert "qwq" not in output


def test_a_name_tells_all() -> None:
    put(R1_7B, "m-Q4_K_M.gguf")
    output = run("deepseek-r1:7b").output
    for text in (
        "DeepSeek-R1-Distill-Qwen-7B\n",
        "131,072 tokens",
        "always, between '<think>' and '</think>'",
        "temperature 0.6, top_p 0.95",
        f"{R1_7B}\n",
        "unsloth/DeepSeek-R1-Distill-Qwen-7B-GGUF (guessed from a naming convention, may not exist)",
        "sampling: github:deepseek-ai/DeepSeek-R1@0cf78561 README.md",
        "ponder pull deepseek-r1:7b",
        "m-Q4_K_M.gguf",
    ):
        assert text in output


def test_both_advised_samplings_are_shown() -> None:
    output = run("qwen3:8b").output
    assert "temperature 0.6, top_p 0.95, top_k 20, min_p 0\n" in output
    assert "without reasoning: temperature 0.7, top_p 0.8, top_k 20, min_p 0\n" in output


def test_a_family_name_shows_the_relatives() -> None:
    assert "qwen3:0.6b, qwen3:1.7b, qwen3:4b" in run("qwen3").output


def test_a_word_that_finds_one_model_shows_it() -> None:
    assert run("glm").output.startswith("GLM-4.5-Air\n")


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="deepseek-r1:14b"):
        run("deepseek-r1:13b")


def test_nothing_here_is_said() -> None:
    assert "Nothing of that is on this machine" in run("--local", "qwq").output


def test_json_holds_every_fact() -> None:
    put(R1_7B, "m-Q4_K_M.gguf")
    put("someone/thing", "t-Q6_K.gguf")
    rows = json.loads(run("--json").output)
    assert len(rows) == len(all_models()) + 1
    row = next(row for row in rows if row["id"] == "DeepSeek-R1-Distill-Qwen-7B")
    assert row["config"]["num_hidden_layers"] == 28
    assert row["here"][0]["quantisation"] == "Q4_K_M"
    assert row["here"][0]["paths"][0].endswith("m-Q4_K_M.gguf")
    assert [row["id"] for row in json.loads(run("--json", "--local", "thing").output)] == ["someone/thing"]


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_no_line_is_wider_than_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_columns", lambda: columns)
    output = run().output
    longest = max(output.splitlines(), key=len)
    assert len(longest) <= max(columns, 75), longest
    assert "…" not in output


def test_numbers_are_spelled_as_people_say_them() -> None:
    counts = (134_515_008, 1_777_088_000, 7_615_616_512, 14_770_033_664, 671_026_419_200, 1_572_997_201_763)
    spelled = [spelled_count(count) for count in counts]
    assert spelled == ["135M", "1.8B", "7.6B", "15B", "671B", "1.6T"]
    assert spelled_count(999_999_999) == "1.0B"
