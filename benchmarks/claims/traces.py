"""Every "wrong" verdict on real traces with its surroundings, to be read by a person.

    python -m benchmarks.claims.traces TRACES.jsonl

TRACES.jsonl holds one output a line, its text under "response".
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from ponder.check.verdicts import Finding, check_trace
from ponder.core.events import Token
from ponder.core.request import Message, Request
from ponder.core.trace import Trace
from ponder.reason.segment import segment

WIDTH = 160


def trace_of(text: str) -> Trace:
    """A trace whose tokens are the words of `text`."""
    words = text.replace("<think>", "").replace("</think>", "\n\n").split(" ")
    tokens = tuple(
        Token(i, i, f" {word}".encode() if i else word.encode(), "reasoning", "model", None, 0.0)
        for i, word in enumerate(words)
    )
    request = Request(messages=(Message("user", ""),))
    return Trace("bench", 0.0, request, "", "", (), tokens, segment(tokens))


def show(trace: Trace, finding: Finding) -> None:
    """One line of what is around the claim, the claim marked, and one of what should be."""
    claim = finding.claim
    text = next(trace.step_text(step) for step in trace.steps if step.index == finding.step)
    before, here = text[max(0, claim.start - WIDTH) : claim.start], text[claim.start : claim.stop]
    print(f"[{claim.verdict}] {claim.kind}: {claim.evidence}")
    print("   " + f"{before}>>>{here}<<<{text[claim.stop : claim.stop + WIDTH]}".replace("\n", "⏎"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--also", default="", help="another verdict to print: undecided")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    traces = characters = 0
    seconds = 0.0
    with options.path.open(encoding="utf-8") as lines:
        for line in lines:
            trace = trace_of(json.loads(line)["response"])
            started = time.perf_counter()
            findings = check_trace(trace)
            seconds += time.perf_counter() - started
            traces, characters = traces + 1, characters + sum(len(t.data) for t in trace.tokens)
            counts.update(finding.claim.verdict for finding in findings)
            for finding in findings:
                if finding.claim.verdict.startswith("wrong") or finding.claim.verdict == options.also:
                    show(trace, finding)
    print(dict(counts), f"{traces} traces, {sum(counts.values()) / max(traces, 1):.1f} claims a trace")
    print(f"{characters} bytes in {seconds:.2f} s")


if __name__ == "__main__":
    main()
