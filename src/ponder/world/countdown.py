"""Countdown: reach a target with three numbers, each used once, by looking for what the last one leaves."""

from random import Random

from ponder.world.phrasing import dressed, phrase
from ponder.world.problem import Problem
from ponder.world.working import Working, applied

_ASK = (
    "[Use {n} to make {t}.|Make {t} from the numbers {n}.|[Using|With] the numbers {n}, reach {t}.|Countdown: {n}, target {t}.|"
    "Combine {n} with + - × ÷ to get {t}.|How can you make {t} out of {n}?|Get {t} with {n}, each [number |]used once.|Reach {t} using {n}.]"
)


def make(rng: Random, level: int) -> Problem:
    """Numbers up to 6, 9 or 12 at the levels 1, 2, 3."""
    most = (6, 9, 12)[level - 1]
    while True:
        numbers = [rng.randint(1, most) for _ in range(3)]
        target = _random_target(rng, numbers)
        if 1 < target <= 150 and target not in numbers:
            try:
                solution = _search(Working(), numbers, target)
            except ArithmeticError:
                continue
            break
    text = (
        ", ".join(map(str, numbers)) if rng.random() < 0.7 else f"{numbers[0]}, {numbers[1]} and {numbers[2]}"
    )
    question = dressed(rng, phrase(rng, _ASK, n=text, t=target))

    def check(w: Working, answer: str) -> bool:
        w.step("Check:")
        return w.verdict(_evaluated(w, answer) == target)

    return Problem(
        "countdown", level, question, solution, f"countdown {sorted(numbers)} {target}",
        lambda w: _search(w, numbers, target), check, f"The answer is {solution} = {target}.",
    )  # fmt: skip


def _results(a: int, b: int) -> list[tuple[str, int]]:
    """What two numbers give; the larger comes first."""
    a, b = max(a, b), min(a, b)
    found = [(f"{a}+{b}", a + b), (f"{a}-{b}", a - b), (f"{a}×{b}", a * b)]
    return found + ([(f"{a}÷{b}", a // b)] if a % b == 0 and b > 1 else [])


def _random_target(rng: Random, numbers: list[int]) -> int:
    _, first = rng.choice(_results(numbers[0], numbers[1]))
    if first == 0:
        return 0
    return rng.choice(_results(first, numbers[2]))[1]


def _needs(last: int, target: int) -> list[tuple[str, str, int]]:
    """What the other two must make if `last` is used last: the answer's form, the working, the value."""
    found = [("({})-" + str(last), f"{target}+{last}", target + last)]
    if target > last:
        found.insert(0, ("({})+" + str(last), f"{target}-{last}", target - last))
    if target % last == 0 and last > 1:
        found.append(("({})×" + str(last), f"{target}÷{last}", target // last))
    if last > target:
        found.append((f"{last}-({{}})", f"{last}-{target}", last - target))
    if last > 1 and target * last <= 144:
        found.append(("({})÷" + str(last), f"{target}×{last}", target * last))
    return found


def _search(w: Working, numbers: list[int], target: int) -> str:
    for at, other in ((2, (0, 1)), (1, (0, 2)), (0, (1, 2))):
        a, b, last = numbers[other[0]], numbers[other[1]], numbers[at]
        w.step(f"{last} last, {a} and {b}:")
        results = [(text, w.result(text, value)) for text, value in _results(a, b)]
        for form, text, needed in _needs(last, target):
            value = w.result(text, needed)
            for made, result in results:
                if result == value:
                    w.write(" ✓")
                    return form.format(made)
    raise ArithmeticError("nothing reaches the target")


def _evaluated(w: Working, answer: str) -> int:
    """The value of the answer, worked out from the inside."""
    inner, outer = answer[answer.index("(") + 1 : answer.index(")")], answer
    sign = next(each for each in "+-×÷" if each in inner)
    left, right = inner.split(sign)
    value = w.result(inner, applied(sign, int(left), int(right)))
    before, after = outer.split(f"({inner})")
    if before:
        last = int(before[:-1])
        return w.result(f"{last}-{value}", last - value)
    last = int(after[1:])
    return w.result(f"{value}{after[0]}{last}", applied(after[0], value, last))
