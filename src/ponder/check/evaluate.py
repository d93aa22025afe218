"""Own evaluator of arithmetic: exact rationals, a small grammar, and caps on everything.

Numbers are `Fraction`s. Roots that are not rational and pi are held to 60 digits and marked inexact. Caps:
`MAX_TOKENS` pieces, `MAX_DEPTH` brackets, `MAX_BITS` bits in any numerator or denominator; what goes beyond
raises `NotEvaluated`, as does everything outside the grammar, so that no input hangs or crashes:

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/" | "of" | nothing) signed)*
    signed  = "-" signed | atom ("!" | "%" | superscript | "^" signed)*
    atom    = number [number "/" number] | "(" sum ")" | "⁄" atom atom | "√" atom | "π"
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ponder.check.plain import FILL, plain

MAX_TOKENS = 300
MAX_DEPTH = 40
MAX_BITS = 4096
MAX_DIGITS = 200
PI = Fraction("3.14159265358979323846264338327950288419716939937510582097494")
_SCALE = 10**60


class NotEvaluated(ValueError):  # noqa: N818 - not an error of the program
    """Outside the grammar or beyond a cap."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an expression: `kind` is "number", "share" (half) or the sign; [start, stop) its range.

    `value` is a number's value, `places` its decimals as written.
    """

    kind: str
    start: int
    stop: int
    text: str
    value: Fraction = Fraction(0)
    places: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression is: its value, whether that is exact, whether it could be read in two ways, and how
    many operators it has.
    """

    value: Fraction
    exact: bool = True
    ambiguous: bool = False
    operators: int = 0


NUMBER = (
    rf"[0-9]{{1,3}}(?:,{FILL}*[0-9]{{3}})+(?![0-9])(?:\.[0-9]+)?"
    r"|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3}(?![0-9A-Za-z]))?|\.[0-9]+"
)
_PIECE = re.compile(rf"(?P<number>{NUMBER})|(?P<word>[A-Za-z]+)|(?P<sign>\S)")
_SAME = {"×": "*", "÷": "/", "[": "(", "{": "(", "]": ")", "}": ")", "**": "^"}


@lru_cache(maxsize=4096)  # a text has few different numbers, and a Fraction is slow to make
def number(text: str) -> tuple[Fraction, int]:
    """A written number and its decimals."""
    bare = text.replace(",", "").replace(FILL, "")
    if len(bare) > MAX_DIGITS:
        raise NotEvaluated("too many digits")
    decimals = bare.lower().partition("e")[0].partition(".")[2]
    return Fraction(bare), len(decimals)


def evaluate(text: str) -> Value:
    """The value of a written expression; raises NotEvaluated."""
    if len(text) > 4 * MAX_DIGITS * 10:
        raise NotEvaluated("too long")
    pieces = []
    for match in _PIECE.finditer(plain(text)):
        kind = match.lastgroup or ""
        value, places = number(match[0]) if kind == "number" else (Fraction(0), 0)
        kind = kind if kind == "number" else _SAME.get(match[0], match[0])
        pieces.append(Piece(kind, match.start(), match.end(), match[0], value, places))
    return compute(pieces)


def compute(pieces: Sequence[Piece]) -> Value:
    """The value of an expression in pieces; raises NotEvaluated."""
    if not pieces or len(pieces) > MAX_TOKENS:
        raise NotEvaluated("empty or too long")
    return _Parser(pieces).whole()


