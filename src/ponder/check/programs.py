"""Python that a reasoning shows together with what it claims to print, run in the sandbox to see.

Only what leaves no doubt is read: a fenced Python block, then, with little in between, a fenced output or a
line such as "Output: 15" or "this prints `15`". Code that asks for input, looks at the clock or rolls dice is
not checkable. Nothing runs unless a caller asks for it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from ponder.check.claim import Claim, Verdict
from ponder.check.joined import Joined
from ponder.check.sandbox import Ran
from ponder.check.verdicts import Finding
from ponder.core.trace import Trace

MOST_RUNS = 40
"""Blocks that are run of one trace at most."""
_BLOCK = re.compile(r"```(?:python3?|py)[ \t]*\n(?P<code>.{1,8000}?)\n?```", re.DOTALL | re.IGNORECASE)
_SAYS = r"(?:the |its |this |it |will |would |should |code |program |script |above )*"
_FENCED = re.compile(
    rf"\s*(?:\W{{0,3}}{_SAYS}(?:output|prints?|result)[^\n`]{{0,40}}:?\W{{0,4}}\n+)"
    r"```(?:text|output|plaintext|console)?[ \t]*\n(?P<said>.{0,2000}?)\n?```",
    re.DOTALL | re.IGNORECASE,
)
_INLINE = re.compile(
    rf"\s*\W{{0,3}}{_SAYS}(?:output|outputs|prints?)\W{{0,3}}(?:is|are|:)?\W{{0,3}}[ \t]*"
    r"(?:`(?P<quoted>[^`\n]{1,200})`|(?P<bare>-?[0-9][0-9.,]{0,30}|True|False|None)(?=[\s.,;]|$))",
    re.IGNORECASE,
)
_UNSURE = re.compile(r"\b(?:input|random|secrets|time|datetime|uuid|argv|open|socket|requests|urllib)\b")


@dataclass(frozen=True, slots=True)
class Program:
    """Code at the characters [start, stop) of a text, claim included, and what it is said to print."""

    start: int
    stop: int
    code: str
    said: str


def programs_in(text: str) -> Iterator[Program]:
    """The programs of a text whose output it claims, in order."""
    for block in _BLOCK.finditer(text):
        after = text[block.end() : block.end() + 2400]
        claim = _FENCED.match(after) or _INLINE.match(after)
        if claim is not None:
            said = next(group for group in claim.groupdict().values() if group is not None)
            said = said.rstrip(".,") if claim.groupdict().get("bare") else said
            yield Program(block.start(), block.end() + claim.end(), block["code"], said)


def code_findings(trace: Trace, run: Callable[[str], Ran]) -> tuple[Finding, ...]:
    """The code claims of a trace, each at the step of its code; `run` is `ponder.check.sandbox.run_python`.

    What a program is said to print may stand in the step after it. Raises AbilityError where the sandbox
    cannot be had.
    """
    joined = Joined(trace)
    findings = []
    for program in islice(programs_in(joined.text), MOST_RUNS):
        verdict, evidence = _judged(program, run)
        head = program.code.strip().splitlines()[0]
        claim = Claim(program.start, program.stop, "code", head, program.said.strip(), verdict, evidence)
        findings.append(Finding(*joined.local(claim)))
    return tuple(findings)


def _judged(program: Program, run: Callable[[str], Ran]) -> tuple[Verdict, str]:
    if _UNSURE.search(program.code):
        return "not checkable", "it depends on more than its text"
    ran = run(program.code)
    printed = _lines(ran.stdout)
    if ran.stopped or not ran.ok:
        last = ran.stderr.strip().splitlines()[-1:] or ["no message"]
        return "undecided", "it did not end" if ran.stopped else f"it fails here: {last[0][:80]}"
    if printed == _lines(program.said):
        return "ok", ""
    shown = " / ".join(printed)
    return "wrong", f"it prints {shown[:120]}" if shown else "it prints nothing"


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
