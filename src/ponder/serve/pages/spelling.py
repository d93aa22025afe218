"""How numbers and times are written on every page, so that they read the same everywhere."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from ponder.catalog.models import spelled_count
from ponder.fit.recommend import spelled_s

DAY_S = 86400


def count(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{value:,.0f}"


def seconds(value: float) -> str:
    """A duration, short: `0.4 s`, `41 s`, `3 min 20 s`, `2 h 5 min`."""
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 100:
        return f"{minutes} min {rest} s" if rest and minutes < 20 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def rate(value: float | None) -> str:
    """Tokens per second without the unit."""
    if value is None:
        return "?"
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}"


def size(count_bytes: float | None) -> str:
    """Bytes as people say them."""
    if count_bytes is None:
        return "?"
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count_bytes >= factor:
            figure = count_bytes / factor
            return (
                f"{figure:.0f} {unit}" if figure >= 99.5 or unit in {"MB", "kB"} else f"{figure:.1f} {unit}"
            )
    return f"{count_bytes:.0f} B"


def ago(created: float) -> str:
    """How long ago, or the date: `just now`, `12 min ago`, `3 h ago`, `21 Nov 2026`."""
    passed = time.time() - created
    if passed < 60:
        return "just now"
    if passed < 3600:
        return f"{passed / 60:.0f} min ago"
    if passed < DAY_S:
        return f"{passed / 3600:.0f} h ago"
    return datetime.fromtimestamp(created, UTC).astimezone().strftime("%-d %b %Y")


def when(created: float) -> str:
    """A moment in full, in the server's own time zone."""
    return datetime.fromtimestamp(created, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def contexts(tokens: int) -> str:
    """A context's length: `16k`, or the number where it is no multiple of 1,024."""
    return f"{tokens // 1024}k" if tokens and tokens % 1024 == 0 else count(tokens)


def line(text: str, most: int = 160) -> str:
    """`text` in one line, cut after `most` characters."""
    words = " ".join(text[: most * 4].split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def gib(count_bytes: float) -> str:
    """Memory as its makers count it: `24 GiB`."""
    return f"{count_bytes / 2**30:.3g} GiB"


def pairs(values: Iterable[object]) -> list[tuple[str, str]]:
    """Choices that are called what they are, as (value, words)."""
    return [(str(value), str(value)) for value in values]


FILTERS = {
    each.__name__: each
    for each in (count, seconds, rate, size, ago, when, contexts, line, gib, pairs, spelled_s, spelled_count)
}
"""What templates may use, by name."""
