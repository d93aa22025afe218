"""Written working: every operation as lines small enough to be done at a glance, the result below.

Each method writes one block and returns the result. Blocks stand apart by an empty line, lines by a newline.
A slip, if one is wanted, changes one result and is written as if it were right; what follows builds on it,
as it would if a model had made the slip.
"""

from collections.abc import Callable
from operator import add, floordiv, mul, sub
from random import Random
from typing import NamedTuple

DIRECT_FACTOR = 12
"""Products up to this factor are known by heart, and so are their divisions."""

_OPERATIONS: dict[str, Callable[[int, int], int]] = {"+": add, "-": sub, "×": mul, "÷": floordiv}
INVERSE = {"+": "-", "-": "+", "×": "÷", "÷": "×"}
"""What takes an operation back."""


def applied(sign: str, a: int, b: int) -> int:
    """The exact result of an operation; a division is rounded down."""
    return _OPERATIONS[sign](a, b)


class Piece(NamedTuple):
    """Some text, and whether it is to be learned."""

    text: str
    learn: bool = True


class Working:
    """The reasoning being written. `slip` counts down over the results that may go wrong; the one at 0 does."""

    def __init__(self, slip: int = -1, rng: Random | None = None) -> None:
        self.pieces: list[Piece] = []
        self.slipped = False
        self.results = 0
        self._slip = slip
        self._rng = rng or Random(0)
        self._fresh = True

    def write(self, text: str) -> None:
        """Some text where the last ended."""
        self.pieces.append(Piece(text))
        self._fresh = False

    def step(self, text: str = "") -> None:
        """Begin a step with `text`."""
        if not self._fresh:
            self.pieces.append(Piece("\n\n"))
        self._fresh = True
        if text:
            self.write(text)

    def line(self, text: str) -> None:
        """A line of this step."""
        self.write(("" if self._fresh else "\n") + text)

    def calm(self) -> "Working":
        """From here on no slip happens."""
        self._slip = -1
        return self

    def result(self, left: str, value: int) -> int:
        """The line `left`=`value`; the value that now stands there."""
        if not self._slips():
            self.line(f"{left}={value}")
            return value
        wrong = self._wrong(value)
        self.line(f"{left}=")
        self.pieces.append(Piece(str(wrong), learn=False))
        return wrong

    def chosen(self, right: str, wrong: str) -> str:
        """`right` where the last text ended, or the slip `wrong`; what stands there."""
        if not self._slips():
            self.write(right)
            return right
        self.pieces.append(Piece(wrong, learn=False))
        return wrong

    def _slips(self) -> bool:
        """Whether it is this result that goes wrong."""
        self.results += 1
        self._slip -= 1
        self.slipped = self.slipped or self._slip == -1
        return self._slip == -1

    def _wrong(self, value: int) -> int:
        digits = list(str(abs(value)))
        if value >= 10 and self._rng.random() < 0.5:  # another digit somewhere
            at = self._rng.randrange(len(digits))
            digits[at] = str((int(digits[at]) + self._rng.randint(1, 9)) % 10 or 1)
            wrong = int("".join(digits))
        else:
            wrong = value + self._rng.choice((-2, -1, 1, 1, 2, 10))
        return wrong if wrong not in {value, 0} and wrong > 0 else value + 1

    def add(self, a: int, b: int) -> int:
        """a + b, column by column from the right."""
        _refuse_negative(a, b)
        self.step()
        if min(a, b) < 10 and max(a, b) < 100:
            return self.result(f"{a}+{b}", a + b)
        self.line(f"{a}+{b}:")
        carry, total, place = 0, 0, 1
        left, right = a, b
        while left or right:
            digits = [left % 10, right % 10] + ([carry] if carry else [])
            shown = digits if left and right else [left % 10 or right % 10, *digits[2:]]
            if len(shown) == 1:
                column = shown[0]
                self.line(str(column))
            else:
                column = self.result("+".join(map(str, shown)), sum(shown))
            total, carry, place = total + column % 10 * place, column // 10, place * 10
            left, right = left // 10, right // 10
        return self.result(f"{a}+{b}", total + carry * place)

    def sub(self, a: int, b: int) -> int:
        """a - b for a ≥ b, column by column; a column that is too small takes ten from the next."""
        _refuse_negative(b, a - b)
        self.step()
        if (b < 10 and a < 100) or a < 20:
            return self.result(f"{a}-{b}", a - b)
        self.line(f"{a}-{b}:")
        borrow, total, place = 0, 0, 1
        left, right = a, b
        while left:
            top, bottom = left % 10, right % 10
            lent = borrow
            borrow = int(top - lent < bottom)
            parts = [top + 10 * borrow] + ([lent] if lent else []) + ([bottom] if right else [])
            if len(parts) == 1:
                column = parts[0]
                self.line(str(column))
            else:
                column = self.result("-".join(map(str, parts)), parts[0] - sum(parts[1:]))
            total, place = total + column % 10 * place, place * 10
            left, right = left // 10, right // 10
        return self.result(f"{a}-{b}", total)

    def mul(self, a: int, b: int) -> int:
        """a × b: by heart, by columns for one digit, by partial products for more."""
        if max(a, b) <= DIRECT_FACTOR or _round(b) or _round(a):
            self.step()
            return self.result(f"{a}×{b}", a * b)
        if len(str(a)) < len(str(b)):
            a, b = b, a
        if b < 10:
            return self._times(a, b, "")
        tens = [(int(digit), len(str(b)) - 1 - at) for at, digit in enumerate(str(b)) if digit != "0"][::-1]
        if len(tens) > 1:
            self.step(f"{a}×{b}=" + "+".join(f"{a}×{digit}{'0' * zeros}" for digit, zeros in tens))
        total = 0
        for digit, zeros in tens:
            part = self._times(a, digit, "0" * zeros)
            total = self.add(total, part) if total else part
        if len(tens) > 1:
            self.step()
            total = self.result(f"{a}×{b}", total)
        return total

    def _times(self, a: int, digit: int, zeros: str) -> int:
        self.step()
        if a > DIRECT_FACTOR and digit > 1:
            self.line(f"{a}×{digit}{zeros}:")
            carry, total, place = 0, 0, 1
            for each in map(int, reversed(str(a))):
                column = self.result(f"{each}×{digit}" + (f"+{carry}" if carry else ""), each * digit + carry)
                total, carry, place = total + column % 10 * place, column // 10, place * 10
            return self.result(f"{a}×{digit}{zeros}", int(f"{total + carry * place}{zeros}"))
        return self.result(f"{a}×{digit}{zeros}", int(f"{a * digit}{zeros}"))

    def div(self, a: int, b: int) -> int:
        """a ÷ b where it comes out even; ArithmeticError where it does not."""
        if a % b:
            raise ArithmeticError(f"{a} is no multiple of {b}")
        if _round(b) or a <= b * DIRECT_FACTOR:
            self.step()
            return self.result(f"{a}÷{b}", a // b)
        quotient, _ = self.divided(a, b)
        self.line(f"{a}÷{b}={quotient}")
        return quotient

    def divided(self, a: int, b: int) -> tuple[int, int]:
        """Quotient and remainder by long division; both 0-free of slips in its last line."""
        self.step(f"{a}÷{b}:")
        quotient, rest, begun = "", 0, False
        for at, digit in enumerate(str(a)):
            rest = rest * 10 + int(digit)
            if not begun and rest < b and at + 1 < len(str(a)):
                continue
            begun = True
            times = min(rest // b, 9)
            product = self.result(f"{b}×{times}", b * times)
            quotient += str(times)
            rest = self.result(f"{rest}-{product}", max(0, rest - product))
        return int(quotient or "0"), rest

    def nines(self, a: int, b: int, product: int) -> bool:
        """Whether a × b = product by casting out nines: the digit sums must multiply to the same digit."""
        self.step("Check by nines:")
        left, right = self._root(a), self._root(b)
        wanted = self._root(self.result(f"{left}×{right}", left * right))
        return self.verdict(self._root(product) == wanted)

    def _root(self, number: int) -> int:
        if number < 10:
            self.line(str(number))
        while number >= 10:
            number = self.result("+".join(str(number)), sum(map(int, str(number))))
        return number

    def expect(self, wanted: object) -> None:
        """Open a check whose result should be `wanted`."""
        self.step(f"Check ({wanted}):")

    def verdict(self, fits: bool) -> bool:
        """Close a check."""
        self.line("✓" if fits else "✗")
        return fits


def _refuse_negative(*numbers: int) -> None:
    """Only a slip leads below zero; there are no lines for that."""
    if min(numbers) < 0:
        raise ArithmeticError(f"{numbers} go below zero")


def _round(number: int) -> bool:
    """10, 100, 1000 …: zeros are put on or taken off."""
    return number >= 10 and number == 10 ** (len(str(number)) - 1)
