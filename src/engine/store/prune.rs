//! Removing old jobs: which may go, and letting them go.
//!
//! The row goes first, in a transaction that looks once more whether the job is still one that may go, and its folder after
//! it. What a crash leaves between is a folder that no row knows: harmless, told by `verify`, removed by the next time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Transaction, TransactionBehavior, params};

use super::verify::{leftovers, range_of};
use super::{History, JobFilter, JobRow, Owner, Release, Store};
use crate::engine::{EngineError, Project};
use crate::logic::time::Timestamp;

/// What is kept. A job goes that any of the limits lets go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// So many of the newest.
    pub count: Option<usize>,
    /// Those that ended no longer ago.
    pub age: Option<Duration>,
    /// The newest that have so many bytes of logs together.
    pub bytes: Option<u64>,
    /// Interrupted ones may go, too.
    pub interrupted: bool,
    /// No limit has to let interrupted ones go.
    pub without_limit: bool,
}

/// Why an interrupted job stays even where interrupted ones may go.
const WITHIN_LIMITS: &str = "it was interrupted, and no limit lets it go";
const NEWEST: &str = "it was interrupted, and the next job is numbered after it";

/// A job that may go.
#[derive(Clone, Debug)]
pub struct Doomed {
    pub row: JobRow,
    /// Of its folder.
    pub bytes: u64,
    /// Which limit lets it go, such as `more than 100 jobs`.
    pub why: String,
}

/// What pruning would do, or has done.
#[derive(Clone, Debug, Default)]
pub struct Pruning {
    /// The oldest first.
    pub doomed: Vec<Doomed>,
    /// Jobs that stay, and their bytes.
    pub kept: usize,
    pub kept_bytes: u64,
    /// Jobs that no limit can let go, with the reason.
    pub spared: Vec<(u64, &'static str)>,
    /// Folders of no job, below the state folder.
    pub leftovers: Vec<String>,
}

impl Pruning {
    /// Why an interrupted job stays that would go if interrupted ones might.
    pub const RECOVERABLE: &'static str = "it was interrupted and can be recovered";
}

/// A folder younger than this may be of a job that is just being made.
const YOUNG: Duration = Duration::from_secs(60);

/// Finds out which jobs may go at that time. Nothing, if there is no store.
///
/// # Errors
/// If the store cannot be read.
pub fn pruning(project: &Project, keep: Keep, now: Timestamp) -> Result<Option<Pruning>, EngineError> {
    let Some(history) = History::open(project)? else { return Ok(None) };
    let mut found = Pruning::default();
    let (mut count, mut bytes) = (0, 0);
    let rows = history.query(&JobFilter::default(), usize::MAX >> 1)?;
    let newest = rows.first().map(|row| row.number);
    for row in &rows {
        let own = size_of(&row.dir);
        let is_newest = newest == Some(row.number);
        let limit = keep.limit(row, (count, bytes + own), now);
        let may_go = limit.is_some() || keep.without_limit;
        let stays = spared(&history, row)?.or_else(|| match row.outcome {
            Some(_) => is_newest.then_some("the next job is numbered after it"),
            None if is_newest => Some(NEWEST),
            None if !may_go => Some(WITHIN_LIMITS),
            None => (!keep.interrupted).then_some(Pruning::RECOVERABLE),
        });
        let why = limit.or_else(|| row.outcome.is_none().then(|| "interrupted".to_owned()));
        match (stays, why) {
            (None, Some(why)) => found.doomed.push(Doomed { row: row.clone(), bytes: own, why }),
            (stays, _) => {
                found.spared.extend(stays.map(|why| (row.number, why)));
                (count, bytes) = (count + 1, bytes + own);
            }
        }
    }
    found.doomed.reverse();
    (found.kept, found.kept_bytes) = (count, bytes);
    found.leftovers = leftovers(project, rows.iter().map(|row| &*row.id.0), YOUNG);
    Ok(Some(found))
}

impl Keep {
    /// Says which limit lets a job go, by the jobs and bytes up to it that are newer and stay.
    fn limit(self, row: &JobRow, (count, bytes): (usize, u64), now: Timestamp) -> Option<String> {
        let ended = row.finished.unwrap_or(row.started);
        match self {
            Self { count: Some(most), .. } if count >= most => Some(format!("more than {most} newer jobs")),
            Self { age: Some(most), .. } if now.since(ended) > most => {
                Some(format!("older than {}", crate::logic::text::duration(most)))
            }
            Self { bytes: Some(most), .. } if bytes > most => Some("more logs than are kept".to_owned()),
            _ => None,
        }
    }
}

/// Why a job stays whatever its age.
fn spared(history: &History, row: &JobRow) -> Result<Option<&'static str>, EngineError> {
    Ok(match row.outcome {
        Some(_) if row.owner_alive => Some("an engine works on it"),
        Some(_) => None,
        None if row.owner_alive => Some("it is running"),
        None if history.has_open_gate(row.number)? => Some("it waits for a person"),
        None => None,
    })
}

