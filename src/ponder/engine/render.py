"""A conversation as token ids, in which only the template can write control tokens.

llama.cpp renders the model's own template around placeholders; the placeholders are then replaced by the
users' texts, tokenised apart and without special tokens. A vocabulary may still turn strings into one
token whatever the parser is told (R1's `<think>`, Qwen's `<tool_call>`): tags that we know, and whatever
comes out looking like markup, are cut after their first character, and the parts tokenised apart. What a
vocabulary holds need not be known for that, so it works for any server, and costs nothing at the start.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from ponder.core.request import Message
from ponder.core.tags import FORMATS
from ponder.engine.protocol import Written

_PLACE = re.compile("(\t?)\ue000([0-9]+)\ue001(\t?)")
_MARKUP = re.compile(r"\s*(<.*\w.*>|\[.*\w.*\w.*\]|◁.*\w.*▷|\|.*\w.*\|)\s*", re.DOTALL)
"""The form of every tag and role marker that is one token in a published model's vocabulary."""
_TAGS = frozenset(text for tag in FORMATS.values() for text in (tag.open, tag.close, tag.answer) if text)

Tokenize = Callable[[Sequence[str], bool], list[Written]]
"""(texts, each tokenised apart; are special tokens real) → tokens of all."""


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


def _places(rendered: str, messages: Sequence[Message]) -> Iterator[tuple[re.Match[str], str]]:
    """Every mark, with the text that it stands for, trimmed as the template has trimmed the mark."""
    for match in _PLACE.finditer(rendered):
        message = messages[int(match[2]) // 2]
        text = message.reasoning if int(match[2]) % 2 else message.content
        text = text if match[1] else text.lstrip()
        yield match, text if match[3] else text.rstrip()


def neutral(text: str, tokenize: Tokenize) -> list[Written]:
    """The tokens of a user's text, none of them a control token or a tag."""
    forbidden: Collection[str] = _TAGS
    while True:
        tokens = tokenize(_cut(text, forbidden), False)
        pieces = {piece.decode("utf-8", "replace").strip() for _, piece in tokens}
        forged = {piece for piece in pieces - set(forbidden) if _MARKUP.fullmatch(piece)}
        if not forged:
            return tokens
        forbidden = {*forbidden, *forged}


def _cut(text: str, forbidden: Iterable[str]) -> list[str]:
    """`text` in parts, so that no part holds a whole forbidden string."""
    pattern = "(?=" + "|".join(re.escape(string) for string in forbidden) + ")"
    ends = [match.start() + 1 for match in re.finditer(pattern, text)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def filled(rendered: str, messages: Sequence[Message]) -> tuple[str, str]:
    """As `render`, as text: the whole, and what follows the last message."""
    out, start = "", 0
    for match, text in _places(rendered, messages):
        out += rendered[start : match.start()] + text
        start = match.end()
    return out + rendered[start:], rendered[start:]


def render(rendered: str, messages: Sequence[Message], tokenize: Tokenize) -> tuple[list[Written], int, str]:
    """Tokens of a template rendered around `placeholders`, how many of them lead through the first user
    message, and the text that follows the last message.

    A template that trims its messages has dropped the tabs around a mark; the text is trimmed then too.
    """
    tokens: list[Written] = []
    start = head = 0
    for match, text in _places(rendered, messages):
        tokens += tokenize([rendered[start : match.start()]], True)
        tokens += neutral(text, tokenize)
        start = match.end()
        if messages[int(match[2]) // 2].role == "user" and not head:
            head = len(tokens)
    tail = rendered[start:]
    tokens += tokenize([tail], True)
    return tokens, head, tail
