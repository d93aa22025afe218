"""How a kept trace is drawn in a terminal: colours of roles, double bars, short words for times and ends."""

from datetime import datetime

from rich.console import Console
from rich.text import Text

from ponder.cli.screen import clean

ROLE_COLOURS = {
    "restate": "bright_black", "plan": "blue", "recall": "cyan", "compute": "green", "check": "bright_green",
    "doubt": "yellow", "backtrack": "red", "branch": "magenta", "consolidate": "bright_blue",
    "answer": "bright_magenta",
}  # fmt: skip
_ENDS = {
    "stop": "answered",
    "length": "out of tokens",
    "loop": "looped",
    "cancelled": "stopped",
    "error": "failed",
}
_FORCED = ("no_think", "budget", "context", "loop", "eos", "user")


def console() -> Console:
    """Standard output as wide as the terminal (80 columns when piped), nothing coloured by guessing."""
    return Console(highlight=False, markup=False, emoji=False)


def line(text: str) -> str:
    """The first line of a text that is not empty, safe to print."""
    return next((clean(piece).strip() for piece in text.splitlines() if piece.strip()), "")


def ended(reason: str | None, closed_by: str | None, *, short: bool = False) -> str:
    """How a run ended: `answered`, `answered (budget)`, or only `budget` where there is little room."""
    if reason is None:
        return "unfinished"
    end = _ENDS.get(reason, reason)
    if closed_by is None or closed_by not in _FORCED:
        return end
    return closed_by if short else f"{end} ({closed_by})"


def when(created: float) -> str:
    """The clock for today, the day for this year, else the date, in local time."""
    try:
        then, now = datetime.fromtimestamp(created), datetime.now()
    except (OverflowError, OSError, ValueError):
        return "?"
    if then.date() == now.date():
        return f"{then:%H:%M}"
    return f"{then.day} {then:%b}" if then.year == now.year else f"{then:%Y-%m-%d}"


def bars(above: float, below: float, width: int, colour: str) -> Text:
    """Two bars on one line, the upper and the lower half of each cell; lengths from 0 to 1."""
    upper, lower = _cells(above, width), _cells(below, width)
    both = min(upper, lower)
    rest = "▀" * (upper - both) + "▄" * (lower - both)
    return Text("█" * both + rest + " " * (width - max(upper, lower)), style=colour)


def _cells(share: float, width: int) -> int:
    """A length in cells; what is more than nothing gets one."""
    return max(1, round(share * width)) if share > 0 else 0
