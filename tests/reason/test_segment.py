"""Steps: they tile each part, keep to token boundaries, and come as early as they are certain."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ponder.core.events import Part, Step, StepEnd, StepStart, Token
from ponder.reason.segment import MIN_TOKENS, Segmenter, StepEvent, segment

WORD = re.compile(rb" ?[A-Za-z]+|[0-9]| ?[^\sA-Za-z0-9]+|\s+(?=\S)|\s+")


def tokens_of(*parts: tuple[Part, bytes], first: int = 0) -> list[Token]:
    """Word-like tokens of each (part, text)."""
    pieces = [(part, piece) for part, data in parts for piece in WORD.findall(data)]
    return [
        Token(index, 5, data, part, "model", -0.1, index * 0.1)
        for index, (part, data) in enumerate(pieces, first)
    ]


def text(tokens: list[Token], step: Step) -> bytes:
    first = tokens[0].index
    return b"".join(token.data for token in tokens[step.start - first : step.stop - first])


REASONING = (
    b"I have two apples and I buy three more of them. So I add two and three, and that makes five. "
    b"Wait. Hm. Did I eat one of the apples? No, I did not eat any of them.\n\n"
    b"Short one.\n\n```python\nprint(2 + 3)\n\nprint('So it is five, so it is')\n```\n\n"
    b"- an item that is long enough. So it is one step\n- and another one, as long as that one\n\n"
    b"Therefore the answer must be five apples in the end."
)


def test_steps_of_a_reasoning() -> None:
    tokens = tokens_of(("reasoning", REASONING))
    assert [text(tokens, step) for step in segment(tokens)] == [
        b"I have two apples and I buy three more of them.",
        b" So I add two and three, and that makes five.",
        b" Wait. Hm. Did I eat one of the apples?",
        b" No, I did not eat any of them.\n\n",
        b"Short one.\n\n```python\nprint(2 + 3)\n\nprint('So it is five, so it is')\n```\n\n",
        b"- an item that is long enough. So it is one step\n- and another one, as long as that one\n\n",
        b"Therefore the answer must be five apples in the end.",
    ]


def test_a_step_that_has_ended_shows_before_it_is_certain() -> None:
    tokens = tokens_of(("reasoning", REASONING))
    segmenter, seen, told = Segmenter(), dict[int, int](), dict[int, int]()
    for token in tokens:
        for event in segmenter.feed(token):
            if isinstance(event, StepEnd):
                told.setdefault(event.step.stop, token.index)
        for step in segmenter.ahead(over=False):
            seen.setdefault(step.stop, token.index)
    ends = [step.stop for step in segment(tokens)][:-1]
    assert list(seen) == list(told) == ends
    assert all(seen[stop] - stop <= 1 for stop in ends)
    assert all(told[stop] - stop >= MIN_TOKENS - 1 for stop in ends)
    assert segmenter.ahead(over=True) == [segment(tokens)[-1]]


def test_parts_never_share_a_step_and_tags_have_none() -> None:
    tokens = tokens_of(
        ("tag", b"<think>"),
        ("reasoning", b"\nShort."),
        ("tag", b"</think>"),
        (
            "answer",
            b"\n\nIt is a long enough paragraph. So it is. Wait.\n\nAnd this here is one more long one.",
        ),
        ("tag", b"</s>"),
        first=7,
    )
    steps = segment(tokens)
    assert [step.part for step in steps] == ["reasoning", "answer", "answer"]
    assert text(tokens, steps[0]) == b"\nShort."
    assert text(tokens, steps[2]) == b"And this here is one more long one."
    assert [step.index for step in steps] == [0, 1, 2]


def test_a_part_of_white_space_has_no_step() -> None:
    assert segment(tokens_of(("tag", b"<think>"), ("reasoning", b"\n\n"), ("tag", b"</think>"))) == ()
    assert segment([]) == ()


def test_the_last_piece_joins_what_precedes_if_it_is_short() -> None:
    tokens = tokens_of(("reasoning", b"This is the first step, it is long enough.\n\nAnd this."))
    assert len(segment(tokens)) == 1


def test_a_paragraph_is_cut_at_sentences_without_markers() -> None:
    tokens = tokens_of(("reasoning", b"The dog sees the cat and runs after it. " * 30))
    sizes = [step.stop - step.start for step in segment(tokens)]
    assert len(sizes) > 10
    assert max(sizes) < 30


def test_lines_without_markers_are_cut_later_than_sentences() -> None:
    sentences = b"The dog runs. The cat sees it from the wall. The bird sits high up in the old tree."
    assert len(segment(tokens_of(("reasoning", sentences)))) == 2
    lines = b"the dog runs after the cat in the garden\n" * 8
    assert len(segment(tokens_of(("reasoning", lines)))) == 2


@pytest.mark.parametrize(
    ("pieces", "start"),
    [
        ([b"and so on", b". Wait", b", no"], 9),
        ([b"and so on", b".\n\n", b"Wait", b", no"], 10),
        ([b"and so on. W", b"ait", b", no"], 9),
        ([b"and so on.\n\n", b"\xe7", b"\xad\x89", b"\xe7\xad\x89"], 9),
    ],
)
def test_a_token_with_an_end_and_a_beginning_is_not_divided(pieces: list[bytes], start: int) -> None:
    data = [b" word"] * 8 + pieces + [b" word"] * 9
    tokens = [Token(i, 5, d, "reasoning", "model", None, 0.0) for i, d in enumerate(data)]
    steps = segment(tokens)
    assert [(step.start, step.stop) for step in steps] == [(0, start), (start, len(data))]


def test_a_step_is_announced_when_the_next_has_its_least_length() -> None:
    tokens = tokens_of(("reasoning", b"One two three four five six seven eight nine. Wait" + b" and" * 40))
    segmenter = Segmenter()
    seen: list[tuple[int, StepEvent]] = []
    for token in tokens:
        seen += [(token.index, event) for event in segmenter.feed(token)]
    first, ended, second = seen
    assert first == (0, StepStart(0, 0, "reasoning"))
    assert ended[1] == StepEnd(Step(0, 0, 10, "reasoning"))
    assert second[1] == StepStart(1, 10, "reasoning")
    assert ended[0] <= 10 + 2 * MIN_TOKENS
    assert segmenter.finish() == [StepEnd(Step(1, 10, len(tokens), "reasoning"))]


def test_pieces_of_text_without_ids_count_by_their_bytes() -> None:
    sentence = b"This sentence is a single piece of a server."
    tokens = [Token(i, None, sentence + b"\n\n", "reasoning", "model", None, 0.0) for i in range(3)]
    assert len(segment(tokens)) == 3


PIECES = st.sampled_from(
    [
        b" word",
        b"a",
        b".",
        b". ",
        b"\n",
        b"\n\n",
        b". Wait",
        b" So",
        b"```",
        b"$$",
        b"- ",
        b"\xe7",
        b"\xff",
        b"",
        b"5",
    ]
)
PARTS = st.sampled_from(["reasoning", "reasoning", "reasoning", "answer", "tag"])


@given(st.lists(st.tuples(PARTS, st.lists(PIECES, max_size=60)), max_size=6))
def test_steps_tile_their_parts(runs: list[tuple[Part, list[bytes]]]) -> None:
    flat = [(part, data) for part, pieces in runs for data in pieces]
    tokens = [Token(i, 5, data, part, "model", None, 0.0) for i, (part, data) in enumerate(flat, 3)]
    segmenter = Segmenter()
    events = [event for token in tokens for event in segmenter.feed(token)] + segmenter.finish()
    steps = segment(tokens)
    assert [event.step for event in events if isinstance(event, StepEnd)] == list(steps)
    opened = [(e.index, e.start, e.part) for e in events if isinstance(e, StepStart)]
    assert opened == [(step.index, step.start, step.part) for step in steps]
    owner = {index: step for step in steps for index in range(step.start, step.stop)}
    assert len(owner) == sum(step.stop - step.start for step in steps)
    for token in tokens:
        step = owner.get(token.index)
        assert (step.part if step else None) in ({token.part, None} if token.part != "tag" else {None})
        assert step or token.part == "tag" or not token.data.strip()
    for step, following in pairwise(steps):
        size = sum(bool(token.data.strip()) for token in tokens if owner.get(token.index) is step)
        assert size >= MIN_TOKENS or following.start > step.stop or following.part != step.part
