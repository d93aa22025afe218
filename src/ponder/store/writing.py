"""From values to rows: a new trace, a batch of a journal's events, a whole trace, a deletion.

Every function here runs inside its caller's write transaction, on the store's one writing connection.
"""

import hashlib
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ponder.core.events import Event, Finish, Step, StepEnd, Token
from ponder.core.trace import Trace
from ponder.store.codec import dumps, encode
from ponder.store.ids import new_id, usable
from ponder.store.packing import pack, pack_ids, unpack
from ponder.store.reading import read_bundle, read_steps, read_tokens
from ponder.store.values import Bundle, Note, Start

CHUNK_TOKENS = 1024
"""The most tokens of one chunk, so that a branch near the end reads little that it does not need."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a journal knows of its row; `owner` shows that nobody else has taken the trace over.

    `shared_steps` are the parent's steps that end before the fork, by position.
    """

    number: int
    id: str
    owner: str
    tokens: int
    last_s: float
    finish: str | None
    shared_steps: Mapping[int, Step]


def insert_trace(
    connection: sqlite3.Connection, start: Start, base: int | None, name: str = "", created: float = 0.0
) -> Row:
    """A row for a new trace without tokens of its own; `name` and `created` are chosen here if not given."""
    shared: dict[int, Step] = {}
    if base is not None:
        steps = read_steps(connection, base)
        shared = {p: step for p, step in steps.items() if step.stop <= start.fork_index}
    request = encode(start.request)
    asked = [m.content for m in start.request.messages if m.role in {"user", "text"}]
    prompt = _insert_prompt(connection, asked[-1] if asked else "", dumps(request.pop("messages")), start)
    owner, now = os.urandom(8).hex(), time.time()
    tokens = 0 if base is None else start.fork_index
    while True:
        trace_id = name or new_id()
        cursor = connection.execute(
            """INSERT INTO traces (id, created, updated, owner, prompt, request, model, engine, n_ctx,
                                   environment, parent, fork_index, base, base_steps, tokens)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING""",
            (
                trace_id, created or now, now, owner, prompt, dumps(request), start.model, start.engine,
                start.n_ctx, dumps(encode(start.environment)), start.parent, start.fork_index, base,
                len(shared), tokens,
            ),
        )  # fmt: skip
        if cursor.rowcount == 1 and cursor.lastrowid is not None:
            return Row(cursor.lastrowid, trace_id, owner, tokens, 0.0, None, shared)
        name = ""


def take_over(connection: sqlite3.Connection, number: int) -> Row:
    """Make the caller the owner of an existing trace; a journal that was still writing it will notice."""
    owner = os.urandom(8).hex()
    connection.execute("UPDATE traces SET owner = ? WHERE number = ?", (owner, number))
    trace_id, tokens, last_s, finish, base_steps = connection.execute(
        "SELECT id, tokens, last_s, finish, base_steps FROM traces WHERE number = ?", (number,)
    ).fetchone()
    steps = read_steps(connection, number)
    shared = {position: step for position, step in steps.items() if position < base_steps}
    return Row(number, trace_id, owner, tokens, last_s, finish, shared)


def append(connection: sqlite3.Connection, row: Row, events: Sequence[Event | Note]) -> Row | None:
    """Add a batch to a trace; the row as it is afterwards, or None if the trace has another owner or is gone.

    New tokens remove an earlier end: a trace that is continued has none until its new one.
    """
    tokens = [event for event in events if isinstance(event, Token)]
    ends = [event for event in events if isinstance(event, Finish)]
    last_s, finish = row.last_s, row.finish
    if tokens:
        last_s, finish = tokens[-1].time_s, None
    if ends:
        finish = dumps(encode(ends[-1]))
    after = replace(row, tokens=row.tokens + len(tokens), last_s=last_s, finish=finish)
    updated = connection.execute(
        """UPDATE traces SET updated = ?, tokens = ?, last_s = ?, finish = ?
           WHERE number = ? AND owner = ? AND NOT deleted""",
        (time.time(), after.tokens, last_s, finish, row.number, row.owner),
    )
    if updated.rowcount != 1:
        return None
    for at in range(0, len(tokens), CHUNK_TOKENS):
        piece = tokens[at : at + CHUNK_TOKENS]
        connection.execute(
            "INSERT INTO chunks VALUES (?, ?, ?, ?)", (row.number, row.tokens + at, len(piece), pack(piece))
        )
    steps = {event.step.index: event.step for event in events if isinstance(event, StepEnd)}
    insert_steps(connection, row.number, {p: s for p, s in steps.items() if row.shared_steps.get(p) != s})
    insert_notes(connection, row.number, [event for event in events if isinstance(event, Note)])
    return after


def insert_notes(connection: sqlite3.Connection, number: int, notes: Sequence[Note]) -> None:
    """Store notes after those that are there."""
    connection.executemany(
        "INSERT INTO notes (trace, kind, data) VALUES (?, ?, ?)",
        [(number, note.kind, dumps(encode(note.data))) for note in notes],
    )


def insert_steps(connection: sqlite3.Connection, number: int, steps: Mapping[int, Step]) -> None:
    """Store steps at their positions, over what was there."""
    connection.executemany(
        "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(number, p, s.start, s.stop, s.part, s.role, s.rule) for p, s in steps.items()],
    )


