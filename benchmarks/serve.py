"""What ponder's HTTP API costs: tokens per second and time to the first token, against llama-server's own.

    python -m benchmarks.serve [--model NAME|FILE] [--clients 1,4,16] [--tokens 128] [--rounds 4] [--slots 4]

Both sides are the same llama.cpp build with the same settings (slots, context, threads, samplers), each in a
process of its own; only one works at a time, in turn (A B A B). The same client streams chat completions
from both, with new questions each round, so that no cache helps either. Tokens per second: the tokens that
`usage` counts in all streams over the seconds until the last one ends. `first`: median over the clients of
the seconds to the first delta with text. Ratios and differences are medians over the rounds' pairs.
After the first tokens ponder sends what has gathered in 40 ms, llama-server each token by itself.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from ponder.catalog.library import resolve
from ponder.engine.embedded import Embedded
from ponder.engine.owned import Settings
from ponder.opened import thread_count

N_CTX = 2048
TOKEN = "a-token-for-the-benchmark"
WORDS = ("rivers", "clocks", "bridges", "letters", "winds", "coins", "maps", "seeds", "tides", "lenses")


@dataclass
class Server:
    """Where one side listens, and its key."""

    url: str
    key: str


@dataclass
class Stream:
    """What one client saw: seconds to the first text, tokens, and whether it all came."""

    first_s: float = 0.0
    tokens: int = 0
    whole: bool = False


@contextmanager
def ponder(model: str, slots: int) -> Iterator[Server]:
    """`ponder serve` in a process of its own."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "ponder", "serve", "--port", "0", "--slots", str(slots)]
        command += ["--ctx", str(N_CTX), "-m", model, "--waiting", "1000"]
        environment = os.environ | {"PONDER_HOME": home, "PONDER_TOKEN": TOKEN}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout is not None
        url = process.stdout.readline().split("listens on ")[1].split()[0]
        try:
            yield Server(url, TOKEN)
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


@contextmanager
def llama(model: str, slots: int) -> Iterator[Server]:
    """llama-server's own HTTP, as the wheel's listener gives it, with the settings of ponder's engine."""
    settings = Settings(model, N_CTX, thread_count(), n_parallel=slots)
    engine = Embedded(settings)
    server = engine._ready()._server
    try:
        yield Server(server.url, server.key)
    finally:
        engine.close()


def follow(server: Server, question: str, tokens: int, seed: int, stream: Stream) -> None:
    """One chat completion, streamed."""
    parts = urlsplit(server.url)
    body = {
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": tokens,
        "temperature": 1.0,
        "top_k": 40,
        "top_p": 0.95,
        "min_p": 0.0,
        "seed": seed,
        "logit_bias": {"2": -100},
    }
    if server.key == TOKEN:
        body["enable_thinking"] = False
    else:
        body["samplers"] = ["top_k", "top_p", "min_p", "temperature"]
        body["cache_prompt"] = False  # ponder lets no conversation use another's cache, not even its head
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=600)
    begun = time.perf_counter()
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    response = connection.getresponse()
    for line in response:
        if not stream.first_s and line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            delta = choices[0]["delta"] if choices else {}
            if delta.get("content") or delta.get("reasoning_content"):
                stream.first_s = time.perf_counter() - begun
        elif b'"usage"' in line and b'"choices":[]' in line.replace(b" ", b""):
            stream.tokens = json.loads(line[6:])["usage"]["completion_tokens"]
        elif line.startswith(b"data: [DONE]"):
            stream.whole = True
    connection.close()


def once(server: Server, clients: int, tokens: int, number: int) -> tuple[float, float]:
    """Tokens per second of all clients together, and the median seconds to the first text."""
    streams = [Stream() for _ in range(clients)]
    threads = []
    for place, stream in enumerate(streams):
        word = WORDS[(number + place) % len(WORDS)]
        question = f"{number * 100 + place}: tell a long story about {word}, with many turns."
        threads.append(
            threading.Thread(target=follow, args=(server, question, tokens, number * 100 + place, stream))
        )
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    assert all(stream.whole for stream in streams), "a stream broke off"
    return sum(stream.tokens for stream in streams) / seconds, statistics.median(s.first_s for s in streams)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="smollm2:135m")
    parser.add_argument("--clients", default="1,4,16")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--slots", type=int, default=4)
    args = parser.parse_args()
    path = str(resolve(args.model).paths[0])
    with ponder(args.model, args.slots) as ours, llama(path, args.slots) as theirs:
        once(ours, 1, 8, 999)
        once(theirs, 1, 8, 999)
        print(f"{args.model}, {args.slots} slots, {args.tokens} tokens, {args.rounds} pairs, load before: "
              f"{os.getloadavg()[0]:.1f}")  # fmt: skip
        for clients in map(int, args.clients.split(",")):
            pairs = []
            for number in range(args.rounds):
                one = once(ours, clients, args.tokens, 2 * number)
                other = once(theirs, clients, args.tokens, 2 * number + 1)
                pairs.append((one, other))
            ratio = statistics.median(a[0] / b[0] for a, b in pairs)
            later = statistics.median(a[1] - b[1] for a, b in pairs)
            ours_tps, theirs_tps = (statistics.median(p[side][0] for p in pairs) for side in (0, 1))
            first = [statistics.median(p[side][1] for p in pairs) * 1000 for side in (0, 1)]
            print(f"{clients:3d} clients: ponder {ours_tps:7.1f} tokens/s, llama-server {theirs_tps:7.1f}, "
                  f"ratio {ratio:.3f}; first text {first[0]:.0f} ms against {first[1]:.0f} ms, "
                  f"{later * 1000:+.1f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
