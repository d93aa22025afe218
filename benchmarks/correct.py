"""What it costs to correct a step near the end of a long trace, against the two ways there are without forks.

    python -m benchmarks.correct [--model NAME|FILE] [--tokens 2048] [--rounds 5] [--at 0.9]

A trace of `tokens` tokens is written; then, in turn in every round, always to the same number of tokens:

`again`     the question is asked again, the whole is written anew (hoping that it goes right by itself)
`re-prompt` the conversation goes on: the old output as the assistant's turn, then "There is a mistake: …";
            the output is written anew behind it
`fork`      the trace is left at 90 % with a correction and written to its end, the engine still loaded
`fork cold` the same in an engine that has just been started: the prefix has to be read once

Printed: tokens evaluated (those read that were not cached, and those that the model wrote), seconds from
asking to the end, and the ratio of each to `again`, medians over rounds.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ponder.core.events import Prefill
from ponder.core.request import Message, Request, Sampling
from ponder.core.trace import Trace
from ponder.opened import Opened, Options, open_model
from ponder.session import Answering, fork, start
from ponder.store import Store, open_store

QUESTION = "A train leaves at nine and another one at ten. Explain at length how to find where they meet."
CORRECTION = "Wait, the second train leaves at eleven, not at ten."
END_TOKEN_BIAS = ((2, -100.0),)
"""SmolLM2's end of turn: the runs must be equally long."""

Row = tuple[int, float]


def request(messages: tuple[Message, ...], tokens: int, seed: int) -> Request:
    sampling = Sampling(temperature=0.8, seed=seed, max_tokens=tokens, logit_bias=END_TOKEN_BIAS)
    return Request(messages, think="off", sampling=sampling)


def measured(begin: Callable[[], Answering]) -> tuple[Row, Trace]:
    """(tokens evaluated, seconds) of a run, from asking for it to its last token; and its trace."""
    begun = time.perf_counter()
    answering = begin()
    read = next(event.total - event.cached for event in answering if isinstance(event, Prefill))
    trace = answering.trace()
    seconds = time.perf_counter() - begun
    chosen = sum(token.origin == "model" for token in trace.tokens[trace.fork_index :])
    return (read + chosen, seconds), trace


def one_round(opened: Opened, store: Store, first: Trace, seed: int, at: float) -> dict[str, Row]:
    tokens = len(first.tokens)
    asked = (Message("user", QUESTION),)
    complaint = Message("user", f"There is a mistake. {CORRECTION} Answer again.")
    talk = (*asked, Message("assistant", first.answer), complaint)
    cut = first.fork_at(int(at * tokens), "say", CORRECTION)
    cut = replace(cut, sampling=replace(cut.sampling, max_tokens=tokens))
    rows = {
        "again": measured(lambda: start(opened, request(asked, tokens, seed), store))[0],
        "re-prompt": measured(lambda: start(opened, request(talk, tokens, seed), store))[0],
    }
    # The line gets into the cache, where it is after it was written: one more token behind all of it.
    measured(lambda: fork(opened, first, first.fork_at(tokens - 1), None))
    rows["fork"] = measured(lambda: fork(opened, first, cut, store))[0]
    opened.engine.close()
    opened.engine.serve()
    rows["fork cold"] = measured(lambda: fork(opened, first, cut, store))[0]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2:135m")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at", type=float, default=0.9)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        opened = open_model(wanted.model, Options(n_ctx=3 * wanted.tokens))
        with open_store(Path(home) / "traces.db") as store:
            asked = request((Message("user", QUESTION),), wanted.tokens, 0)
            _, first = measured(lambda: start(opened, asked, store))
            rounds = [one_round(opened, store, first, seed, wanted.at) for seed in range(wanted.rounds)]
        opened.engine.close()
    print(f"{opened.name}, {len(first.tokens)} tokens, left at {wanted.at:.0%}, {wanted.rounds} rounds")
    print("| | tokens evaluated | of `again` | seconds | of `again` (range) |\n|---|---:|---:|---:|---:|")
    for name in rounds[0]:
        tokens = statistics.median(row[name][0] for row in rounds)
        of_tokens = statistics.median(row[name][0] / row["again"][0] for row in rounds)
        seconds = statistics.median(row[name][1] for row in rounds)
        ratios = sorted(row[name][1] / row["again"][1] for row in rounds)
        spread = f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        print(f"| {name} | {tokens:,.0f} | {of_tokens:.3f} | {seconds:.2f} | {spread} |")


if __name__ == "__main__":
    main()
