"""The first wrong step, looked for on the page: cost before, progress, stopping, the result at its step."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from ponder.opened import Options, open_model
from ponder.store import open_store
from tests.blame.wrong import ASTRAY, wander, write_wanderer
from tests.browser.acting import steps
from tests.browser.conftest import Open, Watched
from tests.browser.served import Served

SEARCH_MS = 180_000
"""A whole search, on a machine that has other things to do."""


@pytest.fixture(scope="module")
def astray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    """A server, and the id of a trace of its model that went astray in step five."""
    folder = tmp_path_factory.mktemp("astray")
    model = write_wanderer(folder / "wanderer.gguf", n_ff=3072)
    with pytest.MonkeyPatch.context() as patch, open_store(folder / "home" / "traces.db") as store:
        patch.setenv("PONDER_HOME", str(folder / "home"))
        patch.setenv("PONDER_THREADS", "1")
        opened = open_model(str(model), Options(n_ctx=2048))
        name = wander(opened, store, "43").id
        opened.engine.close()
    server = Served(model, folder / "home")
    yield server, name
    server.stop()


def section(page: Page) -> Locator:
    return page.get_by_role("region", name="First wrong step")


def look(page: Page, samples: int) -> None:
    """Fill in the form and begin."""
    form = section(page)
    form.get_by_text("Look for it").click()
    form.get_by_label("The right answer").fill("42")
    form.get_by_label("Endings at a step").fill(str(samples))
    form.get_by_role("button", name="Look").click()


def test_it_is_found_and_stands_at_its_step(open_tab: Open, astray: tuple[Served, str]) -> None:
    served, name = astray
    page = open_tab(served.url)
    page.goto(f"/traces/{name}")
    section(page).get_by_text("Look for it").click()
    cost = section(page).locator("[data-cost=rollouts]")
    expect(cost).to_contain_text(re.compile(r"up to 64 endings .* tokens to sample"))
    section(page).get_by_label("Endings at a step").fill("6")
    expect(cost).to_contain_text("up to 48 endings")
    expect(cost).to_contain_text("to agree on a target")
    section(page).get_by_label("The right answer").fill("42")
    expect(cost).not_to_contain_text("to agree on a target")
    section(page).get_by_role("button", name="Look").click()
    expect(section(page).get_by_role("button", name="Stop")).to_be_visible()
    expect(section(page).get_by_role("status")).to_have_text("Done.", timeout=SEARCH_MS)

    found = section(page).locator("[data-method=rollouts]")
    expect(found.get_by_role("link", name="Step 5", exact=True).first).to_be_visible()
    expect(found).to_contain_text(re.compile(r"by endings, (0\.9\d|1\.00)"))
    expect(steps(page).nth(ASTRAY).locator(".blamed")).to_have_text(
        re.compile(r"wrong first: endings [01]\.\d\d")
    )
    found.get_by_text("Evidence").click()
    expect(found.get_by_role("row").filter(has_text=re.compile(r"0 of \d")).first).to_be_visible()

    found.get_by_role("link", name="Step 5", exact=True).first.click()
    evidence = steps(page).nth(ASTRAY).get_by_role("list", name="First wrong step")
    expect(evidence).to_contain_text(
        re.compile(r"Wrong first, by endings, confidence [01]\.\d\d.*before it \d+ of \d+")
    )
    page.reload()
    expect(steps(page).nth(ASTRAY).locator(".blamed")).to_be_visible()
    expect(page.locator(".blamed")).to_have_count(1)


def test_two_tabs_watch_it_and_either_stops_it(open_tab: Open, astray: tuple[Served, str]) -> None:
    served, name = astray
    left, right = open_tab(served.url), open_tab(served.url)
    left.goto(f"/traces/{name}")
    look(left, 64)
    right.goto(f"/traces/{name}")
    expect(section(right).get_by_role("button", name="Stop")).to_be_visible()
    for tab in (left, right):
        expect(section(tab)).to_contain_text(
            re.compile(r"[\d,]+ tokens of at most [\d,]+, \d+ endings?; the last: 4[23] [✓✗]")
        )
    section(right).get_by_role("button", name="Stop").click()
    for tab in (left, right):
        expect(section(tab).get_by_role("status")).to_have_text("Stopped; this is what is known so far.")
        expect(section(tab).get_by_text("Look for it")).to_be_visible()


def test_words_in_the_making_outlive_the_result(open_tab: Open, astray: tuple[Served, str]) -> None:
    served, name = astray
    page = open_tab(served.url)
    page.goto(f"/traces/{name}")
    steps(page).nth(1).get_by_role("link").first.click()
    steps(page).nth(1).get_by_text("Correct here").click()
    look(page, 4)
    words = page.get_by_label("The words")
    words.fill("")
    words.focus()
    page.keyboard.type("I write while it looks, and nothing takes it away.", delay=15)
    expect(section(page).get_by_role("status")).to_have_text("Done.", timeout=SEARCH_MS)
    expect(words).to_have_value("I write while it looks, and nothing takes it away.")
    expect(words).to_be_focused()


def test_a_killed_server_forgets_the_search_not_the_trace(
    open_tab: Open, astray: tuple[Served, str], watched: Watched
) -> None:
    watched.interrupted = True
    served, name = astray
    page = open_tab(served.url)
    page.goto(f"/traces/{name}")
    look(page, 64)
    expect(section(page)).to_contain_text(re.compile(r"\d+ endings"))
    served.kill()
    served.start()
    expect(section(page).get_by_text("Look for it")).to_be_visible()
    expect(section(page).get_by_role("button", name="Stop")).to_have_count(0)
    look(page, 64)
    expect(section(page)).to_contain_text(re.compile(r"\d+ endings"))
    section(page).get_by_role("button", name="Stop").click()
    expect(section(page)).to_contain_text("Stopped")
