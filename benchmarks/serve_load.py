"""Many clients that come and go: what a running `ponder serve` keeps of them, which should be nothing.

    python -m benchmarks.serve_load [--model NAME|FILE] [--clients 200] [--seconds 60] [--tokens 48]

Clients stream chat completions one after the other for as long as it lasts, each reading slowly, half of
them leaving in the middle at random. Printed: streams that were whole, left and refused, and the server's
memory, open files and threads before, at the end, and 10 s after it. Every stream of a client that stays
must be whole, or refused with 429 and a time.
"""

import argparse
import http.client
import json
import random
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import psutil

from benchmarks.serve import TOKEN, Server, ponder


def client(server: Server, number: int, until: float, tokens: int, seen: Counter[str]) -> None:
    """Ask again and again until the time is over; odd clients leave in the middle."""
    rng, parts = random.Random(number), urlsplit(server.url)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    while time.monotonic() < until:
        body = {
            "messages": [{"role": "user", "content": f"client {number}: {rng.random()}"}],
            "stream": True,
            "max_tokens": tokens,
            "enable_thinking": False,
            "user": str(number),
        }
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=600)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            response = connection.getresponse()
            if response.status == 429:
                seen["refused"] += 1
                time.sleep(min(2.0, float(response.headers["Retry-After"])))
                continue
            data, leaves = b"", number % 2 == 1 and rng.random() < 0.7
            while part := response.read1(300):
                data += part
                if leaves and rng.random() < 0.2:
                    break
                time.sleep(rng.random() * 0.05)
            seen["left" if leaves else "whole" if data.endswith(b"[DONE]\n\n") else "broken"] += 1
        finally:
            connection.close()


def state(process: psutil.Process) -> str:
    """The server's and its engine's memory, and the server's files and threads."""
    engine = sum(child.memory_info().rss for child in process.children(recursive=True))
    return (
        f"{process.memory_info().rss / 1e6:.0f} MB (engine {engine / 1e6:.0f} MB), "
        f"{process.num_fds()} files, {process.num_threads()} threads"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="smollm2:135m")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--slots", type=int, default=4)
    args = parser.parse_args()
    seen: Counter[str] = Counter()
    with ponder(args.model, args.slots) as server:
        process = next(
            each for each in psutil.Process().children() if "serve" in each.cmdline() and each.is_running()
        )
        client(server, 0, time.monotonic() + 0.01, 4, Counter())  # the model is loaded
        print("before:  ", state(process))
        until = time.monotonic() + args.seconds
        threads = [
            threading.Thread(target=client, args=(server, number, until, args.tokens, seen))
            for number in range(args.clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print("at the end:", state(process))
        time.sleep(10)
        print("10 s later:", state(process))
    print(dict(seen))
    sys.exit(1 if seen["broken"] else 0)


if __name__ == "__main__":
    main()
