"""Does llama.cpp's n-gram speculation pay on reasoning text? Each kind against none, in turn, greedy.

    python benchmarks/speculation.py [--model NAME|FILE] [--tokens 256] [--rounds 3]

Three texts: a reasoning from its beginning; an answer that says again what a long reasoning said; a re-run
of a branch whose earlier version is in the prompt. Speculation is lossless: the tokens must be the same, and
the script counts where they are not (batches of another size round differently).
"""

import argparse
import statistics
from collections.abc import Sequence

from ponder.core.events import Sampled
from ponder.core.request import Message, Sampling
from ponder.engine.protocol import Engine, Prompt, ids_of
from ponder.opened import Options, open_model

KINDS = ("ngram-simple", "ngram-map-k", "ngram-map-k4v", "ngram-mod", "ngram-cache")
QUESTION = "Natalia sold clips to 48 friends in April and half as many in May. How many did she sell? Think."
LATER = (
    "Natalia sold 48 clips in April. In May she sold half as many as in April, that is 48 / 2 = 24 clips. "
    "To find the total, add the clips of April and the clips of May: 48 + 24 = 72. So she sold 72 clips. "
)
TEXTS = {
    "reasoning": "",
    "answer after it": LATER * 2 + "\n\nSo, to say it again step by step:\n",
    "branch run again": LATER + "\n\nWait, let me check that once more from the start.\n\n",
}


def decode(engine: Engine, prompt: Prompt, text: str, tokens: int) -> tuple[float, list[int]]:
    """Tokens per second after the first, and the ids."""
    before = ids_of(engine.tokenize(text, control=False)) if text else []
    greedy = Sampling(0.0, 1.0, 40, 0.0, 1, tokens, logit_bias=((2, -100.0),))
    got = [e for e in engine.stream(prompt, before, greedy, since=0.0) if isinstance(e, Sampled)]
    return (len(got) - 1) / (got[-1].time_s - got[0].time_s), [token.id or 0 for token in got]


def compare(model: str, kind: str, tokens: int, rounds: int) -> list[str]:
    """One row for each text: the median ratio of speeds, kind / none, and how many tokens agree."""
    engines = [open_model(model, Options(n_ctx=4096, speculation=name)).engine for name in ("none", kind)]
    rows = []
    for name, text in TEXTS.items():
        prompts = [engine.prompt([Message("user", QUESTION)], think=True, tags=None) for engine in engines]
        ratios, same = [], 0
        for _ in range(rounds):
            (plain, expected), (fast, ids) = (
                decode(engine, prompt, text, tokens) for engine, prompt in zip(engines, prompts, strict=True)
            )
            ratios.append(fast / plain)
            same = agreement(expected, ids)
        rows.append(f"| {kind} | {name} | {statistics.median(ratios):.2f} | {same} of {tokens} |")
    for engine in engines:
        engine.close()
    return rows


def agreement(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens are the same before the first difference."""
    return next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2:135m")
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    print("| speculation | text | speed against none | same tokens |\n|---|---|---:|---:|")
    for kind in KINDS:
        print("\n".join(compare(wanted.model, kind, wanted.tokens, wanted.rounds)), flush=True)


if __name__ == "__main__":
    main()
