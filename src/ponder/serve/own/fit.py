"""What fits over HTTP: plans as JSON, and what this server runs just now."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ponder.catalog.library import is_path
from ponder.core.hardware import Hardware
from ponder.fit.choice import among_models, among_quantisations
from ponder.fit.command import command
from ponder.fit.plan import Planner, Wish
from ponder.fit.subject import catalogued, everything
from ponder.fit.whatif import Given, with_given
from ponder.serve.asking import body_of
from ponder.serve.machine import this_machine
from ponder.serve.operations import Operation
from ponder.serve.own.requests import Fit, Machine
from ponder.serve.refusal import Refusal
from ponder.serve.service import service_of
from ponder.store.codec import encode

Json = dict[str, Any]


async def fit(request: Request) -> Response:
    """The plans of a model on a machine, the recommended one marked."""
    asked = await body_of(request, Fit)
    return JSONResponse(await asyncio.to_thread(plans_of, asked))


def plans_of(asked: Fit) -> Json:
    """Plans as `ponder fit --json` gives them, and the machine they are for."""
    if is_path(asked.model):
        raise Refusal(400, "files are planned in the terminal (`ponder fit FILE`): give a model's name.")
    machine = machine_of(asked.machine)
    wish = Wish(asked.task, asked.n_ctx, asked.quantisation.upper(), asked.kv_type, asked.batch)
    if asked.model:
        choice = among_quantisations(Planner(machine, wish), catalogued(asked.model))
    else:
        choice = among_models(machine, wish, everything())
    best = choice.best
    rows = [
        encode(plan) | {"recommended": best is not None and plan is best.plan, "command": command(plan)}
        for plan in choice.plans
    ]
    return {"machine": encode(machine), "plans": rows, "reason": best.reason if best else None}


def machine_of(asked: Machine | None) -> Hardware:
    """This machine with what is free, or another one; raises InputError and NotFoundError."""
    if asked is None:
        return this_machine(measure_ram=False)
    given = Given(asked.gpu, asked.ram_gib, asked.ram_bandwidth_gbps, asked.cpu, asked.cores, None)
    return with_given(Hardware(), given)


async def state(request: Request) -> Response:
    """Which models are loaded, how many conversations run and wait."""
    service = service_of(request)
    rows = [
        {
            "name": name,
            "slots": loaded.turns.slots,
            "running": loaded.turns.running,
            "waiting": loaded.turns.waiting,
            "n_ctx": loaded.opened.facts.get("n_ctx"),
        }
        for name, loaded in service.models.loaded.items()
    ]
    living = [live.trace_id for live in service.runs.living if live.trace_id]
    return JSONResponse({"models": rows, "living": living})


async def unload(request: Request) -> Response:
    """Take a model that nobody uses out of memory."""
    name = request.path_params["name"]
    if not await service_of(request).models.unload(name):
        raise Refusal(409, f"{name[:80]!a} is not loaded, or is in use just now.")
    return JSONResponse({"unloaded": name})


OPERATIONS = (
    Operation("POST", "/api/ponder/fit", fit, "What fits, how fast.", Fit),
    Operation("GET", "/api/ponder/state", state, "What runs here just now."),
    Operation("DELETE", "/api/ponder/models/{name:path}", unload, "Unload a model.", errors=(409,)),
)
