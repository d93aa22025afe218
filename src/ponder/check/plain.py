r"""One spelling for many: LaTeX and Unicode mathematics become plain characters, every one in its place.

`plain(text)` has the length of `text`, so that a range in the one is the same range in the other. A replaced
command is filled up with spaces (`\times` becomes `×` and five spaces); `FILL` holds the place of what
stands inside a number (`1{,}000`).
"""

import re

FILL = "\x01"
_SIGNS = {
    "times": "×", "cdot": "×", "ast": "×", "div": "÷", "approx": "≈", "sim": "≈", "simeq": "≈",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "lt": "<", "gt": ">", "ne": "≠", "neq": "≠", "equiv": "≡",
    "pi": "π", "pm": "±", "dots": "…", "ldots": "…", "cdots": "…", "circ": "°", "sqrt": "√", "frac": "⁄",
    "dfrac": "⁄", "tfrac": "⁄", "cfrac": "⁄", "lbrace": "{", "rbrace": "}", "pmod": "~", "bmod": "~",
    "mod": "~", "to": "→", "implies": "→", "Rightarrow": "→", "rightarrow": "→", "therefore": "→",
    "quad": " ", "qquad": " ",
    "left": " ", "right": " ", "big": " ", "Big": " ", "bigl": " ", "bigr": " ", "Bigl": " ", "Bigr": " ",
    "displaystyle": " ", "checkmark": ".",
}  # fmt: skip
_COMMAND = re.compile(
    r"\\(?:text|textbf|mathrm|mathbf|fbox|textit|operatorname|underline)\s?\{(?P<words>[^{}\n]{0,80})\}"
    r"|\\(?:begin|end)\s?\{(?P<display>(?:align(?:ed)?|equation|gather(?:ed)?|split|multline|cases)\*?)\}"
    r"|\\(?:text|textbf|mathrm|mathbf|boxed|fbox|textit|operatorname|underline)\s?\{"
    r"|\\(?P<name>[A-Za-z]+)|\\(?P<mark>[^A-Za-z])"
)
_THOUSANDS = re.compile(r"(?<=[0-9])(?:\{,\}|\\,|\\!|,\\!)(?=[0-9]{3})")
_CHARACTERS = str.maketrans(
    {
        "−": "-", "–": "-", "—": ";", "·": "×", "⋅": "×", "∙": "×", "∗": "*", "✕": "×", "✖": "×", "∕": "/",
        "⩽": "≤", "⩾": "≥", "≦": "≤", "≧": "≥", "≃": "≈", "≅": "≈", "\u00a0": " ", "\u2009": " ",
        "\u202f": " ",
        "’": "'", "‘": "'", "“": '"', "”": '"', "$": " ", "⇒": "→", "＝": "=", "（": "(", "）": ")",
        "，": ";", "？": "?", "！": "!", "；": ";", "：": ":", "、": ",", "％": "%", "&": " ",
    }
)  # fmt: skip
_ITEM = re.compile(r"(?<=\\\))(\s+)[-*](?=\s)")
"""A dash behind inline mathematics opens an item more often than it is a minus."""
_BOLD = re.compile(r"\*\*(?!\*)")


def plain(text: str) -> str:
    """`text` in plain spelling and of the same length."""
    text = _THOUSANDS.sub(lambda m: "," + FILL * (len(m[0]) - 1), text)
    text = _ITEM.sub(r"\1;", text)
    text = _COMMAND.sub(_command, text) if "\\" in text else text
    return _BOLD.sub(_bold, text.translate(_CHARACTERS).replace("`", " "))


def _command(match: re.Match[str]) -> str:
    name, mark = match["name"], match["mark"]
    if match["words"] is not None:
        return (match["words"] + " ").rjust(len(match[0]))
    if match["display"] is not None:
        pieces = match["display"] == "cases" and match.string[: match.start()].rstrip().endswith("=")
        return ("\x02" if pieces else "\n").ljust(len(match[0]))
    if name in ("gcd", "lcm"):
        return " " + name
    if name:
        sign = _SIGNS.get(name, "\x02")  # an unknown command: nothing beside it is checked
        return sign + " " * (len(match[0]) - 1)
    if mark:
        return {"\\": "\n ", "%": " %", "{": " {", "}": " }"}.get(mark, "\n " if mark in "[]" else "  ")
    return " " * (len(match[0]) - 1) + "{"


def _bold(match: re.Match[str]) -> str:
    """`**` is a power between two operands and bold type elsewhere."""
    text, start, stop = match.string, match.start(), match.end()
    before = text[start - 1 : start]
    spaced = before == " " and text[stop : stop + 1] == " "
    beside = text[max(0, start - 4) : start].rstrip()[-1:] if spaced else before
    after = text[stop : stop + 2].lstrip()[:1]
    power = (beside.isdigit() or beside == ")") and (after.isdigit() or after in ("(", "-"))
    return "^ " if power else "  "
