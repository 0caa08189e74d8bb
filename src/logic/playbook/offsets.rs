//! Where a byte of a scalar's text stands in the file: quotes, escapes, folding and indentation taken away.
//!
//! Not here: reading of YAML (`tree.rs`). Start with `in_source`. Only needed to place a fault, so it may take its time;
//! a long text with many faults is still walked through only once.

use super::tree::Style;

/// A place of a scalar in the file and in its value; both count bytes from the scalar's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    pub in_source: usize,
    pub in_text: usize,
}

/// Returns the offset in `source`, the scalar as it stands in the file, of the byte at `wanted` in `text`, its value.
///
/// `known` is a pair that was found before for the same scalar, and becomes the one that is found now.
#[must_use]
pub fn in_source(source: &str, text: &str, style: Style, wanted: usize, known: &mut Pair) -> usize {
    let wanted = wanted.min(text.len());
    let start = usize::from(matches!(style, Style::SingleQuoted | Style::DoubleQuoted));
    if source.get(start..).is_some_and(|rest| rest.starts_with(text)) {
        return start + wanted;
    }
    if known.in_text > wanted || known.in_source == 0 {
        *known = Pair { in_source: start, in_text: 0 };
    }
    let mut walk = Walk { source, text, at: known.in_source, done: known.in_text };
    while walk.done < wanted && walk.at < source.len() {
        match style {
            Style::DoubleQuoted => walk.double_quoted(),
            Style::SingleQuoted => walk.single_quoted(),
            Style::Plain => walk.flow(),
            Style::Literal => walk.block(false),
            Style::Folded => walk.block(true),
        }
    }
    *known = Pair { in_source: walk.at, in_text: walk.done };
    let mut at = walk.at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Two fingers, one in the file and one in the value.
struct Walk<'a> {
    source: &'a str,
    text: &'a str,
    at: usize,
    done: usize,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or("")
    }

    /// Steps over one character on both sides.
    fn both(&mut self) {
        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
        self.done +=
            self.text.get(self.done..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    }

    fn double_quoted(&mut self) {
        let rest = self.rest();
        if !rest.starts_with('\\') {
            return self.flow();
        }
        let length = match rest[1..].chars().next() {
            Some('x') => 4,
            // A pair of surrogates makes one character.
            Some('u')
                if rest.get(6..8) == Some("\\u")
                    && rest.get(2..3).is_some_and(|d| d.eq_ignore_ascii_case("d")) =>
            {
                12
            }
            Some('u') => 6,
            Some('U') => 10,
            Some('\n' | '\r') => {
                let blanks = rest[1..].bytes().take_while(u8::is_ascii_whitespace).count();
                self.at += 1 + blanks;
                return;
            }
            Some(c) => 1 + c.len_utf8(),
            None => 1,
        };
        self.at += length;
        self.done +=
            self.text.get(self.done..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    }

    fn single_quoted(&mut self) {
        if self.rest().starts_with("''") {
            self.at += 2;
            self.done += 1;
        } else {
            self.flow();
        }
    }

    /// A line break with the blanks around it is one space, each further one a line break.
    fn flow(&mut self) {
        let blanks = self.rest().bytes().take_while(u8::is_ascii_whitespace).count();
        let breaks = self.rest().as_bytes()[..blanks].iter().filter(|b| **b == b'\n').count();
        if breaks == 0 {
            return self.both();
        }
        self.at += blanks;
        self.done += breaks.saturating_sub(1).max(1);
    }

    /// The first line begins behind its indentation; each further one has it taken away.
    fn block(&mut self, folded: bool) {
        if !self.rest().starts_with(['\n', '\r']) {
            return self.both();
        }
        if folded {
            let blanks = self.rest().bytes().take_while(u8::is_ascii_whitespace).count();
            self.at += blanks;
            let given =
                self.text.as_bytes()[self.done..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            self.done += given.max(1);
            return;
        }
        self.at += if self.rest().starts_with("\r\n") { 2 } else { 1 };
        self.done += 1;
        // Blanks that the value does not have are indentation.
        let blanks = self.rest().bytes().take_while(|b| *b == b' ').count();
        let kept =
            self.text.as_bytes().get(self.done..).unwrap_or(&[]).iter().take_while(|b| **b == b' ').count();
        self.at += blanks.saturating_sub(kept);
    }
}
