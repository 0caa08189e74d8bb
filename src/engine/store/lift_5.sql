-- From version 4 to 5: how long jobs ran is asked of each that is listed.
CREATE INDEX events_worked ON events (id) WHERE type IN ('job.started', 'job.paused', 'job.resumed', 'job.retrying',
  'job.queued', 'job.claimed', 'job.completed', 'job.failed', 'job.cancelled', 'job.skipped', 'order.cancel',
  'order.rollback');
