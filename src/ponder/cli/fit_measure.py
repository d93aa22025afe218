"""`ponder fit --calibrate`: a short measurement with the built-in engine, kept for later predictions.

After a warm-up each rate is measured several times: decode after a short and after a long prompt, and prefill
of the long one. The medians are compared with the plan that `ponder ask` would run.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ponder.cli.predictions import surprises
from ponder.core.events import Usage
from ponder.core.plan import Compared
from ponder.core.request import Message, Request, Sampling
from ponder.errors import InputError
from ponder.fit.busy import Beside
from ponder.fit.calibration import STEADY, Calibration, Series, machine_key, path, save, together
from ponder.fit.here import Here
from ponder.fit.prefill import prefill_time_s
from ponder.fit.probe import MOST_OTHERS
from ponder.opened import Opened, Options, default_model, open_model
from ponder.session import start

TOKENS, WARM_TOKENS, LEAST_TOKENS = 96, 32, 24
RUNS = 3
N_CTX = 4096
LONG_ITEMS = 150
"""Items of the long prompt, some 6 tokens each, so that decode is seen at two depths."""

TASK = "Write a very long story about a river, its town, and all who live there."
LONGEST_S = 120.0
"""No further run begins after so many seconds, once each rate was measured once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one calibration measured: each rate, memory, and the cores that others took meanwhile."""

    series: tuple[Series, ...]
    memory: tuple[Compared, ...]
    others: float
    usual_threads: bool

    @property
    def disturbed(self) -> str:
        """Why the figures are not the machine's own; empty where they are."""
        if not self.usual_threads:
            return "fewer threads ran than plans count on (PONDER_THREADS is set, or others keep cores busy)"
        if self.others > MOST_OTHERS:
            return f"other programs kept {self.others:.1f} cores busy"
        scatter = max(each.scatter for each in self.series)
        return f"runs differ by {scatter:.0%}" if scatter > STEADY else ""


def calibrate(name: str) -> Iterator[str]:
    """Measure a local model here and keep how far the predictions were off; a line at a time about it.

    Raises InputError for a measurement that makes no sense, and whatever opening a model raises.
    """
    opened = open_model(name or default_model(), Options(n_ctx=N_CTX))
    try:
        here = opened.local.here() if opened.local else None
        if here is None or here.plan.decode is None:
            raise InputError(f"{opened.name} cannot be predicted here, so nothing can be calibrated with it.")
        yield f"{opened.name} {here.plan.quantisation}, {opened.facts['threads']} threads: measuring…"
        seen = measure(opened, here)
    finally:
        opened.engine.close()
    yield from _told(seen)
    if seen.disturbed:
        yield f"Disturbed: {seen.disturbed}. Nothing is kept; run it again when the machine is quiet."
        return
    kept = _kept(here, opened.name, seen)
    save(kept)
    yield (
        f"Later predictions for this machine are multiplied by {kept.factor:.2f} (decode) and "
        f"{kept.prefill_factor:.2f} (prefill), kept in {path()}."
    )


def _told(seen: Seen) -> Iterator[str]:
    """A line for each rate, and one for the memory."""
    for each in seen.series:
        where = f"of {each.depth:,.0f} tokens" if each.what == "prefill" else f"{each.depth:,.0f} tokens deep"
        runs = f"{min(each.rates_tps):.3g} to {max(each.rates_tps):.3g} in {len(each.rates_tps)} runs"
        planned = f"{each.predicted_tps:.3g}"
        yield f"{each.what} {where}: {each.median_tps:.3g} tokens/s ({runs}), predicted {planned}"
    yield from surprises(seen.memory, everything=True)


def _kept(here: Here, name: str, seen: Seen) -> Calibration:
    decode = [each for each in seen.series if each.what == "decode"]
    return Calibration(
        machine_key(here.timing.stages),
        together(decode),
        decode[0].median_tps,
        decode[0].predicted_tps,
        name,
        datetime.now(UTC).isoformat("T", "seconds"),
        together([each for each in seen.series if each.what == "prefill"]),
        len(decode[0].rates_tps),
        max(each.scatter for each in seen.series),
    )


def measure(opened: Opened, here: Here) -> Seen:
    """Run the questions and put their rates beside what was predicted for them."""
    _ask(opened, _short(0), WARM_TOKENS, least=0)
    memory = here.memory(opened.taken())
    beside, begun = Beside(opened), time.monotonic()
    short, long = [], []
    for number in range(1, RUNS + 1):
        short.append(_ask(opened, _short(number), TOKENS))
        long.append(_ask(opened, _long(number), TOKENS))
        if time.monotonic() > begun + LONGEST_S:
            break
    others = beside.cores()
    read = [usage for usage in long if usage.prefill_s > 0]
    series = (_decode(short, here), _decode(long, here), *([_prefill(read, here)] if read else []))
    return Seen(series, memory, others, bool(opened.facts["usual_threads"]))


def _decode(runs: list[Usage], here: Here) -> Series:
    depth = sum(usage.prompt_tokens + usage.completion_tokens / 2 for usage in runs) / len(runs)
    predicted = 1 / here.timing.pace.token_s(depth)
    return Series("decode", depth, tuple(usage.decode_tps for usage in runs), predicted)


def _prefill(runs: list[Usage], here: Here) -> Series:
    tokens = round(sum(usage.prompt_tokens - usage.cached_tokens for usage in runs) / len(runs))
    predicted = tokens / prefill_time_s(here.timing.stages, tokens)
    return Series("prefill", tokens, tuple(usage.prefill_tps for usage in runs), predicted)


def _short(number: int) -> str:
    return f"{number}: {TASK}"


def _long(number: int) -> str:
    """A prompt whose beginning no other shares, so that nothing of it is in the engine's cache."""
    words = " ".join(f"item {number * LONG_ITEMS + place}," for place in range(LONG_ITEMS))
    return f"{number}: here is a list: {words} and that was it. {TASK}"


def _ask(opened: Opened, question: str, tokens: int, least: int = LEAST_TOKENS) -> Usage:
    """Counts and seconds of a greedy answer of so many tokens, which the model may not end before."""
    special = opened.local.file.header.special_tokens if opened.local else {}
    never = tuple((special[name], -100.0) for name in ("eos", "eot") if name in special)
    greedy = Request(
        (Message("user", question),),
        sampling=Sampling(temperature=0.0, max_tokens=tokens, logit_bias=never),
    )
    answering = start(opened, greedy, None)
    answering.trace()
    finish = answering.run.finish
    usage = finish.usage if finish else None
    if usage is None or usage.sampled_tokens < least or (least and usage.decode_tps <= 0):
        raise InputError(f"{opened.name} answered too briefly to be measured; calibrate with another model.")
    return usage
