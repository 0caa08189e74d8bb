//! The store: SQLite with a write-ahead log in the project's state folder. Events are the truth, `jobs` a projection.
//!
//! *Committed* survives any death of ours; *synced* survives power loss. Commits are not synced one by one (that
//! would cost milliseconds each); `Syncer` does it in a group every 100 ms, and `Store::sync` at once where somebody
//! relies on it.
//!
//! Not here: what events mean (`logic/job`), who may own a job (`lease.rs`), reading for faces (`history.rs`,
//! `times.rs`).

mod answered;
mod claims;
mod examine;
mod export;
mod filter;
mod fires;
pub(super) mod folder;
mod history;
mod journal;
mod lease;
mod lift;
mod made;
mod prune;
mod sources;
mod sync;
mod times;
mod verify;
mod waiting;

use std::borrow::Borrow;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::{Connection, ErrorCode};

pub use claims::ClaimRow;
pub(super) use claims::{Ask, Beyond, Release};
pub use examine::examine;
pub use export::{Exported, create, export};
pub use filter::JobFilter;
pub(super) use fires::{EndedJob, NewFire};
pub use fires::{Fire, FireState};
pub use folder::senseless;
use folder::{broken, newer_store};
pub use history::{FindError, History, JobRow};
pub(crate) use journal::{Row, rows};
pub(super) use lease::Owner;
pub(in crate::engine) use lease::state_of;
use lift::VERSION;
use made::on_loss_word;
pub(crate) use made::{NewJob, StoredJob};
pub use prune::{Doomed, Keep, Pruning, prune, pruning};
use sync::Disk;
pub(super) use sync::Syncer;
pub use verify::{Finding, Verified, verify};

pub(super) use history::plan_again;

use super::{EngineError, Project};
use crate::logic::job::event::Envelope;

/// How long a writer waits for another engine's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// With more pages in it than this the log is emptied at the end of a job.
const MOST_PAGES: u32 = 512;

/// With more bytes in it than this the log is emptied at the start of a job that has to wait for something else anyway.
const MOST_BYTES: u64 = 1 << 20;

/// Between two looks at a store that another process is making.
const PAUSE: Duration = Duration::from_millis(2);

/// A connection that may write.
pub(crate) struct Store {
    connection: Connection,
    disk: Arc<Disk>,
}

/// Opens a database, after another process if that is making it: SQLite waits for it nearly everywhere, but not where it
/// begins to keep a log.
pub(super) fn in_turn<T>(
    patience: Duration,
    mut open: impl FnMut() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let mut left = patience;
    loop {
        match open() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && !left.is_zero() => {
                std::thread::sleep(PAUSE);
                left = left.saturating_sub(PAUSE);
            }
            result => return result,
        }
    }
}

/// Another engine owns the job by now.
pub(super) fn taken_over(number: u64) -> EngineError {
    EngineError::surroundings(format!("job #{number} was taken over by another engine"))
}

impl Store {
    /// Makes the state folder of a project if it is missing.
    ///
    /// # Errors
    /// If the folder cannot be written, or lies on a network file system.
    pub(crate) fn prepare(project: &Project) -> Result<(), EngineError> {
        folder::prepare(&project.state)
    }

    /// Opens the store of a project in a folder that is prepared, making the tables if they are missing.
    ///
    /// # Errors
    /// If the folder cannot be written, or holds something else.
    pub(crate) fn open(project: &Project) -> Result<Self, EngineError> {
        let path = project.state.join("sortie.db");
        let connect = || in_turn(BUSY, || Self::connect(&path));
        let (store, version) = match connect() {
            Err(error) if folder::empty_if_blank(&path, &error) => connect(),
            result => result,
        }
        .map_err(|e| broken(&path, &e))?;
        match version {
            VERSION => {}
            0..VERSION => store.create_or_lift().map_err(|e| broken(&path, &e))?,
            newer => return Err(newer_store(&path, newer)),
        }
        store.connection.pragma_update(None, "synchronous", "NORMAL").map_err(|e| broken(&path, &e))?;
        Ok(store)
    }

