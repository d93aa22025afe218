"""Several choices of one prompt: it is evaluated once, and each of them goes on from there.

The first choice that has a slot has the prompt evaluated and its cache put aside; the others take it from
there. It belongs to these choices only and is gone with them.
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack

from ponder.engine.owned import Owned
from ponder.engine.protocol import Engine, Prompt
from ponder.errors import EngineError

LEAST_TOKENS = 64
"""A shorter prompt is evaluated sooner than its cache is written and read."""


class Together:
    """What the choices of one request share; `lent`: whether the prompt was evaluated once for all."""

    def __init__(self) -> None:
        self.lent = False
        self._tried = False
        self._closed = False
        self._lock = threading.Lock()
        self._held = ExitStack()

    def share(self, engine: Engine, prompt: Prompt, wanted: Callable[[], bool]) -> None:
        """Return when the prompt has been evaluated, by this call or by another choice's."""
        with self._lock:
            if self._tried or self._closed or not isinstance(engine, Owned):
                return
            self._tried = True
            if len(prompt.ids) < LEAST_TOKENS:
                return
            try:
                self.lent = self._held.enter_context(engine.lending(prompt, wanted))
            except EngineError:  # then each evaluates it, or tells what is wrong with it
                self.lent = False

    def close(self) -> None:
        """The choices have ended. May wait for an evaluation that nobody wants any more."""
        with self._lock:
            self._closed = True
            self._held.close()
