"""From a model, a machine and a wish to a Plan: placed, timed, and compared with what is published.

One `Planner` serves many plans of one machine: what they share (rooms, calibrations, the speed of a layout)
is worked out once, so a whole ranking takes some tens of milliseconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from ponder.core.hardware import Hardware
from ponder.core.plan import Plan, Quality, Rate, Standing, Wait
from ponder.errors import InputError
from ponder.fit.calibration import Calibration, machine_key
from ponder.fit.calibration import load as load_calibrations
from ponder.fit.devices import disk
from ponder.fit.pace import Pace, batched, pace, stages_of
from ponder.fit.place import Layout, Placed, Placer, has_room
from ponder.fit.prefill import COPIED_FROM, MICRO_BATCH, prefill_time_s
from ponder.fit.quality import PROMPT_TOKENS, ROOM_TOKENS, Length, reasoning_length, room_tokens, scores
from ponder.fit.rooms import Rooms, rooms
from ponder.fit.runtime import Runtime
from ponder.fit.speed import interval
from ponder.fit.standing import standing
from ponder.fit.subject import Subject
from ponder.fit.work import Stage, paged

CONTEXTS = (4096, 8192, 16384, 32768, 65536, 131072)
"""Contexts that are tried where nobody says otherwise, in tokens."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a person wants to run a model. `n_ctx` 0 and `quantisation` empty: choose for me.

    `batch` requests run at once, each with `n_ctx` tokens. `paging`: plan reading from disk if RAM is short.
    """

    task: str = "maths"
    n_ctx: int = 0
    quantisation: str = ""
    kv_type: str = "f16"
    batch: int = 1
    engine: str = "llama.cpp"
    prompt_tokens: int = PROMPT_TOKENS
    paging: bool = False


WORTH_TELLING = 1.5
"""How many times quicker prompts must be for an option to be named: less is within the law's error."""

Speeds: TypeAlias = tuple[Rate | None, Rate | None, Wait | None, float]


@dataclass(frozen=True, slots=True)
class Timing:
    """The speed of one layout: its stages, the pace of one token, the factors of the 80 % interval, those of
    a calibration of this machine, and the tokens of a batch from which what is in RAM goes to the GPU.
    """

    stages: tuple[Stage, ...]
    pace: Pace
    low: float
    high: float
    correction: float
    prefill_correction: float = 1.0
    copied_from: float = COPIED_FROM

    def reading_s(self, tokens: int) -> float:
        """Seconds to read a prompt."""
        time_s = prefill_time_s(self.stages, tokens, copied_from=self.copied_from)
        return time_s / self.prefill_correction


@dataclass(frozen=True, slots=True)
class Published:
    """What is known of a model for a task: the length of its answers, its scores, and where it stands."""

    length: Length | None = None
    quality: tuple[Quality, ...] = ()
    standing: Standing | None = None


def _published(model: str, task: str) -> Published:
    if not model:
        return Published()
    quality = tuple(
        Quality(score.benchmark, score.metric, score.value, score.source)
        for score in scores(model, task)
        if score.mode != "non-thinking"
    )
    return Published(reasoning_length(model, task), quality, standing(model, task))


