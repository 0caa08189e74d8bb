//! The logs of a cell: all its tries, one after the other, as one sequence of rows. Before the lines of each try
//! stands a row for its heading.
//!
//! Not here: what a heading says (faces), searching (`cell_search.rs`).

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::lines::{LONGEST_LINE, Line, Lines, Progress};
use super::marks::Marks;
use super::query::Query;
use super::search::Search;
use super::split::Splitter;
use crate::logic::job::report::AttemptKey;
use crate::logic::log_index::Stream;
use crate::logic::text::clean::clean_onto;

#[cfg(test)]
#[path = "cell_log_tests.rs"]
mod tests;

/// So many of the last tries are looked at by every call, as they grow.
const NEWEST: usize = 4;

/// So many of the older ones are, in turn: something that a step left behind may still write.
const IN_TURN: usize = 8;

/// Rows that are read at once where many are wanted.
const ROWS: u64 = 256;

/// A row of a cell's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Over all tries, from 0.
    pub number: u64,
    /// The try that it belongs to.
    pub key: AttemptKey,
    pub kind: RowKind,
}

/// What a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Stands before the lines of a try.
    Heading,
    Line {
        /// Numbered within its try.
        line: Line,
        /// Where its first byte came from.
        stream: Stream,
        /// About when its first byte came, in microseconds since 1970; a log that was written in one go says nothing.
        time_us: Option<u64>,
    },
}

/// The log of a cell.
#[derive(Debug)]
pub struct CellLog {
    dir: PathBuf,
    pub(super) tries: Vec<Try>,
    pub(super) query: Option<Query>,
    /// Which of the older tries is looked at next.
    turn: usize,
    /// Where lines lie on their way into rows. Only its room is used again: the rows take the lines along.
    scratch: Vec<Line>,
}

#[derive(Debug)]
pub(super) struct Try {
    pub(super) key: AttemptKey,
    pub(super) lines: Lines,
    marks: Marks,
    /// There is one if there is a query.
    pub(super) search: Option<Search>,
}

impl Try {
    fn new(dir: &Path, key: AttemptKey, query: Option<&Query>) -> Self {
        let path = super::path(dir, key);
        let marks = Marks::new(&path);
        Self { key, lines: Lines::new(path), marks, search: query.cloned().map(Search::new) }
    }

    /// Its rows, the heading included.
    pub(super) fn rows(&self) -> u64 {
        self.lines.count() + 1
    }

    /// Holds no file until it is needed again.
    pub(super) fn rest(&mut self) {
        self.lines.rest();
        self.marks.rest();
    }
}

