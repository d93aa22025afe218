"""Python that a reasoning shows with what it claims to print or to return, run in the sandbox to see.

Only what leaves no doubt is read: a fenced Python block, then, with little in between, a fenced output or a
line such as "Output: 15" or "this prints `15`"; or, until the next block, a call of a function that the block
defines with its value: "`f(3)` returns 7", "f(3) = 7", "calling f(3) gives 7". Arguments and value must be
literals. Code that asks for input, looks at the clock or rolls dice is not checkable. Nothing runs unless a
caller asks for it.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

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
_DEFINED = re.compile(r"^def\s+([A-Za-z_]\w*)\s*\(", re.MULTILINE)
_CALL = re.compile(
    r"(?<![\w.])`?(?P<call>(?P<name>[A-Za-z_]\w*)\((?P<arguments>[^()\n]{0,200})\))`?"
    r"\s*(?:,?\s+(?:(?:which|this|it|we|and)\s+)?(?:will\s+|should\s+|would\s+)?(?:return|give|yield|evaluate|produce|"
    r"output|get)s?(?:\s+(?:to|us|the\s+value))?|\s+(?:is|equals|evaluates\s+to|==|→|->)|\s*(?:==?|→|->|\#\s*→?))\s*"
    r"(?:`(?P<quoted>[^`\n]{1,200})`|(?P<bare>-?[0-9][0-9.]*|True|False|None|\[[^\[\]\n]{0,100}\]|"
    r"\"[^\"\n]{0,80}\"|'[^'\n]{0,80}'))(?![\w(\[*/+^-]|\s*[-+*/])"
)
_ASKED = re.compile(
    r"\b(?:if|not|should|want|expect\w*|suppose|wrong|bug|instead|but)\b|n't\b|\?", re.IGNORECASE
)
_UNSURE = re.compile(r"\b(?:input|random|secrets|time|datetime|uuid|argv|open|socket|requests|urllib)\b")


@dataclass(frozen=True, slots=True)
class Program:
    """Code at the characters [start, stop) of a text, claim included, and what it is said to print."""

    start: int
    stop: int
    code: str
    said: str
    value: bool = False
    """Whether the code ends with printing one value, which `said` is as a literal."""


def programs_in(text: str) -> Iterator[Program]:
    """The programs of a text whose output it claims, in order."""
    blocks = list(_BLOCK.finditer(text))
    for block, after in zip_longest(blocks, blocks[1:]):
        yield from _printed(text, block)
        yield from _returned(text, block, after.start() if after else len(text))


def _returned(text: str, block: re.Match[str], stop: int) -> Iterator[Program]:
    """Calls behind a block of the functions it defines, with the values that they are said to have."""
    defined = set(_DEFINED.findall(block["code"]))
    for match in _CALL.finditer(text, block.end(), stop) if defined else ():
        said = (match["quoted"] or match["bare"]).rstrip(".")
        around = (
            text[max(block.end(), match.start() - 80) : match.start()].rpartition("\n")[2].rpartition(". ")[2]
        )
        asked = _ASKED.search(around + text[match.end() : match.end() + 1]) is not None
        if match["name"] in defined and _literal(f"[{match['arguments']}]") and _literal(said) and not asked:
            code = f"{block['code']}\n\nprint()\nprint(repr({match['call']}))"
            yield Program(match.start(), match.end(), code, said, True)


def _literal(text: str) -> bool:
    """Whether a text is a literal: it says what it is wherever it stands."""
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _printed(text: str, block: re.Match[str]) -> Iterator[Program]:
    """A block, if the text behind it tells its output."""
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
        words = joined.text[program.start : program.stop] if program.value else program.code
        head = words.strip().splitlines()[0]
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
    if program.value:
        given = printed[-1] if printed else ""
        return ("ok", "") if _same(given, program.said) else ("wrong", f"it returns {given[:120]}")
    if printed == _lines(program.said):
        return "ok", ""
    shown = " / ".join(printed)
    return "wrong", f"it prints {shown[:120]}" if shown else "it prints nothing"


def _same(given: str, said: str) -> bool:
    """Whether two literals have the same value; decimals as far as they are written."""
    if not _literal(given):
        return given == said
    one, two = ast.literal_eval(given), ast.literal_eval(said)
    if isinstance(one, float) and isinstance(two, int | float) and one != two:
        return abs(one - two) < 10.0 ** -len(said.partition(".")[2]) if "." in said else False
    return bool(one == two)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
