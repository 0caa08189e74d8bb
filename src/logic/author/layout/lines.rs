//! Lines of a text: where they begin and end, how far they are indented, which of them are blank or hold a comment alone.

use super::{Doc, Sort};

impl Doc<'_> {
    /// Returns where the line of a place begins.
    pub(in super::super) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or_else(|| self.text_start(), |found| found + 1)
    }

    fn text_start(&self) -> usize {
        if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
    }

    /// Returns where the line of a place ends, without its break.
    pub(in super::super) fn line_end(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let end = rest.find('\n').unwrap_or(rest.len());
        at + rest[..end].trim_end_matches('\r').len()
    }

    /// Returns where the line behind the one of a place begins.
    pub(in super::super) fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |found| at + found + 1)
    }

    pub(in super::super) fn is_line_start(&self, at: usize) -> bool {
        self.line_start(at) == at
    }

    /// Returns how many bytes stand before a place in its line.
    pub(in super::super) fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// Says whether only blanks stand before a place in its line.
    pub(in super::super) fn is_first(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].trim_matches([' ', '\t']).is_empty()
    }

    /// Says whether the line that begins at a place is blank.
    pub(in super::super) fn is_blank(&self, start: usize) -> bool {
        start < self.text.len() && self.text[start..self.line_end(start)].trim().is_empty()
    }

    /// Returns the place of the comment if the line that begins at a place holds one and nothing else.
    pub(in super::super) fn lone_comment(&self, start: usize) -> Option<usize> {
        let line = &self.text[start..self.line_end(start)];
        let at = start + (line.len() - line.trim_start().len());
        let found = self.tokens.binary_search_by_key(&at, |it| it.start).ok()?;
        (self.tokens[found].sort == Sort::Comment).then_some(at)
    }

    /// Returns where the comments begin that stand right above the line that begins at a place, at that indentation.
    pub(in super::super) fn with_comments_above(&self, start: usize, column: usize) -> usize {
        let mut top = start;
        while top > self.text_start() {
            let above = self.line_start(top - 1);
            match self.lone_comment(above) {
                Some(at) if at - above == column => top = above,
                _ => break,
            }
        }
        top
    }

    /// Returns where the line begins that follows what ends at a place and begins in that column: behind the rest of its
    /// line and the comments below that are indented farther.
    pub(in super::super) fn end_of_lines(&self, end: usize, column: usize) -> usize {
        let is_whole = end > 0 && self.is_line_start(end) && end > self.text_start();
        let mut end = if is_whole { end } else { self.next_line(end) };
        let mut line = end;
        while line < self.text.len() {
            match self.lone_comment(line) {
                Some(at) if at - line > column => {
                    line = self.next_line(at);
                    end = line;
                }
                None if self.is_blank(line) => line = self.next_line(line),
                _ => break,
            }
        }
        end
    }

    /// Says whether there is a blank line between two places.
    pub(in super::super) fn has_blank_line(&self, from: usize, to: usize) -> bool {
        let mut line = if self.is_line_start(from) { from } else { self.next_line(from) };
        while line < to {
            if self.is_blank(line) {
                return true;
            }
            line = self.next_line(line);
        }
        false
    }

    /// Returns where the blank lines end that begin at a place.
    pub(in super::super) fn past_blanks(&self, start: usize) -> usize {
        let mut line = start;
        while self.is_blank(line) {
            line = self.next_line(line);
        }
        line
    }

    /// Returns where the blank lines begin that end at a place, which begins a line.
    pub(in super::super) fn before_blanks(&self, start: usize) -> usize {
        let last = self.tokens.partition_point(|it| it.end <= start);
        // Lines that belong to a text are not blank.
        let floor = if last == 0 { self.text_start() } else { self.tokens[last - 1].end };
        let mut line = start;
        while line > self.text_start() {
            let above = self.line_start(line - 1);
            if above < floor || !self.is_blank(above) {
                break;
            }
            line = above;
        }
        line
    }

    /// Returns the line break that the text uses.
    pub(in super::super) fn newline(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}
