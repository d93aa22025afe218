"""Every number of a plan with its arithmetic."""

from collections.abc import Iterator
from dataclasses import replace

from ponder.core.plan import Figure, Plan
from ponder.fit.devices import platform_bandwidth
from ponder.fit.geometry import Compressed, DeltaNet, Grouped, Latent, Mamba, Mixer
from ponder.fit.measured import nearest
from ponder.fit.memory import BACKENDS
from ponder.fit.place import Placed
from ponder.fit.plan import Planner
from ponder.fit.prefill import MICRO_BATCH, prefill
from ponder.fit.runtime import Runtime
from ponder.fit.speed import coefficients, decode
from ponder.fit.subject import Subject

MIB = 1 << 20


def explained(planner: Planner, subject: Subject, plan: Plan) -> Plan:
    """The plan with `why` filled: memory, speed and answer, each with its arithmetic."""
    placed = planner.place(subject, plan.quantisation, plan.n_ctx)
    if placed is None:
        return plan
    figures = [*_memory(planner, subject, plan, placed), *_speed(planner, subject, plan, placed)]
    figures += _measured(planner, subject, plan, placed)
    return replace(plan, why=tuple(figures))


def _memory(planner: Planner, subject: Subject, plan: Plan, placed: Placed) -> Iterator[Figure]:
    sizes = subject.sizes(plan.quantisation)
    source = (
        "the file's header" if subject.exact else f"llama.cpp's recipe {plan.quantisation} for its tensors"
    )
    parts = (
        f"attention, norms and dense layers {sum(sizes.fixed) / 1e9:.2f} + experts "
        f"{sum(sizes.routed) / 1e9:.2f} + head {sizes.head / 1e9:.2f} + table {sizes.embedding / 1e9:.2f} GB"
    )
    if sizes.tied:
        parts += " (head and table are one)"
    yield Figure("file", plan.file_bytes / 1e9, "GB", parts, source)
    for words, size in _cache_words(subject, plan):
        yield Figure("cache", size / 1e9, "GB", words, "llama.cpp's allocation of its cache")
    for share in placed.placement.shares:
        words = (
            f"weights {share.weights_bytes / MIB:,.0f} + cache {share.cache_bytes / MIB:,.0f} + scratch "
            f"{share.compute_bytes / MIB:,.0f} + driver {share.overhead_bytes / MIB:,.0f} MiB, +/- "
            f"{share.uncertainty_bytes / MIB:,.0f}; of {share.capacity_bytes / MIB:,.0f}"
        )
        source = BACKENDS["cpu" if share.device.kind == "cpu" else "cuda"].source
        yield Figure(share.device.name, share.total_bytes / 1e9, "GB", words, source)
    yield from _ram(planner)
    if placed.placement.paged_bytes:
        yield Figure("on disk", placed.placement.paged_bytes / 1e9, "GB", "what RAM cannot hold", "")


def _ram(planner: Planner) -> Iterator[Figure]:
    """The RAM's rate where it is a processor's specification, and whether a document confirms that."""
    machine = planner.hardware
    official = platform_bandwidth(machine.cpu) if machine.ram_bandwidth_known == "specification" else None
    if official:
        words = f"all channels of one {machine.cpu} at its highest official rate"
        yield Figure("RAM", official[0] / 1e9, "GB/s", words, official[1])


def _cache_words(subject: Subject, plan: Plan) -> Iterator[tuple[str, int]]:
    """Arithmetic and bytes of the cache, for each kind of layer."""
    geometry = subject.geometry
    runtime = Runtime(plan.n_ctx * plan.batch, plan.kv_type, plan.kv_type, parallel=plan.batch)
    layers = subject.load(plan.quantisation, runtime).cache
    for number, kind in enumerate(geometry.kinds):
        count = geometry.pattern.count(number)
        size = layers[geometry.pattern.index(number)]
        if size:
            yield f"{count} layers x {_row_words(kind.mixer, plan, runtime)}", size * count


def _row_words(mixer: Mixer | None, plan: Plan, runtime: Runtime) -> str:
    tokens = f"{runtime.cells * runtime.streams:,} tokens of {plan.kv_type}"
    match mixer:
        case Grouped():
            near = f"{runtime.window_cells(mixer.window):,} tokens (window) of {plan.kv_type}"
            values = f"{mixer.kv_heads} heads x ({mixer.key_dim} + {mixer.value_dim}) numbers"
            return f"{values} x {near if mixer.window else tokens}"
        case Latent(absorbed=True):
            return f"({mixer.kv_rank} + {mixer.rope_dim} + {mixer.index_dim}) numbers (MLA latent) x {tokens}"
        case Latent():
            key = mixer.nope_dim + mixer.rope_dim
            return f"{mixer.heads} heads x ({key} + {mixer.value_dim}) numbers (file without MLA) x {tokens}"
        case Compressed():
            return f"window of {mixer.window}, and one entry per {mixer.ratio or 'no'} tokens of {tokens}"
        case DeltaNet() | Mamba():
            return "a state of constant size"
    return "nothing"


def _measured(planner: Planner, subject: Subject, plan: Plan, placed: Placed) -> Iterator[Figure]:
    """The measurements that are most like this plan, with what was predicted for them."""
    if plan.decode is None or placed.placement.paged_bytes or plan.batch > 1:
        return
    timing = planner.timing(subject, plan.quantisation, placed)
    for row in nearest(timing.stages, float(planner.wish.prompt_tokens)):
        words = (
            f"{row.hardware}, {row.model} {row.quant}, {row.depth:,.0f} tokens deep; predicted without that "
            f"machine: {row.predicted_tps:.3g}"
        )
        yield Figure("measured nearby", row.tps, "tokens/s", words, row.source)


def _speed(planner: Planner, subject: Subject, plan: Plan, placed: Placed) -> Iterator[Figure]:
    if plan.decode is None:
        return
    timing = planner.timing(subject, plan.quantisation, placed)
    depth = float(planner.wish.prompt_tokens)
    speed = decode(timing.stages, depth, timing.correction)
    classes = {stage.device.name: coefficients(stage.device).fit_class for stage in timing.stages}
    for term in speed.terms:
        fitted_on = f"class {classes.get(term.device, speed.fit_class)}"
        name = f"{term.name} on {term.device}" if term.device else term.name
        yield Figure(name, term.time_s * 1e3, "ms per token", term.arithmetic, fitted_on)
    words = "1 / the sum of the times above"
    if timing.correction != 1.0:
        words += f", x {timing.correction:.2f} measured on this machine (ponder fit --calibrate)"
    yield Figure("decode", plan.decode.tps, "tokens/s", words, f"80 %: {plan.decode.low_tps:.3g} to "
                 f"{plan.decode.high_tps:.3g}")  # fmt: skip
    for term in prefill(timing.stages, MICRO_BATCH, copied_from=timing.copied_from).terms:
        yield Figure(f"prefill, {term.name} on {term.device}", term.time_s * 1e3, "ms", term.arithmetic)
    if plan.answer is not None:
        wait = plan.answer
        words = (
            f"{wait.prompt_tokens} tokens read, then {wait.mean_tokens:,.0f} written, each slower than the "
            f"one before it; a tenth of the answers take more than {wait.p90_s:.0f} s "
            f"({wait.p90_tokens:,.0f} tokens)"
        )
        yield Figure(
            "answer", wait.mean_s, "s", words, wait.source + (f" ({wait.note})" if wait.note else "")
        )
