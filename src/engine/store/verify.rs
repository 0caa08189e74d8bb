//! Is the store whole: the database by its own check, every journal by replaying it, rows against journals, logs against what
//! was recorded of them, folders against rows.
//!
//! Not here: repairing anything. A job that goes on meanwhile is looked at as it was at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::params;

use super::history::History;
use super::journal::{key, read_events, standing_after};
use super::{StoredJob, plan_again, sources};
use crate::engine::begin::setting;
use crate::engine::upkeep::attempt;
use crate::engine::{EngineError, JobId, Project, logs};
use crate::logic::cache::Unit;
use crate::logic::job::apply::apply;
use crate::logic::job::cached::replayed_by;
use crate::logic::job::event::{Envelope, Event};
use crate::logic::job::report::AttemptKey;
use crate::logic::job::state::{JobPhase, JobState};
use crate::port::keeper::{Given, OnLoss};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The job's number, if it is about one.
    pub job: Option<u64>,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
    /// The way out, if there is one.
    pub help: Option<String>,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub jobs: usize,
    pub events: usize,
    pub logs: usize,
    pub findings: usize,
}

/// A folder younger than this may be of a job that is just being made.
const YOUNG: Duration = Duration::from_secs(60);

/// Events that are read at once.
const PAGE: usize = 1000;

struct Verifying<'a> {
    project: &'a Project,
    history: History,
    tell: &'a mut dyn FnMut(Finding),
    seen: Verified,
}

/// Looks at everything, and tells each thing that is wrong as it is found. Nothing, if there is no store.
///
/// # Errors
/// If the store cannot be opened at all.
pub fn verify(project: &Project, tell: &mut dyn FnMut(Finding)) -> Result<Option<Verified>, EngineError> {
    let Some(history) = History::open(project)? else { return Ok(None) };
    let mut it = Verifying { project, history, tell, seen: Verified::default() };
    it.database();
    let ids = it.rows();
    for id in &ids {
        it.job(id);
    }
    it.strays(&ids);
    Ok(Some(it.seen))
}

impl History {
    /// Returns a job as it was made, and what its row says now.
    pub(super) fn stored(&self, id: &JobId) -> Result<(StoredJob, Row), EngineError> {
        let sql = "SELECT number, jobs.id, playbook, text, request, facts, on_loss, state, outcome, finished \
                   FROM jobs LEFT JOIN sources ON sources.id = source_id WHERE jobs.id = ?1";
        Ok(self.connection.query_row(sql, [&*id.0], |row| {
            let stored = StoredJob {
                number: row.get(0)?,
                id: row.get(1)?,
                playbook: row.get(2)?,
                source: sources::text_in(row, 3)?,
                request: row.get(4)?,
                facts: row.get(5)?,
                on_loss: if row.get_ref(6)?.as_str() == Ok("keep") { OnLoss::Keep } else { OnLoss::Stop },
            };
            Ok((stored, Row { state: row.get(7)?, outcome: row.get(8)?, finished: row.get(9)? }))
        })?)
    }
}

