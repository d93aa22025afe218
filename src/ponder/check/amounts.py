"""Arithmetic told in words: "if we multiply 12 by 5, we get 60", "150 decreased by 20 % is 120"."""

import operator
from collections.abc import Callable
from fractions import Fraction

from ponder.check.claim import written
from ponder.check.evaluate import NotEvaluated, evaluate
from ponder.check.wording import (
    GETS,
    IF,
    IS,
    Answer,
    Match,
    agrees,
    amount,
    mixed_units,
    num,
    percent,
    result,
    said,
    value,
)

_A, _B, _R, _P = amount("a"), amount("b"), num("r"), percent("p")
_EXPRESSION = r"(?<![\w.,^*/+-])(?P<e>[(]?[0-9](?:[0-9 .,()]|[-+*/×÷^](?![-+*/×÷^])){2,60}[0-9)])"
_GROWS = r"(?:increas\w*|r[ai]is\w*|rose|gr[oe]w\w*|marked\s+up|goes\s+up|up)"
_SHRINKS = (
    r"(?:decreas\w*|reduc\w*|drop\w*|f[ae]ll\w*|lower\w*|marked\s+down|discounted|cut|goes\s+down|down"
    r"|shr[iu]nk\w*)"
)
_THAT = (
    r"[.,:;?]?\s*(?:so\s+|well,\s+|and\s+)?(?:that's|that\s+is|it's|it\s+is|this\s+is|which\s+is|that"
    r"\s+equals|that\s+gives|this\s+gives|"
    r"which\s+gives|that\s+makes|which\s+makes|which\s+equals|we\s+get|i\s+get|the\s+answer\s+is|that"
    r"\s+would\s+be|that\s+comes\s+to)\s+"
)


def _of_two(name: str, compute: Callable[[Fraction, Fraction], Fraction]) -> Callable[[Match], Answer | None]:
    def answer(match: Match) -> Answer | None:
        a, b = value(match["a"]), value(match["b"])
        if mixed_units(match["a_unit"], match["b_unit"]) or (name == "/" and b == 0):
            return None
        return result("equality", f"{written(a)} {name} {written(b)}", compute(a, b), match)

    return answer


_times = _of_two("×", operator.mul)
_plus = _of_two("+", operator.add)
_minus = _of_two("-", operator.sub)
_divided = _of_two("/", operator.truediv)
_taken = _of_two("taken from", lambda a, b: b - a)


def _difference(match: Match) -> Answer | None:
    a, b = value(match["a"]), value(match["b"])
    gap = a - b if match["r"].startswith("-") else abs(a - b)
    return result("equality", f"the difference of {written(a)} and {written(b)}", gap, match)


_POWERS = {
    "square": ("²", 2), "squar": ("²", 2), "平方": ("²", 2),
    "cube": ("³", 3), "cub": ("³", 3), "立方": ("³", 3),
}  # fmt: skip
_PARTS: dict[str, Fraction | int] = {
    "double": 2, "doubling": 2, "twice": 2, "triple": 3, "tripling": 3, "half": Fraction(1, 2),
    "halving": Fraction(1, 2), "一半": Fraction(1, 2), "两倍": 2, "三倍": 3,
}  # fmt: skip


def _power(match: Match) -> Answer | None:
    sign, exponent = _POWERS[match["k"].lower()]
    a = value(match["a"])
    return result("equality", f"{written(a)}{sign}", a**exponent, match)


def _part(match: Match) -> Answer | None:
    factor = _PARTS[match["k"].lower()]
    a = value(match["a"])
    return result("equality", f"{match['k'].lower()} of {written(a)}", a * factor, match)


def _root(match: Match) -> Answer | None:
    true = evaluate(f"√({match['a'].replace(',', '')})")
    return result("equality", f"√{match['a']}", true.value, match)


def _expression(match: Match) -> Answer | None:
    found = evaluate(match["e"])
    if found.ambiguous or not found.operators:
        raise NotEvaluated("nothing to compute")
    return result("equality", match["e"].strip(), found.value, match)


def _grown(match: Match) -> Answer | None:
    a, p = value(match["a"]), value(match["p"]) / 100
    grows = match.groupdict().get("up") is not None
    name = f"{written(a)} {'+' if grows else '-'} {match['p']}%"
    return result("equality", name, a * (1 + p if grows else 1 - p), match)


