"""Measure the checker on generated statements and on noise.

python -m benchmarks.claims              # the development set
python -m benchmarks.claims --misses 20  # and show what it got wrong there
python -m benchmarks.claims --frozen     # the frozen set: at the end, never while coding
python -m benchmarks.claims --set worked # worked solutions: algebra, variables, dates, counts, code
python -m benchmarks.claims --set unseen # the same kinds in another voice: totals only
python -m benchmarks.claims --set sealed # a third voice, by the same author: totals only
python -m benchmarks.claims --set school # solutions that people wrote, with and without a slip
python -m benchmarks.claims --set solutions # whole solutions in steps, with and without one slip
python -m benchmarks.claims --set aside  # other solutions in another voice: totals only
python -m benchmarks.claims --fuzz 100000
"""

import argparse
import random
import time
from collections import Counter

from benchmarks.claims import aside, generate, gsm, sealed, solutions, unseen, worked
from benchmarks.claims.generate import Case
from benchmarks.claims.traces import trace_of
from ponder.check.claims import claims_in
from ponder.check.programs import code_findings
from ponder.check.sandbox import run_python
from ponder.check.verdicts import check_trace

DEVELOPMENT, FROZEN = 20260101, 977_431_125
SETS = {
    "single": generate.cases,
    "worked": worked.cases,
    "unseen": unseen.cases,
    "sealed": sealed.cases,
    "school": gsm.cases,
    "solutions": solutions.cases,
    "aside": aside.cases,
}
BITS = (
    "10**10**10",
    "(",
    ")",
    "[",
    "{",
    "}",
    "=",
    "≈",
    "<",
    "1",
    "2",
    "999999999",
    "0",
    "/",
    "*",
    "^",
    "!",
    "%",
    "\\frac",
    "\\sqrt",
    "{",
    "}",
    " ",
    "\n",
    "٣",
    "３",
    "𝟚",
    "x",
    "is",
    " divisible by ",
    " prime",
    "gcd(",
    ",",
    ".",
    "1e999",
    "-",
    "²",
    "√",
    "π",
    "\\text{",
    "of ",
    "mod ",
    "≡",
    "half ",
    "km",
    " has 3 r's",
    "**",
    "$",
    "\\",
    "\x00",
    "\ud800",
    "e",
    "_",
)


def verdict(text: str) -> str:
    """What the checker says of a text, code of it run in the sandbox: wrong if any claim is, else ok if any
    is, else silent.
    """
    trace = trace_of(text)
    found = (*check_trace(trace), *(code_findings(trace, run_python) if "```" in text else ()))
    said = {finding.claim.verdict.replace("wrong-then-fixed", "wrong") for finding in found}
    return "wrong" if "wrong" in said else "ok" if "ok" in said else "silent"


def measure(found: list[Case], misses: int) -> None:
    counts: Counter[tuple[str, bool | None, str]] = Counter()
    for case in found:
        said = verdict(case.text)
        counts[case.kind, case.true, said] += 1
        if misses and (said == "wrong") != (case.true is False):
            misses -= 1
            print(f"{case.kind} {case.true} {said}: {case.text!r}")
    kinds = sorted({case.kind for case in found})
    print(f"| {'kind':<11} | false | called wrong | true or harmless | called wrong |\n|---|---|---|---|---|")
    for kind in [*kinds, "all"]:
        rows = [(k, n) for k, n in counts.items() if kind in (k[0], "all")]
        false, hits = (
            sum(n for k, n in rows if k[1] is False and (s is None or k[2] == s)) for s in (None, "wrong")
        )
        rest, alarms = (
            sum(n for k, n in rows if k[1] is not False and (s is None or k[2] == s)) for s in (None, "wrong")
        )
        print(f"| {kind:<11} | {false} | {hits} | {rest} | {alarms} |")
    print(
        f"precision of wrong {hits / max(1, hits + alarms):.4f}, "
        f"recall on false claims {hits / max(1, false):.4f}"
    )


def fuzz(count: int) -> None:
    """Noise, one seed an input; the slowest is reported, a crash is not caught."""
    slowest = 0.0
    for seed in range(count):
        rng = random.Random(seed)
        text = "".join(rng.choices(BITS, k=rng.randint(1, 60)))
        started = time.perf_counter()
        claims_in(text)
        slowest = max(slowest, time.perf_counter() - started)
    print(f"{count} inputs, no crash, slowest {slowest * 1000:.0f} ms")
    lines = (
        "1 + " * 250_000 + "1 = 2",
        "(" * 10**6,
        "9" * 10**6 + " = 1",
        "2^" * 500_000 + "2 = 2",
        "=" * 10**6,
        "1,111" * 200_000,
        "a b " * 250_000,
        "7 is prime " * 90_000,
        "sum of " + "1, " * 300_000,
        "**" * 500_000,
        "1 = " * 250_000,
        "\\frac{1}" * 120_000,
        " " * 10**6,
        "half of " * 120_000,
        "square root " * 80_000,
    )
    for text in (
        *lines,
        *("\n".join(line[at : at + 80] for at in range(0, len(line), 80)) for line in lines),
    ):
        started = time.perf_counter()
        claims_in(text)
        kind = "lines" if "\n" in text else "one line"
        print(f"{len(text)} characters of {text[:12]!r}, {kind}: {time.perf_counter() - started:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--misses", type=int, default=0)
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--set", choices=SETS, default="single")
    options = parser.parse_args()
    if options.fuzz:
        fuzz(options.fuzz)
        return
    seed = FROZEN if options.frozen or options.set in ("unseen", "sealed", "aside") else DEVELOPMENT
    measure(SETS[options.set](seed, options.count), 0 if seed == FROZEN else options.misses)


if __name__ == "__main__":
    main()
