-- From version 2 to 3: what starts jobs without a person.
CREATE TABLE triggers (
  id       TEXT PRIMARY KEY,
  playbook TEXT NOT NULL,
  kind     TEXT NOT NULL,
  spec     TEXT NOT NULL,
  since    INTEGER NOT NULL
);
CREATE TABLE fires (
  number   INTEGER PRIMARY KEY,
  source   TEXT NOT NULL,
  key      TEXT NOT NULL,
  nominal  INTEGER NOT NULL,
  made     INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  playbook TEXT NOT NULL,
  spec     TEXT NOT NULL,
  event    TEXT NOT NULL,
  state    TEXT NOT NULL,
  job      INTEGER,
  words    TEXT NOT NULL,
  UNIQUE (source, key)
);
CREATE INDEX fires_by_time ON fires (source, nominal);
CREATE INDEX fires_open ON fires (source) WHERE state IN ('starting', 'waiting');
CREATE INDEX fires_by_job ON fires (job) WHERE job IS NOT NULL;
CREATE INDEX jobs_finished ON jobs (finished);
