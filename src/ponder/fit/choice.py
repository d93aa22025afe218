"""All plans that come into question, and the one to take: of one model, or of everything there is.

The terminal, the API and the pages ask here; what they show of it is their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ponder.core.hardware import Hardware
from ponder.core.plan import Plan
from ponder.fit.plan import Planner, Wish
from ponder.fit.pooled import PooledPlanner
from ponder.fit.rank import order, quantisations, rank
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
    plans = _ranked(machine, wish, subjects)
    return Choice(plans, recommend(plans, wish.task, parameters_of(subjects), patience_s))


def among_quantisations(planner: Planner, subject: Subject, patience_s: float | None = None) -> Choice:
    """The quantisations of one model (or the wished one), those that do not fit included."""
    wished = planner.wish.quantisation
    plans = [planner.best(subject, quant) for quant in ((wished,) if wished else quantisations(subject))]
    fitting = [plan for plan in plans if plan.placement]
    best = recommend(fitting, planner.wish.task, parameters_of([subject]), patience_s) if fitting else None
    return Choice(plans, best)


def parameters_of(subjects: Sequence[Subject]) -> dict[str, int]:
    """How many weights each model has, by name."""
    return {subject.name: subject.parameters for subject in subjects}


def _ranked(machine: Hardware, wish: Wish, subjects: Sequence[Subject]) -> list[Plan]:
    if wish.engine != "vllm":
        return rank(machine, wish, subjects)
    planner = PooledPlanner(machine, wish)
    plans = (planner.pooled(s) for s in subjects if not wish.n_ctx or wish.n_ctx <= s.n_ctx_train)
    return order(plan for plan in plans if plan.placement)