/// Removes jobs, the oldest first, and what earlier times have left. Returns those that went; one that somebody has taken
/// up since stays.
///
/// # Errors
/// If the store or a folder cannot be written; what went before is gone.
pub fn prune(project: &Project, pruning: Pruning) -> Result<Pruning, EngineError> {
    let mut store = Store::open(project)?;
    let mut gone = Pruning { doomed: Vec::new(), leftovers: Vec::new(), ..pruning.clone() };
    for doomed in pruning.doomed {
        if !store.forget(&doomed.row)? {
            gone.spared.push((doomed.row.number, "it was taken up again"));
            gone.kept += 1;
            gone.kept_bytes += doomed.bytes;
            continue;
        }
        remove(&doomed.row.dir)?;
        gone.doomed.push(doomed);
    }
    for folder in pruning.leftovers {
        remove(&project.state.join(&folder))?;
        gone.leftovers.push(folder);
    }
    store.forget_sources()?;
    store.tidy();
    Ok(gone)
}

impl Store {
    /// Removes a job's row and events, unless it is no longer as it was seen; says whether it did.
    fn forget(&mut self, seen: &JobRow) -> Result<bool, EngineError> {
        let tx = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let sql =
            "SELECT outcome, owner_pid, owner_start, owner_boot FROM jobs WHERE number = ?1 AND id = ?2";
        let row = tx.query_row(sql, params![seen.number, &*seen.id.0], |row| {
            let owner = match (row.get(1)?, row.get(2)?, row.get(3)?) {
                (Some(pid), Some(start), Some(boot)) => Some(Owner { pid, start, boot }),
                _ => None,
            };
            Ok((row.get::<_, Option<String>>(0)?, owner))
        });
        let (outcome, owner) = match row {
            Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(true),
            row => row?,
        };
        if outcome != seen.outcome || owner.is_some_and(|owner| owner.is_alive(&tx, &seen.id.0)) {
            return Ok(false);
        }
        let (from, to) = range_of(seen.number);
        tx.execute("DELETE FROM jobs WHERE number = ?1", params![seen.number])?;
        tx.execute("DELETE FROM events WHERE id > ?1 AND id < ?2", params![from, to])?;
        super::claims::release(&tx, seen.number, Release::Job)?;
        tx.commit()?;
        Ok(true)
    }
}

fn remove(folder: &Path) -> Result<(), EngineError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let message = format!("the folder `{}` cannot be removed: {error}", folder.display());
            Err(EngineError::surroundings(message)
                .help("its job is gone from the history; remove it by hand"))
        }
        _ => Ok(()),
    }
}

/// Bytes of all files in a folder, links not followed.
fn size_of(folder: &Path) -> u64 {
    let mut waiting: Vec<PathBuf> = vec![folder.to_path_buf()];
    let mut bytes = 0;
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(it) if it.is_dir() => waiting.push(entry.path()),
                Ok(it) => bytes += it.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}
