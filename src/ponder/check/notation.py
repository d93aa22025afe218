r"""Mathematics as it is written, functions and all: a line becomes pairs of sides with a relation between.

A side is a run of signs that the grammar reads into a tree: that of `expression`, with logarithms of a base,
binomials, sums, integrals, derivatives, bars and degrees. Words break a run; what cannot be read is left out.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ponder.check.evaluate import NUMBER, NotEvaluated, number
from ponder.check.expression import FUNCTIONS, Parser, Sign, Tree

_LONGEST = 120
_SIGN = re.compile(
    r"(?P<space>\s+|\\[,;:! ]|\\(?:left|right|quad|qquad|displaystyle|bigl?|bigr?|Bigl?|Bigr?)(?!"
    r"[A-Za-z])|\$|\\[()\[\]]|&)"
    r"|(?P<derive>\\frac\s?\{\s?d\s?\}\s?\{\s?d\s?(?P<by>[a-z])\s?\}|\bd/d(?P<by2>[a-z])\b|(?:the"
    r"\s+)?(?<!second )(?<!third )(?<!partial )(?<!th )derivative\s+of\b)"
    r"|(?P<binom>\\[dt]?binom|\bC(?=\())|(?P<choose>choose\b)"
    r"|(?P<logb>\\?log\s?_\s?(?:\{(?P<base>[0-9]{1,3})\}|(?P<base2>[0-9]))|\blog(?P<base3>2|10)(?=\())"
    r"|(?P<int>\\int(?![a-z]))|(?P<sum>\\sum(?![a-z]))|(?P<dx>(?<![A-Za-z])d(?P<of>[xtuyr])\b)"
    r"|(?P<degree>\^?\s?\{?\s?\\circ\s?\}?|°)"
    r"|(?P<floor>\\lfloor)|(?P<ceil>\\lceil)|(?P<closed>\\rfloor|\\rceil)|(?P<bar>\||\\[lr]?vert\b)"
    rf"|(?P<number>{NUMBER})|(?P<rel>=(?!=)|≈|\\approx|\\simeq|(?:is|equals)\b)"
    r"|(?P<cmd>\\(?P<cname>[A-Za-z]+))|(?P<word>[A-Za-z]+)|(?P<op>[-+*/^_×÷²³(){}\[\]√!%π−·])|(?P<other>.)",
    re.IGNORECASE,
)
_COMMANDS = {
    "cdot": "*",
    "times": "*",
    "div": "/",
    "pi": "π",
    "frac": "⁄",
    "dfrac": "⁄",
    "tfrac": "⁄",
    "sqrt": "√",
}
_SAME = {
    "×": "*",
    "·": "*",
    "÷": "/",
    "−": "-",
    "{": "(",
    "}": ")",
    "[": "(",
    "]": ")",
}
_NAMES = FUNCTIONS | {"arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "floor", "ceil", "abs"}
_BEYOND = frozenset(("function", "binom", "choose", "log", "int", "sum", "diff", "floor", "ceil", "|"))
_CALLED = re.compile(r"[fghFGHPQuvy][('(′]")
_CHOICES = re.compile(r"\b(?:choos\w*|chosen|combin\w+|binom\w*|ways|select\w*|committee)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a relation, [start, stop) in the text."""

    start: int
    stop: int
    signs: tuple[Sign, ...]
    tree: Tree

    @property
    def beyond(self) -> bool:
        """Whether it holds more than the own evaluator knows."""
        powers = any(a.text == "e" and b.kind == "^" for a, b in pairwise(self.signs))
        return powers or any(sign.kind in _BEYOND for sign in self.signs)

    @property
    def places(self) -> int | None:
        """The decimals of a bare number, None for anything else."""
        kinds = [sign.kind for sign in self.signs]
        return self.signs[-1].places if kinds in (["number"], ["-", "number"]) else None


class _Reader(Parser):
    BESIDE = Parser.BESIDE | {"binom", "log", "floor", "ceil", "choose"}

    def _atom(self) -> Tree:
        kind = self._kind()
        if kind == "√":
            return self._rooted()
        if kind == "binom":
            self._take()
            return self._binomial()
        if kind == "log":
            base = self._take().value
            return ("log", ("number", base), self._applied())
        if kind == "diff":
            sign = self._take()
            return ("diff", self.sum() if sign.value else self._product(), sign.text)
        if kind in ("int", "sum"):
            return self._bounded(kind)
        if kind in ("floor", "ceil", "|"):
            self._take()
            inner = self.sum()
            if self._take().kind not in ("closed", "|"):
                raise NotEvaluated("a bar is open")
            return self._finished(("call", "abs" if kind == "|" else kind, inner))
        return self._finished(super()._atom())

    def _finished(self, tree: Tree) -> Tree:
        """With a factorial or a degree sign behind it, or "choose"."""
        while self._kind() in ("!", "degree", "choose"):
            kind = self._take().kind
            if kind == "degree":
                tree = ("/", ("*", tree, ("pi",)), ("number", Fraction(180)))
            elif kind == "choose":
                return _binomial(tree, super()._atom())
            else:
                tree = ("number", Fraction(math.factorial(_small(tree, 400))))
        return tree

    def _applied(self) -> Tree:
        """What a function is applied to: a bracket, or a factor and what stands close behind it."""
        return self._powered() if self._kind() == "(" else self._atom()

    def _call(self, name: str) -> Tree:
        tree = super()._call("ln" if name == "log" else name)
        if name == "log":
            raise NotEvaluated("a logarithm of which base")
        return tree

    def _rooted(self) -> Tree:
        self._take()
        degree = 2
        if self._kind() == "(" and self._signs[self.at].text == "[":
            self._take()
            degree = int(self._take().value)
            if self._take().text != "]" or not 2 <= degree <= 12:
                raise NotEvaluated("such a root")
        return ("root", degree, self._atom())

    def _binomial(self) -> Tree:
        self._open("(")
        above = self.sum()
        if self._kind() == ",":
            self._take()
            below = self.sum()
            self._open(")")
            return _binomial(above, below)
        self._open(")")
        return _binomial(above, self._atom())

    def _bounded(self, kind: str) -> Tree:
        self._take()
        low, high, name = self._bounds(kind)
        if kind == "sum":
            if low is None or high is None:
                raise NotEvaluated("a sum without end")
            return ("sum", self._product(), name, low, high)
        inner = self.sum()
        dx = self._take()
        if dx.kind != "dx":
            raise NotEvaluated("an integral without end")
        if low is None or high is None:
            return ("integral", inner, dx.text)
        return ("definite", inner, dx.text, low, high)

    def _bounds(self, kind: str) -> tuple[Tree | None, Tree | None, str]:
        low = high = None
        name = ""
        for _ in range(2):
            if self._kind() == "_":
                self._take()
                if kind == "sum":
                    self._open("(")
                    name = self._take().text
                    self._open("=")
                    low = self.sum()
                    self._open(")")
                else:
                    low = self._atom()
            elif self._kind() == "^":
                self._take()
                high = self._atom()
        return low, high, name

    def _open(self, kind: str) -> None:
        if self._take().kind != kind:
            raise NotEvaluated(f"no {kind}")


