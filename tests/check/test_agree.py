"""Which answers say the same."""

import pytest

from ponder.check.agree import agreement, answer_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "The answer is 42."),
        ("\\boxed{1,000}", "1000"),
        ("0.5", "\\boxed{\\frac{1}{2}}"),
        ("It costs $25.", "**Answer:** 25"),
        ("The answer is -3", "\\boxed{−3}"),
        ("Option C", "c."),
        ("**Answer:** Paris", "paris"),
        ("答案是：42。", "42"),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert answer_key(one) == answer_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "43"),
        ("not 42", "42"),
        ("Paris", "London"),
        ("3 and 4", "3"),
        ("-3", "3"),
        ("0.5", "5"),
        ("", "0"),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert answer_key(one) != answer_key(other)


def test_groups_count_from_the_largest() -> None:
    assert agreement(["7", "", "8", "It is 8.", "seven apples"]) == (1, None, 0, 0, 2)
    assert agreement([]) == ()
