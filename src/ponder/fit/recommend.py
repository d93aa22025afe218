"""Which of everything that fits to take, with the reason in a sentence; and whether reasoning is worth it.

The rule: the highest published figure among models whose answer comes within a person's patience, in a
quantisation that is known to keep the quality, with a context that holds nine of ten answers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ponder.core.plan import Plan
from ponder.fit.plan import Planner
from ponder.fit.quality import CONVENTIONAL, Gain, Length, gains, reasoning_length
from ponder.fit.rank import common_benchmark, figure
from ponder.fit.subject import Subject

PATIENCE_S = 300.0
"""How long most people wait for one answer, if they say nothing: five minutes."""

SMALL_PARAMETERS = 5e9
"""Below it 4 bits cost more: INT4 keeps 97 % of the reasoning scores from 7B up and 94 % of the 1.5B
(Neural Magic's evaluations of the R1 distills)."""

_SOUND = ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "BF16", "F16", "MXFP4_MOE")
_SOUND_SMALL = ("Q6_K", "Q8_0", "BF16", "F16", "MXFP4_MOE")


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
    plans: Sequence[Plan], task: str, parameters: dict[str, int], patience_s: float = PATIENCE_S
) -> Recommendation | None:
    """The plan to take; None where no answer can be timed. `parameters` counts each model's weights."""
    timed = [plan for plan in one_per_model(plans, parameters) if plan.answer]
    if not timed:
        return None
    if len(timed) == 1:
        return _of_one(timed[0], parameters.get(timed[0].model, 0))
    benchmark = common_benchmark(timed, task)
    good = [p for p in timed if is_sound(p, parameters.get(p.model, 0)) and holds_answers(p)]
    quick = [plan for plan in good if _seconds(plan) <= patience_s]
    scored = [plan for plan in quick if figure(plan, benchmark) is not None]
    if scored:
        chosen = max(scored, key=lambda plan: (figure(plan, benchmark) or 0.0, -_seconds(plan)))
        reason = (
            f"it has the best published {benchmark} ({figure(chosen, benchmark):g}) of the {len(scored)} "
            f"models that fit with a sound quantisation and answer within {spelled_s(patience_s)} "
            f"({spelled_s(_seconds(chosen))} on average)"
        )
    elif quick:
        chosen = max(quick, key=lambda plan: (parameters.get(plan.model, 0), -_seconds(plan)))
        reason = (
            f"no figure for {task} is published of what fits, and it is the largest model that answers "
            f"within {spelled_s(patience_s)} ({spelled_s(_seconds(chosen))} on average)"
        )
    else:
        chosen = min(good or timed, key=_seconds)
        reason = (
            f"nothing sound that fits answers within {spelled_s(patience_s)}, and it is the quickest "
            f"({spelled_s(_seconds(chosen))} on average); think of a batch job"
        )
    return Recommendation(chosen, reason)


def _of_one(plan: Plan, parameters: int) -> Recommendation:
    """The recommendation among the quantisations of one model."""
    if is_sound(plan, parameters):
        reason = "the smallest quantisation that is known to keep the quality; larger ones are slower"
    else:
        reason = "the largest quantisation that fits, but below what is known to keep the quality"
    if not holds_answers(plan):
        reason += "; its context cuts the longest answers off"
    return Recommendation(plan, reason)


def _seconds(plan: Plan) -> float:
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
