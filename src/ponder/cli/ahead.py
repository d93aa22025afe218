"""Starting the embedded engine's process before anything else is loaded."""

from collections.abc import Sequence

from ponder.engine.embedded import prestart
from ponder.engine.process import Process
from ponder.fit.busy import Beside

NEED_ENGINE = ("ask", "chat", "fork", "replay", "resume")
NO_ENGINE = {"-h", "--help", "--server", "--llama-server"}

_waiting: list[tuple[Process, Beside]] = []


def start_ahead(arguments: Sequence[str]) -> None:
    """Start a process if these command-line arguments will need one."""
    options = {word.split("=")[0] for word in arguments}
    if arguments and arguments[0] in NEED_ENGINE and not options & NO_ENGINE:
        beside = Beside()  # watches what others do while the process loads, so that nobody waits for it
        process = prestart()
        beside.child = process
        _waiting.append((process, beside))


def take() -> tuple[Process | None, Beside | None]:
    """The process that was started and what has watched the processor since then, once."""
    return _waiting.pop() if _waiting else (None, None)
