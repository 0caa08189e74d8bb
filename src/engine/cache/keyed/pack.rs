//! From files to bytes of the store: a manifest that says what there is, packs of small files, and large files by themselves.

use std::collections::BTreeMap;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use blake3::Hash;
use serde::{Deserialize, Serialize};

use super::super::entry::{Bytes, Digest};
use super::super::memo::{Memo, Reading};
use super::super::point;
use super::super::shelf::Shelf;
use super::Place;
use crate::logic::cache::keyed::{Base, FilesErrand, base_of};
use crate::logic::cache::pattern::Patterns;

/// A file up to this size lies with others in a pack.
const SMALL: u64 = 64 * 1024;

/// So large a pack is full.
const FULL: usize = 8 << 20;

/// Tries to read a file that is being written.
const TRIES: u32 = 3;

/// Levels of folders at most.
const DEEPEST: usize = 200;

/// All files of an entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) packs: Vec<(Digest, u64)>,
    /// Folders before what is in them.
    pub(super) items: Vec<Item>,
}

/// A file, folder or link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) base: Base,
    /// Below the base.
    pub(super) path: Bytes,
    pub(super) what: Kept,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Kept {
    File {
        mode: u32,
        /// When it was last changed, in seconds and nanoseconds.
        changed: (i64, u32),
        size: u64,
        hash: Digest,
        /// Which pack it is in and where it begins there; none if it is a file of its own.
        at: Option<(u32, u32)>,
    },
    Folder {
        mode: u32,
    },
    Link {
        target: Bytes,
    },
}

/// What is at a path, as far as its content goes.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) base: Base,
    pub(super) path: &'a [u8],
    /// The digest of its bytes, or where it leads; none for a folder.
    pub(super) content: Option<Result<Hash, &'a [u8]>>,
}

impl<'a> Found<'a> {
    pub(super) fn of(item: &'a Item) -> Self {
        let content = match &item.what {
            Kept::File { hash, .. } => Some(Ok(hash.0)),
            Kept::Link { target } => Some(Err(target.0.as_slice())),
            Kept::Folder { .. } => None,
        };
        Self { base: item.base, path: &item.path.0, content }
    }

    /// Returns it in short.
    pub(super) fn digest(&self) -> Hash {
        let base = [self.base as u8];
        let (kind, content): (&[u8], &[u8]) = match &self.content {
            Some(Ok(hash)) => (b"file", hash.as_bytes()),
            Some(Err(target)) => (b"link", target),
            None => (b"folder", b""),
        };
        let mut hasher = blake3::Hasher::new();
        for part in [base.as_slice(), self.path, kind, content] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize()
    }
}

impl Manifest {
    /// Returns the bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        let sizes = self.items.iter().map(|it| match it.what {
            Kept::File { size, .. } => size,
            Kept::Folder { .. } | Kept::Link { .. } => 0,
        });
        sizes.sum()
    }

    /// Returns the digests and sizes of all that has to be on the shelf.
    pub(super) fn bodies(&self) -> impl Iterator<Item = (Hash, u64)> {
        let large = self.items.iter().filter_map(|it| match &it.what {
            Kept::File { size, hash, at: None, .. } => Some((hash.0, *size)),
            _ => None,
        });
        self.packs.iter().map(|(hash, size)| (hash.0, *size)).chain(large)
    }
}

/// Reads all files that the paths name, and puts their bytes on the shelf.
pub(super) fn gather(
    shelf: &Shelf,
    memo: &Memo,
    place: &Place,
    errand: &FilesErrand,
) -> Result<Manifest, String> {
    let found = list(place, &errand.paths)?;
    let mut it = Packing { shelf, memo, manifest: Manifest::default(), pack: Vec::new() };
    for ((base, path), full) in found {
        it.add(base, path, &full)?;
    }
    it.flush()?;
    Ok(it.manifest)
}

/// Returns what paths name, by base and path: folders come before what is in them.
pub(super) fn list(place: &Place, paths: &[String]) -> Result<BTreeMap<(Base, Vec<u8>), PathBuf>, String> {
    let mut by_base: BTreeMap<Base, Vec<String>> = BTreeMap::new();
    for path in paths {
        let (base, rest) = base_of(path).map_err(|why| format!("the path `{path}` cannot be kept: {why}"))?;
        by_base.entry(base).or_default().push(rest);
    }
    let mut found = BTreeMap::new();
    for (base, texts) in by_base {
        let patterns = Patterns::read(&texts)?;
        let root = place.of(base)?;
        for source in patterns.sources() {
            let at = root.join(&source.base);
            // A link that a person has named is followed.
            let Ok(meta) = fs::metadata(&at) else {
                if fs::symlink_metadata(&at).is_ok() && patterns.name(&source.base) {
                    found.insert((base, source.base.clone().into_bytes()), at);
                }
                continue;
            };
            let mut walk = Walk { base, place, patterns: &patterns, found: &mut found };
            // As a folder, also where it is a link to one.
            walk.tell(source.base.as_bytes(), &if meta.is_dir() { at.join(".") } else { at.clone() });
            if meta.is_dir() {
                walk.folder(source.base.as_bytes(), &at, source.depth.unwrap_or(DEEPEST))?;
            }
        }
    }
    Ok(found)
}

struct Walk<'a> {
    base: Base,
    place: &'a Place,
    patterns: &'a Patterns,
    found: &'a mut BTreeMap<(Base, Vec<u8>), PathBuf>,
}

