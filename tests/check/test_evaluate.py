from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.check.evaluate import MAX_BITS, NotEvaluated, evaluate
from ponder.check.plain import plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("2 1/2 + 1", Fraction(7, 2)),
        (r"\frac{3}{4} \times 8", 6),
        (r"\sqrt{16} + \sqrt[3]{27}", 7),
        ("1{,}000 + 1,000", 2000),
        ("15% of 80", 12),
        ("2/3 of 9", 6),
        ("5! − 2²", 116),
        (r"\left(3+4\right)\cdot 2", 14),
        (r"\boxed{7}", 7),
        ("2^10 ÷ 4", 256),
        ("16^(1/2)", 4),
        ("3 - -2", 5),
        (".5 + 1.25", Fraction(7, 4)),
        ("3 × 10^{-2}", Fraction(3, 100)),
        ("2(3)(4)", 24),
    ],
)
def test_values(text: str, value: Fraction | int) -> None:
    assert evaluate(text).value == value


@pytest.mark.parametrize(
    "text",
    [
        "10**10**10",
        "9" * 1000,
        "(" * 5000 + "1",
        "^".join(["2"] * 200),
        "401!",
        "1/0",
        "0^0",
        "√(-4)",
        "٣+1",
        "３+1",
        "1 2",
        "x + 1",
        "",
        "1 +",
        "2^(1/1000)",
        "(1",
        "1)",
        "3 of 4",
        "abs(3)",
        "-" * 5000 + "1",
        "1e999*1e999",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(NotEvaluated):
        evaluate(text)


def test_roots_are_not_exact() -> None:
    root = evaluate("√2")
    assert not root.exact
    assert abs(root.value**2 - 2) < Fraction(1, 10**50)


@pytest.mark.parametrize("text", ["-3^2", "6 ÷ 2(1+2)", "2^3^2"])
def test_two_readings_are_marked(text: str) -> None:
    assert evaluate(text).ambiguous


@given(st.text(alphabet="0123456789+-*/^()!%. √²π\\frac{}sqt,of", max_size=60))
def test_any_expression_ends_within_the_caps(text: str) -> None:
    try:
        value = evaluate(text).value
    except NotEvaluated:
        return
    assert max(value.numerator.bit_length(), value.denominator.bit_length()) <= MAX_BITS + 8


@given(st.integers(-999, 999), st.integers(1, 999), st.integers(1, 99))
def test_agrees_with_python(a: int, b: int, c: int) -> None:
    assert evaluate(f"{a} + {b} × {c} / ({b} + {c})").value == a + Fraction(b * c, b + c)


@given(st.text(alphabet="\\times{}[]()text,$*12 .\n−’frac", max_size=80))
def test_plain_keeps_every_place(text: str) -> None:
    assert len(plain(text)) == len(text)
