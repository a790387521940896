-- What an artist likes: one weight a tag and a style, moved by clicks and saves.
CREATE TABLE artist (
    user_id TEXT NOT NULL PRIMARY KEY,
    clicked INTEGER NOT NULL DEFAULT 0,
    saved   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- kind: 'tag' (lower case) or 'style'. action: the count of the artist's actions when the weight last moved, so that
-- of equal weights the newer one is kept.
CREATE TABLE preference (
    user_id TEXT NOT NULL REFERENCES artist (user_id) ON DELETE CASCADE,
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    weight  REAL NOT NULL,
    action  INTEGER NOT NULL,
    PRIMARY KEY (user_id, kind, name)
) STRICT, WITHOUT ROWID;
