-- From version 3 to 4: what jobs share.
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
