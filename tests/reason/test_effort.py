"""Effort: tokens, seconds and certainty per step, and when the answer was there first."""

import pytest

from ponder.core.events import Part, Step, Token
from ponder.core.request import Message, Request
from ponder.core.trace import Trace
from ponder.reason.effort import (
    Effort,
    effort,
    effort_by_part,
    effort_by_role,
    effort_by_step,
    final_answer,
    first_answer,
    repeated_share,
    repeated_shares,
)


def token(
    index: int, text: str, part: Part = "reasoning", time_s: float = 0.0, logprob: float | None = None
) -> Token:
    return Token(index, index, text.encode(), part, "model", logprob, time_s, logprob and -logprob)


def trace_of(*tokens: Token, steps: tuple[Step, ...] = (), question: str = "", fork_index: int = 0) -> Trace:
    request = Request((Message("user", question),))
    parent = "parent" if fork_index else None
    return Trace(
        "t", 0.0, request, "model", "engine", (), tokens, steps, parent=parent, fork_index=fork_index
    )


SIX = (
    token(0, "<think>", "tag", 1.0, -0.5),
    token(1, "a", "reasoning", 1.5, -1.0),
    token(2, "b", "reasoning", 2.0, -3.0),
    token(3, "c", "reasoning", 4.0),
    token(4, "</think>", "tag", 4.5, -0.25),
    token(5, "d", "answer", 5.0, -0.5),
)
STEPS = (
    Step(0, 1, 3, "reasoning", "compute"),
    Step(1, 3, 4, "reasoning", "check"),
    Step(2, 5, 6, "answer", "answer"),
)


def test_steps() -> None:
    trace = trace_of(*SIX, steps=STEPS)
    assert effort_by_step(trace) == (
        Effort(2, 1.0, -2.0, 2.0),
        Effort(1, 2.0, None, None),
        Effort(1, 0.5, -0.5, 0.5),
    )
    assert effort_by_step(trace)[0].speed_tps == 2.0
    assert effort(trace, 0, 6).seconds == 4.0
    assert effort(trace, 2, 2) == Effort()
    assert Effort().speed_tps == 0.0


def test_totals_by_role_and_part() -> None:
    trace = trace_of(*SIX, steps=STEPS)
    assert {role: e.tokens for role, e in effort_by_role(trace).items()} == {
        "compute": 2,
        "check": 1,
        "answer": 1,
    }
    parts = effort_by_part(trace)
    assert list(parts) == ["reasoning", "tag", "answer"]
    assert [parts[part].seconds for part in parts] == [3.0, 0.5, 0.5]


def test_the_clock_starts_again_at_a_fork() -> None:
    tokens = (token(0, "a", time_s=50.0), token(1, "b", time_s=60.0), token(2, "c", time_s=80.0))
    assert effort(trace_of(*tokens, fork_index=2), 0, 3).seconds == 10.0
    resumed = (token(0, "a", time_s=5.0), token(1, "b", time_s=6.0), token(2, "c", time_s=0.5))
    assert effort(trace_of(*resumed), 0, 3).seconds == 1.0


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("First \\boxed{3}, then $\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"),
        ("**Final Answer:** Friday.\n", "Friday"),
        ("So the answer is 3.5. That is all\nof it", "3.5"),
        ("答案是：42。", "42"),
        ("42.", "42"),
        ("There is no way to tell from what is given,\nso I can not say.", None),
        ("\\boxed{3", "\\boxed{3"),
        ("", None),
    ],
)
def test_final_answer(text: str, answer: str | None) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    ("reasoning", "answer", "question", "index"),
    [
        ("I| add| 12| and| 30|,| so| 42|.| Check|:| 42", "\\boxed{42}", "12 + 30?", 7),
        ("42000| or| 142| is| 1|4|2|000", "142,000", "", 4),
        ("Step| 4|:| 2| +| 2| =| 4|.| Yes", "\\boxed{4}", "", 7),
        ("He| comes| on| Friday|.| So| it| is| Friday|.", "Friday", "When is Friday?", 8),
        ("a| ratio| of| 28|/|33|.", "\\boxed{\\dfrac{28}{33}}", "", 3),
        ("所以|是| \udce4|四十二|。", "四十二", "", 3),
        ("I| do| not| know", "\\boxed{42}", "", None),
        ("It| is| 421| or| 42.5", "\\boxed{42}", "", None),
        ("It| is| so", "A long text\nof two lines.", "", None),
    ],
)
def test_first_answer(reasoning: str, answer: str, question: str, index: int | None) -> None:
    words = reasoning.split("|")
    data = [word.encode(errors="surrogateescape") for word in words]
    tokens = [Token(i, i, d, "reasoning", "model", None, 0.0) for i, d in enumerate(data)]
    tokens.append(token(len(words), answer, "answer"))
    found = first_answer(trace_of(*tokens, question=question))
    if index is None:
        assert found is None
    else:
        assert found is not None
        assert found.index == index
        assert found.tokens_after == len(words) - 1 - index
        assert found.share_after == found.tokens_after / len(words)


def test_repeated_share() -> None:
    tokens = [Token(i, i % 4, b"x", "reasoning", "model", None, 0.0) for i in range(11)]
    assert repeated_share(tokens, gram=4) == 0.5
    assert repeated_share(tokens[:3], gram=4) == 0.0
    words = [Token(i, None, bytes([i]), "reasoning", "model", None, 0.0) for i in range(20)]
    assert repeated_share(words, gram=4) == 0.0


def test_what_a_step_repeats() -> None:
    said = [token(i, text) for i, text in enumerate(["a", "b", "c", "d", "a", "b", "c", "x"])]
    tokens = [Token(t.index, None, t.data, t.part, t.origin, None, 0.0) for t in said]
    assert repeated_shares(tokens, ((0, 4), (4, 8), (6, 6)), gram=3) == (0.0, 0.25, 0.0)
    assert repeated_share(tokens, gram=3) == pytest.approx(1 / 6)
