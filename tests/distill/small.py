"""What the tests of the students share: a vocabulary, random students that are sure of something, and the
engine held against PyTorch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from ponder.distill.deepseek import Deepseek
from ponder.distill.deepseek_shape import DeepseekShape
from ponder.distill.experts import Router
from ponder.distill.student import Shape, Student
from ponder.distill.vocabulary import Vocabulary
from ponder.engine.embedded import Embedded
from ponder.world.reasoning import reasoned
from ponder.world.tasks import TASKS, problem
from tests.engine.asking import ids, prompt_of, run, settings, tokens

QWEN2 = {"width": 64, "layers": 2, "heads": 2, "feed": 96}
LLAMA = {"width": 64, "layers": 2, "heads": 4, "feed": 96, "family": "llama", "kv_heads": 2}
DEEPSEEK = {
    "width": 64, "layers": 3, "heads": 2, "feed": 96, "family": "deepseek3", "q_lora": 32, "kv_lora": 32,
    "nope": 32, "rope": 16, "value": 32, "experts": 4, "expert_feed": 32, "scale": 1.5,
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {"qwen2": QWEN2, "llama": LLAMA, "deepseek3": DEEPSEEK}


def sentences(count: int) -> list[str]:
    rng = Random("sentences")
    made = [
        problem(task, rng, level, held_out=False)
        for task in TASKS
        for level in (1, 2, 3)
        for _ in range(count)
    ]
    return [text for one in made for text in (one.question, reasoned(one, rng, 0.2).reasoning)]


@cache
def vocabulary() -> Vocabulary:
    return Vocabulary.learned(sentences(15), 400)


def random_student(family: str) -> Student:
    """Random weights, large enough to be sure of something, and biases that choose other experts."""
    sizes = SHAPES[family]
    student = Deepseek(DeepseekShape(400, **sizes)) if family == "deepseek3" else Student(Shape(400, **sizes))
    torch.manual_seed(5)
    for name, weight in student.named_parameters():
        if weight.dim() > 1:
            torch.nn.init.normal_(weight, std=0.2 if "embed" in name or "lm_head" in name else 0.04)
        elif name.endswith("bias"):
            torch.nn.init.normal_(weight, std=0.2)
        else:
            torch.nn.init.uniform_(weight, 0.5, 1.5)
    for each in student.modules():
        if isinstance(each, Router):
            torch.nn.init.normal_(each.get_buffer("e_score_correction_bias"), std=0.3)
    return student.eval()


@contextmanager
def engine_of(path: Path, **changes: Any) -> Iterator[Embedded]:
    engine = Embedded(settings(path, **changes))
    try:
        yield engine
    finally:
        engine.close()


def assert_same(student: Student, engine: Embedded, most_tokens: int = 40) -> None:
    """The engine's greedy tokens are PyTorch's, with its log-probabilities to three decimals."""
    prompt = prompt_of(engine, "What is 12 + 30?")
    assert list(prompt.ids) == vocabulary().prompt("What is 12 + 30?")
    emissions = run(engine, prompt=prompt)
    out = ids(emissions)[:most_tokens]
    assert len(out) > 10
    with torch.inference_mode():
        scores = student.logits(student(torch.tensor([[*prompt.ids, *out]]))[0]).log_softmax(-1)[0]
    after = scores[len(prompt.ids) - 1 : -1]
    assert after.argmax(-1).tolist() == out
    for at, token in enumerate(tokens(emissions)[: len(out)]):
        assert token.logprob == pytest.approx(float(after[at, out[at]]), abs=1e-3)
