"""Expressions said to be equal whatever their variables are: expansions, factorisations, simplifications."""

import re
from itertools import pairwise

from ponder.check.claim import Claim, Verdict, written
from ponder.check.context import stance
from ponder.check.definitions import Functions, is_head
from ponder.check.evaluate import NotEvaluated
from ponder.check.polynomial import Quotient
from ponder.check.statements import Statement, Term

_CUE = re.compile(
    r"\b(?:expand\w*|expansion|multiply(?:ing)? out|multiplied out|foil|distribut\w*|factor(?:s|ed|ing|"
    r"i[sz]\w+)?|"
    r"simplif\w*|combin\w+|like terms|identity|identities|formula|difference of (?:two )?squares|rewrit\w+|"
    r"collect\w*|perfect square|completing the square)\b|展开|化简|因式分解|分解|恒等",
    re.IGNORECASE,
)
_CUE_AFTER = re.compile(
    r"^[\s.,;)\]]*(?:\(?\s*(?:by|using|after|via|from)\b[^.\n]{0,30}\b(?:law|formula|factor\w*|simplif\w*|"
    r"expan\w*|distribut\w*|foil|identity)\b|\(?\s*difference of|(?:is|,) an identity|for all\b)",
    re.IGNORECASE,
)
_OPENS = re.compile(r":\s*\n\s*")
"""A colon that opens a display."""
_NO_SOLUTION = re.compile(
    r"\bno (?:real )?(?:solution|such|value|integer)|contradict|impossible|\bnever\b|inconsistent|parallel|≠|"
    r"\bfalse\b|\bnot\b|n't\b|\?",
    re.IGNORECASE,
)
_SOLVES = re.compile(r"\b(?:solve|equation|set(?:ting)?|when|where|if|roots?|solutions?)\b", re.IGNORECASE)


def identity_claims(text: str, statement: Statement) -> list[Claim]:
    """The claims of one statement that its sides are the same expression."""
    claims = []
    for at, (left, right) in enumerate(pairwise(statement.terms)):
        if statement.relations[at] != "=":
            continue
        claim = _pair(text, statement, at, left, right)
        if claim is not None:
            claims.append(claim)
    return claims


def value_claims(text: str, statement: Statement, functions: Functions) -> list[Claim]:
    """The claims of one statement about values of functions that the text defined: f(3) = 10."""
    claims = []
    for at, (left, right) in enumerate(pairwise(statement.terms)):
        a, b = (side.form.constant if side.form else None for side in (left, right))
        if not left.calls or a is None or b is None or statement.relations[at] != "=":
            continue
        meant = stance(text, left.start, right.stop)
        gap = abs(a - b)
        close = gap * 10**right.places < 1 if right.bare and right.places else gap == 0
        if meant == "not claimed":
            continue
        alone = [sign.kind for sign in left.signs].count("call") == 1 and left.signs[0].kind == "call"
        sure = meant == "claimed" and not statement.open_left and not statement.open_right
        sure = sure and (alone or functions.sure(left.signs)) and not right.calls
        if not close:
            functions.doubt(left.signs)
        verdict: Verdict = "ok" if close else "wrong" if sure else "undecided"
        fact = "" if close else f"{left.text} is {written(a)}"
        claims.append(Claim(left.start, right.stop, "equality", left.text, right.text, verdict, fact))
    return claims


def _pair(text: str, statement: Statement, at: int, left: Term, right: Term) -> Claim | None:
    a, b = left.form, right.form
    if (
        a is None
        or b is None
        or not left.names
        or left.name
        or is_head(left.signs)
        or (right.name and not _rewritten(statement, at))
    ):
        return None
    try:
        same = a.same(b)
    except NotEvaluated:
        return None
    meant = stance(text, left.start, right.stop)
    if left.text.replace(" ", "") == right.text.replace(" ", "") or (meant == "not claimed" and not same):
        return None
    if not same and not _identical(text, statement, at):
        return None
    verdict: Verdict = "ok"
    if not same:
        last = at + 2 == len(statement.terms)
        opened = (at == 0 and statement.open_left) or (last and statement.open_right)
        verdict = "undecided" if meant == "doubtful" or opened or not _alike(a, b) else "wrong"
    plainly = shown(a).replace(" ", "") == left.text.replace(" ", "")
    fact = "" if same else f"{right.text} is {shown(b)}" if plainly else f"{left.text} is {shown(a)}"
    return Claim(left.start, right.stop, "identity", left.text, right.text, verdict, fact)


