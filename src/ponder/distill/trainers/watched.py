"""Runs of `ponder.distill.train` and `moe` that tell how far they are, and stop when they are told to."""

import time

from ponder.distill.kept import use_threads
from ponder.distill.lessons import Lesson
from ponder.distill.moe import MoeRun
from ponder.distill.train import Run
from ponder.distill.trainers import Job
from ponder.distill.work import Stopped, Told

TELL_S = 0.5


class Watched(Run):
    """The same run, watched."""

    def __init__(self, job: Job) -> None:
        use_threads()
        super().__init__(job.folder)
        self.last: dict[str, float] = {}
        self._job = job
        self._told = 0.0

    def _learn(self, batch: list[Lesson], rate: float) -> float:
        loss = super()._learn(batch, rate)
        self.last = {"loss": loss}
        self.stopping = self._job.stopping()
        if time.monotonic() - self._told > TELL_S:
            self._told = time.monotonic()
            steps = self.stages[self.stage].steps
            self._job.tell(Told(self.step + 1, steps, f"loss {loss:.3f}, {self.seen:,} tokens"))
        return loss


class WatchedMoe(Watched, MoeRun):
    """The same run with experts, watched."""


KINDS: dict[str, type[Watched]] = {"lean": Watched, "moe": WatchedMoe}
"""The name of a trainer → its run."""


def trained(job: Job, save_every_s: float, kind: type[Watched]) -> Watched:
    """Train to the end; raises Stopped with a checkpoint kept."""
    run = kind(job)
    try:
        run.train(save_every_s)
    except SystemExit as end:
        raise Stopped from end
    return run
