-- From version 7 to 8: the text of a playbook is kept once, and no longer in the row of each job.
CREATE TABLE sources (
  id     INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  text   TEXT NOT NULL
);
-- Nothing here knows a digest. With these no text is taken for another one; it is kept once more when it comes again.
INSERT INTO sources (digest, text) SELECT randomblob(32), source FROM (SELECT DISTINCT source FROM jobs);
CREATE INDEX sources_by_text ON sources (text);
ALTER TABLE jobs ADD COLUMN source_id INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET source_id = (SELECT sources.id FROM sources WHERE sources.text = jobs.source);
DROP INDEX sources_by_text;
ALTER TABLE jobs DROP COLUMN source;
