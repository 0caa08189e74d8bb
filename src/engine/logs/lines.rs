//! The lines of one log by their number, while it grows, without holding the log.
//!
//! A place in the file is remembered every 64 lines; whatever is shown is read again from the place before it.
//! Every call does a bounded amount of work and none of them waits for anything.
//!
//! Not here: where a line ends (`split.rs`), searching (`search.rs`), several tries (`cell_log.rs`).

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::split::Splitter;

#[cfg(test)]
#[path = "lines_tests.rs"]
pub(super) mod tests;

/// Most bytes of a line; what is longer is cut into pieces, each a line of its own.
pub const LONGEST_LINE: usize = 16 * 1024;

/// So many lines lie between two remembered places.
const STRIDE: u64 = 64;

/// Most bytes that are read at once: they stay in the processor's cache.
pub(super) const CHUNK: usize = 64 * 1024;

/// What a bounded look at a file came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// There is more to look at.
    More,
    /// Everything up to the present end was seen; a file that does not exist has its end at its start.
    AtEnd,
    /// Why the file cannot be read, in words. Whoever asks again tries again.
    Unreadable(String),
}

/// A line, or a piece of a line that is too long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// From 0.
    pub number: u64,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Without the break.
    pub bytes: Vec<u8>,
    /// It goes on with the line before it, which was too long.
    pub continued: bool,
    /// It is the last one and has no break yet, so it may still grow.
    pub partial: bool,
}

/// The lines of one file, which need not be there yet.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    longest: u64,
    file: Option<File>,
    /// Device and inode of the file that the places are of.
    identity: Option<(u64, u64)>,
    split: Splitter,
    /// Lines whose end was seen.
    complete: u64,
    /// Where each 64th line begins.
    places: Vec<u64>,
    restarts: u64,
    is_at_end: bool,
    /// Reused by every call, given back when there is nothing to do.
    buffer: Vec<u8>,
}

