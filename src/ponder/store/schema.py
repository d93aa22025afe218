"""The tables, as the list of migrations that build them: a file's `user_version` counts those it has seen.

A trace holds only its own tokens; `base` is the trace that holds the ones before `fork_index` (absent for
a trace that holds all of them). What was asked is stored once by content: every branch, retry and vote of
a question points to the same row of `prompts`. `questions` and `texts` are the search indexes; the second
also keeps the texts. It is filled when a run ends and, for runs that were cut off, when someone searches:
`indexed` is the number of tokens it has seen.
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE prompts (
            number INTEGER PRIMARY KEY,
            sha256 BLOB NOT NULL UNIQUE,
            question TEXT NOT NULL,
            messages TEXT NOT NULL,
            ids BLOB NOT NULL
        )""",
        """CREATE TABLE traces (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            created REAL NOT NULL,
            updated REAL NOT NULL,
            owner TEXT NOT NULL,
            prompt INTEGER NOT NULL REFERENCES prompts,
            request TEXT NOT NULL,
            model TEXT NOT NULL,
            engine TEXT NOT NULL,
            n_ctx INTEGER NOT NULL,
            environment TEXT NOT NULL,
            parent TEXT,
            fork_index INTEGER NOT NULL,
            base INTEGER REFERENCES traces,
            base_steps INTEGER NOT NULL,
            deleted INTEGER NOT NULL DEFAULT 0,
            tokens INTEGER NOT NULL,
            last_s REAL NOT NULL DEFAULT 0,
            finish TEXT,
            indexed INTEGER NOT NULL DEFAULT -1
        )""",
        "CREATE INDEX traces_by_base ON traces (base)",
        "CREATE INDEX traces_by_prompt ON traces (prompt)",
        """CREATE TABLE chunks (
            trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE,
            start INTEGER NOT NULL,
            count INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (trace, start)
        )""",
        """CREATE TABLE steps (
            trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE,
            position INTEGER NOT NULL,
            start INTEGER NOT NULL,
            stop INTEGER NOT NULL,
            part TEXT NOT NULL,
            role TEXT NOT NULL,
            rule TEXT NOT NULL,
            PRIMARY KEY (trace, position)
        ) WITHOUT ROWID""",
        """CREATE TABLE notes (
            number INTEGER PRIMARY KEY,
            trace INTEGER NOT NULL REFERENCES traces ON DELETE CASCADE,
            kind TEXT NOT NULL,
            data TEXT NOT NULL
        )""",
        "CREATE INDEX notes_by_trace ON notes (trace)",
        """CREATE VIRTUAL TABLE questions USING fts5(
            question, content = 'prompts', content_rowid = 'number', tokenize = 'trigram'
        )""",
        "CREATE VIRTUAL TABLE texts USING fts5(answer, reasoning, tokenize = 'trigram')",
    ),
    ("ALTER TABLE prompts ADD COLUMN text TEXT NOT NULL DEFAULT ''",),
)
