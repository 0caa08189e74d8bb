//! Faults on purpose, for tests: each is asked for by a variable of the environment. Compiled only with the feature `faults`.
//!
//! | variable | what goes wrong |
//! |---|---|
//! | `SORTIE_FAULT_KILL_AT=7` | the process is killed, as by `kill -9`, when it passes its seventh point |
//! | `SORTIE_FAULT_BOTH_AT=7` | the same, and the keeper of its job goes first |
//! | `SORTIE_FAULT_PANIC_AT=7` | the engine's thread panics there |
//! | `SORTIE_FAULT_PANIC_ONCE=path` | it panics at the first point at which there is that file |
//! | `SORTIE_FAULT_WRITE_AT=3` | the third append to the journal fails as on a full disk |
//! | `SORTIE_FAULT_END_AT=path` | the engine says nothing of the end of its job before there is that file |
//! | `SORTIE_FAULT_LEASE_AT=path` | an engine lets go of its job once there is that file |
//! | `SORTIE_FAULT_CLOCK=-3600` | the clock is wrong by so many seconds |
//! | `SORTIE_FAULT_CLOCK_FILE=path` | it is wrong by as many seconds as stand in that file, whenever it is looked at |
//! | `SORTIE_FAULT_BOOT=other` | the machine seems to have booted again, under that id |
//! | `SORTIE_FAULT_SERVICE_KILL_AT=3` | the service of a project is killed when it passes its third point |
//! | `SORTIE_FAULT_CACHE_AT=5` | the process is killed when it passes its fifth point between two effects on kept results |
//! | `SORTIE_FAULT_NO_INOTIFY=1` | the system tells nothing about changed files |
//! | `SORTIE_FAULT_NO_LOCK=1` | a service does not look whether there is another one |
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
static BOTH_AT: OnceLock<Option<u32>> = OnceLock::new();
static PANIC_AT: OnceLock<Option<u32>> = OnceLock::new();
static PANIC_ONCE: OnceLock<Option<PathBuf>> = OnceLock::new();
static APPENDS: AtomicU32 = AtomicU32::new(0);
static WRITE_AT: OnceLock<Option<u32>> = OnceLock::new();
static CLOCK: OnceLock<Option<i64>> = OnceLock::new();
static CLOCK_FILE: OnceLock<Option<PathBuf>> = OnceLock::new();

fn asked<T: FromStr + Copy>(known: &OnceLock<Option<T>>, variable: &str) -> Option<T> {
    *known.get_or_init(|| std::env::var(variable).ok()?.parse().ok())
}

/// Passes a point, or dies there.
#[expect(clippy::panic, reason = "it is what a test asked for")]
pub(super) fn point() {
    let number = Some(POINTS.fetch_add(1, Ordering::Relaxed) + 1);
    let is_both = number == asked(&BOTH_AT, "SORTIE_FAULT_BOTH_AT");
    if is_both {
        kill_keepers();
    }
    if is_both || number == asked(&KILL_AT, "SORTIE_FAULT_KILL_AT") {
        // A process may always kill itself; if it could not, the test would see it go on.
        let _outcome = kill(getpid(), Signal::SIGKILL);
    }
    let once = PANIC_ONCE.get_or_init(|| std::env::var_os("SORTIE_FAULT_PANIC_ONCE").map(PathBuf::from));
    let is_there = once.as_ref().is_some_and(|path| path.exists());
    if is_there || number == asked(&PANIC_AT, "SORTIE_FAULT_PANIC_AT") {
        panic!("a panic that a test asked for");
    }
}

/// Kills the keepers among the children of this process.
fn kill_keepers() {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    for pid in children.flat_map(|it| it.split_whitespace().map(str::to_owned).collect::<Vec<_>>()) {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if words.split(|byte| *byte == 0).any(|word| word == b"__keeper")
            && let Ok(pid) = pid.parse()
        {
            // One that has just ended by itself is dead, too.
            let _outcome = kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL);
        }
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

/// Waits, where the end of a job was committed and nobody knows of it yet.
pub(super) fn end() {
    wait_for("SORTIE_FAULT_END_AT");
}

/// Waits, where everybody knows of the end of a job and it is owned still.
pub(super) fn lease() {
    wait_for("SORTIE_FAULT_LEASE_AT");
}

fn wait_for(variable: &str) {
    let path = std::env::var_os(variable).map(PathBuf::from);
    while path.as_ref().is_some_and(|path| !path.exists()) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// Returns by how many seconds the clock is wrong.
pub(super) fn clock_seconds() -> i64 {
    let file = CLOCK_FILE.get_or_init(|| std::env::var_os("SORTIE_FAULT_CLOCK_FILE").map(PathBuf::from));
    if let Some(text) = file.as_ref().and_then(|path| std::fs::read_to_string(path).ok()) {
        return text.trim().parse().unwrap_or(0);
    }
    asked(&CLOCK, "SORTIE_FAULT_CLOCK").unwrap_or(0)
}

/// Returns the boot id to be taken for the real one.
pub(super) fn boot_id() -> Option<String> {
    std::env::var("SORTIE_FAULT_BOOT").ok()
}

/// Says whether the system is to tell nothing about changed files.
pub(super) fn is_without_inotify() -> bool {
    std::env::var_os("SORTIE_FAULT_NO_INOTIFY").is_some()
}

/// Says whether several services may run for one project.
pub(super) fn is_without_lock() -> bool {
    std::env::var_os("SORTIE_FAULT_NO_LOCK").is_some()
}

static SERVICE_POINTS: AtomicU32 = AtomicU32::new(0);
static SERVICE_KILL_AT: OnceLock<Option<u32>> = OnceLock::new();

/// Passes a point of the service, or dies there.
pub(super) fn service_point() {
    let number = Some(SERVICE_POINTS.fetch_add(1, Ordering::Relaxed) + 1);
    if number == asked(&SERVICE_KILL_AT, "SORTIE_FAULT_SERVICE_KILL_AT") {
        // As above.
        let _outcome = kill(getpid(), Signal::SIGKILL);
    }
}

static CACHE_POINTS: AtomicU32 = AtomicU32::new(0);
static CACHE_AT: OnceLock<Option<u32>> = OnceLock::new();

/// Passes a point of the store of results, or dies there.
pub(super) fn cache_point() {
    let number = Some(CACHE_POINTS.fetch_add(1, Ordering::Relaxed) + 1);
    if number == asked(&CACHE_AT, "SORTIE_FAULT_CACHE_AT") {
        // As above.
        let _outcome = kill(getpid(), Signal::SIGKILL);
    }
}
