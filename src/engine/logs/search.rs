//! Searching one log, piece by piece, while it grows. What is kept is one bit for each line.
//!
//! Many lines are looked at together. Where the file has more than plain text they are cleaned first, as an escape
//! sequence may stand in the middle of a word.
//!
//! A line that was cut is looked at as if it had not been: a piece matches if a match begins in it, wherever that ends
//! in the next piece. So a piece that was cut is only decided when the one after it is complete.
//!
//! Not here: what is searched for (`query.rs`), several tries together (`cell_search.rs`).

use super::lines::{CHUNK, Lines, Progress};
use super::query::Query;
use super::split::Splitter;
use crate::logic::text::clean::{clean_onto, turns_writing};

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;

/// A search through the lines of one file.
#[derive(Debug)]
pub struct Search {
    query: Query,
    /// The lines that match.
    hits: Hits,
    /// Where the next line to look at begins, and its number.
    at: u64,
    line: u64,
    /// Whether that line goes on with one that was cut, the last character before the cut, and whether that still stands
    /// there: a carriage return at the cut lets what follows overwrite it.
    continued: bool,
    lead: String,
    lead_stands: bool,
    /// Up to here everything was looked at, the last line included although it had no break yet.
    looked: u64,
    /// Lines that were looked at.
    seen: u64,
    /// As `Lines::restarts` was.
    restarts: u64,
    manner: Manner,
    /// Reused by every call, given back when there is nothing to do.
    bytes: Vec<u8>,
    /// Where the lines of `bytes` end: behind the last byte, and behind the break.
    ends: Vec<(u32, u32)>,
    /// The same for lines that had to be cleaned.
    cleaned: String,
    cleaned_ends: Vec<(u32, u32)>,
}

impl Search {
    /// A search that has looked at nothing yet.
    #[must_use]
    pub fn new(query: Query) -> Self {
        let manner = if query.needs_single_lines() { Manner::Singly } else { Manner::Together };
        Self {
            query,
            hits: Hits::default(),
            at: 0,
            line: 0,
            continued: false,
            lead: String::new(),
            lead_stands: true,
            looked: 0,
            seen: 0,
            restarts: 0,
            manner,
            bytes: Vec::new(),
            ends: Vec::new(),
            cleaned: String::new(),
            cleaned_ends: Vec::new(),
        }
    }

