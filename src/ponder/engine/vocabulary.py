"""How vocabularies spell bytes: byte-level (GPT-2's printable stand-ins) and SentencePiece (▁ and <0x0A>)."""

import re
from collections.abc import Sequence
from functools import cache

_BYTE = re.compile("<0x([0-9A-Fa-f]{2})>")


def spelled(strings: Sequence[str], whole: bytes, count: int) -> list[bytes]:
    """The bytes of each of `count` tokens that together are `whole`, given how a vocabulary spells them.

    Where no reading of `strings` gives `whole`, the last token gets all of it: the sum stays exact.
    """
    if len(strings) == count:
        for reading in (_plain, _byte_level, _sentencepiece):
            found = [reading(string) for string in strings]
            if b"".join(found) == whole:
                return found
    return [b""] * (count - 1) + [whole] if count else []


def _plain(string: str) -> bytes:
    return string.encode("utf-8", "replace")


def _byte_level(string: str) -> bytes:
    """GPT-2's spelling; a special token stands for itself."""
    table = _stand_ins()
    if all(char in table for char in string):
        return bytes(table[char] for char in string)
    return string.encode("utf-8", "replace")


def _sentencepiece(string: str) -> bytes:
    byte = _BYTE.fullmatch(string)
    return bytes([int(byte[1], 16)]) if byte else string.replace("▁", " ").encode("utf-8", "replace")


@cache
def _stand_ins() -> dict[str, int]:
    """Character → byte: printable ones of Latin-1 are themselves, the others follow from U+0100 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + place): byte for place, byte in enumerate(others)}
