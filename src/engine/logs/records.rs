//! Going through the log of one try, line by line, with the stream and the time of each. Holds a piece of the file at once.
//!
//! Not here: which tries and lines are wanted (`logic/log_query`).

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::marks::Marks;
use crate::logic::log_index::Stream;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// A line longer than this is given in pieces.
const LONGEST: usize = 64 * 1024;

/// A line of a log, without its break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawLine<'a> {
    pub bytes: &'a [u8],
    pub stream: Stream,
    /// When it was written, to a few hundredths of a second; that of the whole log where it has no index.
    pub time: Timestamp,
    /// Whether an index told the time.
    pub is_indexed: bool,
}

/// Gives every line of a log until the callback says no; says whether it always said yes. A log that is not there has none.
///
/// # Errors
/// If the file cannot be read.
pub fn each_line(path: &Path, line: &mut dyn FnMut(RawLine<'_>) -> bool) -> io::Result<bool> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        file => file?,
    };
    let changed = file.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let changed = Timestamp(i64::try_from(changed.as_micros()).unwrap_or(i64::MAX));
    let mut marks = Marks::new(path);
    marks.refresh();
    let mut give = |offset: u64, bytes: &[u8]| {
        let mark = marks.at(offset);
        let time = mark.map_or(changed, |it| Timestamp(i64::try_from(it.time_us).unwrap_or(i64::MAX)));
        let stream = mark.map_or(Stream::Out, |it| it.stream);
        line(RawLine { bytes, stream, time, is_indexed: mark.is_some() })
    };
    let mut chunk = vec![0; CHUNK];
    // The beginning of the line whose end has not been seen, and where it begins in the file.
    let (mut begun, mut start) = (0, 0);
    loop {
        let read = match file.read(&mut chunk[begun..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let end = begun + read;
        let mut from = 0;
        for at in memchr::memchr_iter(b'\n', &chunk[..end]) {
            if !give(start + from as u64, &chunk[from..at]) {
                return Ok(false);
            }
            from = at + 1;
        }
        if (read == 0 && from < end) || end - from >= LONGEST {
            if !give(start + from as u64, &chunk[from..end]) {
                return Ok(false);
            }
            from = end;
        }
        if read == 0 {
            return Ok(true);
        }
        chunk.copy_within(from..end, 0);
        (begun, start) = (end - from, start + from as u64);
    }
}
