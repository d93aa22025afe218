"""What ponder costs: decode throughput and time to the first token, against the bare engine.

    python benchmarks/overhead.py [--model NAME|FILE] [--tokens 512] [--rounds 6]

Throughput: a run through the whole of ponder (split, steps, loop detection, journal on disk; no terminal)
against the same llama.cpp server asked directly with one streamed request for as many tokens, in turn.
`same` asks for what ponder asks for (ids, log-probabilities, 5 alternatives), `bare` for text alone.
Cold start: from starting `ponder ask` to its first token, against a script that does nothing but load the
library and the model and stream. Ratios are medians over pairs: above 1 is better for throughput, below
1 for the cold start.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from ponder.catalog.library import resolve
from ponder.core.events import Token
from ponder.core.request import Message, Request, Sampling
from ponder.engine.embedded import Embedded
from ponder.opened import Opened, Options, open_model
from ponder.session import start
from ponder.store import Store, open_store

QUESTION = "A train leaves at nine and another one at ten. Explain at length how to find where they meet."
N_CTX = 4096

BARE = """
import json, sys, urllib.request
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel = sys.argv[1], int(sys.argv[2]), 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(sys.argv[3])
params.cache_ram_mib, params.verbosity = 0, 1
server = xllamacpp.Server(params)
body = {"prompt": sys.argv[4], "n_predict": 8, "stream": True}
request = urllib.request.Request(server.listening_address + "/completion", json.dumps(body).encode())
for line in urllib.request.urlopen(request):
    print(line, flush=True)
    break
"""


def through_ponder(opened: Opened, store: Store, tokens: int, seed: int) -> tuple[float, list[int]]:
    """Tokens per second of the sampled tokens, first to last, and their prompt."""
    sampling = Sampling(temperature=0.8, seed=seed, max_tokens=tokens, logit_bias=((2, -100.0),))
    answering = start(opened, Request((Message("user", QUESTION),), sampling=sampling), store)
    times = [event.time_s for event in answering if isinstance(event, Token) and event.origin == "model"]
    return (len(times) - 1) / (times[-1] - times[0]), list(answering.run.prompt.ids)


def directly(opened: Opened, prompt: list[int], tokens: int, seed: int, *, bare: bool) -> float:
    """Tokens per second of one streamed request to the same process."""
    assert isinstance(opened.engine, Embedded)
    body = {
        "prompt": prompt,
        "n_predict": tokens,
        "temperature": 0.8,
        "seed": seed,
        "stream": True,
        "logit_bias": [[2, -100.0]],
    }
    body |= {} if bare else {"n_probs": 5, "return_tokens": True}
    events = opened.engine._ready()._server.events("/completion", body)
    times = [time.perf_counter() for event in events if not event["stop"]]
    return (len(times) - 1) / (times[-1] - times[0])


def throughput(opened: Opened, store: Store, tokens: int, rounds: int) -> None:
    rows = []
    _, prompt = through_ponder(opened, store, 32, 0)
    for seed in range(rounds):
        ours, _ = through_ponder(opened, store, tokens, seed)
        same = directly(opened, prompt, tokens, seed, bare=False)
        bare = directly(opened, prompt, tokens, seed, bare=True)
        rows.append((ours, same, bare))
        print(f"  ponder {ours:6.1f}  same {same:6.1f}  bare {bare:6.1f} tok/s", flush=True)
    for name, column in (("same", 1), ("bare", 2)):
        ratios = sorted(row[0] / row[column] for row in rows)
        middle = statistics.median(ratios)
        print(f"throughput, ponder / {name}: median {middle:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})")
    memory = psutil.Process().memory_info().rss / 2**20
    print(f"memory of the parent process after {rounds} runs: {memory:.0f} MiB")


def first_line(command: list[str], mark: str) -> float:
    """Seconds from starting `command` to its first line with `mark`."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout is not None
        line = next(line for line in run.stdout if mark in line)
        seconds = time.perf_counter() - begun
        run.kill()
        assert line
    return seconds


def cold_start(model: str, path: str, rounds: int) -> None:
    threads = os.environ.get("PONDER_THREADS") or str(psutil.cpu_count(logical=False))
    ask = [
        sys.executable,
        "-m",
        "ponder",
        "ask",
        "-m",
        model,
        "--ctx",
        str(N_CTX),
        "--threads",
        threads,
        "--json",
    ]
    bare = [sys.executable, "-c", BARE, path, str(N_CTX), threads, QUESTION]
    pairs = [
        (first_line([*ask, QUESTION], '"event": "token"'), first_line(bare, "data:"))
        for _ in range(rounds + 1)  # the first warms the file cache
    ]
    ratios = sorted(ours / theirs for ours, theirs in pairs[1:])
    ours, theirs = (statistics.median(column) for column in zip(*pairs[1:], strict=True))
    print(f"cold start: ponder {ours:.3f} s, bare {theirs:.3f} s", end="; ")
    print(f"ratio median {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2:135m")
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=6)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        local = resolve(wanted.model)
        print(json.dumps({"model": local.name, "tokens": wanted.tokens, "rounds": wanted.rounds}))
        cold_start(wanted.model, str(local.paths[0]), wanted.rounds)
        opened = open_model(wanted.model, Options(n_ctx=N_CTX))
        with open_store(Path(home) / "traces.db") as store:
            throughput(opened, store, wanted.tokens, wanted.rounds)
        opened.engine.close()


if __name__ == "__main__":
    main()
