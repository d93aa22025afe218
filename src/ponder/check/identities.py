"""Expressions said to be equal whatever their variables are: expansions, factorisations, simplifications."""

import re

from ponder.check.claim import Claim, Verdict
from ponder.check.context import stance
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
_SOLVES = re.compile(r"\b(?:solve|equation|set(?:ting)?|when|where|if|roots?|solutions?)\b", re.IGNORECASE)


def identity_claims(text: str, statement: Statement) -> list[Claim]:
    """The claims of one statement that its sides are the same expression."""
    claims = []
    for at, (left, right) in enumerate(zip(statement.terms, statement.terms[1:], strict=False)):
        if statement.relations[at] != "=":
            continue
        claim = _pair(text, statement, at, left, right)
        if claim is not None:
            claims.append(claim)
    return claims


def _pair(text: str, statement: Statement, at: int, left: Term, right: Term) -> Claim | None:
    a, b = left.form, right.form
    if (
        a is None
        or b is None
        or not left.names
        or left.name
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
    fact = "" if same else f"{left.text} is {shown(a)}"
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
    before = text[max(0, left.start - 100) : left.start]
    before = re.split(r"[.!?](?=\s)|\n\s*\n", before)[-1]
    cued = _CUE.search(before) is not None or _CUE_AFTER.match(text[right.stop : right.stop + 60]) is not None
    later = len(statement.terms) > 2 and bool(statement.terms[2].names) and _built(left)
    return (cued and not _SOLVES.search(before)) or later


def _built(side: Term) -> bool:
    """Whether a side has a product or a power of a bracket, something to be rewritten."""
    kinds = [sign.kind for sign in side.signs]
    return "(" in kinds or "⁄" in kinds


def _alike(a: Quotient, b: Quotient) -> bool:
    """Whether a slip may have made the one from the other: they have variables and a term in common."""
    if not b.names or not (a.names >= b.names or b.names >= a.names):
        return False
    one, two = a.below.constant, b.below.constant
    if one is None or two is None:
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
