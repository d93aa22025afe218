"""Statements with variables: runs of signs around relation signs, read from a plain text in order.

Letters are variables, `2ab` is a product, words break a run. A side that is more than a quotient of
polynomials has no `form`; one that cannot be read at all ("f(x)", an unknown command) has no `tree` either.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from ponder.check.definitions import Functions
from ponder.check.evaluate import NUMBER, NotEvaluated, Value, evaluate, number
from ponder.check.expression import FUNCTIONS, Call, Sign, Tree, parse, quotient
from ponder.check.polynomial import Quotient
from ponder.check.units import unit

MAX_SIGNS = 200
RELATION_SIGNS = frozenset("=≈<>≤≥≠")
_BECOMES = (
    r"(?:expands\s+(?:out\s+)?(?:to|as)|becomes|factors\s+(?:as|into|to)|factori[sz]es\s+(?:as|into|to)|"
    r"(?:can\s+be|is)\s+(?:re)?(?:factored|written|simplified|expanded|factori[sz]ed)\s+(?:as|into|to)|"
    r"(?:simplifies|reduces)\s+to|is\s+(?:the\s+same\s+as|identical\s+to|equivalent\s+to))\b"
)
_SIGN = re.compile(
    rf"(?P<number>{NUMBER})|(?P<becomes>{_BECOMES})|(?P<rel><=|>=|==|!=|[=≈<>≤≥≠](?!>))"
    r"|(?P<name>[A-Za-z]_(?:\{ ?[A-Za-z0-9] ?\}|[A-Za-z0-9](?![A-Za-z0-9])))"
    r"|(?P<word>[A-Za-z]+)|(?P<op>[-+*/^×÷²³(){}√⁄±!π%])|(?P<line>\n)|(?P<other>[^\s\x01])",
    re.IGNORECASE,
)
_SAME = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠", "×": "*", "÷": "/", "{": "(", "}": ")"}
_CALLED = frozenset("fghPFGHCQTSR")


@dataclass(frozen=True, slots=True)
class Term:
    """One side of a statement, [start, stop) in the text. `tree` is None where it cannot be read, `form`
    where
    it is no quotient of polynomials, `number` where it has variables.
    """

    start: int
    stop: int
    text: str
    signs: tuple[Sign, ...]
    names: frozenset[str]
    tree: Tree | None = None
    form: Quotient | None = None
    number: Value | None = None
    places: int = 0

    @property
    def name(self) -> str:
        """Its name if it is one variable, else ""."""
        return self.signs[0].text if len(self.signs) == 1 and self.signs[0].kind == "name" else ""

    @property
    def calls(self) -> bool:
        """Whether a function that the text may define is in it."""
        return any(sign.kind == "call" for sign in self.signs)

    @property
    def bare(self) -> bool:
        """Whether it is one number as written."""
        kinds = [sign.kind for sign in self.signs if sign.kind not in "()"]
        return kinds in (["number"], ["-", "number"])


@dataclass(frozen=True, slots=True)
class Statement:
    """Sides with the relations between them.

    `becomes`: a relation was worded as a rewriting. `open_left`, `open_right`: what stands beside it may
    belong
    to its first or last side.
    """

    terms: tuple[Term, ...]
    relations: tuple[str, ...]
    becomes: bool = False
    names: frozenset[str] = field(default_factory=frozenset)
    open_left: bool = False
    open_right: bool = False

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.terms[0].start

    @property
    def stop(self) -> int:
        """Where it ends."""
        return self.terms[-1].stop

    @classmethod
    def assigned(
        cls, name: str, value: Fraction, places: int, span: tuple[int, int], middle: int
    ) -> "Statement":
        """`name` = `value`, said in words in [start, stop), the value from `middle` on."""
        left = term([Sign("name", span[0], span[0] + 1, name)], " " * span[0] + name)
        signs = (Sign("number", middle, span[1], str(value), value, places),)
        form = quotient(("number", value))
        right = Term(
            middle, span[1], str(value), signs, frozenset(), ("number", value), form, Value(value), places
        )
        return cls((left, right), ("=",), names=frozenset((name,)))

    @property
    def difference(self) -> Quotient | None:
        """Left minus right of an equation, of c² = 9 + 16 = 25 what its first sign says; None for other
        statements and beyond the caps.
        """
        return self._minus(1)

    @property
    def result(self) -> Quotient | None:
        """As `difference`, with what the right side comes to in the end: what the text goes on from."""
        return self._minus(-1)

    def _minus(self, at: int) -> Quotient | None:
        if set(self.relations) != {"="} or any(term.names for term in self.terms[2:]):
            return None
        if len(self.terms) > 2 and self.terms[1].names:
            return None
        left, right = self.terms[0].form, self.terms[at].form
        try:
            return left - right if left is not None and right is not None else None
        except NotEvaluated:
            return None


def statements(text: str, functions: Functions) -> Iterator[Statement]:
    """The statements of a plain text that have a variable or a function, in order; `functions` learns."""
    run: list[Sign] = []
    pending = False
    letters = frozenset(m[1] or m[2] for m in _LETTER.finditer(text))
    for match in _SIGN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "line":
            pending = True
            continue
        signs = _signs(match, run, letters)
        relation = bool(signs) and signs[0].kind in RELATION_SIGNS
        joined = relation or (bool(run) and run[-1].kind in RELATION_SIGNS)
        if not signs or (pending and not joined) or len(run) > MAX_SIGNS or _heads(signs, run, text):
            yield from _statement(run, text, functions)
            run = []
        if signs and not (len(run) == 0 and _bullet(signs[0], text)):
            run += signs
        pending = False
    yield from _statement(run, text, functions)


_HEAD = re.compile(r"\s*(?:=|:)")


def _heads(signs: list[Sign], run: list[Sign], text: str) -> bool:
    """Whether a letter begins what comes next, "(T - D) H = …", and is no factor of what stands before."""
    first = signs[0]
    if first.kind != "name" or len(signs) > 1 or not run or text[first.start - 1] != " ":
        return False
    operand = run[-1].kind in ("number", ")", "name") and any(sign.kind in RELATION_SIGNS for sign in run)
    return operand and _HEAD.match(text, first.stop) is not None


def _bullet(sign: Sign, text: str) -> bool:
    """Whether a sign opens an item of a list, or is a relation with nothing before it."""
    if sign.kind in RELATION_SIGNS:
        return False
    opening = sign.kind in "-*+" and text[sign.stop : sign.stop + 1] == " "
    return opening and not text[max(0, sign.start - 8) : sign.start].rpartition("\n")[2].strip()


_LETTER = re.compile(
    r"(?<![A-Za-z\\'])([A-Za-z])(?=\s?[-+*/^×²³=(){}]|[-+)}])|(?<=[-+*/^(=])\s?([A-Za-z])(?![A-Za-z'])"
)


def _signs(match: re.Match[str], run: list[Sign], letters: frozenset[str]) -> list[Sign]:
    """What a piece of text adds to a run; [] breaks it."""
    kind, said, start = match.lastgroup or "", match[0], match.start()
    if kind == "number":
        try:
            value, places = number(said)
        except NotEvaluated:
            return []
        return [Sign("number", start, match.end(), said, value, places)]
    if kind == "becomes":
        return [Sign("=", start, match.end(), said)] if run else []
    if kind in ("rel", "op"):
        same = _SAME.get(said, said)
        return [Sign(same, start, match.end(), said)]
    if kind == "name":
        called = said[0] in _CALLED and match.string[match.end() : match.end() + 1] == "("
        bare = "".join(said.split()).replace("{", "").replace("}", "")
        return [Sign("call" if called else "name", start, match.end(), bare)]
    if kind != "word":
        return []
    return _word(match, run, letters)


def _word(match: re.Match[str], run: list[Sign], letters: frozenset[str]) -> list[Sign]:
    said, start, text = match[0], match.start(), match.string
    if text[start - 1 : start] == "'" and start > 1 and text[start - 2].isalpha():
        return []
    stop = start + len(said)
    if said.lower() in FUNCTIONS:
        return [Sign("function", start, stop, said.lower())]
    beside = bool(run) and run[-1].stop == start
    if len(said) == 1:
        if said in "aAI" and _article(start, text):
            return []
        called = said in _CALLED and text[stop : stop + 1] == "("
        return [Sign("call" if called else "name", start, stop, said)]
    after_number = beside and run[-1].kind == "number" and len(said) <= 3 and unit(said) is None
    product = said not in _WORDS and (after_number or set(said) <= letters)
    if len(said) <= 4 and said.islower() and product:
        return [Sign("name", start + at, start + at + 1, letter) for at, letter in enumerate(said)]
    return []


_WORDS = frozenset(
    (
        "is",
        "as",
        "so",
        "be",
        "by",
        "to",
        "in",
        "an",
        "at",
        "it",
        "if",
        "on",
        "of",
        "no",
        "do",
        "we",
        "us",
        "st",
        "nd",
        "rd",
        "th",
        "am",
        "pm",
        "px",
        "mph",
        "kb",
        "mb",
        "gb",
        "hp",
        "bit",
        "and",
        "or",
    )
)


def _article(start: int, text: str) -> bool:
    """Whether a lone "a" or "I" is a word: no operator or relation beside it."""
    before, after = text[max(0, start - 3) : start].rstrip()[-1:], text[start + 1 : start + 4]
    near = after.lstrip()[:1]
    if near and near in "=+-*/^×÷²³<>≤≥≈)":
        return False
    return not (before and before in "=+-*/^×÷(<>≤≥≈") or after[:1].isalpha()


_OPEN_BEFORE = re.compile(
    r"[\x02_|°#@~…%!^√≡]\s*$|[A-Za-z0-9)\]'\"]\Z|\b(?:mod|log|ln|lim|max|min|sum|by|times|plus|minus|"
    r"(?:sum|product|half|square|cube|multiple|factor|third|power|derivative|integral|percent|remainder|"
    r"[0-9%]) of)\s+$"
)
_OPEN_AFTER = re.compile(
    r"\s*[\x02_|°#@~…^*/×÷√]|[A-Za-z0-9(]| [A-Za-z]\s*[=:]|\s*\(?\s*(?:mod|modulo)\b"
    r"|\s+(?:times|plus|minus|over|squared|cubed|divided|multiplied|percent)\b|[.,:][0-9]"
)


_MINUS = re.compile(r"[\w)\]}](?:\s*- |-.)\Z")
"""A minus that goes on from what stands before: "a - 3", "a-3", but not "is -3"."""


def _statement(run: list[Sign], text: str, functions: Functions) -> Iterator[Statement]:
    spots = [at for at, sign in enumerate(run) if sign.kind in RELATION_SIGNS]
    if not spots or not any(sign.kind in ("name", "call") for sign in run):
        return
    bounds = [-1, *spots, len(run)]
    sides = [run[a + 1 : b] for a, b in pairwise(bounds)]
    if not sides[0]:
        return
    while sides and not sides[-1]:
        sides.pop()
        spots.pop()
    if len(sides) < 2 or not all(sides):
        return
    sides = _bracketed(sides)
    untagged = (_untagged(side, at, len(sides), text) for at, side in enumerate(sides))
    terms = tuple(term(side, text, functions.at) for side in untagged)
    relations = tuple(run[spot].kind for spot in spots)
    becomes = any(run[spot].text[0].isalpha() for spot in spots)
    names = frozenset(name for one in terms for name in one.names)
    start, stop = terms[0].start, terms[-1].stop
    for head, body in pairwise(terms):
        if head.calls and body.form is not None and body.names == head.names:
            functions.define(head.signs, body.tree, text[stop : stop + 40])
    before = text[max(0, start - 12) : start]
    opened = terms[0].signs[0].kind in "+*/^)²³%!=" or (
        terms[0].signs[0].kind == "-" and _MINUS.search(text[max(0, start - 8) : start + 2]) is not None
    )
    yield Statement(
        terms,
        relations,
        becomes,
        names,
        opened or _OPEN_BEFORE.search(before) is not None,
        _OPEN_AFTER.match(text, stop) is not None,
    )


def _bracketed(sides: list[list[Sign]]) -> list[list[Sign]]:
    """Without a bracket around the whole, "(so x = 5)", and one that opens a remark behind, "x = 5 (by …"."""
    while len(sides[-1]) > 1 and sides[-1][-1].kind == "(":
        sides[-1].pop()
    for side, opening, at in ((sides[0], "(", 0), (sides[-1], ")", -1)):
        while len(side) > 1 and side[at].kind == opening and _unmatched(side, opening):
            side.pop(at)
    return sides


def _unmatched(side: list[Sign], opening: str) -> bool:
    """Whether its first "(" or its last ")" has no partner in it."""
    depth = 0
    closing = ")" if opening == "(" else "("
    for sign in side if opening == "(" else side[::-1]:
        depth += (sign.kind == opening) - (sign.kind == closing)
        if depth == 0:
            return False
    return True


def _untagged(side: list[Sign], at: int, count: int, text: str) -> list[Sign]:
    """Without the number of an equation: "(1) x + y = 5", "x + y = 5 (1)"."""
    kinds = [sign.kind for sign in side]
    if at == 0 and kinds[:3] == ["(", "number", ")"] and len(side) > 3:
        before = text[max(0, side[0].start - 8) : side[0].start].rpartition("\n")[2].strip(" *-")
        if not before and text[side[2].stop : side[2].stop + 1] == " ":
            return side[3:]
    last = at == count - 1 and len(side) > 3 and kinds[-3:] == ["(", "number", ")"]
    if last and text[side[-3].start - 1] == " " and side[-2].value < 10:
        return side[:-3]
    return side


def term(signs: list[Sign], text: str, call: Call | None = None) -> Term:
    """A side that is read as far as it can be."""
    start, stop = signs[0].start, signs[-1].stop
    names = frozenset(sign.text for sign in signs if sign.kind == "name")
    said = " ".join(text[start:stop].replace("\x01", "").split())
    places = max((sign.places for sign in signs), default=0)
    tree, form, value = None, None, None
    try:
        if not names and not any(sign.kind == "call" for sign in signs):
            value = evaluate(text[start:stop])
            form = quotient(("number", value.value)) if value.exact else None
        tree = parse(signs, call)
        form = form or (quotient(tree) if value is None else None)
    except NotEvaluated:
        pass
    return Term(start, stop, said, tuple(signs), names, tree, form, value, places)


def values_of(side: Term) -> list[tuple[Fraction, bool]]:
    """The values of a side without variables, two where it has a ±: each with whether it is exact."""
    if side.number is not None:
        return [(side.number.value, side.number.exact)]
    if side.names or "±" not in {sign.kind for sign in side.signs}:
        return []
    try:
        both = [evaluate(side.text.replace("±", sign)) for sign in "+-"]
    except NotEvaluated:
        return []
    return [(value.value, value.exact) for value in both]