impl Walk<'_> {
    fn tell(&mut self, path: &[u8], full: &Path) {
        if !path.is_empty() && self.patterns.name(&String::from_utf8_lossy(path)) {
            self.found.insert((self.base, path.to_vec()), full.to_path_buf());
        }
    }

    fn folder(&mut self, path: &[u8], full: &Path, depth: usize) -> Result<(), String> {
        if depth == 0
            || full == self.place.state
            || full.canonicalize().is_ok_and(|it| it == self.place.state)
        {
            return Ok(());
        }
        let unreadable = |error: &io::Error| format!("`{}` cannot be read: {error}", full.display());
        for entry in fs::read_dir(full).map_err(|error| unreadable(&error))? {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let kind = entry.file_type().map_err(|error| unreadable(&error))?;
            let mut below = path.to_vec();
            if !below.is_empty() {
                below.push(b'/');
            }
            below.extend(entry.file_name().as_bytes());
            if self.base == Base::Project && below == b".git" {
                continue;
            }
            let full = entry.path();
            self.tell(&below, &full);
            if kind.is_dir() {
                self.folder(&below, &full, depth - 1)?;
            }
        }
        Ok(())
    }
}

struct Packing<'a> {
    shelf: &'a Shelf,
    memo: &'a Memo,
    manifest: Manifest,
    pack: Vec<u8>,
}

impl Packing<'_> {
    fn add(&mut self, base: Base, path: Vec<u8>, full: &Path) -> Result<(), String> {
        let unreadable = |error: &io::Error| format!("`{}` cannot be read: {error}", full.display());
        let meta = match fs::symlink_metadata(full) {
            Ok(meta) => meta,
            // It was removed meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(&error)),
        };
        let what = if meta.is_dir() {
            Kept::Folder { mode: meta.permissions().mode() & 0o777 }
        } else if meta.is_symlink() {
            let target = fs::read_link(full).map_err(|error| unreadable(&error))?;
            Kept::Link { target: Bytes(target.as_os_str().as_bytes().to_vec()) }
        } else if meta.is_file() {
            self.file(full, &meta)?
        } else {
            // A socket or a pipe is not kept by anybody.
            return Ok(());
        };
        self.manifest.items.push(Item { base, path: Bytes(path), what });
        Ok(())
    }

    fn file(&mut self, full: &Path, meta: &Metadata) -> Result<Kept, String> {
        let unreadable = |error: &io::Error| format!("`{}` cannot be read: {error}", full.display());
        for _ in 0..TRIES {
            let mut reading = Reading::begin(rustix::fs::CWD, full).map_err(|error| unreadable(&error))?;
            let size = reading.stat.stamp.size;
            let kept = |size: u64, hash: Hash, at: Option<(u32, u32)>| Kept::File {
                mode: reading_mode(meta),
                changed: (meta.mtime(), u32::try_from(meta.mtime_nsec()).unwrap_or(0)),
                size,
                hash: Digest(hash),
                at,
            };
            if size <= SMALL {
                if self.pack.len() + usize::try_from(size).unwrap_or(FULL) > FULL {
                    self.flush()?;
                }
                let from = self.pack.len();
                let read = (&mut reading.file).take(SMALL + 1).read_to_end(&mut self.pack);
                read.map_err(|error| unreadable(&error))?;
                let count = (self.pack.len() - from) as u64;
                if count == size && reading.is_unchanged().map_err(|error| unreadable(&error))? {
                    let pack = u32::try_from(self.manifest.packs.len()).unwrap_or(u32::MAX);
                    let at = (pack, u32::try_from(from).unwrap_or(u32::MAX));
                    return Ok(kept(size, blake3::hash(&self.pack[from..]), Some(at)));
                }
                self.pack.truncate(from);
                continue;
            }
            if let Some((hash, size)) =
                self.shelf.keep(&mut reading, self.memo).map_err(|error| not_kept(&error))?
            {
                return Ok(kept(size, hash, None));
            }
        }
        Err(format!("`{}` is still being written", full.display()))
    }

    fn flush(&mut self) -> Result<(), String> {
        if self.pack.is_empty() {
            return Ok(());
        }
        let (hash, size) = shelve(self.shelf, self.memo, &self.pack).map_err(|error| not_kept(&error))?;
        self.manifest.packs.push((Digest(hash), size));
        self.pack.clear();
        Ok(())
    }
}

fn reading_mode(meta: &Metadata) -> u32 {
    meta.permissions().mode() & 0o777
}

/// Says why bytes could not be put on the shelf.
pub(super) fn not_kept(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "there is no room for it on the disk".to_owned(),
        _ => format!("the store cannot be written: {error}"),
    }
}

/// Puts bytes on the shelf, whole or not at all.
pub(super) fn shelve(shelf: &Shelf, memo: &Memo, bytes: &[u8]) -> io::Result<(Hash, u64)> {
    let (hash, size) = (blake3::hash(bytes), bytes.len() as u64);
    if shelf.is_whole(&hash, size, memo) {
        return Ok((hash, size));
    }
    let path = shelf.new_path();
    let put = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        point();
        file.write_all(bytes)?;
        point();
        let end = shelf.path_of(&hash);
        if let Some(folder) = end.parent().filter(|it| !it.is_dir()) {
            fs::create_dir_all(folder)?;
        }
        fs::rename(&path, &end)?;
        memo.is_young(end);
        Ok(())
    };
    let done = put();
    if done.is_err() {
        // What stays is removed with the next pruning.
        let _removed = fs::remove_file(&path);
    }
    point();
    done.map(|()| (hash, size))
}
