"""Library: the models that are here and those that could be; get one, watch it come, delete it.

A name from a form is only compared with what there is: with the catalogue, with the list of the library, with
what the hub offers. It never becomes a path.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ponder.catalog.library import pulled, split_name
from ponder.catalog.pull import look_up
from ponder.catalog.quantisations import choose
from ponder.errors import NotFoundError, PonderError
from ponder.serve.models import Offer
from ponder.serve.pages import shelves
from ponder.serve.pages.fields import text_field, whole_field
from ponder.serve.pages.frame import form_of, page
from ponder.serve.refusal import Refusal, refusal_of
from ponder.serve.service import Service, service_of
from ponder.serve.templates import part
from ponder.warm import remove_weights

MOST_NAME = 300
_SECTION = "Library"


async def show(request: Request) -> Response:
    """`GET /library`: everything, or the models in which the word `q` stands."""
    return await _library(request)


async def _library(request: Request, refused: str = "", name: str = "") -> Response:
    service = service_of(request)
    word = request.query_params.get("q", "")[:MOST_NAME].strip()
    offers = await service.models.offers()
    shelf, halves, room = await asyncio.gather(
        asyncio.to_thread(shelves.shelves, offers, word),
        asyncio.to_thread(shelves.halves),
        asyncio.to_thread(shelves.room, offers),
    )
    pulling = {weights for pull in service.pulls.all if pull.active for weights in pull.weights.files}
    return page(
        request,
        "library.html",
        _SECTION,
        "Library",
        refused=refused,
        name=name,
        word=word,
        here=shelves.here(offers, service.models.loaded.values()),
        shelves=shelf,
        halves=[half for half in halves if not any(_is_of(half.path.name, file) for file in pulling)],
        room=room,
        pulls=service.pulls.all,
        active=any(pull.active for pull in service.pulls.all),
    )


def _is_of(half: str, file: str) -> bool:
    return half.startswith(f".{file.rpartition('/')[2]}.")


async def choose_one(request: Request) -> Response:
    """`GET /library/get?name=`: the quantisations that can be had, with sizes and what they do here."""
    name = request.query_params.get("name", "")[:MOST_NAME].strip()
    try:
        if not name:
            raise NotFoundError("no model is named: write its name, or OWNER/NAME of a repository.")
        plain = split_name(name)[0]
        offer = await asyncio.to_thread(look_up, plain)
        listed = await asyncio.to_thread(lambda: shelves.choices(plain, offer, pulled(offer.repo)))
    except PonderError as error:
        response = await _library(request, str(error), name)
        response.status_code = refusal_of(error).status
        return response
    offers = await service_of(request).models.offers()
    return page(
        request,
        "library_get.html",
        _SECTION,
        f"Get {plain}",
        name=plain,
        repo=offer.repo,
        choices=listed,
        room=await asyncio.to_thread(shelves.room, offers),
    )


async def begin(request: Request) -> Response:
    """`POST /library/pull`: download the chosen quantisation of a model."""
    service, form = service_of(request), await form_of(request)
    name, quant = text_field(form, "name", MOST_NAME).strip(), text_field(form, "quant", MOST_NAME).strip()
    try:
        offer = await asyncio.to_thread(look_up, name)
        weights = choose(offer.weights, quant, f"in {offer.repo}")
        service.pulls.begin(name, offer, weights)
    except (PonderError, Refusal) as error:
        refusal = refusal_of(error)
        response = await _library(request, refusal.message, name)
        response.status_code = refusal.status
        return response
    return RedirectResponse("/library#downloads", 303)


async def progress(request: Request) -> Response:
    """`GET /library/pulls`: the downloads' part of the page, and whether one still works."""
    pulls = service_of(request).pulls.all
    active = any(pull.active for pull in pulls)
    return JSONResponse({"html": part("parts/pulls.html", pulls=pulls), "active": active})


async def stop(request: Request) -> Response:
    """`POST /library/stop`: end a download, or take one that has ended off the list."""
    number = whole_field(await form_of(request), "number", 1, 10**9)
    if number is not None:
        service_of(request).pulls.stop(number)
    return RedirectResponse("/library#downloads", 303)


async def confirm(request: Request) -> Response:
    """`GET /library/delete`: ask once more before weights, or what a download left, are deleted."""
    values = await _doomed(service_of(request), dict(request.query_params))
    return page(request, "library_delete.html", _SECTION, "Delete", **values)


async def delete(request: Request) -> Response:
    """`POST /library/delete`: delete what the confirmed form names."""
    service, form = service_of(request), await form_of(request)
    values = await _doomed(service, {name: text_field(form, name, 600) for name in ("name", "half")})
    loaded = [each for each in service.models.loaded.values() if each.name == values["name"]]
    if loaded and not await service.models.unload(values["name"]):
        raise Refusal(409, f"{values['name']} is being used just now: delete it when its runs have ended.")
    await asyncio.to_thread(remove_weights, values["paths"])
    service.models.look_again()
    return RedirectResponse("/library", 303)


async def _doomed(service: Service, given: dict[str, str]) -> dict[str, Any]:
    """What shall be deleted: name, files, bytes. Raises NotFoundError for what is not here to be deleted."""
    name, half = given.get("name", ""), given.get("half", "")
    if half:
        found = [each for each in await asyncio.to_thread(shelves.halves) if _half_name(each) == half]
        if not found:
            raise NotFoundError("that half of a download is not there any more.")
        return {"name": "", "half": half, "paths": (found[0].path,), "bytes": found[0].bytes}
    offer: Offer | None = (await service.models.offers()).get(name)
    if offer is None or offer.local is None or not offer.local.repo:
        raise NotFoundError(f"{name[:80]!a} was not pulled by ponder, so it cannot be deleted here.")
    return {"name": name, "half": "", "paths": offer.local.paths, "bytes": offer.local.bytes}


def _half_name(half: shelves.Half) -> str:
    return f"{half.repo}/{half.path.name}"


ROUTES = [
    Route("/library", show),
    Route("/library/get", choose_one),
    Route("/library/pull", begin, methods=["POST"]),
    Route("/library/pulls", progress),
    Route("/library/stop", stop, methods=["POST"]),
    Route("/library/delete", confirm, methods=["GET"]),
    Route("/library/delete", delete, methods=["POST"]),
]
