"""What casts doubt on a relation that does not hold: where its sides end, its units, another reading.

A claim is called wrong only where nothing of this is found.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from ponder.check.claim import Claim
from ponder.check.evaluate import NotEvaluated, Piece
from ponder.check.pieces import Run
from ponder.check.relations import Side, holds
from ponder.check.units import unit

_OPERATORS = frozenset("+-*/^!²³√⁄") | {"of", "share", "multiple"}
BEFORE = re.compile(
    r"\b(?:from|than|per|over|squared|cubed|factorial|power|root|mod|modulo|log|ln|sin|cos|tan|sec|csc|"
    r"cot|exp|lim|max|min|base|between|choose|add(?:ing)?|subtract(?:ing)?|multiply(?:ing)?|"
    r"divid(?:e|ing)|remainder|digits?|average|mean|(?:[0-9]+\.)*[0-9]+\s+and|sums?|step|case|equation|line|problem|"
    r"option|question|example|part|figure|chapter|exercise|round|times|plus|minus)\s*$"
    r"|\b(?:add\w*|from|ratio|power|equal|close|compared|root|proportional|multipl\w+|divid\w+|[0-9.]+)\b"
    r"[^.;\n]{0,30}\b(?:to|by)\s*$"
    r"|(?:\b(?:average|mean|median|root|power|factorial|log|max\w*|min\w*|remainder|digits?|square|cube"
    r"|half|third|"
    r"quarter|percent|sum|product|difference|gcd|lcm|multiple|factor|divisor|ratio|times)|[0-9%])\s+of\s*$"
    r"|\bof\s+(?:[0-9.]+,?\s+(?:and\s+)?)+$"
    r"|[^\w\s.,;:!?()\"'…→*#|>-]\s*$|[0-9]\s*(?:[-+*/]|(?<=\s):)\s*\Z|[A-Za-z_0-9]\Z|[0-9][:,]\Z|[)0-9]\s*[-|>*]\s*\Z",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"\b(?:number|ways?|probability|chances?|count|difference|sum|product|total|cost|ratio|odds)\b",
    re.IGNORECASE,
)
SAFE = re.compile(
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
    r"|[(\[]\s*(?:mod|base|~|remainder))|[A-Za-z0-9]|[:,.][0-9]|\n\s*[+×÷/^]| [A-Za-z] ?=[^=]| ?(?:的|年|月"
    r"|日|号|点|倍|分之|余)",
    re.IGNORECASE,
)
_AFTER_UNIT = re.compile(
    r" *(?:[-+*^×÷%!~°²³√±_|@#∘⊕★\x02]|/ *[^A-Za-z ]|(?:\w+ )?than\b|(?:and|plus|minus|or|squared|cubed)\b|"
    r"[(\[]\s*(?:mod|base|~|remainder))|\n\s*[+×÷/^]",
    re.IGNORECASE,
)


def _pure(pieces: list[Piece]) -> bool:
    """Only multiplied and divided, so that units may differ."""
    kinds = {p.kind for p in pieces}
    return not kinds & {"+", "-"} and bool(kinds & {"*", "/", "⁄"})


_MANY = frozenset((
    "pair", "pack", "box", "boxe", "set", "bag", "couple", "score", "gro", "case", "carton", "bundle", "roll",
    "quarter", "dime", "nickel", "penny", "pennie", "half", "team", "row", "group",
))  # fmt: skip


def unlike(left: list[Piece], right: list[Piece]) -> bool:
    """Whether different units may hide a factor: 2 weeks + 3 days = 17, 60 miles/hour × 30 minutes = 30
    miles.

    Nouns that are no units do not: 7 girls + 21 boys = 28 kids.
    """
    said = [_parts(p) for p in left + right if p.kind == "word"]
    if _powers(left) == _powers(right) is not None:
        return False
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


_PER = re.compile(r"\s*/\s*|\s*\bper\s+")


def _parts(piece: Piece) -> list[str]:
    """The unit words of a piece, the first one above the line: "miles/hour", "/pen" has none above."""
    return [_ES.sub("", part).rstrip("s") for part in _PER.split(piece.text.lower().strip())]


_ES = re.compile(r"(?<=x|s)es$|(?<=ch|sh)es$")


def _powers(side: list[Piece]) -> dict[str, int] | None:
    """The power of each unit in a product of quantities, 5 hours/day × 4 days; None for anything else."""
    powers: Counter[str] = Counter()
    above = 1
    for piece in side:
        if piece.kind in ("*", "/"):
            above = -1 if piece.kind == "/" else 1
        elif piece.kind == "word":
            first, *others = _parts(piece)
            powers[first] += above
            powers.subtract(dict.fromkeys(others, above))
        elif piece.kind != "number":
            return None
    return {part: power for part, power in powers.items() if part and power}


def doubted(
    run: Run, claim: Claim, parts: tuple[list[Piece], Piece, list[Piece]], at: int, last: bool
) -> Claim:
    """`claim`, no longer wrong if what stands around leaves room for another reading."""
    left, sign, right = parts
    text, start, stop = run.text, claim.start, claim.stop
    before = text[max(0, start - 60) : start]
    operators = sum(
        p.kind in _OPERATORS or (p.kind == "var" and p.text in "xX")
        for p in [p for p in left[:1] if p.kind != "-"] + left[1:] + right
    ) + sum(p.text.lower() == "dozen" or p.kind == "var" for p in left[1:])
    kinds = [p.kind for p in left if p.kind not in ("%", "word", "var")]
    bare_left = kinds in (["number"], ["-", "number"])
    labelled = bare_left and len(kinds) < len(left) and any(p.kind in _OPERATORS - {"/", "⁄"} for p in right)
    ordering = sign.kind in "<>≤≥"
    doubt = (
        (at == 0 and ">>>" in text[max(0, start - 6) : start])
        or (at == 0 and BEFORE.search(before) is not None)
        or (at == 0 and left[0].kind == "(" and before[-1:].isalnum())
        or (left[0].kind == "+" and at == 0)
        or (left[0].kind in "-*" and at == 0 and _after_words(left, text))
        or (last and (_AFTER_UNIT if right[-1].kind == "word" else _AFTER).match(text, stop) is not None)
        or (sign.text.lower() in ("is", "are") and _LOOSE.search(before) is not None)
        or (not ordering and operators == 0 and claim.kind != "conversion")
        or (labelled and claim.kind != "conversion")
        or _units_unsure(left, right, claim)
        or (bare_left and at == 0 and not SAFE.search(before))
        or _range_count(left, claim)
        or _run_on(left, sign, right)
        or _misread(left, text)
        or any(_holds_otherwise(left, right))
        or _SCIENTIFIC.search(text, start, stop) is not None
        or (claim.kind == "approximation" and _VAGUE.search(text[max(0, start - 60) : stop + 40]) is not None)
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


_SCIENTIFIC = re.compile(r"/ *[0-9.]+ *[×*] *10 *\^")
_VAGUE = re.compile(r"\b(?:rough\w*|ballpark|or so|order of|estimat\w*|back of)\b", re.IGNORECASE)


def _after_words(left: list[Piece], text: str) -> bool:
    """Whether a minus with a space behind it goes on from words: "134 kids - 32 who dance"."""
    start = left[0].start
    spaced = text[start + 1 : start + 2] == " "
    return spaced and bool(re.search(r"[\w)\]}]", text[max(0, start - 8) : start].rpartition("\n")[2]))


_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_ROOT_WORD = re.compile(r"(?:\bsqrt|\broot(?: of)?|√) ?$", re.IGNORECASE)
_LEADS = re.compile(r"\b(?:and|an?) $", re.IGNORECASE)


def _misread(left: list[Piece], text: str) -> bool:
    """Whether a side may not be what it was read as: "1/2 bh", "sqrt 16 + 9", "30 B", "3 [+ 4]"."""
    kinds = [piece.kind for piece in left]
    letters = [p for p in left if p.kind == "word" and len(p.text) < 4 and not _VOWEL.search(p.text)]
    loose = any(
        b.kind == "var"
        and b.text not in "xX"
        and a.kind in ("number", "var", ")")
        and text[b.start - 1] == " "
        for a, b in pairwise(left)
    )
    optional = any(a.text == "[" and b.kind in "+-*/" for a, b in pairwise(left))
    before = text[max(0, left[0].start - 12) : left[0].start]
    words = any(p.kind == "word" and p.text.lower() in ("times", "matrix", "matrices") for p in left)
    return (
        (any(not unit(p.text) for p in letters) or loose or optional or words or "!!" in "".join(kinds))
        or (len(left) > 1 and _ROOT_WORD.search(before) is not None)
        or (kinds[0] == "share" and _LEADS.search(before) is not None)
    )


def _holds_otherwise(left: list[Piece], right: list[Piece]) -> Iterator[bool]:
    """Whether other readings of the left side hold: left to right, ^ as exclusive or, half of all behind."""
    if any(piece.kind in ("word", "var") for piece in left + right):
        return
    said = _value(right)
    if said is None:
        return
    kinds = [piece.kind for piece in left]
    if kinds == ["number", "^", "number"] and all(p.value.denominator == 1 for p in left[::2]):
        yield int(left[0].value) ^ int(left[2].value) == said
    if kinds[0] in ("share", "multiple", "√") and {"+", "-"} & set(kinds):
        at = 2 if kinds[1:2] == ["of"] else 1
        yield _value(left[:at] + _in_brackets(left[at:])) == said
    if kinds[1::2] and set(kinds[1::2]) <= set("+-*/") and set(kinds[::2]) == {"number"} and len(kinds) > 3:
        total = left[0].value
        for sign, piece in zip(kinds[1::2], left[2::2], strict=False):
            if sign == "/" and not piece.value:
                return
            other = {"+": total + piece.value, "-": total - piece.value, "*": total * piece.value}
            total = other[sign] if sign in other else total / piece.value
        yield total == said


def _in_brackets(pieces: list[Piece]) -> list[Piece]:
    return [replace(pieces[0], kind="("), *pieces, replace(pieces[-1], kind=")")]


def _value(pieces: list[Piece]) -> Fraction | None:
    try:
        return Side(pieces).value.value
    except NotEvaluated:
        return None
