"""Which traces make a training row, and which side of a correction is the better one."""

from collections.abc import Sequence
from dataclasses import dataclass

from ponder.check.answers import agree
from ponder.check.verdicts import check_trace
from ponder.core.trace import Trace
from ponder.errors import InputError, NotFoundError
from ponder.store import Store
from ponder.store.codec import dumps
from ponder.store.export.training import preference_row, sft_row


@dataclass(frozen=True, slots=True)
class Choice:
    """How sides are chosen.

    `prefer`: branch, parent or claims (the side with fewer wrong claims). `answer`: the right answer, which
    then decides. `unfinished`: an original that was cut off may be the rejected side.
    """

    prefer: str = "branch"
    answer: str = ""
    unfinished: bool = False


def pairs(store: Store, names: Sequence[str], form: str, choice: Choice) -> str:
    """JSON lines, a pair for each branch; raises InputError where a pair cannot be made."""
    rows = []
    for branch in _branches(store, names):
        parent = _parent(store, branch)
        chosen, rejected = _chosen(branch, parent, choice)
        _require_answer(chosen)
        if not (choice.unfinished and rejected is parent):
            _require_answer(rejected)
        rows.append(preference_row(chosen, rejected, branch.fork_index, form))
    return "".join(dumps(row) + "\n" for row in rows)


def examples(store: Store, names: Sequence[str], form: str, choice: Choice) -> str:
    """JSON lines: of a branch the side that is chosen, of any other trace all of it."""
    rows = []
    for name in names:
        trace = store.load(name)
        index = trace.fork_index if trace.parent is not None else 0
        if trace.parent is not None and choice != Choice():
            trace = _chosen(trace, _parent(store, trace), choice)[0]
        _require_answer(trace)
        rows.append(sft_row(trace, index, form))
    return "".join(dumps(row) + "\n" for row in rows)


def _branches(store: Store, names: Sequence[str]) -> list[Trace]:
    """The branches that are named; of a trace that is none, those that left it."""
    found: dict[str, Trace] = {}
    for name in names:
        trace = store.load(name)
        left = [trace]
        if trace.parent is None:
            left = [store.load(s.id) for s in store.tree(trace.id) if s.parent == trace.id and not s.deleted]
        if not left:
            raise InputError(
                f"trace {trace.id} has no branches, so there is no pair: correct a step with `ponder fork`, "
                "or export it with --sft."
            )
        found |= {each.id: each for each in left}
    return list(found.values())


def _parent(store: Store, branch: Trace) -> Trace:
    """The trace that a branch left."""
    assert branch.parent is not None
    try:
        return store.load(branch.parent)
    except NotFoundError as error:
        raise InputError(
            f"trace {branch.id} is a branch of {branch.parent}, which is not here: there is no original tail "
            "to compare with."
        ) from error


def _chosen(branch: Trace, parent: Trace, choice: Choice) -> tuple[Trace, Trace]:
    """(chosen, rejected); raises InputError where nothing decides."""
    sides = (branch, parent)
    if choice.answer:
        right = [agree(side.answer, choice.answer) for side in sides]
        if right[0] == right[1]:
            which = "both answers are" if right[0] else "neither answer is"
            raise InputError(f"{branch.id} and {parent.id}: {which} {choice.answer!r}, so none is better.")
        return sides if right[0] else sides[::-1]
    if choice.prefer == "claims":
        wrong = [sum(f.claim.verdict == "wrong" for f in check_trace(side)) for side in sides]
        if wrong[0] == wrong[1]:
            raise InputError(
                f"{branch.id} and {parent.id} have {wrong[0]} wrong claims each, so claims do not decide: "
                "use --prefer branch or --prefer parent."
            )
        return sides if wrong[0] < wrong[1] else sides[::-1]
    return sides if choice.prefer == "branch" else sides[::-1]


def _require_answer(trace: Trace) -> None:
    """Raise InputError for a tail that would teach to stop in the middle."""
    if not trace.answer:
        hint = f"`ponder resume {trace.id}` goes on" if trace.finish is None else "leave it out"
        raise InputError(
            f"trace {trace.id} has no answer, so it is no training data: {hint}, or add --unfinished if it "
            "is only the rejected original."
        )
    if trace.finish is None or trace.finish.reason != "stop":
        raise InputError(
            f"the answer of trace {trace.id} was cut off, and nothing cut off is exported: leave it out, or "
            "add --unfinished if it is only the rejected original."
        )
