"""Task files in the spellings of the benchmarks that people have, and generated tasks."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ponder.check.evaluate import evaluate
from ponder.errors import FileFormatError, NotFoundError, PonderError
from ponder.evaluate.problem import Problem, Task
from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.verifier import Verifier
from ponder.evaluate.tasks import gym, world
from ponder.evaluate.tasks.find import Wanted, find_task
from ponder.world.reasoning import reasoned
from ponder.world.tasks import TASKS, held_out

Make = Callable[..., Task]


@pytest.fixture
def task(tmp_path: Path) -> Make:
    def make(*rows: Any, name: str = "task.jsonl", **wanted: Any) -> Task:
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(row) for row in rows))
        return find_task(str(path), Wanted(**wanted))

    return make


@pytest.mark.parametrize(
    ("row", "target", "level"),
    [
        ({"question": "How much?", "answer": "She makes 9 * 2 = 18.\n#### 18"}, "18", ""),
        ({"problem": "Find x.", "solution": r"\boxed{1} … \boxed{\frac{1}{2}}.", "level": "Level 3"},
         r"\frac{1}{2}", "Level 3"),
        ({"problem": "Find x.", "answer": "3", "solution": r"\boxed{4}", "subject": "Sets"}, "3", "Sets"),
        ({"ID": "2024-I-1", "Problem": "Find x.", "Answer": 204}, "204", ""),
        ({"question": "Roots?", "final_answer": ["2", "3"]}, "2, 3", ""),
        ({"question": "Zero?", "answer": 0}, "0", ""),
    ],
)  # fmt: skip
def test_question_and_answer(task: Make, row: dict[str, Any], target: str, level: str) -> None:
    (problem,) = task(row).problems
    assert (problem.target, problem.level) == (target, level)
    assert "within \\boxed{}" in task(row).text_of(problem)


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Which?", "choices": ["a", "b", "c"], "answer": 1},
        {
            "question": "Which?",
            "choices": {"text": ["a", "b", "c"], "label": ["1", "2", "3"]},
            "answerKey": "2",
        },
        {"question": "Which?", "options": {"A": "a", "B": "b", "C": "c"}, "answer": "B"},
        {"question": "Which?", "options": ["(A) a", "(B) b", "(C) c"], "answer": "(B)"},
        {"question": "Which?", "choices": ["a", "b", "c"], "answer": "b"},
    ],
)
def test_multiple_choice(task: Make, row: dict[str, Any]) -> None:
    made = task(row)
    (problem,) = made.problems
    assert (problem.choices, problem.target) == (("a", "b", "c"), "B")
    assert "(B) b" in made.text_of(problem)


def test_a_right_choice_that_stands_alone_is_shuffled_the_same_way_each_time(task: Make) -> None:
    row = {
        "Question": "Which?",
        "Correct Answer": "yes",
        **{f"Incorrect Answer {i}": f"no{i}" for i in (1, 2, 3)},
    }
    first = [problem.target for problem in task(*({**row, "id": i} for i in range(40))).problems]
    again = [problem.target for problem in task(*({**row, "id": i} for i in range(40))).problems]
    assert first == again
    assert set(first) == set("ABCD")


HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": 'from typing import List\n\n\ndef most(numbers: List[int]) -> int:\n    """The largest."""\n',
    "entry_point": "most",
    "canonical_solution": "    return max(numbers)\n",
    "test": "def check(candidate):\n    assert candidate([1, 3, 2]) == 3\n    assert candidate([-1]) == -1\n",
}
MBPP = {
    "task_id": 2,
    "text": "Write a function to double.",
    "code": "def double(x):\n    return 2 * x",
    "test_list": ["assert double(2) == 4", "assert set(map(double, (1,))) == {2}"],
}
PAIRS = {"question": "Add.", "tests": [{"input": "1 2\n", "output": "3"}, {"input": "4 5\n", "output": "9"}]}


@pytest.mark.parametrize(
    ("row", "text", "outcome", "note"),
    [
        (
            HUMANEVAL,
            "```python\ndef most(numbers: List[int]) -> int:\n    return max(numbers)\n```",
            "right",
            "",
        ),
        (HUMANEVAL, "```python\n    return max(numbers)\n```", "right", ""),
        (HUMANEVAL, "```python\ndef most(numbers):\n    return numbers[0]\n```", "wrong", "AssertionError"),
        (HUMANEVAL, "```python\nimport os\ndef most(n):\n    os._exit(0)\n```", "wrong", "before its tests"),
        (HUMANEVAL, "I would take max.", "wrong", "no program"),
        (MBPP, "```python\ndef double(x):\n    return x + x\n```", "right", ""),
        (MBPP, "```python\ndef double(x):\n    return x\n```", "wrong", "AssertionError"),
        (PAIRS, "```python\nprint(sum(map(int, input().split())))\n```", "right", ""),
        (PAIRS, "```python\nprint(3)\n```", "wrong", "test 2 of 2: it prints '3'"),
    ],
)
def test_programs_are_run_with_their_tests(
    task: Make, row: dict[str, Any], text: str, outcome: str, note: str
) -> None:
    (problem,) = task(row).problems
    verdict = Verifier(Cascade()).judge(problem, text)
    assert verdict.outcome == outcome, verdict
    assert note in verdict.note


def test_the_model_solutions_of_a_code_task_pass(task: Make) -> None:
    (problem,) = task(HUMANEVAL).problems
    assert Verifier(Cascade()).judge(problem, f"```python\n{problem.target}```").right


def test_reasoning_gym_scores_its_own_tasks() -> None:
    task = find_task("gym:basic_arithmetic", Wanted(limit=3, seed=5))
    again = find_task("basic_arithmetic", Wanted(limit=3, seed=5))
    assert [p.question for p in task.problems] == [p.question for p in again.problems]
    verifier = Verifier(Cascade())
    for problem in task.problems:
        assert verifier.judge(problem, f"So <answer>{problem.target}</answer>").right
        assert verifier.judge(problem, f"<answer>{problem.target}0</answer>").outcome == "wrong"


def test_an_answer_is_never_run_unless_it_is_harmless() -> None:
    (problem,) = find_task("gym:countdown", Wanted(limit=1)).problems
    verifier = Verifier(Cascade())
    assert verifier.judge(problem, f"<answer>{problem.target}</answer>").right
    for text in (
        "print(1)",
        "9**9**9",
        "(9**9)**9",
        "exec(chr(49))",
        "[].__class__",
        "a.b",
        "f(x for x in y)",
    ):
        assert not gym.harmless(text), text
        verdict = verifier.judge(problem, f"<answer>{text}</answer>")
        assert (verdict.outcome, verdict.step) == ("unknown", "own")
    for text in ("(1+2)*3", "x**2*sin(x)/2 + C", "[['_', 'Q'], ['Q', '_']]", "1.5"):
        assert gym.harmless(text), text


def test_a_limit_takes_the_same_problems_each_time(task: Make) -> None:
    rows = [{"question": f"{i}?", "answer": i} for i in range(50)]
    some = task(*rows, limit=10, seed=1)
    assert len(some.problems) == 10
    assert some == task(*rows, limit=10, seed=1)
    assert some != task(*rows, limit=10, seed=2)
    assert some.sha256 != task(*rows).sha256


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ('{"question": "1"}', FileFormatError, "line 1 has no `answer`"),
        ("[1]", FileFormatError, "is no object"),
        ("{", FileFormatError, "line 1 is no JSON"),
        ("", FileFormatError, "holds no problems"),
        ('{"question": "Which?", "choices": ["a"], "answer": "z"}', FileFormatError, "none of its choices"),
        ('{"question": "1", "answer": "\\\\boxed{1"}', FileFormatError, "never ends"),
        (
            '{"id": 1, "question": "1", "answer": 1}\n{"id": 1, "question": "2", "answer": 2}',
            FileFormatError,
            "id",
        ),
    ],
)
def test_a_bad_file_gets_one_sentence(tmp_path: Path, text: str, kind: type[PonderError], said: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(kind, match=said):
        find_task(str(path), Wanted())


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(NotFoundError, match="basic_arithmetic"):
        find_task("basic_arithmetics", Wanted())


def test_every_problem_can_be_told_apart(task: Make) -> None:
    assert task({"question": "1", "answer": 1}).problems == (Problem("1", "1", "1"),)


def test_the_world_s_own_solutions_are_right_and_others_are_not() -> None:
    verifier = Verifier(Cascade())
    for task in TASKS:
        for made in held_out(task, 3, 6):
            (problem,) = (p for p in world.problems(task, 6, 3) if p.question == made.question)
            assert verifier.judge(problem, reasoned(made, Random(1)).said).right, made
            assert not verifier.judge(problem, "The answer is 98765.").right
    countdown = world.problems("countdown", 1, 3)[0]
    value = evaluate(countdown.target).value
    assert not verifier.judge(countdown, f"The answer is {value}.").right
    assert verifier.judge(countdown, f"The answer is ({countdown.target}) = {value}.").right
    lists = [p for p in world.problems("ordering", 30, 3) if "," in p.target]
    assert lists
    assert not verifier.judge(lists[0], ", ".join(reversed(lists[0].target.split(", ")))).right
