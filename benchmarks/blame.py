"""Finding the first wrong step by sampling: how often it is the right one, and for how many endings.

Simulated: a trace of n steps goes wrong at one of them; endings from before it are right with one chance,
from after it with another. `bisection` is ponder's search. Beside it stand the two that are simple: a scan
(the same number of endings at every step, up to the first with less than half the start's share) and a plain
bisection (the same number at each midpoint, the better half by the same rule). Cost counts an ending as what
is left of the trace, in traces. All numbers are seeded; no engine is needed.

    python -m benchmarks.blame [--rounds 400]
    python -m benchmarks.blame --marked FILE.jsonl [FILE.jsonl …] [--critic NAME] [--server URL] [--votes 4]

The second judges real solutions in which people marked the first wrong step; see `benchmarks.blame_marked`.
"""

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.blame_marked import Finder, both, claims, critic, read_marked, report, scores
from ponder.check.bisection import Bisection
from ponder.errors import PonderError
from ponder.opened import Options, open_model


@dataclass(frozen=True)
class Found:
    """The step that a search names (None: none), the endings it took and their cost in traces."""

    step: int | None
    endings: int
    cost: float
    confidence: float | None = None
    inside: tuple[int, int] | None = None


@dataclass(frozen=True)
class World:
    """Chances of a right ending at every node, and the step that is wrong (counted from 0)."""

    chances: Sequence[float]
    wrong: int

    @property
    def steps(self) -> int:
        return len(self.chances) - 1

    def cost(self, node: int) -> float:
        """One ending from this node, in traces; the answer counts as a step."""
        return (self.steps - node + 1) / (self.steps + 1)


def clear(dice: random.Random, steps: int) -> World:
    """Right with 0.6 to 0.95 before, 0 to 0.2 after."""
    return _fall(dice, steps, (0.6, 0.95), (0.0, 0.2))


def slip(dice: random.Random, steps: int) -> World:
    """A slip that is often repaired: 0.6 to 0.95 before, 0.25 to 0.45 after."""
    return _fall(dice, steps, (0.6, 0.95), (0.25, 0.45))


def weak(dice: random.Random, steps: int) -> World:
    """A model that is seldom right: 0.3 to 0.5 before, 0 to 0.1 after."""
    return _fall(dice, steps, (0.3, 0.5), (0.0, 0.1))


def drift(dice: random.Random, steps: int) -> World:
    """Not one step: chances rise to 0.98 on the way to the wrong step, and sink to 0 behind it."""
    world = _fall(dice, steps, (0.6, 0.95), (0.0, 0.3))
    chances = [
        chance + (0.98 - chance) * node / steps if node <= world.wrong else chance * (steps - node) / steps
        for node, chance in enumerate(world.chances)
    ]
    return World(chances, world.wrong)


def _fall(dice: random.Random, steps: int, good: tuple[float, float], bad: tuple[float, float]) -> World:
    wrong, high, low = dice.randrange(steps), dice.uniform(*good), dice.uniform(*bad)
    return World([high if node <= wrong else low for node in range(steps + 1)], wrong)


def bisection(dice: random.Random, world: World, samples: int) -> Found:
    """ponder's: every sample counts, both sides are confirmed."""
    search = Bisection(world.steps, samples)
    while (wish := search.wish()) is not None:
        node, count = wish
        search.tell(node, [dice.random() < world.chances[node] for _ in range(count)])
    bracket = search.bracket()
    cost = sum(share.of * world.cost(node) for node, share in search.nodes.items())
    return Found(bracket.step, search.sampled, cost, bracket.confidence, (bracket.first, bracket.last))


def plain(dice: random.Random, world: World, samples: int) -> Found:
    """Halving by the share at each midpoint."""
    least = _share(dice, world, 0, samples) / 2
    cost, endings = samples * world.cost(0), samples
    low, high = 0, world.steps
    while high - low > 1:
        middle = (low + high) // 2
        cost, endings = cost + samples * world.cost(middle), endings + samples
        if _share(dice, world, middle, samples) > least:
            low = middle
        else:
            high = middle
    return Found(high - 1, endings, cost)


def scan(dice: random.Random, world: World, samples: int) -> Found:
    """Step after step from the start."""
    least = _share(dice, world, 0, samples) / 2
    cost, endings = samples * world.cost(0), samples
    for node in range(1, world.steps + 1):
        cost, endings = cost + samples * world.cost(node), endings + samples
        if _share(dice, world, node, samples) <= least:
            return Found(node - 1, endings, cost)
    return Found(None, endings, cost)


def _share(dice: random.Random, world: World, node: int, samples: int) -> float:
    return sum(dice.random() < world.chances[node] for _ in range(samples)) / samples


Maker = Callable[[random.Random, int], World]

SEARCHES: dict[str, Callable[[random.Random, World, int], Found]] = {
    "scan": scan, "plain bisection": plain, "bisection": bisection,
}  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=400, help="traces for each line")
    parser.add_argument("--marked", type=Path, nargs="+", metavar="FILE.jsonl")
    parser.add_argument("--base", type=int, default=0, help="what marks of the first step are counted from")
    parser.add_argument("--critic", default="", metavar="NAME|FILE", help="a model to read them too")
    parser.add_argument("--server", default="", metavar="URL", help="that model is one of this server")
    parser.add_argument("--votes", type=int, default=4)
    wanted = parser.parse_args()
    if wanted.marked:
        try:
            marked(wanted)
        except (PonderError, ValueError, OSError) as error:
            parser.error(str(error))
    else:
        simulated(wanted.rounds)


def marked(wanted: argparse.Namespace) -> None:
    """Judge solutions with marks by claims, and by a critic if one is named."""
    solutions = [each for path in wanted.marked for each in read_marked(path, wanted.base)]
    finders: dict[str, Finder] = {"claims": claims}
    if wanted.critic or wanted.server:
        opened = open_model(wanted.critic, Options(server=wanted.server))
        reader = critic(opened, wanted.votes)
        finders |= {
            f"critic {opened.name}, {wanted.votes} votes": reader,
            "claims, and that critic where they are silent": both(reader),
        }
    report(scores(solutions, finders))


def simulated(rounds: int) -> None:
    """The searches against one another."""
    for make in (clear, drift, slip, weak):
        print(f"\n{make.__doc__}\n")
        print(
            "| steps | search | k | right step | within one | endings | cost in traces | told | in bracket |"
        )
        print("|---:|---|---:|---:|---:|---:|---:|---:|---:|")
        for steps in (15, 60):
            for name in SEARCHES:
                for samples in (4, 8, 16):
                    print(_line(make, name, steps, samples, rounds))


def _line(make: Maker, name: str, steps: int, samples: int, rounds: int) -> str:
    """A row: `rounds` searches by the search `name`."""
    search = SEARCHES[name]
    worlds, dice = random.Random(1), random.Random(2)
    right = near = endings = inside = 0
    cost = told = 0.0
    for _ in range(rounds):
        world = make(worlds, steps)
        found = search(dice, world, samples)
        right += found.step == world.wrong
        near += found.step is not None and abs(found.step - world.wrong) <= 1
        endings, cost, told = endings + found.endings, cost + found.cost, told + (found.confidence or 0.0)
        inside += found.inside is not None and found.inside[0] <= world.wrong <= found.inside[1]
    own = (f"{told / rounds:.2f}", f"{inside / rounds:.2f}") if name == "bisection" else ("", "")
    cells = [str(steps), name, str(samples), f"{right / rounds:.2f}", f"{near / rounds:.2f}"]
    cells += [f"{endings / rounds:.0f}", f"{cost / rounds:.0f}", *own]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
