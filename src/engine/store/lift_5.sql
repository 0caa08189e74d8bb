-- From version 4 to 5: starts that have an id, and how long jobs ran, which is asked of each that is listed.
CREATE TABLE starts (
  id  TEXT PRIMARY KEY,
  job INTEGER NOT NULL
);
CREATE INDEX events_worked ON events (id) WHERE type IN ('job.started', 'job.paused', 'job.resumed', 'job.retrying',
  'job.queued', 'job.claimed', 'job.completed', 'job.failed', 'job.cancelled', 'job.skipped', 'order.cancel',
  'order.rollback');
