-- What is known of the queue as a whole, such as the data folder that belongs to it.

CREATE TABLE job_notes (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
