//! The store, open for one errand: which entries there are, what is in them, and whether they are whole.

use std::collections::HashSet;
use std::path::Path;

use blake3::Hash;
use rusqlite::{OptionalExtension, params};

use super::super::branch::branches;
use super::super::db::{self, Db, Unusable};
use super::super::entry::{Body, Bytes, Digest, Entry, Head, Output, What};
use super::super::look::first_bytes;
use super::super::memo::Memo;
use super::super::shelf::Shelf;
use super::{About, pack};
use crate::engine::clock;
use crate::logic::cache::keyed::{Candidate, FilesErrand, base_of};
use crate::logic::cache::{Share, Trust};

/// Version of the manifests, and of what a key stands for.
const FORMAT: &str = "sortie files 1";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS keyed (id INTEGER PRIMARY KEY, version BLOB NOT NULL, \
                     scope TEXT NOT NULL, trust INTEGER NOT NULL, key TEXT NOT NULL, made INTEGER NOT NULL)";

/// The store, open for one errand.
pub(super) struct Opened<'a> {
    errand: &'a FilesErrand,
    pub(super) shelf: Shelf,
    pub(super) db: Db,
    pub(super) memo: Memo,
    pub(super) version: Hash,
    /// The own branch, and the default one.
    pub(super) scopes: Vec<String>,
}

impl<'a> Opened<'a> {
    pub(super) fn open(errand: &'a FilesErrand) -> Result<Self, String> {
        let state = Path::new(&errand.state);
        let cannot =
            |error: &dyn std::fmt::Display| format!("the store of kept files cannot be used: {error}");
        let shelf = Shelf::open(state).map_err(|error| cannot(&error))?;
        let db = open_db(&shelf).map_err(|error| cannot(&error))?;
        db.connection.execute_batch(TABLE).map_err(|error| cannot(&error))?;
        let memo = Memo::default();
        // What cannot be read is read from the files themselves.
        memo.load(db.memo().unwrap_or_default());
        let found = branches(Path::new(&errand.root));
        let own = found.own.unwrap_or_default();
        let other = found.default.filter(|it| *it != own);
        let scopes = std::iter::once(own).chain(other).collect();
        Ok(Self { errand, shelf, db, memo, version: version(&errand.paths)?, scopes })
    }

    /// Where the entry of the key is that is saved here.
    pub(super) fn id(&self) -> i64 {
        first_bytes(&self.digest())
    }

    fn digest(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        let trust = [self.errand.trust as u8];
        let parts: [&[u8]; 5] = [
            FORMAT.as_bytes(),
            self.version.as_bytes(),
            &trust,
            self.scopes[0].as_bytes(),
            self.errand.key.as_bytes(),
        ];
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize()
    }

