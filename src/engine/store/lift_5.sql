-- From version 4 to 5: starts that have an id.
CREATE TABLE starts (
  id  TEXT PRIMARY KEY,
  job INTEGER NOT NULL
);
