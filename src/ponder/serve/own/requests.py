"""What ponder's own API takes; nothing that is not named here is accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from ponder.blame.critique import REASONING_TOKENS, VOTES
from ponder.serve.openai.requests import MOST_TEXT, MOST_TOKENS, Budget, Tokens
from ponder.serve.schema import Range, Size

MOST_SAMPLES, MOST_VOTES = 64, 64
Name = Annotated[str, Size(512)]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Size(MOST_TEXT)]
    reasoning: Annotated[str, Size(MOST_TEXT)] = ""


@dataclass(frozen=True, slots=True)
class SamplingWish:
    """How tokens are chosen; what is left out is the model's own default."""

    temperature: Annotated[float, Range(0, 5)] | None = None
    top_p: Annotated[float, Range(0, 1)] | None = None
    top_k: Annotated[int, Range(0, 1_000_000)] | None = None
    min_p: Annotated[float, Range(0, 1)] | None = None
    seed: Annotated[int, Range(0, 2**31 - 1)] | None = None
    max_tokens: Tokens | None = None


@dataclass(frozen=True, slots=True)
class SteeringWish:
    """How the reasoning is steered; see docs/correct.md."""

    extend: Annotated[int, Range(0, 100)] = 0
    soft_budget: Budget | None = None
    favour: Annotated[Mapping[str, Annotated[float, Range(-100, 100)]], Size(32)] | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """`POST /api/ponder/traces`: a question, or a conversation that ends with one."""

    messages: Annotated[tuple[Turn, ...], Size(1024, 1)]
    model: Name = ""
    think: Literal["auto", "on", "off"] = "auto"
    budget: Annotated[int, Range(0, MOST_TOKENS)] | None = None
    sampling: SamplingWish = SamplingWish()
    steering: SteeringWish = SteeringWish()


@dataclass(frozen=True, slots=True)
class Control:
    """What to do with a running trace."""

    action: Literal["pause", "go_on", "answer_now", "think_more", "stop"]


@dataclass(frozen=True, slots=True)
class Fork:
    """A branch: leave the trace before `step` (counted from 1) with a correction.

    A trace that still runs is stopped. `none`: the model goes on by itself, with another seed.
    """

    step: Annotated[int, Range(1, MOST_TOKENS)]
    kind: Literal["none", "say", "replace", "note", "delete", "answer"] = "say"
    text: Annotated[str, Size(100_000)] = ""
    budget: Annotated[int, Range(1, MOST_TOKENS)] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Look for the first wrong step of a kept trace: by these methods, cheap to dear.

    `answer` is the right one; without it, what most sampled endings agree on. `critic_model` reads the steps
    and votes; empty: the model that wrote them. `samples` endings are sampled at a step.
    """

    methods: Annotated[tuple[Literal["critic", "rollouts", "importance"], ...], Size(3, 1)] = ("rollouts",)
    answer: Annotated[str, Size(2000)] = ""
    samples: Annotated[int, Range(1, MOST_SAMPLES)] = 8
    votes: Annotated[int, Range(1, MOST_VOTES)] = VOTES
    critic_model: Name = ""
    budget: Annotated[int, Range(1, MOST_TOKENS)] = REASONING_TOKENS
    seed: Annotated[int, Range(0, 2**31 - 1)] = 0


@dataclass(frozen=True, slots=True)
class CostQuery:
    """For what the costs are wanted."""

    samples: Annotated[int, Range(1, MOST_SAMPLES)] = 8
    votes: Annotated[int, Range(1, MOST_VOTES)] = VOTES
    critic_model: Name = ""
    budget: Annotated[int, Range(1, MOST_TOKENS)] = REASONING_TOKENS
    known: Annotated[bool, "The right answer will be given."] = False


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """What a list of traces shall hold."""

    query: Annotated[str, Size(1000)] = ""
    limit: Annotated[int, Range(1, 1000)] = 100


@dataclass(frozen=True, slots=True)
class OneQuery:
    """How much of one trace is wanted."""

    tokens: Annotated[bool, "Every token of it, with log-probabilities."] = False


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """In which form."""

    format: Literal["md", "json", "jsonl", "html"] = "md"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that is not this one. `gpu` as in `RTX 4090` or `2x RTX 3090`."""

    gpu: Annotated[str, Size(200)] = ""
    cpu: Annotated[str, Size(200)] = ""
    ram_gib: Annotated[float, Range(0.5, 100_000)] | None = None
    ram_bandwidth_gbps: Annotated[float, Range(1, 100_000)] | None = None
    cores: Annotated[int, Range(1, 4096)] | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """`POST /api/ponder/fit`: the plans of one model, or of everything there is; null: this machine."""

    model: Name = ""
    machine: Machine | None = None
    quantisation: Annotated[str, Size(40)] = ""
    n_ctx: Annotated[int, Range(0, MOST_TOKENS)] = 0
    kv_type: Literal["f16", "bf16", "q8_0", "q4_0"] = "f16"
    batch: Annotated[int, Range(1, 256)] = 1
    task: Literal["maths", "olympiad", "code", "logic", "analysis", "plain"] = "maths"
