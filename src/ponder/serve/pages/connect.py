"""How other programs use this server: its addresses in the three dialects, ready to copy."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ponder.serve.service import service_of
from ponder.serve.templates import render


async def show(request: Request) -> Response:
    """The page."""
    settings = service_of(request).settings
    return render("connect.html", title="Connect", url=settings.url, locked=bool(settings.token))


async def start(request: Request) -> Response:
    """The start page: until there is a better one, this."""
    del request
    return RedirectResponse("/connect", 303)


ROUTES = [Route("/", start), Route("/connect", show)]
