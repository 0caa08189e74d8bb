//! Group sync: what was committed survives power loss at most 100 ms later.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two group syncs.
const EVERY: Duration = Duration::from_millis(100);

/// Syncs the write-ahead log. Only the log is opened: SQLite's locks lie on its other files, and closing a second
/// descriptor of those would drop them.
pub(super) fn sync_file(wal: &Path) -> io::Result<()> {
    match File::open(wal) {
        Ok(file) => file.sync_data(),
        // SQLite keeps writing to a file that was removed, and what it writes is lost with this process.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let words = format!("its file `{}` was removed while the job ran", wal.display());
            Err(io::Error::new(error.kind(), words))
        }
        Err(error) => Err(error),
    }
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
    /// Starts the thread for the log of that store.
    #[must_use]
    pub(crate) fn start(store: &super::Store) -> Self {
        let shared = Arc::new(Shared { state: Mutex::new(State::default()), changed: Condvar::new() });
        let (theirs, wal) = (Arc::clone(&shared), store.wal.clone());
        let thread = std::thread::Builder::new()
            .name("sync".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || theirs.run(&wal))
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

impl Drop for Syncer {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the hook already.
            let _outcome = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, wal: &Path) {
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
            let outcome = sync_file(wal);
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = outcome {
                state.failed = Some(error.to_string());
            }
        }
    }
}
