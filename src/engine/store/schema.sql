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
-- The key is the job's number times 2^32 plus the sequence number: appending to the end of a range of integer keys
-- touches one page, where a composite key would rebalance the tree every few events.
CREATE TABLE events (
  id   INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL
);
