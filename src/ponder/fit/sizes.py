"""The bytes of a model's weights, grouped as placement and speed need them, without the file or from its
header.

Layers that hold the same blocks in the same types are summed once, so a size costs some tens of microseconds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from ponder.fit.geometry import Geometry
from ponder.fit.mix import TYPES, Choice, category, chosen, fitting, rules, tensor_bytes, traits
from ponder.fit.tensors import Part, Tensor, block_tensors, draft_tensors, file_tensors, outer_tensors

HEADER_BYTES_PER_TOKEN = 39
"""Of a GGUF header per vocabulary entry: text, type, share of the merges (5,933,942 bytes for 152,064
entries in the header of DeepSeek-R1-Distill-Qwen-7B)."""

LLAMA3_VOCABULARY, LLAMA3_BYTES_PER_TOKEN = 128_256, 61
"""Llama 3 has 280,147 merges: what its published files are larger than their tensors."""

HEADER_BYTES_PER_TENSOR = 57
"""Of a GGUF header per tensor record (19,306 bytes for 339 tensors in the same file)."""


@dataclass(frozen=True, slots=True)
class WeightBytes:
    """The weights of one model in one quantisation, in bytes.

    `fixed[i]` is what every token reads of layer i (attention, norms, router, shared experts, dense
    feed-forward) and `routed[i]` all its routed experts, of which a token reads the share `used_share`.
    `embedding` is the input table (one row is read), `head` the output matrix with the final norm; of a
    `tied` model the head is the table itself, which the file holds once. `draft` layers are in the file but
    not loaded by default. `largest_expert` is the largest tensor of routed experts of any layer, which a GPU
    has to stage when experts stay in RAM.
    """

    header: int
    embedding: int
    head: int
    fixed: tuple[int, ...]
    routed: tuple[int, ...]
    draft: int
    tied: bool
    used_share: float
    largest_expert: int = 0

    @property
    def file(self) -> int:
        """Size of the GGUF file (of all its parts together)."""
        tensors = self.embedding + self.head + sum(self.fixed) + sum(self.routed) + self.draft
        return self.header + tensors - (self.embedding if self.tied else 0)

    @property
    def always(self) -> int:
        """Everything but routed experts and the input table: what a hybrid placement keeps on the GPU."""
        return self.head + sum(self.fixed)

    @property
    def fixed_per_token(self) -> int:
        """Bytes that decoding one token reads whatever the router says."""
        return self.always

    @property
    def routed_per_token(self) -> int:
        """Bytes of routed experts that decoding one token reads."""
        return round(sum(self.routed) * self.used_share)

    @property
    def read_per_token(self) -> int:
        """Bytes that decoding one token reads in all, at batch size 1 and an empty context."""
        return self.fixed_per_token + self.routed_per_token


class _Profile(NamedTuple):
    """A layer's tensors by (category, is routed): values of those whose rows and padding are regular, and
    the rest."""

    regular: tuple[tuple[str, bool, bool, int], ...]
    odd: tuple[tuple[str, bool, Tensor], ...]
    kept_bytes: int
    kept_routed_bytes: int


class _Layer(NamedTuple):
    """One layer of the file and its indices in the quantiser's walk (-1: it has no such tensor)."""

    kind: int
    value: int
    down: int
    counted: int
    counted_shared: int


class _Layout(NamedTuple):
    profiles: tuple[_Profile, ...]
    layers: tuple[_Layer, ...]
    values: int
    downs: int


def _profile(tensors: Iterable[Tensor]) -> _Profile:
    regular: Counter[tuple[str, bool, bool]] = Counter()
    odd = []
    kept = [0, 0]
    for tensor in tensors:
        kind, routed = category(tensor), tensor.part is Part.ROUTED
        if kind == "kept":
            kept[routed] += tensor_bytes("F32", tensor.shape)
        elif tensor.shape[0] % 256 == 0 and tensor.values % (256 * 32) == 0:
            regular[kind, routed, len(tensor.shape) > 2] += tensor.values
        else:
            odd.append((kind, routed, tensor))
    return _Profile(tuple((*key, values) for key, values in regular.items()), tuple(odd), kept[0], kept[1])


@lru_cache(maxsize=128)
def _layout(geometry: Geometry) -> _Layout:
    drafts = geometry.draft if geometry.draft_in_file else ()
    kinds = [block_tensors(geometry, block) for block in geometry.kinds]
    kinds += [draft_tensors(geometry, block) for block in drafts]
    present = [Counter(category(tensor) for tensor in tensors) for tensors in kinds]
    numbered = geometry.experts is not None
    layers, values, downs, counted = [], 0, 0, 0
    pattern = (*geometry.pattern, *range(len(geometry.kinds), len(kinds)))
    for number, kind in enumerate(pattern):
        has = present[kind]
        down, shared = has["down"], has["down_shared"]
        index = number if numbered else downs if down else -1
        layers.append(_Layer(kind, values if has["value"] else -1, index, counted, counted + down))
        values, downs, counted = values + has["value"], downs + down, counted + down + shared
    return _Layout(tuple(_profile(tensors) for tensors in kinds), tuple(layers), values, len(pattern))


def _layer_bytes(profile: _Profile, types: Mapping[str, str], experts_type: str) -> tuple[int, int]:
    """(fixed, routed) bytes of a layer whose categories have these types; `experts_type` overrides for 3-D
    tensors."""
    sums = [profile.kept_bytes, profile.kept_routed_bytes]
    for kind, routed, cube, values in profile.regular:
        storage = TYPES[experts_type if cube and experts_type else types[kind]]
        sums[routed] += values // storage.block * storage.block_bytes
    for kind, routed, tensor in profile.odd:
        wanted = experts_type if len(tensor.shape) > 2 and experts_type else types[kind]
        sums[routed] += tensor_bytes(fitting(wanted, tensor.shape[0]), tensor.shape)
    return sums[0], sums[1]


