"""The door: a one-time code or the token comes in, a cookie goes out.

`ponder ui` opens `/enter#CODE`: what stands after `#` never leaves the browser by itself, so the code is in
no log; the page's script sends it on. Without JavaScript the token is typed or pasted.
"""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ponder.serve.keys import COOKIE_S
from ponder.serve.refusal import Refusal
from ponder.serve.service import service_of
from ponder.serve.templates import render

MOST_FORM_BYTES = 4096


async def show(request: Request) -> Response:
    """The form; whoever needs none goes on to the start page."""
    if not service_of(request).keys.token:
        return RedirectResponse("/", 303)
    return render("enter.html", title="Enter", wrong=False)


async def enter(request: Request) -> Response:
    """Take a key; it makes a session or the form again."""
    keys = service_of(request).keys
    body = await request.body()
    if len(body) > MOST_FORM_BYTES:
        raise Refusal(413, "that is too long for a token: copy the one that the terminal shows.")
    given = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8).get("key", [""])[0].strip()
    if not keys.admit(given):
        page = render("enter.html", title="Enter", wrong=True)
        page.status_code = 403
        return page
    response = RedirectResponse("/", 303)
    response.set_cookie(
        keys.cookie_name, keys.new_cookie(), max_age=COOKIE_S, path="/", httponly=True, samesite="strict"
    )
    return response


ROUTES = [Route("/enter", show, methods=["GET"]), Route("/enter", enter, methods=["POST"])]
