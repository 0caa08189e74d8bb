//! Faults on purpose, for tests: the engine is killed at a numbered point. Compiled only with the feature `faults`.
//!
//! The points lie around everything that must hold together: before a commit, after it, and after orders were given
//! to the keeper. `SORTIE_FAULT_KILL_AT=7` kills the process, as `kill -9` would, when it passes its seventh point.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

static PASSED: AtomicU32 = AtomicU32::new(0);
static KILL_AT: OnceLock<Option<u32>> = OnceLock::new();

/// Passes a point, or dies there.
pub(super) fn point() {
    let variable = || std::env::var("SORTIE_FAULT_KILL_AT").ok()?.parse().ok();
    let Some(at) = *KILL_AT.get_or_init(variable) else { return };
    if PASSED.fetch_add(1, Ordering::Relaxed) + 1 == at {
        // A process may always kill itself; if it could not, the test would see it go on.
        let _outcome = kill(getpid(), Signal::SIGKILL);
    }
}
