"""Claims in words: each pair of texts says the same thing, once truly and once falsely."""

import pytest

from ponder.check.claims import claims_in

PAIRS = [
    ("If we multiply 12 by 5, we get {}.", "60", "62"),
    ("Dividing 120 by 8 gives us {}.", "15", "16"),
    ("Adding 17 and 25 together gives {}.", "42", "43"),
    ("Taking 5 away from 20 leaves {}.", "15", "14"),
    ("The difference between 31 and 12 is {}.", "19", "18"),
    ("What is 13 × 7? It's {}.", "91", "81"),
    ("Let me compute 13 * 7. That's {}.", "91", "81"),
    ("150 increased by 20% is {}.", "180", "170"),
    ("The price drops from 200 by 15% to {}.", "170", "185"),
    ("A 25% discount on $80 brings it to ${}.", "60", "65"),
    ("Going from 80 to 100 is an increase of {}%.", "25", "20"),
    ("12 is {}% of 48.", "25", "24"),
    ("The numbers 3, 8, 21 add up to {}.", "32", "33"),
    ("The largest of 3, 18, 7 is {}.", "18", "7"),
    ("The median of 3, 7, 18 is {}.", "7", "18"),
    ("Sorted, 9, 4, 7 becomes {}.", "4, 7, 9", "4, 9, 7"),
    ("The letter r appears {} times in strawberry.", "3", "2"),
    ("The letter 's' appears {} in \"success\".", "three times", "twice"),
    ("s-t-r-a-w-b-e-r-r-y. So the letter r appears {} times in strawberry.", "3", "2"),
    ('The number of e\'s in "cheese" is {}.', "3", "2"),
    ("The colors are red, blue and green, so {} colors.", "3", "4"),
    ("From 5 to 12 inclusive there are {} integers.", "8", "7"),
    ("The digits of 4731 add up to {}.", "15", "16"),
    ("The greatest common divisor of 36 and 48 is {}.", "12", "6"),
    ("The LCM of 4 and 6 turns out to be {}.", "12", "24"),
    ("91 {} prime.", "isn't", "is"),
    ("7 divides {} evenly.", "91", "92"),
    ("The prime factorization of 60 is 2^2 × 3 × {}.", "5", "7"),
    ("When 47 is divided by 6, the remainder is {}.", "5", "4"),
    ("Of 9.9 and 9.11, {} is larger.", "9.9", "9.11"),
    ("So {} is smaller than 9.9.", "9.11", "9.99"),
    ("There are {} seconds in 3 minutes.", "180", "120"),
    ("Converting 4 feet to inches gives {} inches.", "48", "40"),
    ("36 km/h = {} m/s", "10", "12"),
    ("March 3, 2024 falls on a {}.", "Sunday", "Monday"),
    ("The day of the week for 2024-03-03 is {}.", "Sunday", "Monday"),
    ("10 days after February 25, 2024 is {}.", "March 6, 2024", "March 7, 2024"),
    ("From January 1, 2023 to March 1, 2023 there are {} days.", "59", "60"),
    ("1900 {} a leap year.", "is not", "is"),
    ("10 days from Monday is {}.", "Thursday", "Friday"),
    ("If today is Friday, then in 5 days it will be {}.", "Wednesday", "Tuesday"),
    ("Starting at 9:45, 30 minutes later it is {}.", "10:15", "10:25"),
    ("From 9:45 to 10:30 is {} minutes.", "45", "55"),
    ("2 hours and 15 minutes is {} minutes.", "135", "125"),
    ("首先计算 17 加 25 等于 {}。", "42", "43"),
    ("17 乘以 5 等于 {}。", "85", "95"),
    ("If we cube 3, we get {}.", "27", "9"),
    ("12 的平方是 {}。", "144", "124"),
    ("strawberry 中有 {} 个 r。", "3", "2"),
    ("字母 r 在 strawberry 中出现了 {} 次。", "3", "2"),
    ("{} 大于 9.11。", "9.9", "9.01"),
    ("36 和 48 的最大公约数是 {}。", "12", "6"),
    ("2024年3月3日是星期{}。", "日", "一"),
    ("3 小时是 {} 分钟。", "180", "160"),
    ("2024年2月有 {} 天。", "29", "28"),
]


@pytest.mark.parametrize(("template", "true", "false"), PAIRS)
def test_true_and_false(template: str, true: str, false: str) -> None:
    said = [{claim.verdict for claim in claims_in(template.format(word))} for word in (true, false)]
    assert said == [{"ok"}, {"wrong"}]


@pytest.mark.parametrize(
    "text",
    [
        "If we multiply 12 hours by 60 minutes, we get 12.",
        "The average of 3 and 5 and some more is 7.",
        "strawberry has 2 r's in a row.",
        "A 25% discount on $80 saves $20.",
        "At first glance 9.11 is larger than 9.9.",
        "From 3/4/2024 on, 04/03/2024 is a Friday.",
        "The largest of 3 and 4 boxes is 12.",
        "12 is 3 more than 9 and 5 less than 17.",
        "There are 2 r's in the second half of strawberry.",
        "9:45 plus 30 minutes is a quarter past ten.",
        "If 7 divides 92, we are done.",
        "2024年3月3日是星期一吗?",
        "9.11 大于 9.9 吗？",
    ],
)
def test_what_is_not_claimed(text: str) -> None:
    assert all(claim.verdict != "wrong" for claim in claims_in(text))
