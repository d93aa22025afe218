"""Plans for vLLM: weights shared out to equal GPUs, and a pool of cache that takes what is left.

Tensor parallel is another law than a layer split: every GPU reads its part of every layer at the same time,
and after each half of a layer the parts are added up over the link (`speed.tensor_parallel`).
"""

from dataclasses import replace

from ponder.core.hardware import Hardware
from ponder.core.plan import Placement, Plan, Share
from ponder.errors import InputError
from ponder.fit.pace import Pace, batched, pace
from ponder.fit.plan import Planner, Timing, Wish
from ponder.fit.sizes import WeightBytes
from ponder.fit.speed import tensor_parallel
from ponder.fit.subject import Subject
from ponder.fit.vllm import FORMATS, NON_TORCH_BYTES, Pool, Server, checkpoint, pool
from ponder.fit.work import PerDepth, Stage, work

_UNCALIBRATED = "the calibration of this machine was measured with llama.cpp, so it does not count for vLLM"
_ARITHMETIC = {"BF16": "16", "FP8": "8", "W8A8": "8", "MXFP4": "mx"}


class PooledPlanner(Planner):
    """Plans what vLLM serves. `wish.quantisation` is one of vLLM's formats, the model's own if empty."""

    def __init__(self, hardware: Hardware, wish: Wish) -> None:
        super().__init__(hardware, wish)
        names = {device.name for device in hardware.devices}
        if not self.rooms.gpus or len(names) != 1:
            raise InputError("vLLM needs one GPU, or several of the same kind; give --gpu '2x RTX 3090'.")
        if wish.kv_type not in {"f16", "bf16", "fp8"}:
            raise InputError(f"vLLM has no {wish.kv_type} cache; give --kv f16, or leave it out.")

    def weight_format(self, subject: Subject) -> str:
        """The format of the weights: as wished, else the one that the model was released in."""
        released = subject.model.config.get("released_as", "") if subject.model else ""
        return (self.wish.quantisation or str(released) or "BF16").upper()

    def pooled(self, subject: Subject) -> Plan:
        """The plan; its notes, or what is missing, say how many tokens the pool holds."""
        contexts = self.contexts(subject)
        n_ctx = self.enough(self.length(subject), contexts)
        server = Server(
            self.rooms.gpus[0].capacity_bytes,
            len(self.rooms.gpus),
            value_bytes=1 if self.wish.kv_type == "fp8" else 2,
        )
        weight_format = self.weight_format(subject)
        found = pool(subject.geometry, weight_format, server, n_ctx)
        while not self.wish.n_ctx and found.least_tokens < n_ctx and n_ctx > contexts[0]:
            n_ctx = contexts[contexts.index(n_ctx) - 1]
            found = pool(subject.geometry, weight_format, server, n_ctx)
        published = self.published(subject)
        loaded = checkpoint(subject.geometry, weight_format)
        name, kv_type = subject.name, self.wish.kv_type
        plan = Plan(
            name, subject.id, weight_format, loaded.bytes, n_ctx, kv_type, "vllm", self.wish.batch, None
        )
        plan = replace(plan, quality=published.quality, standing=published.standing)
        if found.least_tokens < n_ctx * self.wish.batch:
            wanted = n_ctx * self.wish.batch
            lack = f"the pool surely holds {found.least_tokens:,} tokens of the {wanted:,} asked for"
            return replace(plan, missing=(f"GPU memory: {lack}",))
        timing = self._tensor_timing(subject, loaded.bytes / subject.sizes("BF16").file)
        decode, prefill, answer, _ = self._speeds(timing, published.length)
        placement = self._pool_placement(found, subject.geometry.layers)
        notes = (_pool_words(found), *((_UNCALIBRATED,) if self._corrections else ()))
        return replace(plan, placement=placement, decode=decode, prefill=prefill, answer=answer, notes=notes)

    def _pool_placement(self, found: Pool, layers: int) -> Placement:
        empty = Share(self.rooms.gpus[0].device, layers, 0, found.weights, found.bytes, 0, 0, 0, 0)
        shares = tuple(
            replace(
                empty,
                device=room.device,
                compute_bytes=found.activation,
                overhead_bytes=NON_TORCH_BYTES,
                capacity_bytes=room.capacity_bytes,
            )
            for room in self.rooms.gpus
        )
        return Placement("tensor parallel" if len(shares) > 1 else "one GPU", shares)

    def _tensor_timing(self, subject: Subject, ratio: float) -> Timing:
        """Every GPU reads its part at once; `ratio` is the checkpoint's size over that of BF16."""
        gpus = len(self.rooms.gpus)
        prepared = work(subject.geometry, "BF16", sizes=_scaled(subject.sizes("BF16"), ratio))
        prepared = replace(prepared, arithmetic=_ARITHMETIC.get(self.weight_format(subject), "4"))
        (whole,) = prepared.whole(self.rooms.gpus[0].device)
        shared = 1 if whole.latent else gpus
        stage = replace(
            whole,
            weight_bytes=whole.weight_bytes / gpus,
            weights=whole.weights / gpus,
            head_weights=whole.head_weights / gpus,
            routed_bytes=whole.routed_bytes / gpus,
            cache=_divided(whole.cache, shared),
            attention=_divided(whole.attention, gpus),
        )
        stages: tuple[Stage, ...] = batched((stage,), self.wish.batch)
        speed = tensor_parallel(batched((whole,), self.wish.batch), gpus)
        return Timing(
            stages,
            Pace(1 / speed.tps, pace(stages).rates),
            speed.low_tps / speed.tps,
            speed.high_tps / speed.tps,
            1.0,
        )


def _pool_words(found: Pool) -> str:
    return (
        f"vLLM's pool holds {found.least_tokens:,} to {found.tokens:,} tokens, "
        f"{found.least_tokens / found.context:.1f} to {found.requests:.1f} requests of {found.context:,}"
    )


def _divided(rates: PerDepth, parts: int) -> PerDepth:
    return tuple((rate / parts, window) for rate, window in rates)


def _scaled(sizes: WeightBytes, factor: float) -> WeightBytes:
    return replace(
        sizes,
        embedding=round(sizes.embedding * factor),
        head=round(sizes.head * factor),
        fixed=tuple(round(size * factor) for size in sizes.fixed),
        routed=tuple(round(size * factor) for size in sizes.routed),
    )


def weight_formats() -> tuple[str, ...]:
    """The formats of weights that vLLM loads."""
    return tuple(FORMATS)