class _Parser:
    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._at = 0
        self._depth = 0
        self._exact = True
        self._ambiguous = False
        self._operators = 0

    def whole(self) -> Value:
        value = self._sum()
        if self._at < len(self._pieces):
            raise NotEvaluated("not an expression")
        return Value(value, self._exact, self._ambiguous, self._operators)

    def _kind(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._pieces[at].kind if at < len(self._pieces) else ""

    def _take(self) -> Piece:
        if self._at >= len(self._pieces):
            raise NotEvaluated("ends too early")
        self._at += 1
        return self._pieces[self._at - 1]

    def _sum(self) -> Fraction:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotEvaluated("too deep")
        value = self._product()
        while self._kind() in ("+", "-"):
            sign = self._take().kind
            other = self._product()
            value = _capped(value + other if sign == "+" else value - other)
            self._operators += 1
        self._depth -= 1
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        divided = ""
        while True:
            kind = self._kind()
            if kind in ("*", "/", "of"):
                if kind == "of" and not self._part():
                    raise NotEvaluated("of what")
                said = self._take().text
                other = self._signed()
                if kind == "/":
                    self._ambiguous |= divided not in ("", said)
                    divided = said
                value = _divide(value, other) if kind == "/" else _capped(value * other)
            elif kind in ("(", "√", "π") or (kind in ("number", "⁄") and self._kind(-1) == ")"):
                if kind == "number":
                    raise NotEvaluated("two numbers side by side")
                self._ambiguous = self._ambiguous or bool(divided)
                value = _capped(value * self._signed())
            else:
                return value
            self._operators += 1

    def _part(self) -> bool:
        """Whether what was just read can be a part "of" something: 15 %, half, 2/3."""
        kinds = [piece.kind for piece in self._pieces[max(0, self._at - 3) : self._at]]
        return kinds[-1] in ("%", "share", ")") or kinds == ["number", "/", "number"]

    def _signed(self) -> Fraction:
        negative = False
        while self._kind() in ("-", "+"):
            negative ^= self._take().kind == "-"
        value, powered = self._powered()
        self._ambiguous = self._ambiguous or (negative and powered)
        return -value if negative else value

    def _powered(self) -> tuple[Fraction, bool]:
        value = self._atom()
        powered = False
        while True:
            kind = self._kind()
            if kind == "!":
                value = _factorial(value)
            elif kind == "%":
                value /= 100
                self._operators -= 1
            elif kind in ("²", "³"):
                value, powered = self._power(value, Fraction(2 if kind == "²" else 3)), True
            elif kind == "^":
                self._take()
                self._depth += 1
                if self._depth > MAX_DEPTH:
                    raise NotEvaluated("too deep")
                start = self._at
                exponent = self._signed()
                self._ambiguous |= any(p.kind == "^" for p in self._pieces[start : self._at])
                self._depth -= 1
                self._operators += 1
                value, powered = self._power(value, exponent), True
                continue
            else:
                return value, powered
            self._take()
            self._operators += 1

    def _atom(self) -> Fraction:
        piece = self._take()
        if piece.kind in ("number", "share"):
            return piece.value + self._mixed(piece)
        if piece.kind == "multiple":
            self._operators += 1
            return _capped(piece.value * self._signed())
        if piece.kind == "π":
            self._exact = False
            return PI
        if piece.kind == "(":
            value = self._sum()
            if self._take().kind != ")":
                raise NotEvaluated("a bracket is open")
            return value
        if piece.kind == "⁄":
            self._operators += 1
            above = self._argument()
            return _divide(above, self._argument())
        if piece.kind == "√":
            self._operators += 1
            degree = self._degree()
            return self._root(self._argument(), degree)
        raise NotEvaluated("not a number")

    def _argument(self) -> Fraction:
        """What a LaTeX command or a root sign takes: a bracket or one number."""
        if self._kind() not in ("(", "number"):
            raise NotEvaluated("no argument")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotEvaluated("too deep")
        value = self._atom()
        self._depth -= 1
        return value

    def _degree(self) -> int:
        r"""The n of \sqrt[n]{…}."""
        brackets = self._pieces[self._at : self._at + 4]
        if len(brackets) == 4 and brackets[0].text == "[" and brackets[2].text == "]":
            self._at += 3
            return int(brackets[1].value) if brackets[1].value.denominator == 1 else 0
        return 2

    def _mixed(self, whole: Piece) -> Fraction:
        """The fraction of a mixed number, 2 1/2; 0 where there is none."""
        if whole.places or self._at + 1 > len(self._pieces) - 1 or whole.kind != "number":
            return Fraction(0)
        rest = self._pieces[self._at : self._at + 7]
        if [p.kind for p in rest[:3]] == ["number", "/", "number"] and rest[0].start > whole.stop:
            above, below, size = rest[0], rest[2], 3
        elif [p.kind for p in rest] == ["⁄", "(", "number", ")", "(", "number", ")"]:
            above, below, size = rest[2], rest[5], 7
            self._ambiguous = True
        else:
            return Fraction(0)
        if above.places or below.places or not 0 < above.value < below.value:
            raise NotEvaluated("two numbers side by side")
        self._at += size
        self._operators += 1
        return above.value / below.value

    def _power(self, base: Fraction, exponent: Fraction) -> Fraction:
        if exponent.denominator != 1:
            if exponent.denominator > 12 or abs(exponent) > 100:
                raise NotEvaluated("such a root")
            return self._power(self._root(base, exponent.denominator), Fraction(exponent.numerator))
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(exponent) * max(size - 1, 1) > MAX_BITS or (base == 0 and exponent <= 0):
            raise NotEvaluated("power too large")
        return _capped(base**exponent.numerator)

    def _root(self, value: Fraction, degree: int) -> Fraction:
        if value < 0 or not 2 <= degree <= 12:
            raise NotEvaluated("no real root")
        above, below = _whole_root(value.numerator, degree), _whole_root(value.denominator, degree)
        if above**degree == value.numerator and below**degree == value.denominator:
            return Fraction(above, below)
        self._exact = False
        scaled = value.numerator * _SCALE**degree // value.denominator
        return Fraction(_whole_root(scaled, degree), _SCALE)


def _whole_root(value: int, degree: int) -> int:
    """The largest integer whose power is not above `value`, by Newton's method."""
    if degree == 2:
        return math.isqrt(value)
    if value < 2:
        return value
    guess = 1 << (value.bit_length() // degree + 1)
    while True:
        better = ((degree - 1) * guess + value // guess ** (degree - 1)) // degree
        if better >= guess:
            return guess
        guess = better


def _capped(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise NotEvaluated("number too large")
    return value


def _divide(above: Fraction, below: Fraction) -> Fraction:
    if below == 0:
        raise NotEvaluated("division by zero")
    return _capped(above / below)


def _factorial(value: Fraction) -> Fraction:
    if value.denominator != 1 or not 0 <= value <= 400:
        raise NotEvaluated("factorial too large")
    return Fraction(math.factorial(int(value)))
