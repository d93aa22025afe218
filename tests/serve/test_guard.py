"""Who may use the server, from where, and how much."""

import socket
from pathlib import Path

import pytest

from ponder.errors import InputError
from ponder.serve import guard
from ponder.serve.guard import SECURITY
from ponder.serve.settings import Settings
from tests.serve.running import TOKEN, Running, running


def raw(server: Running, data: bytes) -> bytes:
    """What the server answers to these very bytes."""
    with socket.create_connection(("127.0.0.1", server.service.settings.port), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:1234", 200),
        ("[::1]:80", 200),
        ("LOCALHOST.", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost@evil.example", 403),
        ("127.0.0.1:80:80", 403),
        ("", 403),
        ("127.0.0.1/..", 403),
    ],
)
def test_only_names_of_this_server_are_answered(server: Running, host: str, status: int) -> None:
    assert server.get("/connect", headers={"Host": host}).status == status


def test_two_hosts_or_none_are_refused(server: Running) -> None:
    auth = f"Authorization: Bearer {TOKEN}\r\n".encode()
    two = raw(server, b"GET /connect HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n" + auth + b"\r\n")
    none = raw(server, b"GET /connect HTTP/1.0\r\n" + auth + b"\r\n")
    assert two.split()[1] in {b"400", b"403"}
    assert none.split()[1] in {b"400", b"403"}


def test_other_pages_may_not_use_it_unless_they_are_allowed() -> None:
    evil, ours = {"Origin": "https://evil.example"}, {"Origin": "http://tools.example:8080"}
    with running(origins=("http://tools.example:8080",)) as server:
        refused = server.get("/health", headers=evil)
        assert refused.status == 403
        assert "access-control-allow-origin" not in refused.headers
        allowed = server.get("/health", headers=ours)
        assert allowed.headers["access-control-allow-origin"] == ours["Origin"]
        asked = server.ask("OPTIONS", "/v1/models", headers=ours, token=None)
        assert asked.status == 204
        assert "authorization" in asked.headers["access-control-allow-headers"]
        assert server.get("/health", headers={"Origin": "null"}).status == 403


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x", "\xe9"])
def test_without_the_token_there_is_nothing(server: Running, token: str | None) -> None:
    refused = server.get("/api/nothing", token=token)
    assert refused.status == 401
    assert refused.json["error"]["code"] == "invalid_api_key"
    assert refused.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in refused.text
    page = server.get("/connect", token=token)
    assert (page.status, page.headers["location"]) == (303, "/enter")
    assert server.get("/health", token=token).json == {"status": "ok"}


def test_anthropics_header_counts_as_a_token(server: Running) -> None:
    assert server.get("/connect", token=None, headers={"x-api-key": TOKEN}).status == 200


def enter(server: Running, key: str) -> str:
    """The cookie that `key` opens, empty if none."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.post("/enter", f"key={key}".encode(), headers=form, token=None)
    return answer.headers.get("set-cookie", "")


def test_a_code_opens_one_session_once(server: Running) -> None:
    code = server.service.keys.new_code()
    cookie = enter(server, code)
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert enter(server, code) == ""
    assert enter(server, "x") == ""
    assert enter(server, TOKEN) != ""


def test_a_cookie_counts_only_for_our_own_pages(server: Running) -> None:
    cookie = {"Cookie": enter(server, TOKEN).split(";")[0]}

    def status(method: str, **headers: str) -> int:
        sent = cookie | {name.replace("_", "-"): value for name, value in headers.items()}
        return server.ask(method, "/api/nothing", headers=sent, token=None).status

    assert status("GET") == 404
    assert status("GET", Sec_Fetch_Site="same-origin") == 404
    assert status("GET", Sec_Fetch_Site="cross-site") == 401
    assert status("GET", Sec_Fetch_Site="same-site") == 401
    assert status("POST") == 401
    assert status("POST", Sec_Fetch_Site="same-origin") == 404
    assert status("POST", Origin=server.url) == 404
    assert status("POST", Origin="http://127.0.0.1:1") == 403


def test_a_cookie_outlives_a_restart_but_not_a_forger(server: Running) -> None:
    keys = server.service.keys
    cookie = keys.new_cookie()
    again = type(keys)("another-token-than-before", server.service.settings.port, _home(server))
    other = type(keys)("another-token-than-before", 1, _home(server))
    assert again.is_cookie(cookie)
    assert not other.is_cookie(cookie)
    until, _, signature = cookie.partition(".")
    assert not keys.is_cookie(f"{int(until) + 1}.{signature}")
    assert not keys.is_cookie(f"{until}.")
    assert not keys.is_cookie("²." + signature)
    assert not keys.is_cookie("")


def _home(server: Running) -> Path:
    return server.service.store.path.parent


def test_bodies_are_bounded(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_BODY_BYTES", 1000)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert server.post("/enter", b"k" * 1001, headers=form).status == 413
    head = b"POST /enter HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert raw(server, head + (b"1f4\r\n" + b"k" * 500 + b"\r\n") * 3 + b"0\r\n\r\n").split()[1] == b"413"
    assert raw(server, b"POST /enter HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n").split()[
        1
    ] in {b"400", b"413"}


def test_rates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BURST", 3.0)
    monkeypatch.setattr(guard, "RATE_PER_S", 0.001)
    with running() as server:
        answers = [server.get("/health") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/ponder.css/../../app.py",
        "/static/ponder.css%00.js",
        "/static/",
        "/static/.",
        "//evil.example",
        "/..%5c..%5cserver.key",
        "/%",
    ],
)
def test_paths_lead_nowhere(server: Running, path: str) -> None:
    assert server.get(path).status == 404


def test_static_files_are_kept_by_their_digest(server: Running) -> None:
    page = server.get("/connect").text
    address = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in server.get(address, token=None).headers["cache-control"]
    assert server.get("/static/ponder.css").headers["cache-control"] == "no-cache"


def test_every_answer_says_what_a_page_may_do(server: Running) -> None:
    for path in ("/", "/connect", "/static/ponder.css", "/nothing", "/v1/nothing"):
        headers = server.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_errors_are_pages_for_people_and_json_for_programs(server: Running) -> None:
    page = server.get("/<script>alert(1)</script>")
    assert page.status == 404
    assert "text/html" in page.headers["content-type"]
    assert "<script>alert" not in page.text
    assert server.get("/v1/nothing").json["error"]["type"] == "not_found_error"
    wrong = server.post("/health")
    assert wrong.status == 405
    assert "GET" in wrong.headers["allow"]


def test_header_tricks_end_in_a_refusal(server: Running) -> None:
    for data in (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):
        answer = raw(server, data)
        assert not answer or answer.split()[1] in {b"303", b"400", b"401", b"403", b"405", b"414", b"431"}
    assert server.get("/health").status == 200


def test_listening_to_others_needs_a_token() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5"):
        with pytest.raises(InputError, match="needs a token"):
            Settings(host=host)
        with pytest.raises(InputError, match="16"):
            Settings(host=host, token="short")
        assert not Settings(host=host, token="long-enough-for-this").loopback
    assert Settings(host="127.0.0.2").loopback
    with pytest.raises(InputError, match="PONDER_TOKEN"):
        Settings(token="two words")


def test_forms_of_our_pages_send_their_true_origin() -> None:
    assert SECURITY["Referrer-Policy"] == "same-origin"  # with no-referrer browsers send "null"
