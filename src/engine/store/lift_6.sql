-- An index on a list of words makes SQLite build a table of the words for each event that is written.
DROP INDEX events_worked;
CREATE INDEX events_worked ON events (id) WHERE substr(type, 1, 4) = 'job.' OR type = 'order.cancel' OR type = 'order.rollback';
