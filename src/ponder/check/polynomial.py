"""Exact polynomials and quotients of them: two expressions are the same if and only if their quotients are.

A polynomial is a sum of monomials with rational coefficients. Caps keep all work small: `MAX_TERMS`
monomials,
`MAX_DEGREE`, `MAX_BITS` bits in a coefficient; beyond them NotEvaluated is raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ponder.check.evaluate import NotEvaluated

MAX_TERMS = 120
MAX_DEGREE = 16
MAX_BITS = 1024

Monomial = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Polynomial:
    """`terms` maps a monomial, names in order with their powers, to its coefficient, which is not 0."""

    terms: Mapping[Monomial, Fraction]

    @property
    def names(self) -> frozenset[str]:
        """The variables that occur."""
        return frozenset(name for monomial in self.terms for name, _ in monomial)

    @property
    def degree(self) -> int:
        """The highest total degree; 0 for a constant."""
        return max((sum(power for _, power in monomial) for monomial in self.terms), default=0)

    @property
    def constant(self) -> Fraction | None:
        """Its value if it has no variables."""
        return self.terms.get((), Fraction(0)) if self.degree == 0 else None

    def __add__(self, other: "Polynomial") -> "Polynomial":
        out = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            out[monomial] = out.get(monomial, Fraction(0)) + coefficient
        return _made(out)

    def __neg__(self) -> "Polynomial":
        return Polynomial({monomial: -coefficient for monomial, coefficient in self.terms.items()})

    def __sub__(self, other: "Polynomial") -> "Polynomial":
        return self + -other

    def __mul__(self, other: "Polynomial") -> "Polynomial":
        if len(self.terms) * len(other.terms) > 4 * MAX_TERMS:
            raise NotEvaluated("too many terms")
        out: dict[Monomial, Fraction] = {}
        for one, a in self.terms.items():
            for two, b in other.terms.items():
                powers = dict(one)
                for name, power in two:
                    powers[name] = powers.get(name, 0) + power
                monomial = tuple(sorted(powers.items()))
                out[monomial] = out.get(monomial, Fraction(0)) + a * b
        return _made(out)

    def coefficients(self, name: str) -> list[Fraction]:
        """The coefficients of powers 0, 1, 2 … of its only variable."""
        out = [Fraction(0)] * (self.degree + 1)
        for monomial, coefficient in self.terms.items():
            out[dict(monomial).get(name, 0)] += coefficient
        return out

    def at(self, values: Mapping[str, Fraction]) -> "Polynomial":
        """With some variables replaced by values."""
        out: dict[Monomial, Fraction] = {}
        for monomial, coefficient in self.terms.items():
            rest = []
            for name, power in monomial:
                if name in values:
                    coefficient *= values[name] ** power  # noqa: PLW2901 - a product is collected
                else:
                    rest.append((name, power))
            out[tuple(rest)] = out.get(tuple(rest), Fraction(0)) + coefficient
        return _made(out)

    def size_at(self, values: Mapping[str, Fraction]) -> Fraction:
        """The sum of the sizes of its terms at a point: the scale that a small value is compared with."""
        absolute = Polynomial({monomial: abs(c) for monomial, c in self.terms.items()})
        return absolute.at({name: abs(value) for name, value in values.items()}).terms.get((), Fraction(0))


def _made(terms: dict[Monomial, Fraction]) -> Polynomial:
    kept = {monomial: coefficient for monomial, coefficient in terms.items() if coefficient}
    if len(kept) > MAX_TERMS:
        raise NotEvaluated("too many terms")
    for monomial, coefficient in kept.items():
        if sum(power for _, power in monomial) > MAX_DEGREE:
            raise NotEvaluated("degree too high")
        if max(coefficient.numerator.bit_length(), coefficient.denominator.bit_length()) > MAX_BITS:
            raise NotEvaluated("coefficient too large")
    return Polynomial(kept)


ZERO, ONE = Polynomial({}), Polynomial({(): Fraction(1)})


def constant(value: Fraction) -> Polynomial:
    """A polynomial without variables."""
    return _made({(): value})


def variable(name: str) -> Polynomial:
    """A polynomial that is one variable."""
    return Polynomial({((name, 1),): Fraction(1)})


@dataclass(frozen=True, slots=True)
class Quotient:
    """`above / below`, not reduced; `below` is not 0."""

    above: Polynomial
    below: Polynomial = ONE

    @property
    def names(self) -> frozenset[str]:
        """The variables that occur."""
        return self.above.names | self.below.names

    @property
    def constant(self) -> Fraction | None:
        """Its value if it has no variables."""
        above, below = self.above.constant, self.below.constant
        return None if above is None or not below else above / below

    def __add__(self, other: "Quotient") -> "Quotient":
        if self.below == other.below:
            return Quotient(self.above + other.above, self.below)
        return Quotient(self.above * other.below + other.above * self.below, self.below * other.below)

    def __neg__(self) -> "Quotient":
        return Quotient(-self.above, self.below)

    def __sub__(self, other: "Quotient") -> "Quotient":
        return self + -other

    def __mul__(self, other: "Quotient") -> "Quotient":
        return Quotient(self.above * other.above, self.below * other.below)

    def __truediv__(self, other: "Quotient") -> "Quotient":
        if not other.above.terms:
            raise NotEvaluated("division by zero")
        return Quotient(self.above * other.below, self.below * other.above)

    def power(self, exponent: int) -> "Quotient":
        """An integer power; raises NotEvaluated beyond the caps."""
        if abs(exponent) > MAX_DEGREE or (exponent < 0 and not self.above.terms):
            raise NotEvaluated("power too large")
        out = Quotient(ONE)
        for _ in range(abs(exponent)):
            out *= self
        return Quotient(ONE) / out if exponent < 0 else out

    def same(self, other: "Quotient") -> bool:
        """Whether both are equal wherever both are defined."""
        return not (self.above * other.below - other.above * self.below).terms

    def at(self, values: Mapping[str, Fraction]) -> "Quotient":
        """With some variables replaced by values; raises NotEvaluated where it is not defined."""
        below = self.below.at(values)
        if not below.terms:
            raise NotEvaluated("division by zero")
        return Quotient(self.above.at(values), below)


def proportional(one: Polynomial, two: Polynomial) -> bool:
    """Whether the one is a constant multiple of the other."""
    if one.terms.keys() != two.terms.keys():
        return False
    ratios = {one.terms[monomial] / two.terms[monomial] for monomial in one.terms}
    return len(ratios) <= 1


def solved(equations: list[Polynomial]) -> dict[str, Fraction] | None:
    """The only solution of linear equations (each = 0), by elimination; {} if there is none, None if there
    are many or an equation is not linear.
    """
    rows = [dict(equation.terms) for equation in equations]
    if any(equation.degree > 1 for equation in equations):
        return None
    names = sorted({name for equation in equations for name in equation.names})
    done: list[tuple[str, dict[Monomial, Fraction]]] = []
    for name in names:
        key: Monomial = ((name, 1),)
        pivot = next((row for row in rows if row.get(key)), None)
        if pivot is None:
            return None
        rows.remove(pivot)
        lead = pivot[key]
        pivot = {monomial: coefficient / lead for monomial, coefficient in pivot.items()}
        rows = [_without(row, pivot, key) for row in rows]
        done = [(other, _without(row, pivot, key)) for other, row in done] + [(name, pivot)]
    if any(any(row.values()) for row in rows):
        return {}
    return {name: -row.get((), Fraction(0)) for name, row in done}


def _without(
    row: dict[Monomial, Fraction], pivot: dict[Monomial, Fraction], key: Monomial
) -> dict[Monomial, Fraction]:
    factor = row.get(key, Fraction(0))
    return {
        monomial: row.get(monomial, Fraction(0)) - factor * pivot.get(monomial, Fraction(0))
        for monomial in {*row, *pivot}
    }
