//! The layout of a playbook: steps of two columns, dashes below their key by one step, single blanks, single blank lines.
//!
//! Nothing is written anew: each sign keeps its neighbours, and what stands between two of them becomes what belongs there.
//! Texts in lines keep their lines, brackets and quotes stay what they are. The result must have the same values and the
//! same comments, or it is refused.
//!
//! Not here: edits (`author/edit`), files (`faces/cli/format.rs`). Start with `format`.

mod levels;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Write as _;

use super::edit::unsound;
use super::layout::plain::Plain;
use super::layout::{Doc, Id, Shape, Sort, Token};
use crate::logic::diag::Diagnostic;
use crate::logic::playbook::source::{Source, Span};
use levels::{Level, Levels};

/// Columns of a step.
const STEP: usize = 2;

/// Lays a playbook out.
///
/// # Errors
/// If it is no sound YAML, or nobody can lay it out without changing what it means.
pub fn format(source: &Source) -> Result<String, Vec<Diagnostic>> {
    let unsound = unsound(source);
    if !unsound.is_empty() {
        return Err(unsound);
    }
    let refused = |message: &str| {
        let problem = Diagnostic::error("edit-not-possible", Span::default(), message);
        vec![problem.help("lay it out by hand; nothing was changed")]
    };
    let text = source.text.replace("\r\n", "\n");
    let Some(old) = Doc::parse(&text) else {
        return Err(refused("the signs of this file cannot all be told, so nothing in it is touched"));
    };
    let new = Layout::of(&old);
    let is_same = Doc::parse(&new).is_some_and(|new| {
        comments(&old).eq(comments(&new)) && Plain::of(&old, old.root) == Plain::of(&new, new.root)
    });
    if is_same {
        // Line ends are those of the first line.
        let is_windows = source.text.split_once('\n').is_some_and(|(first, _)| first.ends_with('\r'));
        return Ok(if is_windows { new.replace('\n', "\r\n") } else { new });
    }
    Err(refused("this file is written in an unusual way, and another layout would change what it means"))
}

/// Looks whether it may be a playbook or an action, with mistakes or without: other files are nobody's to touch.
///
/// # Errors
/// If it is something else.
pub fn is_one_of_ours(source: &Source) -> Result<(), Vec<Diagnostic>> {
    let text = source.text.replace("\r\n", "\n");
    // What is no YAML at all is told by who lays it out.
    let Some(doc) = Doc::parse(&text) else { return Ok(()) };
    let is_known = |key: &Plain| matches!(key, Plain::Text(key) if ["version", "stages", "runs"].contains(&key.as_str()));
    let is_ours = match Plain::of(&doc, doc.root) {
        Plain::Map(fields) => fields.iter().any(|(key, _)| is_known(key)),
        Plain::Null => true,
        _ => false,
    };
    if is_ours {
        return Ok(());
    }
    let message = "this is no playbook: none of `version`, `stages` and `runs` stands at its top level";
    let problem = Diagnostic::error("edit-not-possible", Span::default(), message);
    Err(vec![problem.help("only playbooks and actions are laid out; nothing was changed")])
}

fn comments<'d>(doc: &'d Doc<'_>) -> impl Iterator<Item = &'d str> {
    let comments = doc.tokens.iter().filter(|it| it.sort == Sort::Comment);
    comments.map(|it| doc.text[it.start..it.end].trim_end())
}

/// Writes the signs of a text one after the other.
struct Layout<'d, 's> {
    doc: &'d Doc<'s>,
    levels: Levels,
    /// Texts in lines by their ends.
    bodies: HashMap<usize, Id>,
    text: String,
    /// Open brackets.
    depth: usize,
}

impl<'d, 's> Layout<'d, 's> {
    fn of(doc: &'d Doc<'s>) -> String {
        let bodies = doc.ids().filter(|id| doc.node(*id).body.is_some()).map(|id| (doc.node(id).end, id));
        let bodies = bodies.collect();
        let mut layout = Self { doc, levels: Levels::of(doc, STEP), bodies, text: String::new(), depth: 0 };
        if doc.text.starts_with('\u{feff}') {
            layout.text.push('\u{feff}');
        }
        let mut before = None;
        for (at, token) in doc.tokens.iter().enumerate() {
            layout.token(before, at, *token);
            before = Some(*token);
        }
        if !layout.text.ends_with('\n') {
            layout.text.push('\n');
        }
        layout.text
    }

    fn token(&mut self, before: Option<Token>, at: usize, token: Token) {
        if token.sort == Sort::Close {
            self.depth = self.depth.saturating_sub(1);
        }
        let gap = before.map_or("", |before| &self.doc.text[before.end..token.start]);
        let breaks = gap.matches('\n').count();
        let is_first = match before {
            None => true,
            Some(before) => breaks > 0 || before.sort == Sort::Body,
        };
        if token.sort == Sort::Body {
            self.text.push('\n');
            self.body(token);
            return;
        }
        if let Some(before) = before
            && is_first
        {
            // The lines of a text have their break already.
            let breaks = if before.sort == Sort::Body { breaks } else { breaks - 1 };
            self.text.push_str(if before.sort == Sort::Body { "" } else { "\n" });
            self.text.push_str(if breaks > 0 { "\n" } else { "" });
        }
        if is_first {
            let column =
                if token.sort == Sort::Comment { self.comment_column(at, token) } else { self.column(token) };
            let _ = write!(self.text, "{:column$}", "");
        } else if let Some(before) = before {
            self.text.push_str(between(before, token, gap, self.depth > 0));
        }
        self.sign(token);
        if token.sort == Sort::Open {
            self.depth += 1;
        }
    }

