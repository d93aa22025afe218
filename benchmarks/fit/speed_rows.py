"""The measured rows, read into the terms of the speed laws, and the rules that decide which rows are usable.

The rules look at a row and its source, never at a prediction. A dropped row keeps its reason.
Depth is the mean number of tokens in the cache while the timed tokens were generated (or read).
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import median

from ponder.catalog.models import all_models
from ponder.core.hardware import Device
from ponder.errors import PonderError
from ponder.fit.configs import from_config
from ponder.fit.devices import find
from ponder.fit.geometry import Geometry, Grouped, Latent
from ponder.fit.sizes import WeightBytes, weight_bytes
from ponder.fit.tensors import parameters

DATA = Path(__file__).parent / "data"
SPILL_BYTES = 1 << 30


@dataclass(frozen=True)
class Row:
    """One measurement. `placement`: single, layers, hybrid or cpu; `group` is held out together."""

    kind: str
    model: str
    quant: str
    hardware: str
    n_gpus: int
    batch: int
    depth: float
    prompt: int
    value_tps: float
    protocol: str
    engine: str
    source: str
    raw_model: str
    raw_quant: str = ""
    placement: str = ""
    group: str = ""
    devices: tuple[Device, ...] = ()
    reason: str = ""
    file_bytes: int = 0
    ids: tuple[int, ...] = field(default=())


def source_name(row: Row) -> str:
    """The collection that a row is from: a repository, or one of its files of users' reports."""
    return re.split(r" @| row |/(?:issues|discussions|pull|pulls)/|\s", row.source)[0]


def read_csv(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@cache
def patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(row["pattern"], re.IGNORECASE), row["shape"]) for row in read_csv("names.csv")]


@cache
def shapes() -> dict[str, Geometry]:
    known = {}
    for model in all_models():
        if model.config:
            try:
                known[model.id] = from_config(model.config)
            except PonderError:
                continue
    for row in read_csv("shapes.csv"):
        config: dict[str, object] = {
            k: int(v) for k, v in row.items() if k not in {"model", "model_type", "source", "tied"}
        }
        config |= {
            "model_type": row["model_type"],
            "tie_word_embeddings": row["tied"] == "1",
            "max_position_embeddings": 32768,
        }
        known[row["model"]] = from_config(config)
    return known


def shape_name(raw: str) -> str:
    return next((shape for pattern, shape in patterns() if pattern.search(raw)), "")


QUANTS = re.compile(r"^(UD-)?((I?Q\d(_[A-Z0-9]+)*)|F16|BF16|MXFP4)( - .*| \(.*)?$")


def quant_name(row: dict[str, str]) -> str:
    """llama.cpp's name of the quantisation; ollama's default is Q4_K_M."""
    raw = row["quant"]
    if "gpt-oss" in row["model"].lower():
        return "MXFP4_MOE"
    if (
        not raw
        and row["engine"].startswith("ollama")
        and not re.search(r"mlx|mxfp|nvfp|mtp|latest|qat", row["model"])
    ):
        return "Q4_K_M"
    match = QUANTS.match(raw)
    return "" if not match else match[2]


def protocol(row: dict[str, str]) -> str:
    source, engine = row["source"], row["engine"]
    if "XiongjieDai" in source:
        return "llama-bench 2024"
    if "end-to-end" in engine:
        return "end-to-end"
    if "sweep-bench" in engine:
        return "sweep"
    if engine.startswith("ollama"):
        return "ollama"
    if "vllm" in engine.lower() or "AWQ" in row["model"] or "NVFP4" in row["model"]:
        return "vllm"
    if "unspecified" in engine:
        return "unspecified"
    if "KTransformers" in engine:
        return "ktransformers"
    return "llama-bench"


def depth_and_prompt(row: dict[str, str], kind: str, proto: str) -> tuple[float, int]:
    """Mean depth of the timed tokens, and the prompt's length (prefill rows)."""
    engine, text = row["engine"], row["context"]
    context = int(re.match(r"\d+", text)[0]) if re.match(r"\d+", text) else 0  # type: ignore[index]
    if kind == "prefill":
        if proto == "sweep":
            chunk = int(row["batch"])
            return context + chunk / 2, chunk
        if "@d" in engine:
            return context + 256, 512
        return context / 2, context
    if proto == "sweep" or "at depth" in engine:
        return float(context), 0
    if re.search(r"\btg\d+|llama-bench 2024|llama-bench$", engine + proto) and "llmfit" not in row["source"]:
        return context / 2, 0
    if proto in {"ollama", "end-to-end"} or not context:
        return 300.0, 0
    return float(context), 0


