-- Maps of collections. collection: its public name. space: image or style. made_at: seconds since 1970. places: JSON, a
-- list of [id, x, y, style].
CREATE TABLE picture_map (
    collection TEXT NOT NULL,
    space      TEXT NOT NULL,
    made_at    INTEGER NOT NULL,
    places     TEXT NOT NULL,
    PRIMARY KEY (collection, space)
) STRICT, WITHOUT ROWID;
