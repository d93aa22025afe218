"""From a measured row to the stages of the speed law: which device held which part of the model.

Hybrid machines are described in data/machines.csv. A machine that is not listed there is read from its own
words ("2x EPYC 9355 + RTX 5090"), with the bandwidth that its processor's specification allows.
"""

import math
import re
from dataclasses import replace
from functools import cache

from benchmarks.fit.speed_rows import Row, read_csv, shapes
from ponder.core.hardware import Device, Hardware
from ponder.errors import PonderError
from ponder.fit.devices import find, find_all, platform_bandwidth, processor, ram_bandwidth_bps
from ponder.fit.prefill import COPIED_FROM
from ponder.fit.sizes import WeightBytes, weight_bytes
from ponder.fit.work import Stage, Work, work

RESERVED_BYTES = 3 << 30
"""Of each GPU, for its context, cache and scratch memory."""


@cache
def bits() -> dict[str, float]:
    return {row["quant"]: float(row["bits_per_weight"]) for row in read_csv("bits.csv")}


def sizes_of(row: Row) -> WeightBytes:
    """The weights' bytes; a recorded file size or bits per weight scales the nearest recipe."""
    geometry = shapes()[row.model]
    try:
        sizes = weight_bytes(geometry, row.quant)
    except PonderError:
        sizes = weight_bytes(
            geometry, "Q4_K_S" if row.quant.startswith("Q4") else "IQ4_XS" if "4" in row.quant else "IQ2_XXS"
        )
    raw = row.raw_quant.split(" ")[0] if " GGUF" not in row.raw_quant else row.raw_quant
    target = row.file_bytes or (
        bits()[raw] * 671.03e9 / 8 if row.model == "DeepSeek-R1" and raw in bits() else 0
    )
    if not target:
        return sizes
    if re.match(r"IQ[2-4]_K", raw):
        return _kept_at_8_bits(sizes, weight_bytes(geometry, "Q8_0"), target)
    factor = target / sizes.file
    return replace(
        sizes,
        head=round(sizes.head * factor),
        fixed=tuple(round(size * factor) for size in sizes.fixed),
        routed=tuple(round(size * factor) for size in sizes.routed),
    )


def _kept_at_8_bits(sizes: WeightBytes, eight: WeightBytes, target: float) -> WeightBytes:
    """ik_llama.cpp's own mixes keep all but the routed experts at 8 bits (17,744 MiB on the GPU in the log of
    IQ4_KS_R4 in issue 437): the rest of the file is experts.
    """
    factor = (target - eight.always - eight.embedding) / sum(sizes.routed)
    routed = tuple(round(size * factor) for size in sizes.routed)
    return replace(sizes, head=eight.head, fixed=eight.fixed, routed=routed)


def work_of(row: Row) -> Work:
    prepared = work(shapes()[row.model], row.quant or "Q4_K_M", sizes=sizes_of(row))
    if row.model == "DeepSeek-R1" and row.file_bytes and "Q8" in row.quant:
        return replace(prepared, arithmetic="4")
    return prepared


@cache
def machine(text: str) -> tuple[Hardware, tuple[Device, ...], str]:
    """(RAM and processor, GPUs, 1: all experts in RAM, 0: GPUs filled, empty: not said) of a description."""
    for row in read_csv("machines.csv"):
        if re.search(row["pattern"], text):
            hardware = Hardware(
                ram_bandwidth_bps=ram_bandwidth_bps(row["ram"]) if row["ram"] else None,
                cpu=row["cpu"],
                cores=int(row["cores"] or 0) or None,
                sockets=int(row["sockets"]),
                instruction_sets=tuple(row["isa"].split()),
            )
            gpus = find_all(row["gpus"]) if row["gpus"] else ()
            return hardware, tuple(_linked(gpu, row["link"]) for gpu in gpus), row["experts_on_cpu"]
    known = platform_bandwidth(text)
    cores = re.search(r"(\d+) ?c(?:ores?)?\b", text)
    modules = re.search(r"(\d+) ?(?:ch|x\d+ ?GB)\D{0,3}(DDR\d-\d{4})", text)
    bandwidth = ram_bandwidth_bps(f"{modules[1]}x {modules[2]}") if modules else known[0] if known else None
    hardware = Hardware(
        ram_bandwidth_bps=bandwidth,
        cpu=text,
        cores=int(cores[1]) if cores else 32,
        sockets=2 if re.search(r"\b(2x|dual)\b", text, re.IGNORECASE) else 1,
        instruction_sets=("avx512",),
    )
    return hardware, _gpus(text), "1" if "experts on CPU" in text else "0"


