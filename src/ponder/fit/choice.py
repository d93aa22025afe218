"""All plans that come into question, and the one to take: of one model, or of everything there is.

The API and the pages ask here; what they show of it is their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ponder.core.hardware import Hardware
from ponder.core.plan import Plan
from ponder.fit.plan import Planner, Wish
from ponder.fit.rank import quantisations, rank
from ponder.fit.recommend import Recommendation, recommend
from ponder.fit.subject import Subject


@dataclass(frozen=True, slots=True)
class Choice:
    """Plans in the order of their merit, and the recommended one; None where nothing fits or can be timed."""

    plans: Sequence[Plan]
    best: Recommendation | None


def among_models(
    machine: Hardware, wish: Wish, subjects: Sequence[Subject], patience_s: float | None = None
) -> Choice:
    """Everything of `subjects` that fits; `patience_s` None: what is usual for the task.

    Raises InputError for an impossible wish or machine.
    """
    plans = rank(machine, wish, subjects)
    return Choice(plans, recommend(plans, wish.task, _parameters(subjects), patience_s))


def among_quantisations(planner: Planner, subject: Subject, patience_s: float | None = None) -> Choice:
    """The quantisations of one model (or the wished one), those that do not fit included."""
    wished = planner.wish.quantisation
    plans = [planner.best(subject, quant) for quant in ((wished,) if wished else quantisations(subject))]
    fitting = [plan for plan in plans if plan.placement]
    best = recommend(fitting, planner.wish.task, _parameters([subject]), patience_s) if fitting else None
    return Choice(plans, best)


def _parameters(subjects: Sequence[Subject]) -> dict[str, int]:
    return {subject.name: subject.parameters for subject in subjects}
