"""Ask: a question goes in; the page of its trace shows the reasoning while it is written.

A question becomes a run of this server and leads at once to the trace's own page, so that every tab, every
reload and every link shows the same run.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ponder.core.request import Message, Sampling, Steering
from ponder.core.request import Request as Question
from ponder.errors import InputError
from ponder.serve.asking import party_of
from ponder.serve.models import Shape
from ponder.serve.pages.fields import Form, choice_field, number_field, text_field, whole_field
from ponder.serve.pages.fit_form import KV_TYPES
from ponder.serve.pages.frame import form_of, page, prefer, preferred
from ponder.serve.runs import Order
from ponder.serve.service import service_of

MOST_QUESTION = 400_000
MOST_TOKENS = 1_000_000
RECENT = 5
THINK = ("auto", "on", "off")
FILLED = ("budget", "ctx", "kv", "think", "temperature", "top_p", "top_k", "min_p", "max_tokens")
"""Fields that the address or this browser's settings fill."""


async def start(request: Request) -> Response:
    """`GET /`: the start page is this one."""
    del request
    return RedirectResponse("/ask", 303)


async def show(request: Request) -> Response:
    """`GET /ask`: the form, empty or filled from the address."""
    service = service_of(request)
    offers = await service.models.offers()
    given = request.query_params
    recent = await run_in_threadpool(service.store.list, None, RECENT)
    return page(
        request,
        "ask.html",
        "Ask",
        "Ask",
        offers=list(offers.values()),
        loaded=set(service.models.loaded),
        model=given.get("model", "") or preferred(request, "model"),
        question=given.get("q", "")[:MOST_QUESTION],
        recent=recent,
        think=THINK,
        filled={name: given.get(name, "")[:24] or preferred(request, name) for name in FILLED},
        kv_types=KV_TYPES,
    )


async def ask(request: Request) -> Response:
    """`POST /ask`: begin a run and go to its page."""
    service = service_of(request)
    form = await form_of(request)
    question = text_field(form, "question", MOST_QUESTION).strip()
    if not question:
        raise InputError("the question is empty: go back and write one.")
    wanted = Question(
        (*_system(form), Message("user", question)),
        think=choice_field(form, "think", THINK),  # type: ignore[arg-type]
        budget=whole_field(form, "budget", 0, MOST_TOKENS),
        sampling=sampling_of(form),
        steering=Steering(extend=whole_field(form, "extend", 0, 20) or 0),
    )
    model = text_field(form, "model", 300)
    shape = Shape(whole_field(form, "ctx", 1, MOST_TOKENS), choice_field(form, "kv", ("", *KV_TYPES)) or None)
    order = Order(model, wanted, party=party_of(request), shape=shape)
    live = await service.runs.start(order)
    response = RedirectResponse(f"/traces/{live.trace_id}", 303)
    prefer(request, response, "model", model)
    return response


def _system(form: Form) -> tuple[Message, ...]:
    text = text_field(form, "system", MOST_QUESTION).strip()
    return (Message("system", text),) if text else ()


def sampling_of(form: Form) -> Sampling:
    """The sampling that a form asks for; empty fields are the model's own defaults."""
    return Sampling(
        temperature=number_field(form, "temperature", 0, 5),
        top_p=number_field(form, "top_p", 0, 1),
        top_k=whole_field(form, "top_k", 0, 100_000),
        min_p=number_field(form, "min_p", 0, 1),
        seed=whole_field(form, "seed", 0, 2**31 - 1),
        max_tokens=whole_field(form, "max_tokens", 1, MOST_TOKENS),
    )


ROUTES = [
    Route("/", start),
    Route("/ask", show, methods=["GET"]),
    Route("/ask", ask, methods=["POST"]),
]
