//! Group sync: what was committed survives power loss at most 100 ms later. The log of the database is kept short, too.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::engine::EngineError;

/// Between two group syncs.
const EVERY: Duration = Duration::from_millis(100);

/// After the start of a job, before a new store is synced: a journal of the file system that is being written holds up
/// whoever makes files, and a job that starts makes many.
const AFTER_START: Duration = Duration::from_millis(25);

/// With more pages than this in the log of the database it is copied into the file, soon after the start of a job and
/// later. Whoever opens the store next has to read the log from end to end, at five microseconds a page.
const MOST_PAGES: (u32, u32) = (64, 256);

/// How long whoever copies the log waits for a commit or a reader to end.
const COPIER_PATIENCE: Duration = Duration::from_millis(5);

/// What a database has as its `application_id` once it is synced, with its folders.
const SYNCED: i64 = 0x536f_7274;

/// What has to be synced of a store.
pub(crate) struct Disk {
    database: PathBuf,
    /// How many pages the log had after the last commit of this process.
    pages: AtomicU32,
    /// SQLite keeps its locks on the other files, so that this one may be opened and closed here.
    wal: PathBuf,
    /// The database file, where nobody may have synced it since it was made. Its folders have to know of it, too.
    made: Mutex<Option<PathBuf>>,
    is_marked: AtomicBool,
}

impl Disk {
    /// The files of the store with that database. `is_new` says that this process makes them.
    pub(super) fn new(database: &Path, is_new: bool) -> Self {
        let made = Mutex::new(is_new.then(|| database.to_path_buf()));
        let (wal, is_marked) = (database.with_extension("db-wal"), AtomicBool::new(!is_new));
        Self { database: database.to_path_buf(), pages: AtomicU32::new(0), wal, made, is_marked }
    }

    /// Looks for the mark: without it, whoever made the database may have died before it was synced.
    pub(super) fn look_for_mark(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mark: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        if mark != SYNCED {
            self.is_marked.store(false, Ordering::Relaxed);
            if !synced().contains(&self.database) {
                *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.database.clone());
            }
        }
        Ok(())
    }

    /// Marks the database after its first sync, so that nobody has to sync more of it than its log: that costs
    /// milliseconds even where there is nothing to do.
    pub(super) fn mark(&self, connection: &Connection) {
        if !self.is_marked.swap(true, Ordering::Relaxed) {
            // Without the mark, somebody syncs once more than need be.
            let _outcome = connection.pragma_update(None, "application_id", SYNCED);
        }
    }

    /// The file of the database.
    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    /// Takes note of a commit, after which the log has so many pages.
    pub(super) fn has_pages(&self, pages: u32) {
        self.pages.store(pages, Ordering::Relaxed);
    }

    /// How many pages the log had after the last commit of this process.
    pub(super) fn pages(&self) -> u32 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Copies the log into the database if it has more pages, beside whoever writes and reads.
    fn shorten(&self, most: u32) {
        if self.pages() <= most {
            return;
        }
        let copy = || -> rusqlite::Result<()> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let copier = Connection::open_with_flags(&self.database, flags)?;
            copier.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            copier.busy_timeout(COPIER_PATIENCE)?;
            // Syncs the log before it is copied, and the database before the log begins anew.
            copier.pragma_update(None, "synchronous", "NORMAL")?;
            // The first copies nearly all while commits go on, the second the rest while they wait: only then does the
            // next commit begin the log anew.
            copier.execute_batch("PRAGMA wal_checkpoint(PASSIVE)")?;
            copier.execute_batch("PRAGMA wal_checkpoint(RESTART)")
        };
        // Only an optimisation: what cannot be done now is done at the next group sync, or by a later engine.
        let _outcome = copy();
    }

    /// How large the log of the database is, in bytes.
    pub(super) fn wal_bytes(&self) -> u64 {
        fs::metadata(&self.wal).map_or(0, |found| found.len())
    }

    /// Makes what was committed survive power loss.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.sync_made()?;
        open(&self.wal)?.sync_data()
    }

    /// Makes a new database survive power loss: without its file the log would be thrown away.
    fn sync_made(&self) -> io::Result<()> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = made.as_deref() else { return Ok(()) };
        let file = open(database)?;
        let outcome = file.sync_all();
        // Closing it would drop the locks of SQLite, which belong to the process and not to a descriptor.
        std::mem::forget(file);
        outcome?;
        for folder in database.ancestors().skip(1).take(2) {
            open(folder)?.sync_all()?;
        }
        synced().insert(database.to_path_buf());
        *made = None;
        Ok(())
    }
}

/// Databases that this process has synced: each costs it a descriptor, once.
fn synced() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    static SYNCED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    SYNCED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the disk said, as an error.
pub(super) fn not_synced(error: io::Error) -> EngineError {
    EngineError::surroundings(format!("the store could not be synced: {error}"))
}

fn open(path: &Path) -> io::Result<File> {
    File::open(path).map_err(|error| match error.kind() {
        // SQLite keeps writing to a file that was removed, and what it writes is lost with this process.
        io::ErrorKind::NotFound => {
            let words = format!("its file `{}` was removed while the job ran", path.display());
            io::Error::new(error.kind(), words)
        }
        _ => error,
    })
}

/// A thread that syncs after commits, in groups. Idle while nothing is committed.
pub(crate) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    dirty: bool,
    ended: bool,
    failed: Option<String>,
}

impl Syncer {
    /// Starts the thread for that store. A new one is synced soon.
    #[must_use]
    pub(crate) fn start(store: &super::Store) -> Self {
        let shared = Arc::new(Shared { state: Mutex::new(State::default()), changed: Condvar::new() });
        let (theirs, disk) = (Arc::clone(&shared), Arc::clone(&store.disk));
        let thread = std::thread::Builder::new()
            .name("sync".to_owned())
            .stack_size(256 * 1024)
            .spawn(move || theirs.run(&disk))
            .ok();
        Self { shared, thread }
    }

    /// Says that something was committed. Returns what an earlier sync failed with, if one did.
    #[must_use]
    pub(crate) fn committed(&self) -> Option<String> {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.dirty {
            state.dirty = true;
            self.shared.changed.notify_one();
        }
        state.failed.clone()
    }
}

impl Syncer {
    /// Ends the thread.
    pub(crate) fn end(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the hook already.
            let _outcome = thread.join();
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn run(&self, disk: &Disk) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, AFTER_START, |s| !s.ended);
        drop(waited);
        let made = disk.sync_made();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failed = made.err().map(|error| error.to_string());
        let is_over = state.ended;
        drop(state);
        if !is_over {
            disk.shorten(MOST_PAGES.0);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while !state.dirty && !state.ended {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.ended {
                return;
            }
            // Gathers a group; ends early when the engine is done, which syncs the end of the job itself.
            let waited = self.changed.wait_timeout_while(state, EVERY, |s| !s.ended);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.ended {
                return;
            }
            state.dirty = false;
            drop(state);
            let outcome = disk.sync();
            disk.shorten(MOST_PAGES.1);
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = outcome {
                state.failed = Some(error.to_string());
            }
        }
    }
}

#[cfg(test)]
#[path = "sync_tests.rs"]
mod tests;
