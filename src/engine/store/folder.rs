//! The state folder: made closed to others, ignored by git, and refused where locks cannot be trusted. What is wrong with
//! a store, in words.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rusqlite::ErrorCode;

use super::lift::VERSION;
use crate::engine::{EngineError, ErrorKind};

/// Makes the state folder: closed to others, and ignored by git. A folder that was there keeps its mode, and is ignored by
/// git only if it was empty: anything may lie in it.
pub(in crate::engine) fn prepare(state: &Path) -> Result<(), EngineError> {
    let cannot = |e: &std::io::Error| {
        let error = EngineError::io(format!("the state folder `{}` cannot be used", state.display()), e);
        let help = match error.kind {
            ErrorKind::Full => "free some space there, or name a folder on another disk with `--state DIR`",
            _ => "name another one with `--state DIR`",
        };
        error.help(help)
    };
    if !state.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(|e| cannot(&e))?;
    }
    let ignore = state.join(".gitignore");
    // A store that is in use tells with one look that there is nothing to do.
    let is_new = !ignore.exists() && fs::read_dir(state).map_err(|e| cannot(&e))?.next().is_none();
    if is_new && let Err(error) = fs::write(&ignore, "*\n") {
        // On a full disk an empty file is left, which the next job would take for ours.
        let _outcome = fs::remove_file(&ignore);
        return Err(cannot(&error));
    }
    // As SQLite would make it everybody could read it where the folder is open. Its log gets the mode of the file.
    let database = state.join("sortie.db");
    if !database.exists() {
        let made = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&database);
        match made {
            // Another process was faster.
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(cannot(&error)),
            _ => {}
        }
    }
    if let Some(kind) = network_file_system(state) {
        return Err(EngineError::surroundings(format!(
            "the state folder `{}` lies on a network file system ({kind}), where locks cannot be trusted",
            state.display()
        ))
        .help("name a folder on a local disk with `--state DIR`"));
    }
    Ok(())
}

/// Empties a database that SQLite refuses because only zeros are in it: the power went before a new one was on the disk, and
/// nothing in it had been promised to anybody. Says whether it did.
pub(super) fn empty_if_blank(database: &Path, error: &rusqlite::Error) -> bool {
    // Only then: opening and closing a file that SQLite uses would drop its locks.
    if error.sqlite_error_code() != Some(ErrorCode::NotADatabase) {
        return false;
    }
    let is_blank = fs::read(database).is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 0));
    let empty = || fs::OpenOptions::new().write(true).open(database)?.set_len(0);
    // What cannot be emptied is told as it was.
    is_blank && empty().is_ok()
}

/// Returns the name of the network file system that a folder lies on, by the magic numbers of statfs(2).
fn network_file_system(path: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    match kind & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x517b => Some("SMB"),
        0x5346_414f => Some("AFS"),
        0x0102_1997 => Some("9P"),
        0x00c3_6400 => Some("Ceph"),
        _ => None,
    }
}

/// A store that cannot be used.
pub(super) fn broken(path: &Path, error: &rusqlite::Error) -> EngineError {
    let what = format!("the store `{}` cannot be used", path.display());
    if is_full(error) || (is_trouble_with_files(error) && has_no_room(path)) {
        return EngineError::full(what);
    }
    let help = if is_damage(error) {
        DAMAGED
    } else {
        "name another state folder with `--state DIR`, or move the file away to begin a new history"
    };
    EngineError::surroundings(format!("{what}: {error}")).help(help)
}

/// A journal that can be read and makes no sense.
#[must_use]
pub fn senseless(number: u64) -> EngineError {
    EngineError::surroundings(format!(
        "the journal of job #{number} is damaged: it speaks of what was never begun"
    ))
    .help(DAMAGED)
}

/// Says whether SQLite found no room: for what it writes, or for the index of its log, which every reader needs, too.
fn is_full(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|it| it.extended_code);
    matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull))
        || code == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

fn is_trouble_with_files(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen))
}

/// With less room than this on its disk, a store can hardly be opened, in bytes.
const ROOM: u64 = 64 * 1024;

/// Says whether next to nothing is free where that file is.
fn has_no_room(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(path);
    rustix::fs::statvfs(folder).is_ok_and(|it| it.f_bavail.saturating_mul(it.f_frsize) < ROOM)
}

/// Names the store in an error about a full disk that does not.
pub(super) fn at(path: &Path, error: EngineError) -> EngineError {
    let is_unnamed = error == EngineError::full(UNNAMED);
    if is_unnamed || (error.message.starts_with(SAID) && has_no_room(path)) {
        return EngineError::full(format!("the store `{}` cannot be written", path.display()));
    }
    error
}

/// What cannot be done, where it is not known which store it is.
const UNNAMED: &str = "the store cannot be written";

/// How everything else that SQLite says begins.
const SAID: &str = "the store said: ";

/// The way out where a part of the database is lost.
pub(super) const DAMAGED: &str = "a part of it is lost, as in a copy that was made while it was in use, or without its \
                                  `-wal` file: `sortie store verify` tells what, `sortie store export` takes out what can \
                                  be read; then move the file away, or put a whole copy in its place";

/// Says whether SQLite found that what it reads cannot be what was written.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    let is_nonsense = matches!(
        error,
        Error::InvalidColumnType(..)
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    );
    is_nonsense || error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

/// A store of a later version of the tables.
pub(super) fn newer_store(path: &Path, version: i64) -> EngineError {
    EngineError::surroundings(format!(
        "the store `{}` was written by a newer sortie (format {version}, this one reads up to {VERSION})",
        path.display()
    ))
    .help("use that newer version, or another folder with `--state DIR`")
}

/// A store of an earlier version of the tables that cannot be brought up to date here.
pub(super) fn older(path: &Path, version: i64, why: EngineError) -> EngineError {
    let message = format!(
        "the store `{}` is of an earlier format ({version}), and could not be brought up to date: {}",
        path.display(),
        why.message
    );
    EngineError { message, ..why }.help("whoever may write it has to use it once, if only to list its jobs")
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        if is_full(&error) {
            return Self::full(UNNAMED);
        }
        if error.sqlite_error_code().is_none() && is_damage(&error) {
            return Self::surroundings(format!("the store is damaged: {error}")).help(DAMAGED);
        }
        let it = Self::surroundings(format!("{SAID}{error}"));
        if is_damage(&error) { it.help(DAMAGED) } else { it }
    }
}
