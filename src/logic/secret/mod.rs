//! Masking of secrets in a stream of bytes: `Masker` holds the patterns, `MaskStream` what one stream has open.
//!
//! Not here: where secrets come from, and log commands. Start at [`Masker::push`].
//!
//! A secret is masked as it is, line by line, and in the forms that programs commonly print it in: base64 (all three
//! alignments, both alphabets, and wrapped lines), hexadecimal, URL-encoded, and escaped for JSON or XML.
//! Values shorter than [`SHORTEST`] bytes are not masked: they would blot out the whole log and hide nothing.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};

mod forms;

#[cfg(test)]
mod tests;

use forms::add_value;

/// The shortest value, or line of a value, that is masked, in bytes after trimming.
pub const SHORTEST: usize = 3;

/// Up to so many patterns, a vectorised search decides whether there is anything to do.
const FEW: usize = 100;

/// What stands in the log in place of a secret.
pub const STARS: &[u8] = b"***";

/// The patterns of a set of secrets.
#[derive(Debug, Default)]
pub struct Masker {
    /// Sorted, so that the patterns with a given beginning lie together.
    patterns: Vec<Vec<u8>>,
    longest: usize,
    search: Option<AhoCorasick>,
    /// Only says whether there is a match at all, at several times the speed; worth it for few patterns.
    quick: Option<AhoCorasick>,
}

/// What one stream of bytes holds back between two chunks.
#[derive(Debug, Default)]
pub struct MaskStream {
    /// Bytes not yet passed on, as they may be the beginning of a secret.
    carry: Vec<u8>,
    /// How many bytes at the start of `carry` are covered by stars that were already written.
    covered: usize,
}

impl MaskStream {
    /// Says whether nothing is held back.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.carry.is_empty()
    }
}

impl Masker {
    /// Builds the patterns for these values. Values that are too short or blank are left out.
    #[must_use]
    pub fn new<S: AsRef<str>>(values: &[S]) -> Self {
        let mut forms = BTreeSet::new();
        for value in values {
            add_value(value.as_ref(), &mut forms);
        }
        let patterns: Vec<Vec<u8>> = forms.into_iter().collect();
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let search = if patterns.is_empty() {
            None
        } else {
            // Too many patterns for the automaton is the only failure, far above what memory holds.
            AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns).ok()
        };
        let quick = if search.is_some() && patterns.len() <= FEW {
            AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&patterns).ok()
        } else {
            None
        };
        Self { patterns, longest, search, quick }
    }

    /// Says whether there is nothing to mask, so that bytes may pass untouched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.search.is_none()
    }

    /// Appends to `out` what may be shown of the stream after `chunk`. Bytes that may begin a secret are held back.
    pub fn push(&self, stream: &mut MaskStream, chunk: &[u8], out: &mut Vec<u8>) {
        if stream.carry.is_empty() {
            self.run(stream, chunk, out, false);
        } else {
            let mut text = std::mem::take(&mut stream.carry);
            text.extend_from_slice(chunk);
            self.run(stream, &text, out, false);
        }
    }

    /// Appends to `out` what was held back: the stream has ended.
    pub fn finish(&self, stream: &mut MaskStream, out: &mut Vec<u8>) {
        let text = std::mem::take(&mut stream.carry);
        self.run(stream, &text, out, true);
    }

    /// Masks a text that stands alone.
    #[must_use]
    pub fn mask_text(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        let mut out = Vec::with_capacity(text.len());
        let mut stream = MaskStream::default();
        self.push(&mut stream, text.as_bytes(), &mut out);
        self.finish(&mut stream, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn run(&self, stream: &mut MaskStream, text: &[u8], out: &mut Vec<u8>, last: bool) {
        let mut covered = std::mem::take(&mut stream.covered).min(text.len());
        let Some(search) = &self.search else {
            out.extend_from_slice(&text[covered..]);
            return;
        };
        // Where the bytes begin that may yet become a secret: they wait for the next chunk.
        let hold = if last { text.len() } else { self.hold_from(text) };
        let mut shown = covered;
        // The plain search is many times faster than the one that sees overlaps, and mostly finds nothing.
        if self.quick.as_ref().unwrap_or(search).is_match(text) {
            let mut spans: Vec<(usize, usize)> =
                search.find_overlapping_iter(text).map(|m| (m.start(), m.end())).collect();
            spans.sort_unstable();
            for (start, end) in spans {
                if start < covered {
                    // Part of the same run of overlapping secrets: the stars are already there.
                    covered = covered.max(end);
                } else {
                    // A secret that begins in the held part is found again with the next chunk, whole.
                    if start >= hold {
                        break;
                    }
                    out.extend_from_slice(&text[shown..start]);
                    out.extend_from_slice(STARS);
                    covered = end;
                }
                shown = covered;
            }
        }
        if shown < hold {
            out.extend_from_slice(&text[shown..hold]);
        }
        stream.carry.extend_from_slice(&text[hold..]);
        stream.covered = covered.saturating_sub(hold);
    }

    /// The first position from which the rest of `text` is a proper beginning of a pattern, or its length.
    fn hold_from(&self, text: &[u8]) -> usize {
        let first = text.len().saturating_sub(self.longest.saturating_sub(1));
        (first..text.len()).find(|&at| self.begins_a_pattern(&text[at..])).unwrap_or(text.len())
    }

    fn begins_a_pattern(&self, tail: &[u8]) -> bool {
        // The smallest pattern greater than the tail is the first candidate that is longer than it.
        let at = self.patterns.partition_point(|pattern| pattern.as_slice() <= tail);
        self.patterns.get(at).is_some_and(|pattern| pattern.starts_with(tail))
    }
}
