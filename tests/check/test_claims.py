import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.check.claims import MAX_TEXT, claims_in

WRONG = [
    "3 + 4 = 8",
    "So 12 × 5 is 61.",
    "15% of 80 is 13",
    r"\( 3 + 4 = 8 \)",
    r"\frac{3}{4} \times 8 = \boxed{7}",
    "2 hours + 30 minutes = 140 minutes",
    "33 feet is 384 inches",
    "91 is divisible by 8",
    "91 is prime.",
    "97 is not prime",
    "gcd(12, 18) = 5",
    "The LCM of 4 and 6 is 13.",
    "17 mod 5 = 3",
    r"17 \equiv 3 \pmod{5}",
    "17 / 5 = 3 remainder 1",
    "strawberry has 2 r's",
    "there are two r's in strawberry",
    "22/7 ≈ 3.41",
    "3 plus 4 equals 8",
    "the square root of 49 is 8",
    "9.11 is greater than 9.9",
    "3/4 > 4/5",
    "the sum of 3, 4 and 5 is 13",
    "- 3 + 4 = 8",
    "**3 + 4 = 8**",
    "20/50 = 45%",
    "$5 + $6 = $12",
    "39 × 58 = 2274",
    "2 million × 3 = 7,000,000",
    "Step 2: 16 - 3 = 12 eggs",
    "We multiply 8 by 6: 8 × 6 = 58.",
    "The books cost 3 times $9 which is $28.",
    "8 pens * $14/pen = $114",
    "5 hours/day × 4 days = 22 hours",
    "18 hours * $15 per hour = $272",
    "The tax is 20%, so he pays 300 × 0.20 = 59.",
    "The ratio 72:12 simplifies to 25:4.",
    "The 2nd letter in 'apple' is q.",
]
RIGHT = [
    "3 + 4 = 7",
    "10/3 = 3.33",
    "2/3 = 0.67",
    "40 / 50 × 100 = 80%",
    "1 km = 1000 m",
    r"2\frac{1}{2} = 2.5",
    "-7 mod 3 = 2",
    "there are three r's in strawberry",
    "3 feet 6 inches = 42 inches",
    "1 < 2 < 3",
    "1,317,888 ≈ 1.3 million",
    "60 miles / 2 hours = 30 mph",
]
NOT_WRONG = [
    r"24 \, \text{cm}^2 \times 18 \, \text{cm} = 432 \, \text{cm}^3",
    "The slope between these two points is (2 - 1)/(4 - 0)",
    "10% is 3.5, so 60% is 17.5 + 3.5 = 21",
    "3 dollars 50 cents = $3.50",
    "50 cents × 4 = $2",
    "1 day = 24 × 60 = 1440 minutes",
    "1/2 hour = 30 minutes",
    "there are 52 weeks × 7 = 364 days",
    "11 + 3 = 2 pm",
    "2 times the sum of 3 and 4 is 14",
    "twenty-five plus five is thirty",
    "12 is divisible by 5 or 3",
    "none of 4, 6, 8 is prime",
    "7 + 8 = 5, carry the 1",
    "suppose 2+2=5",
    "is 91 prime?",
    "2 + 2 is not equal to 5",
    "If 2 + 2 = 5, stop.",
    "the user wrote 2 + 2 = 5",
    "8 × 7 = 54? No: 56",
    "C(5, 2) = 11",
    "log(100) = 3",
    "log 100 = 3",
    "3x + 4 = 5",
    "N - 1 ≡ 0 (mod 3)",
    "the sum of 2 and 3 times 4 is 14",
    "3 × 4 = 12 + 5 = 17",
    "Step 3 = 5",
    "60 miles/hour × 30 minutes = 31 miles",
    "300 × 0.20 = 59",
    "3:45 is the same as 15:45",
    "7 is 3 more than 4",
    "3:00 + 45 = 3:45",
    "101_2 = 5",
    "1 + 1 = 10 in binary",
    "10 + 5 = 3 on a clock",
    "-2^2 = 4",
    "6 ÷ 2(1+2) = 1",
    "50 - 20% = 40",
    "pages 10-20 = 11 pages",
    "That's 2 + 3 = 5!",
    r"\binom{100}{2} = \frac{100!}{2!(100-2)!}",
    "0.1 + 0.2 = 0.30000000000000004",
    "3.14 × 25 = 78.54",
    "7/2 = 3",
    "100\n- 30 = 70",
    "Cost of 3 pens + 2 pencils = 3×2 + 2×1",
    "12 includes 6 as a factor, so it already includes 6 as one",
]


