"""Starting the embedded engine's process before anything else is loaded."""

from collections.abc import Sequence

from ponder.engine.embedded import prestart
from ponder.engine.process import Process

NEED_ENGINE = ("ask", "chat", "fork", "replay", "resume")
NO_ENGINE = {"-h", "--help", "--server", "--llama-server"}

_waiting: list[Process] = []


def start_ahead(arguments: Sequence[str]) -> None:
    """Start a process if these command-line arguments will need one."""
    options = {word.split("=")[0] for word in arguments}
    if arguments and arguments[0] in NEED_ENGINE and not options & NO_ENGINE:
        _waiting.append(prestart())


def take() -> Process | None:
    """The process that was started, once."""
    return _waiting.pop() if _waiting else None
