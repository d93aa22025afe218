"""Geometries that several tests and benchmarks use."""

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

from ponder.catalog.models import all_models, find_model
from ponder.fit.configs import from_config
from ponder.fit.geometry import Block, Geometry, Latent

DATA = Path(__file__).parent / "data"

R1_FAMILY = (
    "DeepSeek-R1",
    "DeepSeek-R1-Distill-Qwen-1.5B",
    "DeepSeek-R1-Distill-Qwen-7B",
    "DeepSeek-R1-Distill-Llama-8B",
    "DeepSeek-R1-0528-Qwen3-8B",
    "DeepSeek-R1-Distill-Qwen-14B",
    "DeepSeek-R1-Distill-Qwen-32B",
    "DeepSeek-R1-Distill-Llama-70B",
)


@cache
def geometry(model: str) -> Geometry:
    """The geometry of a model of the catalogue."""
    return from_config(find_model(model).config)


@cache
def distinct() -> dict[str, Geometry]:
    """One model of the catalogue for each geometry."""
    found = {from_config(model.config): model.id for model in all_models()}
    return {name: shape for shape, name in found.items()}


def legacy(shape: Geometry) -> Geometry:
    """The same model in the file layout before January 2025, which caches every head."""
    kinds = tuple(
        Block(replace(kind.mixer, absorbed=False), kind.feed_forward)
        if isinstance(kind.mixer, Latent)
        else kind
        for kind in shape.kinds
    )
    return replace(shape, kinds=kinds)


def table(name: str) -> list[dict[str, str]]:
    """The rows of a data file of these tests."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
