"""Small real GGUF files for the tests: random weights (they babble bytes) or a script (they say one text).

Both run in the real engine in milliseconds. The random one has a byte-level vocabulary, so that its
output is full of broken UTF-8; the scripted one is a bigram chain: no attention, no feed-forward,
and an output matrix that makes each token of the script the certain successor of the one before.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
USER, ASSISTANT = "<｜User｜>", "<｜Assistant｜>"
CONTROL = (BOS, EOS, USER, ASSISTANT)
THINK = ("<think>", "</think>")
MARKUP = ("<tool_call>", "</tool_call>", "[TOOL_RESULTS]", "<｜tool calls begin｜>", "◁think▷")
"""Tokens of other models' vocabularies that are one token whatever the parser is told."""

# What DeepSeek-R1's template puts out for plain conversations, written down anew; OPENING is the end.
TEMPLATE = (
    "{{ bos_token }}"
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}{% endif %}{% endfor %}"
    "{% for m in messages %}{% if m['role'] == 'user' %}{{ '<｜User｜>' + m['content'] }}"
    "{% elif m['role'] == 'assistant' %}"
    "{{ '<｜Assistant｜>' + m['content'].split('</think>')[-1] + '<｜end▁of▁sentence｜>' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜>OPENING' }}{% endif %}"
)
PREFILLING = TEMPLATE.replace("OPENING", "<think>\\n")
"""The later template: the prompt ends inside the reasoning."""
PLAIN = TEMPLATE.replace("OPENING", "")
"""The first template: the model opens the reasoning itself."""

MERGES = ("t h", "th e", "Ġ t", "Ġt he", "i n", "Ġ a", "1 0", "Ċ Ċ", "ä ½", "ð Ł", "ðŁ ĺ", "Ł ĺ", "e r")


def byte_alphabet() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in byte order."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in shown}
    for place, byte in enumerate(b for b in range(256) if b not in table):
        table[byte] = chr(256 + place)
    return [table[byte] for byte in range(256)]


def encoded(text: str) -> str:
    """`text` in GPT-2's byte alphabet, as a vocabulary stores it."""
    alphabet = byte_alphabet()
    return "".join(alphabet[byte] for byte in text.encode())


def write_random(
    path: Path,
    *,
    seed: int = 0,
    n_ctx_train: int = 4096,
    template: str = PREFILLING,
    also: Sequence[str] = (),
) -> Path:
    """A model of random weights: 2 layers, 64 wide, about 280 tokens, with R1's special tokens.

    `also` are tokens to end the vocabulary with, such as MARKUP.
    """
    rng = np.random.default_rng(seed)
    tokens = [*CONTROL, *THINK, *byte_alphabet(), *(merge.replace(" ", "") for merge in MERGES), *also]

    def weights(*shape: int) -> Array:
        return np.float32(2.0 / np.sqrt(shape[-1])) * rng.standard_normal(shape, np.float32)

    embedding = rng.standard_normal((len(tokens), 64)).astype(np.float32)
    output = weights(len(tokens), 64)
    output[:6] = 0  # special tokens are then rare, but not impossible
    return _write(path, tokens, (embedding, output), weights, n_ctx_train=n_ctx_train, template=template)


def write_script(
    path: Path,
    pieces: Sequence[str],
    *,
    also: Sequence[tuple[str, str]] = (),
    n_ctx_train: int = 4096,
    template: str = PREFILLING,
) -> Path:
    """A model that answers any question with `pieces`, one token each, then the end of the sequence.

    Each piece may stand only once (a bigram chain has no memory). The chain starts at the newline after
    `<think>`, whoever wrote that, or at `<｜Assistant｜>`. `also` are pairs of neighbours
    that come before the script's own.
    """
    words = [piece for piece in pieces if piece not in THINK]
    if len(set(pieces)) != len(pieces):
        raise ValueError("a piece stands twice in the script")
    alphabet = byte_alphabet()
    words.append("\n\n")  # llama.cpp wants at least one merge
    extra = list(dict.fromkeys(encoded(word) for word in words if encoded(word) not in alphabet))
    tokens = [*CONTROL, *THINK, *alphabet, *extra]
    width = -(-len(tokens) // 32) * 32
    embedding = np.zeros((len(tokens), width), np.float32)
    embedding[np.arange(len(tokens)), np.arange(len(tokens))] = 1.0
    output = np.zeros((len(tokens), width), np.float32)
    place = {token: index for index, token in enumerate(tokens)}

    def number(piece: str) -> int:
        return place[piece] if piece in place and piece in (*CONTROL, *THINK) else place[encoded(piece)]

    inside = [piece for piece in pieces if piece != THINK[0]]
    chain = [*pairwise([ASSISTANT, *pieces, EOS]), ("\n", inside[0]), *also]
    for here, following in chain:
        output[:, number(here)] = 0.0
        output[number(following), number(here)] = 2.0

    def zeros(*shape: int) -> Array:
        return np.zeros(shape, np.float32)

    return _write(path, tokens, (embedding, output), zeros, n_ctx_train=n_ctx_train, template=template)


def _write(
    path: Path,
    tokens: Sequence[str],
    ends: tuple[Array, Array],
    weights: Callable[..., Array],
    *,
    n_ctx_train: int,
    template: str,
) -> Path:
    embedding, output = ends
    width, layers, heads, n_ff = embedding.shape[1], 2, 4, 64
    file = gguf.GGUFWriter(path, "llama")
    file.add_name("tiny")
    file.add_block_count(layers)
    file.add_context_length(n_ctx_train)
    file.add_embedding_length(width)
    file.add_feed_forward_length(n_ff)
    file.add_head_count(heads)
    file.add_head_count_kv(heads)
    file.add_layer_norm_rms_eps(1e-6)
    file.add_rope_dimension_count(width // heads)
    file.add_file_type(0)
    _vocabulary(file, tokens, template)
    ones = np.ones(width, np.float32)
    file.add_tensor("token_embd.weight", embedding)
    file.add_tensor("output_norm.weight", ones)
    file.add_tensor("output.weight", output)
    for layer in range(layers):
        file.add_tensor(f"blk.{layer}.attn_norm.weight", ones)
        file.add_tensor(f"blk.{layer}.ffn_norm.weight", ones)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            file.add_tensor(f"blk.{layer}.{name}.weight", weights(width, width))
        file.add_tensor(f"blk.{layer}.ffn_gate.weight", weights(n_ff, width))
        file.add_tensor(f"blk.{layer}.ffn_up.weight", weights(n_ff, width))
        file.add_tensor(f"blk.{layer}.ffn_down.weight", weights(width, n_ff))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path


def _vocabulary(file: gguf.GGUFWriter, tokens: Sequence[str], template: str) -> None:
    kinds: Iterable[int] = (
        3
        if token in CONTROL
        else 4
        if token in (*THINK, *MARKUP)
        else 1  # llama.cpp: CONTROL, USER_DEFINED, NORMAL
        for token in tokens
    )
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre("deepseek-r1-qwen")
    file.add_token_list(list(tokens))
    file.add_token_types(list(kinds))
    known = set(tokens)
    file.add_token_merges([merge for merge in MERGES if merge.replace(" ", "") in known])
    file.add_bos_token_id(0)
    file.add_eos_token_id(1)
    file.add_pad_token_id(1)
    file.add_add_bos_token(True)
    file.add_chat_template(template)
