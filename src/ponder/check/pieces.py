"""Reading plain text as pieces of mathematics, and pieces as runs that may hold a relation.

Words that are operators or relations become their signs, spelled numbers numbers; a word behind a number is
its unit; any other word, punctuation or the end of a line breaks the run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from ponder.check.evaluate import NUMBER, NotEvaluated, Piece, number
from ponder.check.units import unit

RELATIONS = frozenset("=≈<>≤≥≠")
_ROUGHLY = r"(?:approximately|approx\.?|about|roughly|around|nearly|close to)"
_WORDS = {
    "≈": rf"(?:is|are|equals|gives|=)\s+{_ROUGHLY}(?![a-z])|{_ROUGHLY}\s+(?:equal(?:s| to)?|equals)\b",
    ">": r"is\s+(?:strictly\s+)?(?:greater|larger|more|bigger)\s+than\b",
    "<": r"is\s+(?:strictly\s+)?(?:less|smaller|fewer)\s+than\b",
    "≥": r"is\s+at\s+least\b",
    "≤": r"is\s+at\s+most\b",
    "=": r"(?:(?:,\s*|\b)which\s+(?:is|equals|gives|makes|comes\s+to)|is\s+equal\s+to|equals|equal\s+to|is|"
    r"gives(?:\s+(?:us|me|a\s+total\s+of))?|makes|yields|(?:comes(?:\s+out)?|works\s+out|amounts"
    r"|evaluates)\s+to|"
    r"turns\s+out\s+to\s+be|results\s+in)\b|(?:等于|得到|得出|结果是)",
    "+": r"plus\b|加上?",
    "-": r"minus\b|减去?",
    "*": r"(?:times|multiplied\s+by)\b|乘以?",
    "/": r"(?:divided\s+by|out\s+of)\b|除以",
    "²": r"squared\b|的平方(?!根)",
    "³": r"cubed\b|的立方",
    "^": r"(?:raised\s+)?to\s+the\s+power\s+(?:of\b)?",
    "%": r"per\s?cent\b",
    "of": r"of\b",
    "√": r"(?:the\s+)?square\s+root\s+of\b",
    "share": r"(?:(?:one|a|two|three|four|five)[ -]"
    r"(?:half|third|quarter|fourth|fifth|sixth|eighth|tenth)s?|half)\b",
    "multiple": r"(?:twice|double|triple|thrice)\b",
}
_GROUPS = {f"w{i}": kind for i, kind in enumerate(_WORDS)}
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SPELLED = {word: value for value, word in enumerate(_SMALL)} | {
    word: 10 * (tens + 2) for tens, word in enumerate(_TENS)
}
SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "dozen": 12,
}
_PIECE = re.compile(
    rf"(?P<number>{NUMBER})"
    + "".join(rf"|(?<![A-Za-z])(?P<w{i}>(?:{pattern}))" for i, pattern in enumerate(_WORDS.values()))
    + rf"|(?<![A-Za-z])(?P<compound>(?:{'|'.join(_TENS)})[- ](?:{'|'.join(_SMALL[1:10])})\b)"
    + r"|(?P<word>[A-Za-z]{2,}(?:(?: ?/ ?|\sper\s)[A-Za-z]{2,}(?![A-Za-z(]))+"
    r"|(?<=[0-9])(?: ?/ ?|\sper\s(?!cent))[A-Za-z]{2,}(?![A-Za-z(])|[A-Za-z]+)"
    r"|(?P<break>→|[=-]{1,4}>|\+=|:=|\.\.\.)|(?P<rel><=|>=|==|!=)"
    r"|(?P<line>\n)|(?P<sign>[^\s\x01])",
    re.IGNORECASE,
)
_SAME = {
    "×": "*",
    "÷": "/",
    "[": "(",
    "{": "(",
    "]": ")",
    "}": ")",
    "<=": "≤",
    ">=": "≥",
    "==": "=",
    "!=": "≠",
}
OPERANDS = frozenset("+-*/^!%()²³√⁄π") | RELATIONS
_NO_UNIT = frozenset((
    "and", "or", "am", "pm",
    "so", "then", "but", "because", "since", "which", "that", "with", "when", "if", "is",
    "are", "was", "the", "a", "an", "not", "to", "from", "by", "per", "more", "less", "fewer",
    "greater", "remainder", "rem", "plus", "minus", "in", "as", "on", "at", "we", "i", "it", "this",
    "for", "where", "while", "wait", "let", "thus", "hence", "therefore", "mod", "modulo", "over",
    "correct", "right", "choose", "can", "could", "would", "will", "should", "cannot", "too", "instead",
    "here", "there", "carry", "carrying", "now", "no",
    "yes", "hmm", "again", "still", "exactly", "each", "also",
    "only", "approximately", "about", "roughly", "respectively", "total", "altogether",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces between two breaks, in the plain text they come from."""

    text: str
    pieces: tuple[Piece, ...]


