r"""What a text answers, and whether two answers are the same.

`answer_in` finds the answer: `\boxed{…}`, "the answer is …", else a short last line, else the last number.
`same_answer` compares, cheap to dear: the same words, the same letter of a choice, the same number (as a
fraction, per cent, with units, rounded), the same set or tuple. What it cannot compare is different.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ponder.check.evaluate import NUMBER, NotEvaluated, evaluate
from ponder.check.plain import plain
from ponder.check.units import unit

MOST = 2000
"""Characters at the end of a text in which its answer is looked for."""
SHORT = 60
"""A last line of so many characters is an answer by itself."""
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_SAID = re.compile(
    r"(?:\banswer\b[*_\s]*(?:is|are|:|=|would be|must be)|\banswer[*_]*:|答案(?:是|为|：|:))[*_\s:]*"
    r"(?=(?P<said>[^\n]{1,200}))",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=\S)[.!?](?=\s|$)|[。；]")
_MARKS = re.compile(r"\*\*|__|`|\\[()\[\]!;, ]|\\(?:left|right|displaystyle)\b|\$")
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf|boxed|fbox|mbox)\s*\{([^{}]*)\}")
_NAMED = re.compile(r"^\s*[A-Za-z]\w?\s*(?:=|:=)\s*(?=\S)")
_CHOICE = re.compile(r"^\W*(?:option|choice)?\W*([A-Ha-h])(?:\W*$|\s*[).:]\s+\S.*$)", re.IGNORECASE)
_MEASURE = re.compile(
    r"^[£€¥]?\s*(?P<value>.*?[0-9)}\]π!²³])\s*"
    r"(?P<unit>\\?%|per\s?cent|°|[A-Za-z][A-Za-z]*(?:[ /·^][A-Za-z0-9]+){0,2})?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_PART = re.compile(r"\s*(?:,(?![0-9]{3}\b)|;|，|、|\band\b|\bor\b)\s*")


@dataclass(frozen=True, slots=True)
class Number:
    """An answer that is a number: its value, its unit as written ("" for none), and its decimals."""

    value: Fraction
    unit: str = ""
    places: int = 0
    exact: bool = True


def answer_in(text: str) -> str:
    """The answer that `text` gives, tidied; "" where there is none."""
    tail = text[-MOST:]
    boxed = _boxed(tail)
    if boxed:
        return tidy(boxed)
    said = [tidy(_clause(match["said"])) for match in _SAID.finditer(tail)]
    if any(said):
        return next(each for each in reversed(said) if each)
    lines = [line for line in map(tidy, tail.splitlines()) if line]
    if lines and len(lines[-1]) <= SHORT:
        return lines[-1]
    numbers = list(re.finditer(rf"[-−]?(?:{NUMBER})", tail))
    return tidy(numbers[-1][0]) if numbers else (lines[-1] if lines else "")


def tidy(text: str) -> str:
    """An answer without its dressing: bold type, mathematics signs, a full stop, `x =`."""
    bare = text.strip()
    for _ in range(3):
        bare = _TEXT.sub(r"\1", bare)
    bare = _MARKS.sub(lambda m: "" if m[0] not in ("\\ ", "\\,") else " ", bare).strip(" \t\n:")
    bare = re.sub(r"(?<=\S)[.!。]+$", "", bare).strip()
    return re.sub(r"\s+", " ", bare)


def same_answer(one: str, other: str) -> bool:
    """Whether two answers are the same thing; an empty one is the same as none."""
    one, other = tidy(one), tidy(other)
    if not one or not other:
        return False
    if one.casefold() == other.casefold():
        return True
    letters = _CHOICE.match(one), _CHOICE.match(other)
    if letters[0] and letters[1]:
        return letters[0][1].casefold() == letters[1][1].casefold()
    numbers = number_of(one), number_of(other)
    if numbers[0] is not None and numbers[1] is not None:
        return _same_number(numbers[0], numbers[1])
    parts = _parts(one), _parts(other)
    if len(parts[0][0]) > 1 or len(parts[1][0]) > 1:
        return _same_parts(*parts)
    return _words(one) == _words(other)


def answers(text: str, target: str) -> bool:
    """Whether `text` gives the answer `target`: the one it ends with is the same, or, for a target in words,
    a short answer holds these words ("It is Paris." for "Paris").
    """
    given = answer_in(text)
    if same_answer(given, target):
        return True
    wanted, words = _words(tidy(target)), _words(given)
    plainly = number_of(tidy(target)) is None and not _CHOICE.match(tidy(target)) and len(words) <= 12
    denied = {"not", "no", "never", "isn't"} & (set(words) - set(wanted))
    if not plainly or denied or not wanted:
        return False
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def groups(given: Sequence[str]) -> tuple[int, ...]:
    """For each answer the number of its group, counted from 0 as groups appear; -1 for an empty one."""
    leaders: list[str] = []
    found = []
    for answer in given:
        if not tidy(answer):
            found.append(-1)
            continue
        place = next((i for i, leader in enumerate(leaders) if same_answer(leader, answer)), None)
        if place is None:
            leaders.append(answer)
            place = len(leaders) - 1
        found.append(place)
    return tuple(found)


def number_of(text: str) -> Number | None:
    """The number that an answer is, with its unit; None if it is something else."""
    bare = tidy(plain(_NAMED.sub("", tidy(text))))
    match = _MEASURE.match(bare)
    if match is None:
        return None
    value, name = match["value"], (match["unit"] or "").strip()
    try:
        found = evaluate(value)
    except NotEvaluated:
        return None
    decimals = re.fullmatch(r"[-−+]?[0-9,]*\.([0-9]+)", value.strip())
    return Number(found.value, _unit(name), len(decimals[1]) if decimals else 0, found.exact)


def _boxed(text: str) -> str:
    r"""The content of the last `\boxed{…}`, brackets balanced."""
    for match in reversed(list(_BOXED.finditer(text))):
        depth = 1
        for at in range(match.end(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                return text[match.end() : at]
    return ""


def _clause(text: str) -> str:
    """What is said up to the end of the sentence; a decimal point does not end it."""
    end = _END.search(text)
    return text[: end.start()] if end else text


def _unit(name: str) -> str:
    lower = re.sub(r"\s+", " ", name.lower()).lstrip("\\")
    if lower in ("%", "per cent", "percent"):
        return "%"
    return lower[:-1] if len(lower) > 3 and lower.endswith("s") and not lower.endswith("ss") else lower


def _same_number(one: Number, other: Number) -> bool:
    """Units must agree or be convertible; one that is left out agrees with any."""
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
    return a == b or _rounded(one, other) or _rounded(other, one)


def _rounded(short: Number, full: Number) -> bool:
    """Whether `short`, with two decimals or more, is `full` rounded: a fraction, a root, or at least three
    decimals that go further.
    """
    if short.places < (3 if full.places else 2) or (full.places and full.places <= short.places):
        return False
    ends = full.exact and (full.value * 10**short.places).denominator == 1
    return not ends and abs(short.value - full.value) * 2 * 10**short.places <= 1


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


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'+*/^=<>≤≥()-]+", plain(text).casefold())
