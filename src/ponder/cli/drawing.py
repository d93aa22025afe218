"""How a kept trace is drawn in a terminal: colours of roles, bars and strips, short words for ends."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from ponder.cli.screen import clean
from ponder.core.events import Step
from ponder.reason.effort import final_answer
from ponder.reason.moves import strip

ROLE_COLOURS = {
    "restate": "bright_black", "plan": "blue", "recall": "cyan", "compute": "green", "check": "bright_green",
    "doubt": "yellow", "backtrack": "red", "branch": "magenta", "consolidate": "bright_blue",
    "answer": "bright_magenta",
}  # fmt: skip
ROLE_LETTERS = {
    "restate": "r", "plan": "p", "recall": "l", "compute": "c", "check": "k", "doubt": "d",
    "backtrack": "x", "branch": "b", "consolidate": "s", "answer": "a",
}  # fmt: skip
"""A role as one letter, where there are no colours; any other is a point."""
_ENDS = {
    "stop": "answered",
    "length": "out of tokens",
    "loop": "looped",
    "cancelled": "stopped",
    "error": "failed",
}
_HEADING = re.compile(r"(?i)^[#*\s]*(?:final\s+)?answer\s*:?[*\s]*:?\s+")
_FORCED = ("no_think", "budget", "context", "loop", "eos", "user")


def console() -> Console:
    """Standard output as wide as the terminal (80 columns when piped), nothing coloured by guessing."""
    return Console(highlight=False, markup=False, emoji=False)


def line(text: str) -> str:
    """The first line of a text that is not empty, safe to print."""
    return next((clean(piece).strip() for piece in text.splitlines() if piece.strip()), "")


def brief_answer(answer: str) -> str:
    """An answer on one line: what it says in short, else its first words behind any heading."""
    bare = _HEADING.sub("", answer.strip())
    return line(final_answer(answer) or bare or answer)


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


def role_strip(steps: Sequence[Step], cells: int, *, coloured: bool) -> Text:
    """The roles along the tokens of some steps, one cell each: a colour, or without colours a letter."""
    text = Text()
    for role in strip(steps, cells):
        sign = "█" if coloured else ROLE_LETTERS.get(role, "·")
        text.append(sign, style=ROLE_COLOURS.get(role, "default"))
    return text


def numbered(steps: Sequence[Step]) -> str:
    """The numbers of neighbouring steps as a person types them: `7`, or `7-12`."""
    first, last = steps[0].index + 1, steps[-1].index + 1
    return f"{first}" if first == last else f"{first}-{last}"


def shares(parts: Iterable[tuple[str, int]]) -> str:
    """How much of a whole each part is, in per cent: `compute 45 % · check 20 %`."""
    listed = list(parts)
    whole = sum(amount for _, amount in listed) or 1
    return " · ".join(f"{line(name)} {100 * amount / whole:.0f} %" for name, amount in listed)


def _cells(share: float, width: int) -> int:
    """A length in cells; what is more than nothing gets one."""
    return max(1, round(share * width)) if share > 0 else 0
