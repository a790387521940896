-- The delivery that the last claim came from, so that it gets its run again when the answer to it
-- was lost.

ALTER TABLE job_records ADD COLUMN delivery TEXT;
