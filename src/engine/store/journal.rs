//! Events in and out of the table, and what they change in the projection of jobs.

use rusqlite::{Connection, params};

use crate::engine::EngineError;
use crate::logic::job::event::{Cause, Envelope, Event, Outcome};
use crate::logic::job::order::Target;

/// A transaction whose statements are parsed once for the connection: there are hundreds in a second.
pub(super) struct Writing<'a> {
    connection: &'a Connection,
    is_open: bool,
}

impl<'a> Writing<'a> {
    pub(super) fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self { connection, is_open: true })
    }

    pub(super) fn commit(mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.is_open = false;
        Ok(())
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if self.is_open {
            // What failed before is told; SQLite may have rolled back by itself.
            let _outcome = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// The state of a job that was undone at its end, or after it.
pub(super) const ROLLED_BACK: &str = "rolled-back";

/// Where a job stands after an event, as its row has it; nothing if the event does not change that.
pub(super) fn standing_after(event: &Event, had_ended: bool) -> Option<&'static str> {
    match event {
        Event::JobStarted { .. } | Event::JobResumed { .. } | Event::JobRetrying { .. } => Some("running"),
        Event::JobPaused { freeze: true, .. } => Some("frozen"),
        Event::JobPaused { .. } => Some("paused"),
        Event::JobQueued { .. } => Some("queued"),
        Event::ClaimsHeld { cell: None, .. } => Some("running"),
        Event::CancelAsked { target: Target::Job, .. } => Some("cancelling"),
        Event::JobFinished { cause: Some(Cause::RolledBack { .. }), .. } => Some(ROLLED_BACK),
        Event::JobFinished { .. } => Some("finished"),
        // One that had ended is at work again; one that runs may be paused, and stays so.
        Event::RollbackAsked { .. } if had_ended => Some("running"),
        _ => None,
    }
}

/// Keeps the row of a job in step with its events.
pub(super) fn project(connection: &Connection, number: u64, it: &Envelope) -> Result<(), EngineError> {
    let Some(state) = standing_after(&it.event, true) else { return Ok(()) };
    match &it.event {
        Event::JobFinished { outcome, .. } => {
            connection
                .prepare_cached("UPDATE jobs SET state = ?2, outcome = ?3, finished = ?4 WHERE number = ?1")?
                .execute(params![number, state, Outcome::word(*outcome), it.time.0])?;
            return Ok(());
        }
        Event::RollbackAsked { .. } => {
            connection
                .prepare_cached(
                    "UPDATE jobs SET state = ?2, outcome = NULL, finished = NULL \
                     WHERE number = ?1 AND finished IS NOT NULL",
                )?
                .execute(params![number, state])?;
            return Ok(());
        }
        Event::ClaimsHeld { .. } => {
            // One that is paused or cancelled meanwhile stays so.
            connection
                .prepare_cached("UPDATE jobs SET state = ?2 WHERE number = ?1 AND state = 'queued'")?
                .execute(params![number, state])?;
            return Ok(());
        }
        _ => {}
    }
    connection
        .prepare_cached("UPDATE jobs SET state = ?2, outcome = NULL, finished = NULL WHERE number = ?1")?
        .execute(params![number, state])?;
    Ok(())
}

/// Returns the row of an event.
pub(super) fn key(number: u64, seq: u64) -> u64 {
    (number << 32) | seq.min(u64::from(u32::MAX))
}

/// Returns the events of a job after a number.
pub(super) fn read_events(
    connection: &Connection,
    number: u64,
    after: u64,
    limit: usize,
) -> Result<Vec<Envelope>, EngineError> {
    let mut query = connection.prepare_cached(
        "SELECT id, time, type, body FROM events WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut rows = query.query(params![key(number, after), key(number + 1, 0), limit])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, time, kind): (u64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let seq = id - key(number, 0);
        let body: String = row.get(3)?;
        let event = serde_json::from_str(&body).map_err(|e| {
            let what = format!("event {seq} (`{kind}`) of job #{number}");
            if e.is_data() {
                let words =
                    format!("{what} cannot be read by this sortie: {e}; was it written by a newer one?");
                return EngineError::surroundings(words).help("use that newer version");
            }
            EngineError::surroundings(format!("{what} is damaged: {e}")).help(super::folder::DAMAGED)
        })?;
        events.push(Envelope { seq, time: crate::logic::time::Timestamp(time), event });
    }
    Ok(events)
}

/// Holds events to what a journal is, the numbers after that one without gaps: what was made of the rest would be wrong.
pub(super) fn without_gaps(
    number: u64,
    after: u64,
    events: Vec<Envelope>,
) -> Result<Vec<Envelope>, EngineError> {
    let gap = (after + 1..).zip(&events).find(|(wanted, it)| it.seq != *wanted);
    match gap {
        None => Ok(events),
        Some((wanted, it)) => Err(EngineError::surroundings(format!(
            "the journal of job #{number} has no event {wanted}, the next one is {}",
            it.seq
        ))
        .help(super::folder::DAMAGED)),
    }
}
