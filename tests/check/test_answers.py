import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.check.answers import agree, agreement, answer_in, answers, same_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"So $x = 3$. Thus \boxed{42}.", "42"),
        (r"\boxed{1} no, \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        ("The answer is 3.5. That was easy.", "3.5"),
        ("First the answer is 2. Wait, the final answer is **7**.", "7"),
        ("**Answer:** 12 apples", "12 apples"),
        ("答案是 5。", "5"),
        ("**Answer:** The answer is 14.\n\nThis is final and so on, said at some length.", "14"),
        ("We add.\n\n17 + 25 = 42\n\n**42**", "42"),
        ("There are many things to say about this and the sum of all of them comes to 19 in the end", "19"),
        ("", ""),
        ("The answer is\n\nParis", "Paris"),
    ],
)  # fmt: skip
def test_the_answer_is_found(text: str, answer: str) -> None:
    assert answer_in(text) == answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "42."), ("42", r"$42$"), ("42", "042"), ("1,000", "1000"), ("x = 5", "5"), ("0.5", "1/2"),
        (r"\frac{1}{2}", "0.5"), ("3 1/2", "3.5"), ("50%", "0.5"), ("50 %", "50"), ("50%", "1/2"),
        ("12 km", "12"), ("12 km", "12000 m"), ("$12", "12 dollars"), ("12 apples", "12"), ("2^10", "1024"),
        (r"\sqrt{16}", "4"), ("0.33", "1/3"), ("3.14", r"\pi"), ("B", "(b)"), ("(B) 12", "B"), ("Yes", "yes"),
        ("{1, 2}", "2, 1"), ("x = 1 or x = 2", "1, 2"), ("(1, 2)", "(1,2)"), (r"\text{Paris}", "paris"),
        ("-3", "−3"), ("90 minutes", "1.5 hours"), ("100 cm", "1 m"),
    ],
)  # fmt: skip
def test_the_same(one: str, other: str) -> None:
    assert same_answer(one, other)
    assert same_answer(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "43"), ("0.3", "1/3"), ("0.34", "1/3"), ("12 km", "12 miles"), ("12 km", "12 kg"), ("B", "C"),
        ("50%", "5"), ("50%", "50 km"), ("(1, 2)", "(2, 1)"), ("1, 2", "1, 2, 2"), ("", ""), ("yes", "no"),
        ("1.25", "1.3"), ("x + 1", "x + 2"), ("12 apples", "12 pears"), ("10**10**10", "1"),
        ("2k", "2k+2"), ("2k", "2"), ("3x", "3"), ("n + 2", "2"), ("2k + 2", "2k"),
        ("0.50", "0.501"),
        ("2.50", "2.5001"), ("0.5", "0.5%"),
    ],
)  # fmt: skip
def test_not_the_same(one: str, other: str) -> None:
    assert not same_answer(one, other)
    assert not same_answer(other, one)


def test_a_text_answers_a_target() -> None:
    assert answers("The capital of France is Paris.", "Paris")
    assert not answers("The capital of France is not Paris.", "Paris")
    assert not answers("The answer is 2k + 2.", "2k")
    assert answers("The answer is 2k + 2.", "2k + 2")
    assert answers("It is 5 V.", "5")
    assert not answers("It is 42, or 43.\n\nThe answer is 43.", "42")
    assert answers("… so the answer is 42 apples.", "42")


def test_groups_count_from_the_largest() -> None:
    assert agreement(["7", "", "8", "It is 8.", "seven apples"]) == (1, None, 0, 0, 2)
    assert agreement(["42", "", "43", "42.0", "43 km", "x"]) == (0, None, 1, 0, 1, 2)
    assert agreement([]) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("42", "The answer is 42."), ("\\boxed{1,000}", "1000"), ("0.5", "\\boxed{\\frac{1}{2}}"),
        ("It costs $25.", "**Answer:** 25"), ("The answer is -3", "\\boxed{−3}"), ("Option C", "c."),
        ("**Answer:** Paris", "paris"), ("答案是：42。", "42"), ("It grows by 5%.", "5 %"),
    ],
)  # fmt: skip
def test_texts_agree(one: str, other: str) -> None:
    assert agree(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("It is not 42", "42"), ("3 and 4", "3"), ("-3", "3"), ("0.5", "5"), ("", "0"), ("", "")],
)
def test_texts_do_not_agree(one: str, other: str) -> None:
    assert not agree(one, other)


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_compared_both_ways_alike(one: str, other: str) -> None:
    assert same_answer(one, other) == same_answer(other, one)
    assert isinstance(answer_in(one), str)
    assert same_answer(one, one) == bool(same_answer(one, one + " "))
