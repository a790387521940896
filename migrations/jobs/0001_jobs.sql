-- Jobs of the embedded store. apalis keeps its own tables (Jobs, Workers) beside these.
-- Times are milliseconds since 1970.

CREATE TABLE job_records (
    id              TEXT PRIMARY KEY NOT NULL,
    kind            TEXT NOT NULL,
    lane            TEXT NOT NULL,
    state           TEXT NOT NULL,
    -- 'start', or 'merge' once all children have ended
    step            TEXT NOT NULL DEFAULT 'start',
    owner           TEXT NOT NULL DEFAULT '',
    payload         TEXT NOT NULL,
    max_attempts    INTEGER NOT NULL,
    attempt         INTEGER NOT NULL DEFAULT 0,
    -- which claim of the job is the current one: the fence
    run             INTEGER NOT NULL DEFAULT 0,
    version         INTEGER NOT NULL DEFAULT 1,
    created_ms      INTEGER NOT NULL,
    started_ms      INTEGER,
    finished_ms     INTEGER,
    -- what the line is sorted by; with `delayed`, not before this time
    queued_ms       INTEGER NOT NULL,
    delayed         INTEGER NOT NULL DEFAULT 0,
    -- apalis' task for the current place in line
    task            TEXT,
    worker          TEXT,
    lease_ms        INTEGER,
    cancel          INTEGER NOT NULL DEFAULT 0,
    cursor          TEXT,
    progress        TEXT,
    preview         TEXT,
    result          TEXT,
    error           TEXT,
    receipt         TEXT,
    parent          TEXT,
    weight          INTEGER NOT NULL DEFAULT 0,
    kids            INTEGER NOT NULL DEFAULT 0,
    kids_succeeded  INTEGER NOT NULL DEFAULT 0,
    kids_failed     INTEGER NOT NULL DEFAULT 0,
    kids_cancelled  INTEGER NOT NULL DEFAULT 0,
    kids_weight     INTEGER NOT NULL DEFAULT 0,
    kids_done       INTEGER NOT NULL DEFAULT 0,
    kids_unit       TEXT NOT NULL DEFAULT '""',
    told_ms         INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX job_records_line ON job_records (lane, queued_ms, id) WHERE state = 'queued';
CREATE INDEX job_records_leases ON job_records (lease_ms) WHERE state = 'running';
CREATE INDEX job_records_finished ON job_records (finished_ms) WHERE finished_ms IS NOT NULL AND parent IS NULL;
CREATE INDEX job_records_parent ON job_records (parent, id);

CREATE TABLE job_events (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    job   TEXT NOT NULL,
    kind  TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    data  TEXT NOT NULL
);

CREATE INDEX job_events_job ON job_events (job, seq);

CREATE TABLE job_keys (
    owner      TEXT NOT NULL,
    key        TEXT NOT NULL,
    job        TEXT NOT NULL,
    digest     TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
);

CREATE TABLE job_lanes (
    lane      TEXT PRIMARY KEY NOT NULL,
    paused    INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0
);

INSERT INTO job_lanes (lane) VALUES ('interactive'), ('bulk'), ('control');

CREATE TABLE job_workers (
    lane    TEXT NOT NULL,
    name    TEXT NOT NULL,
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (lane, name)
);

CREATE TABLE job_dead_letters (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    payload TEXT NOT NULL
);
