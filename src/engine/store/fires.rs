//! The ledger of fires: what started a job without a person, or why nothing was started. Each fire has one row, whoever sees it.
//!
//! A row goes `waiting` -> `starting` -> `started` or `failed`; `skipped` and `missed` are ends of their own. The step to
//! `started` is one transaction with the making of the job (`Store::create_job`), so no fire has two jobs. Not here: when
//! something fires (`logic/schedule`), who waits for it (`engine/service`).

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::history::History;
use super::{Owner, Store};
use crate::engine::EngineError;
use crate::logic::schedule::due::{Known, back};
use crate::logic::schedule::meet::Standing;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "fires_tests.rs"]
mod tests;

/// What became of a fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FireState {
    /// For the job of an earlier fire to end.
    Waiting,
    /// The job is being started.
    Starting,
    Started,
    /// The job could not be started.
    Failed,
    Skipped,
    /// Nobody was there for it.
    Missed,
}

const STATES: [(FireState, &str); 6] = [
    (FireState::Waiting, "waiting"),
    (FireState::Starting, "starting"),
    (FireState::Started, "started"),
    (FireState::Failed, "failed"),
    (FireState::Skipped, "skipped"),
    (FireState::Missed, "missed"),
];

impl FireState {
    /// Returns the word of the ledger.
    #[must_use]
    pub fn word(self) -> &'static str {
        STATES.iter().find(|(it, _)| *it == self).map_or("", |(_, word)| word)
    }

    fn read(word: &str) -> Self {
        STATES.iter().find(|(_, it)| *it == word).map_or(Self::Failed, |(it, _)| *it)
    }
}

/// A fire to be written down.
#[derive(Clone, Debug)]
pub(crate) struct NewFire<'a> {
    /// Id of its trigger.
    pub(crate) source: &'a str,
    /// What makes it the same fire for everybody who sees it.
    pub(crate) key: &'a str,
    pub(crate) nominal: Timestamp,
    pub(crate) made: Timestamp,
    /// `schedule`, `watch` or `run`.
    pub(crate) kind: &'a str,
    /// Path of the playbook.
    pub(crate) playbook: &'a str,
    /// The trigger in short, such as the cron line.
    pub(crate) spec: &'a str,
    /// What expressions see as `run.event`, as JSON.
    pub(crate) event: &'a str,
    pub(crate) state: FireState,
    pub(crate) words: &'a str,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fire {
    pub number: u64,
    pub source: String,
    pub nominal: Timestamp,
    pub made: Timestamp,
    /// `schedule`, `watch` or `run`.
    pub kind: String,
    pub playbook: String,
    pub spec: String,
    /// JSON.
    pub event: String,
    pub state: FireState,
    /// Number of the job that it started.
    pub job: Option<u64>,
    /// Why, where nothing was started.
    pub words: String,
}

/// How long a recorded job may be without an engine before it counts as lost.
const TO_BEGIN: Duration = Duration::from_secs(10);

const COLUMNS: &str = "number, source, nominal, made, kind, playbook, spec, event, state, job, words";

fn read(row: &Row<'_>) -> rusqlite::Result<Fire> {
    Ok(Fire {
        number: row.get(0)?,
        source: row.get(1)?,
        nominal: Timestamp(row.get(2)?),
        made: Timestamp(row.get(3)?),
        kind: row.get(4)?,
        playbook: row.get(5)?,
        spec: row.get(6)?,
        event: row.get(7)?,
        state: FireState::read(&row.get::<_, String>(8)?),
        job: row.get(9)?,
        words: row.get(10)?,
    })
}

