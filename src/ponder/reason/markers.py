"""Words that begin a new step of reasoning, English and Chinese, as data.

They are the words at which reasoning turns: a doubt, another way, a conclusion, the next thing to do. A
segmenter cuts where a sentence begins with one, and a probe for an early answer may look there too.
"""

import re

MARKERS: tuple[str, ...] = (
    # doubt and correction
    "Wait", "Hold on", "Hmm", "Hm", "But", "However", "Actually", "No,", "Oh,", "Oh wait", "Not so fast",
    "On second thought", "That's not right", "That can't be right", "I made a mistake", "Correction",
    # another way
    "Alternatively", "Another way", "Another approach", "Another thought", "Or maybe", "Or perhaps",
    "Perhaps", "Maybe", "What if", "Suppose", "On the other hand", "Instead",
    # what to do
    "Let me", "Let's", "Let us", "I need to", "I should", "I'll", "First", "Second", "Third", "Firstly",
    "Secondly", "Thirdly", "Next", "Now", "Then", "Finally", "Lastly", "Step", "Okay", "OK,", "Alright",
    "Well,", "To verify", "To check", "Just to", "Looking at", "Checking", "Going back",
    # conclusion
    "So", "Therefore", "Thus", "Hence", "Consequently", "In conclusion", "In summary", "To summarize",
    "Putting it", "Overall", "Final answer", "The answer is", "Yes,", "Yeah", "Yep", "Similarly",
    # Chinese
    "等等", "等一下", "等下", "稍等", "不对", "不,", "不，", "但是", "但", "不过", "然而", "可是",
    "其实", "实际上", "嗯", "哦", "或者", "也许", "可能", "另外", "另一种", "另一方面", "换一种",
    "换个", "如果", "假设", "让我", "我们来", "我来", "我需要", "我应该", "首先", "第一", "第二",
    "第三", "其次", "接下来", "接着", "然后", "最后", "现在", "好的", "好,", "好，", "验证", "检查",
    "再检查", "再看", "回头", "所以", "因此", "于是", "那么", "综上", "总之", "总结", "最终", "答案是",
    "对,", "对，", "没错", "是的", "同样", "类似", "这样",
)  # fmt: skip

LONGEST = max(len(marker.encode()) for marker in MARKERS) + 1
"""A beginning of this many bytes is enough to tell whether a text starts with a marker."""

_ASCII = "|".join(re.escape(m) for m in sorted(MARKERS, key=len, reverse=True) if m.isascii())
_OTHER = "|".join(re.escape(m) for m in sorted(MARKERS, key=len, reverse=True) if not m.isascii())
_START = re.compile(
    rf"[\"'*(_“]{{0,2}}(?:(?:{_ASCII})(?![a-z0-9_])|(?i:wait|hmm+|hold on)(?![a-z0-9_])|{_OTHER})".encode()
)


def starts_with_marker(text: bytes) -> bool:
    """Whether `text` (UTF-8, its first `LONGEST` bytes suffice) begins with a marker."""
    return _START.match(text) is not None
