//! Files that stages wrote beside their outputs in earlier jobs. Where all files of a project count, these do, too, for whoever
//! was at work then: one that finds its files made, and so writes nothing, is not the same once they are others.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::db::Db;
use super::entry::Bytes;
use super::files::Trouble;
use crate::logic::cache::{Inputs, Recipe, UNDECLARED};
use crate::logic::text::plural;

/// Paths below the root.
pub(super) type Beside = BTreeSet<Vec<u8>>;

/// Says in a few words which they are, for the key: that one is not there counts as well. Nothing where there is none.
pub(super) fn words(beside: &Beside) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    for path in beside {
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path);
    }
    let digest = hasher.finalize().to_hex();
    (!beside.is_empty()).then(|| format!("{}, {}", plural(beside.len(), "file"), &digest[..16]))
}

/// So many are remembered of a name; of one that wrote more, nothing is taken again.
const MOST: usize = 20_000;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Row {
    paths: Vec<Bytes>,
    /// There were more.
    is_cut: bool,
}

fn id(name: &str) -> String {
    format!("written {}", blake3::hash(name.as_bytes()).to_hex())
}

fn row(db: &Db, name: &str) -> Result<Option<Row>, Trouble> {
    let bytes = db.note(&id(name)).map_err(|error| super::look::damaged_store(&error))?;
    Ok(bytes.and_then(|bytes| rmp_serde::from_slice(&bytes).ok()))
}

/// Returns what was written while somebody of that name was at work, if all files of the project count for it.
///
/// # Errors
/// If that was too much.
pub(super) fn beside(db: &Db, recipe: &Recipe) -> Result<Beside, Trouble> {
    if !matches!(recipe.inputs, Inputs::Project(_)) {
        return Ok(Beside::new());
    }
    let row = row(db, &recipe.name)?.unwrap_or_default();
    if row.is_cut {
        let message = format!(
            "more than {MOST} files that are no outputs were written in the project in an earlier job while it ran; declare what it \
             makes as `outputs` of a `cache` of its own"
        );
        return Err(Trouble::new(UNDECLARED, message));
    }
    Ok(row.paths.into_iter().map(|path| path.0).collect())
}

/// Takes note of what was written while somebody of that name was at work.
///
/// # Errors
/// What the database says.
pub(super) fn note(db: &Db, name: &str, written: impl Iterator<Item = Vec<u8>>) -> rusqlite::Result<()> {
    let old = row(db, name).ok().flatten().unwrap_or_default();
    let known: Beside = old.paths.into_iter().map(|path| path.0).collect();
    let mut all = known.clone();
    all.extend(written);
    if all == known {
        return Ok(());
    }
    let is_cut = old.is_cut || all.len() > MOST;
    let row = Row { paths: all.into_iter().take(MOST).map(Bytes).collect(), is_cut };
    db.put_note(&id(name), &rmp_serde::to_vec(&row).expect("bytes can always be written"))
}
