"""What breaks while it runs: the stream, the server, the engine. The page comes back, nothing is missing."""

import json
import urllib.request
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.acting import ask, press, status, steps, trace_of
from tests.browser.conftest import Open, Watched
from tests.browser.served import TOKEN, Served, wired


def kept(served: Served, name: str) -> Any:
    """The trace as the API tells it."""
    asked = urllib.request.Request(f"{served.url}/api/ponder/traces/{name}")
    asked.add_header("Authorization", f"Bearer {TOKEN}")
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


def numbers(page: Page) -> list[str]:
    return steps(page).locator("b").all_inner_texts()


def test_a_stream_that_is_cut_goes_on_where_it_was(open_tab: Open, served: Served, watched: Watched) -> None:
    watched.interrupted = True
    with wired(served.port) as wire:
        page = open_tab(wire.url)
        name = ask(page, "What if the line is cut?")
        page.evaluate("window.sameDocument = true")
        for _ in range(3):
            seen = steps(page).count()
            expect(steps(page).nth(seen + 1)).to_be_visible()
            assert wire.cut() > 0
        expect(steps(page).nth(steps(page).count() + 2)).to_be_visible()
        press(page, "Pause")
        expect(status(page)).to_have_text("Paused")
        assert page.evaluate("window.sameDocument")
        assert numbers(page) == [str(number) for number in range(1, len(numbers(page)) + 1)]
        shown = "".join(page.locator("#now-reasoning").all_text_contents())
        press(page, "Stop")
        expect(page.get_by_text("Go on where it stopped")).to_be_visible()
        found = kept(served, name)
        texts = [step["text"].strip() for step in found["steps"]]
        assert len(texts) >= steps(page).count()
        assert found["reasoning"].rstrip().endswith(shown.strip())


def test_a_killed_server_comes_back_with_the_trace(open_tab: Open, served: Served, watched: Watched) -> None:
    watched.interrupted = True
    page = open_tab(served.url)
    name = ask(page, "What if the power fails?")
    expect(steps(page).nth(7)).to_be_visible()
    served.kill()
    expect(status(page)).to_contain_text("The connection is lost")
    served.start()
    again = page.get_by_role("button", name="Go on where it stopped")  # the page found the kept trace
    expect(again).to_be_visible()
    assert trace_of(page) == name
    there = steps(page).count()
    again.click()
    expect(steps(page).nth(there + 2)).to_be_attached()
    press(page, "Answer now")
    expect(page.get_by_role("region", name="Answer")).to_contain_text("The answer is 42")
    assert kept(served, name)["finish"]


def test_a_killed_engine_is_started_again(page: Page, served: Served) -> None:
    name = ask(page, "What if the engine dies?")
    expect(steps(page).nth(4)).to_be_visible()
    seen = steps(page).count()
    served.engine().kill()
    expect(steps(page).nth(seen + 6)).to_be_visible()
    press(page, "Answer now")
    expect(page.get_by_role("region", name="Answer")).to_contain_text("The answer is 42")
    assert kept(served, name)["finish"]
