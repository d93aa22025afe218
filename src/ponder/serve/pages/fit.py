"""Fit: what runs on this machine or on any other, how fast, and which one to take.

The page is a plain form whose address holds the question. With its script, sliders ask for the plan alone
(`/fit/plan`, a fraction of a millisecond of arithmetic), and for the picture of everything that fits
(`/fit/chart`) once they rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ponder.catalog.library import is_path, resolve, split_name
from ponder.catalog.models import all_models, known_model
from ponder.core.hardware import Hardware
from ponder.core.plan import Plan
from ponder.errors import InputError, PonderError
from ponder.fit.chart import Frame, chart
from ponder.fit.choice import Choice, among_models, among_quantisations, parameters_of
from ponder.fit.command import ask_line, command
from ponder.fit.devices import table
from ponder.fit.explain import explained
from ponder.fit.plan import Planner, Wish
from ponder.fit.quality import TASKS
from ponder.fit.rank import quantisations
from ponder.fit.recommend import PATIENCE_S, one_per_model, worth
from ponder.fit.standing import benchmark_of
from ponder.fit.subject import Subject, catalogued, everything, of_header
from ponder.fit.words import in_plain_words
from ponder.serve.models import Offer
from ponder.serve.pages.fit_bars import bars_of
from ponder.serve.pages.fit_form import (
    BATCHES,
    KV_TYPES,
    Asked,
    among,
    as_given,
    asked_of,
    contexts,
    form_of_query,
)
from ponder.serve.pages.frame import page, with_query
from ponder.serve.pages.spelling import contexts as spelled_context
from ponder.serve.refusal import refusal_of
from ponder.serve.service import service_of
from ponder.serve.templates import part

FRAME = Frame(760, 400, 46, 16, 14, 46)
_SECTION = "Fit"
_OWN: dict[Path, Subject] = {}
"""Subjects of files that the catalogue does not know, by path; a file that changed is read again."""


@dataclass(frozen=True, slots=True)
class Found:
    """A question answered: the machine, the model's plan, and the choice it came from, if one was made."""

    asked: Asked
    machine: Hardware
    planner: Planner
    subject: Subject
    plan: Plan
    choice: Choice | None


async def show(request: Request) -> Response:
    """`GET /fit`: the whole page; a question that cannot be answered is kept in its form."""
    form = form_of_query(request.query_params)
    offers = await service_of(request).models.offers()
    try:
        values = await run_in_threadpool(_everything, form, offers)
        status = 200
    except PonderError as error:
        values, status = _refused(form, error), refusal_of(error).status
    response = page(
        request,
        "fit.html",
        _SECTION,
        "Fit",
        devices=[entry.device for entry in table()],
        catalogue=all_models(),
        own=[offer.name for offer in offers.values() if _is_own(offer)],
        tasks=tuple(TASKS),
        patience_min={task: PATIENCE_S[task] / 60 for task in TASKS},
        **values,
    )
    response.status_code = status
    return response


async def plan(request: Request) -> Response:
    """`GET /fit/plan`: the plan's part of the page, and what the form's choices are now."""
    return await _part(request, _plan_part)


async def picture(request: Request) -> Response:
    """`GET /fit/chart`: the picture and the list of everything that fits."""
    return await _part(request, _chart_part)


async def _part(request: Request, make: Any) -> Response:
    form = form_of_query(request.query_params)
    offers = await service_of(request).models.offers()
    try:
        return JSONResponse(await run_in_threadpool(make, form, offers))
    except PonderError as error:
        refusal = refusal_of(error)
        return JSONResponse({"refused": refusal.message}, refusal.status)


def _plan_part(form: dict[str, list[str]], offers: Mapping[str, Offer]) -> dict[str, Any]:
    found = _found(asked_of(form), offers)
    values = _choices(found)
    return {
        "plan": part("parts/fit_plan.html", **_plan_values(found, offers)),
        "values": values["chosen"],
        "choices": {"quant": values["quants"], "ctx": values["contexts"]},
    }


def _chart_part(form: dict[str, list[str]], offers: Mapping[str, Offer]) -> dict[str, Any]:
    found = _found(asked_of(form), offers)
    return {"chart": part("parts/fit_chart.html", **_chart_values(found))}


def _everything(form: dict[str, list[str]], offers: Mapping[str, Offer]) -> dict[str, Any]:
    found = _found(asked_of(form), offers)
    return {
        "refused": "",
        "given": as_given(form),
        **_choices(found),
        **_plan_values(found, offers),
        **_chart_values(found),
    }


def _refused(form: dict[str, list[str]], error: PonderError) -> dict[str, Any]:
    """The page of a question that cannot be answered: the sentence, and the form as it was."""
    given = as_given(form)
    chosen = {name: given[name] for name in ("model", "quant", "ctx", "kv", "batch")}
    return {
        "refused": str(error),
        "given": given,
        "chosen": chosen,
        "quants": [("", "as recommended"), *((q, q) for q in among((), given["quant"]) if q)],
        "contexts": [("", "as recommended"), *((c, c) for c in among((), given["ctx"]) if c)],
        "kvs": among(KV_TYPES, given["kv"] or KV_TYPES[0]),
        "batches": among(BATCHES, given["batch"] or 1),
        "plan": None,
    }


# ------------------------------------------------------------------ the answer


