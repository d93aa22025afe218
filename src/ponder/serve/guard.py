"""What stands before every route: names, origins, who may come in, how much, how often; and what goes out.

1. `Host` must be a name of this server, or a page elsewhere could point its own name at us (DNS rebinding).
2. `Origin`, where a browser sends it, must be ours or one that was allowed at the start.
3. Everything but the door itself needs the token or a cookie. A cookie counts only for requests that our
   own pages made: the browser says so (`Sec-Fetch-Site`), or the `Origin` does.
4. Bodies and the number of requests are bounded.
5. Every answer carries headers that keep a page from running, loading or leaking anything.
"""

import ipaddress
import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ponder.serve.keys import Keys
from ponder.serve.refusal import Refusal, is_api, response_of
from ponder.serve.settings import LOOPBACK_NAMES, Settings
from ponder.serve.templates import THEME, THEMES

MOST_BODY_BYTES = 4 << 20
"""The largest request: a long context's text, several times over."""
OPEN_PATHS = frozenset({"/health", "/enter", "/favicon.ico"})
"""What needs no key, besides static files."""
RATE_PER_S, BURST = 500.0, 1000.0
"""Requests that one address may send per second, and at once."""
_MOST_PARTIES = 4096
_HOST = re.compile(r"(?:([A-Za-z0-9.-]{1,253})|\[([0-9A-Fa-f:.]{2,45})\])(?::[0-9]{1,5})?")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # no-referrer makes browsers send the Origin "null" with forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, settings: Settings, keys: Keys) -> None:
        self.app = app
        self._settings = settings
        self._keys = keys
        self._rates = Rates()
        self._names = {settings.host.lower(), *LOOPBACK_NAMES, *(name.lower() for name in settings.hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and pass it on, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":  # there is none to open
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        chosen = _cookies(headers).get("ponder-theme")
        THEME.set(chosen.value if chosen is not None and chosen.value in THEMES else THEMES[0])
        out = _Answer(send, origin if origin in self._settings.origins else "")
        try:
            self._check(scope, headers)
            early = self._preflight(scope, headers) or self._door(scope, headers)
            if early is not None:
                await early(scope, receive, out.send)
                return
            await self.app(scope, _Bounded(receive, headers).receive, out.send)
        except Refusal as refusal:
            if out.started:
                raise
            await response_of(refusal, scope["path"])(scope, receive, out.send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Raise Refusal for a host, an origin or a rate that is not to be."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            raise Refusal(
                403,
                f"this server does not answer to the name {_shown(hosts)}: use {self._settings.url}, or "
                "start it with --host-name NAME.",
            )
        origins = headers.getlist("origin")
        if len(origins) > 1 or (origins and not self._origin_allowed(origins[0], hosts[0])):
            raise Refusal(
                403,
                f"pages of {_shown(origins)} may not use this server: start it with --allow-origin URL to "
                "let them.",
            )
        client = scope.get("client")
        wait_s = self._rates.take(client[0] if client else "")
        if wait_s:
            raise Refusal(429, f"too many requests: wait {wait_s} s.", retry_s=wait_s)

    def _is_ours(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = (match[1] or match[2]).lower().rstrip(".")
        if name in self._names:
            return True
        # Listening on every address: a number cannot be rebound, as a name can.
        return self._settings.host in {"0.0.0.0", "::"} and _is_number(name)  # noqa: S104 - not a bind

    def _origin_allowed(self, origin: str, host: str) -> bool:
        return origin in self._settings.origins or origin.lower() in {
            f"http://{host.lower()}",
            f"https://{host.lower()}",
        }

    def _preflight(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a browser that asks for another page whether it may."""
        if scope["method"] != "OPTIONS" or headers.get("origin", "") not in self._settings.origins:
            return None
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": "GET, POST, DELETE",
                "Access-Control-Allow-Headers": "authorization, content-type, x-api-key, last-event-id, "
                "anthropic-version",
                "Access-Control-Max-Age": "600",
            },
        )

    def _door(self, scope: Scope, headers: Headers) -> Response | None:
        """None for who may come in; people without a cookie are shown the door, programs refused."""
        path = scope["path"]
        if not self._keys.token or path in OPEN_PATHS or path.startswith("/static/"):
            return None
        if any(self._keys.is_token(given) for given in _given(headers)):
            return None
        if self._has_cookie(headers) and _own_page(scope, headers):
            return None
        if not is_api(path) and scope["method"] in {"GET", "HEAD"}:
            return RedirectResponse("/enter", 303)
        raise Refusal(
            401,
            "this server wants its token, which the terminal shows at the start: send it as "
            "`Authorization: Bearer TOKEN`, the API key of most clients.",
            code="invalid_api_key",
        )

    def _has_cookie(self, headers: Headers) -> bool:
        found = _cookies(headers).get(self._keys.cookie_name)
        return found is not None and self._keys.is_cookie(found.value)


def _cookies(headers: Headers) -> SimpleCookie:
    """The cookies that a browser sent; none where they cannot be read."""
    try:
        return SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return SimpleCookie()


class Rates:
    """A bucket of requests for each address, filled at RATE_PER_S."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, party: str) -> int:
        """0 and one request less, or the seconds to wait."""
        now = time.monotonic()
        left, since = self._left.pop(party, (BURST, now))
        left = min(BURST, left + (now - since) * RATE_PER_S)
        self._left[party] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > _MOST_PARTIES:
            self._left.popitem(last=False)
        return 0 if left >= 1 else 1


class _Bounded:
    """A body that ends in a refusal when it is too large, whatever its headers say."""

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive = receive
        self._bytes = 0
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > MOST_BODY_BYTES:
            raise _too_large()

    async def receive(self) -> Message:
        """The next part of the request."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            if self._bytes > MOST_BODY_BYTES:
                raise _too_large()
        return message


class _Answer:
    """Adds the headers that every answer has."""

    def __init__(self, send: Send, origin: str) -> None:
        self._send = send
        self._origin = origin
        self.started = False

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
            if self._origin:
                headers["Access-Control-Allow-Origin"] = self._origin
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                headers.add_vary_header("Origin")
        await self._send(message)


def _given(headers: Headers) -> list[str]:
    """The keys that a program sent: a bearer token, or Anthropic's header."""
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    return [
        key for key in (bearer.strip() if scheme.lower() == "bearer" else "", headers.get("x-api-key")) if key
    ]


def _own_page(scope: Scope, headers: Headers) -> bool:
    """Whether a request with a cookie was made by one of our pages, or by the person in the address bar."""
    if headers.get("origin"):
        return True  # it was checked
    site = headers.get("sec-fetch-site", "")
    if scope["method"] in {"GET", "HEAD"}:
        return site in {"", "none", "same-origin"}
    return site == "same-origin"


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _too_large() -> Refusal:
    return Refusal(413, f"the request is larger than {MOST_BODY_BYTES >> 20} MiB: send less at once.")


def _shown(values: list[str]) -> str:
    """What a client sent, short and harmless."""
    return ascii(", ".join(values)[:80])
