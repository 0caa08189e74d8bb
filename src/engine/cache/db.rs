//! The database of results: entries, the newest of each name, what is remembered of files, what is just being restored.
//!
//! Nothing here has to survive a power cut: each row carries a digest, and what is missing is made again. So commits are
//! never synced. A database that is damaged is put aside and made anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use blake3::Hash;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::entry::Stored;
use super::stat::Stamp;
use crate::engine::store::in_turn;

/// Version of the tables.
const VERSION: i64 = 3;

/// The version before. Its rows of entries lie in the order of their digests, and what belongs to them has the same number: so all
/// statements fit it, too, as each finds by `rowid` what belongs together. It stays as it is, for whoever else works with it.
const BEFORE: i64 = 2;

/// How long a writer waits for another process.
const BUSY: Duration = Duration::from_secs(10);

/// So many rows of the memo are read when a job begins.
const MOST_ROWS: i64 = 200_000;

/// With more pages than this in its log, the database is tidied at the end of a job: whoever opens it next has to read the
/// log from end to end.
const MOST_PAGES: u32 = 64;

/// Rows lie in the order in which they come, so that those that are written together lie together: numbers of results and of
/// names are digests, and rows that lie in their order are each in a page of its own. What belongs to an entry has its number.
const TABLES: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE entries (number INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, body BLOB NOT NULL);
    CREATE TABLE insides (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
    CREATE TABLE uses (number INTEGER PRIMARY KEY, used INTEGER NOT NULL);
    CREATE TABLE names (number INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, body BLOB NOT NULL);
    CREATE TABLE lists (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE memo (id INTEGER PRIMARY KEY, state BLOB NOT NULL);";

/// Made when it is needed first: earlier versions had another one.
const RESTORES: &str = "CREATE TABLE IF NOT EXISTS restores (id INTEGER PRIMARY KEY, note BLOB NOT NULL)";

/// A connection.
#[derive(Debug)]
pub(super) struct Db {
    pub(super) connection: Connection,
    /// Of this store only; for digests of secrets.
    pub(super) secret: [u8; 32],
}

/// Why the database cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It is none, or parts of it are lost.
    Damaged,
    /// A newer sortie has made it.
    Newer(i64),
    /// What the system or SQLite said.
    Failed(String),
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) { Self::Damaged } else { Self::Failed(error.to_string()) }
    }
}

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
    // A table that is not there counts, too: the file was put together from parts.
    let is_broken = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
    );
    is_nonsense || is_broken
}

impl Db {
    /// Opens the database in a folder, making it if it is not there.
    ///
    /// # Errors
    /// If it cannot be used.
    pub(super) fn open(folder: &Path) -> Result<Self, Unusable> {
        let path = path_in(folder);
        let connection = in_turn(BUSY, || connect(&path))?;
        match version(&connection)? {
            VERSION | BEFORE => {}
            newer if newer > VERSION => return Err(Unusable::Newer(newer)),
            _ => create(&connection)?,
        }
        Self::with(connection)
    }

    /// Opens the database in a folder only to read it; none if it is not there.
    ///
    /// # Errors
    /// If it cannot be used.
    pub(super) fn look(folder: &Path) -> Result<Option<Self>, Unusable> {
        let path = path_in(folder);
        if !path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        match version(&connection)? {
            VERSION | BEFORE => Ok(Some(Self::with(connection)?)),
            newer if newer > VERSION => Err(Unusable::Newer(newer)),
            // Of an older format, or not made to the end: there is nothing that could be used.
            _ => Ok(None),
        }
    }

    fn with(connection: Connection) -> Result<Self, Unusable> {
        let secret: Option<Vec<u8>> = connection
            .query_row("SELECT value FROM meta WHERE name = 'secret'", [], |row| row.get(0))
            .optional()?;
        let secret = secret.ok_or(Unusable::Damaged)?.try_into().map_err(|_| Unusable::Damaged)?;
        Ok(Self { connection, secret })
    }

    /// Returns the bytes of an entry.
    pub(super) fn entry(&self, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        self.one("SELECT body FROM entries WHERE id = ?1", id)
    }

