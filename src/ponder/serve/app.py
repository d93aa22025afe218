"""The application: routes, and the guard before them.

To add a page: write `pages/NAME.py` with a docstring that says what a person does there and a list `ROUTES`
of Starlette routes; put the module into `pages.PAGES` (and into `pages.NAVIGATION`, if it is in the menu).
Its template goes to `templates/NAME.html` and extends `base.html`; its script, a plain ES module, to
`static/NAME.js`, loaded with `<script type="module" src="{{ static('NAME.js') }}">`. Inline scripts, inline
styles and addresses of other servers are blocked by the policy in `guard`. What a handler needs stands in
`service_of(request)`; it raises a PonderError or a Refusal, which become an error page or JSON by path.

To add an operation of the API: see `ponder.serve.operations`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ponder.errors import PonderError
from ponder.serve.anthropic import routes as anthropic
from ponder.serve.guard import Guard
from ponder.serve.ollama import routes as ollama
from ponder.serve.openai import routes as openai
from ponder.serve.operations import document, routes_of
from ponder.serve.own import blame, fit, traces
from ponder.serve.pages import PAGES
from ponder.serve.refusal import Refusal, refusal_of, response_of
from ponder.serve.service import Service, service_of
from ponder.serve.static import serve_static

OPERATIONS = (
    *openai.OPERATIONS,
    *anthropic.OPERATIONS,
    *ollama.OPERATIONS,
    *traces.OPERATIONS,
    *blame.OPERATIONS,
    *fit.OPERATIONS,
)
"""The whole API."""


def create_app(service: Service) -> Starlette:
    """The ASGI application of one service; its lifespan closes the service."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        async with service:
            yield

    app = Starlette(
        routes=_routes(),
        middleware=[Middleware(Guard, settings=service.settings, keys=service.keys)],
        exception_handlers={
            PonderError: _refused,
            Refusal: _refused,
            HTTPException: _refused_by_router,
            ClientDisconnect: _gone,
            Exception: _refused,
        },
        lifespan=lifespan,
    )
    app.state.service = service
    return app


def _routes() -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route("/health", _health),
        Route("/openapi.json", _document),
        Route("/static/{name:path}", serve_static),
    ]
    routes += routes_of(OPERATIONS)
    for page in PAGES:
        routes += page.ROUTES
    return routes


async def _health(request: Request) -> JSONResponse:
    """`GET /health`: that the server answers; it needs no key and says nothing else."""
    del request
    return JSONResponse({"status": "ok"})


async def _document(request: Request) -> JSONResponse:
    """`GET /openapi.json`: the API, described."""
    return JSONResponse(document(OPERATIONS, service_of(request).settings.url))


async def _refused(request: Request, error: Exception) -> Response:
    return response_of(refusal_of(error), request.url.path)


async def _refused_by_router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path, method = request.url.path, request.method
    told = {
        404: f"there is nothing at {path[:120]!r}.",
        405: f"{path[:120]} does not take {method[:16]}.",
    }
    refusal = Refusal(error.status_code, told.get(error.status_code, str(error.detail)))
    response = response_of(refusal, path)
    response.headers.update(error.headers or {})
    return response


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody will read this."""
    del request, error
    return Response(status_code=499)
