r"""The verifier: every trap that math-verify alone falls into, and the ordinary cases of each step."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.symbolic import Symbolic


@pytest.fixture(scope="module")
def cascade() -> Iterator[Cascade]:
    with Symbolic(deadline_s=10.0) as symbolic:
        yield Cascade(symbolic)


RIGHT = [
    (r"\boxed{1} .. wait no, \boxed{2}", "2", "exact"),
    (r"\boxed{A}", "A", "exact"),
    ("The correct option is **C**.", "C", "choice"),
    ("Monday", r"$\text{Monday}$", "exact"),
    ("It is Monday.", r"\text{Monday}", "words"),
    (r"\boxed{(3,\infty)}", "x>3", "symbolic"),
    (r"\boxed{x>3}", r"(3,\infty)", "symbolic"),
    (r"\boxed{0.5}", r"50 \%", "numeric"),
    (r"\boxed{5!}", "120", "numeric"),
    (r"\boxed{120}", "5!", "numeric"),
    (r"\boxed{10 \text{ cm}}", "10", "numeric"),
    (r"\boxed{90^\circ}", "90", "numeric"),
    (r"\boxed{1,234}", "1234", "numeric"),
    (r"\boxed{18.9}", r"\$18.90", "numeric"),
    (r"\boxed{\sqrt{8}}", r"2\sqrt{2}", "numeric"),
    (r"\boxed{3.5}", r"3\frac12", "numeric"),
    (r"\boxed{(3,\pi/2)}", r"\left( 3, \frac{\pi}{2} \right)", "parts"),
    (r"\boxed{\{3, 0.5\}}", r"\frac{1}{2}, 3", "parts"),
    (r"x = 2 or x = 3", "3, 2", "parts"),
    (r"\boxed{(x+1)^2}", "x^2+2x+1", "symbolic"),
    (r"\boxed{2x+1}", "y=2x+1", "symbolic"),
    (r"\boxed{x**2 + 1}", "x^2+1", "exact"),
    (r"\boxed{\begin{pmatrix}1\\2\end{pmatrix}}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "exact"),
    ("So she makes 9 * 2 = $18 every day.", "18", "exact"),
    ("It is 42!", "42", "exact"),
    ("#### 1,000", "1000", "numeric"),
    ("<answer> 7 </answer> I hope so", "7", "exact"),
]


@pytest.mark.parametrize(("text", "target", "step"), RIGHT)
def test_right(cascade: Cascade, text: str, target: str, step: str) -> None:
    verdict = cascade.judge(text, target)
    assert (verdict.outcome, verdict.step) == ("right", step), verdict


WRONG = [
    (r"\boxed{2} hmm or \boxed{3}", "2"),
    (r"\boxed{3*x-1*y+13=0}", "3x + 4y + 14=0"),
    (r"\boxed{[1,2]}", "(1,2)"),
    (r"\boxed{(2,1)}", "(1,2)"),
    (r"\boxed{1, 2, 2}", "1, 2"),
    (r"\boxed{0.3333}", "1/3"),
    (r"\boxed{1.414}", r"\sqrt{2}"),
    (r"\boxed{3}", "x>3"),
    (r"\boxed{3", "3"),
    ("", "3"),
    (r"\boxed{(x+1)^2}", "x^2+2x+2"),
    ("It is not Monday.", r"\text{Monday}"),
    ("It is Tuesday.", r"\text{Monday}"),
    (r"\boxed{10 \text{ cm}}", "10 km"),
    ("The answer is B.", "C"),
]


@pytest.mark.parametrize(("text", "target"), WRONG)
def test_wrong(cascade: Cascade, text: str, target: str) -> None:
    assert cascade.judge(text, target).outcome == "wrong"


def test_a_number_in_passing_is_no_answer(cascade: Cascade) -> None:
    assert cascade.judge("I tried 5, 6 and 7", "7").outcome != "right"


@pytest.mark.parametrize("text", ["I think 7", "7", "It comes to 7 in the end."])
def test_a_reward_wants_the_answer_marked(cascade: Cascade, text: str) -> None:
    assert cascade.judge(text, "7").right
    safe = Cascade(cascade.symbolic, anchored=True)
    assert safe.judge(text, "7").outcome == "wrong"
    assert safe.judge(f"{text} Answer: 7", "7").right
    assert safe.judge(rf"{text} \boxed{{7}}", "7").right


def test_a_tolerance_is_only_what_was_allowed() -> None:
    loose = Cascade(tolerance=0.001)
    assert loose.judge(r"\boxed{1.414}", r"\sqrt{2}").right
    assert not loose.judge(r"\boxed{1.41}", r"\sqrt{2}").right


def test_what_takes_for_ever_is_unknown_and_the_next_one_is_judged() -> None:
    with Symbolic(deadline_s=0.5) as symbolic:
        cascade = Cascade(symbolic)
        verdict = cascade.judge(r"\boxed{2003^{2002^{2000}}}", "2003^{2002^{2001}}")
        assert (verdict.outcome, symbolic.late) == ("unknown", 1)
        symbolic._deadline_s = 10.0
        assert cascade.judge(r"\boxed{2(k+1)}", "2k+2").right


def test_a_choice_may_be_named_or_spelled_out(cascade: Cascade) -> None:
    choices = ("A dog", "3", "7", "A cat")
    for text in (
        "A cat",
        r"\boxed{D}",
        "(D) A cat",
        "The answer is D because cats purr.",
        r"\boxed{\text{d}}",
    ):
        assert cascade.judge(text, "D", choices).right, text
    assert cascade.judge("A dog", "D", choices).outcome == "wrong"
    assert cascade.judge(r"\boxed{7}", "C", choices).given == "C"
    assert cascade.judge("no idea", "C", choices).note == "it is none of the choices"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_gets_a_verdict(text: str, target: str) -> None:
    verdict = Cascade().judge(text, target)
    assert verdict.outcome in {"right", "wrong", "unknown"}
    assert Cascade().judge(text, target) == verdict