def runs(text: str) -> Iterator[Run]:
    """The runs of a plain text that hold a relation sign."""
    run: list[Piece] = []
    pending: Piece | None = None
    for match in _PIECE.finditer(text):
        piece = _piece(match)
        if piece.kind == "line":
            pending = piece
            continue
        joined = piece.kind in RELATIONS or (bool(run) and run[-1].kind in RELATIONS)
        if (pending is not None and not joined) or not _belongs(piece, run, text) or _heads(piece, run, text):
            if any(p.kind in RELATIONS for p in run):
                yield Run(text, tuple(run))
            run = []
        pending = None
        if (
            piece.kind in OPERANDS
            or piece.kind in ("number", "share", "multiple", "var")
            or (piece.kind in ("word", "of") and run and _belongs(piece, run, text))
        ):
            run.append(piece)
    if any(p.kind in RELATIONS for p in run):
        yield Run(text, tuple(run))


_HEAD = re.compile(r"\s*(?:=(?!=)|:(?!=))")


def _heads(piece: Piece, run: list[Piece], text: str) -> bool:
    """Whether a letter begins what comes next, "= 30 B: 25", and is no factor of what stands before."""
    if piece.kind != "var" or not run or text[piece.start - 1] != " " or run[-1].kind in RELATIONS:
        return False
    operand = run[-1].kind in ("number", ")", "var", "word") and any(p.kind in RELATIONS for p in run)
    return operand and _HEAD.match(text, piece.stop) is not None


def _belongs(piece: Piece, run: list[Piece], text: str) -> bool:
    """Whether a piece can go on with the run; a word does as the unit of a number."""
    if piece.kind == "word":
        after_number = bool(run) and run[-1].kind in ("number", ")", "word", "share")
        long = len(run) > 3 and all(p.kind == "word" for p in run[-4:])
        denied = text.startswith("'t", piece.stop)
        return after_number and not long and not denied and piece.text.lower() not in _NO_UNIT
    if piece.kind == "of":
        return (bool(run) and run[-1].kind in ("%", "share", ")")) or _is_fraction(run)
    if piece.kind in ("number", "multiple", "share") and run and run[-1].kind == "word":
        return unit(run[-1].text) is not None
    return piece.kind in OPERANDS or piece.kind in ("number", "share", "multiple", "var")


def _is_fraction(run: list[Piece]) -> bool:
    return [p.kind for p in run[-3:]] == ["number", "/", "number"]


_ZERO = Fraction(0)
_PARTS = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10,
}  # fmt: skip


def _share(text: str) -> Fraction:
    """Half, a third, two-thirds, three quarters."""
    many, _, part = text.replace("-", " ").rpartition(" ")
    part = part if part in _PARTS else part.rstrip("s")
    return Fraction(SPELLED.get(many, 1), _PARTS[part])


def _piece(match: re.Match[str]) -> Piece:
    group, text = match.lastgroup or "", match[0]
    value, places = _ZERO, 0
    kind = _GROUPS.get(group, group)
    if kind == "number":
        try:
            value, places = number(text)
        except NotEvaluated:
            kind = "break"
    elif kind == "compound":
        tens, ones = re.split("[- ]", text.lower())
        kind, value = "number", Fraction(SPELLED[tens] + SPELLED[ones])
    elif kind == "share":
        value = _share(text.lower())
    elif kind == "multiple":
        value = Fraction(3 if text[:2].lower() in ("tr", "th") else 2)
    elif kind == "word" and text.lower() in SPELLED and text.lower() != "one":
        kind, value = "number", Fraction(SPELLED[text.lower()])
    elif kind == "word" and len(text) == 1:
        article = text in "aAI" and match.string[match.end() : match.end() + 2].strip().isalpha()
        kind = "word" if article else "var"
    elif kind in ("sign", "rel"):
        kind = _SAME.get(text, text)
    return Piece(kind, match.start(), match.end(), text, value, places)
