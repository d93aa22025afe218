"""`ponder fit --calibrate`: a short measurement with the embedded engine, kept for later predictions."""

from datetime import UTC, datetime

from ponder.catalog.library import resolve
from ponder.core.hardware import Hardware
from ponder.core.request import Message, Request, Sampling
from ponder.errors import InputError, MemoryLimitError
from ponder.fit.calibration import Calibration, correction, machine_key, path, save
from ponder.fit.pace import stages_of
from ponder.fit.plan import Planner, Wish
from ponder.fit.subject import of_header
from ponder.opened import Options, default_model, open_model
from ponder.session import start

TOKENS = 64
N_CTX = 2048


def calibrate(name: str, machine: Hardware) -> str:
    """Measure a local model here and keep how far the prediction was off; a sentence about it.

    Raises InputError for a measurement that makes no sense, and whatever opening a model raises.
    """
    local = resolve(name or default_model())
    subject = of_header(local.header, local.name, local.model)
    planner = Planner(machine, Wish(n_ctx=N_CTX))
    placed = planner.place(subject, local.quantisation, N_CTX)
    if placed is None:
        raise MemoryLimitError(
            f"{local.name} does not fit this machine, so it cannot be measured; take another."
        )
    stages = stages_of(placed, subject.work(subject.exact.quantisation if subject.exact else "", "f16"))
    measured_tps, depth = _measure(name, local.name)
    factor = correction(stages, depth, measured_tps)
    key = machine_key(stages)
    predicted = measured_tps / factor
    save(
        Calibration(
            key, factor, measured_tps, predicted, local.name, datetime.now(UTC).isoformat("T", "seconds")
        )
    )
    return (
        f"{local.name} writes {measured_tps:.3g} tokens/s here, predicted were {predicted:.3g}: later "
        f"predictions for this machine are multiplied by {factor:.2f} (kept in {path()})."
    )


def _measure(name: str, shown: str) -> tuple[float, float]:
    """(tokens per second, mean depth) of a short answer."""
    opened = open_model(name, Options(n_ctx=N_CTX))
    try:
        question = Request((Message("user", "Count from one to a hundred in words."),), think="auto")
        greedy = Request(question.messages, sampling=Sampling(temperature=0.0, max_tokens=TOKENS))
        answering = start(opened, greedy, None)
        answering.trace()
        finish = answering.run.finish
    finally:
        opened.engine.close()
    usage = finish.usage if finish else None
    if usage is None or usage.sampled_tokens < TOKENS // 4 or usage.decode_tps <= 0:
        raise InputError(f"{shown} answered too briefly to be measured; calibrate with another model.")
    return usage.decode_tps, usage.prompt_tokens + usage.completion_tokens / 2
