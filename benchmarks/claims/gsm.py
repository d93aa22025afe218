"""Solutions that people wrote: the school problems of reasoning-gym (gsm_symbolic), with and without a slip.

Needs `pip install reasoning-gym`. A false one has one number behind an equals sign changed, everything else
stays, so that what follows may contradict it, as after a slip of the pen.
"""

import random
import re

from benchmarks.claims.generate import Case, off

_RESULT = re.compile(r"(?<==)(\s*\$?)([0-9]{1,9})(?![0-9.,:/%]|\s*[-+*/x×%=(])")
_OPERATION = re.compile(r"[0-9)]\s*[A-Za-z/$%]*[^=.\n]*?[-+*/x×]\s*[^=.\n]*=$")


def cases(seed: int, count: int) -> list[Case]:
    """`count` solutions, half of them with a slip in the result of an operation."""
    import reasoning_gym

    rng = random.Random(seed)
    out = []
    for entry in reasoning_gym.create_dataset("gsm_symbolic", size=count, seed=seed):
        text = entry["metadata"]["answer_cot"].partition("####")[0].strip()
        spots = [
            m for m in _RESULT.finditer(text) if _OPERATION.search(text[: m.start()].rpartition("\n")[2])
        ]
        if not spots or rng.random() < 0.5:
            out.append(Case(text, True, "school"))
            continue
        spot = rng.choice(spots)
        slip = f"{spot[1]}{off(rng, int(spot[2]))}"
        out.append(Case(text[: spot.start()] + slip + text[spot.end() :], False, "school"))
    return out
