"""The harness for solutions with marked errors, on some that were made by hand, and spellings of marks."""

from pathlib import Path

import pytest
from benchmarks.blame_marked import claims, mark_of, read_marked, scores

MARKED = Path(__file__).with_name("marked.jsonl")
"""34 solutions in the manner of wrong and right ones that models write; `label` as in ProcessBench."""


def test_claims_name_the_marked_step_and_leave_right_solutions_alone() -> None:
    score = scores(read_marked(MARKED), {"claims": claims})["claims"]
    assert (score["all"].wrong, score["all"].right) == (24, 10)
    assert score["all"].clear == 10
    assert score["all"].earlier == 0
    assert score["slip"].exact == score["slip"].wrong == 10
    assert score["reading"].named_wrong == 0  # nothing in these lines is false by itself
    assert score["all"].exact >= 16


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"label": -1}, None),
        ({"label": 2}, 2),
        ({"error_steps": [4, 3]}, 2),
        ({"error_steps": []}, None),
        ({"reason_error_section_numbers": [1]}, 0),
        ({"first_error_step": 2}, 1),
        ({"first_error_step": None}, None),
        ({"first_error_step": 0}, None),
        ({"steps": [{"text": "a", "rating": 1}, {"text": "b", "rating": -1}]}, 1),
        ({"steps": [{"text": "a", "rating": 0}]}, None),
    ],
)
def test_marks_in_many_spellings(row: dict[str, object], wrong: int | None) -> None:
    assert mark_of(row, base=1) == wrong


def test_a_solution_without_a_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="no mark"):
        mark_of({"steps": ["2 + 2 = 4."]})
