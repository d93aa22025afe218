"""Expressions with variables as trees of our own, and what of them is a quotient of polynomials.

A tree is a tuple whose first entry says what it is: ("number", value), ("name", x), ("neg", a), ("+", a, b),
("-", a, b), ("*", a, b), ("/", a, b), ("^", a, b), ("root", degree, a), ("call", function, a), ("pi",).
Nothing in it is text that anyone evaluates. The grammar is that of `evaluate`, with letters as variables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ponder.check.evaluate import MAX_DEPTH, NotEvaluated
from ponder.check.polynomial import Quotient, constant, variable

Tree = tuple[Any, ...]
FUNCTIONS = frozenset(("sin", "cos", "tan", "sec", "csc", "cot", "ln", "log", "exp", "sqrt"))
_LETTERS_OF_CONSTANTS = frozenset("ei")


@dataclass(frozen=True, slots=True)
class Sign:
    """A piece of an expression: `kind` is "number", "name", "function", "call" or the sign itself."""

    kind: str
    start: int
    stop: int
    text: str
    value: Fraction = Fraction(0)
    places: int = 0


Call = Callable[[str, Tree], Tree]
"""The tree of a function, by its name, of an argument; raises NotEvaluated for one that is not known."""


def parse(signs: Sequence[Sign], call: Call | None = None) -> Tree:
    """The tree of an expression; raises NotEvaluated for what is none."""
    return Parser(signs, call).whole()


class Parser:
    """Reads signs into a tree, by recursive descent; `notation` reads more kinds of atoms."""

    BESIDE = frozenset(("(", "name", "function", "call", "√", "π", "⁄"))
    """What multiplies where it stands beside something."""

    def __init__(self, signs: Sequence[Sign], call: Call | None = None) -> None:
        self._signs = signs
        self._of = call
        self.at = 0
        self._depth = 0

    def whole(self) -> Tree:
        """The tree of all signs; raises NotEvaluated."""
        tree = self.sum()
        if self.at < len(self._signs):
            raise NotEvaluated("not an expression")
        return tree

    def _kind(self) -> str:
        return self._signs[self.at].kind if self.at < len(self._signs) else ""

    def _take(self) -> Sign:
        if self.at >= len(self._signs):
            raise NotEvaluated("ends too early")
        self.at += 1
        return self._signs[self.at - 1]

    def sum(self) -> Tree:
        """Products with plus and minus between them."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotEvaluated("too deep")
        tree = self._product()
        while self._kind() in ("+", "-"):
            tree = (self._take().kind, tree, self._product())
        self._depth -= 1
        return tree

    def _product(self) -> Tree:
        tree = self._signed()
        while True:
            kind = self._kind()
            if kind in ("*", "/"):
                slash = self._take().kind == "/"
                start = self.at
                tree = ("/" if slash else "*", tree, self._signed())
                close = self.at == start + 1 and self._kind() in ("name", "(", "number")
                if slash and close and self._signs[self.at].start == self._signs[self.at - 1].stop:
                    raise NotEvaluated("1/2x has two readings")
            elif kind in self.BESIDE:
                tree = ("*", tree, self._powered())
            else:
                return tree

    def _signed(self) -> Tree:
        negative = False
        while self._kind() in ("-", "+"):
            negative ^= self._take().kind == "-"
        tree = self._powered()
        return ("neg", tree) if negative else tree

    def _powered(self) -> Tree:
        tree = self._atom()
        while self._kind() in ("^", "²", "³", "%"):
            kind = self._take().kind
            if kind == "%":
                tree = ("/", tree, ("number", Fraction(100)))
            elif kind == "^":
                self._depth += 1
                if self._depth > MAX_DEPTH:
                    raise NotEvaluated("too deep")
                tree = ("^", tree, self._exponent())
                self._depth -= 1
            else:
                tree = ("^", tree, ("number", Fraction(2 if kind == "²" else 3)))
        if self._kind() in ("!", "±"):
            raise NotEvaluated("not for variables")
        return tree

    def _exponent(self) -> Tree:
        negative = self._kind() == "-"
        if negative:
            self._take()
        tree = self._atom()
        return ("neg", tree) if negative else tree

    def _atom(self) -> Tree:
        sign = self._take()
        if sign.kind == "number":
            return ("number", sign.value)
        if sign.kind == "name":
            return ("name", sign.text)
        if sign.kind == "π":
            return ("pi",)
        if sign.kind == "(":
            tree = self.sum()
            if self._take().kind != ")":
                raise NotEvaluated("a bracket is open")
            return tree
        if sign.kind == "⁄":
            above = self._atom()
            return ("/", above, self._atom())
        if sign.kind == "√" or sign.text == "sqrt":
            return ("root", 2, self._atom())
        if sign.kind == "function":
            return self._call(sign.text)
        if sign.kind == "call" and self._of is not None:
            return self._of(sign.text, self._atom())
        raise NotEvaluated("not an expression")

    def _call(self, name: str) -> Tree:
        power = None
        if self._kind() in ("²", "^"):
            power = ("number", Fraction(2)) if self._take().kind == "²" else self._atom()
        bracket = self._kind() == "("
        argument = self._atom()
        while not bracket and self._kind() == "name":
            argument = ("*", argument, self._atom())
        tree: Tree = ("call", name, argument)
        return ("^", tree, power) if power else tree


def quotient(tree: Tree) -> Quotient:
    """The quotient of polynomials that a tree is; raises NotEvaluated if it is none or beyond the caps."""
    kind = tree[0]
    if kind == "number":
        return Quotient(constant(tree[1]))
    if kind == "name":
        if tree[1] in _LETTERS_OF_CONSTANTS:
            raise NotEvaluated("e and i are numbers")
        return Quotient(variable(tree[1]))
    if kind == "neg":
        return -quotient(tree[1])
    if kind in ("+", "-", "*", "/"):
        a, b = quotient(tree[1]), quotient(tree[2])
        return a + b if kind == "+" else a - b if kind == "-" else a * b if kind == "*" else a / b
    if kind == "^":
        power = quotient(tree[2]).constant
        if power is None or power.denominator != 1:
            raise NotEvaluated("no integer power")
        return quotient(tree[1]).power(int(power))
    raise NotEvaluated("no polynomial")
