"""What is held fixed in an evaluation and printed with every figure."""

import hashlib
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ponder.core.request import Message, Request
from ponder.errors import InputError
from ponder.evaluate.problem import Problem, Task
from ponder.evaluate.sample import Place
from ponder.evaluate.scorers.verdict import VERIFIER
from ponder.opened import Opened, complete
from ponder.steer.beginning import wants_reasoning
from ponder.store.codec import encode

WEIGHTS = ("weights", "weights_bytes", "weights_mtime", "server")


@dataclass(frozen=True, slots=True)
class Setup:
    """How a task is asked: `request` without messages but with its sampling, `samples` of each problem, their
    `seed`, and after which shares of the reasoning (`cuts`, between 0 and 1) an answer is forced as well.

    `anchored` and `tolerance` are the verifier's.
    """

    request: Request
    samples: int = 1
    seed: int = 0
    system: str = ""
    cuts: tuple[float, ...] = ()
    anchored: bool = False
    tolerance: float = 0.0

    def asked(self, task: Task, problem: Problem, number: int) -> Request:
        """The request of one sample; its seed follows from the problem and the number alone."""
        system = (Message("system", self.system),) if self.system else ()
        dice = random.Random(f"{self.seed} {problem.id} {number}")
        sampling = replace(self.request.sampling, seed=dice.randrange(2**31))
        messages = (*system, Message("user", task.text_of(problem)))
        return replace(self.request, messages=messages, sampling=sampling)

    def places(self, task: Task) -> list[Place]:
        """All whole samples, one of each problem before the second of any."""
        return [Place(p.id, number) for number in range(self.samples) for p in task.problems]


def checked(setup: Setup, opened: Opened) -> Setup:
    """`setup` with complete sampling; raises InputError for samples that would all be the same."""
    think = wants_reasoning(opened.voice, setup.request.think, setup.request.budget)
    sampling = replace(complete(setup.request.sampling, opened, think=think), seed=None)
    if setup.samples > 1 and sampling.temperature == 0:
        raise InputError(
            f"{setup.samples} samples at temperature 0 would be {setup.samples} times the same: give a "
            "--temperature, or one sample."
        )
    return replace(setup, request=replace(setup.request, sampling=sampling))


def fixed(setup: Setup, task: Task, opened: Opened) -> dict[str, Any]:
    """All that must be the same for samples to count together; the number of samples may grow."""
    request = encode(setup.request)
    return {
        "model": opened.name,
        "task": task.name,
        "task_sha256": task.sha256,
        "problems": len(task.problems),
        "asks": task.asks,
        "system": setup.system,
        "think": setup.request.think,
        "budget": setup.request.budget,
        "sampling": {name: value for name, value in request["sampling"].items() if name != "seed"},
        "steering": request["steering"],
        "seed": setup.seed,
        "verifier": VERIFIER,
        "anchored": setup.anchored,
        "tolerance": setup.tolerance,
        "quantisation": opened.facts.get("quantisation", ""),
        "n_ctx": opened.facts.get("n_ctx", 0),
        "kv_type": opened.facts.get("kv_type", ""),
        "template_sha256": opened.facts.get("template_sha256", ""),
        "weights": {name: opened.facts[name] for name in WEIGHTS if name in opened.facts},
    }


def name_of(fixed: Mapping[str, Any]) -> str:
    """A folder's name: task, model, and a hash of everything that is fixed."""
    digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()[:8]
    words = f"{fixed['task']}-{short_name(fixed['model'])}"
    return "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in words)[:80] + f"-{digest}"


def short_name(model: str) -> str:
    """A model's name, of a file without its folders."""
    return Path(model).stem if model.endswith(".gguf") else model
