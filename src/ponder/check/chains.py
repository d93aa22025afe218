"""Relations between expressions: `a op b = c`, chains of them, comparisons, in signs, words or LaTeX.

The plain text is read into pieces; words that are no operators break it into runs; a run is cut at its
relation signs into sides, and each pair of neighbours is one claim. A side that is not an expression is
passed over. A pair is called wrong only where nothing beside it casts doubt on where its sides begin and end.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from ponder.check.claim import Claim, Kind, Verdict, written
from ponder.check.context import stance
from ponder.check.evaluate import MAX_TOKENS, NotEvaluated, Piece
from ponder.check.pieces import RELATIONS, SCALES, Run, runs
from ponder.check.relations import Side, holds
from ponder.check.scope import Known, Scope
from ponder.check.units import unit

_OPERATORS = frozenset("+-*/^!²³√⁄") | {"of", "share", "multiple"}
BEFORE = re.compile(
    r"\b(?:from|than|per|over|squared|cubed|factorial|power|root|mod|modulo|log|ln|sin|cos|tan|sec|csc|"
    r"cot|exp|lim|max|min|base|between|choose|add(?:ing)?|subtract(?:ing)?|multiply(?:ing)?|"
    r"divid(?:e|ing)|remainder|digits?|average|mean|[0-9][0-9.]*\s+and|sums?|step|case|equation|line|problem|"
    r"option|question|example|part|figure|chapter|exercise|round|times|plus|minus)\s*$"
    r"|\b(?:add\w*|from|ratio|power|equal|close|compared|root|proportional|multipl\w+|divid\w+|[0-9.]+)\b"
    r"[^.;\n]{0,30}\b(?:to|by)\s*$"
    r"|(?:\b(?:average|mean|median|root|power|factorial|log|max\w*|min\w*|remainder|digits?|square|cube|half|third|"
    r"quarter|percent|sum|product|difference|gcd|lcm|multiple|factor|divisor|ratio|times)|[0-9%])\s+of\s*$"
    r"|[^\w\s.,;:!?()\"'…→*#|>-]\s*$|[0-9]\s*[-+*/:]\s*$|[A-Za-z_0-9]$|[0-9][:,]$|[)0-9]\s*[-|>*]\s*$",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"\b(?:number|ways?|probability|chances?|count|difference|sum|product|total|cost|ratio|odds)\b",
    re.IGNORECASE,
)
_SAFE = re.compile(
    r"(?:^|[.,;:(\n→]|\b(?:so|since|because|that|and|then|thus|but|therefore|hence|have|get|know|as|indeed|"
    r"means|now|first|next|okay|finally|also|"
    r"clearly|note|number|fraction|decimal|value|actually))\s*$",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r" *(?:(?:more|less|fewer|greater|larger|smaller)(?: \w+){0,3} than\b|(?:times|remainder|rem|with|r|"
    r"plus|minus|"
    r"squared|cubed|over|factorial|to|divided|multiplied|mod|modulo|of(?! (?:them|which|these|those|the)\b)|"
    r"percent|"
    r"or|in(?! (?:total|all|the|a|each|his|her|their|one|this)\b)|choose|away|too)\b"
    r"|and (?:a|[0-9]+|\w+ (?:half|third|quarter))\b|x *[0-9(]|[-+*/^×÷%!~°²³√±_|@#∘⊕★\x02]"
    r"|[(\[]\s*(?:mod|base|~|remainder))|[A-Za-z0-9]|[:,.][0-9]|\n\s*[+×÷/^]",
    re.IGNORECASE,
)
_AFTER_UNIT = re.compile(
    r" *(?:[-+*^×÷%!~°²³√±_|@#∘⊕★\x02]|/ *[^A-Za-z ]|(?:\w+ )?than\b|(?:and|plus|minus|or|squared|cubed)\b|"
    r"[(\[]\s*(?:mod|base|~|remainder))|\n\s*[+×÷/^]",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"⁄ ?\{ ?([0-9.]+) ?\} ?\{ ?([0-9.]+) ?\}")


def chain_claims(text: str, scope: Scope) -> Iterator[Claim]:
    """The relations that a plain text claims; `scope` knows the variables it may use."""
    for run in runs(text):
        yield from _claims_of(run, scope.at(run.pieces[0].start))


def _claims_of(run: Run, known: Mapping[str, Known]) -> Iterator[Claim]:
    if len(run.pieces) > 4 * MAX_TOKENS:
        return
    sides: list[list[Piece]] = [[]]
    signs: list[Piece] = []
    for piece in run.pieces:
        if piece.kind in RELATIONS:
            signs.append(piece)
            sides.append([])
        else:
            sides[-1].append(piece)
    for at, sign in enumerate(signs):
        left, right = sides[at], sides[at + 1]
        if left and right and len(left) + len(right) <= MAX_TOKENS:
            claim = None
            if at == 0 and _bullet(run.text, left):
                claim = _judged(run, left[1:], sign, right, known)
                left = left if claim is None or claim.verdict == "wrong" else left[1:]
            if claim is None or claim.verdict != "ok":
                again = _judged(run, left, sign, right, known)
                claim = again if again is None or again.verdict == "ok" or claim is None else claim
            if claim is not None:
                last = at + 1 == len(signs)
                yield (
                    claim if claim.verdict != "wrong" else _doubted(run, claim, (left, sign, right), at, last)
                )


def _bullet(text: str, left: list[Piece]) -> bool:
    """Whether the side begins with a "-" or "*" that may mark an item of a list."""
    if len(left) < 2 or left[0].kind not in "-*" or left[1].start == left[0].stop:
        return False
    return not text[max(0, left[0].start - 8) : left[0].start].rpartition("\n")[2].strip()


def _judged(
    run: Run, left: list[Piece], sign: Piece, right: list[Piece], known: Mapping[str, Known]
) -> Claim | None:
    start, stop = left[0].start, right[-1].stop
    names = [p.text for p in left + right if p.kind in ("word", "var") and p.text.lower() not in SCALES]
    dimensions = {found[0] for name in names if (found := unit(name)) is not None and name != "x"}
    converted = len({name.lower().rstrip("s") for name in names}) > 1 and len(dimensions) == 1
    converted = converted and all(unit(name) for name in names)
    if len(left) == 1 and left[0].kind == "var":
        return None  # an assignment
    try:
        base = min(found[1] for name in names if (found := unit(name))) if converted else Fraction(0)
        a, b = (Side(_resolved(side, known, base)) for side in (left, right))
    except NotEvaluated:
        return None
    meant = stance(run.text, start, stop)
    if meant == "not claimed":
        return None
    verdict: Verdict = holds(a, sign.kind, b)
    if verdict == "wrong" and _percent_dropped(a, sign.kind, b):
        verdict = "ok"
    unlike = not converted and _unlike(left, right)
    if verdict == "wrong" and (meant == "doubtful" or unlike):
        verdict = "undecided"
    kind: Kind = "conversion" if converted else "equality" if sign.kind == "=" else "comparison"
    kind = "approximation" if sign.kind == "≈" else kind
    last = unit(right[-1].text) if converted else None
    value = written(a.value.value * base / last[1] if last else a.value.value, a.value.exact)
    value += f" {right[-1].text}" if last else ""
    texts = (_normal(run.text, left), _normal(run.text, right))
    used = {p.text: known[p.text] for p in left + right if p.kind == "var" and p.text in known}
    if verdict == "wrong" and not all(_trusted(run.text, (start, stop), *pair) for pair in used.items()):
        verdict = "undecided"
    with_ = ", ".join(f"{name} = {written(one.value)}" for name, one in sorted(used.items()))
    fact = f"{texts[0]} is {value}" + (f" with {with_}" if with_ else "")
    rests = tuple(sorted({one.start for one in used.values()}))
    return Claim(start, stop, kind, *texts, verdict, "" if verdict == "ok" else fact, rests)


_FOLLOWS = re.compile(
    r"(?:\b(?:so|thus|hence|therefore|then|finally|is|are|gives?|get|substitut\w+|plug\w*|check|verify|total|have)\b|"
    r"→|∴|所以|因此|则|故|=)[^\n.;?,=]{0,24}$",
    re.IGNORECASE,
)


def _trusted(text: str, span: tuple[int, int], name: str, known: Known) -> bool:
    """Whether a contradiction to the value of a variable is an error, and no new beginning.

    Where the variable gets a value at once, what was read is the equation that gives it.
    """
    start, stop = span
    if not known.firm or re.match(rf"[^.\n]{{0,40}}(?<![A-Za-z]){name}\s*(?:=|\n|$)", text[stop : stop + 60]):
        return False
    near = start - known.start < _FAR
    return known.said or (near and _FOLLOWS.search(text[max(0, start - 80) : start]) is not None)


_FAR = 1500


def _normal(text: str, pieces: list[Piece]) -> str:
    spaced = " ".join(text[pieces[0].start : pieces[-1].stop].replace("\x01", "").split())
    return _FRACTION.sub(r"\1/\2", spaced).replace("⁄", "frac")


def _pure(pieces: list[Piece]) -> bool:
    """Only multiplied and divided, so that units may differ."""
    kinds = {p.kind for p in pieces}
    return not kinds & {"+", "-"} and bool(kinds & {"*", "/", "⁄"})


_MANY = frozenset((
    "pair", "pack", "box", "boxe", "set", "bag", "couple", "score", "gro", "case", "carton", "bundle", "roll",
    "quarter", "dime", "nickel", "penny", "pennie", "half", "team", "row", "group",
))  # fmt: skip


def _unlike(left: list[Piece], right: list[Piece]) -> bool:
    """Whether different units may hide a factor: 2 weeks + 3 days = 17, 60 miles/hour × 30 minutes = 30
    miles.

    Nouns that are no units do not: 7 girls + 21 boys = 28 kids.
    """
    said = [
        [part.strip().rstrip("s") for part in p.text.lower().split("/")]
        for p in left + right
        if p.kind == "word"
    ]
    pure, rates = _pure(left), {tuple(parts[1:]) for parts in said if len(parts) > 1}
    words = {part for parts in said for part in (parts if pure or len(rates) > 1 else parts[:1])}
    if len(words) < 2:
        return False
    measures = [
        "time" if word in ("year", "month", "decade") else found[0] if (found := unit(word)) else ""
        for word in words
    ]
    kinds = [kind for kind in measures if kind]
    if len(set(kinds)) < len(kinds):
        return True
    if not pure and len(right) > 1 and any(p.kind in _OPERATORS for p in right[1:]):
        return True
    return not pure and (len(set(kinds)) > 1 or bool(words & _MANY))


def _percent_dropped(left: Side, sign: str, right: Side) -> bool:
    """20/50 × 100 = 40 %: the sign is a unit there."""
    for a, b in ((left, right), (right, left)):
        if b.bare and b.percent:
            bare = Side([piece for piece in b.pieces if piece.kind != "%"])
            pair = (a, bare) if a is left else (bare, a)
            if holds(pair[0], sign, pair[1]) == "ok":
                return True
    return False


def _resolved(side: list[Piece], known: Mapping[str, Known], base: Fraction) -> list[Piece]:
    """The side with variables replaced by values, x between numbers by ×, and units dropped, or applied as
    multiples of `base` if that is not 0.
    """
    out: list[Piece] = []
    for at, piece in enumerate(side):
        before = out[-1].kind if out else ""
        after = side[at + 1].kind if at + 1 < len(side) else ""
        measure = unit(piece.text) if piece.kind in ("word", "var") and before == "number" else None
        if piece.kind in ("^", "²", "³") and side[at - 1].kind == "word":
            raise NotEvaluated("a power of a unit")
        scale = SCALES.get(piece.text.lower()) if piece.kind == "word" and before == "number" else None
        if scale is not None:
            out[-1] = replace(out[-1], value=out[-1].value * scale, places=0)
        elif base and measure is not None:
            top = -3 if [p.kind for p in out[-3:]] == ["number", "/", "number"] else -1
            out[top] = replace(out[top], value=out[top].value * measure[1] / base, places=0)
        elif (
            piece.kind == "var"
            and piece.text in "xX"
            and before in ("number", ")")
            and after in ("number", "(")
        ):
            out.append(replace(piece, kind="*"))
        elif piece.kind == "var":
            if piece.text not in known or after == "(":
                raise NotEvaluated("a variable")
            out += [replace(piece, kind="*")] if before in ("number", ")") else []
            out.append(replace(piece, kind="number", value=known[piece.text].value))
        elif piece.kind != "word":
            if base and piece.kind == "number" and before == "number":
                out.append(replace(piece, kind="+"))
            out.append(piece)
    return out


def _doubted(
    run: Run, claim: Claim, parts: tuple[list[Piece], Piece, list[Piece]], at: int, last: bool
) -> Claim:
    """`claim`, no longer wrong if what stands around leaves room for another reading."""
    left, sign, right = parts
    text, start, stop = run.text, claim.start, claim.stop
    before, worded = text[max(0, start - 60) : start], sign.text[0].isalpha()
    operators = sum(
        p.kind in _OPERATORS or (p.kind == "var" and p.text in "xX")
        for p in [p for p in left[:1] if p.kind != "-"] + left[1:] + right
    ) + sum(p.text.lower() == "dozen" for p in left)
    kinds = [p.kind for p in left if p.kind not in ("%", "word", "var")]
    bare_left = kinds in (["number"], ["-", "number"])
    labelled = bare_left and len(kinds) < len(left) and any(p.kind in _OPERATORS - {"/", "⁄"} for p in right)
    ordering = sign.kind in "<>≤≥"
    doubt = (
        (at == 0 and BEFORE.search(before) is not None)
        or (at == 0 and left[0].kind == "(" and before[-1:].isalnum())
        or (left[0].kind == "+" and at == 0)
        or (last and (_AFTER_UNIT if right[-1].kind == "word" else _AFTER).match(text, stop) is not None)
        or (worded and _LOOSE.search(before) is not None)
        or (not ordering and operators == 0 and claim.kind != "conversion")
        or (labelled and claim.kind != "conversion")
        or _units_unsure(left, right, claim)
        or (bare_left and at == 0 and not _SAFE.search(before))
        or _range_count(left, claim)
        or _run_on(left, sign, right)
        or (len(left) > 2 and any(p.kind == "√" and len(p.text) > 1 for p in left[:1]) and operators > 1)
    )
    return replace(claim, verdict="undecided") if doubt else claim


def _units_unsure(left: list[Piece], right: list[Piece], claim: Claim) -> bool:
    """52 weeks × 7 = 364 days, 50 cents × 4 = $2: a factor or the right side has a unit that is not said."""
    words = {p.text.lower() for p in left if p.kind == "word"}
    unsaid = not any(p.kind in ("word", "var") for p in right)
    scaled = any(p.kind == "*" for p in left + right)
    return (claim.kind == "conversion" and (scaled or unsaid)) or (unsaid and bool(words & {"cent", "cents"}))


def _range_count(left: list[Piece], claim: Claim) -> bool:
    """10-20 may be a range."""
    return (
        [p.kind for p in left] == ["number", "-", "number"]
        and " " not in claim.left
        and left[0].value < left[2].value
    )


def _run_on(left: list[Piece], sign: Piece, right: list[Piece]) -> bool:
    """3 + 4 = 7 × 2 = 14: the first number answers the left side, the rest goes on."""
    if len(right) < 3:
        return False
    try:
        return holds(Side([p for p in left if p.kind != "word"]), sign.kind, Side(right[:1])) == "ok"
    except NotEvaluated:
        return False
