"""A conversation as token ids, in which only the template can write control tokens.

llama.cpp renders the model's own template around placeholders; the placeholders are then replaced by the
users' texts, tokenised apart and without special tokens. Strings that a vocabulary turns into one token
whatever the parser is told (R1's `<think>` is such a one) are cut after their first character.
"""

import re
from collections.abc import Callable, Sequence

from ponder.core.request import Message
from ponder.core.tags import FORMATS
from ponder.engine.protocol import Written

_PLACE = re.compile("(\t?)\ue000([0-9]+)\ue001(\t?)")

Tokenize = Callable[[str, bool], list[Written]]
"""(text, are special tokens real) → tokens."""


def placeholders(messages: Sequence[Message]) -> list[dict[str, str]]:
    """The messages in OpenAI's form, each text replaced by a mark the template will carry through."""
    marked = []
    for i, message in enumerate(messages):
        row = {"role": message.role, "content": _mark(2 * i)}
        if message.reasoning:  # the template decides whether old reasoning is kept
            row["reasoning_content"] = _mark(2 * i + 1)
        marked.append(row)
    return marked


def _mark(number: int) -> str:
    return f"\t\ue000{number}\ue001\t"


def markup(extra: Sequence[str] = ()) -> re.Pattern[str]:
    """What must not stand in one piece in a user's text: every known think tag, and `extra` strings."""
    tags = {text for tag in FORMATS.values() for text in (tag.open, tag.close, tag.answer) if text}
    return re.compile("|".join(re.escape(text) for text in sorted(tags | set(extra), key=len, reverse=True)))


def neutral(text: str, tokenize: Tokenize, forbidden: re.Pattern[str]) -> list[Written]:
    """The tokens of a user's text, none of them a control token or a tag."""
    tokens: list[Written] = []
    start = 0
    for match in forbidden.finditer(text):
        tokens += tokenize(text[start : match.start() + 1], False)
        start = match.start() + 1
    if start < len(text):
        tokens += tokenize(text[start:], False)
    return tokens


def render(
    rendered: str, messages: Sequence[Message], tokenize: Tokenize, forbidden: re.Pattern[str]
) -> tuple[list[int], int, str]:
    """Ids of a template rendered around `placeholders`, how many of them lead through the first user message,
    and the text that follows the last message.

    A template that trims its messages has dropped the tabs around a mark; the text is trimmed then too.
    """
    tokens: list[Written] = []
    start = head = 0
    for match in _PLACE.finditer(rendered):
        tokens += tokenize(rendered[start : match.start()], True) if match.start() > start else []
        message = messages[int(match[2]) // 2]
        text = message.reasoning if int(match[2]) % 2 else message.content
        text = text if match[1] else text.lstrip()
        text = text if match[3] else text.rstrip()
        tokens += neutral(text, tokenize, forbidden)
        start = match.end()
        if message.role == "user" and not head:
            head = len(tokens)
    tail = rendered[start:]
    tokens += tokenize(tail, True) if tail else []
    return [token for token, _ in tokens], head, tail
