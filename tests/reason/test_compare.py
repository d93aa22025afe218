"""What two traces share, and which steps stand side by side."""

from ponder.core.events import Step
from ponder.core.request import Message, Request
from ponder.core.trace import Trace
from ponder.reason.compare import aligned, shared_tokens
from tests.store.samples import words


def trace(*texts: str, question: str = "?") -> Trace:
    tokens = words(" ".join(texts))
    steps: list[Step] = []
    for i, text in enumerate(texts):
        first = steps[-1].stop if steps else 0
        steps.append(Step(i, first, first + len(text.split()), "reasoning"))
    return Trace("t", 0.0, Request((Message("user", question),)), "m", "e", (), tuple(tokens), tuple(steps))


def test_what_is_shared_ends_at_the_first_other_token() -> None:
    one, other = trace("a b", "c d"), trace("a b", "x d")
    assert shared_tokens(one, one) == 4
    assert shared_tokens(one, trace("a b", "c d", question="!")) == 0
    assert shared_tokens(one, other) == 2
    assert shared_tokens(one, trace("a")) == 1


def test_steps_with_the_same_words_stand_opposite_each_other() -> None:
    one = trace("start here", "wrong way", "so it is 3", "check it")
    other = trace("start here", "right way", "another", "so it is 3", "done")
    pairs = [
        (pair.left and pair.left.index, pair.right and pair.right.index, pair.same)
        for pair in aligned(one, other, 2)
    ]
    assert pairs == [(1, 1, False), (None, 2, False), (2, 3, True), (3, 4, False)]
    assert aligned(one, one, len(one.tokens)) == ()
