"""Paths as people type them."""

from pathlib import Path

from ponder.errors import InputError


def typed_path(text: str | Path) -> Path:
    """The path that a person typed, `~` and `~name` expanded; raises InputError for a name without a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise InputError(f"{text}: nobody of that name has a home here: type the whole path.") from None
