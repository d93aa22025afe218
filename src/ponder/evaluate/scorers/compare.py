"""The child of `symbolic`: reads pairs of answers as JSON lines, says if math-verify finds them equal.

Run as a program only; nobody imports it, so that SymPy is loaded here and nowhere else.
"""

import json
import logging
import re
import sys
from importlib import import_module
from typing import Any

MEMORY_BYTES = 2 << 30
_INTERVAL = re.compile(r"\\infty|∞|\\cup|∪|[\[\]]")
_RELATION = re.compile(r"[<>≤≥]|\\(?:leq?|geq?|lt|gt)\b")


def main() -> None:
    """Answer until standard input ends."""
    logging.disable(logging.CRITICAL)
    _limit_memory()
    verifier = import_module("math_verify")
    _say({"ready": True})
    for line in sys.stdin:
        pair = json.loads(line)
        _say(_compared(verifier, pair["target"], pair["given"]))


def _compared(verifier: Any, target: str, given: str) -> dict[str, bool]:
    """The target goes first: for an inequality math-verify takes an interval, but not the other way round.

    So a target that can only be an interval is asked about that way round as well.
    """
    config = [verifier.LatexExtractionConfig()]
    parsed = [
        # In dollars: without, two different lines are both read as 0 and found equal (Math-Verify issue 60).
        verifier.parse(
            f"${text}$", extraction_config=config, fallback_mode="no_fallback", parsing_timeout=None
        )
        for text in (target, given)
    ]
    readable = bool(parsed[0] and parsed[1])
    same = readable and verifier.verify(*parsed, timeout_seconds=None)
    if readable and not same and _INTERVAL.search(target) and _RELATION.search(given):
        same = verifier.verify(*parsed[::-1], timeout_seconds=None)
    return {"target": bool(parsed[0]), "given": bool(parsed[1]), "same": bool(same)}


def _limit_memory() -> None:
    try:
        resource: Any = import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass  # the deadline holds everywhere


def _say(answer: dict[str, bool]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
