"""What the Fit page is asked: a machine, a model and how to run it, out of an address's query.

An address holds the whole question, so a plan can be kept as a bookmark and sent to somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ponder.core.hardware import Hardware
from ponder.errors import InputError
from ponder.fit.devices import MAX_DEVICES
from ponder.fit.plan import CONTEXTS, Wish
from ponder.fit.quality import TASKS
from ponder.fit.whatif import Given, with_given
from ponder.serve.machine import this_machine
from ponder.serve.pages.fields import Form, choice_field, number_field, text_field, whole_field

MOST_CTX = 1 << 24
KV_TYPES = ("f16", "q8_0", "q4_0", "bf16")
BATCHES = (1, 2, 4, 8, 16, 32, 64)
MACHINES = ("here", "other")
FIELDS = ("machine", "gpu", "count", "ram", "ram_bandwidth", "cpu", "cores", "disk",
          "model", "quant", "ctx", "kv", "batch", "task", "patience")  # fmt: skip
_BETWEEN = (3, 2)
"""Between two contexts that are powers of two stands one of three halves."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question. `model` and `quantisation` empty, `n_ctx` 0: whatever is recommended."""

    other: bool
    count: int
    given: Given
    model: str
    wish: Wish
    patience_s: float | None

    def machine(self) -> Hardware:
        """The machine that is meant; raises InputError and NotFoundError, with the nearest names."""
        if not self.other:
            return with_given(this_machine(measure_ram=True), Given(disk_gbps=self.given.disk_gbps))
        gpu = f"{self.count}x {self.given.gpu}" if self.count > 1 else self.given.gpu
        if not (gpu or self.given.ram_gib):
            raise InputError(
                "the other machine has neither a GPU nor RAM: name a GPU, or give its RAM in GiB."
            )
        return with_given(Hardware(), replace(self.given, gpu=gpu))


def asked_of(form: Form) -> Asked:
    """The question in a form; raises InputError that names the field."""
    given = Given(
        text_field(form, "gpu", 200).strip(),
        number_field(form, "ram", 0.5, 100_000),
        number_field(form, "ram_bandwidth", 1, 100_000),
        text_field(form, "cpu", 200).strip(),
        whole_field(form, "cores", 1, 4096),
        number_field(form, "disk", 0.01, 1000),
    )
    wish = Wish(
        choice_field(form, "task", tuple(TASKS)),
        whole_field(form, "ctx", 0, MOST_CTX) or 0,
        text_field(form, "quant", 40).strip().upper(),
        choice_field(form, "kv", KV_TYPES),
        whole_field(form, "batch", 1, 256) or 1,
        paging=given.disk_gbps is not None,
    )
    patience_min = number_field(form, "patience", 0.01, 1e6)
    return Asked(
        choice_field(form, "machine", MACHINES) == "other",
        whole_field(form, "count", 1, MAX_DEVICES) or 1,
        given,
        text_field(form, "model", 300).strip(),
        wish,
        None if patience_min is None else 60 * patience_min,
    )


def as_given(form: Form) -> dict[str, str]:
    """Every field as it was given, to fill the form again; what is missing is empty."""
    return {name: (form.get(name) or [""])[0][:300] for name in FIELDS}


def contexts(most: int, chosen: int) -> list[int]:
    """Contexts to choose from, up to `most` tokens (0: not known); `chosen` is one of them."""
    found = {chosen, most} if most else {chosen}
    for power in (CONTEXTS[0] // 2, *CONTEXTS, 2 * CONTEXTS[-1]):
        found |= {power, power * _BETWEEN[0] // _BETWEEN[1]}
    return sorted(n_ctx for n_ctx in found if n_ctx and (not most or n_ctx <= most or n_ctx == chosen))


def among(values: tuple[str, ...] | tuple[int, ...], chosen: str | int) -> list[str]:
    """Values to choose from as text; `chosen` is one of them."""
    listed = [str(value) for value in values]
    return listed if str(chosen) in listed else [*listed, str(chosen)]


def form_of_query(query: Mapping[str, str]) -> dict[str, list[str]]:
    """A query as a form."""
    return {name: [value] for name, value in query.items() if name in FIELDS}
