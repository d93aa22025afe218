"""A model as a transformers folder: configuration, safetensors, tokenizer, template, card."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer

from ponder.distill.layout import Array
from ponder.distill.shapes import config_of, weights_of
from ponder.distill.student import Student
from ponder.distill.tokens import Tokens, of_folder
from ponder.distill.vocabulary import BEGIN, END, SPECIAL, TEMPLATE, THINK, Vocabulary
from ponder.errors import InputError


def write_folder(student: Student, vocabulary: Vocabulary, folder: Path) -> None:
    """Everything that transformers needs to load the student and its tokenizer from `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.contiguous() for name, weight in weights_of(student).items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _write(folder / "config.json", config_of(student.shape))
    whole(vocabulary).save(str(folder / "tokenizer.json"))
    special = {"bos_token": SPECIAL[BEGIN], "eos_token": SPECIAL[END], "pad_token": SPECIAL[END]}
    special["unk_token"] = SPECIAL[END]  # never needed, but without one some classes add a token
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": student.shape.n_ctx,
            "add_bos_token": False,
            "clean_up_tokenization_spaces": False,
            **special,
        },
    )
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    _write(
        folder / "generation_config.json", {"bos_token_id": BEGIN, "eos_token_id": END, "do_sample": False}
    )


def whole(vocabulary: Vocabulary) -> Tokenizer:
    """The tokenizer with the special tokens in it, at the ids that students are trained with."""
    made = json.loads(vocabulary.json())
    vocabulary_ids = made["model"]["vocab"]
    made["model"]["vocab"] = {token: at + len(SPECIAL) for token, at in vocabulary_ids.items()}
    made["model"]["vocab"] |= {token: at for at, token in enumerate(SPECIAL)}
    tokenizer = Tokenizer.from_str(json.dumps(made))
    tokenizer.add_special_tokens(
        [AddedToken(each, special=True, normalized=False) for each in SPECIAL[:THINK]]
    )
    tokenizer.add_tokens([AddedToken(each, special=False, normalized=False) for each in SPECIAL[THINK:]])
    return tokenizer


def read_folder(folder: Path) -> tuple[dict[str, Any], Mapping[str, Array], Tokens]:
    """Configuration, weights in fp32, and vocabulary. Raises InputError where something is missing."""
    path = folder / "config.json"
    if not path.exists():
        raise InputError(f"{folder} has no config.json; a model's folder needs one.")
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InputError(f"{folder} has no safetensors; save the model there first.")
    state: dict[str, Array] = {}
    for file in files:
        for name, weight in load_file(file).items():
            state[name] = weight.to(torch.float32).numpy().astype(np.float32, copy=False)
    if config.get("tie_word_embeddings"):
        state.pop("lm_head.weight", None)
    return config, state, of_folder(folder, config["vocab_size"])


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
