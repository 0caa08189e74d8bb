//! Texts of playbooks: each once, however many jobs ran it.
//!
//! A text is numbered by its digest, so that a number never comes to mean another text, not even where one was lost. What is
//! there under it is compared, and put right where it is damaged, whenever the text comes again.

use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::Store;
use crate::engine::EngineError;

/// Why a text is not there.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("the text of the job's playbook is lost")
    }
}

impl std::error::Error for Lost {}

/// Returns the text of a job's playbook from a row that has it, by a left join, in that column.
pub(super) fn text_in(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let lost = || rusqlite::Error::FromSqlConversionFailure(column, Type::Null, Box::new(Lost));
    row.get_ref(column)?.as_str_or_null().ok().flatten().map(str::to_owned).ok_or_else(lost)
}

/// Returns the number of a text, which is kept if it is not there as it should be.
pub(super) fn keep(connection: &Connection, text: &str) -> rusqlite::Result<i64> {
    keep_value(connection, ValueRef::Text(text.as_bytes()))
}

fn keep_value(connection: &Connection, text: ValueRef<'_>) -> rusqlite::Result<i64> {
    // What is no text was none in the row of a job.
    let digest = blake3::hash(text.as_bytes().unwrap_or_default());
    let text = ToSqlOutput::Borrowed(text);
    let mut id = id_of(&digest);
    loop {
        let known = "SELECT digest = ?2, text IS ?3 FROM sources WHERE id = ?1";
        let known: Option<(bool, bool)> = connection
            .prepare_cached(known)?
            .query_row(params![id, digest.as_bytes(), text], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match known {
            Some((true, true)) => return Ok(id),
            // Two texts would have to agree in the first quarter of their digests.
            Some((false, _)) => id = id.wrapping_add(1),
            Some((true, false)) | None => {
                let put = "INSERT OR REPLACE INTO sources (id, digest, text) VALUES (?1, ?2, ?3)";
                connection.execute(put, params![id, digest.as_bytes(), text])?;
                return Ok(id);
            }
        }
    }
}

fn id_of(digest: &blake3::Hash) -> i64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    i64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Takes the texts out of the rows of jobs, where earlier versions had them.
pub(super) fn lift(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let numbers: Vec<u64> =
        tx.prepare("SELECT number FROM jobs")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut read = tx.prepare("SELECT source FROM jobs WHERE number = ?1")?;
    let mut set = tx.prepare("UPDATE jobs SET source_id = ?2 WHERE number = ?1")?;
    for number in numbers {
        let id = read.query_row([number], |row| keep_value(tx, row.get_ref(0)?))?;
        set.execute(params![number, id])?;
    }
    tx.execute_batch("ALTER TABLE jobs DROP COLUMN source")
}

/// The way out where a text is not what it was.
pub(super) const MENDED: &str =
    "the next run of that playbook, as it was then, puts it right; until then do not retry the job";

/// Returns the numbers of jobs whose text is there, and is not what it was.
pub(super) fn jobs_of_damaged(connection: &Connection) -> rusqlite::Result<Vec<u64>> {
    let mut query = connection.prepare("SELECT id, digest, text FROM sources")?;
    let mut rows = query.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (digest, text) = (row.get_ref(1)?, row.get_ref(2)?);
        let is_same = |text: &[u8]| digest.as_bytes() == Ok(blake3::hash(text).as_bytes().as_slice());
        if !text.as_bytes().is_ok_and(is_same) {
            found.push(row.get(0)?);
        }
    }
    let mut jobs = Vec::new();
    for id in found {
        let id: i64 = id;
        let mut query = connection.prepare_cached("SELECT number FROM jobs WHERE source_id = ?1")?;
        let numbers: rusqlite::Result<Vec<u64>> = query.query_map([id], |row| row.get(0))?.collect();
        jobs.extend(numbers?);
    }
    jobs.sort_unstable();
    Ok(jobs)
}

impl Store {
    /// Removes texts that no job is left of.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(super) fn forget_sources(&self) -> Result<(), EngineError> {
        let unused = "DELETE FROM sources WHERE id NOT IN (SELECT source_id FROM jobs)";
        self.connection.execute(unused, [])?;
        Ok(())
    }
}
