"""Finding traces by their text: every word of a query must occur somewhere, inside longer words too.

Words of three characters and more go to a trigram index, which finds substrings in any script; shorter ones
(common in Chinese) are compared row by row. A query is only ever text: nothing in it is search syntax.
A branch is found by what it wrote itself, and the question by the trace that has no parent.
"""

import sqlite3

from ponder.core.trace import text_of
from ponder.store.reading import read_tokens


def index_trace(connection: sqlite3.Connection, number: int) -> None:
    """Bring the search index and the kept answer of one trace up to date; inside a write transaction."""
    row = connection.execute(
        """SELECT t.tokens, t.base, t.fork_index, b.deleted, p.question
           FROM traces t JOIN prompts p ON p.number = t.prompt LEFT JOIN traces b ON b.number = t.base
           WHERE t.number = ?""",
        (number,),
    ).fetchone()
    if row is None:
        return
    count, base, fork_index, base_deleted, question = row
    first = 0 if base is None else fork_index
    own = read_tokens(connection, number, first)
    answer = text_of(own, "answer").strip()
    if base is not None and own and own[0].part == "answer":
        answer = text_of(read_tokens(connection, number), "answer").strip()
    connection.execute("DELETE FROM texts WHERE rowid = ?", (number,))
    connection.execute(
        "INSERT INTO texts (rowid, question, reasoning, answer) VALUES (?, ?, ?, ?)",
        (number, question if base is None or base_deleted else "", text_of(own, "reasoning"), answer),
    )
    connection.execute("UPDATE traces SET answer = ?, indexed = ? WHERE number = ?", (answer, count, number))


def unindexed(connection: sqlite3.Connection) -> list[int]:
    """Rows whose text the index does not know yet: runs that go on, or were cut off."""
    rows = connection.execute("SELECT number FROM traces WHERE indexed <> tokens AND NOT deleted")
    return [row[0] for row in rows]


def condition(query: str) -> tuple[str, list[str]]:
    """SQL that holds for the rows `t.number` that contain every word of `query`, and its values."""
    words = query.replace("\0", " ").encode("utf-8", "replace").decode().split()
    long = [word for word in words if len(word) >= 3]
    clauses, values = [], []
    if long:
        clauses.append("texts MATCH ?")
        values.append(" AND ".join('"' + word.replace('"', '""') + '"' for word in long))
    for word in words:
        if len(word) < 3:
            clauses.append("question || ' ' || reasoning || ' ' || answer LIKE ? ESCAPE '\\'")
            values.append("%" + word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%")
    if not clauses:
        return "1", []
    # Every clause is one of the two constants above.
    return f"t.number IN (SELECT rowid FROM texts WHERE {' AND '.join(clauses)})", values  # noqa: S608
