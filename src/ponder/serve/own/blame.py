"""The first wrong step over HTTP: what is known of it, what looking would cost, looking, and how it goes."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ponder.blame.rollouts import Ending
from ponder.blame.values import Estimate
from ponder.check.verdicts import check_trace
from ponder.serve.asking import EVENTS, Stream, body_of, party_of, query_of
from ponder.serve.following import Place, event, follow
from ponder.serve.operations import Operation
from ponder.serve.own.requests import CostQuery, Look
from ponder.serve.refusal import Refusal
from ponder.serve.searches import Search, Wish
from ponder.serve.searching import begin, costs, known
from ponder.serve.service import service_of
from ponder.store.codec import encode
from ponder.store.values import Bundle

Json = dict[str, Any]


async def _bundle(request: Request) -> Bundle:
    return await asyncio.to_thread(service_of(request).store.bundle, request.path_params["id"])


async def show(request: Request) -> Response:
    """What is known of the first wrong step, and what each method would cost."""
    asked, service, bundle = query_of(request, CostQuery), service_of(request), await _bundle(request)
    wish = Wish((), samples=asked.samples, votes=asked.votes, critic=asked.critic_model, budget=asked.budget)
    told = await costs(service.models, bundle, wish, target=asked.known)
    findings = await asyncio.to_thread(check_trace, bundle.trace)
    found = known(bundle.trace, bundle.notes, findings)
    search = service.searches.find(bundle.trace.id)
    return JSONResponse(
        {
            "found": encode(found),
            "costs": {method: _cost(estimate) for method, estimate in told.items()},
            "search": state_of(search) if search else None,
        }
    )


async def look(request: Request) -> Response:
    """Begin to look; the stream of events tells how it goes."""
    asked = await body_of(request, Look)
    bundle = await _bundle(request)
    wish = Wish(
        asked.methods, asked.answer, asked.samples, asked.votes, asked.critic_model, asked.budget, asked.seed
    )
    search = await begin(service_of(request), bundle, wish, party_of(request))
    return JSONResponse(
        state_of(search) | {"events": f"/api/ponder/traces/{bundle.trace.id}/blame/events"}, 201
    )


def _search(request: Request) -> Search:
    name = request.path_params["id"]
    search = service_of(request).searches.find(name)
    if search is None:
        raise Refusal(404, f"nobody looks for the first wrong step of {name[:40]!a} here: begin with POST.")
    return search


async def stop(request: Request) -> Response:
    """End the search; what is known by then is kept."""
    search = _search(request)
    search.stop()
    return JSONResponse(state_of(search))


async def events(request: Request) -> Response:
    """The search as it goes; each event is whole, so that one that was missed is no loss."""
    return Stream(follow(_search(request), Told()), EVENTS)


class Told:
    """A search as the API tells it."""

    def __init__(self) -> None:
        self._version = -1

    def news(self, live: Search, *, over: bool) -> bytes:
        """A `search`: all that is known now."""
        del over
        if live.version == self._version:
            return b""
        self._version = live.version
        return event(Place(live.spent.sampled_tokens, len(live.pieces)), state_of(live), "search")

    def end(self, live: Search) -> bytes:
        """The `end`: the same, once more."""
        return event(Place(live.spent.sampled_tokens, len(live.pieces)), state_of(live), "end")


def state_of(search: Search) -> Json:
    """A search: what it does, how far it is, what it has found; steps are counted from 0 as in `Blame`."""
    last = search.pieces[-1] if search.pieces else None
    return {
        "state": search.state,
        "methods": list(search.methods),
        "method": search.method,
        "cost": _cost(search.estimate) if search.estimate else None,
        "share": round(search.share, 4),
        "spent": encode(search.spent),
        "pieces": len(search.pieces),
        "last": None if last is None else encode(last),
        "kind": None if last is None else "ending" if isinstance(last, Ending) else "vote",
        "found": encode(search.found),
        "error": search.error.message if search.error else None,
    }


def _cost(estimate: Estimate) -> Json:
    told: Json = encode(estimate)
    return told | {"seconds": estimate.seconds, "sentence": estimate.sentence()}


PATH = "/api/ponder/traces/{id}/blame"
OPERATIONS = (
    Operation(
        "GET", PATH, show, "The first wrong step: what is known and costs.", query=CostQuery, errors=(404,)
    ),
    Operation("POST", PATH, look, "Look for the first wrong step.", Look, status=201, errors=(404, 409)),
    Operation("DELETE", PATH, stop, "Stop looking.", errors=(404,)),
    Operation("GET", PATH + "/events", events, "How it goes.", stream=EVENTS, errors=(404,)),
)
