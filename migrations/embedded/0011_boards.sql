-- Boards: named, ordered sets of pictures. owner: the name of a key, or empty for callers without one. Times are
-- seconds since 1970. Every change of a board or its pictures counts its version up.
CREATE TABLE board (
    id         TEXT NOT NULL PRIMARY KEY,
    owner      TEXT NOT NULL,
    name       TEXT NOT NULL,
    saved      INTEGER NOT NULL DEFAULT 0,  -- 1 for the board that the heart puts pictures on
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE INDEX board_owner ON board (owner, changed_at);
CREATE UNIQUE INDEX board_saved ON board (owner) WHERE saved = 1;

-- The pictures of boards. A picture that was deleted from the gallery stays, so that it is back when the deletion is
-- undone.
CREATE TABLE board_item (
    board    TEXT NOT NULL REFERENCES board (id) ON DELETE CASCADE,
    picture  TEXT NOT NULL,
    position INTEGER NOT NULL,
    role     TEXT NOT NULL,
    weight   REAL NOT NULL,
    note     TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (board, picture)
) STRICT, WITHOUT ROWID;

CREATE INDEX board_item_position ON board_item (board, position);

-- Links to boards. token: the SHA-256 of the link's token, which is not stored.
CREATE TABLE board_share (
    id         TEXT NOT NULL PRIMARY KEY,
    board      TEXT NOT NULL REFERENCES board (id) ON DELETE CASCADE,
    token      BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX board_share_board ON board_share (board);