def _insert_prompt(connection: sqlite3.Connection, question: str, messages: str, start: Start) -> int:
    """The row that holds what was asked, shared by content."""
    ids, text = pack_ids(start.prompt_ids), start.prompt_text.encode("utf-8", "replace").decode()
    whole = b"%d:%b%b%b" % (len(ids), ids, messages.encode(), text.encode())
    sha256 = hashlib.sha256(whole).digest()
    question = question.encode("utf-8", "replace").decode()
    inserted = connection.execute(
        """INSERT INTO prompts (sha256, question, messages, ids, text) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO NOTHING""",
        (sha256, question, messages, ids, text),
    )
    (number,) = connection.execute("SELECT number FROM prompts WHERE sha256 = ?", (sha256,)).fetchone()
    if inserted.rowcount:
        connection.execute("INSERT INTO questions (rowid, question) VALUES (?, ?)", (number, question))
    return int(number)


def _delete_unused_prompts(connection: sqlite3.Connection) -> None:
    """Forget what was asked when no trace needs it any more."""
    unused = "FROM prompts WHERE number NOT IN (SELECT prompt FROM traces)"
    # An index without content of its own must be told what to forget.
    connection.execute(
        f"INSERT INTO questions (questions, rowid, question) SELECT 'delete', number, question {unused}"
    )
    connection.execute(f"DELETE {unused}")


def insert_bundle(connection: sqlite3.Connection, bundle: Bundle) -> str:
    """Keep a whole trace and return its id: its own, or a new one where another trace has that.

    It shares its parent's tokens if the parent is here and has the same ones, else it holds all itself.
    """
    trace = bundle.trace
    taken = connection.execute("SELECT number FROM traces WHERE id = ?", (trace.id,)).fetchone()
    if taken is not None and read_bundle(connection, taken[0]) == bundle:
        return trace.id
    start = Start(
        trace.request, trace.model, trace.engine, trace.prompt_ids, trace.n_ctx, trace.parent,
        trace.fork_index, bundle.environment, trace.prompt_text,
    )  # fmt: skip
    base = _base_with_same_prefix(connection, trace)
    row = insert_trace(connection, start, base, trace.id if usable(trace.id) else "", trace.created)
    shared = 0
    while shared < len(trace.steps) and row.shared_steps.get(shared) == trace.steps[shared]:
        shared += 1
    connection.execute("UPDATE traces SET base_steps = ? WHERE number = ?", (shared, row.number))
    events: list[Event | Note] = [*trace.tokens[row.tokens :], *map(StepEnd, trace.steps), *bundle.notes]
    if trace.finish is not None:
        events.append(trace.finish)
    append(connection, row, events)
    return row.id


def delete_trace(connection: sqlite3.Connection, number: int) -> None:
    """Delete a trace; the tokens that its branches share stay, out of sight, until the last branch goes."""
    connection.execute("DELETE FROM texts WHERE rowid = ?", (number,))
    while True:
        branches, stop, steps = connection.execute(
            "SELECT count(*), max(fork_index), max(base_steps) FROM traces WHERE base = ?", (number,)
        ).fetchone()
        if branches:
            _keep_stem(connection, number, stop, steps)
            break
        (base,) = connection.execute("SELECT base FROM traces WHERE number = ?", (number,)).fetchone()
        connection.execute("DELETE FROM traces WHERE number = ?", (number,))
        stem = connection.execute(
            "SELECT number FROM traces WHERE number = ? AND deleted", (base,)
        ).fetchone()
        if stem is None:
            break
        (number,) = stem
    _delete_unused_prompts(connection)


def _keep_stem(connection: sqlite3.Connection, number: int, stop: int, steps: int) -> None:
    """Reduce a trace to the tokens before `stop` and its first `steps` steps."""
    crossing = connection.execute(
        "SELECT start, data FROM chunks WHERE trace = ? AND start < ? AND start + count > ?",
        (number, stop, stop),
    ).fetchone()
    connection.execute("DELETE FROM chunks WHERE trace = ? AND start + count > ?", (number, stop))
    if crossing is not None:
        first, data = crossing
        kept = unpack(data, first)[: stop - first]
        connection.execute("INSERT INTO chunks VALUES (?, ?, ?, ?)", (number, first, len(kept), pack(kept)))
    connection.execute("DELETE FROM steps WHERE trace = ? AND position >= ?", (number, steps))
    connection.execute("DELETE FROM notes WHERE trace = ?", (number,))
    connection.execute(
        """UPDATE traces SET deleted = 1, tokens = min(tokens, ?), finish = NULL, environment = '{}'
           WHERE number = ?""",
        (stop, number),
    )


def _base_with_same_prefix(connection: sqlite3.Connection, trace: Trace) -> int | None:
    """The row of the trace's parent, if it is here and begins with the same tokens."""
    found = connection.execute(
        "SELECT number FROM traces WHERE id = ? AND NOT deleted AND tokens >= ?",
        (trace.parent, trace.fork_index),
    ).fetchone()
    if found is None or trace.parent == trace.id:
        return None
    shared = read_tokens(connection, found[0])[: trace.fork_index]
    return int(found[0]) if tuple(shared) == trace.tokens[: trace.fork_index] else None
