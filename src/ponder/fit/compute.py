"""Scratch memory of llama.cpp, by replaying its allocator on the graph of a model.

llama.cpp reserves one buffer for all intermediate results. Its size is decided by the order in which
tensors of a graph come and go and by the allocator's rules: the tightest hole first, an elementwise result
takes the place of an operand that nobody else needs (ggml-alloc.c). The rules are replayed here on the
first layers of each kind, in the node order of llama.cpp's graphs with n_ubatch tokens; layers that follow
find the same holes. Sizes agree with llama.cpp's own log to the rounding of that log
(tests/fit/test_oracle.py).
"""

from collections import Counter
from dataclasses import replace
from functools import lru_cache

from ponder.fit.geometry import Block, Compressed, Experts, Geometry, Grouped, Latent
from ponder.fit.runtime import Runtime

_ALIGNMENT = 32
_FLOAT, _INDEX = 4, 8


class Arena:
    """The allocator: free holes by offset, the tightest hole that fits is taken, the end can always grow."""

    def __init__(self) -> None:
        self.peak = 0
        self._end = 0
        self._holes: dict[int, int] = {}

    def take(self, size: int) -> int:
        """The offset of `size` bytes; among equal holes the last one, as ggml does."""
        best, best_size = -1, 0
        for offset, hole in self._holes.items():
            if hole >= size and (best < 0 or hole < best_size or (hole == best_size and offset > best)):
                best, best_size = offset, hole
        if best < 0:
            best, self._end = self._end, self._end + size
            self.peak = max(self.peak, self._end)
            return best
        del self._holes[best]
        if best_size > size:
            self._holes[best + size] = best_size - size
        return best

    def give(self, offset: int, size: int) -> None:
        """Return a place; neighbouring holes become one, and a hole at the end shortens what is in use."""
        before = next((start for start, hole in self._holes.items() if start + hole == offset), -1)
        if before >= 0:
            offset, size = before, size + self._holes.pop(before)
        size += self._holes.pop(offset + size, 0)
        if offset + size == self._end:
            self._end = offset
        else:
            self._holes[offset] = size


