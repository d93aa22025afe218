import pytest

from ponder.check.claims import claims_in


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("March 5, 2024 is a Tuesday.", ["ok"]),
        ("5 March 2024 was a Friday.", ["wrong"]),
        ("2024-03-05 falls on a Monday.", ["wrong"]),
        ("2023 is a leap year.", ["wrong"]),
        ("1900 is not a leap year.", ["ok"]),
        ("There are 28 days in February 2024.", ["wrong"]),
        ("45 days after March 5, 2024 is April 19, 2024.", ["ok"]),
        ("45 days after March 5, 2024 is April 20, 2024.", ["wrong"]),
        ("February 30, 2024 is a Monday.", []),
        ("If March 5, 2024 is a Monday, stop.", []),
        ("Is March 5, 2024 a Monday?", []),
        ("The list 3, 5, 7, 9 has 5 numbers.", ["wrong"]),
        ("The list [3, 5, 7] contains 3 elements.", ["ok"]),
        ('The word "banana" has 7 letters.', ["wrong"]),
        ("12345 has 5 digits.", ["ok"]),
        ("The sum of the digits of 123 is 7.", ["wrong"]),
        ("The list has 4 numbers.", []),
    ],
)
def test_dates_and_counts(text: str, verdicts: list[str]) -> None:
    assert [claim.verdict for claim in claims_in(text)] == verdicts