impl Verifying<'_> {
    fn found(&mut self, job: Option<u64>, message: String, help: Option<&str>) {
        self.seen.findings += 1;
        (self.tell)(Finding { job, message, help: help.map(str::to_owned) });
    }

    fn database(&mut self) {
        let check = || -> rusqlite::Result<Vec<String>> {
            let mut query = self.history.connection.prepare("PRAGMA integrity_check(20)")?;
            query.query_map([], |row| row.get(0))?.collect()
        };
        let found = check().unwrap_or_else(|error| vec![error.to_string()]);
        for line in found.iter().flat_map(|text| text.lines()).filter(|line| *line != "ok") {
            self.found(None, format!("the database is damaged: {line}"), Some(super::folder::DAMAGED));
        }
        self.texts();
    }

    /// Texts of playbooks that are not what they were.
    fn texts(&mut self) {
        for number in sources::jobs_of_damaged(&self.history.connection).unwrap_or_default() {
            let message = "the text of its playbook is not what it was".to_owned();
            self.found(Some(number), message, Some(sources::MENDED));
        }
    }

    /// Numbers and ids of all jobs, as far as they can be read.
    fn rows(&mut self) -> Vec<(u64, JobId)> {
        let read = || -> rusqlite::Result<Vec<(u64, JobId)>> {
            let mut query = self.history.connection.prepare("SELECT number, id FROM jobs ORDER BY number")?;
            let rows =
                query.query_map([], |row| Ok((row.get(0)?, JobId(Arc::from(row.get::<_, String>(1)?)))))?;
            rows.collect()
        };
        match read() {
            Ok(ids) => ids,
            Err(error) => {
                self.found(
                    None,
                    format!("the list of jobs cannot be read: {error}"),
                    Some(super::folder::DAMAGED),
                );
                Vec::new()
            }
        }
    }

    fn job(&mut self, (number, id): &(u64, JobId)) {
        self.seen.jobs += 1;
        // Row and journal as they were at one moment.
        let _begun = self.history.connection.execute_batch("BEGIN");
        let read = self.history.stored(id).and_then(|row| Ok((row, self.journal(*number)?)));
        let _ended = self.history.connection.execute_batch("COMMIT");
        match read {
            Ok(((stored, row), journal)) => self.replay(&stored, &row, &journal),
            Err(error) => self.found(Some(*number), error.message.clone(), error.help.as_deref()),
        }
    }

    fn journal(&self, number: u64) -> Result<Vec<Envelope>, EngineError> {
        let mut all: Vec<Envelope> = Vec::new();
        loop {
            let after = all.last().map_or(0, |it| it.seq);
            let page = read_events(&self.history.connection, number, after, PAGE)?;
            let is_last = page.len() < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    fn replay(&mut self, stored: &StoredJob, row: &Row, journal: &[Envelope]) {
        let number = Some(stored.number);
        self.seen.events += journal.len();
        let gap = (1..).zip(journal).find(|(wanted, it)| it.seq != *wanted);
        if let Some((wanted, it)) = gap {
            let message = format!("its journal has no event {wanted}, the next one is {}", it.seq);
            self.found(number, message, Some(super::folder::DAMAGED));
        }
        let told = Row::told(journal);
        if told != *row {
            let message = format!("its row says {}, and its journal {}", row.words(), told.words());
            self.found(number, message, None);
        }
        let dir = self.project.state.join("jobs").join(&stored.id);
        let unknown = self.logs(stored.number, &dir, journal);
        if gap.is_some() {
            // What is made of the rest is wrong anyway.
            return self.unknown_logs(number, &unknown);
        }
        let plan = match plan_again(&stored.playbook, &stored.source, &stored.request) {
            Ok(plan) => Arc::new(plan),
            Err(error) => {
                self.unknown_logs(number, &unknown);
                return self.found(number, error.message, error.help.as_deref());
            }
        };
        let setting = setting(self.project, &plan, stored, &dir, &Given::default());
        let replayed = attempt(|| {
            let mut state = JobState::new(setting);
            journal.iter().for_each(|it| apply(&mut state, &it.event, it.time));
            state
        });
        let unknown = match &replayed {
            Some(state) => unexplained(unknown, state, journal),
            None => unknown,
        };
        self.unknown_logs(number, &unknown);
        let Some(state) = replayed else {
            let message = "its journal cannot be replayed: it speaks of what was never begun".to_owned();
            return self.found(number, message, Some(super::folder::DAMAGED));
        };
        let has_ended = matches!(state.phase, JobPhase::Finished { .. });
        if has_ended != (told.finished.is_some()) {
            let message =
                format!("replayed, its journal {}", if has_ended { "ends" } else { "does not end" });
            self.found(number, message, None);
        }
        if has_ended && !state.index.live.is_empty() {
            let count = state.index.live.len();
            self.found(number, format!("it has ended, and {count} of its tries have not"), None);
        }
    }

    /// Holds the files against what the journal says of them. Returns the logs of tries that it does not know, by their names.
    fn logs(&mut self, number: u64, dir: &Path, journal: &[Envelope]) -> Vec<(AttemptKey, String)> {
        let (mut known, mut recorded) = (BTreeSet::new(), BTreeMap::new());
        for it in journal {
            match &it.event {
                Event::StepStarted { key } | Event::StepSubmitted { key } => {
                    known.insert(*key);
                }
                Event::StageSubmitted { key, .. } => {
                    known.insert(*key);
                }
                Event::StepFinished(end) => {
                    recorded.insert(end.key, end.log_bytes);
                }
                Event::CacheHit { hit, .. } => {
                    // Their logs were put there beside the journal.
                    let ends = hit.record.steps.iter().map(|step| &step.end);
                    ends.for_each(|end| {
                        known.insert(end.key);
                        recorded.insert(end.key, end.log_bytes);
                    });
                }
                Event::StepRetrying { key, log_bytes, .. } => {
                    recorded.insert(*key, *log_bytes);
                }
                _ => {}
            }
        }
        recorded.retain(|_, bytes| *bytes > 0);
        for (key, bytes) in &recorded {
            self.log(number, dir, (*key, *bytes));
        }
        let files = std::fs::read_dir(dir.join("logs")).into_iter().flatten().flatten();
        let names: Vec<String> = files.filter_map(|file| file.file_name().into_string().ok()).collect();
        let tries: BTreeSet<AttemptKey> = names.iter().filter_map(|name| try_of(name)).collect();
        // Of a try that was lost, or goes on, nobody has told how long its log is.
        let untold = tries.iter().filter(|key| known.contains(key) && !recorded.contains_key(key));
        self.seen.logs += recorded.len() + untold.count();
        let of_try = names.into_iter().filter_map(|name| Some((try_of(&name)?, name)));
        of_try.filter(|(key, _)| !known.contains(key)).collect()
    }

    /// Tells of logs whose tries the journal does not know.
    fn unknown_logs(&mut self, number: Option<u64>, unknown: &[(AttemptKey, String)]) {
        if let Some(first) = unknown.iter().map(|(_, name)| name).min() {
            let message = format!(
                "the journal does not know the try of its log `{first}`{}: the end of the store is lost",
                if unknown.len() > 1 { format!(" and {} more", unknown.len() - 1) } else { String::new() }
            );
            self.found(number, message, Some(super::folder::DAMAGED));
        }
    }

    /// Holds one log against the length that was recorded of it.
    fn log(&mut self, number: u64, dir: &Path, (key, bytes): (AttemptKey, u64)) {
        let path = logs::path(dir, key);
        let name = path.strip_prefix(&self.project.state).unwrap_or(&path).display().to_string();
        let message = match std::fs::metadata(&path) {
            // Processes that a step left behind may have written more.
            Ok(found) if found.len() >= bytes => return,
            Ok(found) => format!("the log `{name}` has {} bytes, and {bytes} were recorded", found.len()),
            Err(error) => format!("the log `{name}` cannot be read: {error}"),
        };
        self.found(Some(number), message, None);
    }

    /// Events, claims and folders that belong to no job.
    fn strays(&mut self, ids: &[(u64, JobId)]) {
        let orphans =
            "SELECT DISTINCT id >> 32 FROM events WHERE id >> 32 NOT IN (SELECT number FROM jobs) LIMIT 20";
        let claims = "SELECT DISTINCT job FROM claims WHERE job NOT IN (SELECT number FROM jobs) LIMIT 20";
        for (sql, what) in [(orphans, "events"), (claims, "claims")] {
            let read = || -> rusqlite::Result<Vec<u64>> {
                self.history.connection.prepare(sql)?.query_map(params![], |row| row.get(0))?.collect()
            };
            for number in read().unwrap_or_default() {
                self.found(Some(number), format!("there are {what} of it, and it has no row"), None);
            }
        }
        for folder in leftovers(self.project, ids.iter().map(|(_, id)| &*id.0), YOUNG) {
            let message = format!("the folder `{folder}` is left of a job that the store does not know");
            let help = "`sortie store prune` removes it; if no job was removed, the end of the store is lost";
            self.found(None, message, Some(help));
        }
    }
}

/// Names of folders of jobs, below the state folder, that have no row and are older than that.
pub(super) fn leftovers<'a>(
    project: &Project,
    known: impl Iterator<Item = &'a str>,
    young: Duration,
) -> Vec<String> {
    let known: BTreeSet<&str> = known.collect();
    let folders = std::fs::read_dir(project.state.join("jobs")).into_iter().flatten().flatten();
    let is_old = |folder: &std::fs::DirEntry| {
        let age = folder.metadata().and_then(|it| it.modified()).map(|it| it.elapsed().unwrap_or_default());
        age.is_ok_and(|age| age >= young)
    };
    let mut found: Vec<String> = folders
        .filter(is_old)
        .filter_map(|folder| folder.file_name().into_string().ok())
        .filter(|name| !known.contains(name.as_str()))
        .map(|name| format!("jobs/{name}"))
        .collect();
    found.sort();
    found
}

