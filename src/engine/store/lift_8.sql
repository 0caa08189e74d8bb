-- From version 7 to 8: the text of a playbook is kept once, and no longer in the row of each job. `sources.rs` moves them.
CREATE TABLE sources (
  id     INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  text   TEXT NOT NULL
);
ALTER TABLE jobs ADD COLUMN source_id INTEGER NOT NULL DEFAULT 0;
