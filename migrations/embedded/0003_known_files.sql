-- Files of folders that were added, with their size, time and inode when they were read, and what they are. An
-- unchanged file is not opened again. Times are nanoseconds since 1970.
CREATE TABLE known_file (
    collection  TEXT NOT NULL,
    folder      TEXT NOT NULL,
    name        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    context     TEXT NOT NULL,
    point       TEXT,  -- of a picture
    other       TEXT,  -- what it is, if it is not a picture
    PRIMARY KEY (collection, folder, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX known_file_point ON known_file (collection, point) WHERE point IS NOT NULL;

-- The same for pictures that a run found, until they are in the collection.
CREATE TABLE proposed_file (
    run         TEXT NOT NULL,
    collection  TEXT NOT NULL,
    folder      TEXT NOT NULL,
    name        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    inode       INTEGER NOT NULL,
    context     TEXT NOT NULL,
    point       TEXT NOT NULL,
    PRIMARY KEY (run, collection, folder, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX proposed_file_point ON proposed_file (run, point);
