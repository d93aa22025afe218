"""The child process that computes with SymPy: one JSON question a line in, one JSON answer a line out.

It is run as a file of its own and imports nothing of ponder. A question holds trees that our own grammar
built, never text: nothing is parsed here. Trees are lists whose first entry is the operation; another entry
than those of `build` is refused. Numbers and powers have caps, and the process has a limit on its memory.
Answers: {"value": "0.5"} for a tree without variables, {"same": true} for two trees, {} for the undecided.
"""

import json
import operator
import sys
from typing import Any

MEMORY_BYTES = 1 << 30
MOST_POWER, MOST_BITS, MOST_TERMS = 1000, 8192, 2000
DIGITS = 40
_POINTS = ((7, 5), (13, 9), (3, 8), (29, 11), (17, 6))
_OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


class Refused(Exception):  # noqa: N818 - an answer, no error
    """Beyond a cap or not defined."""


def limit() -> None:
    """At most `MEMORY_BYTES` of address space, where the system has such limits."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        pass


def build(tree: list[Any], sympy: Any) -> Any:
    """The SymPy expression of a tree; raises Refused."""
    kind, *rest = tree
    if kind == "number":
        return sympy.Rational(int(rest[0]), int(rest[1]))
    if kind == "name":
        return sympy.E if rest[0] == "e" else sympy.Symbol(str(rest[0]), real=True)
    if kind == "pi":
        return sympy.pi
    if kind == "call":
        return _called(rest[0], build(rest[1], sympy), sympy)
    if kind == "log":
        return sympy.log(build(rest[1], sympy)) / sympy.log(build(rest[0], sympy))
    if kind == "root":
        return sympy.real_root(build(rest[1], sympy), int(rest[0]))
    if kind in ("diff", "definite", "sum"):
        return _bound(kind, rest, sympy)
    one = [build(part, sympy) for part in rest]
    if kind == "^":
        return _power(one[0], one[1])
    if kind == "/":
        if one[1] == 0:
            raise Refused
        return one[0] / one[1]
    if kind == "neg":
        return -one[0]
    if kind not in _OPERATIONS:
        raise Refused
    return _OPERATIONS[kind](one[0], one[1])


def _called(name: str, argument: Any, sympy: Any) -> Any:
    known = {
        "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "sec": sympy.sec, "csc": sympy.csc,
        "cot": sympy.cot,
        "ln": sympy.log, "exp": sympy.exp, "abs": sympy.Abs, "floor": sympy.floor, "ceil": sympy.ceiling,
        "arcsin": sympy.asin, "arccos": sympy.acos, "arctan": sympy.atan, "sinh": sympy.sinh,
        "cosh": sympy.cosh,
        "tanh": sympy.tanh,
    }  # fmt: skip
    if name not in known or (argument.is_number and abs(argument.evalf(15)) > 10**6):
        raise Refused
    return known[name](argument)


def _power(base: Any, exponent: Any) -> Any:
    if exponent.is_number:
        size = abs(exponent.evalf(15))
        if not size.is_comparable or size > MOST_POWER:
            raise Refused
        bits = max(base.p.bit_length(), base.q.bit_length()) if base.is_Rational else 8
        if bits * size > MOST_BITS or (base == 0 and exponent <= 0):
            raise Refused
    return base**exponent


def _bound(kind: str, rest: list[Any], sympy: Any) -> Any:
    inner, name = build(rest[0], sympy), sympy.Symbol(str(rest[1]), real=True)
    if kind == "diff":
        return sympy.diff(inner, name)
    low, high = (build(part, sympy) for part in rest[2:4])
    if kind == "definite":
        return sympy.Integral(inner, (name, low, high))
    if not (low.is_Integer and high.is_Integer) or not 0 <= high - low < MOST_TERMS:
        raise Refused
    return sum((inner.subs(name, at) for at in range(int(low), int(high) + 1)), sympy.Integer(0))


def answer(question: dict[str, Any], sympy: Any) -> dict[str, Any]:
    """What is known; {} where nothing is."""
    trees = [build(tree, sympy) for tree in question["trees"]]
    if question["ask"] == "value":
        return {"value": _decimal(trees[0], sympy)}
    names = sorted({name for tree in trees for name in tree.free_symbols}, key=str)
    gaps = []
    for at in range(len(_POINTS)):
        values = {
            name: sympy.Rational(*_POINTS[(at + 2 * place) % len(_POINTS)])
            for place, name in enumerate(names)
        }
        one, two = (tree.subs(values).evalf(DIGITS) for tree in trees)
        if not (one.is_Float or one.is_Rational) or not (two.is_Float or two.is_Rational):
            continue
        gaps.append(abs(one - two) <= sympy.Float("1e-25") * max(abs(one), abs(two), 1))
    return {"same": all(gaps)} if len(gaps) >= 3 else {}


def _decimal(tree: Any, sympy: Any) -> str:
    if tree.free_symbols:
        raise Refused
    value = tree.evalf(DIGITS)
    if not (value.is_Float or value.is_Rational) or abs(value) > sympy.Float("1e60"):
        raise Refused
    return str(sympy.Float(value, DIGITS))


def main() -> None:
    """Answers until its input ends."""
    limit()
    import sympy

    print("{}", flush=True)  # noqa: T201 - the protocol: it is ready
    for line in sys.stdin:
        try:
            found = answer(json.loads(line), sympy)
        except (
            Refused,
            ArithmeticError,
            ValueError,
            TypeError,
            AttributeError,
            NotImplementedError,
            RecursionError,
        ):
            found = {}
        except MemoryError:
            return
        print(json.dumps(found), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
