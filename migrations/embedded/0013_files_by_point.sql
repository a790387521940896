-- Finds proposals by point, with or without their run, and the records of files that are gone.
DROP INDEX proposed_file_point;
CREATE INDEX proposed_file_point ON proposed_file (point, run);
CREATE INDEX known_file_gone ON known_file (collection, point) WHERE context >= 'gone:' AND context < 'gone;';
