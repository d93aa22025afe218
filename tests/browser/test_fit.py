"""Fit with its sliders: bars follow at once, nothing is loaded anew, the address keeps the question."""

import re

from playwright.sync_api import Page, expect


def test_the_plan_follows_the_sliders(page: Page) -> None:
    page.goto("/fit?machine=other&gpu=2x+RTX+3090&ram=64&ram_bandwidth=80&model=deepseek-r1:32b&quant=Q4_K_M")
    page.evaluate("document.body.dataset.same = 'yes'")
    plan = page.get_by_role("region", name="The plan")
    bar = plan.locator("svg.bytes rect[class^=m-cache]").first
    before = float((bar.get_attribute("width") or "0").rstrip("%"))
    slider = page.get_by_role("slider", name="Context, tokens")
    slider.focus()
    slider.press("End")
    expect(plan).to_contain_text("context 128k")
    assert float((bar.get_attribute("width") or "0").rstrip("%")) > before, "the same bar has grown"
    expect(page).to_have_url(re.compile(r"ctx=131072"))
    page.get_by_role("slider", name="Quantisation").press("Home")
    expect(plan).to_contain_text("Q2_K")
    page.get_by_label("Kind of question").select_option("olympiad")
    expect(page.locator("#chart th").last).not_to_be_empty()
    expect(page.get_by_role("columnheader", name="AIME")).to_be_visible()
    page.locator("#chart tbody a").nth(2).click()
    name = page.locator("#chart tbody a").nth(2).inner_text()
    expect(plan.get_by_role("heading", name=name)).to_be_visible()
    assert page.evaluate("document.body.dataset.same") == "yes", "the page was not loaded anew"
    address = page.url
    page.goto("/ask")
    page.goto(address)
    expect(plan.get_by_role("heading", name=name)).to_be_visible()
