"""What a person waits for on the pages, in Chromium: opening a long trace, and typing while one is written.

`python -m benchmarks.pages` plants traces of 30,000 tokens in 1,500 steps in a folder of its own, serves them
with `ponder serve`, and opens each twice: cold (the server has not seen it) and warm. The times are the
browser's own (navigation and paint timing); `server` and `tab` are the processor time of the server and of
the tab's main thread, which other programs disturb less; the control is a page of ours with nothing on it.
With `--model NAME` it also types into a correction while that model writes; the control there is the same
typing after the run has ended.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from playwright.sync_api import Browser, sync_playwright

from ponder.core.events import Event, Finish, StepEnd, Token, Usage
from ponder.core.request import Message, Request
from ponder.core.trace import text_of
from ponder.reason.label import Labeller
from ponder.reason.segment import segment
from ponder.store import Start, open_store

TOKENS, STEPS = 30_000, 1_500
TOKEN = "a-token-for-this-benchmark"
SENTENCES = (
    "Okay, so I need to find how many squares lie on a board of {n} by {n}",
    "Wait, maybe I should check that again: {n} + {n} = {m}",
    "Let me think about the case of {n}, where \\(x^2 = {m}\\) has two roots",
    "So the sum of the first {n} odd numbers is {n} squared",
    "Alternatively, we could count them by their size, from 1 to {n}",
    "Therefore the number we want is {m}, as I said before",
)
TIMING = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const it = performance.getEntriesByType("navigation")[0];
  const painted = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  done({ answered: it.responseStart, received: it.responseEnd, parsed: it.domInteractive, painted,
    loaded: it.loadEventEnd, still: performance.now(), bytes: it.decodedBodySize });
})))"""
KEYS = """() => {
  window.delays = [];
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) if (each.name === "keydown") window.delays.push(each.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: false });
}"""


def pieces() -> list[str]:
    """TOKENS short texts that are STEPS steps or a few more."""
    found: list[str] = []
    for number in range(STEPS):
        text = SENTENCES[number % len(SENTENCES)].format(n=number % 97 + 2, m=2 * (number % 97 + 2))
        words = [f" {word}" for word in text.split()]
        size = (number + 1) * TOKENS // STEPS - number * TOKENS // STEPS - 1
        found += [*(words * 2)[:size], ".\n\n"]
    return found


def plant(home: Path, count: int) -> list[str]:
    """The ids of `count` kept traces."""
    tokens = [
        Token(at, at % 1000, piece.encode(), "reasoning", "model", -0.1 * (at % 40), at / 20, 0.3)
        for at, piece in enumerate(pieces())
    ]
    question = "How many squares are there?"
    labeller, steps = Labeller(question), list[StepEnd]()
    for step in segment(tokens):
        label = labeller.step(text_of(tokens[step.start : step.stop]))
        steps.append(
            StepEnd(type(step)(step.index, step.start, step.stop, step.part, label.role, label.rule))
        )
    answer = Token(len(tokens), 7, b"There are 204.", "answer", "model", -0.1, len(tokens) / 20, 0.3)
    usage = Usage(200, 0, len(tokens), sampled_tokens=len(tokens), prefill_s=1.0, decode_s=len(tokens) / 20)
    ids = []
    with open_store(home / "traces.db") as store:
        for number in range(count):
            request = Request((Message("user", f"{question} ({number})"),))
            journal = store.begin(Start(request, "model", "engine", tuple(range(200)), 32_768))
            events: list[Event] = [*tokens, *steps, answer, Finish("stop", "model", usage)]
            for event in events:
                journal.add(event)
            journal.close()
            ids.append(journal.trace_id)
    print(f"{count} traces of {len(tokens) + 1:,} tokens and {len(steps):,} steps")
    return ids


