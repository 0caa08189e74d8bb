//! Which jobs the engines of this process work on: each of them at most one.
//!
//! The lease (`store/lease.rs`) tells processes apart, and a process that lost its lease to itself takes it again. So a program
//! that goes on with a job twice would have two engines for it. Not here: engines of other processes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an engine whose job has ended may take to let go of it.
pub(super) const LETTING_GO: Duration = Duration::from_secs(10);

/// Folders of jobs.
static HELD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Signalled when one is let go.
static LET_GO: Condvar = Condvar::new();

fn held() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to work on a job, until this goes.
#[derive(Debug)]
pub(super) struct Only(PathBuf);

impl Only {
    /// Takes a job by its folder; nothing if an engine of this process works on it. One whose job has ended is waited for.
    pub(super) fn take(dir: &Path, has_ended: impl FnOnce() -> bool) -> Option<Self> {
        let mut jobs = held();
        if jobs.contains(dir) {
            drop(jobs);
            if !has_ended() {
                return None;
            }
            let is_held = |jobs: &mut BTreeSet<PathBuf>| jobs.contains(dir);
            let waited = LET_GO.wait_timeout_while(held(), LETTING_GO, is_held);
            jobs = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        jobs.insert(dir.to_path_buf()).then(|| Self(dir.to_path_buf()))
    }
}

impl Drop for Only {
    fn drop(&mut self) {
        held().remove(&self.0);
        LET_GO.notify_all();
    }
}
