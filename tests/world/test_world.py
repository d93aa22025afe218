"""The world of the built-in model: exact answers, right claims, repaired slips, and a split that holds."""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import permutations, product
from random import Random

import pytest

from ponder.check.claims import claims_in
from ponder.world.problem import Problem
from ponder.world.reasoning import REPAIR, reasoned
from ponder.world.tasks import LEVELS, TASKS, held_out, problem

SHAPES = {
    "sums": r"\d+",
    "fractions": r"\d+(/\d+)?",
    "percent": r"\d+%?",
    "equations": r"[a-z] = \d+",
    "stories": r"\d+",
    "clock": r"\d+|\d+:\d\d|[A-Z][a-z]+day|[A-Z][a-z]+ \d+",
    "ordering": r"[\d./]+(, \d+)*",
    "letters": r"\d+|[a-z]+",
    "sequences": r"\d+",
    "knights": r"\w+ is a kn(ight|ave)(, \w+ is a kn(ight|ave))+",
    "countdown": r"[\d()+×÷-]+",
    "outside": "unknown",
}


def some(task: str, count: int = 120) -> Iterator[tuple[Problem, Random]]:
    rng = Random(f"test {task}")
    for at in range(count):
        yield problem(task, rng, LEVELS[at % 3], held_out=False), rng


@pytest.mark.parametrize("task", TASKS)
def test_the_reasoning_reaches_the_answer_and_its_claims_are_right(task: str) -> None:
    for one, rng in some(task):
        solution = reasoned(one, rng)
        assert not solution.slipped
        assert re.fullmatch(SHAPES[task], one.answer), one.answer
        wrong = [claim for claim in claims_in(solution.reasoning) if claim.verdict == "wrong"]
        assert not wrong, f"{one.question}: {wrong}"
        assert len(solution.reasoning) < 1500


@pytest.mark.parametrize("task", sorted(set(TASKS) - {"outside"}))
def test_a_slip_is_noticed_at_the_check_and_repaired(task: str) -> None:
    slipped = [reasoned(one, rng, slip_rate=1.0) for one, rng in some(task)]
    found = [solution for solution in slipped if solution.slipped]
    assert len(found) > len(slipped) // 8
    for solution in found:
        before, repair, after = solution.reasoning.partition(REPAIR)
        assert repair
        assert before.rstrip().endswith("✗")
        assert after.endswith("✓")
        assert sum(not piece.learn for piece in solution.pieces) == 1, "only the slip itself is not learned"
        assert not [claim for claim in claims_in(after) if claim.verdict == "wrong"]


def test_the_same_seed_gives_the_same_problems_and_the_split_holds() -> None:
    for task in TASKS:
        first, again = held_out(task, 7, 9), held_out(task, 7, 9)
        assert [(one.question, one.answer) for one in first] == [(one.question, one.answer) for one in again]
        assert all(one.held_out for one in first)
        assert not any(one.held_out for one, _ in some(task, 30))


def test_questions_are_worded_in_many_ways() -> None:
    for task in TASKS:
        assert len({one.question for one, _ in some(task, 60)}) > 55


def test_sums_agree_with_python() -> None:
    for one, _ in some("sums"):
        left, expression = one.key.split(" ", 1)
        if left == "chain":
            value = Fraction(re.split(r"[-+×÷]", expression)[0])
            for sign, operand in re.findall(r"([-+×÷])(\d+)", expression):
                value = _applied(sign, value, int(operand))
            assert str(value) == one.answer
        else:
            a, sign, b = re.fullmatch(r"(\d+)([-+×÷])(\d+)", expression).groups()  # type: ignore[union-attr]
            assert str(_applied(sign, Fraction(a), int(b))) == one.answer


def _applied(sign: str, a: Fraction, b: int) -> Fraction:
    return {"+": a + b, "-": a - b, "×": a * b, "÷": a / b}[sign]


def test_equations_are_solved() -> None:
    for one, _ in some("equations"):
        name, value = one.answer.split(" = ")
        bare = re.sub(r"[A-Za-z]{2,}", ";", one.question)  # words apart from signs
        sides = re.findall(rf"[\d{name}()+/ -]*[\d)][\d{name}()+/ -]*=[\d{name}()+/ -]+", bare)
        if not sides:
            assert "think of" in one.question.lower()
            continue
        left, right = (re.sub(rf"(\d)(?=[{name}(])", r"\1*", side).strip() for side in sides[0].split("="))
        values = {name: Fraction(value)}
        assert eval(left, {}, values) == eval(right, {}, values), one.question


def test_countdown_uses_every_number_once_and_reaches_the_target() -> None:
    for one, _ in some("countdown"):
        numbers, target = re.fullmatch(r"countdown \[(.*)\] (\d+)", one.key).groups()  # type: ignore[union-attr]
        assert sorted(map(int, re.findall(r"\d+", one.answer))) == sorted(map(int, numbers.split(", ")))
        assert eval(one.answer.replace("×", "*").replace("÷", "/")) == int(target)


def test_letters_are_counted() -> None:
    for one, _ in some("letters"):
        kind, letter, word = one.key.removeprefix("letters ").split(" ")
        told = {
            "count": str(word.count(letter)),
            "length": str(len(word)),
            "vowels": str(len(re.findall("[aeiou]", word))),
            "reverse": "".join(reversed(word)),
        }
        assert one.answer == told[kind]


def test_knights_and_knaves_have_one_solution_which_is_told() -> None:
    means: dict[str, Callable[[bool, bool], bool]] = {
        "knight": lambda _me, them: them,
        "knave": lambda _me, them: not them,
        "same": lambda me, them: me == them,
        "different": lambda me, them: me != them,
        "both": lambda me, them: me and them,
        "neither": lambda me, them: not (me or them),
        "some": lambda me, them: not me or not them,
    }
    for one, _ in some("knights"):
        says = re.findall(r"([a-z]+)(\d)", one.key.removeprefix("knights "))
        solutions = [
            case
            for case in product((True, False), repeat=len(says))
            if all(
                means[kind](case[who], case[int(about)]) == case[who]
                for who, (kind, about) in enumerate(says)
            )
        ]
        told = [part.endswith("knight") for part in one.answer.split(", ")]
        assert [list(case) for case in solutions] == [told]


def test_sorted_numbers_are_in_order() -> None:
    for one, _ in some("ordering"):
        if one.key.startswith(("ordering True [", "ordering False [")):
            numbers = [int(each) for each in one.answer.split(", ")]
            assert numbers in [
                list(p) for p in permutations(numbers) if list(p) in (sorted(p), sorted(p)[::-1])
            ]
            assert all(str(each) in one.question for each in numbers)
