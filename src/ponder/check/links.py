"""How one statement follows from the one before: what stands between them, word by word.

Only words of a closed list may stand between a statement and its consequence; any other word may change the
subject. That is blunt, and it is what keeps "wrong" trustworthy.
"""

import re
from typing import Literal

Link = Literal["none", "side by side", "displayed", "consequence"]

_MATH = re.compile(r"[0-9][0-9.,]*|[-+*/^=×÷²³(){}\[\]√⁄±<>≤≥!%π]|\\|\$")
_WORD = re.compile(r"[A-Za-z']+|[\u4e00-\u9fff]+|→|⟹|⟶|⇔|⟺|∴")
_CONSEQUENCE = frozenset((
    "so", "thus", "hence", "therefore", "gives", "give", "giving", "get", "getting", "obtain", "obtaining",
    "yields", "yield", "yielding", "means", "implies", "implying", "leads", "leading", "find", "then",
    "dividing",
    "divide", "subtracting", "subtract", "adding", "add", "multiplying", "multiply", "becomes", "simplifies",
    "solution", "solutions", "root", "roots", "rearranging", "simplifying", "simplify", "solving", "→",
    "⟹", "⟶",
    "⇔", "⟺", "∴", "taking", "square", "follows", "conclude", "factor", "factoring", "factors", "factored",
    "isolating", "isolate", "combining", "combine", "collecting", "collect", "gathering", "expanding",
    "expand", "distributing", "distribute", "moving", "move", "transposing", "transpose", "cancelling",
    "canceling", "cancel", "rewriting", "rewrite", "rewritten", "simplified", "reduces", "equivalent",
    "equivalently", "eliminates", "eliminating", "eliminate", "substituting", "substitute", "plugging",
    "squaring", "cross-multiplying", "finally", "得", "所以", "因此", "解得", "即", "则", "故", "从而",
    "的解是",
    "的根是", "可得", "得到", "解为",
))  # fmt: skip
_NEUTRAL = frozenset((
    "we", "that", "which", "this", "is", "are", "to", "and", "for", "both", "sides", "side", "by", "from",
    "the",
    "equation", "it", "have", "now", "of", "value", "in", "terms", "can", "be", "i", "you", "us", "me",
    "let", "has",
    "as", "at", "on", "a", "up", "out", "through", "each", "step", "result", "solve", "next", "just",
    "let's", "its",
    "equals", "must", "also", "with", "quadratic", "linear", "either", "or", "term", "constant",
    "coefficient",
    "down", "my", "right", "left", "hand", "do", "same", "thing", "like", "two", "three", "positive",
    "since", "will",
    "further", "terms", "isolated", "becomes", "variable", "variables", "answer", "unknown", "all",
    "like", "constants", "numbers", "brackets", "parentheses", "back", "into", "our", "original",
    "because", "roots", "how", "find",
    "ok", "okay",
    "方程", "两边", "同时", "除以", "减去", "加上", "乘以", "解", "是", "由", "equations", "system",
    "these", "simultaneously",
    "together", "using", "where", "know", "means", "other", "first", "second", "following", "i.e", "e",
    "x", "y", "n", "t",
))  # fmt: skip
_LIST = re.compile(r"\n\s*(?:[-*•]\s|\(?[0-9]{1,2}[.):]|[A-Da-d][.)]\s)")
_LONGEST = 320


def link(between: str) -> Link:
    """What the text between two statements makes of the second one."""
    if len(between) > _LONGEST or "?" in between:
        return "none"
    words = [word.lower().strip("'") for word in _WORD.findall(_MATH.sub(" ", between))]
    if any(word not in _CONSEQUENCE and word not in _NEUTRAL for word in words):
        return "none"
    if any(word in _CONSEQUENCE for word in words):
        return "consequence"
    if words or _LIST.search(between):
        return "side by side" if not set(words) - {"and", "or", "或"} else "none"
    return "displayed" if "\n" in between else "side by side"


_STARTS_ANEW = re.compile(
    r"\b(?:cases?|suppos\w*|alternatively|instead|another|option|assum\w*|wait|hold on|problem|"
    r"question|mistake|wrong|incorrect|no,|example|imagine|let's (?:test|try|check|see if)|try(?:ing)?|"
    r"test(?:ing)?|"
    r"guess|what if|if|unless|either|consider|different|choice|choose|pick|actually|hmm|but)\b"
    r"|如果|假设|情况|另外|等等|但是|不对|例如|若",
    re.IGNORECASE,
)
_FORGETS = re.compile(
    r"\b(?:cases?|suppos\w*|alternatively|another|option|assum\w*|problem|question|example|imagine|what if|"
    r"if|for|try(?:ing)?|test(?:ing)?|guess|different|second|next (?:problem|case|one)|when|either|or)\b"
    r"|如果|假设|情况|例如|若|当",
    re.IGNORECASE,
)


def starts_anew(between: str) -> bool:
    """Whether equations from before may no longer hold."""
    return _STARTS_ANEW.search(between) is not None


def forgets(between: str) -> bool:
    """Whether values of variables from before may no longer hold."""
    return _FORGETS.search(between) is not None
