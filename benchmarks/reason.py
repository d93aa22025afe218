"""What reading a reasoning costs, where it finds loops, and how its roles agree with people's.

    python -m benchmarks.reason                        # speed on made-up text
    python -m benchmarks.reason --traces TRACES.jsonl  # speed, steps and loops on real outputs
    python -m benchmarks.reason --labelled FILE.jsonl  # roles of steps against people's, Cohen's kappa

TRACES.jsonl: {"response": "<think>…"} a line. FILE.jsonl: as in `benchmarks.reason_fit`, which measures
single sentences; both judge an answer only by weights fitted on the others.
Where an output has no token ids, words, digits and punctuation stand for tokens.
"""

import argparse
import json
import re
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from zlib import crc32

from benchmarks.reason_fit import EPISODES, PENALTY, Answer, fit, read, report, without
from ponder.check.verdicts import check_trace
from ponder.core.events import Sampled, Token
from ponder.core.request import Message, Request
from ponder.core.tags import FORMATS
from ponder.core.trace import Trace, text_of
from ponder.reason.cues import Weights
from ponder.reason.label import EPISODE_OF, Labeller, label
from ponder.reason.loops import LoopDetector
from ponder.reason.segment import segment
from ponder.reason.split import Splitter

TAG_IDS = {"<think>": 1, "</think>": 2}
WORD = re.compile(r"</?think>| ?[^\W\d_]+|\d| ?[^\w\s]+\n*|\s+(?=\S)|\s+|_")
TEXT = (
    "Let me add the two numbers, 17 and 25. So 17 + 25 = 42.\n\nWait, I should check that: 25 + 17 is 42, "
    "as `x < y` says. Alternatively, maybe there is another way.\n\n"
)
TOKENS = 30_000


def sampled(text: str) -> list[Sampled]:
    """Word-like tokens of `text`, 20 a second; ids are checksums, tags have their own."""
    return [
        Sampled(TAG_IDS.get(word, crc32(word.encode()) | 1 << 32), word.encode(), -0.5, index / 20, 0.7)
        for index, word in enumerate(WORD.findall(text))
    ]


def split(tokens: Sequence[Sampled], tag_ids: dict[str, int] | None) -> list[Token]:
    splitter = Splitter(FORMATS["think"], tag_ids=tag_ids)
    out = []
    for token in tokens:
        out += splitter.feed(token)
    return out + splitter.flush()


def loops(tokens: Sequence[Token]) -> tuple[float, int | None]:
    """The highest share of repeated tokens, and the index at which a loop was found."""
    detector, part, highest, found = LoopDetector(), "", 0.0, None
    for token in tokens:
        if token.part != part:
            detector, part = LoopDetector(), token.part
        if detector.feed(token) and found is None:
            found = token.index
        highest = max(highest, detector.share)
    return highest, found


def timed(name: str, tokens: int, action: Callable[[], object]) -> float:
    """Print the best of three runs, per token and for a trace of 30,000; its seconds for the latter."""
    best = min(_seconds(action) for _ in range(3))
    print(f"{name:<28} {1e6 * best / tokens:7.2f} µs/token {TOKENS * best / tokens:8.3f} s per 30,000 tokens")
    return TOKENS * best / tokens


def _seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def speed(outputs: list[str]) -> None:
    raws = [sampled(text) for text in outputs]
    traces = [split(raw, TAG_IDS) for raw in raws]
    steps = [segment(tokens) for tokens in traces]
    size = sum(map(len, raws))
    print(f"{size} tokens, {sum(map(len, steps))} steps")
    timed("split, tags with ids", size, lambda: [split(raw, TAG_IDS) for raw in raws])
    timed("split, tags as text", size, lambda: [split(raw, None) for raw in raws])
    total = timed("segment", size, lambda: [segment(tokens) for tokens in traces])
    timed("loops", size, lambda: [loops(tokens) for tokens in traces])
    total += timed("label", size, lambda: [label(t, s) for t, s in zip(traces, steps, strict=True)])
    request = Request((Message("user", ""),))
    pairs = zip(traces, steps, strict=True)
    whole = [Trace("t", 0.0, request, "", "", (), tuple(tokens), cut) for tokens, cut in pairs]
    total += timed("claims", size, lambda: [check_trace(trace) for trace in whole])
    print(f"segmented, labelled and checked: {total:.3f} s per 30,000 tokens")


def real(outputs: list[str]) -> None:
    shares, sizes = [], []
    for number, text in enumerate(outputs):
        tokens = split(sampled(text), TAG_IDS)
        sizes += [step.stop - step.start for step in segment(tokens)]
        shares.append((*loops(tokens), number, len(tokens)))
    shares.sort(reverse=True, key=lambda item: item[0])
    print(f"steps: {len(sizes)}, tokens in each: {quantiles(sizes)}")
    for share, found, number, size in shares[:8]:
        where = "no loop" if found is None else f"loop found at token {found} of {size}"
        print(f"output {number:4}: repeated share at most {share:.2f}, {where}")


def quantiles(values: Sequence[int]) -> str:
    ranked = sorted(values)
    return ", ".join(f"{q}%: {ranked[(len(ranked) - 1) * q // 100]}" for q in (1, 10, 50, 90, 99, 100))


def agreement(answers: list[Answer]) -> None:
    """Roles inside the steps that the program makes, each answer by weights fitted on all others."""
    inside, whole = [], []
    for i, answer in enumerate(answers):
        found = in_steps(answer, fit(without(answers, i), PENALTY))
        inside.append([(people, ponder) for _, people, ponder in found])
        most: dict[int, Counter[int]] = {}
        for (step, people, _), text in zip(found, answer.sentences, strict=True):
            most.setdefault(step, Counter())[people] += len(text)
        ponder = {step: role for step, _, role in found}
        whole.append([(max(sizes, key=lambda e: sizes[e]), ponder[s]) for s, sizes in most.items()])
    report("every sentence by the step it is in", inside)
    report("every step, people's role being what most of its text has", whole)


def in_steps(answer: Answer, table: Weights) -> list[tuple[int, int, int]]:
    """For each sentence the step that holds its middle, people's episode and the step's; joined by spaces."""
    tokens = split(sampled("<think>" + " ".join(answer.sentences)), TAG_IDS)
    steps, labeller = segment(tokens), Labeller("", table)
    roles = [labeller.step(text_of(tokens[step.start : step.stop])).role for step in steps]
    ends = list(accumulate(len(token.data.decode()) for token in tokens))
    found, start = [], len("<think>")
    for sentence, people in zip(answer.sentences, answer.episodes, strict=True):
        middle = bisect_right(ends, start + len(sentence) // 2)
        at = next(i for i, step in enumerate(steps) if step.start <= middle < step.stop)
        found.append((at, people, EPISODES.index(EPISODE_OF[roles[at]])))
        start += len(sentence) + 1
    return found


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--traces", type=Path, metavar="TRACES.jsonl")
    parser.add_argument("--labelled", type=Path, metavar="FILE.jsonl")
    arguments = parser.parse_args()
    if arguments.labelled:
        agreement(read(arguments.labelled))
    elif arguments.traces:
        outputs = [json.loads(line)["response"] for line in lines(arguments.traces)]
        speed(outputs)
        real(outputs)
    else:
        speed(["<think>" + TEXT * 400 + "</think>\n\n42"])


if __name__ == "__main__":
    main()
