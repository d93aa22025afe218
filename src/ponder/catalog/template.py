"""A look at a chat template before any engine runs it.

A template is a program that comes with the weights. A sound one walks over messages; it does not reach
for Python's inner attributes, does not import, and closes what it opens.
"""

import re

MAX_TEMPLATE_LENGTH = 512 * 1024

_OPENING = re.compile(r"\{(?:#|\{|%(?P<raw>[-+]?\s*raw\s*[-+]?%\})?)")
_END_OF_COMMENT = re.compile(r"#\}")
_END_OF_RAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")
_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_PIECE = re.compile(
    rf"(?P<text>{_STRING})|(?P<close>[%}}]\}})|(?P<bracket>[][(){{}}])|(?P<quote>['\"])", re.DOTALL
)
_STRINGS = re.compile(_STRING, re.DOTALL)
_REACHING = re.compile(r"__\w+?__|\|\s*attr\b")
_LOADING = re.compile(r"\b(?:import|include|extends|importlib|subprocess|builtins|popen|getattr|eval|exec)\b")


def template_fault(text: str) -> str:
    """What is wrong with the Jinja template `text`, as the end of a sentence; empty if nothing is."""
    if len(text) > MAX_TEMPLATE_LENGTH:
        return f"is {len(text):,} characters long"
    pos = 0
    while opening := _OPENING.search(text, pos):
        pos = _end(text, opening)
        if pos < 0:
            return f"opens {opening[0]} at character {opening.start():,} without closing it"
        if opening[0] in {"{{", "{%"} and (fault := _code_fault(text[opening.end() : pos])):
            return fault
    return ""


def _end(text: str, opening: re.Match[str]) -> int:
    """The index after what `opening` begins, a comment, a raw block or code; -1 if it never ends."""
    if opening[0] == "{#" or opening["raw"]:
        found = (_END_OF_RAW if opening["raw"] else _END_OF_COMMENT).search(text, opening.end())
        return found.end() if found else -1
    closing = "}}" if opening[0] == "{{" else "%}"
    depth, pos = 0, opening.end()
    while (found := _PIECE.search(text, pos)) and not found["quote"]:
        pos = found.end()
        if found["close"] == closing and not depth:
            return pos
        if found["close"] == "}}":
            pos -= 1  # two brackets, no delimiter: look at the second one again
        if found["close"] == "}}" or found["bracket"]:
            depth += 1 if found["bracket"] in {"(", "[", "{"} else -1
    return -1


def _code_fault(code: str) -> str:
    if found := _REACHING.search(code):
        return f"reaches for {found[0]}"
    if found := _LOADING.search(_STRINGS.sub("''", code)):
        return f"uses {found[0]}"
    return ""
