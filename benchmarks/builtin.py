"""How good the built-in model is: its tasks, the arithmetic in its reasoning, and whether it repairs a fault.

    python -m benchmarks.builtin --limit 1000                     # what docs/builtin.md says
    python -m benchmarks.builtin --model ./other.gguf --limit 100
    python -m benchmarks.builtin --against ./direct.gguf          # a model that answers directly beside it

Problems are freshly made, from the side of the split that training never sees, and answered greedily. A fault
is one wrong digit in the result that ends a step of a right answer, before the check: a branch goes on from
there. It is noticed where the model marks it or begins again, and repaired where the answer is the right one.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import ponder
from ponder.check.verdicts import check_trace
from ponder.core.trace import Trace
from ponder.world.reasoning import REPAIR
from ponder.world.tasks import TASKS

RESULT = re.compile(r"=(\d+)\s*\Z")


def evaluated(model: str, limit: int, against: str) -> list[dict[str, Any]]:
    """What `ponder eval` says of each task, one after the other."""
    tasks = [part for name in TASKS for part in ("--task", f"world:{name}")]
    command = [sys.executable, "-m", "ponder", "eval", model, *tasks, "--limit", str(limit), "--json"]
    command += ["--against", against] if against else []
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def samples(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The judged samples of a result."""
    with (Path(row["folder"]) / "samples.jsonl").open(encoding="utf-8") as file:
        for line in file:
            read = json.loads(line)
            if "outcome" in read:
                yield read


def fault_in(trace: Trace, rng: Random) -> tuple[int, str] | None:
    """A step before the check (counted from 1) and its text, wrong in the last digit."""
    found = []
    for at, step in enumerate(trace.steps, 1):
        text = trace.step_text(step)
        if text.lstrip().startswith("Check"):
            break
        if RESULT.search(text):
            found.append((at, text.strip()))
    if not found:
        return None
    at, text = rng.choice(found)
    digit = (int(text[-1]) + rng.randint(1, 9)) % 10
    return at, f"{text[:-1]}{digit}"


def faults(ids: Sequence[str], count: int) -> Counter[str]:
    """How many of `count` injected faults were noticed, and repaired."""
    rng, out = Random(0), Counter[str]()
    with ponder.open_store() as store:
        traces = [store.load(each) for each in ids]
    rng.shuffle(traces)
    for trace in traces:
        fault = fault_in(trace, rng)
        if fault is None:
            continue
        branch = ponder.fork(trace.id, fault[0], fault[1], kind="replace").trace()
        after = branch.reasoning.partition(fault[1])[2]
        out["injected"] += 1
        out["noticed"] += "✗" in after or REPAIR in after
        out["repaired"] += branch.answer.strip() == trace.answer.strip()
        if out["injected"] == count:
            break
    return out


def claims(ids: Sequence[str]) -> Counter[str]:
    """Verdicts on the arithmetic of these reasonings."""
    out = Counter[str]()
    with ponder.open_store() as store:
        for each in ids:
            out.update(finding.claim.verdict for finding in check_trace(store.load(each)))
    return out


def main() -> None:
    """Measure and print."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--against", default="")
    parser.add_argument("--faults", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        rows = evaluated(args.model, args.limit, args.against)
        print(f"{'task':<12} {'right':>7}  {'95 % interval':<16} {'tokens':>6} {'endless':>8}")
        right, judged, accuracies = [], [], []
        for row in rows:
            figures, task = row["figures"], row["fixed"]["task"].removeprefix("world:")
            share, all_ = figures["accuracy"], figures["all"]
            late = figures["no_answer"] + all_["truncated"] + all_["looped"]
            print(
                f"{task:<12} {share['value']:7.1%}  {share['low']:.1%} to {share['high']:<7.1%}"
                f" {all_['mean']:6.0f} {late:8d}  {row['label']}"
            )
            if row["label"] == rows[0]["label"]:
                accuracies.append(share["value"])
                found = list(samples(row))
                judged += [each["trace"] for each in found]
                right += [each["trace"] for each in found if each["outcome"] == "right" and task != "outside"]
        print(f"mean of {len(accuracies)} tasks: {sum(accuracies) / len(accuracies):.1%}")
        said = claims(judged)
        known = said["ok"] + said["wrong"]
        print(f"claims: {known:,} decided, {said['ok'] / max(1, known):.2%} right  {dict(said)}")
        out = faults(right, args.faults)
        n = max(1, out["injected"])
        print(f"faults: {n} injected, {out['noticed'] / n:.1%} noticed, {out['repaired'] / n:.1%} repaired")
        ponder.close()


if __name__ == "__main__":
    main()
