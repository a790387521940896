-- How often a worker process ended while it ran the job, since the job last got further.

ALTER TABLE job_records ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
