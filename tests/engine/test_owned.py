"""The engine's own process: locked to us, replaced when dead, ended when idle, gone when we are."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from ponder.engine.embedded import Embedded, prestart
from ponder.engine.http import Loopback
from ponder.engine.process import Process, source
from ponder.engine.protocol import EngineDiedError
from ponder.errors import EngineError, InputError
from tests.conftest import SCRIPT
from tests.engine.asking import (
    GREEDY,
    LONG,
    WILD,
    behind,
    gone,
    ids,
    prompt_of,
    run,
    settings,
    stop,
    tokens,
    wait_for,
)
from tests.fit.models import geometry
from tests.fit.oracle import write_twin
from tests.store.child import environment


@pytest.fixture
def own(babbler_gguf: Path) -> Iterator[Embedded]:
    """An engine that a test may kill."""
    engine = Embedded(settings(babbler_gguf))
    yield engine
    engine.close()


# ---------------------------------------------------------------------- nobody else's


@pytest.mark.parametrize("key", ["", "wrong"])
@pytest.mark.parametrize(
    "path",
    ["/props", "/completion", "/tokenize", "/apply-template", "/v1/chat/completions", "/slots", "/metrics"],
)
def test_without_the_key_nothing_is_told(babbler: Embedded, path: str, key: str) -> None:
    stranger = Loopback(behind(babbler).url, key)
    with pytest.raises(EngineError, match=rf"refused {path} with status 401"):
        stranger.call(path, {"prompt": "hello", "n_predict": 1})
    stranger.close()


def test_only_this_machine_can_reach_it(babbler: Embedded) -> None:
    babbler.serve()
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(babbler.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_no_page_of_another_origin_may_read_it(babbler: Embedded) -> None:
    server = behind(babbler)
    for method, path in (("OPTIONS", "/completion"), ("GET", "/health"), ("GET", "/props")):
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        headers = {"Origin": "https://evil.example", "Authorization": f"Bearer {server.key}"}
        connection.request(method, path, headers=headers)
        allowed = connection.getresponse().headers.get("Access-Control-Allow-Origin", "")
        assert allowed in {"", "http://127.0.0.1"}
        connection.close()


def test_the_key_is_in_no_command_line(babbler: Embedded) -> None:
    server = behind(babbler)
    child = psutil.Process(babbler.pid)
    assert server.key not in " ".join([*child.cmdline(), *child.environ().values()])


# ---------------------------------------------------------------------- death


@pytest.mark.parametrize("after", [1, 40])
def test_a_killed_engine_is_replaced_and_goes_on(own: Embedded, after: int) -> None:
    prompt = prompt_of(own)
    whole = ids(run(own, GREEDY, prompt))
    begun: list[int] = []
    stream = own.stream(prompt, (), LONG, since=0.0)
    while len(begun) < after:
        begun += ids([next(stream)])
    victim = psutil.Process(own.pid)
    victim.kill()
    with pytest.raises(EngineDiedError):
        begun += ids(list(stream))
    assert begun[:60] == whole[: len(begun)]
    assert own.serve().n_ctx == 2048
    assert (own.starts, victim.is_running()) == (2, False)
    assert (
        begun[:60] + ids(run(own, replace(GREEDY, max_tokens=60 - len(begun[:60])), prompt, begun[:60]))
        == whole
    )


def test_an_engine_that_died_in_between_is_not_noticed(own: Embedded) -> None:
    prompt = prompt_of(own)
    for ask in (own.serve, lambda: prompt_of(own), lambda: own.tokenize("a", control=False)):
        victim = psutil.Process(own.pid)
        victim.kill()
        os.waitid(os.P_PID, victim.pid, os.WEXITED | os.WNOWAIT)  # dead, with all its threads
        assert ask()
    assert prompt_of(own) == prompt
    assert own.starts == 4


def test_closing_the_iterator_frees_the_engine_at_once(babbler_gguf: Path) -> None:
    own = Embedded(settings(babbler_gguf, n_ctx=65536))
    try:
        stream = own.stream(prompt_of(own), (), LONG, since=0.0)
        assert len([next(stream) for _ in range(5)]) == 5
        stream.close()
        server = Loopback(behind(own).url, behind(own).key, timeout_s=10.0)
        answer = server.call("/completion", {"prompt": [1, 2, 3], "n_predict": 2, "return_tokens": True})
        server.close()
        assert answer["tokens_predicted"] == 2
    finally:
        own.close()


def test_an_idle_engine_is_unloaded_and_comes_back(speaker_gguf: Path) -> None:
    own = Embedded(settings(speaker_gguf, idle_s=0.2))
    try:
        for _ in range(2):
            starts = own.starts
            assert [token.data.decode() for token in tokens(run(own))] == list(SCRIPT)
            assert own.starts > starts
            child = own._process
            wait_for(lambda: own.pid is None)
            assert child is None or child.popen.returncode is not None
    finally:
        own.close()


def test_an_engine_that_is_streaming_is_not_idle(babbler_gguf: Path) -> None:
    own = Embedded(settings(babbler_gguf, idle_s=0.05))
    try:
        stream = own.stream(prompt_of(own), (), GREEDY, since=0.0)
        next(stream)
        time.sleep(0.3)
        assert len(ids(list(stream))) == 60
    finally:
        own.close()


# ---------------------------------------------------------------------- no start


def fails(own: Embedded) -> str:
    """The sentence of an engine that cannot start; nothing of it is left."""
    before = psutil.Process().children()
    with pytest.raises(EngineError) as caught:
        own.serve()
    assert psutil.Process().children() == before
    assert own.pid is None
    return str(caught.value)


def test_what_llama_cpp_cannot_load_is_told_in_its_words(babbler_gguf: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(babbler_gguf.read_bytes()[:200_000])
    assert "not within the file bounds" in fails(Embedded(settings(cut)))
    assert "No such file" in fails(Embedded(settings(tmp_path / "none.gguf")))
    assert "n_ctx_seq == 0" in fails(Embedded(settings(babbler_gguf, n_ctx=-5)))
    assert "no ggml_type 'q9'" in fails(Embedded(settings(babbler_gguf, kv_type="q9")))
    told = fails(Embedded(settings(babbler_gguf, speculation="oracle")))
    assert told == f"llama.cpp cannot load {babbler_gguf}: it has no common_speculative_type 'oracle'."


def test_a_busy_port_is_told(babbler: Embedded, babbler_gguf: Path) -> None:
    port = urlsplit(behind(babbler).url).port or 0
    assert fails(Embedded(settings(babbler_gguf, port=port))) == (
        f"port {port} cannot be used (Address already in use): choose another one."
    )


def test_a_process_started_ahead_is_used_and_a_dead_one_replaced(speaker_gguf: Path) -> None:
    ahead = prestart()
    own = Embedded(settings(speaker_gguf), ahead)
    assert own.serve().model == "speaker.gguf"
    assert own.pid == ahead.popen.pid
    own.close()
    dead = prestart()
    dead.popen.kill()
    dead.popen.wait()
    own = Embedded(settings(speaker_gguf), dead)
    assert own.serve().model == "speaker.gguf"
    own.close()


def test_a_program_that_is_none_is_told() -> None:
    with pytest.raises(InputError, match=r"cannot start /no/such \(No such file or directory\): is the path"):
        Process(["/no/such"])


def test_an_interrupted_start_leaves_no_process() -> None:
    process = Process([sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(KeyboardInterrupt), process.or_end():
        raise KeyboardInterrupt
    assert process.popen.returncode is not None


# ---------------------------------------------------------------------- the end


def test_close_leaves_nothing_behind(own: Embedded) -> None:
    own.serve()
    child = psutil.Process(own.pid)
    assert not gone(child)
    own.close()
    assert not child.is_running(), "no zombie either"
    own.close()
    assert own.serve().model == "babbler.gguf"


def test_the_engine_ends_when_its_program_is_killed(speaker_gguf: Path) -> None:
    command = [sys.executable, "-m", "tests.engine.parent", str(speaker_gguf)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, env=environment(), cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: gone(child))


# ---------------------------------------------------------------------- several at once


def test_threads_take_turns(babbler: Embedded) -> None:
    texts = [f"question {n}" for n in range(4)]
    alone = [ids(run(babbler, replace(GREEDY, max_tokens=20), prompt_of(babbler, text))) for text in texts]
    got: dict[int, list[list[int]]] = {n: [] for n in range(4)}

    def ask(n: int) -> None:
        for _ in range(3):
            prompt = prompt_of(babbler, texts[n])
            got[n].append(ids(run(babbler, replace(GREEDY, max_tokens=20), prompt)))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {n: [alone[n]] * 3 for n in range(4)}
    assert babbler.starts == 1


def test_a_second_stream_in_one_thread_is_refused_until_the_first_is_closed(babbler: Embedded) -> None:
    prompt = prompt_of(babbler)
    first = babbler.stream(prompt, (), LONG, since=0.0)
    next(first)
    assert prompt_of(babbler) == prompt, "questions may be asked meanwhile"
    with pytest.raises(EngineError, match="still answering: finish or cancel"):
        run(babbler, GREEDY, prompt)
    closer = threading.Thread(target=first.close)
    closer.start()
    closer.join()
    assert stop(run(babbler, WILD, prompt))


# ---------------------------------------------------------------------- where a model is put

PLACING = """
import json, sys, xllamacpp
from ponder.engine.child import place
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.no_alloc, params.verbosity = sys.argv[1], 256, True, 9
params.warmup, params.load_mode = False, xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
place(params, json.loads(sys.argv[2]))
print(params.n_gpu_layers, params.fit_params, params.tensor_split[:3], params.flash_attn_type, flush=True)
xllamacpp.Server(params)
"""


def test_experts_stay_in_ram_as_planned(tmp_path: Path) -> None:
    write_twin(geometry("Qwen3-30B-A3B"), tmp_path / "moe.gguf")
    plan = {"n_gpu_layers": 49, "tensor_split": [20, 29], "n_cpu_moe": 2, "flash": True}
    command = [sys.executable, "-c", PLACING, str(tmp_path / "moe.gguf"), json.dumps(plan)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, timeout=60)
    assert done.stdout.startswith("49 False [20.0, 29.0, 0.0] 1")
    moved = re.findall(r"tensor (blk\.\d+\.ffn_\w+)\.weight .* overridden to CPU", done.stderr)
    assert sorted(moved) == [f"blk.{n}.ffn_{part}_exps" for n in (0, 1) for part in ("down", "gate", "up")]


def test_an_engine_tells_its_devices_before_and_after_loading(own: Embedded) -> None:
    before = own.devices()
    assert [device.kind for device in before] == ["cpu"]
    assert before[0].memory_bytes >= before[0].free_bytes > 0
    assert own.starts == 0
    assert own.resident_bytes() > 0
    served = own.serve()
    assert served.n_ctx == 2048
    assert own.devices()[0].name == before[0].name
    assert own.busy_s() > 0
    own.close()
    assert (own.resident_bytes(), own.busy_s()) == (0, 0.0)


def test_a_child_whose_parent_dies_while_it_loads_ends(speaker_gguf: Path) -> None:
    """There is nobody to tell that the model is loaded, and native threads hold an ordinary end up."""
    own = asdict(settings(speaker_gguf))
    told = own | {"threads_batch": 1, "key": "k", "origin": "http://127.0.0.1", "verbosity": 0}
    child = subprocess.Popen(
        [sys.executable, "-I", source("child.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.close()
    child.stdin.write(json.dumps(told) + "\n")
    child.stdin.close()
    assert child.wait(30) == 0
