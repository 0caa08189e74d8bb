//! Reading past and present jobs, for faces. Never writes.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::examine::{open_as_it_is, version};
use super::folder::{broken, newer_store, older};
use super::journal::{ROLLED_BACK, key, read_events, without_gaps};
use super::lift::VERSION;
use super::sync::not_synced;
use super::{BUSY, Disk, Owner, Store, sources};
use crate::engine::{EngineError, JobId, Project, clock, why_it_gave_up};
use crate::logic::job::event::{Envelope, Event};
use crate::logic::plan::{Plan, PlanRequest};
use crate::logic::playbook::source::Source;
use crate::logic::time::Timestamp;
use crate::logic::view::Worked;

/// How long whoever records a job may take to start its engine.
const TO_BEGIN: Duration = Duration::from_secs(10);

/// So much of an id at least names a job.
const LEAST_OF_ID: usize = 4;

/// Fewer digits than this are the number of a job, and no part of an id.
const LEAST_DIGITS: usize = 8;

/// A reader over the store of a project.
pub struct History {
    pub(super) connection: Connection,
    state: PathBuf,
    disk: OnceCell<Box<Disk>>,
}

/// A job in a list.
#[derive(Clone, Debug)]
pub struct JobRow {
    pub number: u64,
    pub id: JobId,
    pub name: String,
    /// What `run-name` came to.
    pub title: Option<String>,
    /// Path of the playbook as it was given.
    pub playbook: String,
    /// `queued running paused cancelling finished rolled-back`, or `interrupted` where the engine died before the end.
    pub state: String,
    /// GitHub's word, once it has ended.
    pub outcome: Option<String>,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    /// How long it ran once it has ended: all of its attempts, without the time between them and what it was frozen.
    pub took: Option<Duration>,
    pub actor: String,
    pub dir: PathBuf,
    pub owner_alive: bool,
    /// The process of its engine, if that lives.
    pub owner_pid: Option<u32>,
    /// Whether another engine goes on with it by itself if its own one dies.
    pub goes_on: bool,
    /// The job that this one repeats with other inputs.
    pub retry_of: Option<u64>,
    /// Why its engine gave it up, if that is how it was interrupted and is known.
    pub gave_up: Option<String>,
}

impl JobRow {
    /// Says whether what the job had done was undone at its end, or later.
    #[must_use]
    pub fn is_rolled_back(&self) -> bool {
        self.state == ROLLED_BACK
    }
}

/// Why a selector named no job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindError {
    /// No job fits, in words.
    None(String),
    /// Several do; their numbers.
    Ambiguous(Vec<u64>),
    Store(EngineError),
}

impl From<EngineError> for FindError {
    fn from(error: EngineError) -> Self {
        Self::Store(error)
    }
}

