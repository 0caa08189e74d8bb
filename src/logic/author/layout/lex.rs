//! What stands between the scalars of a YAML text: dashes, colons, brackets, anchors, comments.
//!
//! Not here: the scalars themselves, whose places the parser told (`build.rs`). Without them there is no letter left that
//! could mean two things.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sort {
    Dash,
    Question,
    Colon,
    Comma,
    Open,
    Close,
    Anchor,
    Alias,
    Scalar,
    /// The `|` or `>` before a text in lines, with what belongs to it.
    Header,
    /// The lines of a text in lines, from the begin of the first one to the begin of the one behind the last.
    Body,
    /// From its `#` to the end of the line.
    Comment,
    /// `---`, `...` or a directive.
    Marker,
}

/// A part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Token {
    pub sort: Sort,
    pub start: usize,
    pub end: usize,
}

/// A scalar that the parser found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extent {
    Inline(usize, usize),
    /// The parser's end of a text in lines, which may lie behind blank lines and in the middle of one.
    Lines(usize),
}

/// Takes a text apart. Nothing if a letter has no meaning here: then the parser and this do not agree, and nobody should
/// touch the text.
pub(super) fn lex(text: &str, extents: &[Extent]) -> Option<Vec<Token>> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    let mut extents = extents.iter().copied().peekable();
    while lexer.at < text.len() {
        if let Some(Extent::Inline(start, end)) = extents.peek().copied() {
            if lexer.at == start {
                lexer.push(Sort::Scalar, end);
                extents.next();
                continue;
            }
            if lexer.at > start {
                return None;
            }
        }
        if matches!(lexer.text.as_bytes()[lexer.at], b'|' | b'>') {
            let Some(Extent::Lines(end)) = extents.next() else { return None };
            lexer.lines(end)?;
            continue;
        }
        lexer.sign()?;
    }
    extents.next().is_none().then_some(lexer.tokens)
}

struct Lexer<'s> {
    text: &'s str,
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn push(&mut self, sort: Sort, end: usize) {
        self.tokens.push(Token { sort, start: self.at, end });
        self.at = end;
    }

    /// Returns where the line ends, without its break.
    fn line_end(&self) -> usize {
        let rest = &self.text[self.at..];
        let end = rest.find('\n').unwrap_or(rest.len());
        self.at + rest[..end].trim_end_matches('\r').len()
    }

    fn word_end(&self) -> usize {
        let rest = &self.text[self.at + 1..];
        let end = rest.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(rest.len());
        self.at + 1 + end
    }

    fn sign(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let is_line_start = self.at == 0 || self.text[..self.at].ends_with(['\n', '\u{feff}']);
        let is_marker = |marker: &str| {
            rest.strip_prefix(marker)
                .is_some_and(|it| it.is_empty() || it.starts_with([' ', '\t', '\n', '\r']))
        };
        if is_line_start && (is_marker("---") || is_marker("...")) {
            self.push(Sort::Marker, self.at + 3);
            return Some(());
        }
        let one = self.at + 1;
        match rest.chars().next()? {
            ' ' | '\t' | '\n' | '\r' => self.at += 1,
            '\u{feff}' if self.at == 0 => self.at += '\u{feff}'.len_utf8(),
            '#' => self.push(Sort::Comment, self.line_end()),
            '%' if is_line_start => self.push(Sort::Marker, self.line_end()),
            '-' => self.push(Sort::Dash, one),
            '?' => self.push(Sort::Question, one),
            ':' => self.push(Sort::Colon, one),
            ',' => self.push(Sort::Comma, one),
            '[' | '{' => self.push(Sort::Open, one),
            ']' | '}' => self.push(Sort::Close, one),
            '&' => self.push(Sort::Anchor, self.word_end()),
            '*' => self.push(Sort::Alias, self.word_end()),
            _ => return None,
        }
        Some(())
    }

    /// Reads a text in lines, from its `|` or `>`.
    fn lines(&mut self, parsed: usize) -> Option<()> {
        let header = self.at;
        self.push(Sort::Header, self.word_end());
        let marks = &self.text[header..self.at];
        let is_kept = marks.contains('+');
        let digits = marks.chars().find_map(|c| c.to_digit(10));
        let end = self.line_end();
        let behind = &self.text[self.at..end];
        if behind.trim_start().starts_with('#') {
            self.at += behind.len() - behind.trim_start().len();
            self.push(Sort::Comment, end);
        } else if !behind.trim().is_empty() {
            return None;
        }
        self.at = self.text[self.at..].find('\n').map_or(self.text.len(), |found| self.at + found + 1);
        let end = self.body_end(parsed, is_kept, digits.is_some());
        if end > self.at {
            self.push(Sort::Body, end);
        }
        Some(())
    }

    /// Returns where the lines end, blank ones behind them left out unless they count.
    fn body_end(&self, parsed: usize, is_kept: bool, is_told: bool) -> usize {
        let parsed = parsed.clamp(self.at, self.text.len());
        let body = &self.text[self.at..parsed];
        // The parser may have gone on into the indentation of what follows.
        let tail = body.rfind('\n').map_or(0, |found| found + 1);
        let is_cut = body[tail..].trim_matches(' ').is_empty();
        let mut body = if is_cut { &body[..tail] } else { body };
        if is_kept {
            return self.at + body.len();
        }
        let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let first = body.lines().find(|line| !line.trim().is_empty());
        // With its indentation told by a digit, a line of blanks may be one with blanks in it.
        let indent = first.map_or(usize::MAX, blanks);
        loop {
            let inner = body.strip_suffix('\n').unwrap_or(body);
            let line = &inner[inner.rfind('\n').map_or(0, |found| found + 1)..];
            let line = line.trim_end_matches('\r');
            let is_blank =
                line.trim_matches(' ').is_empty() && (line.is_empty() || (!is_told && line.len() <= indent));
            if body.is_empty() || !is_blank {
                return self.at + body.len();
            }
            body = &body[..body.len()
                - (body.len() - inner.len())
                - (inner.len() - inner.rfind('\n').map_or(0, |found| found + 1))];
        }
    }
}
