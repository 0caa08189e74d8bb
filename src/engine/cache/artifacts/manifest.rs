//! The list of files of an artifact, as bytes of the store. Small files are in it, large ones are named by their digests.
//!
//! It is known by the digest of its bytes, so whoever reads it knows whether it is as it was written. What it names is
//! checked all the same: no path and no link of it leads out of the folder that it is put into.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use blake3::Hash;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::entry::{Body, Bytes, Output, What};
use super::super::files::{shown, split};
use super::super::shelf::Shelf;

/// Version of these bytes.
const FORMAT: [u8; 4] = *b"SA01";

/// A file of an artifact, or a link, or a folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Piece {
    /// Its path begins at the root of the artifact.
    pub(super) output: Output,
    /// SHA-256 of a file.
    pub(super) sha256: Option<Bytes>,
}

/// What is in an artifact.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Manifest {
    /// Sorted by path.
    pub(super) pieces: Vec<Piece>,
    /// Bytes of the small files.
    pub(super) inside: Vec<u8>,
}

/// Why a list cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Missing,
    /// In words.
    Damaged(String),
}

impl Manifest {
    /// Puts it together.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let head = rmp_serde::to_vec(&self.pieces).expect("text and numbers can always be written");
        let mut bytes = Vec::with_capacity(head.len() + self.inside.len() + 8);
        bytes.extend(FORMAT);
        bytes.extend(u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(head);
        bytes.extend(&self.inside);
        bytes
    }

    /// Takes bytes apart.
    ///
    /// # Errors
    /// If they are no list, or name what no artifact may hold, in words.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let none = || "it is no list of files".to_owned();
        let (format, rest) = bytes.split_first_chunk::<4>().ok_or_else(none)?;
        if *format != FORMAT {
            return Err("another version of sortie has written it".to_owned());
        }
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(none)?;
        let (head, inside) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(none)?;
        let pieces: Vec<Piece> = rmp_serde::from_slice(head).map_err(|_| none())?;
        let it = Self { pieces, inside: inside.to_vec() };
        it.check()?;
        Ok(it)
    }

    /// Reads the one with that digest.
    ///
    /// # Errors
    /// If it is not there, or not as it was written.
    pub(super) fn load(shelf: &Shelf, hash: &Hash) -> Result<Self, Unreadable> {
        let bytes = match fs::read(shelf.path_of(hash)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unreadable::Missing),
            Err(error) => return Err(Unreadable::Damaged(error.to_string())),
        };
        if blake3::hash(&bytes) != *hash {
            return Err(Unreadable::Damaged("the list of its files is not as it was written".to_owned()));
        }
        Self::read(&bytes).map_err(Unreadable::Damaged)
    }

    /// Refuses what no artifact may hold.
    fn check(&self) -> Result<(), String> {
        let mut leaves: BTreeSet<&[u8]> = BTreeSet::new();
        let mut last: Option<&[u8]> = None;
        for Piece { output: Output { path, what }, .. } in &self.pieces {
            let path = path.0.as_slice();
            if !is_plain(path) || last.is_some_and(|last| last >= path) {
                return Err(format!("it names `{}`, which is no path below its folder", shown(path)));
            }
            last = Some(path);
            let mut above = split(path).0;
            while !above.is_empty() {
                if leaves.contains(above) {
                    return Err(format!("it names `{}` below a file or link", shown(path)));
                }
                above = split(above).0;
            }
            match what {
                What::Folder => continue,
                What::Link { target } if !stays_below(path, &target.0) => {
                    return Err(format!("its link `{}` leads out of its folder", shown(path)));
                }
                What::Link { .. } => {}
                What::File { body, .. } if body.at.is_some() && self.inside(body).is_none() => {
                    return Err(format!("bytes of `{}` are missing", shown(path)));
                }
                What::File { .. } => {}
            }
            leaves.insert(path);
        }
        Ok(())
    }

    /// Returns bytes that are inside of it.
    pub(super) fn inside(&self, body: &Body) -> Option<&[u8]> {
        let from = body.at? as usize;
        self.inside.get(from..from.checked_add(usize::try_from(body.size).ok()?)?)
    }

    /// Returns the files that are files of the store.
    pub(super) fn bodies(&self) -> impl Iterator<Item = (&[u8], &Body)> {
        self.pieces.iter().filter_map(|piece| match &piece.output.what {
            What::File { body, .. } if body.at.is_none() => Some((piece.output.path.0.as_slice(), body)),
            _ => None,
        })
    }

    /// Returns how many files and links there are, and how many bytes the files have.
    pub(super) fn size(&self) -> (u32, u64) {
        let mut size = (0, 0);
        for piece in &self.pieces {
            match &piece.output.what {
                What::Folder => {}
                What::Link { .. } => size.0 += 1,
                What::File { body, .. } => size = (size.0 + 1, size.1 + body.size),
            }
        }
        size
    }

    /// Returns the SHA-256, in hex, of a text that other tools can make: a line for each file, link and folder, with what
    /// it is (`file`, `program`, `link`, `folder`), its SHA-256 or target, and its path, with a NUL between and behind.
    pub(super) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for Piece { output, sha256 } in &self.pieces {
            let (word, content) = match (&output.what, sha256) {
                (What::Folder, _) => ("folder", String::new()),
                (What::Link { target }, _) => ("link", hex(&target.0)),
                (What::File { mode, .. }, sha256) => {
                    let word = if mode & 0o100 == 0 { "file" } else { "program" };
                    (word, sha256.as_ref().map_or_else(String::new, |it| hex(&it.0)))
                }
            };
            for part in [word.as_bytes(), content.as_bytes(), &output.path.0] {
                hasher.update(part);
                hasher.update([0]);
            }
        }
        hex(&hasher.finalize())
    }
}

