"""What came of the rollouts of an update: groups with their advantages, figures, samples to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean, median, pstdev
from typing import Any

from ponder.distill.rewards import Written, answered, formed, suspicions
from ponder.world.problem import Problem

EXAMINED = 8
"""So many right answers of an update are looked at for rewards without the work."""
_EQUAL = 1e-6
_MOST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Group:
    """The answers to one prompt and their rewards."""

    problem: Problem
    written: tuple[Written, ...]
    rewards: tuple[float, ...]

    @property
    def dead(self) -> bool:
        """Whether all rewards are equal, so that there is nothing to learn from."""
        return pstdev(self.rewards) < _EQUAL

    @property
    def advantages(self) -> list[float]:
        """(reward - mean)/std, as in GRPO."""
        mean, spread = fmean(self.rewards), pstdev(self.rewards)
        return [(each - mean) / (spread + _EQUAL) for each in self.rewards]

    @property
    def right(self) -> float:
        """The share of right answers."""
        return fmean(answered(self.problem, each) for each in self.written)


def row_of(groups: Sequence[Group], rng: Random) -> dict[str, Any]:
    """The figures of an update: shares of all its answers, of all its groups, and lengths in tokens."""
    every = [(group, each) for group in groups for each in group.written]
    right = [(group, each) for group, each in every if answered(group.problem, each)]
    wrong = [each for group, each in every if not answered(group.problem, each)]
    dead = [group.right for group in groups if group.dead]
    examined = rng.sample(right, min(EXAMINED, len(right)))
    lengths = [len(each.ids) for _, each in every]
    return {
        "reward": fmean(value for group in groups for value in group.rewards),
        "right": len(right) / len(every),
        "format": fmean(formed(group.problem, each) for group, each in every),
        "dead": len(dead) / len(groups),
        "dead_right": sum(each == 1 for each in dead) / len(groups),
        "dead_wrong": sum(each == 0 for each in dead) / len(groups),
        "truncated": sum(not each.ended for _, each in every) / len(every),
        "length": fmean(lengths),
        "length_right": fmean(len(each.ids) for _, each in right) if right else None,
        "length_wrong": fmean(len(each.ids) for each in wrong) if wrong else None,
        "examined": len(examined),
        "suspicious": sum(bool(_doubts(group, each)) for group, each in examined),
    }


def samples_of(groups: Sequence[Group], step: int, rng: Random) -> list[dict[str, Any]]:
    """What a person should read of an update: one right answer, one wrong one, and a suspicious one."""
    every = [(group, each) for group in groups for each in group.written]
    rng.shuffle(every)
    right = [pair for pair in every if answered(pair[0].problem, pair[1])]
    found = [("right", *right[0])] if right else []
    found += [("wrong", *pair) for pair in every if not answered(pair[0].problem, pair[1])][:1]
    found += [("suspicious", *pair) for pair in right[:EXAMINED] if _doubts(*pair)][:1]
    return [
        {
            "step": step,
            "kind": kind,
            "task": group.problem.task,
            "question": group.problem.question,
            "target": group.problem.answer,
            "reasoning": each.reasoning[:_MOST_CHARACTERS],
            "answer": each.answer[:_MOST_CHARACTERS],
            "tokens": len(each.ids),
            "why": _doubts(group, each) if kind == "suspicious" else [],
        }
        for kind, group, each in found
    ]


def _doubts(group: Group, each: Written) -> list[str]:
    return suspicions(group.problem, each, median(len(other.ids) for other in group.written))