    /// What is searched for.
    #[must_use]
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Lines that match, of those that were looked at.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.hits.count
    }

    /// Lines that were looked at.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The first line from this one on that matches.
    #[must_use]
    pub fn at_or_after(&self, line: u64) -> Option<u64> {
        self.hits.at_or_after(line)
    }

    /// The last line before this one that matches.
    #[must_use]
    pub fn last_before(&self, line: u64) -> Option<u64> {
        self.hits.last_before(line)
    }

    /// Which of the lines that match this one is, from 1; nothing if it does not match.
    #[must_use]
    pub fn rank(&self, line: u64) -> Option<u64> {
        self.hits.has(line).then(|| self.hits.before(line) + 1)
    }

    /// Bytes that were looked at.
    pub(super) fn looked(&self) -> u64 {
        self.looked
    }

    /// Whether all that is known of the lines was looked at.
    pub(super) fn has_seen_all(&self, lines: &Lines) -> bool {
        self.restarts == lines.restarts() && self.looked == lines.bytes()
    }

    /// Looks at up to `budget` further bytes, or at two lines if they are longer, and has the lines looked for where
    /// they are not known yet.
    pub fn advance(&mut self, lines: &mut Lines, budget: usize) -> Progress {
        let mut left = budget;
        loop {
            self.begin_anew_if_they_did(lines);
            if self.looked < lines.bytes() {
                if left == 0 {
                    return Progress::More;
                }
                match self.step(lines, left) {
                    Err(error) => return Progress::Unreadable(lines.unreadable(&error)),
                    // The file is shorter than it was, which the lines find out.
                    Ok(0) => match lines.advance(0) {
                        Progress::Unreadable(message) => return Progress::Unreadable(message),
                        Progress::More | Progress::AtEnd => return Progress::More,
                    },
                    Ok(looked) => left = left.saturating_sub(looked),
                }
                continue;
            }
            let before = lines.bytes();
            match lines.advance(left.min(CHUNK)) {
                Progress::Unreadable(message) => return Progress::Unreadable(message),
                _ if lines.restarts() != self.restarts => return Progress::More,
                Progress::More if lines.bytes() == before => return Progress::More,
                Progress::AtEnd if lines.bytes() == before => {
                    (self.bytes, self.ends) = (Vec::new(), Vec::new());
                    (self.cleaned, self.cleaned_ends) = (String::new(), Vec::new());
                    return Progress::AtEnd;
                }
                Progress::More | Progress::AtEnd => {}
            }
        }
    }

    fn begin_anew_if_they_did(&mut self, lines: &Lines) {
        if self.restarts != lines.restarts() {
            self.restarts = lines.restarts();
            self.hits = Hits::default();
            (self.at, self.line, self.looked, self.seen) = (0, 0, 0, 0);
            self.continued = false;
            self.lead.clear();
        }
    }

    /// Looks at the next bytes; returns how many were new, 0 if the file has fewer than are known.
    fn step(&mut self, lines: &mut Lines, most: usize) -> std::io::Result<usize> {
        // A piece and the one after it are in it, so that at least one is done with.
        let least = 2 * (lines.longest() + 1);
        let most = most.clamp(least, CHUNK.max(least));
        let mut buffer = std::mem::take(&mut self.bytes);
        let mut ends = std::mem::take(&mut self.ends);
        ends.clear();
        let bytes = lines.block(self.at, most, &mut buffer)?;
        let mut split = Splitter::new(lines.longest() as u64, self.at, self.continued);
        let mut has_cut = self.continued;
        let mut newest = None;
        let place = |offset: u64| u32::try_from(offset - self.at).unwrap_or(u32::MAX);
        split.feed(bytes, |piece| {
            has_cut |= piece.next == piece.end;
            ends.push((place(piece.end), place(piece.next)));
            newest = Some(piece);
        });
        // They may have been looked at without what followed.
        self.hits.remove(self.line);
        self.hits.remove(self.line + 1);
        let whole = usize::try_from(split.start() - self.at).unwrap_or(bytes.len());
        let is_last = split.at() == lines.bytes() && bytes.len() > whole;
        // The newest piece waits for the one that goes on with it.
        let held = newest.filter(|_| split.continued());
        let done = ends.len() - usize::from(held.is_some());
        if has_cut {
            if is_last {
                ends.push((place(split.at()), place(split.at() + 1)));
            }
            self.look_at_pieces(bytes, &ends, done, if is_last { ends.len() } else { done });
        } else {
            self.look_through(&bytes[..whole], &ends);
            if is_last && self.query.is_match(&bytes[whole..]) {
                self.hits.add(self.line + done as u64);
            }
        }
        self.line += done as u64;
        (self.at, self.continued) = match held {
            Some(piece) => (piece.start, piece.continued),
            None => (split.start(), split.continued()),
        };
        self.seen = self.line + if is_last { 1 + u64::from(held.is_some()) } else { 0 };
        let looked = if is_last { split.at() } else { self.at };
        let new = looked.saturating_sub(self.looked);
        self.looked = self.looked.max(looked);
        let has_moved = is_last || done > 0;
        (self.bytes, self.ends) = (buffer, ends);
        Ok(usize::try_from(new).unwrap_or(usize::MAX).max(usize::from(has_moved)))
    }

    /// Marks what matches among lines that are complete and were not cut.
    fn look_through(&mut self, bytes: &[u8], ends: &[(u32, u32)]) {
        let looks = looks(bytes);
        if looks != Looks::Otherwise {
            self.look_at_text(bytes, ends, looks == Looks::Ascii);
            return;
        }
        let mut text = std::mem::take(&mut self.cleaned);
        let mut cleaned_ends = std::mem::take(&mut self.cleaned_ends);
        text.clear();
        cleaned_ends.clear();
        let mut start = 0;
        for &(end, next) in ends {
            clean_onto(&bytes[start..end as usize], &mut text);
            start = next as usize;
            let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
            cleaned_ends.push((end, end + 1));
            text.push('\n');
        }
        self.look_at_text(text.as_bytes(), &cleaned_ends, text.is_ascii());
        (self.cleaned, self.cleaned_ends) = (text, cleaned_ends);
    }

    /// Marks what matches among the first so many lines, some of which were cut. What was cut stays with what
    /// follows it. `done` of them will not be looked at again.
    fn look_at_pieces(&mut self, bytes: &[u8], ends: &[(u32, u32)], done: usize, most: usize) {
        let mut text = std::mem::take(&mut self.lead);
        // Where each begins and ends, and whether it goes on with the one before it.
        let mut spans: Vec<(usize, usize, bool)> = Vec::with_capacity(ends.len());
        let mut start = 0;
        let mut joins = self.continued && self.lead_stands;
        for (index, &(end, next)) in ends.iter().enumerate() {
            let piece = &bytes[start..bytes.len().min(end as usize)];
            joins &= goes_on(piece);
            if !joins && !text.is_empty() {
                text.push('\n');
            }
            let begin = text.len();
            clean_onto(piece, &mut text);
            spans.push((begin, text.len(), joins));
            joins = next == end && !piece.ends_with(b"\r");
            if index + 1 == done {
                self.lead_stands = joins;
            }
            start = next as usize;
        }
        let regex = self.query.regex_for(text.is_ascii());
        for (index, &(start, end, joins)) in spans.iter().enumerate().take(most) {
            let from = if joins { start - lead(&text[..start]).map_or(0, char::len_utf8) } else { start };
            let next = spans.get(index + 1).filter(|next| next.2);
            let window = &text.as_bytes()[from..next.map_or(end, |next| next.1)];
            let found = regex.find_at(window, start - from);
            if found.is_some_and(|found| next.is_none() || found.start() < end - from) {
                self.hits.add(self.line + index as u64);
            }
        }
        if let Some(&(_, end, _)) = done.checked_sub(1).and_then(|newest| spans.get(newest)) {
            text.truncate(end);
        } else {
            text.truncate(spans.first().map_or(0, |first| first.0));
        }
        self.lead = lead(&text).map(String::from).unwrap_or_default();
    }

    /// The same for lines that are as a person sees them.
    fn look_at_text(&mut self, text: &[u8], ends: &[(u32, u32)], is_ascii: bool) {
        let before = self.hits.count;
        let is_many = self.manner == Manner::Together;
        let from = if is_many { self.look_at_many(text, ends, is_ascii) } else { 0 };
        let regex = self.query.regex_for(is_ascii);
        let mut start = from.checked_sub(1).map_or(0, |before| ends[before].1 as usize);
        for (index, &(end, next)) in ends.iter().enumerate().skip(from) {
            if regex.is_match(&text[start..end as usize]) {
                self.hits.add(self.line + index as u64);
            }
            start = next as usize;
        }
        if self.manner != Manner::Singly {
            let is_dense = (self.hits.count - before) * 2 > ends.len() as u64;
            self.manner = if is_dense { Manner::SinglyForNow } else { Manner::Together };
        }
    }

    /// Looks at lines together; returns how many are done with.
    fn look_at_many(&mut self, bytes: &[u8], ends: &[(u32, u32)], is_ascii: bool) -> usize {
        let regex = self.query.regex_for(is_ascii);
        let (mut from, mut index) = (0, 0);
        while from < bytes.len()
            && let Some(found) = regex.find_at(bytes, from)
        {
            index += ends[index..].partition_point(|&(_, next)| next as usize <= found.start());
            let Some(&(end, next)) = ends.get(index) else { break };
            if found.end() > end as usize {
                // Breaks may be part of a match: what begins in this line decides nothing about the next one, and
                // finding that out again for every line would take too long.
                self.manner = Manner::Singly;
                return index;
            }
            self.hits.add(self.line + index as u64);
            from = next as usize;
            index += 1;
        }
        ends.len()
    }
}

