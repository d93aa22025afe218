"""What a plan is made for: a model of the catalogue, a GGUF header, or a bare configuration.

A subject keeps what its plans share (bytes of each quantisation, cache and scratch of each context), so that
a ranking of a thousand plans computes each of them once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ponder.catalog.header import Header
from ponder.catalog.models import all_models, find_model
from ponder.core.model import Model
from ponder.fit.configs import from_config
from ponder.fit.geometry import Geometry
from ponder.fit.headers import from_header, header_weights
from ponder.fit.memory import cache_by_layer, output_bytes
from ponder.fit.place import Load
from ponder.fit.runtime import Runtime
from ponder.fit.scratch import Scratch, scratch
from ponder.fit.sizes import WeightBytes, weight_bytes
from ponder.fit.work import Work, arithmetic, work


@dataclass(frozen=True, slots=True)
class Exact:
    """The weights of one real file."""

    quantisation: str
    sizes: WeightBytes
    file_bytes: int


class Subject:
    """A model that can be planned; `name` is what a person types to get it."""

    def __init__(
        self, name: str, geometry: Geometry, model: Model | None = None, exact: Exact | None = None
    ) -> None:
        self.name = name
        self.geometry = geometry
        self.model = model
        self.exact = exact
        self._sizes: dict[str, WeightBytes] = {}
        self._files: dict[str, int] = {}
        self._contexts: dict[Runtime, tuple[tuple[int, ...], Scratch, int]] = {}
        self._loads: dict[tuple[str, Runtime], Load] = {}
        self._works: dict[tuple[str, str], Work] = {}

    @property
    def id(self) -> str:
        """The catalogue's name, empty for a model that it does not know."""
        return self.model.id if self.model else ""

    @property
    def n_ctx_train(self) -> int:
        """The longest context the model was made for, in tokens; 0 if that is not known."""
        return self.geometry.context or (self.model.n_ctx_train if self.model else 0)

    @property
    def parameters(self) -> int:
        """How many weights it has; 0 if no source says."""
        return self.model.parameters if self.model else 0

    def sizes(self, quant: str) -> WeightBytes:
        """The bytes of its weights: of the real file, or of llama.cpp's recipe `quant`."""
        if self.exact and quant == self.exact.quantisation:
            return self.exact.sizes
        if quant not in self._sizes:
            self._sizes[quant] = weight_bytes(self.geometry, quant)
        return self._sizes[quant]

    def file_bytes(self, quant: str) -> int:
        """The size of its file."""
        if self.exact and quant == self.exact.quantisation:
            return self.exact.file_bytes
        if quant not in self._files:
            self._files[quant] = self.sizes(quant).file
        return self._files[quant]

    def load(self, quant: str, runtime: Runtime) -> Load:
        """What has to be placed."""
        found = self._loads.get((quant, runtime))
        if found is None:
            found = self._loads[quant, runtime] = Load(self.sizes(quant), *self._beside(runtime))
        return found

    def _beside(self, runtime: Runtime) -> tuple[tuple[int, ...], Scratch, int]:
        """Cache by layer, scratch and output of a context: the same for all quantisations."""
        if runtime not in self._contexts:
            self._contexts[runtime] = (
                cache_by_layer(self.geometry, runtime),
                scratch(self.geometry, runtime),
                output_bytes(self.geometry, runtime),
            )
        return self._contexts[runtime]

    def work(self, quant: str, kv_type: str) -> Work:
        """What its tokens read and compute; the first quantisation is analysed, others only rescaled."""
        key = (quant, kv_type)
        if key not in self._works:
            base = next((each for (_, kv), each in self._works.items() if kv == kv_type), None)
            self._works[key] = (
                work(self.geometry, quant, kv_type, kv_type, self.sizes(quant))
                if base is None
                else _rescaled(base, self.sizes(quant), quant)
            )
        return self._works[key]


def _rescaled(base: Work, sizes: WeightBytes, quant: str) -> Work:
    per_weight = base.bytes_per_weight * sizes.read_per_token / base.sizes.read_per_token
    return replace(base, sizes=sizes, bytes_per_weight=per_weight, arithmetic=arithmetic(quant))


@lru_cache(maxsize=256)
def catalogued(name: str) -> Subject:
    """The subject of a catalogue name. Raises NotFoundError with the nearest names."""
    model = find_model(name)
    return Subject(model.called, from_config(model.config), model)


def everything() -> tuple[Subject, ...]:
    """Every model of the catalogue."""
    return tuple(catalogued(model.id) for model in all_models())


def of_header(header: Header, name: str, model: Model | None = None) -> Subject:
    """The subject of a GGUF file's header: sizes are exact. Raises FileFormatError for unknown parts."""
    exact = Exact(header.quantisation, header_weights(header), header.file_bytes)
    return Subject(name, from_header(header), model, exact)


def of_config(config: Mapping[str, Any], name: str) -> Subject:
    """The subject of the content of a `config.json`; raises FileFormatError for an unknown architecture."""
    return Subject(name, from_config(config))
