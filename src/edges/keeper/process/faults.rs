//! Faults on purpose, for tests, as `engine/faults.rs` has them for engines: `SORTIE_FAULT_KEEPER_AT=7` kills a keeper, as
//! by `kill -9`, when it passes its seventh point; with `SORTIE_FAULT_KEEPER_ONCE=path` only if that file is not there,
//! which is made then, so that the next keeper lives. With `SORTIE_FAULT_CLOSE_AT=path` a keeper that has ended all of its job
//! says so once there is that file. Compiled only with the feature `faults`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

static POINTS: AtomicU32 = AtomicU32::new(0);
static KILL_AT: OnceLock<Option<u32>> = OnceLock::new();

/// Waits, where all of a job was ended and its engine does not know of it yet.
pub(super) fn close() {
    let path = std::env::var_os("SORTIE_FAULT_CLOSE_AT").map(std::path::PathBuf::from);
    while path.as_ref().is_some_and(|path| !path.exists()) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Passes a point, or dies there.
pub(super) fn point() {
    let number = Some(POINTS.fetch_add(1, Ordering::Relaxed) + 1);
    let asked = *KILL_AT.get_or_init(|| std::env::var("SORTIE_FAULT_KEEPER_AT").ok()?.parse().ok());
    if asked.is_none() || number != asked {
        return;
    }
    let is_first = std::env::var_os("SORTIE_FAULT_KEEPER_ONCE")
        .is_none_or(|path| std::fs::OpenOptions::new().write(true).create_new(true).open(path).is_ok());
    if is_first {
        // A process may always kill itself; if it could not, the test would see it go on.
        let _outcome = kill(getpid(), Signal::SIGKILL);
    }
}