/// Takes out logs that a look for a result has put there. They are there before its answer is recorded, which a crash may
/// prevent; then it is looked for again, or the step begins its log anew.
fn unexplained(
    unknown: Vec<(AttemptKey, String)>,
    state: &JobState,
    journal: &[Envelope],
) -> Vec<(AttemptKey, String)> {
    let answered: BTreeSet<Unit> = journal
        .iter()
        .filter_map(|it| match &it.event {
            Event::CacheHit { unit, .. } | Event::CacheMissed { unit, .. } => Some(*unit),
            _ => None,
        })
        .collect();
    let is_replayed = |key: AttemptKey| replayed_by(state, key).any(|unit| !answered.contains(&unit));
    unknown.into_iter().filter(|(key, _)| !is_replayed(*key)).collect()
}

/// The try that a log file belongs to, by its name.
fn try_of(name: &str) -> Option<AttemptKey> {
    let numbers: Vec<u32> = name.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [cell, run, step, attempt] = numbers[..] else { return None };
    Some(AttemptKey { cell, run, step, attempt })
}

/// Of a job's row what its events say, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    state: String,
    outcome: Option<String>,
    finished: Option<i64>,
}

impl Row {
    /// What a journal comes to.
    fn told(journal: &[Envelope]) -> Self {
        let mut row = Self { state: "queued".to_owned(), outcome: None, finished: None };
        for it in journal {
            let Some(state) = standing_after(&it.event, row.finished.is_some()) else { continue };
            if matches!(it.event, Event::ClaimsHeld { .. }) && row.state != "queued" {
                continue;
            }
            row = Self { state: state.to_owned(), outcome: None, finished: None };
            if let Event::JobFinished { outcome, .. } = &it.event {
                (row.outcome, row.finished) = (Some(outcome.word().to_owned()), Some(it.time.0));
            }
        }
        row
    }

    fn words(&self) -> String {
        match (&self.outcome, self.finished) {
            (Some(outcome), Some(at)) => {
                format!("`{outcome}` at {}", crate::logic::time::Timestamp(at).rfc3339())
            }
            _ => format!("`{}`", self.state),
        }
    }
}

/// Bounds of the rows of a job's events.
pub(super) fn range_of(number: u64) -> (u64, u64) {
    (key(number, 0), key(number + 1, 0))
}
