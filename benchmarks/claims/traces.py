"""Every "wrong" verdict on real traces with its surroundings, to be read by a person.

    python -m benchmarks.claims.traces TRACES.jsonl …

A line of TRACES.jsonl holds one output: its text under "response", or its "sentences", each with a "text",
which are joined by spaces.
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


def response(line: str) -> str:
    """The text of one line of a file of traces."""
    row = json.loads(line)
    return str(row["response"]) if "response" in row else " ".join(s["text"] for s in row["sentences"])


def show(trace: Trace, finding: Finding) -> None:
    """One line of what is around the claim, the claim marked, and one of what should be."""
    claim = finding.claim
    text = next(trace.step_text(step) for step in trace.steps if step.index == finding.step)
    before, here = text[max(0, claim.start - WIDTH) : claim.start], text[claim.start : claim.stop]
    print(f"[{claim.verdict}] {claim.kind}: {claim.evidence}")
    print("   " + f"{before}>>>{here}<<<{text[claim.stop : claim.stop + WIDTH]}".replace("\n", "⏎"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--also", default="", help="another verdict to print: undecided")
    options = parser.parse_args()
    for path in options.paths:
        read(path, options.also)


def read(path: Path, also: str) -> None:
    """Prints the verdicts to be read of one file, and its totals."""
    counts: Counter[str] = Counter()
    traces = characters = 0
    seconds = 0.0
    for line in path.read_text(encoding="utf-8").splitlines():
        trace = trace_of(response(line))
        started = time.perf_counter()
        findings = check_trace(trace)
        seconds += time.perf_counter() - started
        traces, characters = traces + 1, characters + sum(len(t.data) for t in trace.tokens)
        counts.update(finding.claim.verdict for finding in findings)
        for finding in findings:
            if finding.claim.verdict.startswith("wrong") or finding.claim.verdict == also:
                show(trace, finding)
    print(
        f"{path.name}: {traces} traces, {sum(counts.values()) / max(traces, 1):.1f} claims a trace",
        dict(counts),
    )
    print(f"{characters} bytes in {seconds:.2f} s")


if __name__ == "__main__":
    main()
