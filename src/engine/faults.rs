//! Faults on purpose, for tests: each is asked for by a variable of the environment. Compiled only with the feature `faults`.
//!
//! | variable | what goes wrong |
//! |---|---|
//! | `SORTIE_FAULT_KILL_AT=7` | the process is killed, as by `kill -9`, when it passes its seventh point |
//! | `SORTIE_FAULT_PANIC_AT=7` | the engine's thread panics there |
//! | `SORTIE_FAULT_PANIC_ONCE=path` | it panics at the first point at which there is that file |
//! | `SORTIE_FAULT_WRITE_AT=3` | the third append to the journal fails as on a full disk |
//! | `SORTIE_FAULT_CLOCK=-3600` | the clock is wrong by so many seconds |
//! | `SORTIE_FAULT_BOOT=other` | the machine seems to have booted again, under that id |
//!
//! The points lie around everything that must hold together: before a commit, after it, and after orders were given
//! to the keeper. A variable that cannot be read as a number asks for nothing.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

static POINTS: AtomicU32 = AtomicU32::new(0);
static KILL_AT: OnceLock<Option<u32>> = OnceLock::new();
static PANIC_AT: OnceLock<Option<u32>> = OnceLock::new();
static PANIC_ONCE: OnceLock<Option<PathBuf>> = OnceLock::new();
static APPENDS: AtomicU32 = AtomicU32::new(0);
static WRITE_AT: OnceLock<Option<u32>> = OnceLock::new();
static CLOCK: OnceLock<Option<i64>> = OnceLock::new();

fn asked<T: FromStr + Copy>(known: &OnceLock<Option<T>>, variable: &str) -> Option<T> {
    *known.get_or_init(|| std::env::var(variable).ok()?.parse().ok())
}

/// Passes a point, or dies there.
#[expect(clippy::panic, reason = "it is what a test asked for")]
pub(super) fn point() {
    let number = Some(POINTS.fetch_add(1, Ordering::Relaxed) + 1);
    if number == asked(&KILL_AT, "SORTIE_FAULT_KILL_AT") {
        // A process may always kill itself; if it could not, the test would see it go on.
        let _outcome = kill(getpid(), Signal::SIGKILL);
    }
    let once = PANIC_ONCE.get_or_init(|| std::env::var_os("SORTIE_FAULT_PANIC_ONCE").map(PathBuf::from));
    let is_there = once.as_ref().is_some_and(|path| path.exists());
    if is_there || number == asked(&PANIC_AT, "SORTIE_FAULT_PANIC_AT") {
        panic!("a panic that a test asked for");
    }
}

/// Lets an append to the journal pass, or fails it as a full disk would.
///
/// # Errors
/// At the append that the variable names.
pub(super) fn append() -> rusqlite::Result<()> {
    let number = Some(APPENDS.fetch_add(1, Ordering::Relaxed) + 1);
    if number == asked(&WRITE_AT, "SORTIE_FAULT_WRITE_AT") {
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        return Err(rusqlite::Error::SqliteFailure(full, Some("database or disk is full".to_owned())));
    }
    Ok(())
}

/// Returns by how many seconds the clock is wrong.
pub(super) fn clock_seconds() -> i64 {
    asked(&CLOCK, "SORTIE_FAULT_CLOCK").unwrap_or(0)
}

/// Returns the boot id to be taken for the real one.
pub(super) fn boot_id() -> Option<String> {
    std::env::var("SORTIE_FAULT_BOOT").ok()
}