/// The character before what follows this text, if they stand in the same line.
fn lead(text: &str) -> Option<char> {
    text.chars().next_back().filter(|&c| c != '\n')
}

/// Whether a piece leaves standing what its line had before it: it is not overwritten.
fn goes_on(piece: &[u8]) -> bool {
    !piece.strip_suffix(b"\r").unwrap_or(piece).contains(&b'\r')
}

/// How lines are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Together,
    /// Most of the latest lines matched: finding the next match takes longer than asking each line.
    SinglyForNow,
    /// The pattern may ask for the ends of the text, or matches breaks.
    Singly,
}

/// What bytes are like, as far as a search is concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    /// ASCII without control characters but tabs and breaks.
    Ascii,
    /// The same beyond ASCII: cleaning changes nothing.
    Plain,
    /// Cleaning may change it.
    Otherwise,
}

fn looks(bytes: &[u8]) -> Looks {
    // Written so that many bytes are looked at with one instruction.
    let (mut control, mut high) = (0_u8, 0_u8);
    for &byte in bytes {
        control |= u8::from((byte < 0x20) & (byte != b'\n') & (byte != b'\t')) | u8::from(byte == 0x7f);
        high |= byte;
    }
    // Control characters beyond ASCII begin with this byte, others that do are rare.
    let has_far_control = |bytes: &[u8]| {
        memchr::memchr_iter(0xc2, bytes).any(|at| bytes.get(at + 1).is_some_and(|b| (0x80..0xa0).contains(b)))
    };
    let has_turns = |bytes: &[u8]| memchr::memchr_iter(0xe2, bytes).any(|at| turns_writing(&bytes[at..]));
    if control != 0 {
        Looks::Otherwise
    } else if high < 0x80 {
        Looks::Ascii
    } else if std::str::from_utf8(bytes).is_err() || has_far_control(bytes) || has_turns(bytes) {
        Looks::Otherwise
    } else {
        Looks::Plain
    }
}