impl History {
    /// Opens the store for reading, or nothing if no job was ever run here.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn open(project: &Project) -> Result<Option<Self>, EngineError> {
        Ok(open_reader(project)?.map(|connection| Self {
            connection,
            state: project.state.clone(),
            disk: OnceCell::new(),
        }))
    }

    /// Opens the store for a look that changes nothing: one that cannot be read as it is counts as none.
    #[must_use]
    pub fn peek(project: &Project) -> Option<Self> {
        let connection = open_as_it_is(&project.state.join("sortie.db")).ok()?;
        let version = version(&connection).ok()?;
        (version == VERSION).then(|| Self { connection, state: project.state.clone(), disk: OnceCell::new() })
    }

    /// Returns the newest jobs first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn jobs(&self, limit: usize) -> Result<Vec<JobRow>, EngineError> {
        self.rows("ORDER BY number DESC LIMIT ?1", params![limit])
    }

    /// Returns the jobs that have not ended and that no living engine owns, oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn ownerless(&self) -> Result<Vec<JobRow>, EngineError> {
        let mut rows = self.rows("WHERE finished IS NULL ORDER BY number", params![])?;
        let now = clock::now();
        // One that was recorded just now gets its engine from whoever recorded it.
        // What the clock has not come to yet was recorded before it was put back.
        let is_young = |row: &JobRow| row.started <= now && now.since(row.started) < TO_BEGIN;
        let is_new = |row: &JobRow| row.state == "queued" && is_young(row);
        rows.retain(|row| !row.owner_alive && !is_new(row));
        Ok(rows)
    }

    pub(super) fn rows(&self, rest: &str, args: impl rusqlite::Params) -> Result<Vec<JobRow>, EngineError> {
        let mut query = self.connection.prepare(&format!(
            "SELECT number, id, name, playbook, state, outcome, created, finished, actor, \
             owner_pid, owner_start, owner_boot, epoch, on_loss, retry_of, \
             CASE WHEN json_valid(facts) THEN json_extract(facts, '$.title') END FROM jobs {rest}"
        ))?;
        let mut is_ending = false;
        let rows = query.query_map(args, |row| {
            let id: String = row.get(1)?;
            let state: String = row.get(4)?;
            let owner: (Option<u32>, Option<u64>, Option<String>) = (row.get(9)?, row.get(10)?, row.get(11)?);
            // An engine gives its job back once the end is synced.
            is_ending |= owner.0.is_some() && row.get::<_, Option<i64>>(7)?.is_some();
            let owner_pid = match owner {
                (Some(pid), Some(start), Some(boot)) => {
                    let owner = Owner { pid, start, boot };
                    owner.is_alive(&self.connection, &id).then_some(pid)
                }
                _ => None,
            };
            let owner_alive = owner_pid.is_some();
            // A job without a living owner is never shown as running; one that never had an owner waits for its first.
            let has_begun = row.get::<_, u64>(12)? > 0;
            let has_ended = row.get::<_, Option<i64>>(7)?.is_some();
            let dir = self.state.join("jobs").join(&id);
            let gave_up = if has_ended || owner_alive { None } else { why_it_gave_up(&dir) };
            let is_dead = !has_ended && !owner_alive && (has_begun || gave_up.is_some());
            let is_wanted = gave_up.is_none() || self.has_events(row.get(0)?)?;
            let state = if is_dead { "interrupted".to_owned() } else { state };
            let (number, finished) = (row.get(0)?, row.get::<_, Option<i64>>(7)?.map(Timestamp));
            let started = Timestamp(row.get(6)?);
            let whole = finished.map(|finished| finished.since(started));
            let took = if has_ended { self.ran(number)?.or(whole) } else { None };
            Ok(JobRow {
                number,
                dir,
                id: JobId(Arc::from(id)),
                name: row.get(2)?,
                title: row.get(15)?,
                playbook: row.get(3)?,
                state,
                outcome: row.get(5)?,
                started,
                finished,
                took,
                actor: row.get(8)?,
                owner_alive,
                owner_pid,
                // One that never began, and of which that was told, is begun when it is asked for.
                goes_on: row.get_ref(13)?.as_str() == Ok("keep") && is_wanted,
                retry_of: row.get(14)?,
                gave_up,
            })
        })?;
        let rows = rows.collect::<Result<_, _>>()?;
        if is_ending {
            self.sync()?;
        }
        Ok(rows)
    }

    /// Makes what was read survive power loss before anybody is told of it: its engine commits first and syncs then, and
    /// may have died between the two.
    fn sync(&self) -> Result<(), EngineError> {
        if self.disk.get().is_none() {
            let disk = Disk::new(&self.state.join("sortie.db"), false);
            disk.look_for_mark(&self.connection)?;
            // It is empty: this is the only place that fills it.
            let _filled = self.disk.set(Box::new(disk));
        }
        self.disk.get().map_or(Ok(()), |disk| disk.sync()).map_err(not_synced)
    }

    /// Says whether events have somebody who may rely on them, and an engine that may not have synced them yet.
    fn is_unsafe(&self, number: u64, events: &[Envelope]) -> Result<bool, EngineError> {
        let has_steps = events.iter().any(|it| matches!(it.event, Event::StepFinished(_)));
        if !has_steps && !events.iter().any(|it| it.event.is_relied_on()) {
            return Ok(false);
        }
        let (is_owned, has_durable): (bool, bool) = self
            .connection
            .prepare_cached(
                "SELECT owner_pid IS NOT NULL, coalesce(instr(text, 'durable') > 0, 1) \
                 FROM jobs LEFT JOIN sources ON sources.id = source_id WHERE number = ?1",
            )?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(is_owned && (has_durable || events.iter().any(|it| it.event.is_relied_on())))
    }

    fn has_events(&self, number: u64) -> rusqlite::Result<bool> {
        let any = "SELECT EXISTS (SELECT 1 FROM events WHERE id > ?1 AND id < ?2)";
        self.connection.query_row(any, params![key(number, 0), key(number + 1, 0)], |row| row.get(0))
    }

    /// Adds up how long a job ran; nothing if it never ended.
    fn ran(&self, number: u64) -> rusqlite::Result<Option<Duration>> {
        let types = Worked::TYPES.map(|it| format!("'{it}'")).join(", ");
        let mut query = self.connection.prepare_cached(&format!(
            "SELECT time, body FROM events INDEXED BY events_worked \
             WHERE id > ?1 AND id < ?2 AND type IN ({types}) \
             AND (substr(type, 1, 4) = 'job.' OR type = 'order.cancel' OR type = 'order.rollback') ORDER BY id",
        ))?;
        let mut rows = query.query(params![key(number, 0), key(number + 1, 0)])?;
        let mut worked = Worked::default();
        while let Some(row) = rows.next()? {
            let time = Timestamp(row.get(0)?);
            // An event that cannot be read tells nothing here; whoever shows the job says so.
            let Ok(event) = serde_json::from_str(row.get_ref(1)?.as_str()?) else { continue };
            worked.thaw(&event, time);
            worked.fold(&event, worked.clock(time));
        }
        Ok(worked.finished.map(|finished| worked.elapsed(finished)))
    }

    /// Finds the job that a number, `#number`, a unique prefix of its id of four characters at least, or `last` names.
    ///
    /// # Errors
    /// If none or several fit, or the store cannot be read.
    pub fn find(&self, selector: &str) -> Result<JobRow, FindError> {
        let text = selector.strip_prefix('#').unwrap_or(selector);
        let none = || FindError::None(format!("there is no job `{selector}`"));
        if text == "last" {
            return self.jobs(1)?.pop().ok_or_else(|| FindError::None("no job has run here yet".to_owned()));
        }
        if let Ok(number) = text.parse::<u64>()
            && let Some(row) = self.rows("WHERE number = ?1", params![number])?.pop()
        {
            return Ok(row);
        }
        // A number that no job has names no other one by chance: where there is one job, every id begins like its own.
        let is_number = text.chars().all(|c| c.is_ascii_digit()) && text.len() < LEAST_DIGITS;
        let is_id = text.len() >= LEAST_OF_ID && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        if is_number || !is_id || selector.starts_with('#') {
            return Err(none());
        }
        let mut rows = self.rows("WHERE id LIKE ?1 || '%' LIMIT 20", params![text.to_ascii_lowercase()])?;
        match rows.len() {
            0 => Err(none()),
            1 => rows.pop().ok_or_else(none),
            _ => Err(FindError::Ambiguous(rows.iter().map(|r| r.number).collect())),
        }
    }

    /// Returns the number of the job that was started with that id, and its row if it has not been removed since.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn started(&self, id: &str) -> Result<Option<(u64, Option<JobRow>)>, EngineError> {
        let number: Option<u64> = self
            .connection
            .query_row("SELECT job FROM starts WHERE id = ?1", [id], |row| row.get(0))
            .optional()?;
        let Some(number) = number else { return Ok(None) };
        Ok(Some((number, self.rows("WHERE number = ?1", params![number])?.pop())))
    }

    /// Returns the row of a job.
    ///
    /// # Errors
    /// If there is no such job, or the store cannot be read.
    pub fn row(&self, job: &JobId) -> Result<JobRow, EngineError> {
        let row = self.rows("WHERE id = ?1", params![&*job.0])?.pop();
        row.ok_or_else(|| EngineError::usage(format!("there is no job `{job}`")))
    }

    /// Returns the number of a job's last event, 0 if it has none.
    ///
    /// # Errors
    /// If there is no such job, or the store cannot be read.
    pub fn last_seq(&self, job: &JobId) -> Result<u64, EngineError> {
        let number: u64 =
            self.connection
                .query_row("SELECT number FROM jobs WHERE id = ?1", [&*job.0], |row| row.get(0))?;
        let last = "SELECT coalesce(max(id), ?1) FROM events WHERE id > ?1 AND id < ?2";
        let range = params![key(number, 0), key(number + 1, 0)];
        let last: u64 = self.connection.query_row(last, range, |row| row.get(0))?;
        Ok(last - key(number, 0))
    }

    /// Returns a job's events after a number.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn events(&self, job: &JobId, after: u64, limit: usize) -> Result<Vec<Envelope>, EngineError> {
        let (number, events) = self.numbered_events(job, after, limit)?;
        if self.is_unsafe(number, &events)? {
            self.sync()?;
        }
        Ok(events)
    }

    /// The same of events that the engine of this very process has let everybody see, and so has synced as far as need be.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn own_events(
        &self,
        job: &JobId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Envelope>, EngineError> {
        Ok(self.numbered_events(job, after, limit)?.1)
    }

    fn numbered_events(
        &self,
        job: &JobId,
        after: u64,
        limit: usize,
    ) -> Result<(u64, Vec<Envelope>), EngineError> {
        let number: u64 =
            self.connection
                .query_row("SELECT number FROM jobs WHERE id = ?1", [&*job.0], |row| row.get(0))?;
        let events = without_gaps(number, after, read_events(&self.connection, number, after, limit)?)?;
        Ok((number, events))
    }

    /// Returns what a job was asked to run, and with what.
    ///
    /// # Errors
    /// If the store cannot be read, or this sortie does not understand the request.
    pub fn request(&self, job: &JobId) -> Result<PlanRequest, EngineError> {
        let request: String =
            self.connection
                .query_row("SELECT request FROM jobs WHERE id = ?1", [&*job.0], |row| row.get(0))?;
        read_request(&request)
    }

    /// Returns the text of the playbook as it was when the job began, with what it calls: see `Source::from_stored`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn source(&self, job: &JobId) -> Result<String, EngineError> {
        let source = "SELECT text FROM jobs LEFT JOIN sources ON sources.id = source_id WHERE jobs.id = ?1";
        Ok(self.connection.query_row(source, [&*job.0], |row| sources::text_in(row, 0))?)
    }

    /// Returns which inputs and variables of a job hold values of secrets, as `inputs.NAME` and `vars.NAME`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn hidden(&self, job: &JobId) -> Result<Vec<String>, EngineError> {
        let facts = "SELECT facts FROM jobs WHERE id = ?1";
        let facts: String = self.connection.query_row(facts, [&*job.0], |row| row.get(0))?;
        Ok(crate::engine::reports::hidden(&facts))
    }

    /// Makes a job's plan again from what was recorded at its start.
    ///
    /// # Errors
    /// If the store cannot be read, or this sortie no longer understands the playbook.
    pub fn plan(&self, job: &JobId) -> Result<Plan, EngineError> {
        let (playbook, source, request): (String, String, String) = self.connection.query_row(
            "SELECT playbook, text, request FROM jobs LEFT JOIN sources ON sources.id = source_id WHERE jobs.id = ?1",
            [&*job.0],
            |row| Ok((row.get(0)?, sources::text_in(row, 1)?, row.get(2)?)),
        )?;
        plan_again(&playbook, &source, &request)
    }
}

