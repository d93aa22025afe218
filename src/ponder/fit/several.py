"""Several conversations at once: each needs a cache of its own, so the memory of all of them is counted."""

from contextlib import suppress
from dataclasses import replace

from ponder.errors import InputError, MemoryLimitError
from ponder.fit.guard import available_bytes, is_far_below, needed_bytes, refusal
from ponder.fit.launch import Launch, Local, Wanted

MOST_SLOTS = 4
"""Conversations at once where nobody says how many."""


def widened(local: Local, launch: Launch, asked: int) -> tuple[Launch, int]:
    """The launch for `asked` conversations at once (0: as many as fit, up to MOST_SLOTS), and how many.

    `launch` is that of one of them; each has its whole context. Raises MemoryLimitError and InputError
    where more were asked for than fit.
    """
    if asked == 1:
        return launch, 1
    find = _on_gpus if local.gpus else _in_ram
    for slots in (asked,) if asked else (MOST_SLOTS, MOST_SLOTS // 2):
        with suppress(*(() if asked else (InputError, MemoryLimitError))):
            return find(local, launch, slots), slots
    return launch, 1


def _in_ram(local: Local, launch: Launch, slots: int) -> Launch:
    header, free, total = local.file.header, available_bytes(), launch.n_ctx * slots
    if free is not None and not is_far_below(header, total, free):
        needed = needed_bytes(header, total, launch.kv_type)
        if needed > free:
            raise refusal(header, Wanted(total, launch.kv_type), needed, free)
    return launch


def _on_gpus(local: Local, launch: Launch, slots: int) -> Launch:
    """The plan of one context as long as all together takes the same memory."""
    total, most = launch.n_ctx * slots, local.file.header.n_ctx_train
    if most and total > most:
        raise InputError(
            f"{slots} conversations of {launch.n_ctx} tokens cannot be planned on this GPU: choose --ctx "
            f"{most // slots}, or fewer --slots."
        )
    gpus = local.gpus
    wide = Local(local.file, Wanted(total, launch.kv_type), lambda: gpus).launch()
    return replace(wide, n_ctx=launch.n_ctx)
