//! Gathers the files of an artifact: all of them as they are at one moment each, or nothing.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use blake3::Hash;
use rustix::fs::FileType;
use sha2::{Digest as _, Sha256};

use super::super::entry::{Body, Bytes, Digest, Output, What};
use super::super::files::{Item, Look, Root, shown, split};
use super::super::memo::{Memo, Reading};
use super::super::point;
use super::super::shelf::Shelf;
use super::manifest::{Manifest, Piece, stays_below};
use crate::logic::artifact::Offer;
use crate::logic::cache::pattern::Patterns;
use crate::logic::text::{listed_names, plural};

/// A file up to this size is kept inside of the list.
const INLINE: u64 = 16 * 1024;

/// So many bytes of files are kept inside of a list at most.
const ALL_INLINE: usize = 4 << 20;

/// Tries to read a file that is being written, and the time between two of them.
const TRIES: u32 = 10;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(5);

/// What is needed to gather.
pub(super) struct Gatherer<'a> {
    pub(super) root: &'a Root,
    pub(super) shelf: &'a Shelf,
    pub(super) memo: &'a Memo,
}

/// What was found.
pub(super) enum Gathered {
    Whole(Manifest),
    /// No file, in words.
    Nothing(String),
}

impl Gatherer<'_> {
    /// Gathers what an offer names.
    ///
    /// # Errors
    /// What cannot be part of an artifact, and why.
    pub(super) fn gather(&self, offer: &Offer) -> Result<Gathered, String> {
        let patterns = Patterns::read(&offer.patterns)?;
        let mut look = Look::new(self.root, self.memo);
        let all = look.list(&patterns).map_err(|trouble| trouble.message)?;
        let is_taken = |item: &Item| offer.with_hidden || !is_hidden(&item.path);
        let (items, hidden): (Vec<Item>, Vec<Item>) = all.into_iter().partition(is_taken);
        let is_leaf = |item: &&Item| !item.stat.is_folder();
        if !items.iter().any(|item| is_leaf(&item)) {
            let hidden = hidden.iter().filter(is_leaf).count();
            let named = listed_names(patterns.texts(), "and");
            return Ok(Gathered::Nothing(match hidden {
                0 => format!("no file is there that {named} names"),
                some => format!(
                    "{named} names {} only, and `hidden: true` is not there",
                    plural(some, "hidden file")
                ),
            }));
        }
        let folder = common_folder(&items, &patterns);
        let mut manifest = Manifest::default();
        for item in &items {
            let front = if folder.is_empty() { 0 } else { folder.len() + 1 };
            // The folder itself is the root.
            let Some(path) = item.path.get(front..).filter(|path| !path.is_empty()) else { continue };
            if !look.is_inside(&item.path) {
                return Err(format!("`{}` is reached by a link that leaves the project", shown(&item.path)));
            }
            let (what, sha256) = match item.stat.kind() {
                FileType::Directory => (What::Folder, None),
                FileType::Symlink => (What::Link { target: Bytes(self.link(item, path)?) }, None),
                FileType::RegularFile => {
                    let (mode, body, sha256) = self.file(item, &mut manifest.inside)?;
                    (What::File { mode, body }, Some(Bytes(sha256)))
                }
                _ => return Err(format!("`{}` is neither a file, a folder nor a link", shown(&item.path))),
            };
            manifest.pieces.push(Piece { output: Output { path: Bytes(path.to_vec()), what }, sha256 });
        }
        manifest.pieces.sort_by(|a, b| a.output.path.0.cmp(&b.output.path.0));
        Ok(Gathered::Whole(manifest))
    }

    fn link(&self, item: &Item, path: &[u8]) -> Result<Vec<u8>, String> {
        let target = rustix::fs::readlinkat(self.root.fd(), item.path.as_slice(), Vec::new())
            .map_err(|error| unreadable(&item.path, &error.into()))?
            .into_bytes();
        if stays_below(path, &target) {
            return Ok(target);
        }
        Err(format!(
            "`{}` is a link to `{}`, which leads out of the artifact, or goes down and up again; take what it leads to as well, or leave the link out: `!{}`",
            shown(&item.path),
            shown(&target),
            shown(&item.path)
        ))
    }

    /// Reads a file as it is at one moment: not while it changes, and not so soon after a change that one more would not show.
    fn file(&self, item: &Item, inside: &mut Vec<u8>) -> Result<(u32, Body, Vec<u8>), String> {
        for attempt in 0..TRIES {
            if attempt > 0 {
                std::thread::sleep(PAUSE);
            }
            let mut reading = Reading::begin(self.root.fd(), item.path.as_slice())
                .map_err(|error| unreadable(&item.path, &error))?;
            if !reading.is_settled() {
                continue;
            }
            let mode = reading.stat.mode & 0o777;
            let read = self.body(&mut reading, inside).map_err(|error| unreadable(&item.path, &error))?;
            if let Some((body, sha256)) = read {
                return Ok((mode, body, sha256));
            }
        }
        Err(format!(
            "`{}` is being written all the time; end what writes it before the stage ends",
            shown(&item.path)
        ))
    }

    /// Takes the bytes of an open file; none if it changed meanwhile.
    fn body(&self, reading: &mut Reading, inside: &mut Vec<u8>) -> io::Result<Option<(Body, Vec<u8>)>> {
        let size = reading.stat.stamp.size;
        if size > INLINE || inside.len() + usize::try_from(size).unwrap_or(ALL_INLINE) > ALL_INLINE {
            let Some((hash, size)) = self.shelf.keep(reading, self.memo)? else { return Ok(None) };
            let sha256 = sha256_of(File::open(self.shelf.path_of(&hash))?)?;
            return Ok(Some((Body { size, hash: Digest(hash), at: None }, sha256)));
        }
        let from = inside.len();
        (&mut reading.file).take(INLINE + 1).read_to_end(inside)?;
        if (inside.len() - from) as u64 != size || !reading.is_unchanged()? {
            inside.truncate(from);
            return Ok(None);
        }
        let bytes = &inside[from..];
        let body = Body { size, hash: Digest(blake3::hash(bytes)), at: u32::try_from(from).ok() };
        Ok(Some((body, Sha256::digest(bytes).to_vec())))
    }
}

