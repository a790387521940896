-- The history of generated pictures, which outlives jobs. A run is one job with its pictures; runs that went on from
-- each other's pictures have one chain. Times are milliseconds since 1970.
CREATE TABLE made_run (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT NOT NULL UNIQUE,
    owner          TEXT,
    at             INTEGER NOT NULL,
    chain          TEXT NOT NULL,
    parent         TEXT,     -- the run that it went on from, and the index of the picture
    parent_picture INTEGER,
    words          TEXT NOT NULL,
    further_words  TEXT NOT NULL,
    findable       TEXT NOT NULL,  -- what a search looks through, in lower case
    facts          TEXT NOT NULL   -- JSON
) STRICT;

CREATE INDEX made_run_chain ON made_run (chain, at, number);
CREATE INDEX made_run_at ON made_run (at, number);

CREATE TABLE made_picture (
    run        INTEGER NOT NULL REFERENCES made_run (number) ON DELETE CASCADE,
    picture    INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    media_type TEXT NOT NULL,
    width      INTEGER NOT NULL,
    height     INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    seed       INTEGER,  -- the bits of an unsigned number
    favourite  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, picture)
) STRICT, WITHOUT ROWID;

CREATE INDEX made_picture_file ON made_picture (sha256);
CREATE INDEX made_picture_favourite ON made_picture (run) WHERE favourite = 1;

CREATE TABLE made_reference (
    run   INTEGER NOT NULL REFERENCES made_run (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    point TEXT NOT NULL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX made_reference_point ON made_reference (point, run);

CREATE TABLE made_style (
    run   INTEGER NOT NULL REFERENCES made_run (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    style TEXT NOT NULL,
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX made_style_name ON made_style (style, run);

CREATE TABLE made_input (
    run    INTEGER NOT NULL REFERENCES made_run (number) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    size   INTEGER NOT NULL,
    PRIMARY KEY (run, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX made_input_file ON made_input (sha256);

-- Files of removed runs that are still to be deleted.
CREATE TABLE made_leftover (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   TEXT NOT NULL,  -- picture or input
    sha256 TEXT NOT NULL,
    UNIQUE (kind, sha256)
) STRICT;

-- Up to which byte the list of outputs was read for pictures that have no run yet.
CREATE TABLE made_import (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    read INTEGER NOT NULL
) STRICT;
