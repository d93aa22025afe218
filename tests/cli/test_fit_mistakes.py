"""Bad input to `ponder fit`: exit code 2 and one sentence with the value and what to do; no traceback."""

import json
from pathlib import Path

import pytest

from ponder.catalog.models import find_model
from tests.catalog.forge import Forge
from tests.cli.terminal import ponder

Capture = pytest.CaptureFixture[str]
CARD = ("--gpu", "RTX 4090")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("deepseek-r1:8b", *CARD, "--context", "500k"), ("512000", "131072")),
        (("deepseek-r1:8b", *CARD, "--context", "-4"), ("-4",)),
        (("deepseek-r1:8b", *CARD, "--context", "many"), ("many",)),
        (("deepseek-r1:8b", "--ram", "64", "--ram-bandwidth", "-80"), ("--ram-bandwidth -80", "above 0")),
        (("deepseek-r1:8b", "--ram", "0", "--ram-bandwidth", "80"), ("--ram 0", "above 0")),
        (("deepseek-r1:8b", "--ram", "nan", "--ram-bandwidth", "80"), ("nan",)),
        (("deepseek-r1:8b", "--gpu", "RTX 4091"), ("RTX 4091", "RTX 4090")),
        (("deepseek-r1:8b", "--gpu", "99x RTX 4090"), ("99",)),
        (("deepseek-r1:8b", "--gpu", "  "), ("such as 'RTX 4090'",)),
        (("deepseek-r1:9b", *CARD), ("deepseek-r1:9b", "deepseek-r1:8b")),
        (("deepseek-r1:8b", *CARD, "--quant", "Q4_K_X"), ("Q4_K_X",)),
        (("deepseek-r1:8b", *CARD, "--kv", "q3_0"), ("q3_0",)),
        (("deepseek-r1:8b", *CARD, "--batch", "0"), ("0",)),
        (("deepseek-r1:8b", *CARD, "--patience", "0"), ("0",)),
        (("deepseek-r1:8b", *CARD, "--task", "poetry"), ("poetry", "maths")),
        (("deepseek-r1:8b", *CARD, "--disk", "-1"), ("-1",)),
        (("deepseek-r1:8b", "--machine", "nowhere.json"), ("nowhere.json",)),
        (("deepseek-r1:8b", *CARD, "--engine", "vllm", "--quant", "Q4_K_M"), ("Q4_K_M", "AWQ")),
        (("deepseek-r1:8b", "--engine", "vllm", "--ram", "64", "--ram-bandwidth", "80"), ("vLLM",)),
        (("--find",), ("--find", "model")),
        (("/no/such/file.gguf", *CARD), ("/no/such/file.gguf",)),
        (("deepseek-r1:8b", *CARD, "--plot", "picture.gif"), ("picture.gif", "SVG")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_one_sentence(capfd: Capture, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    said = ponder(capfd, "fit", *arguments)
    assert said.code == 2, said.out
    assert all(word in said.err for word in words), said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "Traceback" not in said.err


def config(tmp_path: Path, **changes: object) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(dict(find_model("deepseek-r1:7b").config) | changes))
    return str(path)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"model_type": "gargantua"}, "'gargantua'"),
        ({"model_type": ""}, "no named architecture"),
        ({"num_hidden_layers": -3}, "num_hidden_layers = -3"),
        ({"hidden_size": "wide"}, "hidden_size = 'wide'"),
        ({"num_attention_heads": 0}, "num_attention_heads = 0"),
    ],
)
def test_a_configuration_that_cannot_be(
    capfd: Capture, tmp_path: Path, changes: dict[str, object], word: str
) -> None:
    said = ponder(capfd, "fit", config(tmp_path, **changes), *CARD)
    assert said.code == 2
    assert word in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_a_configuration_is_no_file_to_run(capfd: Capture, tmp_path: Path) -> None:
    said = ponder(capfd, "fit", config(tmp_path), *CARD, "--quant", "Q4_K_M")
    assert said.code == 0
    assert f"-m {tmp_path.name}-Q4_K_M.gguf" in said.out
    assert "config.json -c" not in said.out


@pytest.mark.parametrize("content", ["{", "[1]", ""])
def test_a_file_that_is_no_configuration(capfd: Capture, tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    said = ponder(capfd, "fit", str(path), *CARD)
    assert said.code == 2
    assert "JSON" in said.err


def test_a_broken_header(capfd: Capture, tmp_path: Path) -> None:
    whole = Forge(tensors=[("token_embd.weight", (8, 100), 0)]).bytes()
    for name, content in (("cut", whole[:40]), ("foreign", b"PK" + whole), ("empty", b"")):
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(content)
        said = ponder(capfd, "fit", str(path), *CARD)
        assert said.code == 2, name
        assert f"{name}.gguf" in said.err
        assert len(said.err.strip().splitlines()) == 1


def test_machines_that_cannot_be(capfd: Capture, tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    for content, word in (
        ({"gpu": "RTX 9999"}, "RTX 9999"),
        ({"ram": "much"}, "'much'"),
        ({"colour": "red"}, "colour"),
        ({"ram": 64, "ram_bandwidth": -1}, "-1"),
    ):
        path.write_text(json.dumps(content))
        said = ponder(capfd, "fit", "deepseek-r1:8b", "--machine", str(path))
        assert said.code == 2, content
        assert word in said.err
