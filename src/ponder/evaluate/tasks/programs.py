"""Programs to write: HumanEval (`prompt`, `entry_point`, `test`), MBPP (`test_list`), input and output."""

import re
from typing import Any

from ponder.errors import FileFormatError
from ponder.evaluate.problem import Problem, Tests
from ponder.evaluate.tasks.rows import QUESTION, Row

ASKS = "Please reason step by step, and give the whole program in one ```python block."
_FUNCTION = "Complete this function:\n\n```python\n{prompt}\n```"
_CALLED = re.compile(r"assert\s+(?:not\s+)?(?:[\w.]+\(\s*)*?([A-Za-z_]\w*)\s*\(")
_NOT_CALLED = {
    "set",
    "sorted",
    "list",
    "tuple",
    "abs",
    "round",
    "len",
    "sum",
    "str",
    "int",
    "float",
    "isclose",
}
_PAIRS = ("input_output", "test_cases", "public_test_cases", "tests")


def is_program(row: Row) -> bool:
    """Whether a row is of this format."""
    return any(row.first((name,)) is not None for name in ("test", "test_list", *_PAIRS))


def problem_of(row: Row) -> Problem:
    """The problem of a row; raises FileFormatError where its tests cannot be read."""
    if row.first(("entry_point",)) is not None:
        return _humaneval(row)
    listed = row.first(("test_list",))
    if listed is not None:
        return _mbpp(row, [str(each) for each in listed])
    pairs = _pairs(row.first(_PAIRS))
    if not pairs:
        raise FileFormatError(f"{row.where} has no tests that can be read: write `test` and `entry_point`.")
    asked = row.text(QUESTION) + "\n\nThe program reads standard input and writes standard output."
    return Problem(row.id, asked, "", row.level, tests=Tests(pairs=pairs))


def _humaneval(row: Row) -> Problem:
    prompt, entry, test = row.text(("prompt",)), row.text(("entry_point",)), row.text(("test",))
    if not entry.isidentifier():
        raise FileFormatError(f"{row.where} has the `entry_point` {entry[:40]!r}, which is no name: mend it.")
    # What stands before the function (imports, other functions) belongs to the tests, not to the answer.
    before = prompt[: max(0, prompt.rfind(f"def {entry}"))]
    tests = Tests(f"{test}\n\ncheck({entry})", entry, before, prompt)
    target = row.first(("canonical_solution",))
    asked = _FUNCTION.format(prompt=prompt.strip("\n"))
    return Problem(row.id, asked, prompt + target if target else "", row.level, tests=tests)


def _mbpp(row: Row, asserts: list[str]) -> Problem:
    called = [name for line in asserts for name in _CALLED.findall(line) if name not in _NOT_CALLED]
    setup = [row.first(("test_setup_code",)) or "", *(row.first(("test_imports",)) or [])]
    shown = "\n".join(asserts)
    asked = f"{row.text(QUESTION)}\n\nIt must pass these tests:\n\n```python\n{shown}\n```"
    tests = Tests(shown, called[0] if called else "", "\n".join(part for part in setup if part) + "\n")
    return Problem(row.id, asked, str(row.first(("code",)) or ""), row.level, tests=tests)


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, dict) and isinstance(value.get("inputs"), list):
        return tuple(zip(map(str, value["inputs"]), map(str, value.get("outputs", ())), strict=False))
    if isinstance(value, list) and all(isinstance(each, dict) and "input" in each for each in value):
        return tuple((str(each["input"]), str(each.get("output", ""))) for each in value)
    return ()
