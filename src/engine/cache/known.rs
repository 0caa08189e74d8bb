//! Which files earlier results have had, so that what was made is told from what somebody wrote.
//!
//! Looked up only where a file is not as it is expected. All entries are read once then, and remembered by short digests.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use blake3::Hasher;

use super::db::Db;
use super::entry::{Entry, Output, What};

/// What all results together have had.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Option<HashSet<[u8; 16]>>>);

impl Known {
    /// Says whether a result of that name, or any result at all, has had just that at its path.
    pub(super) fn has(&self, db: &Db, name: Option<&str>, output: &Output) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_with(|| read_all(db)).contains(&digest(name, output))
    }

    /// Takes note of a result that was kept just now.
    pub(super) fn add(&self, name: &str, outputs: &[Output]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &mut *known {
            outputs.iter().for_each(|output| insert(known, name, output));
        }
    }
}

fn read_all(db: &Db) -> HashSet<[u8; 16]> {
    let mut all = HashSet::new();
    // What cannot be read is unknown, which is the careful answer.
    let _read = db.each_entry(&mut |_, _, bytes| {
        if let Ok(entry) = Entry::read(bytes) {
            entry.head.files.iter().for_each(|output| insert(&mut all, &entry.head.name, output));
        }
    });
    all
}

fn insert(all: &mut HashSet<[u8; 16]>, name: &str, output: &Output) {
    all.insert(digest(Some(name), output));
    all.insert(digest(None, output));
}

fn digest(name: Option<&str>, output: &Output) -> [u8; 16] {
    let mut hasher = Hasher::new();
    let (kind, content): (&[u8], &[u8]) = match &output.what {
        What::File { body, .. } => (b"file", body.hash.0.as_bytes()),
        What::Folder => (b"folder", b""),
        What::Link { target } => (b"link", &target.0),
    };
    for part in [name.map_or(b"".as_slice(), str::as_bytes), &output.path.0, kind, content] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().as_bytes()[..16].try_into().unwrap_or_default()
}
