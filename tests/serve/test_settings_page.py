"""Settings: what a browser remembers, how the pages look, and a server that keeps nothing."""

import re
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from ponder.cli.main import group
from ponder.store import open_store
from tests.serve.running import TOKEN, Answer, Running, running

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(server: Running, path: str, headers: dict[str, str] | None = None, **values: str) -> Answer:
    return server.post(path, urlencode(values).encode(), headers=FORM | (headers or {}))


def cookies(answer: Answer) -> str:
    """The last cookie of an answer (they come in one header each)."""
    return answer.headers.get("set-cookie", "")


def test_a_theme_is_chosen_without_scripts_and_without_a_flash(server: Running) -> None:
    assert "data-theme" not in server.get("/traces").text
    back = post(server, "/theme", {"Referer": f"{server.url}/traces?q=x"}, theme="dark")
    assert (back.status, back.headers["location"]) == (303, "/traces?q=x")
    cookie = cookies(back).partition(";")[0]
    assert cookie == "ponder-theme=dark"
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookies(back).split(";")}
    for path in ("/traces", "/fit", "/no-such-page"):
        assert '<html lang="en" data-theme="dark">' in server.get(path, headers={"Cookie": cookie}).text
    evil = 'ponder-theme="><script>alert(1)</script>'
    assert "<script>alert" not in server.get("/traces", headers={"Cookie": evil}).text


@pytest.mark.parametrize("referer", ["http://evil.example/x", "//evil.example", "{url}//evil.example", ""])
def test_a_theme_leads_back_to_our_own_pages_only(server: Running, referer: str) -> None:
    back = post(server, "/theme", {"Referer": referer.format(url=server.url)}, theme="light")
    assert back.headers["location"] == "/settings"


def test_settings_fill_the_question(server: Running) -> None:
    page = server.get("/settings").text
    assert str(server.service.store.path) in page
    assert TOKEN not in page
    saved = post(server, "/settings", budget="321", temperature="0.25", think="off")
    assert saved.status == 303
    cookie = "; ".join(("ponder-budget=321", "ponder-temperature=0.25", "ponder-think=off"))
    asking = server.get("/ask", headers={"Cookie": cookie}).text
    assert 'name="budget" min="0" max="1000000" value="321"' in asking
    assert 'value="0.25"' in asking
    assert '<option value="off" selected>' in asking


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("budget", "-1", "budget is &#39;-1&#39;"),
        ("temperature", "hot", "temperature is &#39;hot&#39;"),
        ("kv", "<b>", "kv is &#39;&lt;b&gt;&#39;"),
        ("ctx", "0", "ctx is &#39;0&#39;"),
    ],
)
def test_a_wrong_setting_is_told_and_kept(server: Running, field: str, value: str, sentence: str) -> None:
    page = post(server, "/settings", None, **{field: value})
    assert page.status == 400
    assert sentence in page.text
    assert "set-cookie" not in page.headers
    if value == "hot":
        assert 'value="hot"' in page.text


def test_the_token_is_shown_only_to_who_asks(server: Running) -> None:
    assert TOKEN not in server.get("/connect").text
    assert TOKEN in post(server, "/connect").text
    assert post(server, "/connect", {"Origin": "http://evil.example"}).status == 403
    assert "ponder-" in cookies(post(server, "/leave"))


def test_a_private_server_forgets(speaker_gguf: Path, ponder_home: Path) -> None:
    with running(model=str(speaker_gguf), keep=False) as server:
        assert "private: nothing is kept" in server.get("/ask").text
        asked = post(server, "/ask", question="a secret")
        assert asked.status == 303
        place = asked.headers["location"]
        assert '"doing":"done"' in server.get(f"{place}/events").text
        assert "a secret" in server.get("/traces").text
        branch = post(server, f"{place}/correct", step="1", kind="none").headers["location"]
        assert '"doing":"done"' in server.get(f"{branch}/events").text
        lies = server.service.store.path
        assert lies.exists()
        assert ponder_home not in lies.parents
    assert not lies.parent.exists()
    with open_store() as store:
        assert store.list() == []


def test_a_private_question_leaves_no_trace(speaker_gguf: Path) -> None:
    done = CliRunner().invoke(group, ["ask", "-m", str(speaker_gguf), "--no-keep", "Why?"])
    assert done.exit_code == 0, done.output
    assert "42" in done.output
    assert "trace " not in done.output
    with open_store() as store:
        assert store.list() == []
    both = CliRunner().invoke(group, ["ask", "--no-keep", "--questions", "x.jsonl"])
    assert both.exit_code != 0


# ------------------------------------------------------------------ colours

GROUNDS = ("paper", "card", "sunk")
TEXTS = ("ink", "quiet", "accent", "good", "bad", "mended")


def colours(css: str, theme: str) -> dict[str, str]:
    """The variables of a theme that are colours."""
    block = css[css.index(":root {") if theme == "light" else css.index(':root[data-theme="dark"] {') :]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[: block.index("}")]))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    more, less = sorted((luminance(one), luminance(other)), reverse=True)
    return (more + 0.05) / (less + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_have_the_contrast_that_wcag_aa_asks_for(theme: str) -> None:
    css = (files("ponder.serve") / "static" / "ponder.css").read_text()
    found = colours(css, theme)
    text = {(one, on): contrast(found[one], found[on]) for one in TEXTS for on in GROUNDS}
    text |= {("on-accent", "accent"): contrast(found["on-accent"], found["accent"])}
    text |= {("paper", "bad"): contrast(found["paper"], found["bad"])}
    text |= {("accent", "accent-soft"): contrast(found["accent"], found["accent-soft"])}
    text |= {("ink", shade): contrast(found["ink"], found[shade]) for shade in ("p1", "p2", "p3", "p4")}
    assert {pair: ratio for pair, ratio in text.items() if ratio < 4.5} == {}
    drawn = ("edge", "restate", "plan", "recall", "compute", "check", "doubt", "backtrack", "branch",
             "consolidate", "answer", "other")  # fmt: skip
    marks = {(one, on): contrast(found[one], found[on]) for one in drawn for on in ("paper", "card")}
    assert {pair: ratio for pair, ratio in marks.items() if ratio < 3} == {}


def test_both_ways_to_the_dark_theme_are_the_same() -> None:
    css = (files("ponder.serve") / "static" / "ponder.css").read_text()
    start = css.index(':root:not([data-theme="light"]) {')
    automatic = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css[start : css.index("}", start)]))
    assert automatic == colours(css, "dark")


def test_no_template_or_script_names_another_address() -> None:
    folder = files("ponder.serve")
    for place in ("templates", "templates/parts", "static", "static/vendor"):
        for file in (folder / place).iterdir():
            if file.name.endswith((".html", ".js", ".css", ".svg")):
                found = re.findall(r"""(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s"'`)]*""", file.read_text())
                named = [each for each in found if "www.w3.org/" not in each]
                assert not named, (file.name, named)