HOST = re.compile(
    r"\b(Thelio Astra|Pi (?:\d+|CM5|500\+?)|Raspberry|Radxa|HiFive|Minisforum MS-R1|Optiplex|RISC-V)",
    re.IGNORECASE,
)


def place(row: dict[str, str]) -> tuple[str, tuple[Device, ...], str]:
    """(placement, devices, reason for dropping) of a hardware description."""
    text, n = row["hardware"], int(row["n_gpus"] or 0)
    if text == "computer of another participant":
        return "hybrid", (), "measured on another computer than the collection says, which is not stated"
    if (
        "[CPU]" in text
        or n == 0
        or "CPU only" in text
        or "-ngl 0" in row["engine"]
        or text.startswith("None")
        or re.match(r"i\d-\d|Raspberry", text)
    ):
        return "cpu", (), ""
    if "tier" not in text and re.search(
        r"experts on CPU|ngl \d|\+ CPU|RAM desktop|-ngl 0|\+ .*RTX|DDR\d", text
    ):
        return "hybrid", (), ""
    if "[GPU/CPU]" in text:
        return "single", (), "partly on the CPU: how much is not recorded"
    device = next((found for name in _candidates(text) if (found := _known(name))), None)
    if device is None:
        return "single", (), "device not known here"
    memory = re.search(r"(\d+) ?GB", text)
    if memory and (device.memory_bytes is None or re.search(r"x1 \(\d+ GB", text)):
        device = find(f"{device.name} {memory[1]}GB")
    return ("single" if n == 1 else "layers"), (device,) * n, ""


def _candidates(text: str) -> list[str]:
    inside = re.findall(r"\(([^()]*)\)", text) if "[GPU]" in text else []
    before = re.sub(r"\(.*|\[.*|,.*| Metal$", "", text)
    return [re.sub(r"^\d+x ?|\bx\d+\b|TP\d", " ", name).strip() for name in [*inside, before]]


def _known(name: str) -> Device | None:
    if not re.search(r"[A-Z]\d|\d{4}", name):
        return find("Strix Halo") if name.startswith("Framework") else None
    try:
        return find(name)
    except PonderError:
        return None


@cache
def corrections() -> list[tuple[re.Pattern[str], str, str]]:
    """(source, column, value) where a source says otherwise than the collection, read by us."""
    return [(re.compile(row["source"]), row["column"], row["value"]) for row in read_csv("corrections.csv")]


def corrected(raw: dict[str, str]) -> dict[str, str]:
    """A row of the collection as its source has it."""
    found = {column: value for source, column, value in corrections() if source.search(raw["source"])}
    return raw | found


def parse(number: int, raw: dict[str, str]) -> Row:
    kind = "decode" if raw["kind"] == "decode_tps" else "prefill"
    proto = protocol(raw)
    placement, devices, reason = place(raw)
    depth, prompt = depth_and_prompt(raw, kind, proto)
    size = re.search(r"\(([\d.]+) GiB\)", raw["model"])
    row = Row(
        kind=kind,
        model=shape_name(raw["model"]),
        quant=quant_name(raw),
        hardware=raw["hardware"],
        n_gpus=int(raw["n_gpus"] or 0),
        batch=int(raw["batch"] or 1),
        depth=depth,
        prompt=prompt,
        value_tps=float(raw["value"]),
        protocol=proto,
        engine=raw["engine"],
        source=raw["source"],
        raw_model=raw["model"],
        raw_quant=raw["quant"],
        placement=placement,
        devices=devices,
        reason=reason,
        group=devices[0].name if devices else re.sub(r"\(.*tier; ([^;]*);.*", r"\1", raw["hardware"]),
        file_bytes=round(float(size[1]) * 2**30) if size else 0,
        ids=(number,),
    )
    return row if row.reason else replace(row, reason=unusable(row))


def unusable(row: Row) -> str:
    """The rule that drops a row, or empty."""
    if row.engine == "older build of the same report":
        return "older build of the same report"
    if row.protocol == "vllm":
        return "other engine: vLLM (too few rows for a fit of its own)"
    if row.model == "DeepSeek-R1" and re.search(
        r"(Jan|Feb)-2025|issues/1591|deepseekr1-dynamic|10981|11474", row.engine + row.source
    ):
        return "llama.cpp before MLA (April 2025): attention over expanded heads"
    if re.search(r"_KT\b", row.raw_quant):
        return "trellis quantisation: of ik_llama.cpp only, with arithmetic of its own"
    if "Cluster" in row.hardware:
        return "a cluster over Ethernet"
    if row.protocol == "unspecified":
        return "engine not stated"
    if not row.model:
        return "model's shape not known here"
    if not row.quant and not row.file_bytes:
        return "quantisation not stated by llama.cpp's name"
    if HOST.search(row.hardware) and row.placement == "single":
        return "GPU in a single-board or Arm workstation computer, which starves it"
    if row.placement in {"single", "layers"} and row.kind == "decode":
        device = row.devices[0]
        total = sum(d.memory_bytes or 0 for d in row.devices)
        sizes = bytes_of(row)
        if device.bandwidth_bps is None or not total:
            return "device's bandwidth or memory not known"
        share = 0.75 if device.kind == "unified" else 1.0
        cache_tokens = max(row.depth, 0 if row.protocol == "llama-bench 2024" else 8192)
        if (row.file_bytes or sizes.file) + SPILL_BYTES + kv_bytes(row.model, cache_tokens) > total * share:
            return "weights and cache exceed the memory: an unrecorded part ran elsewhere"
        if row.value_tps > device.bandwidth_bps / read_bytes(row):
            return "faster than the bandwidth allows"
    return impossible_prefill(row)


