//! Where lines end: the one rule by which bytes become lines, however they arrive.
//!
//! Not here: files (`lines.rs`). What is too long is cut by looking at no more than the bytes up to the cut, so that
//! a file that grew byte by byte and one that is read at once have the same lines.

use memchr::{memchr_iter, memrchr};

/// So many bytes before the limit are looked at for where to cut.
const BEHIND: usize = 32;

/// Finds lines in bytes that come one chunk after the other.
#[derive(Clone, Debug)]
pub(super) struct Splitter {
    /// Most bytes of a line; at least 4.
    longest: u64,
    start: u64,
    at: u64,
    continued: bool,
    /// The bytes before `at`.
    last: [u8; BEHIND],
}

/// A line, by its place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: u64,
    /// Behind its last byte, the break not counted.
    pub(super) end: u64,
    /// Where the next line begins; the same as `end` if this one was cut.
    pub(super) next: u64,
    /// It goes on with a line that was cut.
    pub(super) continued: bool,
}

impl Splitter {
    /// Begins at the start of a line; `continued` says that the line before it was cut.
    pub(super) fn new(longest: u64, start: u64, continued: bool) -> Self {
        Self { longest: longest.max(4), start, at: start, continued, last: [0; BEHIND] }
    }

    /// Whether a line of so many bytes may be one that was cut, which happens at the limit or a little before it.
    pub(super) fn may_be_cut(bytes: usize, longest: usize) -> bool {
        bytes + BEHIND >= longest
    }

    /// Bytes from the start of the file up to where it has looked.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Where the line begins whose end was not seen yet.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Whether that line goes on with a line that was cut.
    pub(super) fn continued(&self) -> bool {
        self.continued
    }

    /// Looks at the next bytes and gives every line that ends in them.
    pub(super) fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Piece)) {
        let base = self.at;
        for index in memchr_iter(b'\n', bytes) {
            let end = base + index as u64;
            self.cut_up_to(end, base, bytes, &mut found);
            found(Piece { start: self.start, end, next: end + 1, continued: self.continued });
            self.start = end + 1;
            self.continued = false;
        }
        self.at = base + bytes.len() as u64;
        self.cut_up_to(self.at, base, bytes, &mut found);
        let newest = &bytes[bytes.len().saturating_sub(BEHIND)..];
        self.last.copy_within(newest.len().., 0);
        self.last[BEHIND - newest.len()..].copy_from_slice(newest);
    }

    /// Cuts the line that has begun, which reaches to `end` at least, until the rest is short enough.
    fn cut_up_to(&mut self, end: u64, base: u64, bytes: &[u8], found: &mut impl FnMut(Piece)) {
        while end - self.start > self.longest {
            let cut = self.cut(base, bytes);
            found(Piece { start: self.start, end: cut, next: cut, continued: self.continued });
            self.start = cut;
            self.continued = true;
        }
    }

    /// The place of the next cut: at the limit, or before it if a character or an escape sequence would be torn.
    fn cut(&self, base: u64, bytes: &[u8]) -> u64 {
        let limit = self.start + self.longest;
        // What lies before the limit, and the byte that lies behind the cut.
        let mut behind = [0; BEHIND + 1];
        let most = usize::try_from(self.longest).unwrap_or(BEHIND).min(BEHIND);
        let behind = &mut behind[..=most];
        let before = limit - most as u64;
        for (place, byte) in (before..).zip(behind.iter_mut()) {
            *byte = match place.checked_sub(base) {
                Some(index) => usize::try_from(index).ok().and_then(|index| bytes.get(index)).copied(),
                None => usize::try_from(base - place)
                    .ok()
                    .and_then(|back| self.last.get(BEHIND.checked_sub(back)?))
                    .copied(),
            }
            .unwrap_or(0);
        }
        let (text, next) = (&behind[..most], behind[most]);
        let kept = torn_sequence(text).or_else(|| torn_character(text, next)).filter(|&kept| {
            // Something must remain before the cut.
            before + kept as u64 > self.start
        });
        before + kept.unwrap_or(most) as u64
    }
}

/// Where the escape sequence begins that does not end in this text.
fn torn_sequence(text: &[u8]) -> Option<usize> {
    let at = memrchr(0x1b, text)?;
    let is_torn = match &text[at + 1..] {
        [] => true,
        [b'[', parameters @ ..] => parameters.iter().all(|b| (0x20..0x40).contains(b)),
        [b']' | b'P' | b'_' | b'^' | b'X', string @ ..] => !string.contains(&0x07),
        [b'(' | b')' | b'*' | b'+' | b'#'] => true,
        _ => false,
    };
    is_torn.then_some(at)
}

/// Where the character begins that would be torn if the text ended here, before that byte.
fn torn_character(text: &[u8], next: u8) -> Option<usize> {
    let goes_on = |byte: u8| byte & 0xc0 == 0x80;
    // Only a byte that goes on with a character has its lead before it.
    if !goes_on(next) {
        return None;
    }
    for back in 1..=3 {
        let at = text.len().checked_sub(back)?;
        let long = match text[at] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            byte if goes_on(byte) => continue,
            _ => return None,
        };
        return (long > back).then_some(at);
    }
    None
}
