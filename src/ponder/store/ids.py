"""Names of traces: seven letters and digits without look-alikes, and how a trace is found by them."""

import difflib
import os
import re
import sqlite3

from ponder.errors import InputError, NotFoundError

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Base 32 after Crockford: no i, l, o (read as 1, 1, 0) and no u."""

LENGTH = 7
_LOOK_ALIKES = str.maketrans("oil", "011")


def new_id() -> str:
    """A random name, one of 3.4e10."""
    return "".join(ALPHABET[byte % 32] for byte in os.urandom(LENGTH))


def free(connection: sqlite3.Connection) -> str:
    """A random name that no trace has."""
    while connection.execute("SELECT 1 FROM traces WHERE id = ?", (name := new_id(),)).fetchone():
        pass
    return name


def usable(name: str) -> bool:
    """Whether a trace from elsewhere can keep its name here."""
    return name != "last" and re.fullmatch("[a-z0-9]{1,40}", name) is not None


def find(connection: sqlite3.Connection, name: str) -> tuple[int, str]:
    """The row number and full id of the trace called `name`: its id, a unique beginning of it, or `last`.

    Raises NotFoundError offering near ones, InputError for a beginning that several share.
    """
    if name == "last":
        row = connection.execute(
            "SELECT number, id FROM traces WHERE NOT deleted ORDER BY number DESC LIMIT 1"
        ).fetchone()
        if row is None:
            raise NotFoundError('No trace is kept yet: ask something first, for example `ponder ask "…"`.')
        return row[0], row[1]
    typed = _clean(name)
    exact = connection.execute("SELECT number, id, deleted FROM traces WHERE id = ?", (typed,)).fetchone()
    if exact is not None:
        if exact[2]:
            raise NotFoundError(f"Trace {exact[1]} was deleted; its branches keep only what they share.")
        return exact[0], exact[1]
    prefix = typed.translate(_LOOK_ALIKES)
    rows = connection.execute(
        """SELECT number, id FROM traces WHERE NOT deleted AND substr(id, 1, ?) = ?
           ORDER BY number DESC LIMIT 6""",
        (len(prefix), prefix),
    ).fetchall()
    if len(rows) == 1:
        return rows[0][0], rows[0][1]
    if rows and prefix:
        some = ", ".join(row[1] for row in rows[:5]) + (", …" if len(rows) > 5 else "")
        raise InputError(f"{name!r} is the beginning of several traces ({some}): type one more letter.")
    raise NotFoundError(_unknown(connection, name))


def _clean(name: str) -> str:
    """`name` in lower case and safe to hand to SQLite."""
    return name.strip().lower().encode("utf-8", "replace").decode()


def _unknown(connection: sqlite3.Connection, name: str) -> str:
    """The sentence for a name that no trace has."""
    recent = [
        row[0]
        for row in connection.execute(
            "SELECT id FROM traces WHERE NOT deleted ORDER BY number DESC LIMIT 5000"
        )
    ]
    near = difflib.get_close_matches(_clean(name).translate(_LOOK_ALIKES), recent, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`ponder traces` lists those that are kept."
    return f"There is no trace {name!r}: {hint}"
