"""What a checker may trip over and must not: `harmless.txt` holds a line of each, none with a false claim."""

from pathlib import Path

import pytest

from ponder.check.claims import claims_in

LINES = Path(__file__).with_name("harmless.txt").read_text(encoding="utf-8").splitlines()


def alarms(text: str) -> list[str]:
    return [f"{claim.left} | {claim.right}" for claim in claims_in(text) if claim.verdict == "wrong"]


def test_no_line_is_called_wrong() -> None:
    # "43... wait, it's 42" is false, and taken back: what a whole trace makes of it stands in test_verdicts
    assert {line: found for line in LINES if "wait, it's 42" not in line and (found := alarms(line))} == {}


def test_lines_that_run_on_are_not_called_wrong() -> None:
    text = "Then: H = 100 - (25/9)(T - D) H = 100 - (25/9)T + (25/9)D H = (25/9)(D - T) + 100"
    assert alarms(text) == []
    assert (
        alarms("Year 1: A: 500 * 0.06 = 30 B: 25 So, A > B. Year 2: A: (500 + 30) * 0.06 = 31.80 B: 25") == []
    )
    assert alarms("Sums: \\(3 + 3 \\times 3 = 12\\)    - \\(3 \\times (3 + 3) = 18\\)") == []


@pytest.mark.parametrize(
    "text",
    [
        "Here is the wrong attempt:\n3 × 4 = 13",
        "The student's work:\n12 × 12 = 124\n124 + 1 = 125",
        "1 + 4 = 5\n2 + 5 = 12\n3 + 6 = 21\n8 + 11 = ?",
    ],
)
def test_work_that_is_shown_is_not_claimed(text: str) -> None:
    assert alarms(text) == []


def test_a_trial_sets_no_value() -> None:
    text = (
        "When we set p=2, q=102 which isn't prime, similar for q=2, p=102.\n\nSo (p-1)(q-1)=101 and q-1=101."
    )
    assert alarms(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "500 * 0.06 = 41 B: 25",
        "so 33% + 33% + 33% = 105%.",
        "34 kg = 34010 g.",
        "3 + 4 = 8。那么",
        "7.6 × 3 ≈ 44.",
        "636 x 7 = 4442.",
    ],
)
def test_what_is_wrong_beside_them_is_called_wrong(text: str) -> None:
    assert alarms(text)
