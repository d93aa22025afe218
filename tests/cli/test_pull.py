"""`ponder pull` and `ponder rm`, with the stand-in of the hub."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ponder.catalog import download
from ponder.catalog.library import leftovers, models_folder, repo_folder, resolve
from ponder.cli import pull, rm
from ponder.errors import InputError, NetworkError, NotFoundError
from tests.catalog.forge import Forge
from tests.catalog.hub import Hub, serving

R1_7B = "bartowski/DeepSeek-R1-Distill-Qwen-7B-GGUF"
DATA = Forge(tensors=[("token_embd.weight", (8, 100_000), 0)]).bytes()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(Hub({R1_7B: {"m-Q4_K_M.gguf": DATA, "m-Q8_0.gguf": DATA}})) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        monkeypatch.setenv("HF_HOME", "/nonexistent")
        monkeypatch.setattr(download, "PAUSE_S", 0.001)
        yield running


def run_pull(*arguments: str) -> Result:
    return CliRunner().invoke(pull.command, arguments, catch_exceptions=False)


def run_rm(*arguments: str) -> Result:
    return CliRunner().invoke(rm.command, arguments, catch_exceptions=False)


def on_a_terminal(*arguments: str, typed: bytes = b"") -> str:
    """What `ponder ARGUMENTS` shows to a person, who types `typed`."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ponder", *arguments]
    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, typed)
    shown = b""
    with contextlib.suppress(OSError):  # so a terminal ends
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    child.wait()
    return shown.decode()


def test_a_terminal_gets_a_bar_and_is_asked(hub: Hub) -> None:
    shown = on_a_terminal("pull", "deepseek-r1:7b")
    assert "━" in shown
    assert "3.2/3.2 MB" in shown
    path = resolve("deepseek-r1:7b").paths[0]
    assert "Delete" in on_a_terminal("rm", "deepseek-r1:7b", typed=b"n\n")
    assert path.exists()
    assert "Freed 3 MB." in on_a_terminal("rm", "deepseek-r1:7b", typed=b"y\n")
    assert not path.exists()


def test_pulling_prints_the_path(hub: Hub) -> None:
    result = run_pull("deepseek-r1:7b")
    assert result.stdout == f"{repo_folder(R1_7B) / 'm-Q4_K_M.gguf'}\n"
    assert f"Q4_K_M from {R1_7B}" in result.stderr
    assert "3 MB of 3 MB (100 %)" in result.stderr
    assert "ponder ask --model deepseek-r1:7b" in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("arguments", [("deepseek-r1:7b", "--quant", "q8_0"), ("deepseek-r1:7b@Q8_0",)])
def test_a_quantisation_can_be_named(hub: Hub, arguments: tuple[str, ...]) -> None:
    assert run_pull(*arguments).stdout.endswith("m-Q8_0.gguf\n")


def test_another_than_the_default_is_announced(hub: Hub) -> None:
    hub.repos[R1_7B] = {"m-Q5_K_M.gguf": DATA, "m-Q2_K.gguf": DATA}
    assert "There is no Q4_K_M; taking Q5_K_M, the nearest." in run_pull("deepseek-r1:7b").stderr


def test_what_is_offered_is_listed(hub: Hub) -> None:
    run_pull("deepseek-r1:7b", "--quant", "Q8_0")
    output = run_pull("deepseek-r1:7b", "--list").output
    assert "  Q4_K_M      3 MB  taken\n" in output
    assert "  Q8_0        3 MB  on this machine\n" in output


def test_ctrl_c_says_that_nothing_is_lost(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: object, count: int) -> None:
        if count > 1_000_000:
            raise KeyboardInterrupt

    monkeypatch.setattr(pull._Lines, "__call__", interrupt)
    result = run_pull("deepseek-r1:7b")
    assert result.exit_code == 1
    assert "Stopped; the same command goes on from here." in result.stderr
    (part,) = leftovers(R1_7B)
    assert part.stat().st_size > 0


def test_errors_pass_to_the_border(hub: Hub) -> None:
    with pytest.raises(NotFoundError, match="no model is called"):
        run_pull("deepseek-r1:13b")
    hub.info_status = 500
    with pytest.raises(NetworkError, match="status 500"):
        run_pull("deepseek-r1:7b")


def test_removing_asks_first(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    run_pull("deepseek-r1:7b")
    with pytest.raises(InputError, match=r"nobody is there to be asked .*add --yes"):
        run_rm("deepseek-r1:7b")
    resolve("deepseek-r1:7b")
    assert "Freed 3 MB." in run_rm("deepseek-r1:7b", "--yes").output
    with pytest.raises(NotFoundError, match="is not on this machine"):
        run_rm("deepseek-r1:7b", "--yes")
    assert not list(models_folder().iterdir())


def test_one_of_several_is_named(hub: Hub) -> None:
    run_pull("deepseek-r1:7b")
    run_pull("deepseek-r1:7b", "--quant", "Q8_0")
    with pytest.raises(InputError, match="there are Q4_K_M, Q8_0 on this machine; name one with --quant"):
        run_rm("deepseek-r1:7b", "--yes")
    run_rm("deepseek-r1:7b", "--quant", "q8_0", "--yes")
    assert resolve("deepseek-r1:7b").quantisation == "Q4_K_M"


def test_an_interrupted_download_can_be_removed(hub: Hub) -> None:
    hub.cut_after = [1_000_000] + [0] * download.ATTEMPTS
    with pytest.raises(NetworkError):
        run_pull("deepseek-r1:7b")
    with pytest.raises(NotFoundError, match="is not on this machine"):
        run_rm("deepseek-r1:7b", "--quant", "Q8_0", "--yes")
    assert "Freed 1 MB." in run_rm("deepseek-r1:7b", "--quant", "Q4_K_M", "--yes").output
    assert leftovers(R1_7B) == ()


def test_what_was_not_pulled_stays(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(DATA)
    with pytest.raises(InputError, match="so ponder did not pull it"):
        run_rm(str(own), "--yes")
    assert own.exists()
    with pytest.raises(InputError, match="came in a Python package"):
        run_rm("demo", "--yes")
    with pytest.raises(NotFoundError, match="does not exist"):
        run_rm("./none.gguf", "--yes")
