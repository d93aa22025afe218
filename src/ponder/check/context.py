"""Whether a statement is meant: not supposed, asked, denied, or said by someone else.

Only the sentence around it is read, at most `REACH` characters to either side.
"""

import re
from bisect import bisect_right
from functools import lru_cache

REACH = 240
_END = re.compile(r"[.!?;](?=\s|$)|\n|[。！？；]")
_SUPPOSED = re.compile(
    r"\b(?:suppos(?:e|ing)|assum(?:e|es|ing)|imagin(?:e|ing)|pretend\w*|hypothe\w+|whether|what if|"
    r"as if|were to|at first(?: glance)?|seems?|looks like|appears that|tempt\w+|would (?:be|say|think"
    r"|claim)|(?:might|may|could) (?:say|think|claim|guess)|"
    r"claim(?:s|ed|ing)?|said|says?|saying|wrote|according to|"
    r"states? that|stated|argu\w+|believe[sd]?|"
    r"(?:user|student|he|she|they|someone|somebody|people|i|we) (?:thought|got|thinks?|put|answered"
    r"|computed)|"
    r"guess\w*|want|need|require[sd]?|must|should|looking for|solve|equation|condition|such that|in order)\b"
    r"|如果|假设|假如|若|是否|有人|认为|声称|要求|需要|设想|猜",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|never|cannot|wrong(?:ly)?|incorrect(?:ly)?|mistake\w*|error|false|instead of|rather than|"
    r"impossible|contradict\w*|none|nor|neither|typo|confus\w+|misread|(?:in )?no (?:way|case))\b|n't\b"
    r"|≠|✗|❌"
    r"|不|错|误|并非|没有",
    re.IGNORECASE,
)
_IF = re.compile(
    r"\b(?:if|unless|try|trying|test|check|checking)\b|\b(?:for|when)\s+(?:[A-Za-z]|any|all|every|each|"
    r"some)\b(?! [a-z]{2})",
    re.IGNORECASE,
)
_THEN = re.compile(r",|\bthen\b|:")
_DENIED_AFTER = re.compile(
    r"\bnot (?:true|possible|valid|equal|correct|right|hold|work|satisf|an? integer)|contradict|"
    r"^[^,.;]{0,30}\b(?:is|does|are|do|was|did|ca)n't\b|"
    r"\bfalse\b|≠|\bimpossible\b|\bwhich is (?:wrong|not)|(?:\b(?:is|was|that's|be)|→) (?:wrong|incorrect"
    r"|✗)|✗|❌|"
    r"^,? (?:said|says|claim(?:s|ed)|according to|\w+ (?:said|says|claims?))\b|"
    r"^[^,.;]{0,20}\b(?:would|instead|cannot)\b|^[^.;]{0,4}\bhmm\b|\b(?:no|nope),? (?:wait|it'?s|that'?s)\b|"
    r"^[^。\n]{0,12}(?:不对|错|不正确|不成立|矛盾|不可能|不是)",
    re.IGNORECASE,
)
_DENIED_LATER = re.compile(
    r"\bnot (?:true|possible|valid|equal|hold|work|satisf|an? integer)|contradict|\bimpossible\b|≠|"
    r"n't (?:work|hold|equal|match|satisf|true|possible|valid)",
    re.IGNORECASE,
)
_REDEFINED = re.compile(
    r"\b(?:binary|octal|hex(?:adecimal)?|base[- ]?\d+|in base|modul(?:o|us)|mod|clock|xor|bitwise|"
    r"left to right|(?<!i )[ap]\.?m|o'clock|carry|carrying|"
    r"nim|puzzle|pattern|cipher|riddle|operations?|defined?|concatenat\w+|degrees|angle|versions?|release|"
    r"matri(?:x|ces)|vectors?|tuples?|digitwise|boolean|chapters?|dimensions?|lexicographic\w*|"
    r"where [a-z] ?[*@#^] ?[a-z])\b|~|≡|_\d|>>>|进制|模|版本|定义|运算",
    re.IGNORECASE,
)


_ELSEWHERE = re.compile(
    r"\b(?:work\w*|comput\w*|arithmetic|all|everything|are|do|let's|now)\b[^.\n]{0,40}\b(?:mod(?:ulo)?\b"
    r"|~|in binary|"
    r"(?:in )?base[- ]?\d|in hex|in octal|xor\b)|\bin (?:binary|hexadecimal|octal|base \d+)\b[.,:]|"
    r"\b(?:re)?defin\w+[^\n]{0,60}\b[a-z] ?[^\w\s=] ?[a-z] ?=|\boperat(?:ion|or)s?\b[^\n]{0,60}[a-z] ?[^"
    r"\w\s=] ?[a-z] ?=",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"\b(?:wrong|incorrect|flawed|mistaken|student(?:'s)?|user(?:'s)?|attempt|someone's|their|his|her)\b"
    r"[^.\n]{0,40}:\s*\n",
    re.IGNORECASE,
)
_RIDDLE = re.compile(r"=\s*\?")
_FAR = 500


@lru_cache(maxsize=4)
def _doubted_from(text: str) -> tuple[list[int], list[int]]:
    """Where a text sets rules of its own or shows somebody's work, and where it leaves a result open."""
    marks = [m.end() for pattern in (_ELSEWHERE, _QUOTED) for m in pattern.finditer(text)]
    return sorted(marks), [match.start() for match in _RIDDLE.finditer(text)]


def _elsewhere(text: str, start: int, stop: int) -> bool:
    """Whether the text before set rules of its own or shows somebody's work, or this is a riddle's line."""
    marks, riddles = _doubted_from(text)
    before = bisect_right(marks, start)
    near = bisect_right(riddles, start - 200)
    return (before > 0 and marks[before - 1] > start - _FAR) or (
        near < len(riddles) and riddles[near] < stop + 200
    )


def sentence(text: str, start: int, stop: int) -> tuple[str, str]:
    """What stands before and behind [start, stop) in its sentence, its end sign included."""
    before = text[max(0, start - REACH) : start]
    cuts = list(_END.finditer(before))
    end = _END.search(text, stop, stop + REACH)
    return before[cuts[-1].end() :] if cuts else before, text[stop : end.end() if end else stop + REACH]


def stance(text: str, start: int, stop: int) -> str:
    """How a statement in plain text is meant: "claimed", "doubtful" (it may not be meant), "not claimed"."""
    before, behind = sentence(text, start, stop)
    if behind.rstrip("。. ").endswith(("?", "？", "吗")) or _SUPPOSED.search(before):
        return "not claimed"
    conditions = list(_IF.finditer(before))
    if conditions and not _THEN.search(before, conditions[-1].end()):
        return "not claimed"
    near = before[-80:]
    if (
        _DENIED.search(near)
        or _DENIED_AFTER.search(behind[:60])
        or _DENIED_LATER.search(text, stop, stop + 60)
    ):
        return "doubtful"
    if _REDEFINED.search(before) or _REDEFINED.search(behind) or _elsewhere(text, start, stop):
        return "doubtful"
    quoted = before.count('"') % 2 == 1 and '"' in behind
    return "doubtful" if quoted else "claimed"