    /// Returns the store with the version of its tables.
    fn connect(path: &Path) -> rusqlite::Result<(Self, i64)> {
        let is_new = fs::metadata(path).map_or(true, |found| found.len() == 0);
        let mut store = Self { connection: Connection::open(path)?, disk: Arc::new(Disk::new(path, is_new)) };
        store.set_up(is_new)?;
        store.disk.look_for_mark(&store.connection)?;
        let disk = Arc::clone(&store.disk);
        store.connection.wal_hook(Some(move |_: &mut Wal, pages| {
            disk.has_pages(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }))?;
        let version = store.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        Ok((store, version))
    }

    fn set_up(&self, is_new: bool) -> rusqlite::Result<()> {
        self.connection.busy_timeout(BUSY)?;
        // The last connection to close would copy the log into the file and sync both; a later engine does that.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // Otherwise some statements are made anew for each value that they are given, in the hope of a better plan.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        if is_new {
            // `Disk` syncs the whole a moment later: SQLite would do it six times, and wait each time.
            self.connection.pragma_update(None, "synchronous", "OFF")?;
        }
        self.connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -4096; \
             PRAGMA temp_store = MEMORY;",
        )?;
        self.connection.set_prepared_statement_cache_capacity(32);
        Ok(())
    }

    /// Appends events to a job's journal and gives back what they release, in one transaction, if the lease is still ours.
    /// Rows that are given are theirs, all of one moment.
    ///
    /// # Errors
    /// If the store cannot be written, or another engine has taken the job over.
    pub(crate) fn append<E: Borrow<Envelope>>(
        &mut self,
        number: u64,
        epoch: u64,
        (events, rows): (&[E], Option<&[Row]>),
        releases: &[Release],
    ) -> Result<(), EngineError> {
        let writing = journal::Writing::begin(&self.connection)?;
        {
            let held: u64 = self
                .connection
                .prepare_cached("SELECT epoch FROM jobs WHERE number = ?1")?
                .query_row([number], |row| row.get(0))?;
            if held != epoch {
                return Err(taken_over(number));
            }
            let mut insert = self
                .connection
                .prepare_cached("INSERT INTO events (id, time, type, body) VALUES (?1, ?2, ?3, ?4)")?;
            match (rows, events.first().map(Borrow::borrow)) {
                (Some(rows), Some(first)) => {
                    journal::write_rows(&mut insert, (number, first.seq), first.time, rows)?;
                }
                _ => journal::write(&mut insert, number, events)?,
            }
            for it in events {
                journal::project(&self.connection, number, it.borrow())?;
            }
            for &it in releases {
                claims::release(&self.connection, number, it)?;
            }
        }
        // As late as a disk may fill up: dropping the transaction takes back what it holds.
        #[cfg(feature = "faults")]
        super::faults::append()?;
        writing.commit()?;
        Ok(())
    }

    /// Returns the events of a job after a number.
    ///
    /// # Errors
    /// If the store cannot be read, or an event was written by a newer sortie.
    pub(crate) fn events(&self, number: u64, after: u64, limit: usize) -> Result<Vec<Envelope>, EngineError> {
        let events = journal::read_events(&self.connection, number, after, limit)?;
        journal::without_gaps(number, after, events)
    }

    /// Makes everything committed so far survive power loss.
    ///
    /// # Errors
    /// What the disk said.
    pub(crate) fn sync(&self) -> Result<(), EngineError> {
        self.disk.sync().map_err(sync::not_synced)?;
        self.disk.mark(&self.connection);
        Ok(())
    }

    /// Names this store in an error that only says that it cannot be written.
    pub(crate) fn named(&self, error: EngineError) -> EngineError {
        folder::at(self.disk.database(), error)
    }

    #[cfg(test)]
    fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The same as [`Self::tidy`] before the first commit, when there is time; with less in the log already.
    pub(crate) fn tidy_ahead(&self) {
        if self.disk.wal_bytes() > MOST_BYTES {
            self.empty_log();
        }
    }

    /// Copies the log into the database file and empties it if it has grown, unless somebody else is using it. Mostly the
    /// syncer has done so in time. To copy it alone would not do: whoever opens it next cannot know that, and reads all
    /// of it.
    pub(crate) fn tidy(&self) {
        if self.disk.pages() > MOST_PAGES || self.disk.wal_bytes() > 8 * MOST_BYTES {
            self.empty_log();
        }
    }

    fn empty_log(&self) {
        if self.connection.busy_timeout(Duration::ZERO).is_ok() {
            // Only an optimisation: what cannot be done now is done at the end of the next job.
            let _outcome = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
            // As it was opened with: whoever lives long goes on with it.
            let _outcome = self.connection.busy_timeout(BUSY);
        }
    }
}
