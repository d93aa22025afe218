import pytest

from ponder.check.verdicts import check_trace
from ponder.core.events import Token
from ponder.core.request import Message, Request
from ponder.core.trace import Trace
from ponder.reason.segment import segment


def trace(*paragraphs: str) -> Trace:
    """A trace with one step a paragraph."""
    words = "\n\n".join(p + " and nothing more is to be said here at all" for p in paragraphs).split(" ")
    tokens = tuple(
        Token(i, i, (f" {word}" if i else word).encode(), "reasoning", "model", None, 0.0)
        for i, word in enumerate(words)
    )
    steps = segment(tokens)
    return Trace("t", 0.0, Request(messages=(Message("user", "?"),)), "", "", (), tokens, steps)


def verdicts(*paragraphs: str) -> list[str]:
    return [finding.claim.verdict for finding in check_trace(trace(*paragraphs))]


def test_step_and_range() -> None:
    tried = trace("First 3 + 4 = 7.", "Then 7 × 6 = 43.")
    wrong = check_trace(tried)[-1]
    text = tried.step_text(tried.steps[wrong.step])
    assert text[wrong.claim.start : wrong.claim.stop] == "7 × 6 = 43"
    assert wrong.claim.verdict == "wrong"


def test_repaired_by_the_right_value() -> None:
    assert verdicts("So 7 × 6 = 43.", "Something else.", "Again 7×6 = 42.") == ["wrong-then-fixed", "ok"]


def test_repaired_by_taking_it_back() -> None:
    assert verdicts("So 7 × 6 = 43. Wait, that's wrong.") == ["wrong-then-fixed"]


def test_not_repaired() -> None:
    assert verdicts("So 7 × 6 = 42.", "Then 7 × 6 = 43.") == ["ok", "wrong"]


@pytest.mark.parametrize(
    ("paragraphs", "expected"),
    [
        (("Let x = 12.", "So x + 5 = 17."), ["ok"]),
        (("Let x = 12.", "So x + 5 = 18."), ["wrong"]),
        (("Let x = 12.", "So 2x + 1 = 26."), ["wrong"]),
        (("Let x = 12.", "Now x = 3.", "So x + 5 = 8."), ["ok"]),
        (("Let x = 12.", "Now x = 3.", "So x + 5 = 9."), ["undecided"]),
        (("From 2n = 14 we get n = 7.", "So n + 1 = 9."), ["ok", "wrong"]),
        (("From 2n = 14 we get n = 7.", "If n = 5 instead.", "So n + 1 = 6."), ["ok"]),
        (("Let x = 12.", "Case 2: the other one.", "So x + 5 = 8."), []),
        (("x + 3 = 12.", "So x + 5 = 8."), []),
    ],
)
def test_variables(paragraphs: tuple[str, ...], expected: list[str]) -> None:
    assert verdicts(*paragraphs) == expected
