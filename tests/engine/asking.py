"""What the engine tests share: settings, samplings, and a look behind an engine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from ponder.catalog.gguf import read_vocabulary
from ponder.core.events import Prefill, Sampled
from ponder.core.request import Message, Sampling
from ponder.engine.http import Loopback
from ponder.engine.owned import Owned, Settings
from ponder.engine.protocol import Emission, Engine, Prompt, Stopped
from tests.tiny import CONTROL, MARKUP, PREFILLING, THINK, byte_alphabet

GREEDY = Sampling(temperature=0.0, top_p=1.0, top_k=0, min_p=0.0, seed=1, max_tokens=60)
WILD = replace(GREEDY, temperature=1.0)
"""Everything can come, invalid bytes and control tokens too."""
LONG = replace(GREEDY, max_tokens=None, logit_bias=((1, -100.0),))
"""Until the context is full."""
USUAL = replace(GREEDY, temperature=0.6, top_p=0.95, top_k=40)
TAGS = ("<think>", "</think>")
HELLO = (Message("user", "hello"),)
KEEPING = PREFILLING.replace(
    "m['content'].split('</think>')[-1]",
    "('<think>' + m['reasoning_content'] + '</think>' if m['reasoning_content'] else '') + m['content']",
)
"""Old reasoning stays, as newer templates want it."""


def gone(process: psutil.Process) -> bool:
    """Whether it has ended; one whose parent has not looked yet has, too."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


PATIENCE_S = 120.0
"""What must happen has had the time for it then, on however busy a machine."""


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds; a test that waits in vain fails."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


def settings(path: Path, **changes: Any) -> Settings:
    """Small and quick."""
    return replace(Settings(str(path), n_ctx=2048, threads=1), **changes)


def prompt_of(engine: Engine, text: str = "hello", system: str = "") -> Prompt:
    """One question, perhaps with a system message."""
    messages = [Message("system", system)] if system else []
    return engine.prompt([*messages, Message("user", text)], think=True, tags=TAGS)


def run(
    engine: Engine, sampling: Sampling = GREEDY, prompt: Prompt | None = None, output: Sequence[int] = ()
) -> list[Emission]:
    """Everything one piece yields."""
    return list(engine.stream(prompt or prompt_of(engine), output, sampling, since=0.0))


def tokens(emissions: Sequence[Emission]) -> list[Sampled]:
    return [emission for emission in emissions if isinstance(emission, Sampled)]


def ids(emissions: Sequence[Emission]) -> list[int]:
    return [token.id for token in tokens(emissions) if token.id is not None]


def prefill(emissions: Sequence[Emission]) -> Prefill:
    return [emission for emission in emissions if isinstance(emission, Prefill)][-1]


def stop(emissions: Sequence[Emission]) -> Stopped:
    """The last emission, which is the only stop."""
    stops = [emission for emission in emissions if isinstance(emission, Stopped)]
    assert stops == [emissions[-1]]
    return stops[0]


def vocabulary_of(path: Path, *, spelled: bool = False) -> list[bytes]:
    """The bytes of each id of a model of tests/tiny.py; control tokens have none unless `spelled`."""
    place = {char: index for index, char in enumerate(byte_alphabet())}
    stored = [token.decode() for token in read_vocabulary(path)]
    written = {text: text.encode() for text in (*THINK, *MARKUP)}
    written |= {text: text.encode() if spelled else b"" for text in CONTROL}
    return [written[t] if t in written else bytes(place[char] for char in t) for t in stored]


def behind(engine: Owned) -> Loopback:
    """The server of an engine, to be asked without it; to be closed."""
    client = engine._ready()
    return Loopback(client._server.url, client._server.key)