@cache
def _sizes(model: str, quant: str) -> WeightBytes:
    try:
        return weight_bytes(shapes()[model], quant)
    except PonderError:
        return weight_bytes(shapes()[model], "Q4_K_M")


def bytes_of(row: Row) -> WeightBytes:
    return _sizes(row.model, {"Q4_K": "Q4_K_S"}.get(row.quant, row.quant))


def impossible_prefill(row: Row) -> str:
    """A prompt read faster than the matrix units allow came from a prompt cache."""
    if row.kind == "prefill" and row.devices and row.devices[0].fp16_flops:
        per_token = 2 * parameters(shapes()[row.model]).active_without_embedding
        factor = 2 if row.devices[0].vendor == "NVIDIA" else 1  # GeForce's figure is the fp32-accumulate half
        if row.value_tps * per_token > factor * row.devices[0].fp16_flops * row.n_gpus:
            return "prompt read faster than the matrix units allow"
    return ""


def read_bytes(row: Row) -> int:
    """Bytes of weights one token reads; a recorded file size corrects the recipe's."""
    sizes = bytes_of(row)
    return round(sizes.read_per_token * (row.file_bytes / sizes.file if row.file_bytes else 1.0))


@cache
def kv_bytes(model: str, tokens: float) -> float:
    """Bytes of a 16-bit cache of `tokens` tokens that one more token reads; windows are respected."""
    total = 0.0
    for block in shapes()[model].blocks:
        mixer = block.mixer
        if isinstance(mixer, Grouped):
            seen = min(tokens, mixer.window) if mixer.window else tokens
            total += seen * 2 * mixer.kv_heads * (mixer.key_dim + mixer.value_dim)
        elif isinstance(mixer, Latent):
            total += tokens * 2 * (mixer.kv_rank + mixer.rope_dim)
    return total


def load(path: Path = DATA / "measured.csv", *, correct: bool = True) -> list[Row]:
    """Every speed row of a file in the format of measured.csv, with the reason of the dropped ones.

    `correct`: as their sources have them (corrections.csv).
    """
    with path.open(encoding="utf-8") as lines:
        rows = [
            parse(number, corrected(raw) if correct else raw)
            for number, raw in enumerate(csv.DictReader(lines), 2)
            if raw["kind"].endswith("_tps")
        ]
    slow = {
        (row.hardware, row.n_gpus, row.raw_model)
        for row in rows
        if row.kind == "prefill" and row.quant == "F16" and row.prompt == 512 and row.devices
        if row.value_tps * parameters(shapes()[row.model]).active < 0.075 * (row.devices[0].fp16_flops or 0)
    }
    why = "16-bit prompts at a small part of the matrix units' rate: a fallback kernel"
    odd = [
        row.kind == "prefill" and row.quant == "F16" and (row.hardware, row.n_gpus, row.raw_model) in slow
        for row in rows
    ]
    return list(
        merged(
            replace(row, reason=row.reason or why) if bad else row for row, bad in zip(rows, odd, strict=True)
        )
    )


def merged(rows: Iterable[Row]) -> Iterator[Row]:
    """One row per machine, model, quantisation and depth: the median of what was measured.

    When submissions differ more than 1.5 times, slow ones spilled or were badly set up: the fastest stays.
    """
    same: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.reason:
            yield row
        else:
            key = (
                row.kind,
                row.model,
                row.quant,
                row.hardware,
                row.n_gpus,
                row.batch,
                row.depth,
                row.prompt,
                row.file_bytes,
                row.protocol,
            )
            same[key].append(row)
    for group in same.values():
        values = [row.value_tps for row in group]
        value = max(values) if max(values) > 1.5 * min(values) else median(values)
        yield replace(group[0], value_tps=value, ids=tuple(i for row in group for i in row.ids))
