"""Finding traces by their text: every word of a query must occur somewhere, inside longer words too.

Words of three characters and more go to a trigram index, which finds substrings in any script; shorter ones
(common in Chinese) are compared row by row. A query is only ever text: nothing in it is search syntax.
A branch is found by what it wrote itself, and the question by the trace that has no parent.
"""

import re
import sqlite3

from ponder.core.trace import text_of
from ponder.store.reading import read_tokens

_TRIGRAM = 3
_LONG_WORD = """(
    coalesce(b.deleted, 1) AND t.prompt IN (SELECT rowid FROM questions WHERE questions MATCH ?)
    OR t.number IN (SELECT rowid FROM texts WHERE texts MATCH ?)
)"""
_SHORT_WORD = r"""(
    coalesce(b.deleted, 1) AND p.question LIKE ? ESCAPE '\'
    OR t.number IN (SELECT rowid FROM texts WHERE answer || ' ' || reasoning LIKE ? ESCAPE '\')
)"""


def index_trace(connection: sqlite3.Connection, number: int) -> None:
    """Bring the searchable texts of one trace up to date; inside a write transaction."""
    row = connection.execute(
        "SELECT tokens, base, fork_index FROM traces WHERE number = ? AND NOT deleted", (number,)
    ).fetchone()
    if row is None:
        return
    count, base, fork_index = row
    own = read_tokens(connection, number, 0 if base is None else fork_index)
    answer = own
    if base is not None and own and own[0].part == "answer":
        answer = read_tokens(connection, number)
    connection.execute("DELETE FROM texts WHERE rowid = ?", (number,))
    connection.execute(
        "INSERT INTO texts (rowid, answer, reasoning) VALUES (?, ?, ?)",
        (number, text_of(answer, "answer").strip(), text_of(own, "reasoning")),
    )
    connection.execute("UPDATE traces SET indexed = ? WHERE number = ?", (count, number))


def unindexed(connection: sqlite3.Connection) -> list[int]:
    """Rows whose text the index does not know yet: runs that go on, or were cut off."""
    rows = connection.execute("SELECT number FROM traces WHERE indexed <> tokens AND NOT deleted")
    return [row[0] for row in rows]


def condition(query: str) -> tuple[str, list[str]]:
    """SQL that holds for the traces that contain every word of `query`, and its values.

    The names in it are those of `reading.SUMMARIES`: `b` is the trace that `t` shares tokens with.
    """
    words = query.replace("\0", " ").encode("utf-8", "replace").decode().split()
    clauses, values = ["1"], []
    for word in words:
        if len(word) >= _TRIGRAM:
            clauses.append(_LONG_WORD)
            values += ['"' + word.replace('"', '""') + '"'] * 2
        else:
            clauses.append(_SHORT_WORD)
            values += ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%"] * 2
    return " AND ".join(clauses), values