impl CellLog {
    /// The log of a cell of the job that has this folder; without tries so far.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, tries: Vec::new(), query: None, turn: 0, scratch: Vec::new() }
    }

    /// Says which tries there are, in order. What is known of those that were there before is kept.
    pub fn set_tries(&mut self, keys: &[AttemptKey]) {
        let same = self.tries.iter().zip(keys).take_while(|(held, key)| held.key == **key).count();
        let mut others: Vec<Try> = self.tries.drain(same..).collect();
        for &key in &keys[same..] {
            let held = others.iter().position(|other| other.key == key);
            let next = match held {
                Some(at) => others.swap_remove(at),
                None => Try::new(&self.dir, key, self.query.as_ref()),
            };
            self.tries.push(next);
        }
    }

    /// Rows that are known.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.tries.iter().map(Try::rows).sum()
    }

    /// Looks at up to `budget` further bytes, those of earlier tries first.
    ///
    /// `Unreadable` is about one of the tries; the others were looked at all the same.
    pub fn advance(&mut self, budget: usize) -> Progress {
        let count = self.tries.len();
        let mut left = budget;
        let mut problem = None;
        let turn = self.turn..self.turn.saturating_add(IN_TURN);
        self.turn = if turn.end < count { turn.end } else { 0 };
        for (index, it) in self.tries.iter_mut().enumerate() {
            if it.lines.is_at_end() && index + NEWEST < count && !turn.contains(&index) {
                continue;
            }
            let before = it.lines.bytes();
            match it.lines.advance(left) {
                Progress::More => return Progress::More,
                Progress::AtEnd if index + 1 < count => it.rest(),
                Progress::AtEnd => {}
                Progress::Unreadable(message) => problem = problem.or(Some(message)),
            }
            let taken = it.lines.bytes().saturating_sub(before);
            left = left.saturating_sub(usize::try_from(taken).unwrap_or(usize::MAX));
        }
        problem.map_or(Progress::AtEnd, Progress::Unreadable)
    }

    /// Reads up to `most` rows from row `first` on; fewer where the known ones end, or if a file has shrunk.
    #[must_use]
    pub fn read(&mut self, first: u64, most: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut base = 0;
        let last = self.tries.len().saturating_sub(1);
        let mut scratch = std::mem::take(&mut self.scratch);
        for (index, it) in self.tries.iter_mut().enumerate() {
            let next = first + rows.len() as u64;
            let end = base + it.rows();
            if rows.len() < most && (base..end).contains(&next) {
                if next == base {
                    rows.push(Row { number: base, key: it.key, kind: RowKind::Heading });
                }
                let line = next.max(base + 1) - base - 1;
                it.lines.read(line, most - rows.len(), &mut scratch);
                it.marks.refresh();
                for line in scratch.drain(..) {
                    let mark = it.marks.at(line.offset);
                    let number = base + 1 + line.number;
                    let (stream, time_us) =
                        mark.map_or((Stream::Out, None), |mark| (mark.stream, Some(mark.time_us)));
                    rows.push(Row { number, key: it.key, kind: RowKind::Line { line, stream, time_us } });
                }
                if index < last {
                    it.rest();
                }
                // Rows are without gaps, so what cannot be read now ends them.
                if rows.len() < most && first + (rows.len() as u64) < end {
                    break;
                }
            }
            base = end;
        }
        self.scratch = scratch;
        rows
    }

    /// The cleaned texts of the pieces before and behind a row, if it is a piece of a line that was cut.
    #[must_use]
    pub fn around(&mut self, row: &Row) -> Option<(String, String)> {
        let RowKind::Line { line, .. } = &row.kind else { return None };
        if !line.continued && !Splitter::may_be_cut(line.bytes.len(), LONGEST_LINE) {
            return None;
        }
        let mut around = (String::new(), String::new());
        for near in self.read(row.number.saturating_sub(1), 3) {
            let RowKind::Line { line: other, .. } = near.kind else { continue };
            if near.number + 1 == row.number && line.continued {
                clean_onto(&other.bytes, &mut around.0);
            } else if near.number == row.number + 1 && other.continued {
                clean_onto(&other.bytes, &mut around.1);
            }
        }
        Some(around)
    }

    /// The try that a row belongs to.
    #[must_use]
    pub fn key_at(&self, row: u64) -> Option<AttemptKey> {
        self.based().find(|(base, it)| row < base + it.rows()).map(|(_, it)| it.key)
    }

    /// The row of a try's heading.
    #[must_use]
    pub fn first_row_of(&self, key: AttemptKey) -> Option<u64> {
        self.based().find(|(_, it)| it.key == key).map(|(base, _)| base)
    }

    /// The cleaned text of rows, with a break between two lines, headings left out.
    #[must_use]
    pub fn text_of(&mut self, range: Range<u64>) -> String {
        let mut text = String::new();
        let mut is_first = true;
        let mut next = range.start;
        while next < range.end {
            let most = (range.end - next).min(ROWS);
            let rows = self.read(next, usize::try_from(most).unwrap_or(usize::MAX));
            if rows.is_empty() {
                break;
            }
            next += rows.len() as u64;
            for row in rows {
                let RowKind::Line { line, .. } = row.kind else { continue };
                if !is_first && !line.continued {
                    text.push('\n');
                }
                is_first = false;
                clean_onto(&line.bytes, &mut text);
            }
        }
        text
    }

    /// The end of the same text, of at most so many bytes and from the beginning of a line, and whether it is all of it.
    #[must_use]
    pub fn end_of(&mut self, range: Range<u64>, most: usize) -> (String, bool) {
        let (mut first, mut bytes) = (range.end, 0);
        while first > range.start && bytes <= most {
            // Few at once: they may be long.
            let from = first.saturating_sub(16).max(range.start);
            let rows = self.read(from, usize::try_from(first - from).unwrap_or(usize::MAX));
            bytes += rows.iter().map(row_bytes).sum::<usize>();
            first = from;
        }
        let mut text = self.text_of(first..range.end);
        let is_all = first == range.start && text.len() <= most;
        if text.len() > most {
            let mut cut = text.len() - most;
            while !text.is_char_boundary(cut) {
                cut += 1;
            }
            // A line that is longer than all of it is begun in its middle.
            let line = memchr::memchr(b'\n', &text.as_bytes()[cut - 1..]).map_or(cut, |at| cut + at);
            text.drain(..line);
        }
        (text, is_all)
    }

    /// Each try, with the row of its heading.
    pub(super) fn based(&self) -> impl Iterator<Item = (u64, &Try)> {
        self.tries.iter().scan(0, |next, it| {
            let base = *next;
            *next += it.rows();
            Some((base, it))
        })
    }
}

fn row_bytes(row: &Row) -> usize {
    match &row.kind {
        RowKind::Heading => 0,
        RowKind::Line { line, .. } => line.bytes.len() + 1,
    }
}
