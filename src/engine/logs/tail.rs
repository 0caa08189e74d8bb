//! Reading the log of one attempt while it grows, in whole lines.
//!
//! Not here: where logs are (`mod.rs`), what is printed in front of a line (`faces/cli`).
#![expect(clippy::disallowed_methods, reason = "logs are read here")]

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A line longer than this is given in pieces.
const LONGEST: usize = 64 * 1024;
const CHUNK: usize = 256 * 1024;

/// One log that is being followed.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    offset: u64,
    partial: Vec<u8>,
    /// Kept for the next read.
    chunk: Vec<u8>,
}

impl Tail {
    /// Begins at the first byte of a file, which need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, offset: 0, partial: Vec::new(), chunk: Vec::new() }
    }

    /// Begins so many lines before the end that the file has now; a line that has not ended yet comes on top.
    #[must_use]
    pub fn near_end(path: PathBuf, lines: usize) -> Self {
        let offset = before_end(&path, lines).unwrap_or(0);
        Self { offset, ..Self::new(path) }
    }

    /// Gives every whole line up to that size of the file. What cannot be read is tried again the next time.
    pub fn read_to(&mut self, size: u64, line: &mut dyn FnMut(&[u8])) {
        while self.read_some(size, line) {}
    }

    /// Gives whole lines of a piece of the file up to that size. Returns whether there may be more.
    pub fn read_some(&mut self, size: u64, line: &mut dyn FnMut(&[u8])) -> bool {
        let Some(missing) = size.checked_sub(self.offset).filter(|&missing| missing > 0) else {
            return false;
        };
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return false };
        if file.seek(SeekFrom::Start(self.offset)).is_err() {
            return false;
        }
        self.chunk.resize(CHUNK.min(usize::try_from(missing).unwrap_or(CHUNK)), 0);
        let Ok(read) = file.read(&mut self.chunk) else { return false };
        self.offset += read as u64;
        split(&mut self.partial, &self.chunk[..read], line);
        read > 0 && self.offset < size
    }

    /// Gives what stands after the last line break.
    pub fn finish(&mut self, line: &mut dyn FnMut(&[u8])) {
        if !self.partial.is_empty() {
            line(&self.partial);
            self.partial.clear();
        }
        self.file = None;
        self.chunk = Vec::new();
    }
}

/// Returns where the last lines of a file begin. Of lines that are very long there may be fewer.
fn before_end(path: &Path, lines: usize) -> std::io::Result<u64> {
    const WINDOW: u64 = 256 * 1024;
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let start = size.saturating_sub(WINDOW);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(size - start).read_to_end(&mut bytes)?;
    // Behind each of these a line begins; the last of them is the one that has not ended.
    let breaks: Vec<usize> = memchr::memchr_iter(b'\n', &bytes).collect();
    Ok(match breaks.len().checked_sub(lines + 1) {
        Some(at) => start + breaks[at] as u64 + 1,
        None if start == 0 => 0,
        None => start + breaks.first().map_or(bytes.len(), |at| at + 1) as u64,
    })
}

fn split(partial: &mut Vec<u8>, mut bytes: &[u8], line: &mut dyn FnMut(&[u8])) {
    while let Some(at) = memchr::memchr(b'\n', bytes) {
        if partial.is_empty() {
            line(&bytes[..at]);
        } else {
            partial.extend_from_slice(&bytes[..at]);
            line(partial);
            partial.clear();
        }
        bytes = &bytes[at + 1..];
    }
    partial.extend_from_slice(bytes);
    if partial.len() > LONGEST {
        line(partial);
        partial.clear();
    }
}

/// Returns the last lines of a file, and whether there are more before them.
#[must_use]
pub fn last_lines(path: &Path, most: usize) -> (Vec<Vec<u8>>, bool) {
    const WINDOW: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    let read = || -> std::io::Result<(Vec<u8>, bool)> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let start = size.saturating_sub(WINDOW);
        file.seek(SeekFrom::Start(start))?;
        file.take(WINDOW).read_to_end(&mut bytes)?;
        Ok((bytes, start > 0))
    };
    let Ok((bytes, is_cut)) = read() else { return (Vec::new(), false) };
    let whole = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if whole.is_empty() {
        return (Vec::new(), false);
    }
    let lines: Vec<&[u8]> = whole.split(|&b| b == b'\n').collect();
    let first = lines.len().saturating_sub(most);
    (lines[first..].iter().map(|line| line.to_vec()).collect(), is_cut || first > 0)
}

/// Gives the exact bytes of a file, piece by piece, until the callback returns false.
///
/// # Errors
/// If the file cannot be read.
pub fn copy(path: &Path, piece: &mut dyn FnMut(&[u8]) -> bool) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 || !piece(&chunk[..read]) {
            return Ok(());
        }
    }
}
