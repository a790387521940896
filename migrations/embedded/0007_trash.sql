-- Pictures that were deleted or hidden, and what pictures were before an edit: whole points, so that an undo restores
-- every bit. Times are seconds since 1970.
CREATE TABLE kept_point (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    point      TEXT NOT NULL,
    change     TEXT NOT NULL,  -- the job or the call
    kind       TEXT NOT NULL,  -- deleted, hidden or edited
    state      TEXT NOT NULL,  -- begun, done or restoring
    by         TEXT,
    at         INTEGER NOT NULL,
    until      INTEGER,
    md5        TEXT,           -- of the file's content
    model      TEXT NOT NULL,  -- the fingerprint of the model behind the vectors
    payload    TEXT NOT NULL,
    vectors    BLOB,           -- null when the trash was emptied: only the tombstone is left
    UNIQUE (collection, point, change)
) STRICT;

CREATE INDEX kept_point_point ON kept_point (collection, point, number);
CREATE INDEX kept_point_md5 ON kept_point (collection, md5) WHERE md5 IS NOT NULL;
CREATE INDEX kept_point_until ON kept_point (until) WHERE until IS NOT NULL;

-- Who changed what, and when. Rows are only added.
CREATE TABLE change_journal (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    collection TEXT NOT NULL,
    at         INTEGER NOT NULL,
    by         TEXT,
    change     TEXT NOT NULL,
    action     TEXT NOT NULL,
    pictures   INTEGER NOT NULL,
    detail     TEXT NOT NULL
) STRICT;

CREATE TRIGGER change_journal_is_not_rewritten BEFORE UPDATE ON change_journal
BEGIN SELECT RAISE(ABORT, 'the journal is only added to'); END;
CREATE TRIGGER change_journal_is_not_shortened BEFORE DELETE ON change_journal
BEGIN SELECT RAISE(ABORT, 'the journal is only added to'); END;
