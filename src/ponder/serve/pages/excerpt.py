r"""The beginning of a model's words as one plain line: without the marks of Markdown, mathematics as text.

It is for lists, where nothing is rendered: `**Answer:** \(\frac{1}{2}\)` reads `Answer: 1/2`. What is not
known stays as it was written; nothing is lost but marks.
"""

import re

from ponder.serve.pages.spelling import line

_SIGNS = {
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥",
    "neq": "≠", "ne": "≠", "approx": "≈", "equiv": "≡", "to": "→", "rightarrow": "→", "implies": "⇒",
    "Rightarrow": "⇒", "infty": "∞", "pi": "π", "theta": "θ", "alpha": "α", "beta": "β", "sum": "∑",
    "prod": "∏", "int": "∫", "in": "∈", "angle": "∠", "circ": "°", "ldots": "…", "dots": "…", "cdots": "…",
    "quad": " ", "qquad": " ", "left": "", "right": "", "displaystyle": "", "sqrt": "√",
}  # fmt: skip
_STEPS = (
    (re.compile(r"```\w*"), " "),
    (re.compile(r"(?m)^\s{0,3}(?:#{1,6}|>|[-*+])\s+"), ""),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
    (re.compile(r"\\[()]"), ""),
    (re.compile(r"\\[\[\]]|\$\$"), " "),
    (re.compile(r"(?<![\w$])\$(?=\S)([^$\n]{1,200}?)(?<=\S)\$(?![\w$])"), r"\1"),
    (re.compile(r"\\(?:text|mathrm|mathbf|boxed|textbf|operatorname)\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\[dt]?frac\{(\w*)\}\{(\w*)\}"), r"\1/\2"),
    (re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"(\1)/(\2)"),
    (re.compile(r"\\sqrt\{([^{}]*)\}"), r"√(\1)"),
    (re.compile(r"\^\{(\w)\}|_\{(\w)\}"), lambda found: f"{found[0][0]}{found[1] or found[2]}"),
)
_COMMAND = re.compile(r"\\([A-Za-z]+)\s?")
_MOST_READ = 4
"""So many times the wanted length is read, at most."""


def excerpt(text: str, most: int = 160) -> str:
    """`text` in one plain line, cut after `most` characters."""
    words = text[: most * _MOST_READ]
    for pattern, instead in _STEPS:
        words = pattern.sub(instead, words)
    words = _COMMAND.sub(lambda found: _SIGNS.get(found[1], found[0]), words)
    return line(words, most)
