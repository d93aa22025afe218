"""The frame around every page: which part of the menu it belongs to, and what this browser has chosen.

What a person sets for one browser (theme, model, budget) lives in cookies of that browser; nothing of it is
a secret.
"""

from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import Response

from ponder.serve.refusal import Refusal
from ponder.serve.service import service_of
from ponder.serve.templates import render

PREFERENCE_S = 365 * 24 * 3600
MOST_FORM_BYTES = 1 << 20
_MOST_FIELDS = 400


def page(request: Request, template: str, section: str, title: str, **values: Any) -> Response:
    """The page as a response; `section` is the menu's entry that it belongs to."""
    private = not service_of(request).settings.keep
    return render(template, section=section, title=title, private=private, **values)


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a posted form; raises Refusal for one that is too large."""
    body = await request.body()
    if len(body) > MOST_FORM_BYTES:
        raise Refusal(413, "that is too much text for one form: shorten it.")
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refusal(400, "the form has too many fields.") from None


def prefer(request: Request, response: Response, name: str, value: str) -> None:
    """Remember a choice in this browser."""
    response.set_cookie(
        f"ponder-{name}", value, max_age=PREFERENCE_S, path="/", httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip


def preferred(request: Request, name: str) -> str:
    """A remembered choice, or an empty string."""
    return request.cookies.get(f"ponder-{name}", "")[:512]


def with_query(path: str, **values: object) -> str:
    """`path` with those of `values` that are not empty as its query."""
    given = {name: str(value) for name, value in values.items() if value not in {"", None}}
    return path + (f"?{urlencode(given)}" if given else "")
