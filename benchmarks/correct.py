"""What it costs to correct a step near the end of a long trace, against the two ways there are without forks.

    python -m benchmarks.correct [--model NAME|FILE] [--tokens 2048] [--rounds 5] [--at 0.9]

A trace of `tokens` tokens is written; then, in turn in every round, always to the same number of tokens:

`again`     the question is asked again, the whole is written anew (hoping that it goes right by itself)
`re-prompt` the conversation goes on: the old output as the assistant's turn, then "There is a mistake: …";
            the output is written anew behind it
`fork`      the trace is left at 90 % with a correction and written to its end, the engine still loaded
`fork kept` the same from an engine that does not run yet, as from the terminal: it is started, and takes its
            cache of the line from disk
`fork cold` the same without that cache: the line has to be read once
`floor`     what the last tokens of `again` took where they were written: less no way of going on can take

Printed: tokens evaluated (those read that were not cached, and those that the model wrote), seconds from
asking to the end, and the ratio of each to `again`, medians over rounds; then what keeping the cache cost.
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
from ponder.store.caches import Caches, folder_beside
from ponder.warm import keep

QUESTION = "A train leaves at nine and another one at ten. Explain at length how to find where they meet."
CORRECTION = "Wait, the second train leaves at eleven, not at ten."
END_TOKEN_BIAS = ((2, -100.0),)
"""SmolLM2's end of turn: the runs must be equally long."""

Row = tuple[int, float]

WRITING: list[float] = []
"""Seconds to keep the cache, a round each."""


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
    again, trace = measured(lambda: start(opened, request(asked, tokens, seed), store))
    rows = {
        "again": again,
        "re-prompt": measured(lambda: start(opened, request(talk, tokens, seed), store))[0],
    }
    # The line gets into the cache, where it is after it was written: one more token behind all of it.
    WRITING.append(kept(opened, first))
    rows["fork"] = measured(lambda: fork(opened, first, cut, store))[0]
    rows["floor"] = floor(trace, rows["fork"][0])
    for name, limit in (("fork kept", "4"), ("fork cold", "0")):
        os.environ["PONDER_CACHE_GB"] = limit
        if name == "fork cold":
            Caches(folder_beside(store.path)).forget([first.id])
        opened.engine.close()
        rows[name] = measured(lambda: fork(opened, first, cut, store))[0]
    return rows


def floor(again: Trace, written: int) -> Row:
    """The last `written` tokens of a run, and what they took there."""
    return written, again.tokens[-1].time_s - again.tokens[-1 - written].time_s


def kept(opened: Opened, first: Trace) -> float:
    """Seconds to write the cache of a trace that lies in the engine."""
    os.environ["PONDER_CACHE_GB"] = "4"
    answering = fork(opened, first, first.fork_at(len(first.tokens) - 1), None)
    ids, prompt = answering.trace().ids, answering.run.prompt
    begun = time.perf_counter()
    assert keep(opened, first.id, prompt, ids)
    return time.perf_counter() - begun


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
    print(f"keeping the cache: {statistics.median(WRITING):.2f} s (the worst {max(WRITING):.2f} s)")


if __name__ == "__main__":
    main()
