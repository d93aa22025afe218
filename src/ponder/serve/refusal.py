"""How a request is refused: one sentence with a status, in the form that the caller's dialect has for it.

Paths tell the dialect: Anthropic's `/v1/messages`, Ollama's routes, OpenAI's for the rest of `/v1` and for
ponder's own, HTML for pages.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from ponder import errors
from ponder.errors import PonderError
from ponder.serve.templates import render

STATUS: Mapping[type[PonderError], int] = {
    errors.NotFoundError: 404,
    errors.MemoryLimitError: 503,
    errors.EngineError: 502,
    errors.NetworkError: 502,
    errors.StorageError: 507,
}
"""What a PonderError means over HTTP; the kinds that are not here are the caller's: 400."""
KINDS: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    413: "request_too_large",
}
OLLAMA = (
    "/api/chat", "/api/generate", "/api/tags", "/api/show", "/api/version", "/api/ps", "/api/embed",
    "/api/embeddings", "/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete", "/api/blobs",
)  # fmt: skip


class Refusal(Exception):  # noqa: N818 - not every refusal is the caller's error
    """A request that is not served. `parameter` names the field at fault, `retry_s` when to come again."""

    def __init__(
        self, status: int, message: str, *, parameter: str = "", code: str = "", retry_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.parameter = parameter
        self.code = code
        self.retry_s = retry_s

    @property
    def kind(self) -> str:
        """The type of error, in the words that OpenAI and Anthropic share."""
        return KINDS.get(self.status, "invalid_request_error" if self.status < 500 else "api_error")


def refusal_of(error: Exception) -> Refusal:
    """`error` as a refusal; a fault of ours says nothing of its inside."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, PonderError):
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
        return Refusal(status, str(error), code=_code(error))
    return Refusal(500, "ponder made a mistake here; the terminal it runs in says more. Please report it.")


def _code(error: PonderError) -> str:
    known = {errors.ContextError: "context_length_exceeded", errors.NotFoundError: "not_found"}
    return next((code for kind, code in known.items() if isinstance(error, kind)), "")


def is_api(path: str) -> bool:
    """Whether programs call `path`, and an error there is JSON."""
    return path.startswith(("/v1", "/api")) or path in {"/health", "/openapi.json"}


def body_of(refusal: Refusal, path: str) -> dict[str, Any]:
    """The error's JSON in the dialect of `path`."""
    if path.startswith("/v1/messages"):
        return {"type": "error", "error": {"type": refusal.kind, "message": refusal.message}}
    if path.startswith(OLLAMA):
        return {"error": refusal.message}
    return {
        "error": {
            "message": refusal.message,
            "type": refusal.kind,
            "param": refusal.parameter or None,
            "code": refusal.code or None,
        }
    }


def response_of(refusal: Refusal, path: str) -> Response:
    """The whole answer: JSON for programs, a page for people."""
    headers = {"Retry-After": str(refusal.retry_s)} if refusal.retry_s is not None else {}
    if refusal.status == 401 and is_api(path):
        headers["WWW-Authenticate"] = "Bearer"
    if is_api(path):
        return JSONResponse(body_of(refusal, path), refusal.status, headers)
    title = HTTPStatus(refusal.status).phrase
    page = render("error.html", title=title, message=refusal.message, status=refusal.status)
    page.status_code = refusal.status
    page.headers.update(headers)
    return page