fn fires(
    connection: &Connection,
    rest: &str,
    args: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Fire>, EngineError> {
    let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM fires {rest}"))?;
    let rows = query.query_map(args, read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A job that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndedJob {
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) name: String,
    /// Path of its playbook.
    pub(crate) playbook: String,
    /// GitHub's word.
    pub(crate) outcome: String,
    pub(crate) finished: Timestamp,
    /// `run.event` of the fire that started it, as JSON.
    pub(crate) event: Option<String>,
}

impl Store {
    /// Takes note of a trigger; returns since when it is known.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn see_trigger(
        &mut self,
        id: &str,
        (playbook, kind, spec): (&str, &str, &str),
        now: Timestamp,
    ) -> Result<Timestamp, EngineError> {
        self.connection.execute(
            "INSERT OR IGNORE INTO triggers (id, playbook, kind, spec, since) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id, playbook, kind, spec, now.0],
        )?;
        let since =
            self.connection.query_row("SELECT since FROM triggers WHERE id = ?1", [id], |row| row.get(0))?;
        Ok(Timestamp(since))
    }

    /// Returns what the ledger knows of a schedule; `settled` is when nothing can be on time any more.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn known(
        &self,
        id: &str,
        since: Timestamp,
        (settled, jitter): (Timestamp, Duration),
    ) -> Result<Known, EngineError> {
        let last: Option<i64> = self
            .connection
            .prepare_cached("SELECT max(nominal) FROM fires WHERE source = ?1 AND nominal <= ?2 AND key NOT LIKE 'hand %'")?
            .query_row(params![id, settled.0], |row| row.get(0))?;
        let last = last.map(Timestamp);
        let from = last.map_or(Timestamp(i64::MIN), |last| back(last, jitter));
        let mut query = self.connection.prepare_cached(
            "SELECT nominal, state FROM fires WHERE source = ?1 AND nominal >= ?2 AND key NOT LIKE 'hand %'",
        )?;
        let rows = query.query_map(params![id, from.0], |row| {
            Ok((Timestamp(row.get(0)?), row.get_ref(1)?.as_str() != Ok(FireState::Missed.word())))
        })?;
        let rows = rows.collect::<Result<BTreeMap<_, _>, _>>()?;
        Ok(Known { since, last, rows })
    }

    /// Writes fires down in one transaction; returns their numbers. A fire that somebody else has written down already has
    /// none, unless it was only missed.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn record_fires(&mut self, all: &[NewFire<'_>]) -> Result<Vec<Option<u64>>, EngineError> {
        let tx = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let mut numbers = Vec::with_capacity(all.len());
        for it in all {
            let number = tx
                .prepare_cached(
                    "INSERT INTO fires (source, key, nominal, made, kind, playbook, spec, event, state, words) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (source, key) DO UPDATE \
                     SET made = excluded.made, event = excluded.event, state = excluded.state, words = excluded.words \
                     WHERE fires.state = 'missed' AND excluded.state != 'missed' RETURNING number",
                )?
                .query_row(
                    params![
                        it.source, it.key, it.nominal.0, it.made.0, it.kind, it.playbook, it.spec, it.event,
                        it.state.word(), it.words
                    ],
                    |row| row.get(0),
                )
                .optional()?;
            numbers.push(number);
        }
        tx.commit()?;
        Ok(numbers)
    }

    /// Moves a fire on if it is still in that state and has no job; says whether it was.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn move_fire(
        &mut self,
        number: u64,
        (from, to): (FireState, FireState),
        words: &str,
    ) -> Result<bool, EngineError> {
        let moved = self.connection.execute(
            "UPDATE fires SET state = ?3, words = ?4 WHERE number = ?1 AND state = ?2 AND job IS NULL",
            params![number, from.word(), to.word(), words],
        )?;
        Ok(moved > 0)
    }

    /// Returns a fire.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn fire(&self, number: u64) -> Result<Option<Fire>, EngineError> {
        Ok(fires(&self.connection, "WHERE number = ?1", params![number])?.pop())
    }

    /// Returns fires that wait or are being started, the oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn open_fires(&self) -> Result<Vec<Fire>, EngineError> {
        fires(&self.connection, "WHERE state IN ('starting', 'waiting') ORDER BY number", &[])
    }

    /// Returns those of the fires that have a job by now.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn started_fires(&self, among: &[u64]) -> Result<Vec<Fire>, EngineError> {
        let mut found = Vec::new();
        for number in among {
            found.extend(self.fire(*number)?.filter(|it| it.job.is_some()));
        }
        Ok(found)
    }

    /// Returns what is still there of a trigger's earlier fires, and whether one of their jobs has lost its engine. That one
    /// does not count: what nobody works on must not block what comes after it for ever.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn standing(&self, source: &str, now: Timestamp) -> Result<(Standing, bool), EngineError> {
        let mut query = self.connection.prepare_cached(
            "SELECT j.number, j.owner_pid, j.owner_start, j.owner_boot, j.created, j.id FROM jobs j \
             JOIN fires f ON f.job = j.number WHERE f.source = ?1 AND j.finished IS NULL ORDER BY j.number",
        )?;
        let mut rows = query.query([source])?;
        let mut standing = Standing::default();
        let mut has_lost = false;
        while let Some(row) = rows.next()? {
            let is_owned = match (row.get(1)?, row.get(2)?, row.get(3)?) {
                (Some(pid), Some(start), Some(boot)) => Owner { pid, start, boot }
                    .is_alive(&self.connection, row.get_ref(5)?.as_str().unwrap_or_default()),
                _ => false,
            };
            // Just recorded, it is about to get its engine.
            let is_new = now.since(Timestamp(row.get(4)?)) < TO_BEGIN;
            if is_owned || is_new {
                standing.running.push(row.get(0)?);
            }
            has_lost |= !is_owned && !is_new;
        }
        let mut query = self.connection.prepare_cached(
            "SELECT state FROM fires WHERE source = ?1 AND state IN ('starting', 'waiting')",
        )?;
        let mut rows = query.query([source])?;
        while let Some(row) = rows.next()? {
            match FireState::read(row.get_ref(0)?.as_str().unwrap_or_default()) {
                FireState::Starting => standing.is_starting = true,
                _ => standing.waiting += 1,
            }
        }
        Ok((standing, has_lost))
    }

    /// Returns jobs that ended after a time and have no fire of that trigger yet, in the order in which they ended. A success
    /// that was rolled back is none to build on, and left out.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn ended_jobs(&self, source: &str, after: Timestamp) -> Result<Vec<EndedJob>, EngineError> {
        let mut query = self.connection.prepare_cached(
            "SELECT number, id, name, playbook, coalesce(outcome, ''), finished, \
             (SELECT event FROM fires WHERE job = jobs.number) FROM jobs WHERE finished > ?2 \
             AND NOT (state = 'rolled-back' AND outcome = 'success') \
             AND NOT EXISTS (SELECT 1 FROM fires f WHERE f.source = ?1 AND f.key = jobs.number || '@' || jobs.finished) \
             ORDER BY finished, number",
        )?;
        let rows = query.query_map(params![source, after.0], |row| {
            Ok(EndedJob {
                number: row.get(0)?,
                id: row.get(1)?,
                name: row.get(2)?,
                playbook: row.get(3)?,
                outcome: row.get(4)?,
                finished: Timestamp(row.get(5)?),
                event: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Gives a fire its job, in the transaction that makes the job.
///
/// # Errors
/// If the store cannot be written, or the fire has a job already or no longer wants one.
pub(super) fn claim(tx: &Transaction<'_>, fire: u64, job: u64) -> Result<(), EngineError> {
    let claimed = tx.execute(
        "UPDATE fires SET job = ?2, state = 'started', words = '' WHERE number = ?1 AND state = 'starting' AND job IS NULL",
        params![fire, job],
    )?;
    if claimed == 1 {
        return Ok(());
    }
    let job: Option<Option<u64>> =
        tx.query_row("SELECT job FROM fires WHERE number = ?1", [fire], |row| row.get(0)).optional()?;
    Err(match job {
        Some(Some(job)) => EngineError::refused(format!("fire {fire} has started job #{job} already")),
        Some(None) => EngineError::refused(format!("fire {fire} is not to start a job any more")),
        None => EngineError::usage(format!("there is no fire {fire} in this store")),
    })
}

impl History {
    /// Returns the newest fires first, of all triggers or of one.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn fires(&self, source: Option<&str>, limit: usize) -> Result<Vec<Fire>, EngineError> {
        match source {
            Some(source) => fires(
                &self.connection,
                "WHERE source = ?1 ORDER BY made DESC, number DESC LIMIT ?2",
                params![source, limit],
            ),
            None => fires(&self.connection, "ORDER BY number DESC LIMIT ?1", params![limit]),
        }
    }

    /// Returns a fire.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn fire(&self, number: u64) -> Result<Option<Fire>, EngineError> {
        Ok(fires(&self.connection, "WHERE number = ?1", params![number])?.pop())
    }
}
