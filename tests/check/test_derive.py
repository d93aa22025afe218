import pytest

from ponder.check.claims import claims_in

WRONG = [
    "We have 3x + 4 = 19, so x = 6.",
    "\\[ 3x + 4 = 19 \\]\n\\[ 3x = 14 \\]",
    "x^2 - 5x + 6 = 0, so x = 2 or x = 4.",
    "The roots of x^2 - 5x + 6 = 0 are 2 and 4.",
    "From x + y = 7 and 2x - y = 2 we get x = 3 and y = 5.",
    "Expanding, (2x + 3)(4x + 5) = 8x^2 + 21x + 15.",
    "x^2 - 16 factors as (x - 4)(x + 5).",
    "由 3x + 4 = 19 得 x = 6。",
    "\\(x^2 = 16\\), thus x = \\pm 5.",
    "60/x = 12, so x = 6.",
    "3x + 21 = 27\n3x = 8",
    "x + 3x + 10 = 62\nCombine like terms:\n-6x + 10 = 62",
    "x + y = 13 and 3x - y = 3.\n\nAdding the two equations, we get 4x = 19.",
    "\\begin{align*} x + y &= 13 \\\\ 3x - y &= 3 \\end{align*}\n\nThus 4x = 19.",
    "c^2 = 3^2 + 4^2 = 25. Taking the square root, c = 4.",
    "We expand the product:\n\\[ (4x + 2)(9x + 5) = 35x^2 + 38x + 10 \\]",
    "(x + 4)^2 = x^2 + 9x + 16",
    "x^2 + 8x + 16 - 13 = x^2 + 8x + 12",
    "Simplify: 4x + 4x - 9x = -11x",
    "x^2 - 81 = (x - 9)(x + 10) (difference of squares).",
    "Let f(x) = x^2 + 1. Then f(3) = 11.",
    "f(x) = 2x + 1 and g(x) = x^2. So f(g(2)) = 10.",
    "Let x = 26. Then y = x + 6 = 32.\n\nArea: 2y = 54.",
    "The price p is 12.\n\nThe cost of 5 of them is 5p = 61.",
]
NOT_WRONG = [
    "n = 6: 2n + 1 = 13\nn = 10: 2n + 1 = 21",
    "x + 3 = x + 5 has no solution.",
    "Solve (x + 1)^2 = x^2 + x + 1.",
    "f(x) = x + 1 if x > 2. So f(0) = 3.",
    "f(x) = x + 1. Another rule: f(x) = x + 2. So f(3) = 9.",
    "f(n) = f(n-1) + 2. So f(3) = 5.",
    "f(x) = \\begin{cases} 2x & x > 0 \\\\ x & x < 0 \\end{cases} and f(-1) = -1",
    "Find x with f(x) = 2x + 1 = 7.",
    "The price p is 10 in May. In June p is 12, so 2p = 24.",
    "We need 3x + 4 = 19. Try x = 6.",
    "(x + 2)^2 = x^2 + 4 is a common mistake.",
    "x + 3 = 7 and x - 2 = 9",
    "Let f(x) = 3x + 4. Then f(2) = 10.",
    "3x = 2 (mod 7), so x = 3",
    "2t = 1 hour, so t = 30 minutes",
    "x^2 = 9, so x = 3.",
    "2q = (2 + q) + 100, which simplifies to 2q = q + 102, so q = 102.",
    "Case 1: x + 1 = 3. Case 2: x = 5.",
    "x^2 = 2, so x ≈ 1.414.",
]


@pytest.mark.parametrize("text", WRONG)
def test_wrong(text: str) -> None:
    assert "wrong" in {claim.verdict for claim in claims_in(text)}


@pytest.mark.parametrize("text", NOT_WRONG)
def test_no_false_alarm(text: str) -> None:
    assert "wrong" not in {claim.verdict for claim in claims_in(text)}


def test_evidence_names_the_equation() -> None:
    (claim,) = claims_in("We have 3x + 4 = 19, so x = 6.")
    assert claim.evidence == "x = 6 does not solve 3x + 4 = 19"
    assert claim.rests_on == (8,)
