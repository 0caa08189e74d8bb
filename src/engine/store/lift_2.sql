-- From version 1 to 2: jobs that another engine goes on with.
ALTER TABLE jobs ADD COLUMN on_loss TEXT NOT NULL DEFAULT 'stop';
ALTER TABLE jobs ADD COLUMN retry_of INTEGER;
CREATE INDEX jobs_by_playbook ON jobs (playbook, outcome, number);
CREATE INDEX jobs_by_name ON jobs (name, number);
CREATE INDEX jobs_by_outcome ON jobs (outcome, number);
CREATE INDEX jobs_by_actor ON jobs (actor, number);
CREATE INDEX jobs_by_time ON jobs (created);