def _discount(match: Match) -> Answer | None:
    a, p = value(match["a"]), value(match["p"]) / 100
    both = [agrees(a * p, match["r"]), agrees(a * (1 - p), match["r"])]
    fact = f"{match['p']}% of {written(a)} is {written(a * p)}, and {written(a * (1 - p))} is left"
    holds = True if True in both else None if None in both else False
    return None if holds is None else ("equality", f"{match['p']}% off {written(a)}", match["r"], holds, fact)


def _change(match: Match) -> Answer | None:
    a, b = value(match["a"]), value(match["b"])
    if a <= 0:
        return None
    change = abs(b - a) / a * 100
    return result("equality", f"the change from {written(a)} to {written(b)} in %", change, match)


def _share(match: Match) -> Answer | None:
    a, b = value(match["a"]), value(match["b"])
    return result("equality", f"{written(a)} of {written(b)} in %", a / b * 100, match) if b else None


def _ratio(match: Match) -> Answer | None:
    a, b, c, d = (value(match[name]) for name in ("a", "b", "c", "d"))
    if not (a and b and c and d):
        return None
    simplest = f"it is {(a / b).numerator}:{(a / b).denominator}"
    return "equality", f"{match['a']}:{match['b']}", f"{match['c']}:{match['d']}", a * d == b * c, simplest


def _each(match: Match) -> Answer | None:
    a, b = value(match["a"]), value(match["b"])
    return result("equality", f"{written(a)} × {written(b)}", a * b, match)


