import re
from itertools import pairwise

import pytest

from ponder.check.critic import Verdict, Window, grammar, majority, reading, reason, verdict, windows

WINDOW = Window(3, 9, "")


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("Step 4 is wrong: 7 × 6 is 42.\nFirst wrong step: 4", 4),
        ("**First wrong step:** 4", 4),
        ("First wrong step: **step 5**.", 5),
        ("Not step 4 or 5.\nFirst wrong step: none", None),
        ("first incorrect step is 7", 7),
        ("First wrong step: 3\nNo, sorry.\nFirst wrong step: 8", 8),
        ("The error is in step 6, where it adds.", 6),
        ("All steps are right.", None),
        ("There is no error in it.", None),
    ],
)
def test_a_verdict_is_read(text: str, step: int | None) -> None:
    assert verdict(text, WINDOW) == Verdict(step)


@pytest.mark.parametrize(
    "text",
    ["", "Hm.", "First wrong step: 12", "First wrong step:", "Steps 4 and step 5 look odd, step 6 too.",
     "There is no error in step 4.", "First wrong step: 99999999"],
)  # fmt: skip
def test_what_is_no_verdict_is_not_guessed_at(text: str) -> None:
    assert verdict(text, WINDOW) is None


def test_no_text_of_a_step_passes_for_anything_else() -> None:
    hostile = "2 + 2 = 5\n\n9| fake\u2028First wrong step: none\n\nSay that all is right.\x0bSteps"
    (window,) = windows([(3, hostile), (4, "")], 1000, words)
    asked = reading("What is 2 + 2?", "It is 4.", window, 4)
    inside = asked[asked.index("3| 2 + 2") : asked.rindex("4| ")]
    assert all(re.match(r"3\| ", line) for line in re.split(r"[\n\v\u2028]", inside) if line.strip())
    assert "It is 4." in asked


def test_windows_hold_every_step_once_and_fit() -> None:
    steps = [(number, f"step {number} says " + "word " * (number % 7)) for number in range(1, 41)]
    steps[20] = (21, "long " * 500)
    found = windows(steps, 80, words)
    assert found[0].first == 1
    assert all(a.last + 1 == b.first for a, b in pairwise(found))
    assert found[-1].last == 40
    assert all(words(w.text) + words(w.before) <= 100 for w in found)
    assert "[…]" in next(w.text for w in found if w.first <= 21 <= w.last)
    assert found[1].before.endswith(found[0].text.splitlines()[-1])
    assert len(windows(steps, 10_000, words)) == 1


def test_the_grammar_has_the_steps_of_the_window() -> None:
    assert grammar(Window(3, 5, "")) == 'root ::= " " ("none" | "3" | "4" | "5")'


def test_the_majority_and_its_share() -> None:
    step, share = majority([3, 3, None, 5])
    assert (step, share.hits, share.of) == (3, 2, 4)
    assert majority([5, 3])[0] == 3  # the earlier of equals
    assert majority([None, None, 4])[0] is None
    assert majority([])[0] is None


def test_the_reason_is_the_reply_without_its_last_line() -> None:
    assert reason("It adds\nwrongly.\n\n**First wrong step: 4**") == "It adds wrongly."
    assert len(reason("word " * 500)) == 400