class Graph:
    """Nodes in the order of execution; a node is (bytes, operands, may take an operand's place)."""

    def __init__(self) -> None:
        self._nodes: list[tuple[int, tuple[int, ...], bool]] = []
        self._inputs: list[int] = []
        self._kept: list[int] = []

    def input(self, size: int) -> int:
        """A tensor that is filled from outside: it has its place from the start until its last use."""
        self._inputs.append(len(self._nodes))
        return self.node(size)

    def node(self, size: int, *operands: int, reuse: bool = False) -> int:
        """The result of an operation on other nodes (weights and cache are not part of the buffer)."""
        self._nodes.append((-(-size // _ALIGNMENT) * _ALIGNMENT, operands, reuse))
        return len(self._nodes) - 1

    def keep(self, node: int) -> None:
        """Never free this node: a view of it is left without a reader."""
        self._kept.append(node)

    def peak_bytes(self) -> int:
        """The size of the buffer that holds every node while it is needed."""
        arena, nodes = Arena(), self._nodes
        uses, places = [0] * len(nodes), dict[int, int]()
        for _, operands, _ in nodes:
            for operand in operands:
                uses[operand] += 1
        for number in self._kept:
            uses[number] += 1
        for number in self._inputs:
            places[number] = arena.take(nodes[number][0])
        for number, (size, operands, reuse) in enumerate(nodes):
            if size and number not in places:
                heir = -1
                if reuse:
                    heir = next(
                        (o for o in operands if uses[o] == 1 and nodes[o][0] == size and o in places), -1
                    )
                places[number] = arena.take(size) if heir < 0 else places.pop(heir)
            for operand in operands:
                uses[operand] -= 1
                if not uses[operand] and operand in places:
                    arena.give(places.pop(operand), nodes[operand][0])
        return arena.peak


class _Builder:
    """Writes the graph of a model for one batch; sizes in rows are values per token."""

    def __init__(self, geometry: Geometry, runtime: Runtime) -> None:
        self.geometry = geometry
        self.runtime = runtime
        self.graph = Graph()
        self.tokens = -(-runtime.tokens // runtime.parallel) * runtime.parallel
        self.masks: dict[int, int] = {}
        self.positions = -1

    def rows(self, width: int, *operands: int, reuse: bool = False) -> int:
        """One F32 row of `width` values per token."""
        return self.graph.node(_FLOAT * width * self.tokens, *operands, reuse=reuse)

    def norm(self, node: int, width: int) -> int:
        """RMS norm and its weight."""
        return self.rows(width, self.rows(width, node, reuse=True), reuse=True)

    def build(self) -> Graph:
        """Inputs, then the first layers until each kind was met twice, then the head of the last tokens."""
        graph, hidden = self.graph, self.geometry.hidden
        self._allocate_inputs()
        residual = self.rows(hidden, self.token_ids)
        met: Counter[int] = Counter()
        for number, kind in enumerate(self.geometry.pattern):
            residual = self._layer(self.geometry.kinds[kind], residual, first=number == 0)
            met[kind] += 1
            if len(met) == len(self.geometry.kinds) and min(met.values()) >= REPEATS:
                break
        last = graph.node(_FLOAT * hidden * self.runtime.parallel, residual)
        graph.node(_FLOAT * self.geometry.vocab * self.runtime.parallel, last)
        return graph

    def _allocate_inputs(self) -> None:
        graph, tokens = self.graph, self.tokens
        self.token_ids = graph.input(4 * tokens)
        self.mixed_ids = graph.input(4 * tokens)
        self.mixed_slots = graph.input(_INDEX * tokens)
        self.mixed = graph.input(_FLOAT * self.geometry.hidden * tokens)
        self.positions = graph.input(4 * tokens)
        for window in windows(self.geometry):
            self._allocate_cache_inputs(window)
        self.outputs = graph.input(4 * self.runtime.parallel)

    def _allocate_cache_inputs(self, window: int) -> None:
        graph, runtime, tokens = self.graph, self.runtime, self.tokens
        graph.input(_INDEX * tokens)
        mixer = self.geometry.attention
        rows = 1
        if not runtime.flash and (
            isinstance(mixer, Grouped) or (isinstance(mixer, Latent) and not mixer.absorbed)
        ):
            rows = mixer.value_dim * (mixer.kv_heads if isinstance(mixer, Grouped) else mixer.heads)
        graph.input(_INDEX * tokens * rows)
        cells = runtime.window_cells(window)
        self.masks[window] = graph.input(0 if runtime.flash else _FLOAT * cells * tokens)
        graph.keep(self.masks[window])
        if isinstance(mixer, Grouped) or (isinstance(mixer, Latent) and not mixer.absorbed):
            self._allocate_rotations(mixer)

    def _allocate_rotations(self, mixer: Grouped | Latent) -> None:
        """Hadamard matrices that llama.cpp applies before it quantises keys and values."""
        key = mixer.key_dim if isinstance(mixer, Grouped) else mixer.nope_dim + mixer.rope_dim
        self.rotate_k = self.runtime.cache_k not in FLOAT_CACHES and key % 64 == 0
        self.rotate_v = self.runtime.cache_v not in FLOAT_CACHES and mixer.value_dim % 64 == 0
        if self.rotate_k:
            self.graph.keep(self.graph.input(_FLOAT * (key & -key) ** 2))
        if self.rotate_v:
            self.graph.keep(self.graph.input(_FLOAT * 64**2))

    def _other_branch(self, hidden: int) -> None:
        """The graph also holds a branch for batches that bring vectors; its results are never freed."""
        self.graph.keep(self.rows(hidden, self.mixed_ids, self.mixed_slots))
        self.graph.keep(self.rows(hidden, self.mixed))

    def _layer(self, block: Block, residual: int, *, first: bool) -> int:
        hidden = self.geometry.hidden
        if block.mixer:
            normed = self.norm(residual, hidden)
            if first:
                self._other_branch(hidden)
            mixed = self._mixer(block, normed)
            residual = self.rows(hidden, mixed, residual, reuse=True)
        if block.feed_forward:
            normed = self.norm(residual, hidden)
            if isinstance(block.feed_forward, Experts):
                fed = self._experts(block.feed_forward, normed)
            else:
                fed = self._dense(block.feed_forward.width, normed, fused=block.feed_forward.fused)
            residual = self.rows(hidden, fed, residual, reuse=True)
        return residual

    def _mixer(self, block: Block, normed: int) -> int:
        match block.mixer:
            case Grouped() as grouped:
                return self._grouped(grouped, normed)
            case Latent(absorbed=True) as latent:
                return self._latent(latent, normed)
            case Latent() as latent:
                return self._expanded(latent, normed)
        return normed

    def _attend(self, query: int, key_heads: int, value: int, window: int, *, copy_values: int = 0) -> int:
        """softmax(q k) v over the cache: `value` values per token come out."""
        mask, cells = self.masks[window], self.runtime.window_cells(window)
        if self.runtime.flash:
            return self.rows(value, query, mask)
        values = self.graph.node(copy_values * cells * self.runtime.streams) if copy_values else -1
        scores = self.rows(key_heads * cells, query)
        weights = self.rows(key_heads * cells, scores, mask, reuse=True)
        return self.rows(value, *([values] if values >= 0 else []), weights)

    def _grouped(self, mixer: Grouped, normed: int) -> int:
        q, k, v = (
            mixer.heads * mixer.key_dim,
            mixer.kv_heads * mixer.key_dim,
            mixer.kv_heads * mixer.value_dim,
        )
        if mixer.fused:
            joint = self.rows(q + k + v, normed)
            query = self.rows(q, self.rows(q, joint, self.positions), reuse=True)
            key, value = self.rows(k, joint, self.positions), joint
        else:
            query = self._rotated(q, self._projected(q, normed, mixer.head_norms))
            key = self._projected(k, normed, mixer.head_norms) if mixer.sinks else -1
            value = self._rotated(v, self.rows(v, normed), value=True)
            key = key if mixer.sinks else self._projected(k, normed, mixer.head_norms)
            key = self._rotated(k, key)
        self.graph.node(0, key)
        self.graph.node(0, value)
        out = mixer.heads * mixer.value_dim
        attended = self._attend(query, mixer.heads, out, mixer.window)
        if not self.runtime.flash:
            attended = self.rows(out, attended)
        return self.rows(self.geometry.hidden, self._rotated(out, attended, value=True))

    def _projected(self, width: int, normed: int, normalised: bool) -> int:
        node = self.rows(width, normed)
        if normalised:
            node = self.rows(width, self.rows(width, node), reuse=True)
        return self.rows(width, node, self.positions, reuse=normalised)

    def _query(self, mixer: Latent, normed: int) -> int:
        width = mixer.heads * (mixer.nope_dim + mixer.rope_dim)
        if not mixer.q_rank:
            return self.rows(width, normed)
        return self.rows(width, self.norm(self.rows(mixer.q_rank, normed), mixer.q_rank))

    def _compressed_key(self, mixer: Latent, normed: int) -> tuple[int, int]:
        joint = self.rows(mixer.kv_rank + mixer.rope_dim, normed)
        latent = self.rows(mixer.kv_rank, joint)
        return joint, self.rows(mixer.kv_rank, latent, reuse=True)

    def _latent(self, mixer: Latent, normed: int) -> int:
        heads, rank = mixer.heads, mixer.kv_rank
        query = self._query(mixer, normed)
        absorbed = self.rows(heads * rank, query)
        rotated = self.rows(heads * mixer.rope_dim, query, self.positions)
        query = self.rows(heads * (rank + mixer.rope_dim), absorbed, rotated)
        joint, latent = self._compressed_key(mixer, normed)
        rotated = self.rows(mixer.rope_dim, joint, self.positions)
        self.graph.node(0, self.rows(rank + mixer.rope_dim, latent, rotated))
        attended = self._attend(query, heads, heads * rank, 0, copy_values=2 * rank)
        value = self.rows(heads * mixer.value_dim, attended)
        value = self.rows(heads * mixer.value_dim, value)
        return self.rows(self.geometry.hidden, value)

    def _expanded(self, mixer: Latent, normed: int) -> int:
        heads, key, value_dim = mixer.heads, mixer.nope_dim + mixer.rope_dim, mixer.value_dim
        query = self._rotated(heads * key, self.rows(heads * key, self._query(mixer, normed), self.positions))
        joint, latent = self._compressed_key(mixer, normed)
        pair = self.rows(heads * (mixer.nope_dim + value_dim), latent)
        value = self._rotated(heads * value_dim, self.rows(heads * value_dim, pair), value=True)
        rotated = self.rows(mixer.rope_dim, joint, self.positions)
        repeated = self.rows(heads * mixer.rope_dim, rotated)
        self.graph.node(0, self._rotated(heads * key, self.rows(heads * key, pair, repeated)))
        self.graph.node(0, value)
        attended = self._attend(query, heads, heads * value_dim, 0)
        if not self.runtime.flash:
            attended = self.rows(heads * value_dim, attended)
        return self.rows(self.geometry.hidden, self._rotated(heads * value_dim, attended, value=True))

    def _rotated(self, width: int, node: int, *, value: bool = False) -> int:
        """Times a Hadamard matrix, if the cache of keys (or of values) is quantised."""
        return self.rows(width, node) if (self.rotate_v if value else self.rotate_k) else node

    def _dense(self, width: int, normed: int, *, fused: bool = False, gated: bool = True) -> int:
        if fused:
            product = self.rows(width, self.rows(2 * width, normed))
        elif gated:
            gate = self.rows(width, normed)
            product = self.rows(width, gate, self.rows(width, normed))
        else:
            product = self.rows(width, self.rows(width, self.rows(width, normed), reuse=True), reuse=True)
        return self.rows(self.geometry.hidden, product)

    def _experts(self, experts: Experts, normed: int) -> int:
        hidden, used, width = self.geometry.hidden, experts.used, experts.width
        chosen, weights = self._routing(experts, normed)
        up = self.rows(used * width, normed, chosen)
        if experts.gated:
            product = self.rows(used * width, up, self.rows(used * width, normed, chosen))
        else:
            product = self.rows(used * width, self.rows(used * width, up, reuse=True), reuse=True)
        down = self.rows(used * hidden, product, chosen)
        weighted = self.rows(used * hidden, down, weights, reuse=True)
        total = self.rows(hidden, weighted, weighted)
        for _ in range(used - 2):
            total = self.rows(hidden, total, weighted, reuse=True)
        if experts.shared_width:
            shared = self._dense(experts.shared_width, normed, gated=experts.gated)
            total = self.rows(hidden, total, shared, reuse=True)
        return total

    def _routing(self, experts: Experts, normed: int) -> tuple[int, int]:
        """(chosen experts, their weights) per token."""
        logits = self.rows(experts.count, normed)
        scores = self.rows(experts.count, logits, reuse=True)
        ranked = self.rows(experts.count, scores) if experts.score_bias else scores
        chosen = self.rows(experts.count, ranked)
        weights = self.rows(experts.used, scores, chosen)
        if experts.bias:
            return chosen, self.rows(experts.used, weights)
        total = self.rows(1, self.rows(1, weights), reuse=True)
        return chosen, self.rows(experts.used, weights, total)


REPEATS = 2
FLOAT_CACHES = frozenset({"f32", "f16", "bf16"})


@lru_cache(maxsize=256)
def windows(geometry: Geometry) -> tuple[int, ...]:
    """How far back its attention layers look, each length once (0: everything)."""
    mixers = [kind.mixer for kind in geometry.kinds if kind.mixer]
    return tuple(dict.fromkeys(mixer.window if isinstance(mixer, Grouped) else 0 for mixer in mixers))


@lru_cache(maxsize=4096)
def _peak_bytes(geometry: Geometry, runtime: Runtime) -> int:
    return _Builder(geometry, runtime).build().peak_bytes()


def graph_bytes(geometry: Geometry, runtime: Runtime) -> int:
    """Bytes of llama.cpp's compute buffer on one CPU-like device for a batch of `runtime.ubatch` tokens.

    With flash attention only the masks (f16, one per window size) grow with the context, so they are added to
    what was replayed once for all contexts. Where `is_exact` is false it is an upper bound.
    """
    if not runtime.flash:
        return _peak_bytes(geometry, runtime) + _allowance(geometry, runtime, _peak_bytes(geometry, runtime))
    short = replace(runtime, context=runtime.tokens * runtime.parallel, ubatch=runtime.tokens)
    tokens = -(-runtime.tokens // runtime.parallel) * runtime.parallel
    masks = sum(2 * runtime.window_cells(window) * tokens for window in windows(geometry))
    replayed = _peak_bytes(geometry, short) + masks
    return replayed + _allowance(geometry, runtime, replayed)


def is_exact(geometry: Geometry) -> bool:
    """Whether every layer's graph is replayed node by node (recurrent layers, indexers and V4 are not)."""
    return all(
        isinstance(kind.mixer, Grouped | None)
        or (isinstance(kind.mixer, Latent) and not kind.mixer.index_heads)
        for kind in geometry.kinds
    )


def _allowance(geometry: Geometry, runtime: Runtime, replayed: int) -> int:
    """What parts that are not replayed may add at most, fitted above llama.cpp's log of the models that
    have them.

    Recurrent layers (Qwen3.5, Nemotron 3): 5 %, at least 2 MiB. Indexer of DeepSeek-V3.2: 18 rows of the
    hidden size and 6 to 12 bytes per token of context. DeepSeek-V4: 4.6 rows of all streams and half a byte
    per token of context, a copy of all entries, and without flash attention their scores.
    """
    mixer, hidden, cells = geometry.attention, geometry.hidden, runtime.cells
    if isinstance(mixer, Latent) and mixer.index_heads:
        growing = min(10 * cells, 6 * cells + (1 << 17)) if runtime.flash else 12 * cells
        return runtime.tokens * (18 * _FLOAT * hidden + growing)
    if isinstance(mixer, Compressed):
        entries = runtime.window_cells(mixer.window) + cells // 4
        scores = 0 if runtime.flash else mixer.heads * entries
        rows = _FLOAT * (4.6 * geometry.streams * hidden + scores) + cells / 2
        return round(1.01 * runtime.tokens * rows) + 2 * mixer.head_dim * entries + (2 << 20)
    return 0 if is_exact(geometry) else max(replayed // 20, 2 << 20)
