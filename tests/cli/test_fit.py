"""`ponder fit`: machines by name, plans as tables and JSON, and one sentence for every mistake."""

import json
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import ponder

Capture = pytest.CaptureFixture[str]


def test_a_model_on_a_card(capfd: Capture) -> None:
    said = ponder(
        capfd, "fit", "deepseek-r1:32b", "--gpu", "RTX 4090", "--quant", "Q4_K_M", "--context", "8k"
    )
    assert said.code == 0
    assert "RTX 4090" in said.out
    assert "llama-server" in said.out
    assert "ponder ask -m deepseek-r1:32b@Q4_K_M" in said.out


def test_what_does_not_fit_says_so(capfd: Capture) -> None:
    said = ponder(capfd, "fit", "deepseek-r1:671b", "--gpu", "RTX 4090")
    assert said.code == 0
    assert "does not fit" in said.out


def test_plans_as_json_hold_more_memory_for_more_context(capfd: Capture) -> None:
    def plans(context: str) -> object:
        said = ponder(
            capfd,
            "fit",
            "deepseek-r1:8b",
            "--gpu",
            "RTX 3090",
            "--quant",
            "Q4_K_M",
            "--context",
            context,
            "--json",
        )
        assert said.code == 0
        return json.loads(said.out)

    small, large = json.dumps(plans("4k")), json.dumps(plans("32k"))
    assert small != large
    assert "Q4_K_M" in small


def test_the_smallest_machines_for_a_model(capfd: Capture) -> None:
    said = ponder(capfd, "fit", "deepseek-r1:671b", "--find")
    assert said.code == 0
    assert "prices" in said.out


@pytest.mark.parametrize("view", ["--explain", "--why", "--csv"])
def test_every_view_of_a_plan(capfd: Capture, view: str) -> None:
    said = ponder(capfd, "fit", "deepseek-r1:8b", "--gpu", "RTX 3060", view)
    assert said.code == 0
    assert len(said.out) > 200


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("deepseek-r1:8b", "--gpu", "RTX 4091"), "RTX 4090"),
        (("deepseek-r2:8b", "--gpu", "RTX 4090"), "deepseek-r1"),
        (("deepseek-r1:8b", "--gpu", "RTX 4090", "--ram", "64", "--ram-bandwidth", "-5"), "-5"),
        (("deepseek-r1:8b", "--gpu", "RTX 4090", "--context", "0"), "0"),
        (("deepseek-r1:8b", "--gpu", "RTX 4090", "--quant", "Q9_Z"), "Q9_Z"),
    ],
)
def test_a_mistake_gets_one_sentence(capfd: Capture, arguments: tuple[str, ...], word: str) -> None:
    said = ponder(capfd, "fit", *arguments)
    assert said.code == 2
    assert word in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_a_picture_as_svg_and_as_png(capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, start in (("a.svg", b"<svg "), ("a.png", b"\x89PNG\r\n")):
        said = ponder(capfd, "fit", "--gpu", "RTX 4090", "--plot", str(tmp_path / name))
        assert said.code == 0, said.err
        assert (tmp_path / name).read_bytes().startswith(start)
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    said = ponder(capfd, "fit", "--gpu", "RTX 4090", "--plot", str(tmp_path / "b.png"))
    assert said.code == 2
    assert "pip install 'ponder[plot]'" in said.err


def test_quality_and_seconds_as_bars(capfd: Capture) -> None:
    said = ponder(capfd, "fit", "--gpu", "RTX 4090", "--bars")
    assert said.code == 0
    (chosen,) = (line for line in said.out.splitlines() if line.startswith("▶"))
    assert chosen.count("█") > 4
    assert "without a figure or a time" in said.out


def test_vllm_names_a_repository_only_where_it_is_known(capfd: Capture) -> None:
    for quant, word in (
        ("BF16", "vllm serve deepseek-ai/DeepSeek-R1-Distill-Qwen-14B "),
        ("AWQ", "WEIGHTS-OF"),
    ):
        said = ponder(
            capfd, "fit", "deepseek-r1:14b", "--gpu", "2x A100 SXM 80GB", "--engine", "vllm", "--quant", quant
        )
        assert said.code == 0, said.err
        assert word in said.out
        assert ("which repository holds AWQ weights" in " ".join(said.out.split())) == (quant == "AWQ")


def test_vllm_serves_a_model_as_it_was_released(capfd: Capture) -> None:
    said = ponder(capfd, "fit", "gpt-oss:20b", "--gpu", "2x A100 SXM 80GB", "--engine", "vllm")
    assert said.code == 0, said.err
    assert "vllm serve openai/gpt-oss-20b " in said.out


def test_a_paged_plan_may_be_better_than_predicted(capfd: Capture) -> None:
    said = ponder(
        capfd, "fit", "glm-4.5-air:106b@Q4_K_M", "--gpu", "RTX 4090", "--ram", "32", "--ram-bandwidth", "80",
        "--disk", "7", "--json",
    )  # fmt: skip
    (plan,) = json.loads(said.out)
    assert plan["placement"]["kind"] == "paged from disk"
    assert plan["decode"]["low_tps"] < plan["decode"]["tps"] < plan["decode"]["high_tps"]
