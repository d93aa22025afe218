"""The plan of a local file on this machine, and how what happened compares with what was predicted.

Memory is compared once the model is loaded, the rate after an answer of some length. A prediction has a range
that it keeps in 80 of 100 cases; outside of it, the person is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ponder.core.plan import Compared, Plan, Share, Taken
from ponder.errors import InputError
from ponder.fit.guard import LEAST_CTX, refusal
from ponder.fit.launch import LocalFile, Wanted
from ponder.fit.plan import Planner, Timing, Wish
from ponder.fit.probe import assembled
from ponder.fit.readings import Gpu
from ponder.fit.rooms import with_free
from ponder.fit.runtime import Runtime
from ponder.fit.subject import Subject, of_header
from ponder.fit.taken import devices, process


@dataclass(frozen=True, slots=True)
class Here:
    """A file's plan on this machine, and what can say more about it."""

    planner: Planner
    subject: Subject
    plan: Plan

    @property
    def ram_share(self) -> Share | None:
        """What the plan puts into RAM (into the shared memory, where the GPU has none of its own)."""
        shares = self.plan.placement.shares if self.plan.placement else ()
        return next((share for share in shares if share.device.kind in {"cpu", "unified"}), None)

    @property
    def timing(self) -> Timing:
        """The speed of its placement; to be asked for only where the plan has one."""
        placed = self.planner.place(self.subject, self.plan.quantisation, self.plan.n_ctx)
        assert placed is not None
        return self.planner.timing(self.subject, self.plan.quantisation, placed)

    def memory(self, taken: Taken) -> tuple[Compared, ...]:
        """What the engine took against the plan: its process, if the plan uses RAM, and its buffers."""
        placement, share = self.plan.placement, self.ram_share
        if placement is None:
            return ()
        found = devices(taken, placement, self.planner.rooms.gpus)
        if share is None:
            return tuple(found)
        return (process(taken, share, self.subject.sizes(self.plan.quantisation)), *found)

    def decode(self, tps: float, depth: float) -> Compared | None:
        """A rate at a mean depth against the prediction for that depth; None where none could be made."""
        if self.plan.decode is None:
            return None
        timing = self.timing
        predicted = timing.correction / timing.pace.token_s(depth)
        low, high = timing.low * predicted, timing.high * predicted
        return Compared("decode", predicted, low, high, tps, timing.correction != 1.0)


def plan_here(file: LocalFile, wanted: Wanted, gpus: Sequence[Gpu], free_bytes: int | None) -> Here:
    """The plan of a file on this machine with the GPUs that its engine can use, and so much free RAM.

    Raises FileFormatError for parts that are not known, InputError for an impossible context, and
    MemoryLimitError, with the needed and the free bytes, for a model that does not fit.
    """
    subject = of_header(file.header, file.name, file.model)
    machine = with_free(assembled((gpu, "") for gpu in gpus), free_bytes)
    planner = Planner(machine, Wish(n_ctx=wanted.n_ctx or 0, kv_type=wanted.kv_type))
    quant = file.header.quantisation
    chosen = planner.choose(subject, quant)
    n_ctx = chosen[0] if chosen else wanted.n_ctx or min(LEAST_CTX, subject.n_ctx_train or LEAST_CTX)
    placed = chosen[1] if chosen else planner.place(subject, quant, n_ctx)
    if placed is None:
        run = Wanted(n_ctx, wanted.kv_type)
        raise refusal(file.header, run, _needed(planner, subject, run), planner.rooms.capacity_bytes)
    return Here(planner, subject, planner.plan(subject, quant, n_ctx, placed))


def _needed(planner: Planner, subject: Subject, run: Wanted) -> int:
    """Bytes that a model takes where it lies in one piece, in the worst case."""
    runtime = Runtime(run.n_ctx or LEAST_CTX, run.kv_type, run.kv_type)
    load = subject.load(subject.exact.quantisation if subject.exact else "", runtime)
    room = planner.rooms.ram or next(iter(planner.rooms.gpus), None)
    if room is None:
        raise InputError("the memory of this machine is not known; give --ctx, and it is tried.")
    return load.least_bytes + load.scratch.server + load.output + room.overhead_bytes + room.uncertainty_bytes
