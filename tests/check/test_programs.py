"""Code whose output is claimed: what is read, and what the sandbox says of it."""

import pytest

from ponder.check.programs import code_findings, programs_in
from ponder.check.sandbox import Ran, run_python
from ponder.core.events import Step, Token
from ponder.core.request import Request
from ponder.core.trace import Trace

SQUARES = "```python\nprint(sum(i * i for i in range(4)))\n```\n"


def trace(*steps: str) -> Trace:
    tokens = [Token(i, None, text.encode(), "reasoning", "model", None, 0.0) for i, text in enumerate(steps)]
    cut = [Step(i, i, i + 1, "reasoning") for i in range(len(steps))]
    return Trace("t", 0.0, Request(()), "m", "e", (), tuple(tokens), tuple(cut))


@pytest.mark.parametrize(
    ("behind", "said"),
    [
        ("Output: 14", "14"),
        ("This prints `14`.", "14"),
        ("The output is 14.", "14"),
        ("**Output:**\n```\n14\n```", "14"),
        ("The program would print:\n\n```text\n14\n15\n```", "14\n15"),
    ],
)
def test_what_is_claimed_is_read(behind: str, said: str) -> None:
    (program,) = programs_in(f"Let me run it.\n{SQUARES}{behind}\nSo.")
    assert program.said == said
    assert program.code.startswith("print(sum")


@pytest.mark.parametrize(
    "behind", ["", "So we go on to the next part.", "What does it print?", "```\n14\n```"]
)
def test_code_without_a_claim_is_left_alone(behind: str) -> None:
    assert list(programs_in(SQUARES + behind)) == []


DOUBLE = "```python\ndef double(n):\n    return n * 2\n\ndef half(n):\n    return n / 3\n```\n"


@pytest.mark.parametrize(
    ("behind", "verdicts"),
    [
        ("`double(4)` returns 8.", ["ok"]),
        ("Calling double(4) gives 9, and double('ab') returns 'abab'.", ["wrong", "ok"]),
        ("So double(4) = 9", ["wrong"]),
        ("half(2) returns 0.67, half(3) returns 1.0, half(2) is 0.7", ["ok", "ok", "ok"]),
        ("half(2) returns 0.62.", ["wrong"]),
        ("double([1, 2]) returns [1, 2, 1, 2]", ["ok"]),
        ("It should not be that double(4) returns 9. Does double(4) = 7?", []),
        ("double(x) returns 8, triple(4) returns 12, double(4) = 9 + 1", []),
    ],
)
def test_values_of_functions_of_a_block(behind: str, verdicts: list[str]) -> None:
    found = code_findings(trace(DOUBLE + "\n" + behind), run_python)
    assert [finding.claim.verdict for finding in found] == verdicts


def test_the_sandbox_tells_right_from_wrong() -> None:
    right, wrong = f"{SQUARES}Output: 14\n\n", f"{SQUARES}Output: 15\n\n"
    broken = "```python\nprint(1 / 0)\n```\nOutput: 1\n\n"
    apart = (SQUARES + "\n", "Output: 15\n\n")
    found = code_findings(trace("No code.\n\n", right, wrong, broken, *apart), run_python)
    told = [(f.step, f.claim.verdict) for f in found]
    assert told == [(1, "ok"), (2, "wrong"), (3, "undecided"), (4, "wrong")]
    assert found[1].claim.evidence == "it prints 14"
    assert "ZeroDivisionError" in found[2].claim.evidence


def test_what_depends_on_more_than_its_text_is_never_run() -> None:
    def never(code: str) -> Ran:
        raise AssertionError(code)

    (found,) = code_findings(
        trace("```python\nimport random\nprint(random.random())\n```\nOutput: 0.5"), never
    )
    assert found.claim.verdict == "not checkable"
