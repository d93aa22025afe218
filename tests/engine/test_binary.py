"""A llama-server program of the person's own, played by a script that takes its command line."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ponder.engine.binary import Binary, arguments, listed_devices
from ponder.engine.owned import Seen
from ponder.engine.protocol import Ability, EngineDiedError
from ponder.errors import EngineError, InputError
from tests.conftest import SCRIPT
from tests.engine.asking import LONG, behind, gone, prompt_of, run, settings, stop, tokens, wait_for
from tests.store.child import environment

ROOT = Path(__file__).parents[2]


def program(folder: Path, text: str) -> str:
    """An executable file that runs `text` as Python."""
    path = folder / "llama-server"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def llama_server(tmp_path: Path) -> str:
    return program(tmp_path, Path(__file__).with_name("llama_server.py").read_text())


@pytest.fixture
def own(llama_server: str, speaker_gguf: Path) -> Iterator[Binary]:
    engine = Binary(llama_server, settings(speaker_gguf, n_gpu_layers=0, speculation="ngram-mod"))
    yield engine
    engine.close()


def test_it_is_an_engine_like_the_embedded_one(own: Binary) -> None:
    served = own.serve()
    assert served.engine.startswith("llama-server b")
    assert (served.model, served.n_ctx) == ("speaker.gguf", 2048)
    assert Ability.LOGPROBS not in served.abilities, "speculation hides them"
    assert {each.kind for each in own.buffers()} >= {"model", "KV", "compute"}, "it is told to log them"
    emissions = run(own)
    assert [token.data.decode() for token in tokens(emissions)] == list(SCRIPT)
    assert stop(emissions).reason == "eos"


def test_its_key_is_in_no_command_line(own: Binary) -> None:
    key = behind(own).key
    family = [psutil.Process(own.pid), *psutil.Process(own.pid).children()]
    assert len(family) == 2
    assert all(key not in " ".join(each.cmdline()) for each in family)


def test_close_ends_the_program_too(own: Binary) -> None:
    own.serve()
    family = [psutil.Process(own.pid), *psutil.Process(own.pid).children()]
    own.close()
    wait_for(lambda: all(gone(each) for each in family))
    assert own.pid is None


def test_a_killed_program_is_replaced(own: Binary) -> None:
    stream = own.stream(prompt_of(own), (), LONG, since=0.0)
    next(stream)
    (victim,) = psutil.Process(own.pid).children()
    victim.kill()
    with pytest.raises(EngineDiedError):
        list(stream)
    assert [token.data.decode() for token in tokens(run(own))] == list(SCRIPT)
    assert own.starts == 2


def test_the_program_ends_when_ours_is_killed(llama_server: str, speaker_gguf: Path) -> None:
    command = [sys.executable, "-m", "tests.engine.parent", str(speaker_gguf), llama_server]
    with subprocess.Popen(command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        family = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(family) == 2
    wait_for(lambda: all(gone(each) for each in family))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys; sys.exit('error: invalid argument: --cache-ram')", "invalid argument: --cache-ram"),
        ("raise SystemExit(3)", "exit code 3"),
        ("import sys; print('no GPU'); sys.exit(1)", "no GPU"),
    ],
)
def test_a_program_that_ends_is_quoted(tmp_path: Path, speaker_gguf: Path, text: str, words: str) -> None:
    path = program(tmp_path, text)
    with pytest.raises(EngineError, match=f"^{path} cannot serve {speaker_gguf}: .*{words}\\.$"):
        Binary(path, settings(speaker_gguf)).serve()


def test_a_program_that_is_killed_while_loading_has_died(tmp_path: Path, speaker_gguf: Path) -> None:
    path = program(tmp_path, "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(EngineDiedError, match="killed by signal 9"):
        Binary(path, settings(speaker_gguf)).serve()


def test_a_missing_program_is_told(speaker_gguf: Path, tmp_path: Path) -> None:
    for path in ("/no/such/llama-server", str(tmp_path), str(speaker_gguf)):
        with pytest.raises(InputError, match=f"^{path} is no program: give the path of a llama-server"):
            Binary(path, settings(speaker_gguf)).serve()


def test_a_model_it_cannot_load_is_told(llama_server: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"cannot serve .*none\.gguf: .*No such file"):
        Binary(llama_server, settings(tmp_path / "none.gguf")).serve()


def test_it_tells_its_gpus(llama_server: str, speaker_gguf: Path) -> None:
    engine = Binary(llama_server, settings(speaker_gguf))
    assert engine.devices() == [Seen("NVIDIA GeForce RTX 3090", "gpu", 24135 << 20, 23680 << 20)]
    text = "Available devices:\n  CUDA0: NVIDIA GeForce RTX 5090 (32106 MiB, 55372 MiB free)\n"
    assert listed_devices(text) == [Seen("NVIDIA GeForce RTX 5090", "gpu", 32106 << 20, 32106 << 20)]
    assert listed_devices("error: unknown argument") == []
    assert Binary("/bin/false", settings(speaker_gguf)).devices() == []


def test_a_plan_becomes_its_command_line(speaker_gguf: Path) -> None:
    plan = settings(speaker_gguf, n_gpu_layers=49, n_cpu_moe=7, tensor_split=(20, 29), flash=True)
    line = " ".join(arguments(plan, 8080))
    assert "--n-gpu-layers 49 --tensor-split 20,29 --n-cpu-moe 7 --flash-attn on" in line
    assert not re.search("gpu-layers|split|moe|flash", " ".join(arguments(settings(speaker_gguf), 8080)))
