"""Loops are found soon, whatever their period; repetition that is sane is left alone."""

import random
from itertools import count, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.core.events import Token
from ponder.reason.loops import HORIZON, WINDOW, LoopDetector


def token(index: int, id_: int | None, data: bytes = b"x") -> Token:
    return Token(index, id_, data, "reasoning", "model", None, 0.0)


def fired_at(ids: list[int]) -> int | None:
    detector = LoopDetector()
    return next((i for i, id_ in enumerate(ids) if detector.feed(token(i, id_))), None)


def words(text: str) -> list[int]:
    """One made-up id per word, the same on every run."""
    return [sum(byte << (7 * i) for i, byte in enumerate(word.encode())) for word in text.split()]


def fresh(seed: int, size: int) -> list[int]:
    source = random.Random(seed)
    return [source.randrange(100_000) for _ in range(size)]


@pytest.mark.parametrize("period", [1, 2, 3, 10, 31, 64, 127, 200])
def test_a_cycle_is_found_within_its_third_round_and_a_hundred_tokens(period: int) -> None:
    before, cycle = fresh(1, 300), fresh(2, period)
    at = fired_at(before + cycle * (2000 // period))
    assert at is not None
    assert at - len(before) <= 2 * period + 120


def test_where_the_loop_began() -> None:
    detector = LoopDetector()
    for index, id_ in enumerate(fresh(1, 300) + fresh(2, 50) * 10):
        detector.feed(token(index, id_))
    assert detector.looping
    assert detector.start is not None
    assert 300 <= detector.start < 300 + 50 * 10


def test_paragraphs_with_small_changes_are_a_loop() -> None:
    paragraph = fresh(3, 90)
    rounds: list[int] = []
    for number in range(8):
        paragraph[number * 10] = 200_000 + number
        rounds += [*paragraph, 300_000 + number]
    assert fired_at(rounds) is not None


@pytest.mark.parametrize(
    "text",
    [
        " ".join(str(number) for number in range(3000)),
        " ".join(f"Let me try {a} and {a + 3} . The sum is {2 * a + 3} , not it ." for a in range(300)),
        " ".join(f"| {a} | 0 | {a * a} | 0 | 0 |" for a in range(300)),
    ],
)
def test_counting_and_searching_is_none(text: str) -> None:
    assert fired_at(words(text)) is None


def test_a_listing_that_is_written_twice_is_none() -> None:
    listing = fresh(5, 600)
    assert fired_at([*fresh(4, 100), *listing, *fresh(6, 20), *listing, *fresh(7, 300)]) is None


def test_words_far_apart_are_none() -> None:
    listing = fresh(5, 200)
    far = [id_ for seed in range(4) for id_ in (*listing, *fresh(seed + 10, HORIZON))]
    assert fired_at(far) is None


def test_memory_is_bounded() -> None:
    detector = LoopDetector()
    for index in range(4 * HORIZON):
        detector.feed(token(index, index % 7000))
    assert len(detector._seen) <= HORIZON
    assert len(detector._flags) == WINDOW


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_text_is_judged_alike_however_a_server_cuts_it(sizes: list[int]) -> None:
    data = ("So the day is Monday, 不对, wait, it is Friday. " * 40).encode()
    detector, position = LoopDetector(), 0
    for size in islice((sizes[i % len(sizes)] for i in count()), len(data)):
        detector.feed(token(position, None, data[position : position + size]))
        position += size
    assert detector.looping
    whole = LoopDetector()
    whole.feed(token(0, None, data))
    assert whole.share == detector.share


def test_a_megabyte_without_a_word_boundary_is_no_burden() -> None:
    detector = LoopDetector()
    for index in range(2000):
        detector.feed(token(index, None, b"a" * 500))
    assert len(detector._word) <= 64
