//! The index file beside a log, read where it is needed: a log of two streams may have a mark for every line, too
//! many to hold.
//!
//! Not here: the format (`logic/log_index`).

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::lines::{open, read_at};
use crate::logic::log_index::{HEADER, MARK_BYTES, Mark, at};

#[cfg(test)]
#[path = "marks_tests.rs"]
mod tests;

/// Marks that are held at once.
const WINDOW: usize = 256;

/// The marks of one log, whose index need not be there yet.
#[derive(Debug)]
pub(super) struct Marks {
    path: PathBuf,
    file: Option<File>,
    /// Device and inode of the file that the window is of.
    identity: Option<(u64, u64)>,
    /// Marks in the file, when it was looked at last.
    known: u64,
    /// Some marks in a row, and which the first of them is.
    window: Vec<Mark>,
    first: u64,
}

impl Marks {
    /// The marks of the log that lies there.
    pub(super) fn new(log: &Path) -> Self {
        let mut path = log.as_os_str().to_owned();
        path.push(".idx");
        let path = PathBuf::from(path);
        Self { path, file: None, identity: None, known: 0, window: Vec::new(), first: 0 }
    }

    /// Finds out what the file holds by now.
    pub(super) fn refresh(&mut self) {
        if self.look().is_err() {
            // A lost index loses no byte of the log.
            self.forget();
        }
    }

    /// Closes the file until it is needed again.
    pub(super) fn rest(&mut self) {
        self.file = None;
    }

    /// The mark that holds at a byte of the log, of those that the last refresh found.
    pub(super) fn at(&mut self, offset: u64) -> Option<Mark> {
        if !self.holds(offset) {
            self.load(offset);
        }
        at(&self.window, offset).copied()
    }

    fn look(&mut self) -> io::Result<()> {
        let metadata = match &self.file {
            Some(file) => file.metadata()?,
            None => {
                let file = open(&self.path)?;
                let metadata = file.metadata()?;
                let mut header = [0; HEADER.len()];
                if !metadata.is_file() || read_at(&file, &mut header, 0)? < header.len() || header != *HEADER
                {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                self.file = Some(file);
                metadata
            }
        };
        let known = metadata.size().saturating_sub(HEADER.len() as u64) / MARK_BYTES as u64;
        let identity = Some((metadata.dev(), metadata.ino()));
        if self.identity != identity || known < self.known {
            self.window.clear();
        }
        (self.identity, self.known) = (identity, known);
        Ok(())
    }

    fn forget(&mut self) {
        (self.file, self.identity, self.known) = (None, None, 0);
        self.window.clear();
    }

    /// Whether the window decides which mark it is.
    fn holds(&self, offset: u64) -> bool {
        let (Some(first), Some(last)) = (self.window.first(), self.window.last()) else { return false };
        let ends_with_file = self.first + self.window.len() as u64 >= self.known;
        first.offset <= offset && (offset < last.offset || ends_with_file)
    }

    /// Finds the mark by halving, and holds those from it on.
    fn load(&mut self, offset: u64) {
        self.window.clear();
        let (mut low, mut high) = (0, self.known);
        while low < high {
            let middle = low + (high - low) / 2;
            // What makes no sense ends the index.
            if self.mark(middle).is_some_and(|mark| mark.offset <= offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let (Some(first), Some(file)) = (low.checked_sub(1), &self.file) else { return };
        let mut bytes = vec![0; WINDOW * MARK_BYTES];
        let filled = read_at(file, &mut bytes, Self::place(first)).unwrap_or(0);
        let marks = bytes[..filled].chunks_exact(MARK_BYTES).map_while(Mark::decode);
        for mark in marks.take(usize::try_from(self.known - first).unwrap_or(WINDOW)) {
            if self.window.last().is_some_and(|last| last.offset > mark.offset) {
                break;
            }
            self.window.push(mark);
        }
        self.first = first;
    }

    fn mark(&self, index: u64) -> Option<Mark> {
        let mut bytes = [0; MARK_BYTES];
        self.file.as_ref()?.read_exact_at(&mut bytes, Self::place(index)).ok()?;
        Mark::decode(&bytes)
    }

    fn place(index: u64) -> u64 {
        HEADER.len() as u64 + index * MARK_BYTES as u64
    }
}
