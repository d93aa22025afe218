"""The vocabulary of a small model: byte-level BPE learned on its world, every digit a token of its own.

Special tokens come first and are written by `prompt` and `lesson` only: a text never becomes one. The
splitting into words is Qwen2's, which llama.cpp knows as `qwen2`, so that both give the same tokens.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Split
from tokenizers.pre_tokenizers import Sequence as InTurn
from tokenizers.trainers import BpeTrainer

PRE = "qwen2"
SPECIAL = ("<|begin|>", "<|end|>", "<|user|>", "<|assistant|>", "<think>", "</think>")
BEGIN, END, USER, ASSISTANT, THINK, ENDTHINK = range(len(SPECIAL))
TEMPLATE = (
    "{{ '<|begin|>' }}{% for m in messages %}{% if m['role'] == 'assistant' %}"
    "{{ '<|assistant|>' + m['content'].split('</think>')[-1] + '<|end|>' }}"
    "{% else %}{{ '<|user|>' + m['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|><think>\\n' }}{% endif %}"
)
"""The chat template: the prompt ends inside the reasoning."""

_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


class Vocabulary:
    """Text ↔ token ids. Ids below `len(SPECIAL)` are special."""

    def __init__(self, bpe: Tokenizer) -> None:
        self._bpe = bpe
        self.size = bpe.get_vocab_size() + len(SPECIAL)

    @classmethod
    def learned(cls, texts: Iterable[str], size: int) -> "Vocabulary":
        """A vocabulary of `size` tokens from `texts`."""
        bpe = _empty(BPE())
        trainer = BpeTrainer(
            vocab_size=size - len(SPECIAL), initial_alphabet=sorted(ByteLevel.alphabet()), show_progress=False
        )
        bpe.train_from_iterator(texts, trainer)
        return cls(bpe)

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """What `save` wrote."""
        return cls(Tokenizer.from_file(str(path)))

    def save(self, path: Path) -> None:
        """As one JSON file in the form of the `tokenizers` package, without the special tokens."""
        self._bpe.save(str(path))

    def json(self) -> str:
        """What `save` writes."""
        return str(self._bpe.to_str())

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, none of them special."""
        return [each + len(SPECIAL) for each in self._bpe.encode(text).ids]

    def text(self, ids: Iterable[int]) -> str:
        """The text of tokens; special ones are written out. Broken UTF-8 becomes U+FFFD."""
        out, run = "", []
        for each in ids:
            if each >= len(SPECIAL):
                run.append(each - len(SPECIAL))
                continue
            out, run = out + self._bpe.decode(run) + SPECIAL[each], []
        return out + self._bpe.decode(run)

    def prompt(self, question: str) -> list[int]:
        """A question as the template renders it, up to the line in which the reasoning begins."""
        return [BEGIN, USER, *self.ids(question), ASSISTANT, THINK, *self.ids("\n")]

    @property
    def tokens(self) -> list[str]:
        """Every token in the byte alphabet of GPT-2, special ones as they are, in the order of the ids."""
        vocabulary = self._bpe.get_vocab()
        return [*SPECIAL, *sorted(vocabulary, key=vocabulary.__getitem__)]

    @property
    def merges(self) -> Sequence[str]:
        """The merges in order, both parts separated by a space."""
        return [
            each if isinstance(each, str) else " ".join(each)
            for each in json.loads(self._bpe.to_str())["model"]["merges"]
        ]


def _empty(model: BPE) -> Tokenizer:
    bpe = Tokenizer(model)
    bpe.pre_tokenizer = InTurn(
        [Split(Regex(_WORDS), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    bpe.decoder = ByteLevelDecoder()
    return bpe
