"""Small real GGUF files for the tests: random weights (they babble bytes) or a script (they say one text).

Both run in the real engine in milliseconds. The random one has a byte-level vocabulary, so that its
output is full of broken UTF-8; the scripted one is a bigram chain: no attention, no feed-forward,
and an output matrix that makes each token of the script the certain successor of the one before. A chain
is a script with chances, and it can remember that one token stood before.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    return _write(path, tokens, (embedding, output), weights, {}, n_ctx_train=n_ctx_train, template=template)


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
    if len(set(pieces)) != len(pieces):
        raise ValueError("a piece stands twice in the script")
    inside = [piece for piece in pieces if piece != THINK[0]]
    pairs = [*pairwise([ASSISTANT, *pieces, EOS]), ("\n", inside[0]), *also]
    chain = {here: {following: 1.0} for here, following in pairs}
    return write_chain(path, chain, n_ctx_train=n_ctx_train, template=template)


def write_chain(
    path: Path,
    chain: Mapping[str, Mapping[str, float]],
    *,
    memory: tuple[str, str, str] | None = None,
    n_ctx_train: int = 4096,
    n_ff: int = 64,
    template: str = PREFILLING,
) -> Path:
    """A model in which each token is followed by others with given chances, at temperature 1.

    A large `n_ff` makes it slow and changes nothing else.
    `memory` (marker, here, then): once `marker` stands anywhere before, `here` is followed by `then` instead.
    """
    words = [word for here, following in chain.items() for word in (here, *following)]
    words += [*(memory or ()), "\n\n"]  # llama.cpp wants at least one merge
    alphabet, special = byte_alphabet(), (*CONTROL, *THINK)
    extra = [encoded(word) for word in words if word not in special and encoded(word) not in alphabet]
    tokens = [*special, *alphabet, *dict.fromkeys(extra)]
    place = {token: index for index, token in enumerate(tokens)}
    width = -(-(len(tokens) + 2) // 32) * 32
    size = float(np.sqrt(width))  # of a token's feature after the norm

    def number(piece: str) -> int:
        return place[piece] if piece in special else place[encoded(piece)]

    embedding, output = (np.zeros((len(tokens), width), np.float32) for _ in range(2))
    embedding[np.arange(len(tokens)), np.arange(len(tokens))] = 1.0
    for here, followers in chain.items():
        for following, chance in followers.items():
            output[number(following), number(here)] = (35.0 + np.log(chance)) / size
    first: dict[str, Array] = {}
    if memory is not None:
        first = _remembering(number(memory[0]), number(memory[1]), len(tokens), (width, n_ff))
        output[number(memory[2]), len(tokens) + 1] = 70.0 / size

    def zeros(*shape: int) -> Array:
        return np.zeros(shape, np.float32)

    ends = embedding, output
    return _write(path, tokens, ends, zeros, first, n_ctx_train=n_ctx_train, n_ff=n_ff, template=template)


def _remembering(marker: int, here: int, flag: int, sizes: tuple[int, int]) -> dict[str, Array]:
    """A first layer whose attention looks for a token and sets the feature `flag` where it stood before, and
    whose feed-forward sets the next feature at the token `here` if the flag is set.
    """
    width, n_ff = sizes
    query, key, value, out = (np.zeros((width, width), np.float32) for _ in range(4))
    gate, up, down = (np.zeros(shape, np.float32) for shape in ((n_ff, width), (n_ff, width), (width, n_ff)))
    size = float(np.sqrt(width))  # of a token's feature after the norm
    still = width // 4 - 2  # of the first head the pair that hardly turns with the position
    query[still, :flag] = 1.0
    key[still, marker] = 15.0 / size
    value[0, marker] = 1.0 / size
    out[flag, 0] = 0.1
    gate[0, here] = up[0, flag] = 10.0 / size
    down[flag + 1, 0] = 0.3
    names = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    return dict(zip(names, (query, key, value, out, gate, up, down), strict=True))


def _write(
    path: Path,
    tokens: Sequence[str],
    ends: tuple[Array, Array],
    weights: Callable[..., Array],
    first: Mapping[str, Array],
    *,
    n_ctx_train: int,
    n_ff: int = 64,
    template: str,
) -> Path:
    embedding, output = ends
    width, layers, heads = embedding.shape[1], 2, 4
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
        shapes = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (width, width))
        shapes |= {"ffn_gate": (n_ff, width), "ffn_up": (n_ff, width), "ffn_down": (width, n_ff)}
        for name, shape in shapes.items():
            own = first.get(name) if layer == 0 else None
            file.add_tensor(f"blk.{layer}.{name}.weight", weights(*shape) if own is None else own)
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