fn sha256_of(mut file: File) -> io::Result<Vec<u8>> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_vec()),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_hidden(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|part| part.starts_with(b"."))
}

/// Returns the longest folder that all of it is in. A folder that a pattern names letter by letter is in itself.
fn common_folder(items: &[Item], patterns: &Patterns) -> Vec<u8> {
    let named: BTreeSet<String> =
        patterns.sources().filter(|source| source.is_literal).map(|source| source.base).collect();
    let mut common: Option<Vec<&[u8]>> = None;
    for item in items {
        let is_own =
            item.stat.is_folder() && std::str::from_utf8(&item.path).is_ok_and(|it| named.contains(it));
        let folder = if is_own { item.path.as_slice() } else { split(&item.path).0 };
        let parts: Vec<&[u8]> = folder.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
        common = Some(match common {
            None => parts,
            Some(known) => {
                let same = known.iter().zip(&parts).take_while(|(a, b)| a == b).count();
                known[..same].to_vec()
            }
        });
    }
    common.unwrap_or_default().join(&b'/')
}

/// Has the files of an artifact, and the folders that they are in, outlast a power cut.
///
/// # Errors
/// What the system says.
pub(super) fn sync(shelf: &Shelf, manifest: &Manifest) -> io::Result<()> {
    let paths: BTreeSet<PathBuf> = manifest.bodies().map(|(_, body)| shelf.path_of(&body.hash.0)).collect();
    let folders: BTreeSet<PathBuf> =
        paths.iter().filter_map(|path| path.parent().map(PathBuf::from)).collect();
    for path in paths.iter().chain(&folders) {
        File::open(path)?.sync_all()?;
    }
    if !folders.is_empty() {
        File::open(shelf.folder.join("blobs"))?.sync_all()?;
    }
    point();
    Ok(())
}

/// Writes a list into the store, so that it outlasts a power cut.
///
/// # Errors
/// What the system says.
pub(super) fn put(shelf: &Shelf, manifest: &Manifest) -> io::Result<Hash> {
    let bytes = manifest.bytes();
    let hash = blake3::hash(&bytes);
    let end = shelf.path_of(&hash);
    let path = shelf.new_path();
    let written = fs::write(&path, &bytes).and_then(|()| {
        File::open(&path)?.sync_all()?;
        point();
        if let Some(folder) = end.parent() {
            fs::create_dir_all(folder)?;
            fs::rename(&path, &end)?;
            File::open(folder)?.sync_all()?;
            File::open(shelf.folder.join("blobs"))?.sync_all()?;
        }
        Ok(())
    });
    if written.is_err() {
        // What stays is removed with the next pruning.
        let _removed = fs::remove_file(&path);
    }
    point();
    written.map(|()| hash)
}

fn unreadable(path: &[u8], error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::StorageFull {
        return format!("there is no room to keep `{}`", shown(path));
    }
    format!("`{}` cannot be kept: {error}", shown(path))
}
