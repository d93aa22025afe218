"""Whether a program is right: it is run with its tests in the sandbox, and must come to their very end."""

import re
import secrets

from ponder.check.sandbox import Limits, Ran, run_python
from ponder.evaluate.problem import Tests
from ponder.evaluate.scorers.verdict import Verdict

LIMITS = Limits(cpu_s=10.0, wall_s=20.0)
_BLOCK = re.compile(r"```(?:python3?|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL | re.IGNORECASE)


def judge_program(text: str, tests: Tests, limits: Limits = LIMITS) -> Verdict:
    """The verdict on the program that `text` shows; raises AbilityError where there is no sandbox.

    A program that ends the process before its tests have ended has not passed them: a word that it does not
    know is printed after the last one.
    """
    code = program_in(text, tests.entry)
    if not code:
        return Verdict("wrong", "found", "", "", "it shows no program")
    if tests.pairs:
        return _by_pairs(code, tests, limits)
    word = secrets.token_hex(16)
    body = bool(tests.head) and f"def {tests.entry}" not in code
    parts = ["_word = input()", *([tests.head + code] if body else [tests.before, code])]
    parts += [tests.code, "print(_word)"]
    ran = run_python("\n\n".join(parts), word + "\n", limits)
    passed = ran.ok and ran.stdout.endswith(f"{word}\n")
    return Verdict("right" if passed else "wrong", "program", code, "block", "" if passed else _why(ran))


def program_in(text: str, entry: str = "") -> str:
    """The last Python block that defines `entry`, else the last one, else a text that does; "" for none."""
    blocks = [block for block in _BLOCK.findall(text) if block.strip()]
    defining = [block for block in blocks if entry and re.search(rf"\bdef\s+{re.escape(entry)}\b", block)]
    if defining or blocks:
        return str((defining or blocks)[-1])
    return text if entry and re.search(rf"^\s*def\s+{re.escape(entry)}\b", text, re.MULTILINE) else ""


def _by_pairs(code: str, tests: Tests, limits: Limits) -> Verdict:
    for number, (given, wanted) in enumerate(tests.pairs, 1):
        ran = run_python(code, given, limits)
        if not ran.ok or ran.stdout.split() != wanted.split():
            why = _why(ran) if not ran.ok else f"it prints {ran.stdout.strip()[:60]!r}"
            return Verdict("wrong", "program", code, "block", f"test {number} of {len(tests.pairs)}: {why}")
    return Verdict("right", "program", code, "block")


def _why(ran: Ran) -> str:
    if ran.stopped:
        return "it did not end in time" if ran.stopped == "time" else "it printed too much"
    last = ran.stderr.strip().splitlines()[-1:]
    return last[0][:120] if last else "it ended before its tests did"
