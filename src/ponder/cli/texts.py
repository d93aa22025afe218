"""Texts that a command is given: those of files, `-` being what is piped in."""

import sys
from pathlib import Path

from ponder.errors import InputError


def read_text(name: str, option: str = "") -> str:
    """The text of file `name`, named with `option`; raises InputError where there is none to read."""
    if name == "-":
        return _decoded(sys.stdin.buffer.read(), "standard input")
    try:
        return _decoded(Path(name).read_bytes(), name)
    except OSError as error:
        said = f"{option} {name}".strip()
        raise InputError(f"{said} cannot be read ({error.strerror}): is the path right?") from error


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not text in UTF-8 (byte {error.start} is {data[error.start]:#04x}): give a text file."
        ) from error
    if "\0" in text:
        raise InputError(f"{name} is a binary file: give a text file.")
    return text
