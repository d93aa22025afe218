"""What a model is: its published facts, its files, and how it marks its reasoning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Mark = Literal["open", "close", "silent", "header", "body"]
"""What a text in a model's output does: opens or closes the reasoning, is a tag that changes nothing, or
begins or ends a header (gpt-oss names the channel of what follows in one).
"""


@dataclass(frozen=True, slots=True)
class ThinkTags:
    """How a model marks its reasoning in its own output.

    `open` and `close` are literal texts; most models have one special token for each. `answer` is a
    header between the end of the reasoning and the answer (gpt-oss has one), else empty. `name` is a
    key of `ponder.core.tags.FORMATS`.
    """

    name: str
    open: str
    close: str
    answer: str = ""
    more: tuple[tuple[str, Mark], ...] = ()


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """The sampling that the makers of a model advise; None where they say nothing."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """One downloadable quantisation of a model: a file, or the parts of a split file.

    `bytes` is 0 when unknown. `quantisation` is llama.cpp's own name, such as `Q4_K_M`.
    """

    repo: str
    files: tuple[str, ...]
    quantisation: str
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """A published model, one entry of the catalogue.

    `parameters` and `active_parameters` are counts (equal for a dense model). `config` holds the fields
    of its Hugging Face `config.json` that decide memory and speed. `thinks` is how it reasons:
    `always`, `switchable`, `never`, or `prefill` (a chat model that is made to think). `prefill` is
    what its template, or its makers' advice, puts at the start of the answer; `switch` is how its
    makers turn the reasoning off; `advice` are their other hints, one sentence each.
    `sampling_no_think` is the advised sampling without reasoning, None where it is the same.
    `seen_repos` are those of `gguf_repos` that were seen; the others follow a naming convention.
    """

    id: str
    aliases: tuple[str, ...]
    family: str
    hf_repo: str
    licence: str
    thinks: str
    good_for: str
    parameters: int
    active_parameters: int
    tags: ThinkTags | None
    sampling: SamplingDefaults
    gguf_arch: str
    gguf_repos: tuple[str, ...]
    n_ctx_train: int
    config: Mapping[str, object] = field(default_factory=dict, hash=False)
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)
    base_model: str = ""
    released: str = ""
    prefill: str = ""
    switch: str = ""
    advice: tuple[str, ...] = ()
    sampling_no_think: SamplingDefaults | None = None
    seen_repos: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """What a person types: its first short name, else its id."""
        return self.aliases[0] if self.aliases else self.id