class Planner:
    """Makes plans for one machine and one wish."""

    def __init__(self, hardware: Hardware, wish: Wish) -> None:
        if wish.n_ctx < 0 or wish.batch < 1 or wish.prompt_tokens < 1:
            raise InputError("A context, a batch and a question must be at least 1; give larger numbers.")
        self.hardware = hardware
        self.wish = wish
        self.rooms: Rooms = rooms(hardware)
        self._timings: dict[tuple[int, str, Layout, int], Timing] = {}
        self._published: dict[str, Published] = {}
        self._runtimes: dict[int, Runtime] = {}
        self._tried: dict[Subject, tuple[int, ...]] = {}

    @cached_property
    def _corrections(self) -> dict[str, Calibration]:
        return load_calibrations()

    # ------------------------------------------------------------------ what to plan

    def contexts(self, subject: Subject) -> tuple[int, ...]:
        """Contexts to try, shortest first; raises InputError for one that the model was not made for."""
        most = subject.n_ctx_train
        if self.wish.n_ctx:
            if most and self.wish.n_ctx > most:
                raise InputError(
                    f"--context {self.wish.n_ctx} is more than {subject.name} was made for; "
                    f"give {most} or less."
                )
            return (self.wish.n_ctx,)
        tried = tuple(n_ctx for n_ctx in CONTEXTS if not most or n_ctx <= most)
        return (*tried, most) if 0 < most < ROOM_TOKENS and most not in tried else tried

    def length(self, subject: Subject) -> Length | None:
        """How long its answers are; None where nothing near is published."""
        return self.published(subject).length

    def published(self, subject: Subject) -> Published:
        """What is published of a model for the task."""
        if subject.id not in self._published:
            self._published[subject.id] = _published(subject.id, self.wish.task)
        return self._published[subject.id]

    def enough(self, length: Length | None, contexts: Sequence[int]) -> int:
        """The shortest of `contexts` that holds nine of ten answers (`room_tokens`), else the longest."""
        wanted = room_tokens(length, self.wish.prompt_tokens)
        return next((n_ctx for n_ctx in contexts if n_ctx >= wanted), contexts[-1])

    def place(self, subject: Subject, quant: str, n_ctx: int) -> Placed | None:
        """Where it goes, or None where it does not fit."""
        wish = self.wish
        placer = Placer(subject.load(quant, self._runtime(n_ctx)), self.rooms)
        return placer.hybrid() if wish.engine == "ktransformers" else placer.best(wish.paging)

    def best(self, subject: Subject, quant: str) -> Plan:
        """The plan with the context that suits the task, or the longest that fits.

        A model that does not fit with any context gets a plan without a placement.
        """
        n_ctx, placed = self.choose(subject, quant) or (self.contexts(subject)[0], None)
        return self.plan(subject, quant, n_ctx, placed)

    def choose(self, subject: Subject, quant: str) -> tuple[int, Placed] | None:
        """(context, placement) of `best`; None where no context fits."""
        if subject not in self._tried:
            contexts = self.contexts(subject)
            enough = contexts.index(self.enough(self.length(subject), contexts))
            self._tried[subject] = contexts[enough::-1]
        tried = ((n_ctx, self.place(subject, quant, n_ctx)) for n_ctx in self._tried[subject])
        return next(((n_ctx, placed) for n_ctx, placed in tried if placed is not None), None)

    # ------------------------------------------------------------------ the plan

    def plan(self, subject: Subject, quant: str, n_ctx: int, placed: Placed | None) -> Plan:
        """The plan of a placement; rates are None, and `missing` says why, where they cannot be known."""
        wish, published = self.wish, self.published(subject)
        missing: list[str] = []
        speed: Speeds = (None, None, None, 1.0)
        if placed is None:
            missing += [self._too_small(subject, quant, n_ctx), *self.rooms.missing]
        else:
            if published.length is None:
                missing.append("how long its answers are")
            if not published.quality:
                missing.append(f"published figures for {wish.task}")
            unknown = self._unknown(placed)
            missing += unknown
            if not unknown:
                speed = self._speeds(self.timing(subject, quant, placed), published.length)
        return Plan(
            subject.name,
            subject.id,
            quant,
            subject.file_bytes(quant),
            n_ctx,
            wish.kv_type,
            wish.engine,
            wish.batch,
            placed.placement if placed else None,
            *speed[:3],
            published.quality,
            published.standing,
            speed[3],
            tuple(missing),
            self.longest(subject, quant, n_ctx, placed) if placed else 0,
        )

    def noted(self, subject: Subject, plan: Plan) -> Plan:
        """The plan with what to tell the engine where its own way with prompts is far from the best one."""
        spilled = plan.placement is not None and plan.placement.kind in {"experts in RAM", "layers in RAM"}
        if not spilled or plan.prefill is None or self.wish.engine != "llama.cpp":
            return plan
        placed = self.place(subject, plan.quantisation, plan.n_ctx)
        assert placed is not None
        timing = self.timing(subject, plan.quantisation, placed)
        here = MICRO_BATCH / replace(timing, copied_from=math.inf).reading_s(MICRO_BATCH)
        if here < WORTH_TELLING * plan.prefill.tps:
            return plan
        note = f"with --no-op-offload the processor would read about {here:.0f} tokens/s"
        ways = f"for prompts llama.cpp copies what is in RAM to the GPU, batch by batch; {note}"
        return replace(plan, notes=(*plan.notes, ways))

    def longest(self, subject: Subject, quant: str, n_ctx: int, placed: Placed) -> int:
        """The longest context that a placement has room for, of CONTEXTS and the model's own longest."""
        most, now = subject.n_ctx_train, subject.load(quant, self._runtime(n_ctx))
        longer = {each for each in (*CONTEXTS, most) if n_ctx < each and (each <= most or not most)}
        for each in sorted(longer, reverse=True):
            if has_room(placed, now, subject.load(quant, self._runtime(each))):
                return each
        return n_ctx

    def _runtime(self, n_ctx: int) -> Runtime:
        if n_ctx not in self._runtimes:
            kv_type, batch = self.wish.kv_type, self.wish.batch
            self._runtimes[n_ctx] = Runtime(n_ctx * batch, kv_type, kv_type, parallel=batch)
        return self._runtimes[n_ctx]

    def _speeds(self, timing: Timing, length: Length | None) -> Speeds:
        """(decode, prefill, answer, correction) of a placement."""
        now = timing.pace.token_s(self.wish.prompt_tokens) / timing.correction
        reading_s = timing.reading_s(self.wish.prompt_tokens)
        low, high = interval("prefill", timing.stages, calibrated=timing.prefill_correction != 1.0)
        tps = MICRO_BATCH / timing.reading_s(MICRO_BATCH)
        return (
            Rate(1 / now, timing.low / now, timing.high / now),
            Rate(tps, low * tps, high * tps),
            self._wait(timing, reading_s, length) if length else None,
            timing.correction,
        )

    def timing(self, subject: Subject, quant: str, placed: Placed) -> Timing:
        """The speed of a layout, kept for other contexts with the same one."""
        key = (id(subject), quant, placed.layout, placed.placement.paged_bytes)
        if key not in self._timings:
            self._timings[key] = self._measure(subject, quant, placed)
        return self._timings[key]

    def _measure(self, subject: Subject, quant: str, placed: Placed) -> Timing:
        stages = stages_of(placed, subject.work(quant, self.wish.kv_type))
        bounds, paged_bytes = None, placed.placement.paged_bytes
        if paged_bytes:
            stages, bounds = self._paged(stages, paged_bytes)
        stages = batched(stages, self.wish.batch)
        known = self._corrections.get(machine_key(stages)) if self._corrections else None
        low, high = bounds or interval("decode", stages, calibrated=known is not None)
        factors = (known.factor, known.prefill_factor) if known else (1.0, 1.0)
        # KTransformers computes experts where they lie, whatever the batch.
        copied_from = math.inf if self.wish.engine == "ktransformers" else COPIED_FROM
        return Timing(stages, pace(stages), low, high, *factors, copied_from)

    def _paged(
        self, stages: tuple[Stage, ...], paged_bytes: int
    ) -> tuple[tuple[Stage, ...], tuple[float, float]]:
        """The stages with a disk as the last one, and the bounds of the rate: nothing found in RAM, and as
        much as there is room for.
        """
        *gpus, ram = stages
        expected, least = _missing_share(ram, paged_bytes)

        def reading(share: float) -> tuple[Stage, ...]:
            resident, missing = paged(ram, disk(self.hardware), min(share, 1 - 1e-9))
            experts = replace(missing, routed_bytes=ram.routed_bytes * share, used_share=ram.used_share)
            return (*gpus, resident, experts)

        likely_s = pace(reading(expected)).fixed_s
        # Popular experts stay in RAM, so less may be read than even use says; and the law has its own error.
        better = interval("decode", stages)[1]
        bounds = likely_s / pace(reading(1.0)).fixed_s, better * likely_s / pace(reading(least)).fixed_s
        return reading(expected), bounds

    def _wait(self, timing: Timing, reading_s: float, length: Length) -> Wait:
        prompt, factor = self.wish.prompt_tokens, timing.correction
        mean_s = reading_s + timing.pace.writing_s(length.mean_tokens, prompt) / factor
        return Wait(
            self.wish.task,
            prompt,
            length.mean_tokens,
            length.p90_tokens,
            mean_s,
            mean_s / timing.high,
            mean_s / timing.low,
            reading_s + timing.pace.writing_s(length.p90_tokens, prompt) / factor,
            length.source,
            length.note,
        )

    def _unknown(self, placed: Placed) -> list[str]:
        """What must be known for the speed of this placement, and is not."""
        used = [share.device for share in placed.placement.shares if share.layers or share.expert_layers]
        lacking = [
            f"bandwidth of {'the RAM (--ram-bandwidth 80)' if device.kind == 'cpu' else device.name}"
            for device in used
            if device.bandwidth_bps is None
        ]
        if placed.placement.paged_bytes and not self.hardware.disk_read_bps:
            lacking.append("read rate of the disk (--disk 7)")
        return lacking

    def _too_small(self, subject: Subject, quant: str, n_ctx: int) -> str:
        wish = self.wish
        load = subject.load(quant, self._runtime(n_ctx))
        if wish.engine == "ktransformers":
            return "room for all experts in RAM and the rest on one GPU, which KTransformers needs"
        paged = Placer(load, self.rooms).best(paging=True)
        if paged is not None:
            return f"{paged.placement.paged_bytes / 1e9:.1f} GB of RAM"
        needed, there = load.least_bytes, self.rooms.capacity_bytes
        return f"memory: weights and cache take {needed / 1e9:.1f} GB of the {there / 1e9:.1f} GB there are"


def _missing_share(ram: Stage, paged_bytes: int) -> tuple[float, float]:
    """(expected, least) share of what a token reads of RAM's weights that comes from disk; the most is 1.

    Experts: every one is as likely to be missing. Dense layers come round in turn, and a cache that is too
    small has dropped each before it is needed again: all of them are read.
    """
    experts = ram.routed_bytes * ram.used_share
    dense = ram.weight_bytes - experts
    least = min(1.0, paged_bytes / (ram.routed_bytes + dense))
    return (dense + experts * least) / ram.weight_bytes if dense > 1 else least, least
