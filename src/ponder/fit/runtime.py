"""How a model is run, as far as memory is concerned: context, batch, cache type, flash attention."""

from dataclasses import dataclass

from ponder.errors import InputError

CACHE_TYPES = {
    "f32": (1, 4),
    "f16": (1, 2),
    "bf16": (1, 2),
    "q8_0": (32, 34),
    "q5_1": (32, 24),
    "q5_0": (32, 22),
    "q4_1": (32, 20),
    "q4_0": (32, 18),
    "iq4_nl": (32, 18),
}
"""Cache type → (values per block, bytes per block), the types that llama.cpp's `-ctk` and `-ctv` accept."""

_PADDING = 256
_MOST_CONTEXT = 1 << 28


@dataclass(frozen=True, slots=True)
class Runtime:
    """Settings of one llama.cpp process, named as in llama.cpp.

    `context` is the whole context in tokens (`-c`), shared out evenly to `parallel` sequences unless
    `unified`; `cache_k`, `cache_v` are keys of CACHE_TYPES; `full_window`: sliding-window layers keep the
    whole context. Raises InputError for values that llama.cpp refuses.
    """

    context: int
    cache_k: str = "f16"
    cache_v: str = "f16"
    flash: bool = True
    ubatch: int = 512
    batch: int = 2048
    parallel: int = 1
    unified: bool = False
    full_window: bool = False

    def __post_init__(self) -> None:
        for name, most in (
            ("context", _MOST_CONTEXT),
            ("ubatch", 1 << 20),
            ("batch", 1 << 20),
            ("parallel", 256),
        ):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise InputError(f"{name} = {value} is impossible; give a number from 1 to {most}.")
        for kind in (self.cache_k, self.cache_v):
            if kind not in CACHE_TYPES:
                raise InputError(f"There is no cache type {kind!r}; choose one of {', '.join(CACHE_TYPES)}.")
        if not self.flash and CACHE_TYPES[self.cache_v][0] > 1:
            raise InputError(
                f"A {self.cache_v} value cache needs flash attention; switch it on, or use f16 values."
            )

    @property
    def cells(self) -> int:
        """Tokens that one stream of the cache has room for: its share of the context, rounded up to 256."""
        whole = _padded(self.context)
        return whole if self.unified else _padded(whole // self.parallel)

    @property
    def streams(self) -> int:
        """Separate caches: one per sequence, or one for all when unified."""
        return 1 if self.unified else self.parallel

    @property
    def tokens(self) -> int:
        """Tokens of the largest batch that is computed at once."""
        return min(self.ubatch, self.batch, self.cells * self.streams)

    def window_cells(self, window: int) -> int:
        """Tokens that a layer keeps that looks `window` tokens back (0: all), per stream."""
        if not window or self.full_window:
            return self.cells
        wanted = window * (self.parallel if self.unified else 1) + self.tokens
        return _padded(min(self.cells, wanted))


def _padded(tokens: int) -> int:
    return max(_PADDING, -(-tokens // _PADDING) * _PADDING)


def cache_row_bytes(kind: str, values: int) -> int:
    """Bytes of one cache entry of `values` numbers; llama.cpp needs a whole number of blocks."""
    block, block_bytes = CACHE_TYPES[kind]
    return -(-values // block) * block_bytes