    /// Returns the level that a place belongs to.
    fn level(&self, at: usize) -> Level {
        self.levels.at(at).last().copied().unwrap_or_default()
    }

    /// Returns the column of a sign that begins a line.
    fn column(&self, token: Token) -> usize {
        if token.sort == Sort::Marker {
            return 0;
        }
        let (level, column) = (self.level(token.start), self.doc.column(token.start));
        // A closing bracket counts as inside, too.
        let is_inside = self.depth > 0 || token.sort == Sort::Close;
        match column == level.old {
            _ if is_inside => level.shifted(column),
            true => level.new,
            false => level.new + STEP,
        }
    }

    /// Returns the column of a comment that has a line to itself: that of what it stands above, or of what it ends.
    fn comment_column(&self, at: usize, token: Token) -> usize {
        let column = self.doc.column(token.start);
        if self.depth > 0 {
            return self.level(token.start).shifted(column);
        }
        let is_content = |it: &&Token| it.sort != Sort::Comment;
        let next = self.doc.tokens[at..].iter().find(is_content);
        let (next_old, next_new) = next.map_or((0, 0), |it| (self.doc.column(it.start), self.column(*it)));
        if column <= next_old {
            return next_new;
        }
        let Some(before) = self.doc.tokens[..at].iter().rev().find(is_content) else { return next_new };
        let inner = self.levels.at(before.start);
        let fits = |it: &&Level| it.old >= next_old && it.old <= column;
        inner.iter().rev().find(fits).map_or(next_new, |it| it.new.max(next_new))
    }

    fn sign(&mut self, token: Token) {
        let words = &self.doc.text[token.start..token.end];
        match token.sort {
            Sort::Comment => self.text.push_str(words.trim_end()),
            Sort::Scalar if words.contains('\n') => self.several_lines(token, words),
            _ => self.text.push_str(words),
        }
    }

    /// Writes a text in quotes, or a plain one, that goes over several lines: they move with where it begins.
    fn several_lines(&mut self, token: Token, words: &str) {
        let level = self.level(token.start);
        for (at, line) in words.split('\n').enumerate() {
            // A blank behind a backslash is one that counts.
            let trimmed = line.trim_end_matches([' ', '\t']);
            let line = if trimmed.ends_with('\\') { line } else { trimmed };
            if at == 0 {
                self.text.push_str(line);
                continue;
            }
            self.text.push('\n');
            let inner = line.trim_start_matches([' ', '\t']);
            if !inner.is_empty() {
                let column = level.shifted(line.len() - inner.len()).max(level.new + 1);
                let _ = write!(self.text, "{:column$}{inner}", "");
            }
        }
    }

    /// Writes the lines of a text below a `|` or `>`.
    fn body(&mut self, token: Token) {
        let doc = self.doc;
        let level = self.level(token.start);
        let raw = &doc.text[token.start..token.end];
        let node = self.bodies.get(&token.end).copied();
        let first_of = |text: &str| {
            let line = text.lines().find(|line| !line.trim_matches(' ').is_empty());
            line.map(|line| line.len() - line.trim_start_matches(' ').len())
        };
        let value = node.and_then(|id| doc.text_of(id)).unwrap_or_default();
        let told = node.and_then(|id| digit(doc, id));
        let written = first_of(raw);
        let indent = written.unwrap_or(usize::MAX).saturating_sub(first_of(value).unwrap_or(0));
        let column = level.new + told.unwrap_or(STEP);
        let raw = raw.strip_suffix('\n').unwrap_or(raw);
        for line in raw.split('\n') {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if blanks < line.len() || blanks > indent {
                let inner = &line[indent.min(blanks)..];
                let _ = write!(self.text, "{:column$}{inner}", "");
            }
            self.text.push('\n');
        }
    }
}

/// Returns the indentation that the header of a text in lines tells.
fn digit(doc: &Doc<'_>, id: Id) -> Option<usize> {
    let node = doc.node(id);
    let Shape::Scalar { .. } = node.shape else { return None };
    let header = doc.text[node.start..].split_whitespace().next()?;
    let digit = header.chars().find_map(|c| c.to_digit(10))?;
    usize::try_from(digit).ok()
}

/// Returns what stands between two signs of a line.
fn between(before: Token, token: Token, gap: &str, is_in_flow: bool) -> &'static str {
    let as_written = if gap.is_empty() { "" } else { " " };
    match (before.sort, token.sort) {
        (_, Sort::Comment) => " ",
        (Sort::Open, Sort::Close) | (_, Sort::Comma) => "",
        // The colon would become part of the name.
        (Sort::Alias, Sort::Colon) => " ",
        (_, Sort::Colon) => "",
        (Sort::Open, _) | (_, Sort::Close) if is_in_flow || token.sort == Sort::Close => as_written,
        _ => " ",
    }
}
