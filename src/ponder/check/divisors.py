"""Claims of elementary number theory: divisibility, primes, common divisors and multiples, remainders."""

import math
import re

from ponder.check.evaluate import NotEvaluated
from ponder.check.wording import GETS, IS, Answer, Match, num, said, whole

_N = r"(?<![\w.,^/*+:-])(-?[0-9][0-9,]{0,14})(?![0-9]|\.[0-9]|,[0-9]|:[0-9])"
_LARGEST_PRIME = 10**12


def _divides(big: int, small: int, denied: bool, what: str) -> Answer | None:
    if small == 0:
        return None
    rest = big % small
    claimed = f"{'not ' if denied else ''}{what}"
    return "divisibility", str(big), claimed, (rest == 0) != denied, f"{big} mod {small} is {rest}"


def _divisible(match: Match) -> Answer | None:
    a, denied, b = whole(match[1]), bool(match[2]), whole(match[3])
    return _divides(a, b, denied, f"divisible by {b}")


def _divisor_of(match: Match) -> Answer | None:
    small, denied, big = whole(match[1]), bool(match["not"]), whole(match[3])
    return _divides(big, small, denied, f"divided by {small}")


def _multiple(match: Match) -> Answer | None:
    a, denied, b = whole(match[1]), bool(match[2]), whole(match[4])
    big, small = (a, b) if match[3].lower() == "multiple" else (b, a)
    return _divides(big, small, denied, f"a {match[3].lower()} of {b}" if big == a else f"a multiple of {a}")


def _rest_free(match: Match) -> Answer | None:
    a, b = whole(match[1]), whole(match[2])
    return _divides(a, b, False, f"divided by {b} without remainder")


def _prime(match: Match) -> Answer | None:
    n, denied, composite = whole(match[1]), bool(match[2]), match[3].lower() in ("composite", "合数")
    if not 0 <= n <= _LARGEST_PRIME:
        return None
    divisor = next((d for d in range(2, min(math.isqrt(n), 10**6) + 1) if n % d == 0), 0)
    prime = n > 1 and divisor == 0
    fact = f"{n} = {divisor} × {n // divisor}" if divisor else f"{n} is {'' if prime else 'not '}prime"
    true = (n > 1 and not prime if composite else prime) != denied
    return "prime", str(n), f"{'not ' if denied else ''}{match[3].lower()}", true, fact


def _even(match: Match) -> Answer | None:
    n, denied = whole(match[1]), bool(match[2])
    even = match[3].lower() in ("even", "偶数")
    true = ((n % 2 == 0) == even) != denied
    return "divisibility", str(n), f"{'not ' if denied else ''}{match[3]}", true, f"{n} mod 2 is {n % 2}"


def _divisor(match: Match) -> Answer | None:
    names, claimed = match["numbers"], whole(match["r"])
    values = [whole(part) for part in re.findall(r"[0-9]+", names)]
    what = match["what"].lower()
    lowest = "mult" in what or "lcm" in what or "公倍" in what
    if not all(values) or len(values) < 2:
        return None
    value = math.lcm(*values) if lowest else math.gcd(*values)
    name = f"{'lcm' if lowest else 'gcd'}({', '.join(map(str, values))})"
    return "divisor", name, str(claimed), value == claimed, f"{name} is {value}"


def _modulo(match: Match) -> Answer | None:
    a, m, claimed = whole(match[1]), whole(match[2]), whole(match[3])
    if m <= 0:
        return None
    return "remainder", f"{a} mod {m}", str(claimed), (a - claimed) % m == 0, f"{a} mod {m} is {a % m}"


def _congruent(match: Match) -> Answer | None:
    a, b, m = whole(match[1]), whole(match[2]), whole(match[3])
    if m <= 0:
        return None
    return "congruence", str(a), f"{b} (mod {m})", (a - b) % m == 0, f"{a} mod {m} is {a % m}"