_OF_TWO = r"(?<![\w.,:/])(?P<{}>[0-9]{{1,6}})\s?:\s?(?P<{}>[0-9]{{1,6}})"
_SIMPLER = (
    r",?\s+(?:which\s+|that\s+)?(?:can\s+be\s+|is\s+)?(?:simplif\w+|reduce[sd]?|equivalent|the\s+same\s+as|"
    r"in\s+(?:its\s+)?(?:simplest|lowest)\s+(?:form|terms)\s+is)(?:\s+(?:down\s+)?(?:to|as))?(?:\s+the\s+ratio)?"
)
_BY = r"\s+(?:by|with|and|times)\s+"
PATTERNS = (
    said("multipl", rf"{IF}\bmultipl(?:y|ying|ied)\s+{_A}{_BY}{_B}{GETS}{_R}", _times),
    said("divid", rf"{IF}\bdivid(?:e|ing)\s+{_A}\s+by\s+{_B}{GETS}{_R}", _divided),
    said(
        "split",
        rf"{IF}\bsplit(?:ting)?\s+{_A}\s+(?:into|between|among)\s+{_B}(?:\s+equally)?{GETS}{_R}",
        _divided,
    ),
    said("add", rf"{IF}\badd(?:ing|ed)?\s+{_A}\s+(?:and|to|with|plus)\s+{_B}{GETS}{_R}", _plus),
    said("added", rf"{_A},?\s+added\s+to\s+{_B}{GETS}{_R}", _plus),
    said(
        "subtract|tak|deduct|remov",
        rf"{IF}\b(?:subtract|deduct|tak|remov)(?:e|ing|ed)?\s+{_A}\s+(?:away\s+)?from\s+{_B}{GETS}{_R}",
        _taken,
    ),
    said("increased", rf"{_A}\s+increased\s+by\s+{_B}{GETS}{_R}", _plus),
    said("by", rf"{_A}\s+(?:decreased|reduced|lowered)\s+by\s+{_B}{GETS}{_R}", _minus),
    said("more than", rf"{_A}\s+more\s+than\s+{_B}{IS}{_R}", _plus),
    said("less than|fewer than", rf"{_A}\s+(?:less|fewer)\s+than\s+{_B}{IS}{_R}", _taken),
    said(
        "difference", rf"\bdifference\s+(?:between|of)\s+{num('a')}\s+and\s+{num('b')}{IS}{_R}", _difference
    ),
    said("quotient", rf"\bquotient\s+of\s+{_A}\s+and\s+{_B}{IS}{_R}", _divided),
    said("product", rf"\bproduct\s+of\s+{_A}\s+and\s+{_B}{GETS}{_R}", _times),
    said("square|cube", rf"\b(?P<k>square|cube)\s+of\s+{num('a')}{IS}{_R}", _power),
    said("squar|cub", rf"{IF}\b(?P<k>squar|cub)(?:e|ing)\s+{num('a')}{GETS}{_R}", _power),
    said("square root", rf"\bsquare\s+root\s+of\s+{num('a')}{IS}{_R}", _root),
    said(
        "doubl|tripl|twice|half|halv",
        rf"{IF}\b(?P<k>double|doubling|twice|triple|tripling|half|halving)\s+(?:of\s+)?{num('a')}{GETS}{_R}",
        _part,
    ),
    said(
        "what",
        rf"\bwhat(?:'s|\s+is|\s+would\s+be)\s+(?:the\s+value\s+of\s+)?{_EXPRESSION}\s*\?\s*{_THAT}{_R}",
        _expression,
    ),
    said("what", rf"\bwhat(?:'s|\s+is)\s+{_A}\s+plus\s+{_B}\s*\?\s*{_THAT}{_R}", _plus),
    said("what", rf"\bwhat(?:'s|\s+is)\s+{_A}\s+minus\s+{_B}\s*\?\s*{_THAT}{_R}", _minus),
    said("what", rf"\bwhat(?:'s|\s+is)\s+{_A}\s+(?:times|multiplied\s+by)\s+{_B}\s*\?\s*{_THAT}{_R}", _times),
    said("what", rf"\bwhat(?:'s|\s+is)\s+{_A}\s+divided\s+by\s+{_B}\s*\?\s*{_THAT}{_R}", _divided),
    said(
        "that|which|get",
        rf"\b(?:comput(?:e|ing)|calculat(?:e|ing)|evaluat(?:e|ing)|find|do|work\s+out)\s+{_EXPRESSION}"
        rf"\s*{_THAT}{_R}",
        _expression,
    ),
    said(
        "%|cent",
        rf"(?:\bif\s+(?:the\s+\w+\s+)?)?{_A}\s+(?:(?:is|was|gets?)\s+)?(?:(?P<up>{_GROWS})|{_SHRINKS})"
        rf"\s+by\s+{_P}{GETS}{_R}",
        _grown,
    ),
    said(
        "%|cent",
        rf"{IF}\b(?:(?P<up>increas(?:e|ing)|rais(?:e|ing)|grow(?:ing)?)|(?:decreas|reduc)(?:e|ing)|lower"
        rf"(?:ing)?|discount(?:ing)?)\s+"
        rf"{_A}\s+by\s+{_P}{GETS}{_R}",
        _grown,
    ),
    said("%|cent", rf"(?:(?P<up>{_GROWS})|{_SHRINKS})\s+from\s+{_A}\s+by\s+{_P}\s+to\s+{_R}", _grown),
    said(
        "%|cent",
        rf"\bafter\s+an?\s+{_P}\s+(?:(?P<up>raise|increase|rise|markup|growth)|decrease|discount"
        rf"|reduction|drop|cut),\s+{_A}{GETS}{_R}",
        _grown,
    ),
    said(
        "%|cent",
        rf"{_P}\s+(?:discount\s+on|off(?:\s+of)?|reduction\s+(?:on|of|from))\s+{_A}(?:{GETS}|\s+saves"
        rf"\s+){_R}",
        _discount,
    ),
    said(
        "%|cent",
        rf"\bfrom\s+{_A}\s+to\s+{_B}\s+(?:is|represents|means|gives)\s+an?\s+(?:\w+\s+)?(?:increase"
        rf"|decrease|rise|drop|change|growth|reduction)\s+"
        rf"of\s+{percent('r')}",
        _change,
    ),
    said("%|cent", rf"{num('a')}\s+is\s+(?:exactly\s+)?{percent('r')}\s+of\s+{num('b')}", _share),
    said(
        "simpl|reduc|ratio|equivalent",
        rf"{_OF_TWO.format('a', 'b')}{_SIMPLER}\s+{_OF_TWO.format('c', 'd')}(?![0-9]|[.:][0-9])",
        _ratio,
    ),
    said("each", rf"{_A}\s+(?:at|for)\s+{num('b')}\s+(?:dollars\s+|euros\s+)?each{GETS}{_R}", _each),
    said("each", rf"{_A}\s+costing\s+{num('b')}\s+(?:dollars\s+)?each\s+costs?\s+{_R}", _each),
    said("each", rf"{_A}\s+at\s+{num('b')}\s+(?:dollars\s+)?each\s+costs?\s+{_R}", _each),
    said("的", rf"{num('a')}\s*的\s*(?P<k>平方|立方){IS}{_R}", _power),
    said("一半|倍", rf"{num('a')}\s*的\s*(?P<k>一半|两倍|三倍){IS}{_R}", _part),
    said("平方根", rf"{num('a')}\s*的\s*平方根{IS}{_R}", _root),
    said(
        "%",
        rf"{num('b')}\s*的\s*{percent('p')}{IS}{_R}",
        lambda m: result("equality", f"{m['p']}% of {m['b']}", value(m["b"]) * value(m["p"]) / 100, m),
    ),
)
