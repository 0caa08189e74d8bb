//! Files that are kept between jobs by a key that a person writes.
//!
//! An entry stands in the database beside those of results, and its bytes in the same folder, so that listing, looking after,
//! pruning and clearing cover both. What it names is a *manifest* (`pack.rs`): paths, modes, links and times, and where the bytes
//! are; small files lie together in packs. Putting back is in `extract.rs`.
//! Entries never change by themselves: who comes second with the same key keeps nothing, unless somebody wants everything made
//! anew (`--refresh`): then another one takes its place. What is being saved is seen by nobody before its
//! row is written, in one transaction and after all its bytes.
//! Not here: which entry will do (`logic/cache/keyed.rs`), the steps that ask (`logic/job/files.rs`).

mod extract;
mod opened;
mod pack;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use opened::Opened;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::entry;
use super::keep::some_of;
use super::look::seconds;
use super::point;
use super::restore::{ASIDE, aside_words};
use crate::logic::cache::keyed::{FilesErrand, choose};
use crate::logic::text::plural;

/// What putting back came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesRestored {
    /// The key that was taken; none if nothing would do.
    pub key: Option<String>,
    pub made_by: u64,
    /// All that belongs to it, and how much of that was written.
    pub files: usize,
    pub written: usize,
    pub bytes: u64,
    /// What was wrong with others, and what was in the way, in words.
    pub notes: Vec<String>,
}

/// What saving came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesSaved {
    Stored {
        files: usize,
        bytes: u64,
        /// The number of the job whose files these have taken the place of.
        instead_of: Option<u64>,
    },
    /// Another job was first, with its number.
    AlreadyThere { made_by: u64 },
    /// The paths name nothing that is there.
    Nothing,
}

/// What an entry is, besides its bytes; in the place of a record of steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) keyed: String,
    pub(super) files: u32,
    pub(super) bytes: u64,
}

/// Reads what an entry is; none if it is a result.
pub(super) fn about(record: &str) -> Option<About> {
    record.starts_with("{\"keyed\"").then(|| serde_json::from_str(record).ok()).flatten()
}

/// Puts files back, of the first entry that will do and is whole.
///
/// # Errors
/// In words, if the store cannot be used, or files cannot be written. What was written by then stays, each file whole.
pub fn restore(errand: &FilesErrand, restore_keys: &[String]) -> Result<FilesRestored, String> {
    let it = Opened::open(errand)?;
    let _gate = it.shelf.gate(false).map_err(|error| format!("the store cannot be locked: {error}"))?;
    let all = it.candidates()?;
    let mut notes = Vec::new();
    for candidate in choose(&all, (&errand.key, restore_keys), &it.scopes, errand.trust) {
        let (entry, manifest) = match it.read(candidate) {
            Ok(Some(read)) => read,
            Ok(None) => continue,
            Err(why) => {
                notes.push(format!("what is kept as `{}` is damaged and was removed: {why}", candidate.key));
                // If it stays, the next one finds it damaged once more.
                let _outcome = it.db.together(|db| db.remove(candidate.id));
                continue;
            }
        };
        let known = OnceCell::new();
        let is_kept = |found: &pack::Found| known.get_or_init(|| it.all_kept(&all)).contains(&found.digest());
        let aside = Path::new(&errand.dir).join(ASIDE);
        let putting = extract::Aside { folder: &aside, is_kept: &is_kept };
        let (put, done) =
            extract::put_back(&it.shelf, &Place::new(errand)?, &errand.paths, &manifest, putting);
        if !put.aside.is_empty() {
            let count = plural(put.aside.len(), "file");
            let (moved, names) = (aside_words(&aside, Path::new(&errand.root)), some_of(&put.aside));
            notes.push(format!("{count} in the way that nobody has kept, {moved}: {names}"));
        }
        // Nobody hears the notes of what has failed.
        done.map_err(|why| std::iter::once(why).chain(notes.iter().cloned()).collect::<Vec<_>>().join("; "))?;
        let about = about(&entry.head.record);
        // What is not noted is only used once more before it goes.
        let _noted = it.db.together(|db| db.used(&[candidate.id], seconds()));
        it.note_memo();
        return Ok(FilesRestored {
            key: Some(candidate.key.clone()),
            made_by: entry.head.made_by,
            files: manifest.items.len(),
            written: put.written,
            bytes: about.map_or(0, |it| it.bytes),
            notes,
        });
    }
    Ok(FilesRestored { key: None, made_by: 0, files: 0, written: 0, bytes: 0, notes })
}

/// Keeps files, unless their key is taken and they are not to take the place of what is there.
///
/// # Errors
/// In words, if they cannot be read, or the store cannot be written. Nothing is kept then.
pub fn save(errand: &FilesErrand, replaces: bool) -> Result<FilesSaved, String> {
    let it = Opened::open(errand)?;
    // Nobody removes what no entry names yet.
    let _gate = it.shelf.gate(false).map_err(|error| format!("the store cannot be locked: {error}"))?;
    let before = it.already_there()?;
    if let (Some(made_by), false) = (before, replaces) {
        return Ok(FilesSaved::AlreadyThere { made_by });
    }
    let place = Place::new(errand)?;
    let manifest = pack::gather(&it.shelf, &it.memo, &place, errand)?;
    if manifest.items.is_empty() {
        return Ok(FilesSaved::Nothing);
    }
    let (files, bytes) = (manifest.items.len(), manifest.bytes());
    let head = it.head(&manifest)?;
    let body = entry::write(&head, &[]);
    point();
    let written = it.db.together(|db| {
        if let (Some(made_by), false) = (it.made_by(db)?, replaces) {
            return Ok(Some(made_by));
        }
        db.connection.execute("DELETE FROM keyed WHERE id NOT IN (SELECT id FROM entries)", [])?;
        db.put_entry(it.id(), &body, &[], seconds())?;
        point();
        db.connection.execute(
            "INSERT OR REPLACE INTO keyed (id, version, scope, trust, key, made) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                it.id(),
                it.version.as_bytes().as_slice(),
                it.scopes[0],
                errand.trust as i64,
                errand.key,
                head.made
            ],
        )?;
        Ok(None)
    });
    point();
    it.note_memo();
    match written {
        Ok(None) => Ok(FilesSaved::Stored { files, bytes, instead_of: before }),
        Ok(Some(made_by)) => Ok(FilesSaved::AlreadyThere { made_by }),
        Err(error) => Err(format!("the store cannot be written: {error}")),
    }
}

/// Where paths begin.
struct Place {
    project: PathBuf,
    home: Option<PathBuf>,
    /// Our own files, which are nobody's to keep.
    state: PathBuf,
}

impl Place {
    fn new(errand: &FilesErrand) -> Result<Self, String> {
        let real = |path: &str| {
            Path::new(path).canonicalize().map_err(|error| format!("`{path}` cannot be opened: {error}"))
        };
        let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let state = Path::new(&errand.state).canonicalize().unwrap_or_else(|_| PathBuf::from(&errand.state));
        Ok(Self { project: real(&errand.folder)?, home, state })
    }

    /// Returns the folder of a base.
    fn of(&self, base: crate::logic::cache::keyed::Base) -> Result<&Path, String> {
        use crate::logic::cache::keyed::Base;
        match base {
            Base::Project => Ok(&self.project),
            Base::Home => self.home.as_deref().ok_or_else(|| "`~` is nowhere: HOME is not set".to_owned()),
            Base::System => Ok(Path::new("/")),
        }
    }
}