def _quotient(match: Match) -> Answer | None:
    a, b, q, r = (whole(part) for part in match.groups())
    if b <= 0:
        return None
    true = (a // b, a % b) == (q, r)
    return "remainder", f"{a} / {b}", f"{q} remainder {r}", true, f"{a} = {b} × {a // b} + {a % b}"


def _remainder(match: Match) -> Answer | None:
    a, b, r = (whole(part) for part in match.groups())
    if b <= 0:
        return None
    return "remainder", f"{a} mod {b}", str(r), a % b == r, f"{a} mod {b} is {a % b}"


def _factors(match: Match) -> Answer | None:
    n = whole(match[1])
    product = 1
    for part in re.split(r"[×*x]", match["product"].replace(" ", "")):
        base, _, power = part.partition("^")
        exponent = int(power.strip("{}") or 1)
        if exponent > 60:
            raise NotEvaluated("such a power")
        product *= int(base) ** exponent
    return "prime", f"the factorization of {n}", match["product"], product == n, f"the product is {product}"


_IS_NOT = r"\s+is(n't|\s+not|)\s+(?:also\s+|indeed\s+|clearly\s+|exactly\s+|evenly\s+)?(?:an?\s+)?"
_DIVISOR = (
    r"(?P<what>gcd|gcf|hcf|lcm|(?:greatest|highest|largest) common (?:divisor|factor)|(?:least|lowest"
    r"|smallest) common "
    r"(?:multiple|denominator))(?:\s*\((?:gcd|gcf|hcf|lcm)\))?"
)
_NUMBERS = r"(?P<numbers>[0-9]{1,12}(?:\s*(?:,\s*and|,|and|和)\s*[0-9]{1,12}){1,9})"
_MODULUS = r"\s*\(?\{?\s*(?:~|mod(?:ulo)?\b)\s*\{?\s*([0-9]{1,12})"
_REST = r",?\s*(?:with (?:a )?|and (?:a )?)?(?:remainder|rem)\s*(?:of\s*|is\s*)?([0-9]{1,12})\b"
_LEAVES = r"\s*(?:leaves|has|gives|with)\s+(?:a\s+)?remainder\s+(?:of\s+)?"
_CLOSED = (
    r"(?=\s*(?:[.,;:!)\]]|$|\n|number\b|too\b|as\b|and\b|but\b|so\b|because\b|since\b|while\b|which\b"
    r"|then\b|also\b))"
)
_R = num("r")
PATTERNS = (
    said("divisible", _N + _IS_NOT + r"divisible\s+by\s+" + _N, _divisible),
    said(
        "divides",
        _N + r"(?P<not>\s+does\s+not|\s+doesn't|)\s+divides?\s+" + _N + r"(?!\s+(?:into|by))(?:\s+evenly)?",
        _divisor_of,
    ),
    said("multiple|divisor|factor", _N + _IS_NOT + r"(multiple|divisor|factor)\s+of\s+" + _N, _multiple),
    said(
        "no remainder|without",
        _N
        + r"\s+divided\s+by\s+"
        + _N
        + r"\s+(?:leaves|has|gives|with)?\s*(?:no|without(?:\s+a)?)\s+remainder",
        _rest_free,
    ),
    said(
        "prime|composite",
        _N + _IS_NOT + r"(prime|composite)\b(?!\s+(?:to|factor|power|divisor|relative))" + _CLOSED,
        _prime,
    ),
    said("even|odd", _N + _IS_NOT + r"(even|odd)\b" + _CLOSED, _even),
    said(
        "gcd|gcf|hcf|lcm|common",
        _DIVISOR + r"\s*(?:\(|of)\s*" + _NUMBERS + r"\s*\)?" + f"(?:{IS}|{GETS})" + _R,
        _divisor,
    ),
    said("mod|~|%", _N + r"\s*(?:~|%|mod(?:ulo)?\b)\s*" + _N + IS + _N, _modulo),
    said("≡|congruent", _N + r"\s*(?:≡|is congruent to)\s*" + _N + _MODULUS, _congruent),
    said("rem", _N + r"\s*(?:/|÷|divided by)\s*" + _N + IS + _N + _REST, _quotient),
    said(
        "remainder",
        r"remainder (?:when|of|if)\s*" + _N + r"\s*(?:is\s*)?divided by\s*" + _N + IS + _N,
        _remainder,
    ),
    said(
        "remainder",
        r"(?:when|if|dividing)\s+"
        + _N
        + r"\s*(?:is\s*divided\s*)?by\s*"
        + _N
        + r",?\s*(?:the\s+)?remainder"
        + IS
        + _N,
        _remainder,
    ),
    said("remainder", _N + r"\s*divided by\s*" + _N + _LEAVES + _N, _remainder),
    said(
        "factorization|factorisation",
        r"prime\s+factori[sz]ation\s+of\s+"
        + _N
        + IS
        + r"(?P<product>[0-9]+(?:\^\{?[0-9]+\}?)?(?:\s*[×*x]\s*[0-9]+(?:\^\{?[0-9]+\}?)?)+)"
        r"(?![0-9]|\s*[×*x^])",
        _factors,
    ),
    said(
        "最大公约数|最小公倍数|最大公因数",
        _NUMBERS + r"\s*的\s*(?P<what>最大公[约因]数|最小公倍数)" + IS + _R,
        _divisor,
    ),
    said("整除", _N + r"\s*(?:能|可以)?(不能|)\s*被\s*" + _N + r"\s*整除", _divisible),
    said("质数|素数|合数", _N + r"\s*(?:是|(不是))\s*(?:一个)?(质数|素数|合数)", _prime),
    said("奇数|偶数", _N + r"\s*(?:是|(不是))\s*(?:一个)?(奇数|偶数)", _even),
)