def machine_name(row: Row) -> str:
    """What is held out together: a GPU model, a computer without GPUs, or a processor with any cards."""
    return machine(row.hardware)[0].cpu or row.group if row.placement == "hybrid" else row.group


def _linked(gpu: Device, link: str) -> Device:
    return replace(gpu, link=link) if link else gpu


PER_EXPERT = 520
"""The pull request of ik_llama.cpp (June 2025) since which it copies by tokens per expert, not by tokens."""


def copied_from(row: Row) -> float:
    """Tokens of a batch from which a row's engine copied weights in RAM to the GPU; infinite: never.

    Never where the log says that it was off, where tensors were repacked at run time, in KTransformers, and
    for row-interleaved types of ik_llama.cpp that CUDA did not know: IQ2_K_R4 to IQ5_K_R4 before pull request
    461 of May 2025, and the interleaved K quantisations. Numbers of its pages are in order of time.
    """
    found = re.search(r"(?:issues|pull_requests|discussions)/(\d+)", row.source)
    page = int(found[1]) if found and "ik_llama.cpp" in row.source else 0
    if "discussions" in row.source:  # a long thread, whose rows with a GPU are of summer 2025
        page = max(page, PER_EXPERT)
    never = row.protocol == "ktransformers" or re.search(r"-rtr|op=27,0", row.engine)
    unknown = re.match(r"Q\d_K_R4", row.raw_quant) or (page < 461 and re.match(r"IQ\d_K_R4", row.raw_quant))
    if never or unknown:
        return math.inf
    share = work_of(row).sizes.used_share
    return COPIED_FROM / share if page >= PER_EXPERT and share else COPIED_FROM


def _gpus(text: str) -> tuple[Device, ...]:
    found: list[Device] = []
    for count, name in re.findall(
        r"(?:(\d+)x ?)?((?:RTX )?(?:PRO \d{4}|[AH]\d{3,4}|[2-5]0[5-9]0(?: ?Ti|D)?)\b)", text
    ):
        found += [find(name)] * int(count or 1)
    return tuple(found)


def stages(row: Row) -> tuple[Stage, ...]:
    """The stages of a usable row; an empty tuple when the machine's memory is not known."""
    prepared = work_of(row)
    if row.placement in {"single", "layers"}:
        return one_after_another(prepared, row.devices)
    hardware, gpus, experts_on_cpu = machine(row.hardware)
    if hardware.ram_bandwidth_bps is None:
        return ()
    ram = processor(hardware)
    everything = range(prepared.layers)
    if not gpus:
        return (prepared.stage(ram, everything, head=True),)
    whole = re.search(r"ngl (\d+)", row.hardware)
    if whole:
        count = int(whole[1])
        return (
            prepared.stage(gpus[0], range(count)),
            prepared.stage(ram, range(count, prepared.layers), head=True),
        )
    room = sum(gpu.memory_bytes or 0 for gpu in gpus) - len(gpus) * RESERVED_BYTES - prepared.sizes.always
    layer = max(prepared.sizes.routed)
    count = (
        0
        if experts_on_cpu == "1" or not layer
        else min(max(int(room / layer), 0), len(prepared.sizes.routed))
    )
    main = max(gpus, key=lambda gpu: gpu.bandwidth_bps or 0)
    mean = replace(main, bandwidth_bps=len(gpus) / sum(1 / (gpu.bandwidth_bps or 1) for gpu in gpus))
    first = prepared.layers - sum(1 for size in prepared.sizes.routed if size)
    held = prepared.stage(mean, everything, routed=False, head=True)
    if count:
        extra = prepared.stage(mean, range(first, first + count), fixed=False)
        held = replace(
            held, weight_bytes=held.weight_bytes + extra.weight_bytes, weights=held.weights + extra.weights
        )
    return (held, prepared.stage(ram, range(first + count, prepared.layers), fixed=False))


def one_after_another(prepared: Work, devices: tuple[Device, ...]) -> tuple[Stage, ...]:
    """An even layer split over like devices."""
    count, n = prepared.layers, len(devices)
    counts = tuple(count * (i + 1) // n - count * i // n for i in range(n))
    return prepared.split(devices, counts)
