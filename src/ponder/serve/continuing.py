"""Going on with a trace that is kept, for the API and the pages alike: as a branch, or where it was cut off.

The model that wrote it is taken again; see `writers`.
"""

import asyncio
from dataclasses import dataclass, replace

from ponder.core.request import CorrectionKind, Request
from ponder.opened import Opened, require_facts
from ponder.serve.live import Live
from ponder.serve.refusal import Refusal
from ponder.serve.runs import Begin, Order
from ponder.serve.service import Service
from ponder.serve.writers import check_same, writer_of
from ponder.session import Answering, fork, resume
from ponder.store.values import Bundle


@dataclass(frozen=True, slots=True)
class Change:
    """What a branch does: leave before step `step` (counted from 1), corrected; see `Correction`."""

    step: int
    kind: CorrectionKind
    text: str = ""
    budget: int | None = None


async def leave(service: Service, name: str, change: Change, party: str) -> Live:
    """Leave the trace `name` as a branch; one that runs ends there. A change that cannot be ends nothing.

    Raises NotFoundError, InputError and Refusal.
    """
    live = service.runs.find(name)
    if live is None or live.done:
        return await _left(service, name, change, party)
    # Refused before it is stopped; and what it stops with may move the end of its last step.
    asked = live.answering.so_far().fork(change.step, change.kind, change.text)
    async with live.leaving():
        branch = await _left(service, name, change, party, asked)
        live.branch = branch.trace_id
    return branch


async def _left(
    service: Service, name: str, change: Change, party: str, asked: Request | None = None
) -> Live:
    bundle = await asyncio.to_thread(service.store.bundle, name)
    require_facts(bundle.environment)
    asked = asked or bundle.trace.fork(change.step, change.kind, change.text)
    # Whoever corrects a trace looks at it.
    asked = replace(asked, sampling=replace(asked.sampling, logprobs=True))
    if change.budget is not None:
        asked = replace(asked, budget=change.budget)
    return await _begun(
        service, bundle, lambda opened: fork(opened, bundle.trace, asked, service.store), party
    )


async def take_up(service: Service, name: str, party: str) -> Live:
    """Go on with an interrupted trace exactly where it stopped; raises Refusal for one that runs."""
    bundle = await asyncio.to_thread(service.store.bundle, name)
    require_facts(bundle.environment)
    living = service.runs.find(bundle.trace.id)
    if living is not None and not living.done:
        raise Refusal(409, f"trace {bundle.trace.id} runs already.")
    return await _begun(service, bundle, lambda opened: resume(opened, bundle.trace, service.store), party)


async def _begun(service: Service, bundle: Bundle, begin: Begin, party: str) -> Live:
    """A run of the model that wrote the trace."""

    def checked(opened: Opened) -> Answering:
        check_same(opened, bundle)
        return begin(opened)

    name, shape = await writer_of(service.models, bundle)
    return await service.runs.begin(checked, Order(name, bundle.trace.request, party=party, shape=shape))
