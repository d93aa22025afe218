"""From rows to values: a trace is put together from the stretch that each of its ancestors holds."""

import json
import sqlite3
from typing import Any, cast

from ponder.core.events import Finish, Step, Token
from ponder.core.request import Correction, Request, Steering
from ponder.core.trace import Trace, relabel
from ponder.store.codec import decode
from ponder.store.packing import unpack, unpack_ids
from ponder.store.values import Bundle, Note, Summary

Ranges = list[list[int]]

RELABELLED = "relabelled"
"""A note of this kind holds `ranges` of tokens that were written as answer and were reasoning after all."""

SUMMARIES = """
    SELECT t.number, t.base, t.id, t.created, t.updated, t.model, t.engine, p.question, x.answer, t.tokens,
           t.last_s, t.finish, t.parent, t.fork_index, t.deleted, t.request, t.base_steps
    FROM traces t JOIN prompts p ON p.number = t.prompt LEFT JOIN traces b ON b.number = t.base
         LEFT JOIN texts x ON x.rowid = t.number
"""
_NUMBER, _BASE = 0, 1


def read_bundle(connection: sqlite3.Connection, number: int) -> Bundle:
    """The trace in row `number` with all that is kept of it; raises ValueError where rows contradict."""
    row = connection.execute(
        """SELECT t.id, t.created, t.request, p.messages, p.ids, t.model, t.engine, t.n_ctx, t.parent,
                  t.fork_index, t.finish, t.environment, p.text
           FROM traces t JOIN prompts p ON p.number = t.prompt WHERE t.number = ?""",
        (number,),
    ).fetchone()
    request, messages, ids, finish, environment = row[2], row[3], row[4], row[10], row[11]
    notes = read_notes(connection, number)
    tokens = tuple(read_tokens(connection, number))
    for note in notes:
        if note.kind == RELABELLED:
            tokens = relabel(tokens, ((start, stop) for start, stop in cast("Ranges", note.data["ranges"])))
    trace = Trace(
        id=row[0],
        created=row[1],
        request=decode(Request, {**json.loads(request), "messages": json.loads(messages)}),
        model=row[5],
        engine=row[6],
        prompt_ids=unpack_ids(ids),
        tokens=tokens,
        steps=tuple(read_steps(connection, number).values()),
        finish=None if finish is None else decode(Finish, json.loads(finish)),
        n_ctx=row[7],
        parent=row[8],
        fork_index=row[9],
        prompt_text=row[12],
    )
    return Bundle(trace, json.loads(environment), notes)


def read_notes(connection: sqlite3.Connection, number: int) -> tuple[Note, ...]:
    """What is kept beside a trace, the oldest first."""
    found = connection.execute("SELECT kind, data FROM notes WHERE trace = ? ORDER BY number", (number,))
    return tuple(Note(kind, json.loads(data)) for kind, data in found)


def lineage(connection: sqlite3.Connection, number: int) -> list[tuple[int, int, int]]:
    """Who holds what of a trace, from the root to the trace itself: (row, stop, base_steps).

    The row holds no token from index `stop` on, and takes its first `base_steps` steps from the row before.
    """
    stretches: list[tuple[int, int, int]] = []
    row, stop = number, 2**62
    while True:
        base, fork_index, base_steps = connection.execute(
            "SELECT base, fork_index, base_steps FROM traces WHERE number = ?", (row,)
        ).fetchone()
        stretches.append((row, stop, base_steps))
        if base is None:
            return stretches[::-1]
        row, stop = base, min(stop, fork_index)


def read_tokens(connection: sqlite3.Connection, number: int, start: int = 0) -> list[Token]:
    """All tokens of a trace from index `start` on, those of its ancestors included."""
    tokens: list[Token] = []
    for row, stop, _ in lineage(connection, number):
        if stop <= start:
            continue
        chunks = connection.execute(
            """SELECT start, data FROM chunks WHERE trace = ? AND start < ? AND start + count > ?
               ORDER BY start""",
            (row, stop, start),
        )
        for first, data in chunks:
            tokens += [token for token in unpack(data, first) if start <= token.index < stop]
    if any(token.index != index for index, token in enumerate(tokens, start)):
        raise ValueError(f"the tokens of row {number} do not follow one another")
    return tokens


def read_steps(connection: sqlite3.Connection, number: int) -> dict[int, Step]:
    """The steps of a trace by position: its own, and before them those it shares with its ancestors."""
    steps: dict[int, Step] = {}
    for row, _, shared in lineage(connection, number):
        steps = {position: step for position, step in steps.items() if position < shared}
        own = connection.execute(
            "SELECT position, start, stop, part, role, rule FROM steps WHERE trace = ? ORDER BY position",
            (row,),
        )
        steps.update((step[0], Step(*step)) for step in own)
    return dict(sorted(steps.items()))


def read_summaries(connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Summary]:
    """One line for each trace that the SQL after `WHERE` selects; its order is the caller's."""
    return [_summary(row) for row in connection.execute(f"{SUMMARIES} WHERE {where}", values)]


def read_family(connection: sqlite3.Connection, root: int) -> list[Summary]:
    """The trace in row `root` and all its branches, each after its parent, earlier forks first."""
    rows = connection.execute(
        # Two constants, no text of a person.
        f"""{SUMMARIES} WHERE t.number IN (
                WITH RECURSIVE family (number) AS (
                    VALUES (?) UNION ALL SELECT b.number FROM traces b JOIN family f ON b.base = f.number
                ) SELECT number FROM family
            ) ORDER BY t.fork_index DESC, t.number DESC""",  # noqa: S608
        (root,),
    ).fetchall()
    branches: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        branches.setdefault(row[_BASE], []).append(row)
    ordered, waiting = [], [row for row in rows if row[_NUMBER] == root]
    while waiting:
        row = waiting.pop()
        ordered.append(_summary(row))
        waiting += branches.get(row[_NUMBER], [])
    return ordered


def _summary(row: tuple[Any, ...]) -> Summary:
    """One row of `SUMMARIES`."""
    _, base, trace_id, created, updated, model, engine, question = row[:8]
    answer, tokens, last_s, end, parent, fork_index, deleted, request, base_steps = row[8:]
    asked = json.loads(request)
    correction = asked.get("correction") if parent is not None else None
    finish = None if end is None else decode(Finish, json.loads(end))
    return Summary(
        id=trace_id,
        created=created,
        updated=updated,
        model=model,
        engine=engine,
        question=question,
        answer=answer or "",
        tokens=tokens,
        own_tokens=tokens if base is None else max(0, tokens - fork_index),
        reasoning_tokens=None if finish is None else finish.usage.reasoning_tokens,
        seconds=last_s if finish is None else finish.usage.total_s,
        reason=None if finish is None else finish.reason,
        closed_by=None if finish is None else finish.closed_by,
        parent=parent,
        fork_index=fork_index,
        deleted=bool(deleted),
        correction=None if correction is None else decode(Correction, correction),
        shared_steps=base_steps,
        steering=decode(Steering, asked.get("steering") or {}),
        budget=asked.get("budget"),
    )