@contextmanager
def serving(home: Path, model: str) -> Iterator[tuple[str, psutil.Process]]:
    """The address and the process of `ponder serve`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable,
        "-m",
        "ponder",
        "serve",
        "--port",
        str(port),
        *(["-m", model] if model else []),
    ]
    given = os.environ | {"PONDER_HOME": str(home), "PONDER_TOKEN": TOKEN}
    process = subprocess.Popen(command, env=given, stdout=subprocess.DEVNULL)
    try:
        while True:
            assert process.poll() is None, "the server ended"
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


class Tab:
    """A tab that has come in by the door."""

    def __init__(self, browser: Browser, url: str, server: psutil.Process) -> None:
        self._server = server
        self.page = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900}).new_page()
        self.page.set_default_timeout(300_000)
        self.page.goto("/enter")
        self.page.get_by_label("Token").fill(TOKEN)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/ask")
        self._session = self.page.context.new_cdp_session(self.page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def opened(self, path: str) -> dict[str, float]:
        """The browser's own times of a page, in milliseconds from the start of its navigation."""
        served_s = self._server_s()
        response = self.page.goto(path, wait_until="commit")
        assert response is not None
        response.finished()
        served_s = self._server_s() - served_s
        self.page.wait_for_load_state("load")
        found: dict[str, float] = self.page.evaluate(TIMING)
        return found | {"server": 1000 * served_s, "tab": 1000 * self.spent_s()}

    def _server_s(self) -> float:
        return sum(self._server.cpu_times()[:2])

    def spent_s(self) -> float:
        """Processor time of the main thread since this page was begun."""
        metrics: Any = self._session.send("Performance.getMetrics")["metrics"]
        return float({each["name"]: each["value"] for each in metrics}["TaskDuration"])


def table(rows: Sequence[tuple[str, Sequence[dict[str, float]]]]) -> None:
    """Medians of each kind of page, and the slowest."""
    names = ("server", "tab", "answered", "received", "parsed", "painted", "loaded", "still")
    print(f"{'ms, median (slowest)':<24}" + "".join(f"{name:>16}" for name in names) + f"{'kB':>8}")
    for title, found in rows:
        line = f"{title:<24}"
        for name in names:
            values = [each[name] for each in found]
            line += f"{statistics.median(values):>9.0f} ({max(values):.0f})".rjust(16)
        print(line + f"{found[0]['bytes'] / 1000:>8.0f}")


def opening(browser: Browser, url: str, server: psutil.Process, ids: Sequence[str]) -> None:
    """Open every trace cold and warm, and the control in turn."""
    tab = Tab(browser, url, server)
    empty, cold, warm = [], [], []
    for name in ids:
        empty.append(tab.opened("/enter"))
        cold.append(tab.opened(f"/traces/{name}"))
        tab.page.locator("#claims:not([data-late])").wait_for()  # or the server would still be at the claims
        warm.append(tab.opened(f"/traces/{name}"))
    table((("an empty page", empty), ("a long trace, cold", cold), ("the same, warm", warm)))


def typing(tab: Tab, keys: int) -> None:
    """Type into a correction while the run goes on, and again when it has ended."""
    page = tab.page
    page.goto("/ask")
    page.get_by_label("Question").fill(
        "How many prime numbers lie between 100 and 200? Count them one by one."
    )
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url("**/traces/*")
    typed(tab, keys, "while it streams")
    page.get_by_role("button", name="Stop").click()  # which leaves the words, so the page can load anew
    page.get_by_role("heading", name="Where the effort went").wait_for()
    typed(tab, keys, "after its end")


def typed(tab: Tab, keys: int, title: str) -> None:
    """Open the first step, type, and print how long keys took to be shown."""
    page = tab.page
    row = page.locator("li.row").first
    row.get_by_role("link").first.click()
    row.get_by_text("Correct here").click()
    page.evaluate(KEYS)
    words = page.get_by_label("The words")
    words.fill("")
    steps = page.locator("li.row").count()
    text = "".join(chr(97 + number * 7 % 26) for number in range(keys))
    before_s = tab.spent_s()
    page.keyboard.type(text, delay=20)
    each_ms = 1000 * (tab.spent_s() - before_s) / keys
    came = page.locator("li.row").count() - steps
    late: list[float] = sorted(page.evaluate("window.delays")) or [0.0]
    kept = "none dropped" if words.input_value() == text else "KEYS WERE DROPPED"
    print(
        f"{keys} keys {title:<18} {kept}; shown after more than 16 ms: {len(late)}, the median of these "
        f"{statistics.median(late):.0f} ms, the slowest {late[-1]:.0f} ms; "
        f"{each_ms:.1f} ms of the main thread a key; {came} steps came meanwhile"
    )


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--rounds", type=int, default=5)
    reader.add_argument("--model", default="", help="also type while this model writes")
    reader.add_argument("--keys", type=int, default=200)
    given = reader.parse_args()
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        ids = plant(Path(folder), given.rounds)
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        with serving(Path(folder), given.model) as (url, server):
            opening(browser, url, server, ids)
            if given.model:
                typing(Tab(browser, url, server), given.keys)
        browser.close()


if __name__ == "__main__":
    main()
