"""Claims in words: divisibility, primes, common divisors and multiples, remainders, letters, sums."""

import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction

from ponder.check.doubts import BEFORE
from ponder.check.claim import Claim, Kind, Verdict, written
from ponder.check.context import stance
from ponder.check.counts import PATTERNS as COUNTS
from ponder.check.dates import PATTERNS as DATES
from ponder.check.evaluate import NotEvaluated, number
from ponder.check.pieces import SPELLED

_N = r"(?<![\w.,^/*+-])(-?[0-9][0-9,]{0,14})(?![0-9]|\.[0-9]|,[0-9])"
_LIST = r"([0-9][0-9.]{0,14}(?:\s*(?:,\s*and|,|and|\+)\s*[0-9][0-9.]{0,14}){1,40})"
_IS = r"\s*(?:is equal to|is|equals|=|are)\s*"
_COUNT = r"(?P<count>[0-9]{1,3}|" + "|".join(SPELLED) + r")"
_LETTER = r"(?!(?:as|is|us)\b)[\"']?(?P<letter>[A-Za-z])[\"']?(?:'?s)?\b[\"']?"
_WORD = r"[\"']?(?P<word>[A-Za-z]{4,40})[\"']?"
_LARGEST_PRIME = 10**12

Answer = tuple[Kind, str, str, bool, str]
"""Kind, left, right, whether it holds, and what should stand there."""


def phrase_claims(text: str) -> Iterator[Claim]:
    """The claims in words of a plain text."""
    for pattern, answer in _PATTERNS:
        for match in pattern.finditer(text):
            try:
                found = answer(match)
            except NotEvaluated:
                continue
            meant = stance(text, match.start(), match.end())
            if found is None or meant == "not claimed":
                continue
            kind, left, right, true, evidence = found
            sure = meant == "claimed" and not _part_of_more(text, match.start(), match.end())
            verdict: Verdict = "ok" if true else "wrong" if sure else "undecided"
            yield Claim(match.start(), match.end(), kind, left, right, verdict, "" if true else evidence)


_OPERATOR_BEFORE = re.compile(r"[\w)\]}]\s*[-+*/^×÷]\s*$")
_OPERATOR_AFTER = re.compile(r" *(?:or\b|[+*/^×÷!²³√]|- *[0-9A-Za-z(])|[A-Za-z0-9_]|\.[0-9]")


def _part_of_more(text: str, start: int, stop: int) -> bool:
    """Whether the first or last number may belong to a longer expression."""
    before = text[max(0, start - 40) : start]
    before = before[:-4] if before.lower().endswith("the ") else before
    if _OPERATOR_BEFORE.search(before) or BEFORE.search(before):
        return True
    return _OPERATOR_AFTER.match(text, stop) is not None


def _whole(text: str) -> int:
    value, _ = number(text.lstrip("-"))
    if value.denominator != 1:
        raise NotEvaluated("not whole")
    return -int(value) if text.startswith("-") else int(value)


def _divisible(match: re.Match[str]) -> Answer | None:
    a, denied, b = _whole(match[1]), bool(match[2]), _whole(match[3])
    if b == 0:
        return None
    rest = a % b
    said = f"{'not ' if denied else ''}divisible by {b}"
    return "divisibility", str(a), said, (rest == 0) != denied, f"{a} mod {b} is {rest}"


def _multiple(match: re.Match[str]) -> Answer | None:
    a, denied, b = _whole(match[1]), bool(match[2]), _whole(match[4])
    big, small = (a, b) if match[3].lower() == "multiple" else (b, a)
    if small == 0:
        return None
    said = f"{'not ' if denied else ''}a {match[3].lower()} of {b}"
    return "divisibility", str(a), said, (big % small == 0) != denied, f"{big} mod {small} is {big % small}"


def _prime(match: re.Match[str]) -> Answer | None:
    n, denied, composite = _whole(match[1]), bool(match[2]), match[3].lower() == "composite"
    if not 0 <= n <= _LARGEST_PRIME:
        return None
    divisor = next((d for d in range(2, min(math.isqrt(n), 10**6) + 1) if n % d == 0), 0)
    prime = n > 1 and divisor == 0
    fact = f"{n} = {divisor} × {n // divisor}" if divisor else f"{n} is {'' if prime else 'not '}prime"
    true = (n > 1 and not prime if composite else prime) != denied
    return "prime", str(n), f"{'not ' if denied else ''}{match[3].lower()}", true, fact


def _divisor(match: re.Match[str]) -> Answer | None:
    names, said = match[2], _whole(match[3])
    values = [_whole(part) for part in re.findall(r"[0-9]+", names)]
    lowest = "mult" in match[1].lower() or "lcm" in match[1].lower()
    if not all(values) or len(values) < 2:
        return None
    value = math.lcm(*values) if lowest else math.gcd(*values)
    name = f"{'lcm' if lowest else 'gcd'}({', '.join(map(str, values))})"
    return "divisor", name, str(said), value == said, f"{name} is {value}"


def _modulo(match: re.Match[str]) -> Answer | None:
    a, m, said = _whole(match[1]), _whole(match[2]), _whole(match[3])
    if m <= 0:
        return None
    return "remainder", f"{a} mod {m}", str(said), (a - said) % m == 0, f"{a} mod {m} is {a % m}"


def _congruent(match: re.Match[str]) -> Answer | None:
    a, b, m = _whole(match[1]), _whole(match[2]), _whole(match[3])
    if m <= 0:
        return None
    return "congruence", str(a), f"{b} (mod {m})", (a - b) % m == 0, f"{a} mod {m} is {a % m}"


