"""Every page by itself: names for everything that can be used, order, contrast, width, the keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ponder.serve.pages import NAVIGATION
from tests.browser.acting import ask, press, steps
from tests.browser.conftest import Open, enter
from tests.browser.planted import plant
from tests.browser.served import Served

AUDIT = (Path(__file__).parent / "audit.js").read_text()
REASONING = "\n\n".join(
    f"{word} {n} + {n} = {2 * n + (n == 3)}, so that \\(\\frac{{{n}}}{{2}}\\) is half of it."
    for n, word in enumerate(("Okay", "First", "Wait", "Then", "So", "Now", "Hence", "But"), 1)
)


@pytest.fixture(scope="module")
def kept(served: Served) -> tuple[str, str]:
    """Two traces of one question."""
    return plant(served, REASONING, "It is **4**."), plant(served, REASONING[200:], "5:\n\n```\ncode\n```")


def paths(kept: tuple[str, str]) -> list[str]:
    """Where a person can be."""
    one, other = kept
    own = [f"/traces/{one}", f"/traces/{one}/steps/2", f"/compare?a={one}&b={other}", "/connect", "/enter"]
    return [*(address for address, _ in NAVIGATION), *own, f"/traces/selected?do=delete&id={one}"]


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true })")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_names_order_and_contrast(open_tab: Open, served: Served, kept: tuple[str, str], theme: str) -> None:
    page, found = open_tab(served.url, theme=theme), {}
    for path in paths(kept):
        page.goto(path)
        unfold(page)
        if path == f"/traces/{kept[0]}":
            page.locator("li.row a").first.click()
            page.get_by_text("Correct here").click()
        found[path] = page.evaluate(AUDIT)
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("width", [360, 768, 2560])
def test_no_page_is_wider_than_its_window(
    open_tab: Open, served: Served, kept: tuple[str, str], width: int
) -> None:
    page, over = open_tab(served.url, width=width), {}
    for path in paths(kept):
        page.goto(path)
        unfold(page)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            over[path] = wide
    assert over == {}


REACHABLE = """() => [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex]")]
  .filter((it) => it.tabIndex >= 0 && !it.disabled && it.type !== "hidden" && it.checkVisibility())
  .map((it, at) => { it.dataset.at = at; return at; }).length"""
FOCUSED = """() => { const it = document.activeElement, style = getComputedStyle(it);
  const ring = it.matches(":focus-visible") && (style.outlineStyle !== "none" || style.boxShadow !== "none");
  return [Number(it.dataset.at ?? -1), ring]; }"""


def test_tab_reaches_everything_and_shows_where_it_is(page: Page, kept: tuple[str, str]) -> None:
    for path in paths(kept):
        page.goto(path)
        page.evaluate("document.activeElement.blur()")
        there = page.evaluate(REACHABLE)
        seen, unseen = set(), []
        for _ in range(there + 2):
            page.keyboard.press("Tab")
            at, ring = page.evaluate(FOCUSED)
            seen.add(at)
            if at >= 0 and not ring:
                unseen.append(at)
        radios = page.evaluate("document.querySelectorAll('input[type=radio]').length")
        assert len(seen - {-1}) >= there - radios, path
        assert unseen == [], path


def test_nothing_moves_where_that_is_not_wanted(chromium: Browser, served: Served) -> None:
    moving = {}
    for wish in ("no-preference", "reduce"):
        context = chromium.new_context(base_url=served.url, reduced_motion=wish)
        page = context.new_page()
        enter(page)
        ask(page, "Does it move?")
        expect(steps(page).nth(1)).to_be_visible()
        moving[wish] = page.evaluate("document.getAnimations().length")
        press(page, "Stop")
        context.close()
    assert moving["no-preference"] > 0
    assert moving["reduce"] == 0


FAULTY = """() => { document.querySelector("main").insertAdjacentHTML("beforeend",
    `<h1>again</h1><button></button><input><svg></svg><label for="nobody">x</label>
     <p class="faint" id="main">hardly there</p>`);
  const sheet = new CSSStyleSheet(); sheet.replaceSync(".faint { color: #8888 }");
  document.adoptedStyleSheets.push(sheet); }"""
FAULTS = (
    "not one h1", "no name: <button>", "no name: <input>", "a drawing", "for names nothing", "id twice: main",
    "contrast",
)  # fmt: skip


def test_the_audit_sees_what_is_wrong(page: Page) -> None:
    page.goto("/traces")
    assert page.evaluate(AUDIT) == []
    page.evaluate(FAULTY)
    found = "\n".join(page.evaluate(AUDIT))
    assert [fault for fault in FAULTS if fault not in found] == []
