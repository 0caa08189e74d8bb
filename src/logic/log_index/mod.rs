//! The sparse index beside a log file: which stream and which time a stretch of its bytes belongs to.
//!
//! Here: the format, the rule for when a mark is due ([`Sparse`]), reading ([`parse`], [`at`]). Not here: files.
//!
//! Format: the eight bytes of [`HEADER`], then marks of [`MARK_BYTES`] bytes, little endian: offset `u64`, time in
//! microseconds since 1970 `u64`, stream `u8` (1 output, 2 errors), flags `u8` (bit 0: late), six bytes of zero.
//! A mark holds up to the next. A torn last mark is ignored. Without an index the whole log counts as output of
//! the time the file was last changed, which is why none is made for a short log of one stream. As marks only say
//! when and whence, a lost index loses no byte of the log.

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What an index file begins with; the digit is the version.
pub const HEADER: &[u8; 8] = b"SRTIDX1\n";

/// Size of one mark in bytes.
pub const MARK_BYTES: usize = 24;

/// After so many bytes a mark is due.
const STRETCH_BYTES: u64 = 64 * 1024;

/// After so long a silence a mark is due, in microseconds.
const GAP_US: u64 = 50_000;

/// Where bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// From `offset` on, bytes belong to this stream and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Bytes from the start of the log.
    pub offset: u64,
    /// Microseconds since 1970.
    pub time_us: u64,
    pub stream: Stream,
    /// Written after the step's main process had ended, by a child that held on to the pipe.
    pub late: bool,
}

impl Mark {
    /// The bytes of the mark in the file.
    #[must_use]
    pub fn encode(&self) -> [u8; MARK_BYTES] {
        let mut bytes = [0; MARK_BYTES];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.time_us.to_le_bytes());
        bytes[16] = match self.stream {
            Stream::Out => 1,
            Stream::Err => 2,
        };
        bytes[17] = u8::from(self.late);
        bytes
    }

    /// Reads a mark from its bytes in the file; nothing if they make no sense.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |from: usize| bytes.get(from..from + 8)?.try_into().ok().map(u64::from_le_bytes);
        let stream = match bytes.get(16)? {
            1 => Stream::Out,
            2 => Stream::Err,
            _ => return None,
        };
        Some(Self { offset: word(0)?, time_us: word(8)?, stream, late: bytes.get(17)? & 1 == 1 })
    }
}

/// Reads the marks of an index file, up to the first that makes no sense.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Mark> {
    let Some(body) = bytes.strip_prefix(HEADER.as_slice()) else {
        return Vec::new();
    };
    let mut marks: Vec<Mark> = Vec::with_capacity(body.len() / MARK_BYTES);
    for chunk in body.chunks_exact(MARK_BYTES) {
        match Mark::decode(chunk) {
            Some(mark) if marks.last().is_none_or(|last| last.offset <= mark.offset) => marks.push(mark),
            _ => break,
        }
    }
    marks
}

/// The mark that holds at a byte of the log, if any does.
#[must_use]
pub fn at(marks: &[Mark], offset: u64) -> Option<&Mark> {
    let after = marks.partition_point(|mark| mark.offset <= offset);
    after.checked_sub(1).and_then(|index| marks.get(index))
}

/// Decides when a mark is due while a log is written.
#[derive(Debug, Default)]
pub struct Sparse {
    last: Option<Mark>,
    /// Time of the latest bytes, in microseconds.
    seen_us: u64,
}

impl Sparse {
    /// Takes note of bytes about to be written at `offset`; returns the mark to put before them, if one is due.
    pub fn note(&mut self, offset: u64, time_us: u64, stream: Stream, late: bool) -> Option<Mark> {
        let due = self.last.is_none_or(|last| {
            last.stream != stream
                || last.late != late
                || offset >= last.offset + STRETCH_BYTES
                || time_us >= self.seen_us + GAP_US
        });
        self.seen_us = time_us;
        if !due {
            return None;
        }
        let mark = Mark { offset, time_us, stream, late };
        self.last = Some(mark);
        Some(mark)
    }
}
