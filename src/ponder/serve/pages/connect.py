"""How other programs use this server: its addresses in the three dialects, ready to copy."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ponder.serve.pages.frame import page
from ponder.serve.service import service_of


async def show(request: Request) -> Response:
    """The page."""
    settings = service_of(request).settings
    return page(request, "connect.html", "Settings", "Connect", url=settings.url, locked=bool(settings.token))


ROUTES = [Route("/connect", show)]