impl Lines {
    /// Begins at the first byte of a file.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self::with_longest(path, LONGEST_LINE as u64)
    }

    /// With another limit for the length of a line.
    pub(super) fn with_longest(path: PathBuf, longest: u64) -> Self {
        Self {
            path,
            longest,
            file: None,
            identity: None,
            split: Splitter::new(longest, 0, false),
            complete: 0,
            places: vec![0],
            restarts: 0,
            is_at_end: false,
            buffer: Vec::new(),
        }
    }

    /// Where the file is, or will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Known lines, the last one included if it has at least one byte and no break yet.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.complete + u64::from(self.split.at() > self.split.start())
    }

    /// Bytes that were looked at, from the start of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.split.at()
    }

    /// How often everything known was forgotten, because the file had shrunk, vanished or been replaced.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Whether the latest look saw the end of the file.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    pub(super) fn longest(&self) -> usize {
        usize::try_from(self.longest).unwrap_or(LONGEST_LINE)
    }

    /// Looks at up to `budget` further bytes. Finds out what has become of the file each time, also with a budget
    /// of 0.
    pub fn advance(&mut self, budget: usize) -> Progress {
        self.is_at_end = false;
        let size = match self.look() {
            Ok(size) => size,
            Err(message) => return Progress::Unreadable(message),
        };
        let mut left = budget;
        while left > 0 && self.bytes() < size {
            let rest = usize::try_from(size - self.bytes()).unwrap_or(usize::MAX);
            match self.take(left.min(rest).min(CHUNK)) {
                // It has shrunk since, which the next look finds.
                Ok(0) => break,
                Ok(taken) => left -= taken,
                Err(error) => return Progress::Unreadable(self.unreadable(&error)),
            }
        }
        if left == 0 && self.bytes() < size {
            return Progress::More;
        }
        self.is_at_end = true;
        self.buffer = Vec::new();
        Progress::AtEnd
    }

    /// Closes the file and frees the buffer until they are needed again.
    pub fn rest(&mut self) {
        self.file = None;
        self.buffer = Vec::new();
    }

    /// Puts up to `most` lines from line `first` on into `into`, instead of what was there. They are fewer where the
    /// known lines end, or if the file has shrunk since the last look.
    pub fn read(&mut self, first: u64, most: usize, into: &mut Vec<Line>) {
        let last = self.count().min(first.saturating_add(most as u64));
        let mut buffer = std::mem::take(&mut self.buffer);
        let filled = if first < last { self.read_known(first, last, &mut buffer, into) } else { 0 };
        into.truncate(filled);
        self.buffer = buffer;
    }

    fn read_known(&mut self, first: u64, last: u64, buffer: &mut Vec<u8>, into: &mut Vec<Line>) -> usize {
        let place =
            |index: u64| usize::try_from(index).ok().and_then(|index| self.places.get(index)).copied();
        let mut number = first - first % STRIDE;
        let Some(mut at) = place(first / STRIDE) else { return 0 };
        let end = place(last.div_ceil(STRIDE)).unwrap_or(self.bytes());
        let mut filled = 0;
        let Ok(mut continued) = self.is_continued(at) else { return 0 };
        while number < last && at < end {
            let rest = usize::try_from(end - at).unwrap_or(CHUNK);
            let Ok(bytes) = self.block(at, rest.clamp(self.longest() + 1, CHUNK), buffer) else { break };
            let mut split = Splitter::new(self.longest, at, continued);
            split.feed(bytes, |piece| {
                if (first..last).contains(&number) {
                    let inside = within(bytes, piece.start - at, piece.end - at);
                    put(into, &mut filled, (number, piece.start), inside, piece.continued, false);
                }
                number += 1;
            });
            if split.start() > at {
                (at, continued) = (split.start(), split.continued());
                continue;
            }
            // No line ends here, so it is the last one, or the file is no longer what it was.
            if !bytes.is_empty() && split.at() == self.split.at() && number >= first {
                put(into, &mut filled, (number, at), bytes, continued, true);
            }
            break;
        }
        filled
    }

    /// Whether the line that begins at this place goes on with a line that was cut.
    pub(super) fn is_continued(&mut self, at: u64) -> io::Result<bool> {
        let Some(before) = at.checked_sub(1) else { return Ok(false) };
        let mut byte = Vec::new();
        Ok(self.block(before, 1, &mut byte)? != b"\n")
    }

    /// Reads known bytes from a place on, fewer than `want` only where the known ones or the file end.
    pub(super) fn block<'b>(
        &mut self,
        at: u64,
        want: usize,
        buffer: &'b mut Vec<u8>,
    ) -> io::Result<&'b [u8]> {
        let known = usize::try_from(self.bytes().saturating_sub(at)).unwrap_or(usize::MAX);
        let want = want.min(known);
        if want == 0 {
            return Ok(&[]);
        }
        if self.file.is_none() {
            let opened = open(&self.path)?;
            let metadata = opened.metadata()?;
            if self.identity != Some((metadata.dev(), metadata.ino())) {
                return Ok(&[]);
            }
            self.file = Some(opened);
        }
        let Some(file) = &self.file else { return Ok(&[]) };
        if buffer.len() < want {
            buffer.resize(want, 0);
        }
        let filled = read_at(file, &mut buffer[..want], at)?;
        Ok(&buffer[..filled])
    }

    /// Looks at the next bytes; returns how many there were.
    fn take(&mut self, want: usize) -> io::Result<usize> {
        let Some(file) = &self.file else { return Ok(0) };
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        let filled = read_at(file, &mut self.buffer[..want], self.split.at())?;
        let (complete, places) = (&mut self.complete, &mut self.places);
        self.split.feed(&self.buffer[..filled], |piece| {
            *complete += 1;
            if *complete % STRIDE == 0 {
                places.push(piece.next);
            }
        });
        Ok(filled)
    }

    /// Finds out how large the file is now; begins anew if it is not the one that was looked at.
    fn look(&mut self) -> Result<u64, String> {
        let held = self.file.as_ref().map(File::metadata);
        let metadata = match held {
            Some(Ok(metadata)) if metadata.nlink() > 0 => metadata,
            Some(Err(error)) => return Err(self.unreadable(&error)),
            // Nobody holds it yet, or it was removed and another may be there.
            Some(Ok(_)) | None => {
                self.file = None;
                let opened =
                    open(&self.path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
                match opened {
                    Ok((_, metadata)) if !metadata.is_file() => {
                        return Err(format!("`{}` is not a file", self.path.display()));
                    }
                    Ok((file, metadata)) => {
                        self.file = Some(file);
                        metadata
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        self.start_over(None);
                        return Ok(0);
                    }
                    Err(error) => return Err(self.unreadable(&error)),
                }
            }
        };
        let identity = (metadata.dev(), metadata.ino());
        if metadata.size() < self.bytes() || self.identity != Some(identity) {
            self.start_over(Some(identity));
        }
        Ok(metadata.size())
    }

    fn start_over(&mut self, identity: Option<(u64, u64)>) {
        self.identity = identity;
        if self.bytes() > 0 {
            self.restarts += 1;
            self.split = Splitter::new(self.longest, 0, false);
            self.complete = 0;
            self.places = vec![0];
        }
    }

    pub(super) fn unreadable(&self, error: &io::Error) -> String {
        format!("`{}` cannot be read: {error}", self.path.display())
    }
}

/// Opens a file without waiting, whatever it is.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

/// Fills a buffer from a place on; returns fewer bytes only at the end of the file.
pub(super) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn within(bytes: &[u8], from: u64, to: u64) -> &[u8] {
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    range.and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default()
}

/// Writes the next line into a list, over an old one if there still is one.
fn put(
    into: &mut Vec<Line>,
    filled: &mut usize,
    (number, offset): (u64, u64),
    bytes: &[u8],
    continued: bool,
    partial: bool,
) {
    if into.len() == *filled {
        into.push(Line::default());
    }
    let line = &mut into[*filled];
    line.bytes.clear();
    line.bytes.extend_from_slice(bytes);
    (line.number, line.offset, line.continued, line.partial) = (number, offset, continued, partial);
    *filled += 1;
}
