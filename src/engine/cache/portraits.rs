//! What results were made of, part by part, for whoever asks why something ran.
//!
//! The newest result of a name is what a miss is compared with. When another one takes its place, what the older one was made
//! of is kept under its key, for as long as the result itself.

use super::db::Db;
use super::entry::Digest;
use super::keep::NameRow;
use super::look::{first_bytes, name_id};
use super::upkeep::{look, unusable};
use crate::engine::{EngineError, Project};
use crate::logic::cache::key::Portrait;

/// Where in the table of names the portrait of a key is that is not the newest of its name any more.
pub(super) fn id_of(key: &Digest) -> i64 {
    first_bytes(&blake3::keyed_hash(b"portrait of a result, by its key", key.0.as_bytes()))
}

/// Writes down what the newest result of a name was made of; what was known by that name stays under its key.
pub(super) fn put(db: &Db, name: i64, row: &[u8]) -> rusqlite::Result<()> {
    if let Some(old) = db.of_name(name)?
        && let Ok(known) = rmp_serde::from_slice::<NameRow>(&old)
    {
        db.put_name(id_of(&known.key), &old)?;
    }
    db.put_name(name, row)
}

/// Returns what a result was made of, by its name and its key in hex; none if nobody knows any more.
///
/// # Errors
/// If the store cannot be read.
pub fn made_of_key(project: &Project, name: &str, key: &str) -> Result<Option<Portrait>, EngineError> {
    let (Some(db), Ok(hash)) = (look(project)?, blake3::Hash::from_hex(key)) else { return Ok(None) };
    let key = Digest(hash);
    for id in [name_id(name), id_of(&key)] {
        let bytes = db.of_name(id).map_err(|error| unusable(&error.into()))?;
        let row = bytes.and_then(|bytes| rmp_serde::from_slice::<NameRow>(&bytes).ok());
        if let Some(row) = row.filter(|row| row.key == key) {
            return Ok(Some(Portrait(row.portrait)));
        }
    }
    Ok(None)
}
