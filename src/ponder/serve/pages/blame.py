"""The search for the first wrong step on a trace's page: cost, progress, what it found, at which step.

The section is one template, sent whole: with the page, again with each event of the stream, and as the
answer when a number of its form was changed. Without the script the page loads itself anew meanwhile.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ponder.blame import Blame, Method
from ponder.blame.critique import VOTES
from ponder.errors import InputError
from ponder.serve.asking import EVENTS, Stream, party_of
from ponder.serve.following import Place, event, follow
from ponder.serve.own.requests import MOST_SAMPLES, MOST_VOTES
from ponder.serve.pages.fields import Form, text_field, whole_field
from ponder.serve.pages.frame import form_of
from ponder.serve.pages.reading import READINGS, Reading
from ponder.serve.searches import DEAR, Search, Wish
from ponder.serve.searching import begin, costs, forkable, known
from ponder.serve.service import service_of
from ponder.serve.templates import part

NAMES = {"claims": "claims", "critic": "critic", "rollouts": "endings", "importance": "importance"}
"""The methods as the page calls them."""
SAMPLES = 8


async def section(request: Request, reading: Reading) -> dict[str, Any]:
    """What the section's template needs."""
    service, trace = service_of(request), reading.trace
    search = service.searches.find(trace.id)
    usual: Method = "rollouts" if forkable(trace) else "critic"
    wish = search.wish if search else Wish((usual,), samples=SAMPLES, votes=VOTES)
    notes = await asyncio.to_thread(service.store.notes, trace.id)
    told = await costs(service.models, reading.bundle, wish, target=bool(wish.answer))
    return {
        "trace": trace,
        "search": search,
        "wish": wish,
        "costs": told,
        "found": known(trace, notes, reading.findings),
        "names": NAMES,
        "offers": list(await service.models.offers()),
        "most": (MOST_SAMPLES, MOST_VOTES),
    }


def at_steps(found: Iterable[Blame]) -> dict[int, list[Blame]]:
    """Step index → the findings that name it as the first wrong one, or as the one that matters most."""
    named: dict[int, list[Blame]] = {}
    for each in found:
        if each.step is not None and each.verdict in {"found", "unsure"}:
            named.setdefault(each.step, []).append(each)
    return named


def chips(found: Iterable[Blame]) -> dict[str, str]:
    """Step number → what its row says of that, in a few words."""
    return {str(index + 1): words_of(named) for index, named in at_steps(found).items()}


def words_of(named: Iterable[Blame]) -> str:
    """Findings that name one step, shortly."""
    wrong = [each for each in named if each.method != "importance"]
    told = [f"{NAMES[each.method]}{_sure(each)}" for each in wrong]
    said = [f"wrong first: {', '.join(told)}"] if told else []
    return "; ".join([*said, *("matters most" for each in named if each.method == "importance")])


def _sure(found: Blame) -> str:
    return "" if found.confidence is None else f" {found.confidence:.2f}"


def _wish(form: Form) -> Wish:
    """What the form asks for; raises InputError."""
    return Wish(
        tuple(method for method in DEAR if method in form.get("method", ())),
        answer=text_field(form, "answer", 2000).strip(),
        samples=whole_field(form, "samples", 1, MOST_SAMPLES) or SAMPLES,
        votes=whole_field(form, "votes", 1, MOST_VOTES) or VOTES,
        critic=text_field(form, "critic", 512),
    )


async def again(request: Request) -> Response:
    """`GET /traces/{id}/blame`: the section as it is now, for the script."""
    return JSONResponse({"html": part("parts/blame.html", **await section(request, await _reading(request)))})


async def look(request: Request) -> Response:
    """`POST /traces/{id}/blame`: begin to look."""
    service, wish = service_of(request), _wish(await form_of(request))
    reading = await _reading(request)
    if not wish.methods:
        raise InputError("choose how to look: by a critic, by endings, or by what matters.")
    await begin(service, reading.bundle, wish, party_of(request))
    return await _answered(request, reading)


async def stop(request: Request) -> Response:
    """`POST /traces/{id}/blame/stop`: end it; what is known is kept."""
    reading = await _reading(request)
    search = service_of(request).searches.find(reading.trace.id)
    if search is not None:
        search.stop()
    return await _answered(request, reading)


async def reckon(request: Request) -> Response:
    """`POST /traces/{id}/blame/cost`: what it would cost with the form's numbers, in words."""
    service, wish = service_of(request), _wish(await form_of(request))
    reading = await _reading(request)
    told = await costs(service.models, reading.bundle, wish, target=bool(wish.answer))
    return JSONResponse({method: estimate.sentence() for method, estimate in told.items()})


async def _reading(request: Request) -> Reading:
    return await asyncio.to_thread(READINGS.of, service_of(request).store, request.path_params["id"])


async def _answered(request: Request, reading: Reading) -> Response:
    """The section for the script, a redirect for a form."""
    if request.headers.get("accept", "").startswith("application/json"):
        return JSONResponse({"html": part("parts/blame.html", **await section(request, reading))})
    return RedirectResponse(f"/traces/{reading.trace.id}#blame", 303)


async def events(request: Request) -> Response:
    """`GET /traces/{id}/blame/events`: the section as the search goes; 204 if there is none, as of a run."""
    service, name = service_of(request), request.path_params["id"]
    search = service.searches.find(name)
    if search is None:
        return Response(status_code=204)
    values = await section(request, await _reading(request))
    return Stream(follow(search, Shown(values)), EVENTS)


class Shown:
    """A search as its page tells it: the section as HTML, and what stands at the steps."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self._version = -1

    def news(self, live: Search, *, over: bool) -> bytes:
        """The whole section, where something is new."""
        if live.version == self._version:
            return b""
        first, self._version = self._version < 0, live.version
        newer = {each.method: each for each in live.found}
        older = [each for each in self._values["found"] if each.method not in newer]
        found = [*older, *newer.values()]
        html = part("parts/blame.html", **self._values | {"search": live, "found": found})
        told = {"html": html, "over": over, "chips": chips(found)}
        place = Place(live.spent.sampled_tokens, len(live.pieces))
        return (b"retry: 800\n" if first else b"") + event(place, told)

    def end(self, live: Search) -> bytes:
        """Nothing: the last event said it."""
        del live
        return b""


ROUTES = [
    Route("/traces/{id}/blame", again),
    Route("/traces/{id}/blame", look, methods=["POST"]),
    Route("/traces/{id}/blame/stop", stop, methods=["POST"]),
    Route("/traces/{id}/blame/cost", reckon, methods=["POST"]),
    Route("/traces/{id}/blame/events", events),
]
