CREATE TABLE jobs (
  number      INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  playbook    TEXT NOT NULL,
  source      TEXT NOT NULL,
  request     TEXT NOT NULL,
  facts       TEXT NOT NULL,
  actor       TEXT NOT NULL,
  parent      TEXT,
  state       TEXT NOT NULL,
  outcome     TEXT,
  created     INTEGER NOT NULL,
  finished    INTEGER,
  epoch       INTEGER NOT NULL,
  owner_pid   INTEGER,
  owner_start INTEGER,
  owner_boot  TEXT
);
CREATE TABLE events (
  job  INTEGER NOT NULL,
  seq  INTEGER NOT NULL,
  time INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (job, seq)
) WITHOUT ROWID;