def _signature(
    layer: _Layer, choices: Mapping[str, Choice], sets: Mapping[str, frozenset[int]]
) -> tuple[int, bool, bool, bool, bool]:
    counted = choices["down"].where == "counted8th"
    return (
        layer.kind,
        layer.value in sets["value"],
        (layer.counted if counted else layer.down) in sets["down"],
        (layer.counted_shared if counted else layer.down) in sets["down"],
        layer.down in sets["up"],
    )


@lru_cache(maxsize=4096)
def weight_bytes(geometry: Geometry, quant: str, imatrix: bool = True) -> WeightBytes:
    """The weights of a model quantised by llama.cpp's standard recipe `quant`, from its geometry alone.

    `imatrix`: made with an importance matrix, as most published files are. Raises InputError for a name
    that is no file type of llama.cpp.
    """
    choices = rules(quant, traits(geometry, imatrix))
    experts_type = "MXFP4" if quant == "MXFP4_MOE" else ""
    layout = _layout(geometry)
    sets = {
        kind: chosen(choices[kind].where, layout.values if kind == "value" else layout.downs)
        for kind in ("value", "down", "up")
    }
    plain = {kind: choice.default for kind, choice in choices.items()}
    known: dict[tuple[int, bool, bool, bool, bool], tuple[int, int]] = {}
    sums, largest = [], 0
    for layer in layout.layers:
        signature = _signature(layer, choices, sets)
        if signature not in known:
            special = zip(("value", "down", "down_shared", "up"), signature[1:], strict=True)
            types = plain | {kind: choices[kind].special for kind, better in special if better}
            known[signature] = _layer_bytes(layout.profiles[layer.kind], types, experts_type)
            if known[signature][1]:
                largest = max(largest, _largest_expert(geometry, types, experts_type))
        sums.append(known[signature])
    return replace(_assembled(geometry, sums, plain), largest_expert=largest)


def _largest_expert(geometry: Geometry, types: Mapping[str, str], experts_type: str) -> int:
    """Bytes of the largest tensor of routed experts in a layer whose categories have these types."""
    experts = geometry.experts
    if not experts:
        return 0
    hidden, width, count = geometry.hidden, experts.width, experts.count
    shapes = {"up": (hidden, width, count), "down": (width, hidden, count)}
    wanted = {kind: fitting(experts_type or types[kind], shape[0]) for kind, shape in shapes.items()}
    return max(tensor_bytes(wanted[kind], shape) for kind, shape in shapes.items())


def _assembled(geometry: Geometry, layers: list[tuple[int, int]], types: Mapping[str, str]) -> WeightBytes:
    count = geometry.layers
    embedding, outside = 0, 0
    for tensor in outer_tensors(geometry):
        kind = category(tensor)
        if kind == "kept":
            outside += tensor_bytes("F32", tensor.shape)
            continue
        is_head = tensor.part is Part.HEAD or (geometry.tied and tensor.part is Part.EMBEDDING)
        wanted = types["output" if is_head else kind]
        fit = fitting(wanted, tensor.shape[0])
        size = tensor_bytes("Q8_0" if is_head and fit != wanted else fit, tensor.shape)
        embedding += size if tensor.part is Part.EMBEDDING else 0
        outside += size if tensor.part is not Part.EMBEDDING or geometry.tied else 0
    experts = geometry.experts
    return WeightBytes(
        header=_header_bytes(geometry),
        embedding=embedding,
        head=outside,
        fixed=tuple(fixed for fixed, _ in layers[:count]),
        routed=tuple(routed for _, routed in layers[:count]),
        draft=sum(fixed + routed for fixed, routed in layers[count:]),
        tied=geometry.tied,
        used_share=experts.used / experts.count if experts else 0.0,
    )


@lru_cache(maxsize=128)
def _header_bytes(geometry: Geometry) -> int:
    tensors = len(outer_tensors(geometry))
    tensors += sum(len(block_tensors(geometry, block)) for block in geometry.blocks)
    per_token = LLAMA3_BYTES_PER_TOKEN if geometry.vocab == LLAMA3_VOCABULARY else HEADER_BYTES_PER_TOKEN
    return geometry.vocab * per_token + tensors * HEADER_BYTES_PER_TENSOR


def tensor_types(
    geometry: Geometry, quant: str, imatrix: bool = True
) -> list[tuple[str, tuple[int, ...], str]]:
    """(name, shape, type) of every tensor of the file, in the quantiser's order."""
    choices = rules(quant, traits(geometry, imatrix))
    layout = _layout(geometry)
    sets = {
        kind: chosen(choices[kind].where, layout.values if kind == "value" else layout.downs)
        for kind in ("value", "down", "up")
    }
    result = []
    for number, tensor in file_tensors(geometry):
        kind = category(tensor)
        if geometry.tied and kind == "token_embd":
            kind = "output"
        if kind == "kept":
            result.append((tensor.name, tensor.shape, "I32" if "tid2eid" in tensor.name else "F32"))
            continue
        better = number >= 0 and _is_special(kind, _signature(layout.layers[number], choices, sets))
        wanted = choices[kind].special if better else choices[kind].default
        if quant == "MXFP4_MOE" and len(tensor.shape) > 2:
            wanted = "MXFP4"
        fit = fitting(wanted, tensor.shape[0])
        result.append((tensor.name, tensor.shape, "Q8_0" if kind == "output" and fit != wanted else fit))
    return result


def _is_special(kind: str, signature: tuple[int, bool, bool, bool, bool]) -> bool:
    places = {"value": 1, "down": 2, "down_shared": 3, "up": 4}
    return kind in places and bool(signature[places[kind]])
