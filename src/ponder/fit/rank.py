"""Everything that runs on a machine, the best first.

Every model of the catalogue is planned in every quantisation worth having, with the context that the task
needs or the longest that fits; longer ones are tried in the same place (`most_ctx`). A model that is clearly
larger than the machine is left out before its bytes are counted.
"""

from collections.abc import Iterable

from ponder.core.hardware import Hardware
from ponder.core.plan import Plan
from ponder.fit.plan import Planner, Wish
from ponder.fit.subject import Subject, everything

QUANTISATIONS = ("Q2_K", "Q3_K_M", "IQ4_XS", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "BF16")
"""What is published of nearly every model, the smallest first."""

LEAST_BITS = {"Q2_K": 2.5, "IQ3_XXS": 2.9, "Q3_K_M": 3.4, "IQ4_XS": 4.1, "Q4_K_M": 4.3, "Q5_K_M": 5.2,
              "Q6_K": 6.3, "Q8_0": 8.2, "BF16": 15.9, "MXFP4_MOE": 4.1}  # fmt: skip
"""Bits per weight that no file of the recipe goes below, to leave out what cannot fit."""


def quantisations(subject: Subject) -> tuple[str, ...]:
    """The quantisations to plan: of a real file its own; gpt-oss is published in 4 bits, others in all."""
    if subject.exact:
        return (subject.exact.quantisation,)
    if subject.geometry.architecture == "gpt-oss":
        return ("MXFP4_MOE",)
    return QUANTISATIONS


def rank(
    hardware: Hardware, wish: Wish | None = None, subjects: Iterable[Subject] | None = None
) -> list[Plan]:
    """Plans of all models and quantisations that fit, ordered by `order`; by default of the catalogue.

    Raises InputError for an impossible wish or machine.
    """
    wish = wish or Wish()
    planner = Planner(hardware, wish)
    found = []
    for subject in everything() if subjects is None else subjects:
        if subject.n_ctx_train and wish.n_ctx > subject.n_ctx_train:
            continue
        for quant in (wish.quantisation,) if wish.quantisation else quantisations(subject):
            if subject.parameters * LEAST_BITS.get(quant, 1.5) / 8 > planner.rooms.capacity_bytes:
                continue
            chosen = planner.choose(subject, quant)
            if chosen is not None:
                found.append(planner.plan(subject, quant, *chosen))
    return order(found)


def order(plans: Iterable[Plan]) -> list[Plan]:
    """The best standing first, the quicker answer first among equals; unknown standings come last."""

    def place(plan: Plan) -> tuple[bool, float, float, str]:
        value = plan.standing.value if plan.standing else 0.0
        seconds = plan.answer.mean_s if plan.answer else float("inf")
        return (plan.standing is None, -value, seconds, plan.model)

    return sorted(plans, key=place)