@pytest.mark.parametrize("text", WRONG)
def test_wrong(text: str) -> None:
    assert [claim.verdict for claim in claims_in(text)] == ["wrong"]


@pytest.mark.parametrize("text", RIGHT)
def test_right(text: str) -> None:
    assert {claim.verdict for claim in claims_in(text)} == {"ok"}


@pytest.mark.parametrize("text", NOT_WRONG)
def test_no_false_alarm(text: str) -> None:
    assert "wrong" not in {claim.verdict for claim in claims_in(text)}


def test_range_sides_and_evidence() -> None:
    text = r"Okay, \(12 \times 5 = 61\), so"
    (claim,) = claims_in(text)
    assert text[claim.start : claim.stop] == r"12 \times 5 = 61"
    assert (claim.kind, claim.left, claim.right) == ("equality", "12 × 5", "61")
    assert claim.evidence == "12 × 5 is 60"


def test_a_chain_says_which_link_breaks() -> None:
    text = "3 + 4 * 2\n= 3 + 8\n= 12"
    assert [(claim.right, claim.verdict) for claim in claims_in(text)] == [("3 + 8", "ok"), ("12", "wrong")]


def test_conversion_evidence_has_the_unit() -> None:
    (claim,) = claims_in("2 hours + 30 minutes = 140 minutes")
    assert claim.kind == "conversion"
    assert claim.evidence.endswith("is 150 minutes")


@pytest.mark.parametrize(
    "piece", ["(", "1 = ", "2^", "7 is prime ", "\\frac{1}", "1,1111", "=", "**", "9", "half of "]
)
def test_long_lines_end(piece: str) -> None:
    for claim in claims_in(piece * (30_000 // len(piece))):
        assert claim.start < claim.stop


@given(
    st.lists(
        st.sampled_from(
            [
                "10**10**10",
                "(",
                ")",
                "=",
                "≈",
                "<",
                "1",
                "2",
                "999",
                "/",
                "*",
                "^",
                "!",
                "%",
                "\\frac",
                "{",
                "}",
                " ",
                "\n",
                "٣",
                "x",
                "is",
                " divisible by ",
                " prime",
                "gcd(",
                ",",
                ".",
                "-",
                "√",
                "mod ",
                "km",
            ]
        )
        | st.text(max_size=3),
        max_size=40,
    ).map("".join)
)
def test_noise_never_crashes_and_repeats(text: str) -> None:
    claims = claims_in(text)
    assert claims == claims_in(text)
    assert all(0 <= claim.start < claim.stop <= len(text) for claim in claims)


def test_beyond_the_longest_context_the_rest_is_said_to_be_unread() -> None:
    line = "We go on with words of no account.\n"
    text = "So 2 + 2 = 5.\n" + line * (MAX_TEXT // len(line) + 1) + "So 3 + 3 = 7.\n"
    first, last = claims_in(text)
    assert (first.verdict, last.verdict, last.kind) == ("wrong", "not checkable", "unread")
    assert last.start == MAX_TEXT


def test_a_line_that_nobody_reads_is_passed_over() -> None:
    text = "So 2 + 2 = 5.\n" + "1 + " * 250_000 + "\nlet x = 12. So x + 5 = 18."
    found = [(claim.verdict, text[claim.start : claim.stop]) for claim in claims_in(text)]
    assert found == [("wrong", "2 + 2 = 5"), ("wrong", "x + 5 = 18")]
