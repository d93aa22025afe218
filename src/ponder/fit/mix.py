"""Which storage type each tensor of a GGUF gets: the mixes behind names such as `Q4_K_M`.

A file type has a base type; values, the feed-forward's down matrix and the attention output get better
ones, in all or in chosen layers. The rules are those of llama.cpp's quantiser (src/llama-quant.cpp, build
11434); files made by other recipes (`UD-*`, `*_XL`) do not follow them: read their header instead.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from ponder.catalog.ggml import TENSOR_TYPES, TensorType
from ponder.errors import InputError
from ponder.fit.geometry import Geometry, Grouped, Latent
from ponder.fit.tensors import Tensor

TYPES: Mapping[str, TensorType] = {tensor_type.name: tensor_type for tensor_type in TENSOR_TYPES.values()}

BASE: Mapping[str, str] = {
    "F32": "F32",
    "F16": "F16",
    "BF16": "BF16",
    "Q8_0": "Q8_0",
    "Q6_K": "Q6_K",
    "Q5_K_M": "Q5_K",
    "Q5_K_S": "Q5_K",
    "Q5_1": "Q5_1",
    "Q5_0": "Q5_0",
    "Q4_K_M": "Q4_K",
    "Q4_K_S": "Q4_K",
    "Q4_1": "Q4_1",
    "Q4_0": "Q4_0",
    "MXFP4_MOE": "MXFP4",
    "IQ4_NL": "IQ4_NL",
    "IQ4_XS": "IQ4_XS",
    "Q3_K_L": "Q3_K",
    "Q3_K_M": "Q3_K",
    "Q3_K_S": "Q3_K",
    "IQ3_M": "IQ3_S",
    "IQ3_S": "IQ3_S",
    "IQ3_XS": "IQ3_S",
    "IQ3_XXS": "IQ3_XXS",
    "Q2_K": "Q2_K",
    "Q2_K_S": "Q2_K",
    "IQ2_M": "IQ2_S",
    "IQ2_S": "IQ2_XS",
    "IQ2_XS": "IQ2_XS",
    "IQ2_XXS": "IQ2_XXS",
    "IQ1_M": "IQ1_M",
    "IQ1_S": "IQ1_S",
}
"""File type → the type of most of its tensors, largest first."""

NEEDS_IMATRIX = frozenset(
    {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M", "IQ3_XXS", "IQ3_XS", "Q2_K_S"}
)
"""File types that llama-quantize refuses to make without an importance matrix."""

_SMALLEST = frozenset({"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"})

_FALLBACK = {"Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}

_CATEGORIES = (
    ("attn_qkv.weight", "value"),
    ("attn_kv_b.weight", "value"),
    ("attn_v.weight", "value"),
    ("attn_k.weight", "key_query"),
    ("attn_q.weight", "key_query"),
    ("attn_output.weight", "attention_output"),
    ("ffn_up", "up"),
    ("ffn_gate", "up"),
    ("ffn_down_shexp", "down_shared"),
    ("ffn_down", "down"),
)

CATEGORIES = (*dict.fromkeys(kind for _, kind in _CATEGORIES), "other", "output", "token_embd")

_KEPT = ("_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "ssm_conv1d")


def category(tensor: Tensor) -> str:
    """The part of the rules that a tensor falls under; `kept` tensors stay in 4-byte values."""
    name = tensor.name
    if len(tensor.shape) < 2 or not name.endswith("weight") or any(part in name for part in _KEPT):
        return "kept"
    if name in {"output.weight", "token_embd.weight"}:
        return name.removesuffix(".weight")
    return next((kind for part, kind in _CATEGORIES if part in name), "other")


class Choice(NamedTuple):
    """`special` for the tensors whose index is in `where` (see `chosen`), `default` for the others."""

    default: str
    special: str = ""
    where: str = ""


class Traits(NamedTuple):
    """What of a model, beside its tensors, the rules look at."""

    grouped: bool
    many_experts: bool
    is_70b: bool
    imatrix: bool


def traits(geometry: Geometry, imatrix: bool) -> Traits:
    """Whether 4 query heads share a key head in layer 0, 4 experts or more, and llama.cpp's model class
    `70B`."""
    mixer = geometry.attention
    if isinstance(mixer, Grouped):
        grouped = mixer.heads >= 4 * mixer.kv_heads and geometry.architecture != "nemotron_h_moe"
    else:
        grouped = not isinstance(mixer, Latent) or mixer.absorbed
    experts = geometry.experts
    is_70b = geometry.layers == 80 and geometry.architecture in {"llama", "qwen2", "deci"}
    return Traits(grouped, bool(experts and experts.count >= 4), is_70b, imatrix)


@lru_cache(maxsize=1024)
def chosen(where: str, count: int) -> frozenset[int]:
    """The indices below `count` that get the better type; `more` are the first and last eighth and every
    third between."""
    eighth, last = count // 8, 7 * count // 8
    match where:
        case "more":
            return frozenset(i for i in range(count) if i < eighth or i >= last or (i - eighth) % 3 == 2)
        case "middle":
            return frozenset(range(eighth, last))
        case "first8th" | "counted8th":
            return frozenset(range(eighth))
        case "first16th":
            return frozenset(range(count // 16))
        case "first4" | "first2":
            return frozenset(range(int(where[-1])))
    return frozenset()


def _value(quant: str, base: str, model: Traits) -> Choice:
    if quant in _SMALLEST:
        if model.grouped or model.many_experts:
            return Choice("Q4_K")
        return Choice("IQ3_S" if quant in {"IQ2_S", "IQ2_M"} else "Q2_K")
    four_if_grouped = Choice("Q4_K" if model.grouped else base)
    match quant:
        case "Q4_K_M" | "Q5_K_M":
            choice = Choice(base, "Q6_K", "more")
        case "Q4_K_S":
            choice = Choice(base, "Q5_K", "first4")
        case "Q3_K_M":
            choice = Choice("Q4_K", "Q5_K", "first2")
        case "Q3_K_L":
            choice = Choice("Q5_K")
        case "Q2_K":
            choice = Choice("Q4_K" if model.grouped else "Q3_K")
        case "Q2_K_S" | "IQ3_XS" | "IQ3_S":
            choice = four_if_grouped
        case "IQ3_M":
            choice = Choice("Q4_K")
        case "IQ3_XXS":
            choice = four_if_grouped if model.grouped or model.imatrix else Choice("IQ3_S")
        case "IQ4_XS" | "IQ4_NL":
            choice = Choice("Q5_K" if model.grouped else base)
        case _:
            choice = Choice(base)
    if model.is_70b:
        raised = {"Q3_K": "Q5_K", "Q4_K": "Q5_K"}
        return Choice(
            raised.get(choice.default, choice.default),
            raised.get(choice.special, choice.special),
            choice.where,
        )
    return choice


def _down(quant: str, base: str, model: Traits) -> Choice:
    match quant:
        case "Q4_K_M" | "Q5_K_M":
            return Choice(base, "Q6_K", "more")
        case "Q4_K_S":
            return Choice(base, "Q5_K", "first8th")
        case "Q3_K_M":
            return Choice("Q4_K", "Q5_K", "first16th")
        case "Q3_K_L":
            return Choice("Q5_K")
        case "Q2_K":
            return Choice("Q3_K")
        case "Q2_K_S" | "IQ3_M":
            return Choice(base, "Q4_K", "first8th")
        case "Q4_0" | "Q5_0" if model.imatrix:
            return Choice(base, base[:-1] + "1", "first8th")
        case "IQ4_XS" | "IQ4_NL" if not model.imatrix:
            return Choice(base, "Q5_K", "first8th")
        case "IQ3_XXS" if not model.imatrix:
            return Choice("Q3_K", "Q4_K", "first8th")
        case "IQ2_M" | "IQ2_S":
            return Choice(base, "IQ3_S", "counted8th")
        case "IQ2_XS" | "IQ2_XXS" | "IQ1_M" | "IQ1_S":
            return Choice(base, "Q2_K", "counted8th")
    return Choice(base)


_ATTENTION_OUTPUT = {
    "Q3_K_M": "Q4_K",
    "Q3_K_L": "Q5_K",
    "Q2_K": "Q3_K",
    "IQ3_M": "Q4_K",
    "IQ3_XXS": "IQ3_S",
    "IQ2_M": "IQ3_S",
    "IQ2_S": "IQ3_S",
    "IQ1_M": "IQ2_XXS",
    "IQ1_S": "IQ2_XXS",
}

_EMBEDDING = dict.fromkeys(("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS"), "Q2_K") | dict.fromkeys(
    ("IQ2_S", "IQ2_M", "IQ3_XXS"), "IQ3_S"
)


def rules(quant: str, model: Traits) -> Mapping[str, Choice]:
    """Category → choice of type for one file type and one model.

    Raises InputError for a name that is no file type of llama.cpp.
    """
    if quant not in BASE:
        raise InputError(f"There is no quantisation {quant!r}; llama.cpp knows {', '.join(BASE)}.")
    base = BASE[quant]
    if TYPES[base].block == 1 or quant == "MXFP4_MOE":
        return dict.fromkeys(CATEGORIES, Choice("Q8_0" if quant == "MXFP4_MOE" else base))
    down = _down(quant, base, model)
    return {
        "value": _value(quant, base, model),
        "key_query": Choice({"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}.get(quant, base)),
        "attention_output": Choice(_ATTENTION_OUTPUT.get(quant, base)),
        "up": Choice(base, "IQ3_XXS", "middle") if quant == "IQ3_XS" else Choice(base),
        "down": down,
        "down_shared": down,
        "other": Choice(base),
        "output": Choice(
            "Q8_0" if base == "Q8_0" else "Q5_K" if quant in _SMALLEST | {"IQ3_XXS"} else "Q6_K"
        ),
        "token_embd": Choice(_EMBEDDING.get(quant, base)),
    }


def fitting(wanted: str, row: int) -> str:
    """`wanted`, or what the quantiser takes instead when a row of `row` weights is not a whole number of
    its blocks."""
    if row % TYPES[wanted].block == 0:
        return wanted
    fallback = _FALLBACK.get(wanted, "IQ4_NL" if wanted.startswith("IQ") else wanted)
    return fallback if row % TYPES[fallback].block == 0 else "F16"


def tensor_bytes(type_name: str, shape: tuple[int, ...]) -> int:
    """Bytes of one tensor in the file, padded to the file's alignment of 32."""
    values = 1
    for size in shape:
        values *= size
    storage = TYPES[type_name]
    return -(-(values // storage.block * storage.block_bytes) // 32) * 32
