"""Examples in the words of somebody else's model: its chat template, its tokenizer, its tags.

The template ends its prompt at the assistant's turn; where it does not open the reasoning itself, that is
done here, as R1's README advises. A question never becomes a control token, whatever it says.
"""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from ponder.distill.example import Example
from ponder.distill.lessons import Lesson, joined
from ponder.errors import InputError

_HERE = "⟦question⟧"
OPEN, CLOSE = "<think>\n", "\n</think>\n\n"


class Templated:
    """Renders examples for the model in `folder` (or of that name on the Hub)."""

    def __init__(self, folder: Path | str, *, direct: bool = False) -> None:
        self.direct = direct
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        if self._tokenizer.chat_template is None or self._tokenizer.eos_token_id is None:
            raise InputError(f"{folder} has no chat template or no end token; name a model that chats.")
        messages = [{"role": "user", "content": _HERE}]
        whole = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        self._before, found, after = whole.partition(_HERE)
        if not found:
            raise InputError(f"the chat template of {folder} leaves out what the user says.")
        self._after = after if after.endswith(OPEN) else after + OPEN

    def prompt(self, question: str) -> list[int]:
        """The ids of a question, up to the line in which the reasoning begins."""
        return [*self._ids(self._before), *self._text(question), *self._ids(self._after)]

    def lesson(self, example: Example) -> Lesson:
        """The example with what is to be learned of it; pieces are cut apart where that changes."""
        ids = self.prompt(example.question)
        learn = [False] * len(ids)
        pieces = [] if self.direct else joined(example.pieces)
        for text, wanted in pieces:
            tokens = self._text(text)
            ids, learn = ids + tokens, learn + [wanted] * len(tokens)
        end = [*self._ids(CLOSE), *self._text(example.answer), self._tokenizer.eos_token_id]
        return Lesson(ids + end, learn + [True] * len(end))

    def _ids(self, text: str) -> list[int]:
        """Text of a template: what looks like a control token is one."""
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _text(self, text: str) -> list[int]:
        """Text of a person or a model: nothing in it is a control token."""
        return list(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))
