//! A quick look at the recorded jobs for `sortie doctor`: whatever state they are in, and without touching them.
//!
//! Not here: looking at all of them (`verify.rs`), what it means (`logic/doctor`).

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::folder::broken;
use super::history::History;
use super::lift::VERSION;
use crate::engine::Project;
use crate::logic::doctor::{Recorded, Store};

/// How long a look waits for whoever writes.
const GLANCE: Duration = Duration::from_millis(50);
/// Larger stores are not looked through: that is for `store verify`.
const QUICKLY: u64 = 256 << 20;

/// Opens a store so that nothing of it changes. Where there is no log beside it, nobody is writing, and no memory has to be
/// shared with anybody.
///
/// # Errors
/// If SQLite cannot open it.
pub(super) fn open_as_it_is(path: &Path) -> rusqlite::Result<Connection> {
    let log = fs::metadata(path.with_extension("db-wal"));
    let how = if log.is_ok_and(|log| log.len() > 0) { "mode=ro" } else { "immutable=1" };
    let mut address = String::from("file:");
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for byte in whole.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                address.push(char::from(*byte));
            }
            other => address.push_str(&format!("%{other:02x}")),
        }
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("{address}?{how}"), flags)?;
    connection.busy_timeout(GLANCE)?;
    Ok(connection)
}

/// Returns the version of the tables.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Looks at the store of a project.
#[must_use]
pub fn examine(project: &Project) -> Store {
    let path = project.state.join("sortie.db");
    let Ok(found) = fs::metadata(&path) else { return Store::None };
    if found.len() == 0 {
        return Store::None;
    }
    look(project, &path, found.len()).unwrap_or_else(|error| {
        let error = broken(&path, &error);
        Store::Broken(error.message, error.help)
    })
}

fn look(project: &Project, path: &Path, bytes: u64) -> rusqlite::Result<Store> {
    let connection = open_as_it_is(path)?;
    match version(&connection)? {
        0 => return Ok(Store::None),
        VERSION => {}
        older @ 1..VERSION => return Ok(Store::Older(older)),
        newer => return Ok(Store::Newer(newer)),
    }
    if bytes <= QUICKLY {
        let word: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if word != "ok" {
            let said = format!("the store `{}` is damaged: {word}", path.display());
            return Ok(Store::Broken(said, Some(super::folder::DAMAGED.to_owned())));
        }
    }
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u64>(0));
    let jobs = count("SELECT count(*) FROM jobs")?;
    let open = count("SELECT count(*) FROM jobs WHERE finished IS NULL")?;
    let history = History::peek(project);
    let lost = history.and_then(|history| history.ownerless().ok()).unwrap_or_default();
    // One that goes on by itself will find somebody who looks after it.
    let orphans: Vec<u64> = lost.iter().map(|row| row.number).collect();
    let live = open.saturating_sub(orphans.len() as u64);
    Ok(Store::Whole(Recorded { format: VERSION, jobs, live, orphans }))
}
