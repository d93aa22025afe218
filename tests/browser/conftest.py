"""A headless Chromium, a tab that watches itself, and the server it looks at."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from tests.browser.served import TOKEN, Served, write_wanderer

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((path for path in map(shutil.which, NAMES) if path), None)
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
PATIENCE_MS = 30_000

Open = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser, each of these tests says so."""
    if CHROMIUM is None:
        skip = pytest.mark.skip(reason="there is no Chromium here: apt-get install chromium")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests here; it is closed after them, and with it playwright's event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose model wanders."""
    folder = tmp_path_factory.mktemp("browser")
    server = Served(write_wanderer(folder / "wanderer.gguf"), folder / "home")
    yield server
    server.stop()


class Watched:
    """What the tabs of one test did that no tab of ours may do."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.interrupted = False
        """Whether the test breaks connections: browsers complain of that on the console."""

    def watch(self, page: Page, allowed: str) -> None:
        """Take note of errors, dialogs, and requests to anywhere but `allowed`."""
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", self._opened)
        page.on("console", lambda message: self._said(message.type, message.text, message.location["url"]))
        page.context.on("request", lambda request: self._asked(request.url, allowed))

    def _opened(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _said(self, kind: str, text: str, where: str) -> None:
        excused = self.interrupted and "net::ERR_" in text
        if kind in {"error", "warning"} and not excused:
            self.faults.append(f"console: {text} ({where})")

    def _asked(self, url: str, allowed: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and f"{parts.scheme}://{parts.netloc}" != allowed:
            self.faults.append(f"request: {url}")


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Nothing of that happened, when the test is over; the content policy reports on the console too."""
    it = Watched()
    yield it
    assert it.faults == []


@pytest.fixture
def open_tab(chromium: Browser, watched: Watched) -> Iterator[Open]:
    """A function that opens a tab which has come in by the door; `width`, `height` and `theme` as wished."""
    contexts = []

    def tab(url: str, width: int = 1280, height: int = 900, theme: str = "light") -> Page:
        context = chromium.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            accept_downloads=True,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        watched.watch(page, url)
        enter(page)
        return page

    yield tab
    for context in contexts:
        context.close()


def enter(page: Page) -> None:
    """Come in with the token, as a person who copies it from the terminal."""
    page.goto("/enter")
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ask")


@pytest.fixture
def page(open_tab: Open, served: Served) -> Page:
    """A tab on the server."""
    return open_tab(served.url)
