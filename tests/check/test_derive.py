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
]
NOT_WRONG = [
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
