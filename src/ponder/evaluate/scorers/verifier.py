"""One verifier for every kind of problem: a task's own scorer, tests in the sandbox, or the cascade."""

from dataclasses import dataclass

from ponder.check.answers import found_in
from ponder.evaluate.problem import NotScored, Problem
from ponder.evaluate.scorers.cascade import Cascade
from ponder.evaluate.scorers.program import judge_program
from ponder.evaluate.scorers.verdict import Verdict

RIGHT = 1.0
"""The least score of a task's own scorer that is right: the halves it may give are for form."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Judges answers to problems; safe to use from several threads."""

    cascade: Cascade

    def judge(self, problem: Problem, text: str) -> Verdict:
        """The verdict on `text`, the part after the reasoning; raises AbilityError for a program without a
        sandbox.
        """
        if problem.own is not None:
            return self._own(problem, text)
        if problem.tests is not None:
            return judge_program(text, problem.tests)
        return self.cascade.judge(text, problem.target, problem.choices)

    def _own(self, problem: Problem, text: str) -> Verdict:
        found = found_in(text)
        refusal = self.cascade.refused(found)
        if refusal is not None:
            return refusal
        given = found.written
        if not found.anchored and "\n" in problem.target.strip():  # a grid, say
            given = text.strip()
        if not given:
            return Verdict("wrong", "found", "", found.how)
        assert problem.own is not None
        try:
            score = problem.own(given)
        except NotScored as refusal:
            return Verdict("unknown", "own", given, found.how, str(refusal))
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            return Verdict("unknown", "own", given, found.how, f"its scorer fails: {error!r}"[:120])
        return Verdict("right" if score >= RIGHT else "wrong", "own", given, found.how, f"score {score:g}")