def _rewritten(statement: Statement, at: int) -> bool:
    return at > 0 or statement.becomes


def _identical(text: str, statement: Statement, at: int) -> bool:
    """Whether a rewriting is meant, and no equation that holds for some values only."""
    left, right = statement.terms[at], statement.terms[at + 1]
    if statement.becomes:
        return True
    if not right.names:
        return False
    if at > 0:
        return True
    before = _OPENS.sub(": ", text[max(0, left.start - 100) : left.start])
    before = re.split(r"[.!?](?=\s)|\n\s*\n", before)[-1]
    cued = _CUE.search(before) is not None or _CUE_AFTER.match(text[right.stop : right.stop + 60]) is not None
    later = len(statement.terms) > 2 and bool(statement.terms[2].names) and _built(left)
    near = _built(left) and not _built(right) and _one_apart(left, right)
    if near or _never(left, right):
        around = before + text[right.stop : right.stop + 160]
        near = not _SOLVES.search(before) and not _NO_SOLUTION.search(around)
        cued = cued or near
    return (cued and not _SOLVES.search(before)) or later


def _never(left: Term, right: Term) -> bool:
    """Whether the sides differ by the same number whatever the variables are: x² + 2 - 5 = x² + 3."""
    gap = left.form - right.form if left.form and right.form else None
    return gap is not None and not gap.names and len(left.signs) > 3


def _one_apart(left: Term, right: Term) -> bool:
    """Whether both have the same three or more terms, with one coefficient that differs: no equation that
    anyone sets up, but a slip in expanding.
    """
    if left.form is None or right.form is None or not (a := left.form.below.constant):
        return False
    if not (b := right.form.below.constant):
        return False
    one, two = left.form.above.terms, right.form.above.terms
    gaps = [monomial for monomial in one if one[monomial] / a != two.get(monomial, 0) / b]
    return len(one) > 2 and one.keys() == two.keys() and len(gaps) == 1


def _built(side: Term) -> bool:
    """Whether a side has a product or a power of a bracket, something to be rewritten."""
    kinds = [sign.kind for sign in side.signs]
    return "(" in kinds or "⁄" in kinds


def _alike(a: Quotient, b: Quotient) -> bool:
    """Whether a slip may have made the one from the other: they have variables and a term in common."""
    if not b.names or not (a.names >= b.names or b.names >= a.names):
        return False
    one, two = a.below.constant, b.below.constant
    if one is None or two is None or a.above.terms.keys() == b.above.terms.keys():
        return True
    return any(
        monomial and b.above.terms.get(monomial) == coefficient / one * two
        for monomial, coefficient in a.above.terms.items()
    )


def shown(form: Quotient) -> str:
    """A quotient as people write it, highest powers first."""
    below = form.below.constant
    if below is None:
        return f"({_sum(form)})/({_sum(Quotient(form.below))})"
    return _sum(form)


def _sum(form: Quotient) -> str:
    scale = form.below.constant or 1
    parts: list[str] = []
    ordered = sorted(form.above.terms.items(), key=lambda t: (-sum(p for _, p in t[0]), t[0]))
    for monomial, coefficient in ordered[:12]:
        value = coefficient / scale
        letters = "".join(name + (f"^{power}" if power > 1 else "") for name, power in monomial)
        size = abs(value)
        number = str(size) if size.denominator == 1 or not letters else f"({size})"
        said = letters if letters and size == 1 else number + letters
        parts.append(("- " if value < 0 else "+ " if parts else "") + said)
    return " ".join(parts) or "0"