    pub(super) fn candidates(&self) -> Result<Vec<Candidate>, String> {
        let sql = "SELECT id, key, scope, trust, made FROM keyed JOIN entries USING (id) WHERE version = ?1";
        let read = || -> rusqlite::Result<Vec<Candidate>> {
            let mut rows = self.db.connection.prepare_cached(sql)?;
            let rows = rows.query_map([self.version.as_bytes().as_slice()], |row| {
                let trust = match row.get::<_, i64>(3)? {
                    it if it == Trust::Own as i64 => Trust::Own,
                    it if it == Trust::Shared as i64 => Trust::Shared,
                    _ => Trust::Untrusted,
                };
                let (id, key, scope, made) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(4)?);
                Ok(Candidate { id, key, scope, trust, made })
            })?;
            rows.collect()
        };
        read().map_err(|error| format!("the store of kept files cannot be read: {error}"))
    }

    /// Reads an entry and its manifest, and looks whether all its bytes are there; none if it went meanwhile.
    pub(super) fn read(&self, candidate: &Candidate) -> Result<Option<(Entry, pack::Manifest)>, String> {
        let Some((entry, manifest)) = self.manifest(candidate)? else { return Ok(None) };
        for body in entry.bodies() {
            if !self.shelf.is_whole(&body.hash.0, body.size, &self.memo) {
                return Err("a part of it is missing, or not as it was kept".to_owned());
            }
        }
        Ok(Some((entry, manifest)))
    }

    fn manifest(&self, candidate: &Candidate) -> Result<Option<(Entry, pack::Manifest)>, String> {
        let bytes = self.db.entry(candidate.id).map_err(|error| error.to_string())?;
        let Some(bytes) = bytes else { return Ok(None) };
        let entry = Entry::read(&bytes).map_err(|_| "its entry is not as it was written".to_owned())?;
        let first = entry.bodies().next().ok_or("it has no manifest")?;
        let manifest = std::fs::read(self.shelf.path_of(&first.hash.0)).map_err(|error| error.to_string())?;
        let manifest = rmp_serde::from_slice(&manifest).map_err(|_| "another version of sortie kept it")?;
        Ok(Some((entry, manifest)))
    }

    /// Returns all that those have, as [`pack::Found::digest`] has it. What cannot be read is unknown, which is the careful answer.
    pub(super) fn all_kept(&self, all: &[Candidate]) -> HashSet<Hash> {
        let manifest = |candidate| self.manifest(candidate).ok().flatten().map(|(_, manifest)| manifest);
        all.iter()
            .filter_map(manifest)
            .flat_map(|it| it.items)
            .map(|item| pack::Found::of(&item).digest())
            .collect()
    }

    pub(super) fn already_there(&self) -> Result<Option<u64>, String> {
        self.made_by(&self.db).map_err(|error| format!("the store of kept files cannot be read: {error}"))
    }

    /// Returns which job has saved that key on this branch.
    pub(super) fn made_by(&self, db: &Db) -> rusqlite::Result<Option<u64>> {
        let id = self.id();
        let sql = "SELECT 1 FROM keyed WHERE id = ?1 AND key = ?2";
        let known = db.connection.query_row(sql, params![id, self.errand.key], |_| Ok(())).optional()?;
        if known.is_none() {
            return Ok(None);
        }
        Ok(db.entry(id)?.and_then(|bytes| Entry::read(&bytes).ok()).map(|entry| entry.head.made_by))
    }

    /// Puts the manifest on the shelf, and returns the entry that names it and all that it needs.
    pub(super) fn head(&self, manifest: &pack::Manifest) -> Result<Head, String> {
        let bytes = rmp_serde::to_vec(manifest).expect("text and numbers can always be written");
        let own = pack::shelve(&self.shelf, &self.memo, &bytes).map_err(|error| pack::not_kept(&error))?;
        let mut files = vec![output(b"manifest", own)];
        files.extend(manifest.bodies().map(|body| output(b"bytes", body)));
        let (count, bytes) = (manifest.items.len(), manifest.bytes());
        let about =
            About { keyed: self.errand.key.clone(), files: u32::try_from(count).unwrap_or(u32::MAX), bytes };
        Ok(Head {
            key: Digest(self.digest()),
            name: format!("cache-files: {}", self.errand.key),
            patterns: self.errand.paths.clone(),
            files,
            logs: Vec::new(),
            record: serde_json::to_string(&about).map_err(|error| error.to_string())?,
            bytes,
            made_by: self.errand.job,
            made: clock::now().0,
            trust: self.errand.trust,
            share: Share::Branch,
            branch: Some(self.scopes[0].clone()).filter(|it| !it.is_empty()),
            artifacts: Vec::new(),
        })
    }

    /// Writes down what was found out about files, for the next one.
    pub(super) fn note_memo(&self) {
        self.memo.read_young(usize::MAX);
        let fresh = self.memo.take_fresh();
        // What is not written down is found out again.
        let _outcome = self.db.together(|db| db.put_memo(&fresh));
    }
}

fn output(path: &[u8], (hash, size): (Hash, u64)) -> Output {
    let body = Body { size, hash: Digest(hash), at: None };
    Output { path: Bytes(path.to_vec()), what: What::File { mode: 0o600, body } }
}

/// What a key stands for: other paths are other files.
fn version(paths: &[String]) -> Result<Hash, String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(FORMAT.as_bytes());
    for path in paths {
        let (base, rest) = base_of(path).map_err(|why| format!("the path `{path}` cannot be kept: {why}"))?;
        hasher.update(&[base as u8]);
        hasher.update(&(rest.len() as u64).to_le_bytes());
        hasher.update(rest.as_bytes());
    }
    Ok(hasher.finalize())
}

/// Opens the database; one that is damaged is put aside, as a job does that looks for results.
fn open_db(shelf: &Shelf) -> Result<Db, String> {
    let words = |error: Unusable| match error {
        Unusable::Damaged => {
            "its database is damaged; `sortie cache verify --repair` makes a new one".to_owned()
        }
        Unusable::Newer(version) => format!("a newer sortie has made it (format {version})"),
        Unusable::Failed(why) => why,
    };
    match Db::open(&shelf.folder) {
        Err(Unusable::Damaged) => {
            let _alone = shelf.gate(true).map_err(|error| error.to_string())?;
            match Db::open(&shelf.folder) {
                Err(Unusable::Damaged) => {
                    db::set_aside(&shelf.folder).map_err(|error| error.to_string())?;
                    Db::open(&shelf.folder).map_err(words)
                }
                other => other.map_err(words),
            }
        }
        other => other.map_err(words),
    }
}
