r"""Claims with functions beyond polynomials: `\log_2 8 = 3`, `\sin 30° = 1/2`, `\binom{5}{2} = 10`.

The text is read as it was written, LaTeX and all. A side without variables has a value, which SymPy
computes; with variables, sides are compared wherever both are defined, and a difference is an error only
where the left one is a derivative or an integral. Every question goes to `symbolic`, as trees.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

from ponder.check.claim import Claim, Verdict, written
from ponder.check.context import stance
from ponder.check.expression import Tree
from ponder.check.notation import Side, pairs
from ponder.check.symbolic import Question, ask

MOST_PAIRS = 100
_KEY = re.compile(
    r"\\(?:sin|cos|tan|cot|sec|csc|ln|log|exp|binom|[dt]binom|int|sum|lfloor|lceil|lvert|arc(?:sin|cos"
    r"|tan))(?![a-z])"
    r"|\b(?:sin|cos|tan|cot|ln|log|exp|floor|ceil|arcsin|arccos|arctan|abs)\s?[_(0-9\\]|\blog[_0-9]|"
    r"\bderivative of\b"
    r"|\\frac\{d\}|\bd/d[a-z]\b|\bC\([0-9]|[0-9] ?choose ?[0-9]|\be\^|\|\s?-?[0-9]",
    re.IGNORECASE,
)
_RELATION = re.compile(r"=|≈|\\approx|\\simeq|\bis\b|\bequals\b")
_BEFORE = re.compile(
    r"(?:[0-9_^}\])]|(?<![A-Za-z])[A-Za-z]|[-+*/×÷≤≥<>,]|\\[a-z]+|\b(?:of|by|than|from|to|times|plus|minus|over))$"
)
_AFTER = re.compile(
    r"['′]|\s*(?:[-+*/^×÷!%_<>≤≥]|\\(?:cdot|times|div|pm|pi|sqrt|frac|circ|mod|pmod|le|ge|ne)|\(\s?"
    r"\\?mod)|[A-Za-z0-9(]|\.[0-9]"
)


def function_claims(text: str, clear: str) -> Iterator[Claim]:
    """The claims of a text, as written, that need more than the own evaluator; `clear`: in plain spelling."""
    found_pairs = (pair for line in _lines(text) for pair in pairs(text, *line))
    asked: list[tuple[Side, str, Side, str, list[Question]]] = []
    for left, sign, right in islice(found_pairs, MOST_PAIRS):
        meant = stance(clear, left.start, right.stop)
        if meant != "not claimed":
            asked.append((left, sign, right, meant, _questions(left, right)))
    questions = [question for *_, own in asked for question in own]
    answers = iter(ask(questions) if questions else [])
    for left, sign, right, meant, own in asked:
        verdict, fact = _judged(left, sign, right, list(islice(answers, len(own))))
        if verdict is None:
            continue
        sure = meant == "claimed" and not _open(text, left, right)
        verdict = "undecided" if verdict == "wrong" and not sure else verdict
        one, two = (" ".join(text[side.start : side.stop].split()) for side in (left, right))
        yield Claim(left.start, right.stop, "equality", one, two, verdict, "" if verdict == "ok" else fact)


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """The lines that hold a function and a relation."""
    start = 0
    for line in text.split("\n"):
        if len(line) <= 4000 and _KEY.search(line) and _RELATION.search(line):
            yield start, start + len(line)
        start += len(line) + 1


def _free(tree: Tree, bound: frozenset[str] = frozenset()) -> frozenset[str]:
    """The variables of a tree."""
    if tree[0] == "name":
        return frozenset((tree[1],)) - bound - {"e"}
    inner = bound | {tree[2]} if tree[0] in ("definite", "sum") else bound
    return frozenset().union(*(_free(part, inner) for part in tree[1:] if isinstance(part, tuple)))


def _questions(left: Side, right: Side) -> list[Question]:
    if "i" in _free(left.tree) | _free(right.tree):
        return []
    if left.tree[0] == "diff" and not left.tree[2] in _free(left.tree) >= _free(right.tree):
        return []
    if left.tree[0] == "integral":
        return [Question("same", (left.tree[1], ("diff", right.tree, left.tree[2])))]
    if right.tree[0] == "integral":
        return []
    if _free(left.tree) or _free(right.tree):
        return [Question("same", (left.tree, right.tree))]
    return [Question("value", (left.tree,)), Question("value", (right.tree,))]


def _judged(left: Side, sign: str, right: Side, found: list[dict[str, object]]) -> tuple[Verdict | None, str]:
    if len(found) == 1:
        same = found[0].get("same")
        if same is None or (not same and left.tree[0] not in ("diff", "integral")):
            return None, ""
        return ("ok", "") if same else ("wrong", "it is another function")
    if len(found) != 2 or not all("value" in one for one in found):
        return None, ""
    a, b = (Fraction(str(one["value"])) for one in found)
    return _compared(a, b, sign, left, right), f"it is {written(a, exact=False)}"


def _compared(a: Fraction, b: Fraction, sign: str, left: Side, right: Side) -> Verdict:
    """Two values, each with 40 digits: the same, near as far as decimals go, or apart."""
    gap, size = abs(a - b), max(abs(a), abs(b), Fraction(1, 100))
    if gap <= size / 10**25:
        return "ok"
    for places in (left.places, right.places):
        if places and gap < Fraction(1, 10**places):
            return "ok"
        if places == 0 and gap < 1 and (sign == "≈" or gap < Fraction(1, 2)):
            return "ok" if sign == "≈" else "undecided"
    loose = any(piece.kind == "number" and piece.places for side in (left, right) for piece in side.signs)
    if sign == "≈" or loose:
        return "wrong" if gap > size / 50 else "undecided"
    return "wrong"


def _open(text: str, left: Side, right: Side) -> bool:
    """Whether what stands beside may belong to a side, or an angle may be meant in degrees."""
    before = text[max(0, left.start - 12) : left.start]
    if _BEFORE.search(before.replace("$", "").replace("\\(", "").replace("\\[", "").rstrip(" ")):
        return True
    if any(side.tree[0] in "+-" and side.tree[1][0] in ("sum", "diff") for side in (left, right)):
        return True
    angles = ("sin", "cos", "tan", "cot", "sec", "csc")
    for side in (left, right):
        kinds = {sign.kind for sign in side.signs}
        if any(sign.text in angles for sign in side.signs) and not kinds & {"π", "degree", "name"}:
            return True
    return _AFTER.match(text[right.stop : right.stop + 12].replace("\\)", "").replace("$", "")) is not None
