"""Settings: what this browser's questions begin with, how the pages look, and where everything is kept.

What is chosen here lies in cookies of this browser alone. What the server was started with is told, with the
option that changes it.
"""

from pathlib import Path
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ponder.catalog.library import home, models_folder
from ponder.errors import PonderError
from ponder.opened import default_model
from ponder.serve.pages.ask import FILLED, MOST_TOKENS, THINK, sampling_of
from ponder.serve.pages.fields import Form, choice_field, text_field, whole_field
from ponder.serve.pages.fit_form import KV_TYPES
from ponder.serve.pages.frame import form_of, page, prefer, preferred
from ponder.serve.refusal import refusal_of
from ponder.serve.service import Service, service_of
from ponder.serve.templates import THEMES
from ponder.store.caches import folder_beside

_SECTION = "Settings"


async def show(request: Request) -> Response:
    """`GET /settings`."""
    chosen = {name: preferred(request, name) for name in ("model", *FILLED)}
    return await _settings(request, chosen)


async def _settings(request: Request, chosen: dict[str, str], refused: str = "") -> Response:
    service = service_of(request)
    offers = await service.models.offers()
    return page(
        request,
        "settings.html",
        _SECTION,
        "Settings",
        chosen=chosen,
        refused=refused,
        saved=request.query_params.get("saved") == "yes",
        offers=list(offers),
        kv_types=KV_TYPES,
        settings=service.settings,
        default=_default(service),
        places=await run_in_threadpool(_places, service),
        locked=bool(service.settings.token),
    )


def _default(service: Service) -> str:
    """The model that answers where nobody names one; empty if there is none."""
    try:
        return service.settings.model or default_model()
    except PonderError:
        return ""


def _places(service: Service) -> list[tuple[str, Path, int]]:
    """What lies where, with its size in bytes."""
    traces = service.store.path
    kept = [("traces", traces), ("caches of engines", folder_beside(traces))] if service.settings.keep else []
    sized = [(name, path, _size(path)) for name, path in (*kept, ("models", models_folder()))]
    return [*sized, ("everything else", home(), 0)]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    return sum(file.stat().st_size for file in files if file.is_file())


async def save(request: Request) -> Response:
    """`POST /settings`: what Ask begins with; a form with a fault comes back as it was."""
    form = await form_of(request)
    try:
        _check(form)
    except PonderError as error:
        given = {name: text_field(form, name, 10_000)[:300] for name in ("model", *FILLED)}
        response = await _settings(request, given, str(error))
        response.status_code = refusal_of(error).status
        return response
    response = RedirectResponse("/settings?saved=yes#ask", 303)
    for name in ("model", *FILLED):
        prefer(request, response, name, text_field(form, name, 300).strip())
    return response


def _check(form: Form) -> None:
    """Raise InputError for a value that Ask would refuse."""
    sampling_of(form)
    text_field(form, "model", 300)
    whole_field(form, "budget", 0, MOST_TOKENS)
    whole_field(form, "ctx", 1, MOST_TOKENS)
    choice_field(form, "kv", ("", *KV_TYPES))
    choice_field(form, "think", THINK)


async def theme(request: Request) -> Response:
    """`POST /theme`: choose how the pages look, and back to where one was."""
    chosen = choice_field(await form_of(request), "theme", THEMES)
    response = RedirectResponse(_back(request), 303)
    prefer(request, response, "theme", chosen)
    return response


def _back(request: Request) -> str:
    """The page of ours that a form was on; the settings where that is not known."""
    came = urlsplit(request.headers.get("referer", ""))
    ours = came.netloc == request.headers.get("host") and came.path.startswith("/")
    if not ours or came.path.startswith("//"):
        return "/settings"
    return came.path + (f"?{came.query}" if came.query else "")


async def leave(request: Request) -> Response:
    """`POST /leave`: this browser's session ends here."""
    response = RedirectResponse("/enter", 303)
    response.delete_cookie(service_of(request).keys.cookie_name, path="/", httponly=True, samesite="strict")
    return response


ROUTES = [
    Route("/settings", show, methods=["GET"]),
    Route("/settings", save, methods=["POST"]),
    Route("/theme", theme, methods=["POST"]),
    Route("/leave", leave, methods=["POST"]),
]
