"""The whole way through the pages: ask, watch, pause, correct step 3, see the branch, compare, export."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.acting import ask, open_correction, press, status, steps, trace_of
from tests.browser.conftest import Open, enter
from tests.browser.served import Served

WORDS = "Line 77: 2 + 3 = 5, as everybody knows."


def test_ask_watch_correct_compare_export(page: Page, tmp_path: Path) -> None:
    first = ask(page, "How do lines go on?")
    expect(steps(page).nth(2)).to_be_visible()
    expect(status(page)).to_have_text("Reasoning")
    count = steps(page).count()
    expect(steps(page).nth(count + 1)).to_be_visible()  # it goes on while we look
    press(page, "Pause")
    expect(status(page)).to_have_text("Paused")

    form = open_correction(page, 3)
    expect(form.get_by_label("The words")).to_have_value(re.compile(r"2 \+ 3 = [56]"))
    expect(form).to_contain_text("steps 1 to 2")
    expect(form).to_contain_text("to be evaluated, at most")
    form.get_by_label("this step, rewritten").check()
    form.get_by_label("The words").fill(WORDS)
    form.get_by_role("button", name="Go on from here").click()
    page.wait_for_url(lambda url: "/traces/" in url and not url.endswith(first))
    second = trace_of(page)
    expect(steps(page).nth(2)).to_contain_text(WORDS)
    expect(steps(page).nth(4)).to_be_visible()
    press(page, "Answer now")
    expect(page.get_by_role("region", name="Answer")).to_contain_text("The answer is 42")
    expect(page.get_by_role("heading", name="Branches")).to_be_visible()

    page.get_by_role("link", name="side by side").first.click()
    expect(page.get_by_text("They share steps 1 to 2")).to_be_visible()
    expect(page.locator("main")).to_contain_text(WORDS)
    for trace in (first, second):
        expect(page.get_by_role("link", name=trace)).to_be_visible()
    page.get_by_role("link", name=second).click()
    for form_name, sign in (
        ("Markdown", WORDS),
        ("JSON", f'"parent":"{first}"'),
        ("JSONL", WORDS),
        ("HTML", WORDS),
    ):
        with page.expect_download() as download:
            page.get_by_role("link", name=form_name, exact=True).click()
        download.value.save_as(tmp_path / form_name)
        text = (tmp_path / form_name).read_text()
        assert sign in text

    page.goto("/traces")
    card = page.get_by_role("listitem").filter(has_text="How do lines go on?").filter(has_text="1 branch")
    expect(card).to_contain_text(first)


def test_keys_alone_reach_everything(page: Page) -> None:
    """No pointer: the question, the panel, the outline, the correction."""
    key = page.keyboard
    key.type("Which line is the last?")
    key.press("Control+Enter")
    page.wait_for_url("**/traces/*")
    first = trace_of(page)
    expect(steps(page).nth(3)).to_be_visible()
    key.press("p")
    expect(status(page)).to_have_text("Paused")
    for _ in range(3):
        key.press("j")
    expect(steps(page).nth(2).get_by_role("link").first).to_be_focused()
    key.press("Enter")
    expect(steps(page).nth(2).get_by_text("Correct here")).to_be_visible()
    key.press("Escape")
    expect(steps(page).nth(2).get_by_text("Correct here")).to_have_count(0)
    key.press("k")
    key.press("c")
    words = page.get_by_label("The words")
    expect(words).to_be_focused()
    key.press("Control+a")
    key.type(WORDS)
    expect(words).to_have_value(WORDS)  # p, c, a, m and s among the letters steer nothing here
    expect(status(page)).to_have_text("Paused")
    key.press("Tab")
    expect(page.get_by_role("button", name="Go on from here")).to_be_focused()
    key.press("Enter")
    page.wait_for_url(lambda url: "/traces/" in url and not url.endswith(first))
    expect(steps(page).nth(1)).to_contain_text(WORDS)
    key.press("a")
    expect(page.get_by_role("region", name="Answer")).to_contain_text("42")


def test_no_key_is_dropped_while_it_streams(page: Page) -> None:
    ask(page, "How fast can you write?")
    form = open_correction(page, 1)
    words = form.get_by_label("The words")
    words.fill("")
    before = steps(page).count()
    typed = "".join(chr(97 + number * 7 % 26) for number in range(200))
    page.keyboard.type(typed, delay=8)
    assert words.input_value() == typed
    assert steps(page).count() > before
    expect(words).to_be_focused()
    press(page, "Stop")


def test_two_tabs_show_one_run(open_tab: Open, served: Served) -> None:
    left, right = open_tab(served.url), open_tab(served.url)
    name = ask(left, "Who is watching?")
    right.goto(f"/traces/{name}")
    expect(steps(right).nth(4)).to_be_visible()
    press(right, "Pause")
    for tab in (left, right):
        expect(status(tab)).to_have_text("Paused")
    numbers = steps(left).locator("b").all_inner_texts()
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert steps(right).locator("b").all_inner_texts() == numbers
    press(left, "Go on")
    expect(steps(right).nth(len(numbers) + 2)).to_be_visible()
    form = open_correction(left, 2)
    form.get_by_label("The words").fill(WORDS)
    form.get_by_role("button", name="Go on from here").click()
    right.wait_for_url(lambda url: "/traces/" in url and not url.endswith(name))  # it follows the branch
    assert trace_of(right) == trace_of(left)
    press(right, "Stop")


def test_without_scripts_a_question_is_answered_and_corrected(chromium: Browser, served: Served) -> None:
    context = chromium.new_context(base_url=served.url, java_script_enabled=False)
    page = context.new_page()
    enter(page)
    first = ask(page, "And without scripts?", budget=150)
    expect(page.get_by_role("region", name="Answer")).to_contain_text(
        "The answer is 42"
    )  # it loads itself anew
    expect(page.get_by_role("heading", name="Where the effort went")).to_be_visible()
    steps(page).nth(2).get_by_role("link").first.click()
    page.get_by_text("Correct here").click()
    page.get_by_label("The words").fill(WORDS)
    page.get_by_role("button", name="Go on from here").click()
    page.wait_for_url(lambda url: "/traces/" in url and first not in url)
    expect(page.get_by_role("heading", name="Branches")).to_be_visible()
    expect(steps(page).nth(2)).to_contain_text(WORDS)
    page.get_by_role("link", name="side by side").first.click()
    expect(page.get_by_text("They share steps 1 to 2")).to_be_visible()
    context.close()
