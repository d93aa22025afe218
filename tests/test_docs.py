"""Every code block of the README and the docs runs, with the small demo model and a hub of our own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ponder.catalog.models import all_models
from tests.catalog.hub import Hub, serving

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")
BLOCKS = [(page.name, kind, code) for page in PAGES for kind, code in BLOCK.findall(page.read_text("utf-8"))]


def names(blocks: list[tuple[str, str, str]]) -> list[str]:
    return [f"{page}-{place}" for place, (page, _, _) in enumerate(blocks)]


@pytest.fixture(scope="module")
def hub_with_everything(speaker_gguf: Path) -> Iterator[str]:
    """The address of a hub on loopback whose R1 distills are all the tiny speaker."""
    repos = {
        repo: {f"{model.id}-{quant}.gguf": speaker_gguf.read_bytes() for quant in ("Q4_K_M", "Q8_0")}
        for model in all_models()
        for repo in model.gguf_repos
        if model.family == "r1-distill"
    }
    with serving(Hub(repos)) as hub:
        yield hub.endpoint


PYTHON = [block for block in BLOCKS if block[1] == "python"]
SHELL = [block for block in BLOCKS if block[1] == "sh" and "python3 -m venv" not in block[2]]


@pytest.mark.parametrize("block", PYTHON, ids=names(PYTHON))
def test_python(block: tuple[str, str, str], speaker_gguf: Path, tmp_path: Path) -> None:
    run([sys.executable, "-c", block[2]], speaker_gguf, tmp_path)


@pytest.mark.parametrize("block", SHELL, ids=names(SHELL))
def test_shell(
    block: tuple[str, str, str], speaker_gguf: Path, hub_with_everything: str, tmp_path: Path
) -> None:
    lines = [line for line in block[2].splitlines() if line.strip()]
    script = "\n".join(lines)
    if " last" in script and "ponder ask" not in script:  # the pages' earlier blocks have asked
        script = 'ponder ask "Why is the sky blue?"\n' + script
    path = f'ponder() {{ "{sys.executable}" -m ponder "$@"; }}; '
    run(["bash", "-euc", path + script], speaker_gguf, tmp_path, HF_ENDPOINT=hub_with_everything)


def run(command: list[str], model: Path, folder: Path, **environment: str) -> None:
    whole = os.environ | {"PONDER_MODEL": str(model)} | environment
    done = subprocess.run(
        command, cwd=folder, env=whole, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_there_are_blocks_to_run() -> None:
    assert len(PYTHON) >= 5
    assert len(SHELL) >= 5