pub(super) fn read_request(request: &str) -> Result<PlanRequest, EngineError> {
    serde_json::from_str(request).map_err(|e| {
        EngineError::surroundings(format!("the job's request cannot be read by this sortie: {e}"))
    })
}

/// Makes a plan from its recorded parts.
pub(in crate::engine) fn plan_again(name: &str, source: &str, request: &str) -> Result<Plan, EngineError> {
    let request = read_request(request)?;
    let reading = crate::logic::playbook::read(&Source::from_stored(name, source));
    let Some(playbook) = reading.playbook else {
        let why = reading.diagnostics.first().map_or_else(String::new, |d| d.message.clone());
        return Err(EngineError::surroundings(format!("the job's playbook is no longer understood: {why}")));
    };
    crate::logic::plan::plan(Arc::new(playbook), &request).map_err(|problems| {
        let why = problems.first().map_or_else(String::new, |p| p.message.clone());
        EngineError::surroundings(format!("the job's plan cannot be made again: {why}"))
    })
}

/// Opens an existing store for reading, or nothing if there is none yet.
fn open_reader(project: &Project) -> Result<Option<Connection>, EngineError> {
    let path = project.state.join("sortie.db");
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(None),
        Err(error) => {
            let message = format!("the store `{}` cannot be read: {error}", path.display());
            return Err(EngineError::surroundings(message));
        }
    }
    let open = || -> rusqlite::Result<Connection> {
        // Read-only connections still take part in the shared memory of the log.
        let connection = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .or_else(|_| {
            Connection::open_with_flags(
                &path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )
        })?;
        connection.busy_timeout(BUSY)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;")?;
        Ok(connection)
    };
    let connection = open().map_err(|e| broken(&path, &e))?;
    let version: i64 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|e| broken(&path, &e))?;
    match version {
        0 => Ok(None),
        VERSION => Ok(Some(connection)),
        1..VERSION => {
            // Readers know the tables of today only.
            drop(connection);
            Store::open(project).map_err(|error| older(&path, version, error))?;
            open_reader(project)
        }
        newer => Err(newer_store(&path, newer)),
    }
}
