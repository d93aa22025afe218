"""Functions that a text defines, f(x) = x² + 1, and what they are at a place: f(3), f(a + 1), f(g(2)).

A function is followed while its text has one definition of it, a quotient of polynomials in its own variable
alone. One that is defined anew, or for some places only, is unknown from there on.
"""

import re
from collections.abc import Sequence

from ponder.check.evaluate import NotEvaluated
from ponder.check.expression import Sign, Tree, quotient

_PARTLY = re.compile(
    r"\s*[,;(\[{]?\s*(?:if|for|when|where|otherwise|on|over|unless|mod|as long|provided|whenever|with|"
    r"[a-z] ?(?:<|>|≤|≥|∈|≠)|\x02)",
    re.IGNORECASE,
)


class Functions:
    """The functions known so far."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Tree] | None] = {}
        self._astray: set[str] = set()

    def at(self, name: str, argument: Tree) -> Tree:
        """The tree of name(argument); raises NotEvaluated where the function is not known."""
        known = self._known.get(name)
        if known is None:
            raise NotEvaluated("an unknown function")
        return _put(known[1], known[0], argument)

    def sure(self, called: Sequence[Sign]) -> bool:
        """Whether no value of these functions was given that they do not have: what follows rests on it."""
        return not any(sign.kind == "call" and sign.text in self._astray for sign in called)

    def doubt(self, called: Sequence[Sign]) -> None:
        """A wrong value of these functions was given."""
        self._astray |= {sign.text for sign in called if sign.kind == "call"}

    def define(self, head: Sequence[Sign], body: Tree | None, behind: str) -> None:
        """name(variable) = body, if that is what `head` says; `behind` is what stands after it."""
        if body is None or not is_head(head):
            return
        name, variable = head[0].text, head[2].text
        known = self._known.get(name)
        if _PARTLY.match(behind):
            self._known[name] = None
        elif name not in self._known:
            self._known[name] = (variable, body)
        elif known is None or not _same(_put(known[1], known[0], ("name", variable)), body):
            self._known[name] = None


def is_head(signs: Sequence[Sign]) -> bool:
    """Whether these signs are f(x), which a definition begins with."""
    return [sign.kind for sign in signs] == ["call", "(", "name", ")"]


def _same(one: Tree, other: Tree) -> bool:
    try:
        return quotient(one).same(quotient(other))
    except NotEvaluated:
        return False


def _put(tree: Tree, name: str, value: Tree) -> Tree:
    """`tree` with `value` for a name."""
    if tree == ("name", name):
        return value
    return tuple(_put(part, name, value) if isinstance(part, tuple) else part for part in tree)
