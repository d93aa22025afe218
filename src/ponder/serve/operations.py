"""The API as a list: what each operation takes and gives; routes and the OpenAPI document are made of it.

To add an operation: write its request as a frozen dataclass (`ponder.serve.schema` says how), its handler in
the folder of its dialect, and a line in that folder's OPERATIONS.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ponder.serve.schema import describe

Json = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]

_PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `body` is the dataclass of its JSON, `stream` the media type it may give
    instead of JSON, `status` that of success, `query` its parameters, `errors` what may go wrong besides
    the usual.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    body: type | None = None
    stream: str = ""
    status: int = 200
    query: type | None = None
    errors: tuple[int, ...] = ()
    answer: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})


def routes_of(operations: Iterable[Operation]) -> list[Route]:
    """Starlette routes; the methods of one path share one, so that others get 405 with what is allowed."""
    paths: dict[str, dict[str, Handler]] = {}
    for op in operations:
        paths.setdefault(op.path, {})[op.method] = op.handler
    return [Route(path, _dispatch(handlers), methods=list(handlers)) for path, handlers in paths.items()]


def _dispatch(handlers: Mapping[str, Handler]) -> Handler:
    async def dispatch(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return dispatch


def document(operations: Iterable[Operation], url: str) -> Json:
    """The OpenAPI 3.1 document."""
    components: dict[str, Json] = {"Error": ERROR}
    paths: dict[str, Json] = {}
    for op in operations:
        path = _PLACE.sub(r"{\1}", op.path)
        paths.setdefault(path, {})[op.method.lower()] = _operation(op, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ponder", "version": version("ponder")},
        "servers": [{"url": url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


ERROR: Json = {"type": "object", "minProperties": 1}
"""Each dialect has its own form of it."""


def _operation(op: Operation, components: dict[str, Json]) -> Json:
    content: Json = {"application/json": {"schema": dict(op.answer)}}
    if op.stream:
        content[op.stream] = {"schema": {"type": "string"}}
    usual = (400, 401, 403, 413, 415, 429) if op.body else (400, 401, 403, 429)
    error = {"schema": {"$ref": "#/components/schemas/Error"}}
    responses: Json = {str(op.status): {"description": op.summary, "content": content}}
    for status in sorted({*usual, *op.errors, *((404, 502, 503) if op.body else ())}):
        responses[str(status)] = {"description": "Refused.", "content": {"application/json": error}}
    described: Json = {"summary": op.summary, "responses": responses}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PLACE.findall(op.path)
    ]
    if op.query is not None:
        reference = describe(op.query, components)["$ref"].rpartition("/")[2]
        for name, schema in components.pop(reference)["properties"].items():
            parameters.append({"name": name, "in": "query", "required": False, "schema": schema})
    if parameters:
        described["parameters"] = parameters
    if op.body is not None:
        schema = describe(op.body, components)
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described
