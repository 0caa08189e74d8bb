//! Writing a cell's log into a file of the user's, slice by slice.
//!
//! Not here: which file that is (faces).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::cell_log::CellLog;
use super::lines::{CHUNK, Line, Lines};
use crate::logic::job::report::AttemptKey;
use crate::logic::text::clean::clean_onto;

/// Lines that are read at once.
const LINES: usize = 512;

/// A log on its way into a file: what was known of it when this began.
#[derive(Debug)]
pub struct Saving {
    file: File,
    cleaned: bool,
    parts: Vec<Part>,
    /// The part that is written, and how far: bytes, or lines if they are cleaned.
    part: usize,
    at: u64,
    bytes: u64,
    /// The last thing written was not a break.
    in_line: bool,
    /// Reused by every call.
    buffer: Vec<u8>,
    lines: Vec<Line>,
    text: String,
}

#[derive(Debug)]
struct Part {
    key: AttemptKey,
    bytes: u64,
    lines: u64,
}

impl Saving {
    /// Makes the file. `cleaned` writes text without escape sequences; otherwise it gets the exact bytes, with a
    /// break between two tries if there is none.
    ///
    /// # Errors
    /// If there is such a file already, or it cannot be made.
    pub fn new(log: &CellLog, path: &Path, cleaned: bool) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let part = |it: &super::cell_log::Try| Part {
            key: it.key,
            bytes: it.lines.bytes(),
            lines: it.lines.count(),
        };
        let parts = log.tries.iter().map(part).collect();
        Ok(Self {
            file,
            cleaned,
            parts,
            part: 0,
            at: 0,
            bytes: 0,
            in_line: false,
            buffer: Vec::new(),
            lines: Vec::new(),
            text: String::new(),
        })
    }

    /// Bytes that were written.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes about `budget` further bytes; says whether that was all. Tries that the log no longer has are left out.
    ///
    /// # Errors
    /// If the file cannot be written, or a log cannot be read.
    pub fn advance(&mut self, log: &mut CellLog, budget: usize) -> io::Result<bool> {
        let enough = self.bytes.saturating_add(budget as u64);
        while let Some(part) = self.parts.get(self.part) {
            if self.bytes >= enough {
                return Ok(false);
            }
            let (key, bytes, count) = (part.key, part.bytes, part.lines);
            let held = log.tries.iter_mut().find(|it| it.key == key);
            let has_more = match held {
                None => false,
                Some(it) if self.cleaned => self.write_lines(&mut it.lines, count)?,
                Some(it) => self.write_bytes(&mut it.lines, bytes)?,
            };
            if !has_more {
                if self.cleaned && self.in_line {
                    self.put(b"\n")?;
                }
                (self.part, self.at) = (self.part + 1, 0);
            }
        }
        Ok(true)
    }

    fn write_bytes(&mut self, lines: &mut Lines, end: u64) -> io::Result<bool> {
        let want = usize::try_from(end - self.at).unwrap_or(usize::MAX).min(CHUNK);
        let mut buffer = std::mem::take(&mut self.buffer);
        let bytes = lines.block(self.at, want, &mut buffer)?;
        if bytes.is_empty() && want > 0 {
            return Err(shortened(lines));
        }
        if self.at == 0 && self.in_line && !bytes.is_empty() {
            self.put(b"\n")?;
        }
        self.put(bytes)?;
        self.at += bytes.len() as u64;
        self.buffer = buffer;
        Ok(self.at < end)
    }

    fn write_lines(&mut self, lines: &mut Lines, end: u64) -> io::Result<bool> {
        let most = usize::try_from(end - self.at).unwrap_or(usize::MAX).min(LINES);
        let mut read = std::mem::take(&mut self.lines);
        lines.read(self.at, most, &mut read);
        if read.is_empty() && most > 0 {
            return Err(shortened(lines));
        }
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        for (index, line) in read.iter().enumerate() {
            if !line.continued && (index > 0 || self.in_line) {
                text.push('\n');
            }
            clean_onto(&line.bytes, &mut text);
        }
        self.put(text.as_bytes())?;
        self.in_line |= !read.is_empty();
        self.at += read.len() as u64;
        (self.lines, self.text) = (read, text);
        Ok(self.at < end)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        if let Some(&last) = bytes.last() {
            self.in_line = last != b'\n';
        }
        Ok(())
    }
}

fn shortened(lines: &Lines) -> io::Error {
    io::Error::other(format!("`{}` has become shorter while it was saved", lines.path().display()))
}