def _quotient(match: re.Match[str]) -> Answer | None:
    a, b, q, r = (_whole(part) for part in match.groups())
    if b <= 0:
        return None
    return (
        "remainder",
        f"{a} / {b}",
        f"{q} remainder {r}",
        (a // b, a % b) == (q, r),
        f"{a} = {b} × {a // b} + {a % b}",
    )


def _remainder(match: re.Match[str]) -> Answer | None:
    a, b, r = (_whole(part) for part in match.groups())
    if b <= 0:
        return None
    return "remainder", f"{a} mod {b}", str(r), a % b == r, f"{a} mod {b} is {a % b}"


def _letters(match: re.Match[str]) -> Answer | None:
    word, letter, said = match["word"].lower(), match["letter"].lower(), match["count"].lower()
    count = int(said) if said.isdigit() else SPELLED[said]
    true = word.count(letter)
    quoted = '"' in match[0] or "'" + match["word"] in match[0] or "the word" in match[0].lower()
    part = match.string[match.end() : match.end() + 4] == " in "
    if part or word in _NO_WORDS or (true == 0 and not quoted):
        return None
    return "letters", f"{letter} in {word}", str(count), true == count, f"{word} has {true} {letter}"


_NO_WORDS = frozenset(
    [
        "this",
        "that",
        "there",
        "these",
        "those",
        "they",
        "which",
        "what",
        "solution",
        "equation",
        "expression",
        "word",
        "string",
    ]
)


def _sum(match: re.Match[str]) -> Answer | None:
    values = [Fraction(part) for part in re.findall(r"[0-9]+(?:\.[0-9]+)?", match[2])]
    said, places = number(match[3])
    what = match[1].lower()
    if what in ("average", "mean"):
        value = sum(values, Fraction(0)) / len(values)
    else:
        value = math.prod(values, start=Fraction(1)) if what == "product" else sum(values, Fraction(0))
    rounded = value.denominator != 1 and abs(value - said) < Fraction(1, 10**places)
    name = f"{what} of {', '.join(map(written, values))}"
    return "sum", name, written(said), value == said or rounded, f"the {name} is {written(value)}"


_NOT = (
    r"\s+(?:is|are)\s+(?:also\s+|indeed\s+|a\s+|exactly\s+|evenly\s+)?(not\s+)?"
    r"(?:exactly\s+|evenly\s+|also\s+|a\s+|an?\s+)?"
)
_DIVISOR = (
    r"(gcd|gcf|hcf|lcm|(?:greatest|highest) common (?:divisor|factor)|"
    r"(?:least|lowest|smallest) common multiple)"
)
_NUMBERS = r"([0-9]{1,12}(?:\s*(?:,\s*and|,|and)\s*[0-9]{1,12}){1,9})"
_MODULUS = r"\s*\(?\{?\s*(?:~|mod(?:ulo)?\b)\s*\{?\s*([0-9]{1,12})"
_REST = r",?\s*(?:with (?:a )?|and (?:a )?)?(?:remainder|rem)\s*(?:of\s*|is\s*)?([0-9]{1,12})\b"
_MANY = r"(?:exactly\s+|only\s+)?" + _COUNT + r"\s+(?:letters?\s+)?" + _LETTER
_IN_WORD = r"\s+in\s+(?:the word\s+)?" + _WORD
_TOTAL = r"([0-9][0-9.]{0,14}[0-9]|[0-9])(?![0-9]|[.,][0-9]|\s*[-+*/^×÷%!=])"
_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Answer | None]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), answer)
    for pattern, answer in (
        (_N + _NOT + r"divisible\s+by\s+" + _N, _divisible),
        (_N + _NOT + r"(multiple|divisor|factor)\s+of\s+" + _N, _multiple),
        (_N + _NOT + r"(prime|composite)\b(?!\s+(?:to|factor|power|divisor|relative))", _prime),
        (_DIVISOR + r"\s*(?:\(|of)\s*" + _NUMBERS + r"\s*\)?" + _IS + _N, _divisor),
        (_N + r"\s*(?:~|%|mod(?:ulo)?\b)\s*" + _N + _IS + _N, _modulo),
        (_N + r"\s*(?:≡|is congruent to)\s*" + _N + _MODULUS, _congruent),
        (_N + r"\s*(?:/|÷|divided by)\s*" + _N + _IS + _N + _REST, _quotient),
        (r"remainder (?:when|of|if)\s*" + _N + r"\s*(?:is\s*)?divided by\s*" + _N + _IS + _N, _remainder),
        (
            _N + r"\s*divided by\s*" + _N + r"\s*(?:leaves|has|gives) (?:a )?remainder (?:of )?" + _N,
            _remainder,
        ),
        (_WORD + r"\s+(?:has|contains|includes)\s+" + _MANY, _letters),
        (r"\bthere (?:are|is)\s+" + _MANY + _IN_WORD, _letters),
        (
            r"\bletter\s+"
            + _LETTER
            + r"\s+(?:appears|occurs)\s+(?:exactly\s+)?"
            + _COUNT
            + r"\s+times?"
            + _IN_WORD,
            _letters,
        ),
        (r"\b(sum|product|average|mean)\s+of\s+(?:the numbers\s+)?" + _LIST + _IS + _TOTAL, _sum),
        *DATES,
        *COUNTS,
    )
)
