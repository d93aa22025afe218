"""From rows to values: a trace is put together from the stretch that each of its ancestors holds."""

import json
import sqlite3
from typing import Any

from ponder.core.events import Finish, Step, Token
from ponder.core.request import Request
from ponder.core.trace import Trace
from ponder.store.codec import decode
from ponder.store.packing import unpack, unpack_ids
from ponder.store.values import Bundle, Note, Summary

_SUMMARY = """
    SELECT t.id, t.created, t.model, t.engine, p.question, t.answer, t.tokens, t.fork_index, t.base,
           t.last_s, t.finish, t.parent, t.deleted
    FROM traces t JOIN prompts p ON p.number = t.prompt
"""


def read_bundle(connection: sqlite3.Connection, number: int) -> Bundle:
    """The trace in row `number` with all that is kept of it; raises ValueError where rows contradict."""
    row = connection.execute(
        """SELECT t.id, t.created, t.request, p.messages, p.ids, t.model, t.engine, t.n_ctx, t.parent,
                  t.fork_index, t.finish, t.environment
           FROM traces t JOIN prompts p ON p.number = t.prompt WHERE t.number = ?""",
        (number,),
    ).fetchone()
    request, messages, ids, finish, environment = row[2], row[3], row[4], row[10], row[11]
    trace = Trace(
        id=row[0],
        created=row[1],
        request=decode(Request, {**json.loads(request), "messages": json.loads(messages)}),
        model=row[5],
        engine=row[6],
        prompt_ids=unpack_ids(ids),
        tokens=tuple(read_tokens(connection, number)),
        steps=tuple(read_steps(connection, number).values()),
        finish=None if finish is None else decode(Finish, json.loads(finish)),
        n_ctx=row[7],
        parent=row[8],
        fork_index=row[9],
    )
    notes = connection.execute("SELECT kind, data FROM notes WHERE trace = ? ORDER BY number", (number,))
    return Bundle(trace, json.loads(environment), tuple(Note(kind, json.loads(data)) for kind, data in notes))


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
    return [_summary(row) for row in connection.execute(f"{_SUMMARY} WHERE {where}", values)]


def _summary(row: tuple[Any, ...]) -> Summary:
    """One row of `_SUMMARY`."""
    trace_id, created, model, engine, question, answer, tokens, fork_index, base = row[:9]
    last_s, end, parent, deleted = row[9:]
    finish = None if end is None else decode(Finish, json.loads(end))
    return Summary(
        id=trace_id,
        created=created,
        model=model,
        engine=engine,
        question=question,
        answer=answer,
        tokens=tokens,
        own_tokens=tokens if base is None else tokens - fork_index,
        reasoning_tokens=None if finish is None else finish.usage.reasoning_tokens,
        seconds=last_s if finish is None else finish.usage.total_s,
        reason=None if finish is None else finish.reason,
        closed_by=None if finish is None else finish.closed_by,
        parent=parent,
        fork_index=fork_index,
        deleted=bool(deleted),
    )
