"""What a person waits for on the pages, in Chromium: opening a long trace, and typing while one is written.

`python -m benchmarks.pages` plants traces of 30,000 tokens in 1,500 steps in a folder of its own, serves them
with `ponder serve`, and opens each twice: cold (the server has not seen it) and warm. The times are the
browser's own (navigation and paint timing), `server` is the server's processor time, which other programs
disturb less; the control is a page of ours with nothing on it. With `--model NAME` it also types into a
correction while that model writes; the control there is the same typing after the run has ended.
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
from playwright.sync_api import Browser, Page, sync_playwright

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


def opened(page: Page, path: str, server: psutil.Process) -> dict[str, float]:
    """The browser's own times of a page, in milliseconds from the start of its navigation."""
    before = sum(server.cpu_times()[:2])
    response = page.goto(path, wait_until="commit")
    assert response is not None
    response.finished()
    spent = sum(server.cpu_times()[:2]) - before
    page.wait_for_load_state("load")
    found: dict[str, float] = page.evaluate(TIMING)
    return found | {"server": 1000 * spent}


def table(rows: Sequence[tuple[str, Sequence[dict[str, float]]]]) -> None:
    """Medians of each kind of page, and the slowest."""
    names = ("server", "answered", "received", "parsed", "painted", "loaded", "still")
    print(f"{'ms, median (slowest)':<24}" + "".join(f"{name:>16}" for name in names) + f"{'kB':>8}")
    for title, found in rows:
        line = f"{title:<24}"
        for name in names:
            values = [each[name] for each in found]
            line += f"{statistics.median(values):>9.0f} ({max(values):.0f})".rjust(16)
        print(line + f"{found[0]['bytes'] / 1000:>8.0f}")


def opening(browser: Browser, url: str, server: psutil.Process, ids: Sequence[str]) -> None:
    """Open every trace cold and warm, and the control in turn."""
    page = entered(browser, url)
    empty, cold, warm = [], [], []
    for name in ids:
        empty.append(opened(page, "/enter", server))
        cold.append(opened(page, f"/traces/{name}", server))
        page.locator("#claims:not([data-late])").wait_for()  # or the server would still be at the claims
        warm.append(opened(page, f"/traces/{name}", server))
    table((("an empty page", empty), ("a long trace, cold", cold), ("the same, warm", warm)))


def entered(browser: Browser, url: str) -> Page:
    """A tab that has come in by the door."""
    page = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900}).new_page()
    page.goto("/enter")
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ask")
    return page


def typing(browser: Browser, url: str, keys: int) -> None:
    """Type into a correction while the run goes on, and again when it has ended."""
    page = entered(browser, url)
    page.get_by_label("Question").fill(
        "How many prime numbers lie between 100 and 200? Count them one by one."
    )
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url("**/traces/*")
    row = page.locator("li.row").first
    row.wait_for(timeout=120_000)
    row.get_by_role("link").first.click()
    row.get_by_text("Correct here").click()
    page.evaluate(KEYS)
    for title in ("while it streams", "after its end"):
        words = page.get_by_label("The words")
        words.fill("")
        before = page.locator("#tps").count() and page.locator(".facts dd").nth(2).inner_text()
        page.evaluate("window.delays = []")
        typed = "".join(chr(97 + number * 7 % 26) for number in range(keys))
        page.keyboard.type(typed, delay=20)
        after = page.locator(".facts dd").nth(2).inner_text()
        delays: Any = page.evaluate("window.delays")
        kept = words.input_value() == typed
        late = sorted(delays) or [0]
        print(
            f"{keys} keys {title:<18} {'none dropped' if kept else 'KEYS WERE DROPPED'}; shown late "
            f"(> 16 ms): {len(delays)}, median {statistics.median(late):.0f} ms, slowest {late[-1]:.0f} ms; "
            f"tokens {before} to {after}"
        )
        page.keyboard.press("Shift+Tab")
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("status").get_by_text("Done").wait_for()


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
                typing(browser, url, given.keys)
        browser.close()


if __name__ == "__main__":
    main()