    /// Returns an entry with the bytes of its small files, as they are at one moment.
    pub(super) fn whole(&self, id: i64) -> rusqlite::Result<Option<Stored>> {
        let sql = "SELECT entries.body, insides.body FROM entries LEFT JOIN insides ON insides.rowid = entries.rowid \
                   WHERE entries.id = ?1";
        let stored = |row: &rusqlite::Row<'_>| {
            let inside: Option<Vec<u8>> = row.get(1)?;
            Ok(Stored { entry: row.get(0)?, inside: Some(inside.unwrap_or_default()) })
        };
        self.connection.prepare_cached(sql)?.query_row([id], stored).optional()
    }

    /// Returns an entry, with its small files if it is to be `whole`.
    pub(super) fn stored(&self, id: i64, whole: bool) -> rusqlite::Result<Option<Stored>> {
        match whole {
            true => self.whole(id),
            false => Ok(self.entry(id)?.map(|entry| Stored { entry, inside: None })),
        }
    }

    /// Returns entries as they are at one moment, and which of them are not there; with their small files if they are to be
    /// `whole`.
    pub(super) fn entries(&self, ids: &[i64], whole: bool) -> rusqlite::Result<Vec<(i64, Option<Stored>)>> {
        self.at_one_moment(|db| ids.iter().map(|&id| Ok((id, db.stored(id, whole)?))).collect())
    }

    /// Reads things as they are at one moment: alone, each would lock the database anew.
    pub(super) fn at_one_moment<T>(
        &self,
        read: impl FnOnce(&Self) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        let read = read(self);
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        read
    }

    /// Returns what the newest result of a name was made of.
    pub(super) fn of_name(&self, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        self.one("SELECT body FROM names WHERE id = ?1", id)
    }

    fn one(&self, sql: &str, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        self.connection.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()
    }

    /// Returns what is noted under a name.
    pub(super) fn note(&self, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
        let sql = "SELECT value FROM meta WHERE name = ?1";
        self.connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()
    }

    /// Notes something under a name, until everything is cleared.
    pub(super) fn put_note(&self, name: &str, value: &[u8]) -> rusqlite::Result<()> {
        let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![name, value]).map(|_| ())
    }

    /// Keeps an entry and its small files, or others in their place, and takes note that it is used now (in seconds since
    /// 1970).
    pub(super) fn put_entry(&self, id: i64, body: &[u8], inside: &[u8], now: i64) -> rusqlite::Result<()> {
        self.remove(id)?;
        self.connection
            .prepare_cached("INSERT INTO entries (id, body) VALUES (?1, ?2)")?
            .execute(params![id, body])?;
        let number = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO insides (rowid, body) VALUES (?1, ?2)")?
            .execute(params![number, inside])?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO uses (rowid, used) VALUES (?1, ?2)")?
            .execute([number, now])?;
        Ok(())
    }

    /// Takes note that entries are used now. Those that were used a moment ago are left as they are.
    pub(super) fn used(&self, ids: &[i64], now: i64) -> rusqlite::Result<()> {
        let sql = "UPDATE uses SET used = ?2 \
                   WHERE rowid = (SELECT rowid FROM entries WHERE id = ?1) AND used < ?2 - 3600";
        let mut update = self.connection.prepare_cached(sql)?;
        ids.iter().try_for_each(|id| update.execute([*id, now]).map(|_| ()))
    }

    /// Takes note of what the newest result of a name was made of.
    pub(super) fn put_name(&self, id: i64, body: &[u8]) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO names (id, body) VALUES (?1, ?2)")?
            .execute(params![id, body])?;
        Ok(())
    }

    /// Removes an entry.
    pub(super) fn remove(&self, id: i64) -> rusqlite::Result<()> {
        let sql = "SELECT rowid FROM entries WHERE id = ?1";
        let number: Option<i64> =
            self.connection.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
        let Some(number) = number else { return Ok(()) };
        self.connection.prepare_cached("DELETE FROM entries WHERE rowid = ?1")?.execute([number])?;
        self.connection.prepare_cached("DELETE FROM insides WHERE rowid = ?1")?.execute([number])?;
        self.connection.prepare_cached("DELETE FROM uses WHERE rowid = ?1")?.execute([number])?;
        Ok(())
    }

    /// Reads the small files of all entries, only to find out whether that can be done.
    pub(super) fn read_insides(&self) -> rusqlite::Result<()> {
        let mut rows = self.connection.prepare_cached("SELECT body FROM insides")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            row.get_ref(0)?.as_blob()?;
        }
        Ok(())
    }

    /// Tells all entries: number, last use in seconds since 1970, bytes without those of small files.
    pub(super) fn each_entry(&self, tell: &mut dyn FnMut(i64, i64, &[u8])) -> rusqlite::Result<()> {
        let sql = "SELECT entries.id, coalesce(used, 0), body FROM entries LEFT JOIN uses ON uses.rowid = entries.rowid \
             ORDER BY entries.rowid";
        let mut rows = self.connection.prepare_cached(sql)?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            tell(row.get(0)?, row.get(1)?, row.get_ref(2)?.as_blob().unwrap_or_default());
        }
        Ok(())
    }

    /// Returns the list of entries that a playbook has taken the last time, and when it was written.
    pub(super) fn list(&self, whose: i64) -> rusqlite::Result<Option<(i64, Vec<u8>)>> {
        let mut one = self.connection.prepare_cached("SELECT at, body FROM lists WHERE id = ?1")?;
        one.query_row([whose], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    /// Writes such a list down, at that time in seconds since 1970.
    pub(super) fn put_list(&self, whose: i64, body: &[u8], now: i64) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO lists (id, at, body) VALUES (?1, ?2, ?3)")?
            .execute(params![whose, now, body])
            .map(|_| ())
    }

    /// Forgets the lists that are older.
    pub(super) fn forget_lists(&self, before: i64) -> rusqlite::Result<()> {
        self.connection.execute("DELETE FROM lists WHERE at < ?1", [before]).map(|_| ())
    }

    /// Returns the numbers of all names.
    pub(super) fn names(&self) -> rusqlite::Result<Vec<i64>> {
        self.connection.prepare_cached("SELECT id FROM names")?.query_map([], |row| row.get(0))?.collect()
    }

    /// Forgets names.
    pub(super) fn forget_names(&self, ids: &[i64]) -> rusqlite::Result<()> {
        let mut delete = self.connection.prepare_cached("DELETE FROM names WHERE id = ?1")?;
        ids.iter().try_for_each(|id| delete.execute([id]).map(|_| ()))
    }

    /// Forgets all files if more than so many are remembered.
    pub(super) fn forget_memo(&self, most: i64) -> rusqlite::Result<()> {
        let count: i64 = self.connection.query_row("SELECT count(*) FROM memo", [], |row| row.get(0))?;
        if count > most {
            self.connection.execute("DELETE FROM memo", [])?;
        }
        Ok(())
    }

    /// Takes note that the store is pruned now, in seconds since 1970.
    pub(super) fn pruned(&self, now: i64) -> rusqlite::Result<()> {
        self.connection
            .execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('pruned', ?1)", [now])
            .map(|_| ())
    }

    /// Returns when the store was last pruned, in seconds since 1970.
    pub(super) fn last_pruned(&self) -> rusqlite::Result<i64> {
        let sql = "SELECT value FROM meta WHERE name = 'pruned'";
        Ok(self.connection.query_row(sql, [], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// Takes note that the outputs of an entry are being restored, and how they were before.
    pub(super) fn restoring(&self, id: i64, note: &[u8]) -> rusqlite::Result<()> {
        self.connection.execute_batch(RESTORES)?;
        let sql = "INSERT OR REPLACE INTO restores (id, note) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute(params![id, note]).map(|_| ())
    }

    /// Forgets that note.
    pub(super) fn restored(&self, id: i64) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM restores WHERE id = ?1")?.execute([id]).map(|_| ())
    }

    /// Returns the notes of entries whose restoring was not finished.
    pub(super) fn unfinished(&self) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name = 'restores'";
        let is_there: bool = self.connection.query_row(sql, [], |row| row.get(0))?;
        if !is_there {
            return Ok(Vec::new());
        }
        let mut rows = self.connection.prepare_cached("SELECT id, note FROM restores")?;
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Returns what is remembered of files. Rows that are not whole are left out.
    pub(super) fn memo(&self) -> rusqlite::Result<Vec<(Stamp, Hash)>> {
        let mut rows = self.connection.prepare_cached("SELECT state FROM memo LIMIT ?1")?;
        let mut rows = rows.query([MOST_ROWS])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.extend(row.get_ref(0)?.as_blob().ok().and_then(read_row));
        }
        Ok(found)
    }

    /// Remembers files.
    pub(super) fn put_memo(&self, rows: &[(Stamp, Hash)]) -> rusqlite::Result<()> {
        let mut insert =
            self.connection.prepare_cached("INSERT OR REPLACE INTO memo (id, state) VALUES (?1, ?2)")?;
        for (stamp, hash) in rows {
            // A row stands for a file, whatever state it is in. Two files on different disks may share one.
            let id = (stamp.inode ^ stamp.device.rotate_left(40)).cast_signed();
            insert.execute(params![id, write_row(stamp, hash)])?;
        }
        Ok(())
    }

    /// Forgets all results and all that is known of files, and gives back their room.
    pub(super) fn clear(&self) -> rusqlite::Result<()> {
        self.together(|db| {
            let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'meta'";
            let tables: Vec<String> =
                db.connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            db.connection.execute("DELETE FROM meta WHERE name LIKE 'written %'", [])?;
            tables
                .iter()
                .try_for_each(|table| db.connection.execute(&format!("DELETE FROM {table}"), []).map(|_| ()))
        })?;
        // Where somebody is using it, its room is used again.
        let _outcome = self.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
        Ok(())
    }

    /// Does something in one transaction.
    pub(super) fn together<T>(&self, work: impl FnOnce(&Self) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let done = work(self).and_then(|done| {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(done)
        });
        if done.is_err() {
            // Where SQLite has rolled back by itself, there is nothing left to do.
            let _outcome = self.connection.execute_batch("ROLLBACK");
        }
        done
    }

    /// Copies the log into the database if it has grown, unless somebody else is using it.
    pub(super) fn tidy(&self, folder: &Path) {
        let pages = fs::metadata(path_in(folder).with_extension("db-wal")).map_or(0, |it| it.len() / 4096);
        if pages > u64::from(MOST_PAGES) && self.connection.busy_timeout(Duration::ZERO).is_ok() {
            // Only an optimisation: what cannot be done now is done at the end of the next job.
            let _outcome = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }
}

/// Where the database is.
pub(super) fn path_in(folder: &Path) -> PathBuf {
    folder.join("cache.db")
}

/// Removes the database. Whoever has it open goes on with what nobody else will see.
///
/// # Errors
/// What the system says.
pub(super) fn remove_files(folder: &Path) -> std::io::Result<()> {
    for ending in ["db", "db-wal", "db-shm"] {
        match fs::remove_file(path_in(folder).with_extension(ending)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Where a damaged database is put.
pub(super) fn aside_in(folder: &Path) -> PathBuf {
    path_in(folder).with_extension("db.damaged")
}

/// Puts a damaged database aside, so that people can see that there was one.
///
/// # Errors
/// What the system says.
pub(super) fn set_aside(folder: &Path) -> std::io::Result<()> {
    match fs::rename(path_in(folder), aside_in(folder)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    remove_files(folder)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Otherwise a statement is made anew for each number that it is given, in the hope of a better plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Pages of the log that are written anew are taken from the system anew, and given back at the end of a job: so it is begun
    // from the start again before it is long.
    connection.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 512; \
         PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn create(connection: &Connection) -> Result<(), Unusable> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = create_in_transaction(connection).and_then(|()| Ok(connection.execute_batch("COMMIT")?));
    if made.is_err() {
        // Where SQLite has rolled back by itself, that fails, and says nothing of what was wrong.
        let _outcome = connection.execute_batch("ROLLBACK");
    }
    made
}

fn create_in_transaction(connection: &Connection) -> Result<(), Unusable> {
    // Another process may have done it meanwhile.
    let found = version(connection)?;
    if matches!(found, VERSION | BEFORE) {
        return Ok(());
    }
    if found != 0 {
        return Err(Unusable::Damaged);
    }
    connection.execute_batch(TABLES)?;
    let mut secret = Vec::with_capacity(32);
    while secret.len() < 32 {
        let mut piece = [0; 32];
        let count =
            rustix::rand::getrandom(&mut piece[..32 - secret.len()], rustix::rand::GetRandomFlags::empty())
                .map_err(|error| Unusable::Failed(error.to_string()))?;
        secret.extend(&piece[..count]);
    }
    connection.execute("INSERT INTO meta (name, value) VALUES ('secret', ?1)", [secret])?;
    connection.execute("INSERT INTO meta (name, value) VALUES ('pruned', unixepoch())", [])?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

/// Bytes of a row of the memo: five numbers, a digest, and a digest of those.
const ROW: usize = 40 + 32 + 8;

fn write_row(stamp: &Stamp, hash: &Hash) -> Vec<u8> {
    let mut row = Vec::with_capacity(ROW);
    for number in [stamp.device, stamp.inode, stamp.size] {
        row.extend(number.to_le_bytes());
    }
    for time in [stamp.modified, stamp.changed] {
        row.extend(time.to_le_bytes());
    }
    row.extend(hash.as_bytes());
    let digest = blake3::hash(&row);
    row.extend(&digest.as_bytes()[..8]);
    row
}

fn read_row(row: &[u8]) -> Option<(Stamp, Hash)> {
    let (body, digest) = row.split_last_chunk::<8>()?;
    if row.len() != ROW || blake3::hash(body).as_bytes()[..8] != *digest {
        return None;
    }
    let number = |at: usize| body[at * 8..at * 8 + 8].try_into().map(u64::from_le_bytes).ok();
    let stamp = Stamp {
        device: number(0)?,
        inode: number(1)?,
        size: number(2)?,
        modified: number(3)?.cast_signed(),
        changed: number(4)?.cast_signed(),
    };
    Some((stamp, Hash::from_bytes(body[40..72].try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp { device: 1, inode: 2, size: 3, modified: -4, changed: 5 }
    }

    #[test]
    fn files_are_remembered_and_a_damaged_row_is_not_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(folder.path()).expect("it is made");
        let hash = blake3::hash(b"x");
        db.put_memo(&[(stamp(), hash)]).expect("it is written");
        assert_eq!(db.memo().expect("it is read"), [(stamp(), hash)]);
        for at in 0..ROW {
            let mut row = write_row(&stamp(), &hash);
            row[at] ^= 1;
            assert_eq!(read_row(&row), None, "byte {at}");
        }
    }

    #[test]
    fn what_is_no_database_is_damaged_and_a_newer_one_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(
            path_in(folder.path()),
            "this is no database, and long enough to be looked at as one".repeat(20),
        )
        .expect("a file");
        assert!(matches!(Db::open(folder.path()), Err(Unusable::Damaged)));
        remove_files(folder.path()).expect("it goes");
        let db = Db::open(folder.path()).expect("it is made");
        db.connection.pragma_update(None, "user_version", 9).expect("it is written");
        assert!(matches!(Db::open(folder.path()), Err(Unusable::Newer(9))));
        assert!(matches!(Db::look(folder.path()), Err(Unusable::Newer(9))));
    }

    /// A database as the version before has made it.
    fn of_before(folder: &Path) {
        let old = Connection::open(path_in(folder)).expect("it is made");
        old.execute_batch(
            "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
             CREATE TABLE entries (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
             CREATE TABLE insides (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
             CREATE TABLE uses (id INTEGER PRIMARY KEY, used INTEGER NOT NULL);
             CREATE TABLE names (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
             CREATE TABLE lists (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, body BLOB NOT NULL);
             CREATE TABLE memo (id INTEGER PRIMARY KEY, state BLOB NOT NULL);
             INSERT INTO meta VALUES ('secret', zeroblob(32)), ('pruned', 7);
             INSERT INTO entries VALUES (-5, x'01'), (9, x'02');
             INSERT INTO insides VALUES (9, x'03'), (-5, x'04');
             INSERT INTO uses VALUES (9, 90), (-5, 50);
             INSERT INTO names VALUES (77, x'05');
             PRAGMA user_version = 2;",
        )
        .expect("it is written");
    }

    fn told(db: &Db) -> Vec<(i64, i64, Vec<u8>)> {
        let mut told = Vec::new();
        db.each_entry(&mut |id, used, body| told.push((id, used, body.to_vec()))).expect("all is read");
        told
    }

    fn inside(db: &Db, id: i64) -> Option<Vec<u8>> {
        db.whole(id).expect("it is read").and_then(|it| it.inside)
    }

    #[test]
    fn a_database_of_the_version_before_is_used_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        of_before(folder.path());
        let looked = Db::look(folder.path()).expect("it opens").expect("it is there");
        assert_eq!(told(&looked), [(-5, 50, vec![1]), (9, 90, vec![2])]);
        let db = Db::open(folder.path()).expect("it opens");
        assert_eq!((inside(&db, 9), inside(&db, -5)), (Some(vec![3]), Some(vec![4])));
        assert_eq!(db.of_name(77).expect("it is read"), Some(vec![5]));
        assert_eq!((db.secret, db.last_pruned().expect("it is read")), ([0; 32], 7));
        db.put_entry(9, b"b", b"c", 20_000).expect("it is kept");
        db.put_entry(4, b"d", b"e", 20_000).expect("it is kept");
        db.put_name(77, b"f").expect("it is kept");
        db.used(&[4, -5], 30_000).expect("it is noted");
        db.remove(-5).expect("it goes");
        assert_eq!(told(&db), [(4, 30_000, b"d".to_vec()), (9, 20_000, b"b".to_vec())]);
        assert_eq!((inside(&db, 9), inside(&db, 4)), (Some(b"c".to_vec()), Some(b"e".to_vec())));
        assert_eq!(db.of_name(77).expect("it is read"), Some(b"f".to_vec()));
        // And by the statements of that version.
        let old = |sql: &str, id: i64| -> Vec<u8> {
            db.connection.query_row(sql, [id], |row| row.get(0)).expect("it is there")
        };
        let sql = "SELECT insides.body FROM entries LEFT JOIN insides USING (id) WHERE id = ?1";
        assert_eq!((old(sql, 4), old(sql, 9)), (b"e".to_vec(), b"c".to_vec()));
        assert_eq!(version(&db.connection).expect("it is read"), BEFORE);
    }

    #[test]
    fn what_takes_the_place_of_an_entry_has_its_own_files_and_use() {
        for is_before in [false, true] {
            let folder = tempfile::tempdir().expect("a folder");
            if is_before {
                of_before(folder.path());
            }
            let db = Db::open(folder.path()).expect("it is made");
            db.together(|db| [-5, 9].into_iter().try_for_each(|id| db.remove(id))).expect("they go");
            for (id, body) in [(8, b"a"), (3, b"b"), (8, b"c")] {
                db.put_entry(id, b"x", body, 20_000).expect("it is kept");
            }
            assert_eq!((inside(&db, 8), inside(&db, 3)), (Some(b"c".to_vec()), Some(b"b".to_vec())));
            db.used(&[3], 30_000).expect("it is noted");
            db.remove(8).expect("it goes");
            db.remove(8).expect("nothing is there");
            db.put_entry(4, b"y", b"d", 20_001).expect("it is kept, where the other was");
            assert_eq!(told(&db), [(3, 30_000, b"x".to_vec()), (4, 20_001, b"y".to_vec())]);
            assert_eq!((inside(&db, 8), inside(&db, 4)), (None, Some(b"d".to_vec())));
            let count = |table: &str| -> i64 {
                let sql = format!("SELECT count(*) FROM {table}");
                db.connection.query_row(&sql, [], |row| row.get(0)).expect("a number")
            };
            assert_eq!((count("insides"), count("uses")), (2, 2));
        }
    }

    #[test]
    fn many_that_make_it_at_once_all_get_it() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().expect("a folder");
            let secrets: Vec<[u8; 32]> = std::thread::scope(|scope| {
                let open = || Db::open(folder.path()).expect("it is made by one of them").secret;
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
                threads.into_iter().map(|it| it.join().expect("no panic")).collect()
            });
            assert!(secrets.iter().all(|it| *it == secrets[0]), "{secrets:?}");
        }
    }

    #[test]
    fn a_failed_transaction_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(folder.path()).expect("it is made");
        let failed = db.together(|it| {
            it.put_entry(1, b"x", b"y", 0)?;
            Err::<(), _>(rusqlite::Error::QueryReturnedNoRows)
        });
        assert!(failed.is_err());
        assert_eq!(db.entry(1).expect("it is read"), None);
        assert_eq!(db.whole(1).expect("it is read"), None);
    }
}
