"""A vocabulary as a GGUF file keeps it: tokens, what kind each is, merges, and the chat template."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gguf

from ponder.distill.vocabulary import BEGIN, END, PRE, SPECIAL, TEMPLATE, THINK, Vocabulary
from ponder.errors import InputError

CONTROL, SHOWN, NORMAL = gguf.TokenType.CONTROL, gguf.TokenType.USER_DEFINED, gguf.TokenType.NORMAL

_SPLITTERS = {
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?": "qwen2",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?": "llama-bpe",
    r"\p{N}{1,3}": "deepseek-v3",
}
"""How the first expression of a tokenizer begins → llama.cpp's name for that splitting into words."""


class Tokens(NamedTuple):
    """Byte-level BPE. `pre` is llama.cpp's name of the splitting; ids are places in `tokens`."""

    tokens: Sequence[str]
    kinds: Sequence[int]
    merges: Sequence[str]
    pre: str
    begin: int | None
    end: int
    pad: int | None
    template: str
    add_begin: bool = False

    def write(self, file: gguf.GGUFWriter) -> None:
        """Into the header of `file`."""
        file.add_tokenizer_model("gpt2")
        file.add_tokenizer_pre(self.pre)
        file.add_token_list(list(self.tokens))
        file.add_token_types(list(self.kinds))
        file.add_token_merges(list(self.merges))
        if self.begin is not None:
            file.add_bos_token_id(self.begin)
        file.add_eos_token_id(self.end)
        if self.pad is not None:
            file.add_pad_token_id(self.pad)
        file.add_add_bos_token(self.add_begin)
        if self.template:
            file.add_chat_template(self.template)


def of_vocabulary(vocabulary: Vocabulary) -> Tokens:
    """Think tags are user-defined tokens as in R1's own files, so that engines show them."""
    count = len(vocabulary.tokens)
    kinds = [(CONTROL if at < THINK else SHOWN) if at < len(SPECIAL) else NORMAL for at in range(count)]
    return Tokens(vocabulary.tokens, kinds, vocabulary.merges, PRE, BEGIN, END, END, TEMPLATE)


def of_folder(folder: Path, size: int) -> Tokens:
    """What `tokenizer.json` and its neighbours in a transformers folder say, filled up to `size` tokens.

    Raises InputError where the tokenizer is no byte-level BPE whose splitting llama.cpp knows.
    """
    whole = _json(folder / "tokenizer.json")
    settings = _json(folder / "tokenizer_config.json")
    model = whole["model"]
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise InputError(f"{folder}/tokenizer.json is no byte-level BPE; other tokenizers cannot be written.")
    place: dict[str, int] = dict(model["vocab"])
    kinds = dict.fromkeys(place.values(), NORMAL)
    for added in whole.get("added_tokens", []):
        place[added["content"]] = added["id"]
        kinds[added["id"]] = CONTROL if added["special"] else SHOWN
    named = {at: token for token, at in place.items()}
    tokens = [named.get(at, f"[PAD{at}]") for at in range(max(size, max(named) + 1))]
    template = folder / "chat_template.jinja"
    said = template.read_text(encoding="utf-8") if template.exists() else settings.get("chat_template", "")
    ends = [_id(settings, key, place) for key in ("bos_token", "eos_token", "pad_token")]
    if ends[1] is None:
        raise InputError(f"{folder}/tokenizer_config.json names no eos_token; a model needs one to stop.")
    return Tokens(
        tokens,
        [kinds.get(at, gguf.TokenType.UNUSED) for at in range(len(tokens))],
        [each if isinstance(each, str) else " ".join(each) for each in model["merges"]],
        _pre(whole, folder),
        ends[0],
        ends[1],
        ends[2],
        said if isinstance(said, str) else "",
        bool(settings.get("add_bos_token", False)),
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read; a model's folder needs one.") from error


def _id(settings: Mapping[str, Any], key: str, place: Mapping[str, int]) -> int | None:
    said = settings.get(key)
    return place.get(said["content"] if isinstance(said, Mapping) else said) if said else None


def _pre(whole: Mapping[str, Any], folder: Path) -> str:
    splitter = whole.get("pre_tokenizer") or {}
    steps = splitter.get("pretokenizers", [splitter])
    for step in steps:
        expression = step.get("pattern", {}).get("Regex", "") if step.get("type") == "Split" else ""
        for begins, name in _SPLITTERS.items():
            if expression == begins or (len(begins) > 20 and expression.startswith(begins)):
                return name
    if [step.get("type") for step in steps] == ["ByteLevel"] and steps[0].get("use_regex", True):
        return "gpt-2"
    raise InputError(f"{folder}/tokenizer.json splits words in a way that llama.cpp has no name for here.")
