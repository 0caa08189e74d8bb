-- Texts of playbooks, each once, however many jobs ran it: they are long beside all else that is written of a job. The number is
-- of the digest, as `sources.rs` has it.
CREATE TABLE sources (
  id     INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  text   TEXT NOT NULL
);
CREATE TABLE jobs (
  number      INTEGER PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  name        TEXT NOT NULL,
  playbook    TEXT NOT NULL,
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
  owner_boot  TEXT,
  on_loss     TEXT NOT NULL DEFAULT 'stop',
  retry_of    INTEGER,
  source_id   INTEGER NOT NULL DEFAULT 0
);
-- What jobs are asked for by: their rows are long, and are not to be read one after the other for it.
CREATE INDEX jobs_by_playbook ON jobs (playbook, outcome, number);
CREATE INDEX jobs_by_name ON jobs (name, number);
CREATE INDEX jobs_by_outcome ON jobs (outcome, number);
CREATE INDEX jobs_by_actor ON jobs (actor, number);
CREATE INDEX jobs_by_time ON jobs (created);
-- The key is the job's number times 2^32 plus the sequence number: appending to the end of a range of integer keys
-- touches one page, where a composite key would rebalance the tree every few events.
CREATE TABLE events (
  id   INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL
);
-- The few that tell how long jobs ran, as `logic/view/worked.rs` has them, and some others: a list of words would have to be made
-- into a table for each event that is written.
CREATE INDEX events_worked ON events (id) WHERE substr(type, 1, 4) = 'job.' OR type = 'order.cancel' OR type = 'order.rollback';
-- What starts jobs without a person, and since when it is known: nothing from before that is made up for.
CREATE TABLE triggers (
  id       TEXT PRIMARY KEY,
  playbook TEXT NOT NULL,
  kind     TEXT NOT NULL,
  spec     TEXT NOT NULL,
  since    INTEGER NOT NULL
);
-- The ledger: each fire once, however many services see it, and what came of it.
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
-- The few that an engine should be at work on, too: they have no end yet.
CREATE INDEX jobs_finished ON jobs (finished);
-- What jobs and cells hold (`held`), wait for (`waiting`), or will ask for again (`resting`). Rows count only while their
-- job lives; `cell` is -1 for the job as a whole.
CREATE TABLE claims (
  id        INTEGER PRIMARY KEY,
  job       INTEGER NOT NULL,
  cell      INTEGER NOT NULL,
  run       INTEGER NOT NULL,
  ticket    INTEGER NOT NULL,
  first     INTEGER NOT NULL,
  priority  INTEGER NOT NULL,
  rank      INTEGER NOT NULL,
  place     TEXT NOT NULL,
  claim     TEXT NOT NULL,
  state     TEXT NOT NULL,
  since     INTEGER NOT NULL,
  successor TEXT
);
CREATE INDEX claims_by_party ON claims (job, cell);
-- Which job was started with which id of its starter's.
CREATE TABLE starts (
  id  TEXT PRIMARY KEY,
  job INTEGER NOT NULL
);
