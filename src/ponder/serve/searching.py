"""What is known of a trace's first wrong step, what finding it would cost, and beginning to look for it."""

from collections.abc import Iterable, Sequence

from ponder.blame import Blame, Estimate, Method, kept
from ponder.blame.claims import by_claims
from ponder.blame.costs import about_read, critic_cost, importance_cost, rollouts_cost
from ponder.blame.critique import limits, reasons
from ponder.blame.rollouts import reasoning_steps
from ponder.check.verdicts import Finding
from ponder.core.trace import Trace
from ponder.errors import PonderError
from ponder.opened import voice_of
from ponder.serve.models import Models
from ponder.serve.searches import Search, Wish
from ponder.serve.service import Service
from ponder.serve.writers import writer_of
from ponder.store import Bundle, Note

USUAL_CTX = 4096
"""Context of a critic that is not known before it is loaded."""


async def begin(service: Service, bundle: Bundle, wish: Wish, party: str) -> Search:
    """Begin to search; what cannot be is refused before: a model that is not here, a trace without steps.

    Raises InputError, NotFoundError and Refusal.
    """
    reasoning_steps(bundle.trace)
    await service.models.find(wish.critic) if wish.critic else None
    if not wish.critic or set(wish.methods) - {"critic"}:
        await writer_of(service.models, bundle)
    return service.searches.begin(bundle, wish, party)


def known(trace: Trace, notes: Iterable[Note], findings: Sequence[Finding] | None) -> tuple[Blame, ...]:
    """What is known: by the claims (`findings`; None: not yet), and what was kept of each other method."""
    free = () if findings is None else (by_claims(trace, findings),)
    return (*free, *(each for each in kept(notes) if each.method != "claims"))


def forkable(trace: Trace) -> bool:
    """Whether a model could go on from a part of it: its tokens have ids."""
    return (
        bool(trace.prompt_ids) and bool(trace.tokens) and all(token.id is not None for token in trace.tokens)
    )


async def costs(models: Models, bundle: Bundle, wish: Wish, *, target: bool) -> dict[Method, Estimate]:
    """What each method may cost, of those that can be for this trace. `target`: an answer will be given."""
    trace = bundle.trace
    try:
        steps = reasoning_steps(trace)
    except PonderError:
        return {}
    starts = [step.start for step in steps]
    limit = limits(wish.budget, reasons=await _reasons(models, bundle, wish.critic))
    read = about_read(trace, trace.n_ctx or USUAL_CTX, limit[1])
    told: dict[Method, Estimate] = {
        "critic": critic_cost(trace, wish.votes, limit, read, same=not wish.critic)
    }
    if forkable(trace):
        told["rollouts"] = rollouts_cost(trace, starts, wish.samples, known=target)
        told["importance"] = importance_cost(trace, [*starts, trace.reasoning_end], wish.samples)
    return told


async def _reasons(models: Models, bundle: Bundle, critic: str) -> bool:
    """Whether the critic reasons by itself; True, the dearer, where it is not here."""
    try:
        offer = await models.find(critic or (await writer_of(models, bundle))[0])
    except PonderError:
        return True
    local = offer.local
    return local is None or reasons(voice_of(local.name, local.model, local.header.template))
