"""How other programs use this server: its addresses in the three dialects, ready to copy."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ponder.serve.pages.frame import page
from ponder.serve.service import service_of


async def show(request: Request) -> Response:
    """`GET /connect`: the page, without the token."""
    return _shown(request, "")


async def reveal(request: Request) -> Response:
    """`POST /connect`: the page with the token, which is in no page that nobody asked for."""
    return _shown(request, service_of(request).settings.token)


def _shown(request: Request, token: str) -> Response:
    settings = service_of(request).settings
    locked = bool(settings.token)
    return page(
        request, "connect.html", "Settings", "Other programs", url=settings.url, locked=locked, token=token
    )


ROUTES = [Route("/connect", show, methods=["GET"]), Route("/connect", reveal, methods=["POST"])]
