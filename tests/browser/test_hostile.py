"""A hostile question, reasoning and answer: nothing of them runs, loads or leads anywhere, on any page."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ponder.blame import Blame, Node, Vote, Weight, keep
from ponder.core.spent import Spent
from ponder.store import open_store
from tests.browser.acting import ask, open_correction, steps
from tests.browser.conftest import Open, Watched
from tests.browser.planted import plant
from tests.browser.served import Served
from tests.tiny import write_script

RUN = "window.ran=(window.ran||0)+1"
TRICKS = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f"<svg onload={RUN}><animate onbegin={RUN} attributeName=x dur=1s></svg>",
    f"<svg><script>{RUN}</script></svg>",
    f"<math><mtext></p><style><img src=x onerror={RUN}></style></mtext></math>",
    f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
    "<link rel=stylesheet href=http://evil.example/x.css><style>*{background:url(http://evil.example/s)}</style>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/m'><base href=http://evil.example/>",
    f"<form action=http://evil.example/f><button autofocus onfocus={RUN}>x</button></form>",
    f"[click](javascript:{RUN}) <a href=javascript:{RUN}>x</a> [d](data:text/html,<script>{RUN}</script>)",
    "![i](http://evil.example/i.png) ![j][k]\n\n[k]: http://evil.example/k.png",
    "<http://evil.example/auto> http://evil.example/bare [f](file:///etc/passwd)",
    rf"\(\href{{javascript:{RUN}}}{{z}}\) \(\text{{<img src=x onerror={RUN}>}}\) $\url{{javascript:{RUN}}}$",
    rf"\(\html{{<script>{RUN}</script>}}\) \(\includegraphics{{http://evil.example/k.png}}\)",
    r"$$\def\a{\a\a}\a$$ \newcommand{\b}{\b\b}\b",
    rf"\[\class{{x' onload='{RUN}}}{{y}} \style{{background:url(http://evil.example/c)}}{{y}}\]",
    f"```html\n<script>{RUN}</script>\n```",
    f"| a | b |\n|--|--|\n| <img src=x onerror={RUN}> | ` <script>{RUN}</script> ` |",
    f"\"'><script>{RUN}</script> {{{{7*7}}}} {{% raw %}} ${{{RUN}}} </textarea><script>{RUN}</script>",
    f"\u202e{RUN}\u202c \x1b]8;;http://evil.example\x07x\x1b]8;;\x07 &lt;script&gt;{RUN}&lt;/script&gt;",
    f"</div></li></ol></main><script>{RUN}</script><!-- <![CDATA[ <script>{RUN}</script> ]]>",
)
ALL = "\n\n".join(f"Wait, step {number} says {trick} 2 + 2 = 5." for number, trick in enumerate(TRICKS))
BLAME = Blame(
    "critic", "found", 1, ALL[:300], 0.9, 0, 2, TRICKS,
    (Vote(1, read=True, sentence=TRICKS[1]),), (Node(1, 1, 2, 0.1, 0.9),),
    (Weight(1, 0.5, 0.1, 0.9, 0.2, 0.01, TRICKS[1], TRICKS[2]),), Spent(1, 1, 1, 1, 1.0),
    {"target": TRICKS[0]},
)  # fmt: skip
HARMLESS = (Path(__file__).parent / "harmless.js").read_text()


def harmless(page: Page) -> None:
    """Nothing ran, and nothing on the page could."""
    assert page.evaluate(HARMLESS) == []


@pytest.fixture
def planted(served: Served) -> str:
    """The id of a kept trace that consists of tricks."""
    name = plant(served, ALL, ALL, ALL[:1500], TRICKS[0])
    with open_store(served.home / "traces.db") as store:
        for method in ("critic", "rollouts", "importance"):
            keep(store, name, replace(BLAME, method=method))
    return name


def test_a_kept_trace_runs_nothing(page: Page, planted: str) -> None:
    for path in (f"/traces/{planted}", "/traces", "/traces?q=evil", f"/ask?q={TRICKS[1]}"):
        page.goto(path)
        harmless(page)
    page.goto(f"/traces/{planted}")
    for fold in page.locator("details.fold > summary").all():
        fold.click()
    count = steps(page).count()
    assert count > len(TRICKS) // 2
    for number in range(1, count + 1, 3):
        open_correction(page, number)
        steps(page).nth(number - 1).get_by_text("Tokens, shaded").click()
        harmless(page)
    page.goto(f"/traces/{planted}/steps/2")
    expect(page.get_by_role("list", name="First wrong step")).to_contain_text("Wrong first, by critic")
    harmless(page)


def test_what_a_search_found_runs_nothing(page: Page, planted: str) -> None:
    page.goto(f"/traces/{planted}")
    found = page.get_by_role("region", name="First wrong step")
    expect(found.locator("[data-method=critic]")).to_contain_text("<img src=x onerror=")
    for evidence in found.get_by_text("Evidence").all():
        evidence.click()
    expect(page.locator("#s2 .blamed")).to_have_text(re.compile("wrong first: .*critic 0.90"))
    harmless(page)


def test_two_of_them_side_by_side(page: Page, planted: str, served: Served) -> None:
    other = plant(served, ALL[400:] + ALL[:400], ALL, TRICKS[0])
    page.goto(f"/compare?a={planted}&b={other}")
    harmless(page)


def test_an_exported_page_runs_nothing(
    chromium: Browser, page: Page, planted: str, watched: Watched, tmp_path: Path
) -> None:
    page.goto(f"/traces/{planted}")
    with page.expect_download() as download:
        page.get_by_role("link", name="HTML", exact=True).click()
    download.value.save_as(tmp_path / "export.html")
    context = chromium.new_context()
    alone = context.new_page()
    watched.watch(alone, "file://")
    alone.goto((tmp_path / "export.html").as_uri())
    assert alone.evaluate("window.ran") is None
    expect(alone.locator("body")).to_contain_text("evil.example")
    context.close()


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Served]:
    """A server whose model itself writes tricks."""
    script = [
        piece
        for number, trick in enumerate(TRICKS)
        for piece in (trick, *(f" word{number}.{place}" for place in range(8)), f" end{number}.\n\n")
    ]
    pieces = [*script, "</think>", ALL[:600]]
    model = write_script(tmp_path / f"<img src=x onerror={RUN}>.gguf", pieces, n_ctx_train=8192)
    server = Served(model, tmp_path / "home")
    yield server
    server.stop()


def test_a_running_trace_runs_nothing(open_tab: Open, hostile: Served) -> None:
    page = open_tab(hostile.url)
    ask(page, ALL[:800])
    harmless(page)
    expect(page.get_by_role("heading", name="Where the effort went")).to_be_visible()
    assert steps(page).count() > len(TRICKS) // 2
    harmless(page)
    for path in ("/ask", "/library", "/settings", "/fit", "/traces"):  # the file's name is a trick as well
        page.goto(path)
        expect(page.locator("main")).to_contain_text("<img src=x")
        harmless(page)
