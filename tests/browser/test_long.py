"""A trace of many steps: groups come folded, their rows when they are wanted, with and without scripts."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.acting import steps
from tests.browser.conftest import enter
from tests.browser.planted import plant
from tests.browser.served import Served

STEPS = 300
WORDS = ("Okay, so", "First,", "Wait,", "So then", "Alternatively,", "Let me check:")
REASONING = "\n\n".join(
    f"{WORDS[n % 6]} in line {n} we find {n} + {n} = {2 * n + (n in {7, 290})}, and we go on from there "
    "as we did before" + ", which is how it is and how it has to be, as we all know well enough" * 6 + "."
    for n in range(1, STEPS + 1)
)


@pytest.fixture(scope="module")
def long(served: Served) -> str:
    """The id of a kept trace whose claims come after its page."""
    return plant(served, REASONING, "It is 4.")


def numbers(page: Page) -> list[int]:
    return [int(text) for text in steps(page).locator("a > b").all_text_contents()]


def test_rows_come_when_they_are_wanted(page: Page, long: str) -> None:
    page.goto(f"/traces/{long}")
    assert steps(page).count() == 0
    folds = page.locator("details.fold")
    assert 2 < folds.count() <= 40
    folds.nth(1).locator("summary").click()
    first, last = (int(folds.nth(1).get_attribute(f"data-{end}") or 0) for end in ("first", "last"))
    expect(steps(page)).to_have_count(last - first + 1)
    assert numbers(page) == list(range(first, last + 1))

    # A link to a wrong claim opens the group that it lies in, and the row has its verdict.
    page.get_by_role("link", name="step 290").click()
    expect(page.locator("#s290 .v-wrong")).to_be_visible()
    expect(page.locator("#s290")).to_contain_text("Correct here")
    wrong = page.locator("details.fold").filter(has=page.locator("#s290")).locator("summary .v-wrong")
    expect(wrong).to_have_text("✗1")

    page.get_by_role("button", name="Open all").click()
    expect(steps(page)).to_have_count(STEPS)
    assert numbers(page) == list(range(1, STEPS + 1))


def test_keys_walk_from_group_to_group(page: Page, long: str) -> None:
    page.goto(f"/traces/{long}")
    last = int(page.locator("details.fold").first.get_attribute("data-last") or 0)
    for number in range(1, last + 2):
        page.keyboard.press("j")
        expect(page.locator(f"#s{number} > a").first).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator(f"#s{last} > a").first).to_be_focused()


def test_roles_and_the_map_look_into_closed_groups(page: Page, long: str) -> None:
    page.goto(f"/traces/{long}")
    chip = page.get_by_role("group", name="Show only some roles").get_by_role("button").first
    role, count = chip.inner_text().split()
    chip.click()
    expect(page.locator("li.row[data-shown]")).to_have_count(int(count))
    assert set(page.locator("li.row[data-shown] i").all_text_contents()) == {role}
    page.reload()
    box = page.locator(".ribbon").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 2)
    focused = page.locator("li.row > a:focus b")
    expect(focused).to_be_visible()
    assert abs(int(focused.inner_text()) - STEPS / 2) < STEPS / 20


def test_without_scripts_every_step_can_be_read(chromium: Browser, served: Served, long: str) -> None:
    context = chromium.new_context(base_url=served.url, java_script_enabled=False)
    page = context.new_page()
    enter(page)
    page.goto(f"/traces/{long}")
    page.locator("details.fold summary").nth(2).click()
    page.get_by_role("link", name=re.compile("^Show steps? ")).click()
    fold = page.locator("details.fold[open]")
    expect(fold.locator("li.row").first).to_be_visible()
    page.locator("li.row a").first.click()
    expect(page.get_by_role("heading", name=re.compile(r"^Step \d+$"))).to_be_visible()
    expect(page.locator(".claims")).to_contain_text("ok")
    page.get_by_text("Correct here").click()
    expect(page.get_by_label("The words")).to_be_visible()
    context.close()
