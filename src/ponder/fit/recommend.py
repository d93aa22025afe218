"""Which of everything that fits to take, with the reason in a sentence; and whether reasoning is worth it.

The rule: of the models whose answer comes within a person's patience, in a quantisation that is known to
keep the quality and a context that holds nine of ten answers, take the best standing. Figures that lie no
further apart than published and repeated ones do count as equal; of equals that are not much slower than
the quickest, the one that stands best on a harder kind of task is taken, then the quicker. A model whose
standing is unknown is never recommended before one whose standing is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ponder.catalog.models import known_model
from ponder.core.plan import Figure, Plan
from ponder.fit.plan import Planner
from ponder.fit.quality import CONVENTIONAL, Gain, Length, gains, reasoning_length
from ponder.fit.standing import benchmark_of, standing, tolerance
from ponder.fit.subject import Subject

PATIENCE_S: Mapping[str, float] = {
    "plain": 30.0,
    "code": 300.0,
    "maths": 300.0,
    "logic": 600.0,
    "analysis": 600.0,
    "olympiad": 1200.0,
}
"""How long a mean answer may take if nobody says: a choice of ours, not a measurement."""

_STAND_IN = frozenset({"logic"})
"""Kinds of task whose benchmark is only the nearest there is."""

HARDER: Mapping[str, str] = {
    "plain": "analysis",
    "code": "olympiad",
    "maths": "olympiad",
    "logic": "olympiad",
    "analysis": "olympiad",
    "olympiad": "analysis",
}
"""Kind of task that decides between models which are equally good at one."""

MUCH_SLOWER = 3.0
"""An answer that takes so many times longer is not worth what only another kind of task tells apart."""

SMALL_PARAMETERS = 5e9
"""Below it 4 bits cost more: INT4 keeps 97 % of the reasoning scores from 7B up and 94 % of the 1.5B
(Neural Magic's evaluations of the R1 distills)."""

_SOUND_SMALL = ("Q6_K", "Q8_0", "BF16", "F16", "MXFP4_MOE", "FP8", "W8A8", "MXFP4")
_SOUND = ("Q4_K_M", "Q5_K_M", "AWQ", "GPTQ", *_SOUND_SMALL)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One plan and why it is this one."""

    plan: Plan
    reason: str


@dataclass(frozen=True, slots=True)
class Worth:
    """What reasoning costs here and what it gains: seconds of a mean answer with and without it.

    `conventional_s` is None where nobody publishes how long the conventional model's answers are.
    """

    gain: Gain
    reasoning_s: float
    conventional_s: float | None
    conventional_length: Length | None

    @property
    def sentence(self) -> str:
        """Both sides in plain words."""
        better, plain = self.gain.reasoning, self.gain.conventional
        twin = plain.model if plain.model != better.model else f"{plain.model} without reasoning"
        unit = "points" if better.metric != "rating" else "Elo"
        cost = f"a mean answer takes {spelled_s(self.reasoning_s)} here"
        if self.conventional_s is not None and self.conventional_length is not None:
            cost += (
                f" instead of {spelled_s(self.conventional_s)} ({self.conventional_length.mean_tokens:.0f} "
                f"tokens, {self.conventional_length.model})"
            )
        else:
            cost += "; how long a conventional answer is, nobody publishes for this task"
        return (
            f"Reasoning gains {self.gain.points:+.1f} {unit} on {better.benchmark} ({better.value:g} against "
            f"{plain.value:g} of {twin}); {cost}."
        )


def is_sound(plan: Plan, parameters: int) -> bool:
    """Whether the quantisation is known to keep nearly all of a reasoning model's quality."""
    return plan.quantisation in (_SOUND if parameters >= SMALL_PARAMETERS else _SOUND_SMALL)


def is_published(plan: Plan) -> bool:
    """Whether there is a file to run: a model of the catalogue needs a published GGUF for llama.cpp."""
    model = known_model(plan.id) if plan.id else None
    return model is None or bool(model.gguf_repos) or plan.engine == "vllm"


def holds_answers(plan: Plan) -> bool:
    """Whether nine of ten answers fit its context."""
    wait = plan.answer
    return wait is not None and plan.n_ctx >= wait.prompt_tokens + wait.p90_tokens


def one_per_model(plans: Iterable[Plan], parameters: dict[str, int]) -> list[Plan]:
    """For every model the quickest plan of a sound quantisation that holds its answers; where there is none,
    the nearest to that. The order of the plans is kept.
    """
    best: dict[str, Plan] = {}
    for plan in plans:
        other = best.get(plan.model)
        if other is None or _merit(plan, parameters) > _merit(other, parameters):
            best[plan.model] = plan
    return list(best.values())


def _merit(plan: Plan, parameters: dict[str, int]) -> tuple[bool, bool, float]:
    sound = is_sound(plan, parameters.get(plan.model, 0))
    size = -plan.file_bytes if sound else plan.file_bytes
    return sound, holds_answers(plan), float(size)


def recommend(
    plans: Sequence[Plan], task: str, parameters: dict[str, int], patience_s: float | None = None
) -> Recommendation | None:
    """The plan to take; None where no answer can be timed. `parameters` counts each model's weights."""
    timed = [plan for plan in one_per_model(plans, parameters) if plan.answer]
    if not timed:
        return None
    if len(timed) == 1:
        return _of_one(timed[0], parameters.get(timed[0].model, 0))
    patience_s = PATIENCE_S[task] if patience_s is None else patience_s
    good = [p for p in timed if is_sound(p, parameters.get(p.model, 0)) and holds_answers(p)]
    good = [plan for plan in good if is_published(plan)] or good
    quick = [plan for plan in good if seconds(plan) <= patience_s]
    known = [plan for plan in quick if plan.standing]
    if known:
        return _best(known, task, f"fit and answer within {spelled_s(patience_s)}")
    if not quick:
        return _slow(good or timed, patience_s)
    chosen = min(quick, key=seconds)
    reason = (
        f"how the models that answer within {spelled_s(patience_s)} do on {benchmark_of(task)} is not "
        f"published, and it is the quickest of them ({spelled_s(seconds(chosen))} on average)"
    )
    return Recommendation(chosen, reason)


def our_choices(task: str, patience_s: float | None = None) -> tuple[Figure, ...]:
    """What a recommendation rests on beside figures: two numbers that nobody has measured."""
    given = (
        "as given with --patience" if patience_s is not None else "our choice, not a measurement (--patience)"
    )
    seconds_ = PATIENCE_S[task] if patience_s is None else patience_s
    slower = "slower than the quickest of equals is too slow: our choice, not a measurement"
    return (
        Figure("patience", seconds_ / 60, "min", f"a mean answer of this kind may take so long: {given}"),
        Figure("much slower", MUCH_SLOWER, "times", slower),
    )


def _best(known: Sequence[Plan], task: str, how: str) -> Recommendation:
    """The best of plans with a standing, which are those that do as `how` says."""
    benchmark = benchmark_of(task)
    top, near = max(value(plan) for plan in known), tolerance(benchmark)
    equal = [plan for plan in known if value(plan) >= top - near]
    quickest = min(seconds(plan) for plan in equal)
    usable = [plan for plan in equal if seconds(plan) <= MUCH_SLOWER * quickest]
    chosen = max(usable, key=lambda plan: (_harder(plan, task), -seconds(plan)))
    takes = f"; {spelled_s(seconds(chosen))} on average"
    among = f"the {len(known)} models that {how}" if len(known) > 1 else f"what would {how}"
    lead = "no figures on logic are published, and " if task in _STAND_IN else ""
    if len(equal) == 1:
        return Recommendation(
            chosen, f"{lead}it has the best {benchmark} ({_figure_words(chosen)}) of {among}{takes}"
        )
    reason = (
        f"{lead}of {among}, {len(equal)} are about as good on {benchmark} (this one "
        f"{_figure_words(chosen)}, the best {top:.1f}; repeated measurements differ by {near:.1f})"
    )
    if len(usable) == 1 or _harder(chosen, task) < 0:
        return Recommendation(chosen, f"{reason}, and it is the quickest of these{takes}")
    harder = f"{benchmark_of(HARDER[task])} ({_harder(chosen, task):.1f})"
    return Recommendation(
        chosen, f"{reason}, and of those not much slower than the quickest it is the best on {harder}{takes}"
    )


def _slow(plans: Sequence[Plan], patience_s: float) -> Recommendation:
    """Where nothing answers in time: the best of what is not much slower than the quickest."""
    known = [plan for plan in plans if plan.standing]
    quickest = min(seconds(plan) for plan in known or plans)
    usable = [plan for plan in known or plans if seconds(plan) <= MUCH_SLOWER * quickest]
    chosen = max(usable, key=lambda plan: (value(plan), -seconds(plan)))
    which = "it is the quickest"
    if seconds(chosen) > quickest:
        which = "it is the best of those not much slower than the quickest"
    reason = (
        f"nothing sound that fits answers within {spelled_s(patience_s)}, and {which} "
        f"({spelled_s(seconds(chosen))} on average); think of a batch job, or of more --patience"
    )
    return Recommendation(chosen, reason)


def _harder(plan: Plan, task: str) -> float:
    """Standing on the harder kind of task; below zero where it is unknown."""
    found = standing(plan.id, HARDER[task])
    return found.value if found else -1.0


def _figure_words(plan: Plan) -> str:
    stands = plan.standing
    assert stands is not None
    if not stands.through:
        return f"{stands.value:g}"
    via = stands.through[0] if len(stands.through) == 1 else f"{len(stands.through)} models"
    edition = stands.edition.removeprefix("LiveCodeBench ")
    return f"about {stands.value:.0f}, from {stands.published:g} on {edition} through {via}"


def value(plan: Plan) -> float:
    """A plan's standing in percent; 0 where it is unknown."""
    return plan.standing.value if plan.standing else 0.0


def _of_one(plan: Plan, parameters: int) -> Recommendation:
    """The recommendation among the quantisations of one model."""
    if is_sound(plan, parameters):
        reason = "the smallest quantisation that is known to keep the quality; larger ones are slower"
    else:
        reason = "the largest quantisation that fits, but below what is known to keep the quality"
    if not holds_answers(plan):
        reason += "; its context cuts the longest answers off"
    return Recommendation(plan, reason)


def seconds(plan: Plan) -> float:
    """A mean answer's seconds; infinite where they cannot be predicted."""
    return plan.answer.mean_s if plan.answer else float("inf")


def worth(planner: Planner, subject: Subject, plan: Plan) -> Worth | None:
    """Reasoning against the conventional model of the same size on this machine; None where no benchmark was
    taken by both, or the answer cannot be timed.
    """
    task = planner.wish.task
    found = (
        [gain for gain in gains(subject.id, task) if gain.reasoning.metric == "pass@1"] if subject.id else []
    )
    if not found or plan.answer is None:
        return None
    twin = CONVENTIONAL.get(subject.id, subject.id)
    length = reasoning_length(twin, task)
    if length is None or not length.exact or twin == subject.id:
        length = reasoning_length("Qwen2.5-Math-7B", task) if task in {"maths", "olympiad"} else None
        length = length if length and length.model == "Qwen2.5-Math-7B" else None
    seconds = None
    if length is not None:
        placed = planner.place(subject, plan.quantisation, plan.n_ctx)
        if placed is not None:
            timing = planner.timing(subject, plan.quantisation, placed)
            writing_s = timing.pace.writing_s(length.mean_tokens, planner.wish.prompt_tokens)
            seconds = plan.answer.prompt_tokens / plan.prefill.tps if plan.prefill else 0.0
            seconds += writing_s / timing.correction
    return Worth(found[0], plan.answer.mean_s, seconds, length)


def spelled_s(seconds: float) -> str:
    """A time as people say it: 0.4 s, 15 s, 2 min 30 s, 1.5 h, 3 days."""
    if seconds < 9.5:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 3570:
        minutes, rest = divmod(round(seconds / 10) * 10, 60)
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 10 else "")
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
