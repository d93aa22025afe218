"""Claims beyond the own evaluator, decided by the real child process; and what happens when it cannot."""

from fractions import Fraction

import psutil
import pytest

from ponder.check import symbolic
from ponder.check.claims import claims_in
from ponder.check.symbolic import Question

PAIRS = [
    (r"$\log_{{2}}(8) = {}$", "3", "4"),
    (r"\[ \sin\left(\frac{{\pi}}{{6}}\right) = \frac{{1}}{{{}}} \]", "2", "3"),
    ("cos(60°) = {}", "0.5", "0.866"),
    (r"$\frac{{d}}{{dx}} 3x^4 = {}x^{{3}}$", "12", "11"),
    ("The derivative of x^2 + 3x is {}x + 3.", "2", "3"),
    (r"$\int 6x^{{2}} dx = {}x^{{3}} + C$", "2", "3"),
    (r"\[ \int_0^{{3}} 2x \, dx = {} \]", "9", "8"),
    (r"\binom{{5}}{{2}} = {}", "10", "20"),
    ("There are C(5, 2) = {} ways to choose.", "10", "12"),
    (r"$e^{{2}} \approx {}$", "7.389", "7.839"),
    ("|-7| = {}", "7", "8"),
    (r"\sum_{{i=1}}^{{10}} i = {}", "55", "50"),
    (r"\lfloor 7/2 \rfloor = {}", "3", "4"),
]


@pytest.mark.parametrize(("template", "true", "false"), PAIRS)
def test_true_and_false(template: str, true: str, false: str) -> None:
    said = [{claim.verdict for claim in claims_in(template.format(word))} for word in (true, false)]
    assert said == [{"ok"}, {"wrong"}]


def test_identities_are_right_and_equations_are_no_claims() -> None:
    assert [claim.verdict for claim in claims_in(r"$\sin^2 x + \cos^2 x = 1$")] == ["ok"]
    assert claims_in(r"$\sin x = \frac{1}{2}$") == ()


@pytest.mark.parametrize(
    "text", ["e^(10^10^10) = 3", r"\sin(10^{10^{10}}) = 0", r"\sum_{i=1}^{999999999} i = 3"]
)
def test_what_is_too_large_is_left_alone(text: str) -> None:
    assert all(claim.verdict != "wrong" for claim in claims_in(text))


def test_a_late_child_is_ended_and_the_next_question_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    half = Question("value", (("call", "cos", ("/", ("pi",), ("number", Fraction(3)))),))
    assert symbolic.ask([half])[0]["value"].startswith("0.5")
    child = symbolic._RUNNING[0]._process
    assert child is not None
    psutil.Process(child.pid).suspend()  # it is late, however busy this machine is
    monkeypatch.setattr(symbolic, "DEADLINE_S", 0.0)
    assert symbolic.ask([half]) == [{}]
    monkeypatch.undo()
    assert symbolic.ask([half])[0]["value"].startswith("0.5")


def test_the_child_refuses_what_is_no_tree_of_ours() -> None:
    trees: list[tuple[object, ...]] = [
        ("call", "__import__", ("number", Fraction(1))),
        ("name", "__import__('os').system('true')"),
        ("lambda", ("pi",)),
        ("^", ("number", Fraction(10)), ("^", ("number", Fraction(10)), ("number", Fraction(10)))),
        ("call", "exp", ("number", Fraction(10**9))),
    ]
    assert symbolic.ask([Question("value", (tree,)) for tree in trees]) == [{}] * len(trees)


def test_it_ends_with_its_owner() -> None:
    symbolic.ask([Question("value", (("pi",),))])
    child = symbolic._RUNNING[0]
    symbolic.stop()
    assert not child.alive
    assert symbolic.ask([Question("value", (("pi",),))])[0]["value"].startswith("3.14159265")
