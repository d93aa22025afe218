r"""What a text answers, and whether two answers are the same.

`found_in` finds the answer: what is boxed or said to be it, else a short last line, else the last number.
`same_answer` compares, cheap to dear: the same words, the same letter of a choice, the same number (as a
fraction, per cent, with units, rounded), the same set or tuple. What it cannot compare is different.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from ponder.check.evaluate import NUMBER, NotEvaluated, Value, evaluate
from ponder.check.plain import plain
from ponder.check.units import unit
from ponder.reason.effort import boxed, said

MOST = 2000
"""Characters at the end of a text in which its answer is looked for."""
SHORT = 60
"""A last line of so many characters is an answer by itself."""
_MARKS = re.compile(
    r"(?<![\w)])\*\*|\*\*(?![\w(-])|(?<!\w)__|__(?!\w)|`|\\[()\[\]!;, $]|\\(?:left|right|displaystyle)\b|\$"
)
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf|boxed|fbox|mbox)\s*\{([^{}]*)\}")
_TAGGED = re.compile(
    r"<answer>\s*([^<]{1,400}?)\s*</answer>|^####[ \t]*(\S[^\n]*)", re.IGNORECASE | re.MULTILINE
)
_OPEN_BOX = re.compile(r"\\boxed\s*\{(?!\s*\})")
_NAMED = re.compile(r"^\s*[A-Za-z]\w?\s*(?:=|:=)\s*(?=\S)")
_CHOICE = re.compile(r"^\W*(?:option|choice)?\W*([A-Ha-h])(?:\W*$|\s*[).:]\s+\S.*$)", re.IGNORECASE)
_MEASURE = re.compile(
    r"^[£€¥]?\s*(?P<value>.*?[0-9)}\]π!²³])\s*"
    r"(?P<unit>\\?%|per\s?cent|°|[A-Za-z][A-Za-z]*(?:[ /·][A-Za-z]+|\^?[0-9]){0,2})?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_ALONE = re.compile(rf"(?<![\w.])-?(?:{NUMBER})(?![\w.]*\w)\s*%?")
_FORMULA = re.compile(
    r"(?<![A-Za-z])[A-Za-z]\s*[-+*/^]\s*[0-9A-Za-z(]|[0-9A-Za-z)]\s*[-+*/^]\s*[A-Za-z](?![A-Za-z])"
    r"|(?<=[0-9])(?![mglshtWVANJK]\b)[A-Za-z]\b(?!\s*\^?[0-9])"
)
"""A formula with a letter: 2k, n + 1; no quantity with a unit."""
_SIGNS = frozenset("+-*/^")
_DENIED = re.compile(r"\b(?:not|no|never|isn't|cannot)\b|不", re.IGNORECASE)
_NOTHING = Fraction(1, 10**50)
"""How far two roots may differ that are the same: they are held to 60 digits."""
_FACTORIAL, _SUM = re.compile(r"[0-9)]\s*!\W*$"), re.compile(r"[-+*/^()0-9\s!]*[0-9)]")
_PART = re.compile(r"\s*(?:,(?![0-9]{3}\b)|;|，|、|\band\b|\bor\b)\s*")


@dataclass(frozen=True, slots=True)
class Number:
    """An answer that is a number: its value, its unit as written ("" for none), and its decimals."""

    value: Fraction
    unit: str = ""
    places: int = 0
    exact: bool = True


How = Literal["box", "open box", "tag", "said", "line", "number", "text", ""]
MARKED = frozenset({"box", "tag", "said"})
"""The ways in which a text itself marks its answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, tidied, and `how` a text gives it: in its last box, in an answer tag or behind `####`, said
    to be it, as a short last line, as its last number, or only as its last line. "open box": a box that
    never ends, which gives no answer. `written` is the answer before it was tidied.
    """

    text: str = ""
    how: How = ""
    written: str = ""

    @property
    def anchored(self) -> bool:
        """Whether the text itself marks it as the answer."""
        return self.how in MARKED


def answer_in(text: str) -> str:
    """The answer that `text` gives, tidied; "" where there is none."""
    return found_in(text).text


def found_in(text: str) -> Found:
    """The answer that `text` gives and how it does; the empty `Found` where there is none."""
    tail = text[-MOST:]
    box, tags, stated = boxed(tail), _TAGGED.findall(tail), said(tail)
    if box is not None:
        return Found(formula(box), "box", box)
    if _OPEN_BOX.search(tail):
        return Found("", "open box")
    if tags:
        tagged = "".join(tags[-1])
        return Found(tidy(tagged), "tag", tagged)
    if stated:
        stated = said(stated) or stated  # "Answer: The answer is 14."
        return Found(tidy(stated), "said", stated)
    lines = [line for line in map(tidy, tail.splitlines()) if line]
    if lines and len(lines[-1]) <= SHORT:
        return Found(lines[-1], "line", tail.strip().splitlines()[-1].strip())
    numbers = list(re.finditer(rf"[-−]?(?:{NUMBER})", tail))
    if numbers:
        return Found(tidy(numbers[-1][0]), "number", numbers[-1][0])
    return Found(lines[-1], "text", lines[-1]) if lines else Found()


@lru_cache(maxsize=4096)
def tidy(text: str) -> str:
    """An answer without its dressing: bold type, mathematics signs, a full stop, `x =`."""
    bare = text.strip()
    for _ in range(3):
        bare = _TEXT.sub(r"\1", bare)
    bare = _MARKS.sub(lambda m: "" if m[0] not in ("\\ ", "\\,") else " ", bare).strip(" \t\n:")
    bare = re.sub(r"(?<=\S)[.!。]+$", "", bare).strip()
    return re.sub(r"\s+", " ", bare)


def formula(text: str) -> str:
    """As `tidy`, for mathematics: `5!` is a factorial there, not joy, and a matrix stays."""
    if "\\begin" in text:
        return text.strip().strip("$").strip()
    bare = tidy(text)
    return bare + "!" if _FACTORIAL.search(text) and _SUM.fullmatch(bare) else bare


def same_answer(one: str, other: str) -> bool:
    """Whether two answers are the same thing; an empty one is the same as none."""
    one, other = tidy(one), tidy(other)
    if not one or not other:
        return False
    if one.casefold() == other.casefold():
        return True
    letters = letter_of(one), letter_of(other)
    if letters[0] and letters[1]:
        return letters[0] == letters[1]
    numbers = number_of(one), number_of(other)
    if numbers[0] is not None and numbers[1] is not None:
        return same_number(numbers[0], numbers[1], rounded=True)
    parts = _parts(one), _parts(other)
    if len(parts[0][0]) > 1 or len(parts[1][0]) > 1:
        return _same_parts(*parts)
    return words_of(one) == words_of(other)


def answers(text: str, target: str) -> bool:
    """Whether `text` gives the answer `target`: the one it ends with is the same, or, for a target in words,
    a short answer holds these words ("It is Paris." for "Paris").
    """
    given = answer_in(text)
    if same_answer(given, target):
        return True
    wanted, words = words_of(tidy(target)), words_of(given)
    plainly = number_of(tidy(target)) is None and not letter_of(tidy(target)) and len(words) <= 12
    denied = _DENIED.search(given) and not _DENIED.search(target)
    if not plainly or denied or not wanted:
        return False
    size = len(wanted)
    return any(
        words[at : at + size] == wanted
        and not _SIGNS.intersection(words[max(0, at - 1) : at] + words[at + size : at + size + 1])
        for at in range(len(words))
    )


def agree(one: str, other: str) -> bool:
    """Whether two texts give the same answer; False where one gives none."""
    return same_answer(answer_in(one), answer_in(other))


def grouped(answers: Sequence[str], same: Callable[[str, str], bool]) -> list[int | None]:
    """The group of each answer, None for an empty one; `same` compares it with the first of a group."""
    first: list[str] = []
    groups: list[int | None] = []
    for answer in answers:
        if not answer:
            groups.append(None)
            continue
        place = next((at for at, other in enumerate(first) if other == answer or same(answer, other)), None)
        if place is None:
            place = len(first)
            first.append(answer)
        groups.append(place)
    return groups


def agreement(texts: Sequence[str]) -> tuple[int | None, ...]:
    """For each text the number of the group that its answer belongs to, 0 for the largest (of equal ones the
    earliest); None for no answer.
    """
    found = grouped(list(map(answer_in, texts)), same_answer)
    order = sorted({place for place in found if place is not None}, key=lambda place: -found.count(place))
    return tuple(None if place is None else order.index(place) for place in found)


@lru_cache(maxsize=4096)
def number_of(text: str) -> Number | None:
    """The number that an answer is, with its unit, or the only one in a short sentence; else None."""
    bare = tidy(plain(_NAMED.sub("", tidy(text))))
    whole = measure_of(bare)
    if whole is not None:
        return whole
    numbers = _ALONE.findall(bare)
    if _FORMULA.search(bare) or len(numbers) != 1 or len(bare) > SHORT or _DENIED.search(bare):
        return None
    return measure_of(numbers[0])


@lru_cache(maxsize=4096)
def measure_of(text: str) -> Number | None:
    """The number that a text is from its first to its last sign, with a unit or `x =`; else None."""
    match = _MEASURE.match(formula(plain(_NAMED.sub("", formula(text)))))
    value = _evaluated(match["value"]) if match else None
    if match is None or value is None or _FORMULA.search(match[0]):
        return None
    decimals = re.fullmatch(r"[-+]?[0-9,]*\.([0-9]+)", match["value"].strip())
    return Number(value.value, _unit(match["unit"] or ""), len(decimals[1]) if decimals else 0, value.exact)


def _evaluated(text: str) -> Value | None:
    try:
        return evaluate(text)
    except NotEvaluated:
        return None


def _unit(name: str) -> str:
    lower = re.sub(r"\s+", " ", name.lower()).lstrip("\\")
    if lower in ("%", "per cent", "percent"):
        return "%"
    return lower[:-1] if len(lower) > 3 and lower.endswith("s") and not lower.endswith("ss") else lower


def same_number(one: Number, other: Number, *, rounded: bool = False) -> bool:
    """Units must agree or be convertible; one that is left out agrees with any. `rounded`: one may be the
    other rounded.
    """
    a, b = one.value, other.value
    if one.unit != other.unit and one.unit and other.unit:
        sizes = unit(one.unit), unit(other.unit)
        if "%" in (one.unit, other.unit) or sizes[0] is None or sizes[1] is None:
            return False
        if sizes[0][0] != sizes[1][0]:
            return False
        return a * sizes[0][1] == b * sizes[1][1]
    if "%" in (one.unit, other.unit) and one.unit != other.unit:
        share, bare = (a, b) if one.unit == "%" else (b, a)
        return share / 100 == bare or (share == bare and abs(bare) > 1)
    if a == b or (not (one.exact and other.exact) and abs(a - b) <= _NOTHING * max(abs(a), abs(b))):
        return True
    return rounded and (_rounded(one, other) or _rounded(other, one))


def _rounded(short: Number, full: Number) -> bool:
    """Whether `short`, with two decimals or more, is `full` rounded: a fraction, a root, or at least three
    decimals that go further.
    """
    if short.places < (3 if full.places else 2) or (full.places and full.places <= short.places):
        return False
    ends = full.exact and (full.value * 10**short.places).denominator == 1
    return not ends and abs(short.value - full.value) * 2 * 10**short.places <= 1


@lru_cache(maxsize=4096)
def letter_of(text: str) -> str:
    """The letter of a choice; "" for any other answer."""
    match = _CHOICE.match(text)
    return match[1].casefold() if match else ""


@lru_cache(maxsize=4096)
def _parts(text: str) -> tuple[list[str], bool]:
    """The parts of a list, a set or a tuple, and whether their order counts."""
    bare = text.strip()
    ordered = bare.startswith("(") and bare.endswith(")")
    if ordered or (bare[:1] in "{[" and bare[-1:] in "}]") or bare.startswith("\\{"):
        bare = bare.strip("\\{}[]() ")
    return [part for part in map(str.strip, _PART.split(bare)) if part], ordered


def _same_parts(one: tuple[list[str], bool], other: tuple[list[str], bool]) -> bool:
    left, right = one[0], list(other[0])
    if len(left) != len(right) or max(len(left), len(right)) < 2:
        return False
    if one[1] and other[1]:
        return all(same_answer(a, b) for a, b in zip(left, right, strict=True))
    for part in left:
        found = next((i for i, each in enumerate(right) if same_answer(part, each)), None)
        if found is None:
            return False
        right.pop(found)
    return True


@lru_cache(maxsize=4096)
def words_of(text: str) -> list[str]:
    """The words and signs of an answer, in small letters."""
    return re.findall(r"[\w'+*/^=<>≤≥()-]+", plain(text).casefold())
