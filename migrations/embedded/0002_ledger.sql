-- The account of an ingest: one run over a manifest, which line claimed an id, and what became of every line.
CREATE TABLE ledger_run (
    id          TEXT NOT NULL PRIMARY KEY,
    manifest    TEXT NOT NULL,
    started_at  INTEGER NOT NULL,  -- seconds since 1970, as finished_at
    finished_at INTEGER,
    complete    INTEGER
) STRICT;

CREATE TABLE ledger_claim (
    run   TEXT NOT NULL REFERENCES ledger_run (id) ON DELETE CASCADE,
    point TEXT NOT NULL,
    line  INTEGER NOT NULL,
    PRIMARY KEY (run, point)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_line (
    run          TEXT NOT NULL REFERENCES ledger_run (id) ON DELETE CASCADE,
    line         INTEGER NOT NULL,
    point        TEXT,
    outcome      TEXT NOT NULL,
    duplicate_of INTEGER,
    reason       TEXT,
    PRIMARY KEY (run, line)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_line_outcome ON ledger_line (run, outcome, line);
