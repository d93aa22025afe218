"""Lists show a model's words in one plain line, without the marks of Markdown and mathematics."""

import pytest

from ponder.serve.pages.excerpt import excerpt


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**Answer:** \\(\\frac{1}{2}\\) is `x`", "Answer: 1/2 is x"),
        (
            "The sum is **400**,\n\n\\[\\sum n = n^2\\]\n\nfor \\(20^2 = 400\\).",
            "The sum is 400, ∑n = n^2 for 20^2 = 400.",
        ),
        ("## Head\n- one\n- two", "Head one two"),
        ("\\boxed{42} $x^{2}$ \\times y", "42 x^2 ×y"),
        ("It costs $5 and $6", "It costs $5 and $6"),
        ("2 * 3 * 4 = 24", "2 * 3 * 4 = 24"),
        ("a_b_c ** and \\unknown", "a_b_c ** and \\unknown"),
        ("<b>x</b>", "<b>x</b>"),
        ("word " * 100, "word word wor…"),
    ],
)
def test_a_line_has_no_marks(text: str, shown: str) -> None:
    assert excerpt(text, 14 if text.startswith("word") else 160) == shown
