"""The pages as a browser without scripts sees them, and what a hostile trace can do to them: nothing."""

from urllib.parse import urlencode

import pytest

from ponder.serve.pages.prose import prose
from tests.serve.running import Running
from tests.store.samples import keep

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(1)> <svg onload=alert(1)>\n\n"
    "[x](javascript:alert(1)) "
    r"![y](http://evil.example/y.png) \(\text{<script>alert(1)</script>}\) \(\href{javascript:alert(1)}{z}\)"
)


@pytest.mark.parametrize("path", ["/ask", "/traces", "/connect"])
def test_pages_are_there(server: Running, path: str) -> None:
    page = server.get(path)
    assert page.status == 200
    assert "<h1>" in page.text


def test_a_trace_is_found_opened_and_deleted(server: Running) -> None:
    name = keep(server.service.store, "First 2 + 2 = 5.\n\nSo it is 4.", "It is \\(\\frac{1}{2}\\).")
    assert name in server.get("/traces?q=strawberry").text
    assert name not in server.get("/traces?q=nosuchword").text
    page = server.get(f"/traces/{name}").text
    assert "<mfrac>" in page
    for form in ("md", "json", "jsonl", "html"):
        assert server.get(f"/traces/{name}/export/{form}").status == 200
    assert server.get(f"/traces/{name}/export/exe").status == 404
    assert server.get(f"/traces/selected?do=delete&id={name}").status == 200
    gone = server.post("/traces/delete", urlencode({"id": name}).encode(), headers=FORM)
    assert gone.status == 303
    assert server.get(f"/traces/{name}").status == 404


def test_two_traces_are_compared(server: Running) -> None:
    one, other = keep(server.service.store, "a b c", "yes"), keep(server.service.store, "a b d", "no")
    assert "side" in server.get(f"/compare?a={one}&b={other}").text
    assert server.get(f"/compare?a={one}&b={one}").status == 400


def test_a_models_words_never_become_markup(server: Running) -> None:
    html = str(prose(HOSTILE))
    for bad in ("<script", "<img", "<svg", "<a", "href="):
        assert bad not in html
    name = keep(server.service.store, HOSTILE, HOSTILE)
    page = server.get(f"/traces/{name}").text
    for bad in ("<script>alert", "<img src=x", "<svg onload"):
        assert bad not in page


def test_a_question_is_watched_and_corrected(speaking: Running) -> None:
    form = {"question": "Why?", "model": ""}
    asked = speaking.post("/ask", urlencode(form).encode(), headers=FORM)
    assert asked.status == 303
    place = asked.headers["location"]
    stream = speaking.get(f"{place}/events?after=0.0")
    assert stream.status == 200
    assert '"doing":"done"' in stream.text
    assert speaking.get(f"{place}/events", headers={"Last-Event-ID": "5.1"}).status == 200
    assert "42" in speaking.get(place).text
    change = urlencode({"step": 1, "kind": "say", "text": "So"}).encode()
    branch = speaking.post(f"{place}/correct", change, headers=FORM)
    assert branch.status == 303
    assert branch.headers["location"] != place
    assert speaking.post(f"{place}/correct", b"step=1&kind=say&text=", headers=FORM).status == 400
    assert speaking.get("/traces/nosuch/events").status in {204, 404}