/// A set of line numbers, one bit each.
#[derive(Debug, Default)]
struct Hits {
    words: Vec<u64>,
    count: u64,
}

impl Hits {
    fn place(line: u64) -> (usize, u64) {
        (usize::try_from(line / 64).unwrap_or(usize::MAX), 1 << (line % 64))
    }

    fn has(&self, line: u64) -> bool {
        let (word, bit) = Self::place(line);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    fn add(&mut self, line: u64) {
        let (word, bit) = Self::place(line);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.count += u64::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    fn remove(&mut self, line: u64) {
        let (word, bit) = Self::place(line);
        if let Some(word) = self.words.get_mut(word) {
            self.count -= u64::from(*word & bit != 0);
            *word &= !bit;
        }
    }

    /// How many there are before a line.
    fn before(&self, line: u64) -> u64 {
        let (word, bit) = Self::place(line);
        let whole = self.words.iter().take(word).map(|word| u64::from(word.count_ones())).sum::<u64>();
        whole + self.words.get(word).map_or(0, |word| u64::from((word & (bit - 1)).count_ones()))
    }

    fn at_or_after(&self, line: u64) -> Option<u64> {
        let (first, bit) = Self::place(line);
        let words = self.words.get(first..)?;
        let masked =
            words.iter().enumerate().map(|(at, word)| if at == 0 { word & !(bit - 1) } else { *word });
        let (at, word) = masked.enumerate().find(|(_, word)| *word != 0)?;
        Some((first + at) as u64 * 64 + u64::from(word.trailing_zeros()))
    }

    fn last_before(&self, line: u64) -> Option<u64> {
        let (last, bit) = Self::place(line);
        let inside = self.words.get(last).map_or(0, |word| word & (bit - 1));
        let earlier = self.words.iter().enumerate().take(last).rev().map(|(at, word)| (at, *word));
        let (at, word) = std::iter::once((last, inside)).chain(earlier).find(|(_, word)| *word != 0)?;
        Some(at as u64 * 64 + 63 - u64::from(word.leading_zeros()))
    }
}