/// Writes bytes as hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
        text
    })
}

/// Says whether a path is one below a folder, and not git's.
fn is_plain(path: &[u8]) -> bool {
    !path.is_empty()
        && !path.contains(&0)
        && path.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".." | b".git"))
}

/// Says whether a link stays below the folder that it is put into, whatever other links are there: it goes up only at its
/// beginning, where folders are real ones, and not further than that folder.
pub(super) fn stays_below(path: &[u8], target: &[u8]) -> bool {
    let depth = path.iter().filter(|byte| **byte == b'/').count();
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) {
        return false;
    }
    let mut parts = target.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let mut up = 0;
    let mut has_gone_down = false;
    parts.all(|part| {
        if part == b".." {
            up += 1;
            return !has_gone_down && up <= depth;
        }
        has_gone_down = true;
        true
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::Digest;
    use super::*;

    fn file(path: &str) -> Piece {
        let body = Body { size: 2, hash: Digest(blake3::hash(b"ab")), at: Some(0) };
        let what = What::File { mode: 0o644, body };
        Piece { output: Output { path: Bytes(path.into()), what }, sha256: None }
    }

    fn link(path: &str, target: &str) -> Piece {
        let what = What::Link { target: Bytes(target.into()) };
        Piece { output: Output { path: Bytes(path.into()), what }, sha256: None }
    }

    fn read(pieces: Vec<Piece>) -> Result<Manifest, String> {
        Manifest::read(&Manifest { pieces, inside: b"ab".to_vec() }.bytes())
    }

    #[test]
    fn what_was_written_is_read_again() {
        let it = read(vec![file("a"), link("b/c", "../a"), file("d")]).expect("it is one");
        assert_eq!(it.size(), (3, 4));
        assert_eq!(Manifest::read(&it.bytes()), Ok(it));
    }

    #[test]
    fn no_list_leads_out_of_its_folder() {
        for path in ["", "/a", "..", "a/../b", "./a", "a//b", "a/", ".git", "x/.git/hooks", "a\0b"] {
            assert!(read(vec![file(path)]).is_err(), "{path:?}");
        }
        for (path, target) in [
            ("a", "/etc"),
            ("a", ".."),
            ("x/a", "../.."),
            ("x/a", "b/../../.."),
            ("x/a", "b/../c"),
            ("a", ""),
        ] {
            assert!(read(vec![link(path, target)]).is_err(), "{path} -> {target}");
        }
        assert!(read(vec![link("x/a", "../b"), link("x/b", "./c/d")]).is_ok());
    }

    #[test]
    fn nothing_is_below_a_file_or_link_and_nothing_is_there_twice() {
        assert!(read(vec![file("a"), file("a/b")]).is_err());
        assert!(read(vec![link("a", "b"), file("a/x")]).is_err());
        assert!(read(vec![file("a"), file("a")]).is_err());
        assert!(read(vec![file("b"), file("a")]).is_err());
    }

    #[test]
    fn a_list_that_names_more_bytes_than_it_has_is_none() {
        let it = Manifest { pieces: vec![file("a")], inside: b"a".to_vec() };
        assert!(Manifest::read(&it.bytes()).is_err());
    }

    #[test]
    fn the_digest_is_that_of_the_content_and_of_the_executable_bit() {
        let it = |mode: u32| {
            let mut piece = file("a");
            piece.sha256 = Some(Bytes(vec![1; 32]));
            if let What::File { mode: own, .. } = &mut piece.output.what {
                *own = mode;
            }
            Manifest { pieces: vec![piece], inside: b"ab".to_vec() }.digest()
        };
        assert_eq!(it(0o644), it(0o600));
        assert_ne!(it(0o644), it(0o755));
    }
}