def _found(asked: Asked, offers: Mapping[str, Offer]) -> Found:
    """The plan that a question leads to."""
    machine, wish = asked.machine(), asked.wish
    planner = Planner(machine, wish)
    choice = None
    if asked.model:
        subject = _subject(asked.model, offers)
        planner = Planner(machine, _possible(wish, subject))
        chosen = among_quantisations(planner, subject, asked.patience_s)
        best = chosen.best.plan if chosen.best else chosen.plans[0]
    else:
        choice = among_models(machine, wish, everything(), asked.patience_s)
        if not choice.plans:
            raise InputError(
                "nothing in the catalogue fits this machine with these wishes: take a shorter context, or "
                "choose a model to see what it would need."
            )
        best = choice.best.plan if choice.best else choice.plans[0]
        subject = catalogued(best.id)
    return Found(asked, machine, planner, subject, best, choice)


def _possible(wish: Wish, subject: Subject) -> Wish:
    """A wish that was made for another model, as far as this one can have it."""
    if subject.n_ctx_train and wish.n_ctx > subject.n_ctx_train:
        wish = replace(wish, n_ctx=subject.n_ctx_train)
    return replace(wish, quantisation="") if len(quantisations(subject)) == 1 else wish


def _subject(name: str, offers: Mapping[str, Offer]) -> Subject:
    """The model of a name: one of the catalogue, or a file that this server offers. Never a path."""
    offer = offers.get(name)
    if offer is None or not _is_own(offer):
        return catalogued(split_name(name)[0])
    local = offer.local or resolve(offer.opens)
    path = local.paths[0]
    kept = _OWN.get(path)
    if kept is None or kept.exact is None or kept.exact.file_bytes != local.bytes:
        kept = _OWN[path] = of_header(local.header, offer.name, local.model)
    return kept


def _is_own(offer: Offer) -> bool:
    """Whether this is a file that the catalogue does not know."""
    return is_path(offer.opens) or (offer.local is not None and offer.local.model is None)


def _choices(found: Found) -> dict[str, Any]:
    """What the form offers, and what is chosen of it now."""
    asked, best = found.asked, found.plan
    quants = among(quantisations(found.subject), best.quantisation)
    return {
        "chosen": {
            "model": found.subject.name,
            "quant": best.quantisation,
            "ctx": str(best.n_ctx),
            "kv": best.kv_type,
            "batch": str(best.batch),
        },
        "quants": [(quant, quant) for quant in quants],
        "contexts": [(str(n), spelled_context(n)) for n in contexts(found.subject.n_ctx_train, best.n_ctx)],
        "kvs": among(KV_TYPES, asked.wish.kv_type),
        "batches": among(BATCHES, asked.wish.batch),
    }


def _plan_values(found: Found, offers: Mapping[str, Offer]) -> dict[str, Any]:
    plan, subject = found.plan, found.subject
    return {
        "plan": plan,
        "subject": subject,
        "machine": found.machine,
        "here": not found.asked.other,
        "bars": bars_of(found.planner, subject, plan),
        "worth": worth(found.planner, subject, plan) if plan.placement else None,
        "why": explained(found.planner, subject, plan).why if plan.placement else (),
        "words": in_plain_words(subject, plan),
        "lines": (ask_line(plan), command(plan)) if plan.placement else (),
        "runs": _runs_here(found, offers),
        "known": known_model(plan.id) if plan.id else None,
    }


def _runs_here(found: Found, offers: Mapping[str, Offer]) -> str:
    """The address that runs the plan on this server; empty where its weights are not here."""
    plan = found.plan
    for offer in offers.values():
        local = offer.local
        same = local is not None and local.model is not None and local.model.id == plan.id
        if offer.name == plan.model or (same and local and local.quantisation == plan.quantisation):
            kv_type = plan.kv_type if plan.kv_type != KV_TYPES[0] else ""
            return with_query("/ask", model=offer.name, ctx=plan.n_ctx, kv=kv_type)
    return ""


def _chart_values(found: Found) -> dict[str, Any]:
    """Everything that fits, as a picture and as a list; the wish counts but for the quantisation."""
    asked = found.asked
    free = replace(asked.wish, quantisation="")
    choice = found.choice or among_models(found.machine, free, everything(), asked.patience_s)
    best = choice.best.plan if choice.best else None
    listed = one_per_model(choice.plans, parameters_of(everything()))
    picture = chart(listed, asked.wish.task, best, FRAME)
    return {
        "best": best,
        "reason": choice.best.reason if choice.best else "",
        "picture": picture,
        "benchmark": benchmark_of(asked.wish.task),
        "listed": [(each, _link(asked, each)) for each in listed],
        "links": {each.model: _link(asked, each) for each in listed},
        "selected": found.plan,
        "total": len(choice.plans),
    }


def _link(asked: Asked, plan: Plan) -> str:
    """The address of a plan on the same machine."""
    given, wish = asked.given, asked.wish
    machine: dict[str, object] = {"machine": "other"} if asked.other else {}
    if asked.other:
        machine |= {
            "gpu": given.gpu, "count": asked.count if asked.count > 1 else "", "ram": _plain(given.ram_gib),
            "ram_bandwidth": _plain(given.ram_bandwidth_gbps), "cpu": given.cpu, "cores": given.cores or "",
        }  # fmt: skip
    return with_query(
        "/fit",
        **machine,
        model=plan.model,
        quant=plan.quantisation,
        ctx=plan.n_ctx,
        kv=plan.kv_type if plan.kv_type != KV_TYPES[0] else "",
        batch=plan.batch if plan.batch > 1 else "",
        task=wish.task,
    )


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


ROUTES = [
    Route("/fit", show),
    Route("/fit/plan", plan),
    Route("/fit/chart", picture),
]
