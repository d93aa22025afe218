"""What a person does on the pages, by what they see: labels, buttons, headings."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS

expect.set_options(timeout=PATIENCE_MS)


def ask(page: Page, question: str, budget: int = 4000) -> str:
    """Ask, and return the id of the trace whose page opens."""
    page.goto("/ask")
    page.get_by_label("Question").fill(question)
    page.get_by_label("Reasoning, at most").fill(str(budget))
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url("**/traces/*")
    return trace_of(page)


def trace_of(page: Page) -> str:
    """The id of the trace that the page shows."""
    return page.url.rpartition("/")[2].partition("#")[0]


def steps(page: Page) -> Locator:
    """The rows of the outline."""
    return page.locator("li.row")


def status(page: Page) -> Locator:
    """What the run does, in words."""
    return page.get_by_role("status")


def press(page: Page, name: str) -> None:
    """One of the panel's buttons."""
    page.get_by_role("button", name=re.compile(f"^{name}")).click()


def open_correction(page: Page, step: int) -> Locator:
    """Open a step (counted from 1) and its form, and return the form."""
    row = steps(page).nth(step - 1)
    row.get_by_role("link").first.click()
    row.get_by_text("Correct here").click()
    return row.locator("form")
