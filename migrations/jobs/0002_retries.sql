-- How often somebody asked for a job again after it had ended.

ALTER TABLE job_records ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
