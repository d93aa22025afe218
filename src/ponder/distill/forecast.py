"""What tuning a published model takes on graphics cards: memory of each, and time, before anything is begun.

Full tuning keeps 16 bytes a parameter: weights and gradient in 16 bits, in 32 bits the weights and Adam's
two moments (Rajbhandari and others, 2020, section 3.1), shared by the cards (its stage 3). An adapter keeps
the weights in 16 bits, and 16 bytes for each of its own parameters. With checkpoints each layer keeps its
input, 2 bytes a number, and one layer at a time is computed again, 34 bytes a number (Korthikanti and others,
2022, without the part that fused attention does not keep); logits and their gradient have 32 bits.

A token costs 6 operations a parameter, 4 where the weights have no gradient, and 2 more with checkpoints; its
attention as many times the layers, the width and the mean length of a sequence. How much of a card's dense
16-bit rate training reaches is an assumption, and said to be one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ponder.catalog.models import all_models, known_model
from ponder.core.hardware import Device
from ponder.core.model import Model
from ponder.distill.work import Expected
from ponder.errors import InputError, NotFoundError

STATE_BYTES, HALF_BYTES, LAYER_BYTES, LOGIT_BYTES = 16, 2, 34, 8
LOW_SHARE, HIGH_SHARE = 0.2, 0.5
"""Assumed shares of the dense 16-bit rate that tuning reaches: worst and best."""
ROOM = 0.92
"""Of a card's memory, what is left after its own use."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a base is tuned: sequences of `n_ctx` tokens, `batch` of them at once on each card, an adapter of
    `rank` (0: all weights), and whether layers are computed again.
    """

    base: str
    n_ctx: int
    batch: int = 1
    rank: int = 0
    checkpointing: bool = True


def model_of(base: str) -> Model:
    """The catalogue's model that `base` is, or that was made of it; raises NotFoundError."""
    found = known_model(base)
    if found is None:
        name = base.lower()
        made = [each for each in all_models() if name in (each.base_model.lower(), each.hf_repo.lower())]
        found = made[0] if made else None
    if found is None:
        raise NotFoundError(f"nothing is known of the base {base!r}, so its tuning cannot be forecast.")
    return found


def memory_bytes(tuning: Tuning, cards: int) -> float:
    """Of each card, in bytes; raises NotFoundError for a base that nobody knows."""
    model = model_of(tuning.base)
    width, layers, words = (_size(model, n) for n in ("hidden_size", "num_hidden_layers", "vocab_size"))
    if tuning.rank:
        state = HALF_BYTES * model.parameters + STATE_BYTES * _adapter(model, tuning.rank)
    else:
        state = STATE_BYTES * model.parameters
    numbers = tuning.batch * tuning.n_ctx * width
    again = LAYER_BYTES + HALF_BYTES * layers if tuning.checkpointing else LAYER_BYTES * layers
    return state / cards + numbers * again + LOGIT_BYTES * tuning.batch * tuning.n_ctx * words


def expected(tuning: Tuning, data: Expected, epochs: float, devices: Sequence[Device]) -> Expected:
    """Time for a dataset on `devices`, all alike, and whether it fits; raises InputError for odd cards."""
    device, cards = devices[0], len(devices)
    if device.memory_bytes is None or device.fp16_flops is None:
        raise InputError(f"of {device.name} memory and rate are not known: name another card.")
    needed, there = memory_bytes(tuning, cards), ROOM * device.memory_bytes
    model = model_of(tuning.base)
    each = (4 if tuning.rank else 6) + (2 if tuning.checkpointing else 0)
    length = data.tokens / data.rows if data.rows else 0.0
    attention = _size(model, "num_hidden_layers") * _size(model, "hidden_size") * length
    tokens = data.tokens * epochs
    work = each * (model.parameters + attention) * tokens / (device.fp16_flops * cards)
    fits = "fits" if needed <= there else "DOES NOT FIT: take more cards, less n_ctx, or an adapter"
    sizes = f"{needed / 2**30:,.0f} of {device.memory_bytes / 2**30:,.0f} GiB"
    rate = f"{100 * LOW_SHARE:.0f} to {100 * HIGH_SHARE:.0f} % of its rate (assumed)"
    why = f"{fits}: {sizes} on each of {cards} {device.name}; at {rate}"
    return Expected(0, tokens, work / HIGH_SHARE, work / LOW_SHARE, why)


def _adapter(model: Model, rank: int) -> int:
    """Parameters of an adapter on the seven matrices of every layer."""
    width, feed = _size(model, "hidden_size"), _size(model, "intermediate_size")
    heads, shared = _size(model, "num_attention_heads"), _size(model, "num_key_value_heads")
    narrow = width * shared // heads
    sizes = 2 * (width + width) + 2 * (width + narrow) + 3 * (width + feed)
    return rank * _size(model, "num_hidden_layers") * sizes


def _size(model: Model, name: str) -> int:
    value = model.config.get(name)
    if not isinstance(value, int):
        raise NotFoundError(f"the catalogue has no {name} of {model.id}, so its tuning cannot be forecast.")
    return value