def _small(tree: Tree, most: int) -> int:
    if tree[0] != "number" or tree[1].denominator != 1 or not 0 <= tree[1] <= most:
        raise NotEvaluated("no small number")
    return int(tree[1])


def _binomial(above: Tree, below: Tree) -> Tree:
    return ("number", Fraction(math.comb(_small(above, 400), _small(below, 400))))


def pairs(text: str, start: int, stop: int) -> Iterator[tuple[Side, str, Side]]:
    """The neighbouring sides in [start, stop) of a text, one of each pair beyond the own evaluator."""
    run: list[Sign] = []
    for match in _SIGN.finditer(text, start, stop):
        signs = _signs(match)
        if signs is None:
            yield from _related(run)
            run = []
        else:
            run += signs
    yield from _related(run)


def _related(run: Sequence[Sign]) -> Iterator[tuple[Side, str, Side]]:
    """The pairs of neighbouring sides of a run that can be read, one of them beyond the own evaluator."""
    for part in _split(run, (",",))[0]:
        sides, relations = _split(part, ("=", "≈"))
        read = [_read(side) for side in sides]
        for (left, right), relation in zip(pairwise(read), relations, strict=True):
            if left is not None and right is not None and (left.beyond or right.beyond):
                yield left, relation, right


def _split(run: Sequence[Sign], kinds: tuple[str, ...]) -> tuple[list[list[Sign]], list[str]]:
    """What stands between signs of these kinds outside brackets, and the kinds that stand there."""
    depth = 0
    parts: list[list[Sign]] = [[]]
    between = []
    for sign in run:
        depth += (sign.kind == "(") - (sign.kind == ")")
        if sign.kind in kinds and depth <= 0:
            between.append(sign.kind)
            parts.append([])
        else:
            parts[-1].append(sign)
    return parts, between


def _read(signs: list[Sign]) -> Side | None:
    if not signs or len(signs) > _LONGEST:
        return None
    try:
        tree = _Reader(signs).whole()
    except (NotEvaluated, RecursionError):
        return None
    return Side(signs[0].start, signs[-1].stop, tuple(signs), tree)


def _signs(match: re.Match[str]) -> list[Sign] | None:
    """What a piece of text adds to a run; None breaks it."""
    kind, said, start, stop = match.lastgroup or "", match[0], match.start(), match.end()
    if kind == "space":
        return None if "\n" in said else []
    if kind == "derive":
        by = match["by"] or match["by2"]
        return [Sign("diff", start, stop, by or "x", Fraction(not by))]
    if kind == "logb":
        base = match["base"] or match["base2"] or match["base3"]
        return [Sign("log", start, stop, said, Fraction(int(base)))]
    if kind == "dx":
        return [Sign("dx", start, stop, match["of"])]
    if kind == "number":
        try:
            value, places = number(said)
        except NotEvaluated:
            return None
        return [Sign("number", start, stop, said, value, places)]
    if kind == "binom" and said == "C" and not _CHOICES.search(match.string, max(0, start - 600), stop + 200):
        return None  # C may be any function
    if kind in ("binom", "choose", "int", "sum", "degree", "floor", "ceil", "closed"):
        return [Sign(kind, start, stop, said)]
    if kind == "bar":
        return [Sign("|", start, stop, said)]
    if kind == "rel":
        return [Sign("≈" if said in ("≈", "\\approx", "\\simeq") else "=", start, stop, said)]
    if kind == "op":
        return [Sign(_SAME.get(said, said), start, stop, said)]
    if kind in ("cmd", "word"):
        called = _CALLED.match(match.string, start) is not None
        return _named(match["cname"] or said, start, stop, command=said.startswith("\\"), called=called)
    return [Sign(",", start, stop, said)] if said == "," else None


def _named(name: str, start: int, stop: int, *, command: bool, called: bool) -> list[Sign] | None:
    if command and name in _COMMANDS:
        return [Sign(_COMMANDS[name], start, stop, name)]
    if name.lower() in _NAMES:
        return [Sign("function", start, stop, name.lower())]
    if not command and len(name) == 1 and name != "I" and not called:
        return [Sign("name", start, stop, name)]
    return None
