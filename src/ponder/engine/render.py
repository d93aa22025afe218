"""A conversation as token ids, in which only the template can write control tokens.

llama.cpp renders the model's own template around placeholders; the placeholders are then replaced by the
users' texts, tokenised apart and without special tokens. Strings that a vocabulary turns into one token
whatever the parser is told (R1's `<think>` is such a one) are cut after their first character.
"""

import re
from collections.abc import Callable, Sequence

from ponder.core.request import Message
from ponder.core.tags import FORMATS

_PLACE = re.compile("(\t?)\ue000([0-9]+)\ue001(\t?)")

Tokenize = Callable[[str, bool], list[int]]
"""(text, are special tokens real) → ids."""


def placeholders(messages: Sequence[Message]) -> list[dict[str, str]]:
    """The messages in OpenAI's form, each text replaced by a mark the template will carry through."""
    return [{"role": m.role, "content": f"\t\ue000{i}\ue001\t"} for i, m in enumerate(messages)]


def markup(extra: Sequence[str] = ()) -> re.Pattern[str]:
    """What must not stand in one piece in a user's text: every known think tag, and `extra` strings."""
    tags = {text for tag in FORMATS.values() for text in (tag.open, tag.close, tag.answer) if text}
    return re.compile("|".join(re.escape(text) for text in sorted(tags | set(extra), key=len, reverse=True)))


def neutral_ids(text: str, tokenize: Tokenize, forbidden: re.Pattern[str]) -> list[int]:
    """Ids of a user's text, none of them a control token or a tag."""
    ids: list[int] = []
    start = 0
    for match in forbidden.finditer(text):
        ids += tokenize(text[start : match.start() + 1], False)
        start = match.start() + 1
    if start < len(text):
        ids += tokenize(text[start:], False)
    return ids


def render(
    rendered: str, messages: Sequence[Message], tokenize: Tokenize, forbidden: re.Pattern[str]
) -> tuple[list[int], int, str]:
    """Ids of a template rendered around `placeholders`, how many of them lead through the first user message,
    and the text that follows the last message.

    A template that trims its messages has dropped the tabs around a mark; the text is trimmed then too.
    """
    ids: list[int] = []
    start = head = 0
    for match in _PLACE.finditer(rendered):
        ids += tokenize(rendered[start : match.start()], True) if match.start() > start else []
        message = messages[int(match[2])]
        text = message.content
        text = text if match[1] else text.lstrip()
        text = text if match[3] else text.rstrip()
        ids += neutral_ids(text, tokenize, forbidden) if text else []
        start = match.end()
        if message.role == "user" and not head:
            head = len(ids)
    tail = rendered[start:]
    ids += tokenize(tail, True) if tail else []
    return ids, head, tail
