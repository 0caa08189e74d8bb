//! Faults of YAML itself, in the words of somebody who writes a playbook.
//!
//! Not here: the parser (a library), reading of its events (`tree.rs`). Start with `diagnose`.

use granit_parser::{ErrorKind, ScanError};

use super::source::{Source, Span};
use crate::logic::diag::Diagnostic;

/// Turns an error of the parser into a diagnostic with a way out.
pub(super) fn diagnose(source: &Source, error: &ScanError) -> Diagnostic {
    let text = &source.text;
    let mut at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    // At the very end there is nothing to show; the last written character is where to look.
    if text[at.min(floor(text, at))..].trim().is_empty() {
        at = text.trim_end().char_indices().next_back().map_or(0, |(last, _)| last);
    }
    at = floor(text, at);
    if let Some(found) = opened_above(text, at, error.kind()) {
        return found;
    }
    let line = line_at(text, at);
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return problem("too-deep", at, at + 1, "values are nested far too deep")
            .help("a playbook needs far fewer levels; is a bracket missing?");
    }
    if let Some(tab) = tab_of_indentation(text, at) {
        return problem("yaml-tab", tab, tab + 1, "a tab stands where YAML wants spaces")
            .help("indent with spaces; most editors can convert tabs");
    }
    let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
    if let Some((message, help)) = by_line(error.kind(), line) {
        return problem("yaml-syntax", at, end, message).help(help);
    }
    let (message, help) = by_kind(error.kind());
    let message = if message.is_empty() { error.info() } else { message.to_owned() };
    problem("yaml-syntax", at, end, message).help(help)
}

/// A tag such as `!include`; most often an exclamation mark that was meant as text.
pub(super) fn tag(source: &Source, span: Span, tag: &str) -> Diagnostic {
    let line = line_at(&source.text, span.start as usize);
    let problem =
        Diagnostic::error("yaml-tag", span, format!("`{tag}` is a YAML tag, and playbooks have none"));
    if line.trim_start().trim_start_matches("- ").starts_with("if:") {
        problem.help("put the condition in quotes, because a `!` at its beginning has a meaning in YAML")
    } else {
        problem.help("remove the tag; text that begins with `!` has to stand in quotes")
    }
}

fn problem(slug: &'static str, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
    let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Diagnostic::error(slug, Span { start: clamp(start), end: clamp(end) }, message)
}

/// Finds the true place of faults that show only on a later line: brackets, quotes and colons without a space.
fn opened_above(text: &str, at: usize, kind: &ErrorKind) -> Option<Diagnostic> {
    let line_start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    if matches!(kind, ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent) {
        // The quote that opens a value stands behind a colon, a dash, a bracket or a comma.
        let mut opener = None;
        for (offset, c) in text[..at].char_indices().rev().take(100_000) {
            let before = text[..offset].trim_end_matches(' ').chars().next_back();
            if matches!(c, '"' | '\'') && before.is_none_or(|c| matches!(c, ':' | '-' | '[' | '{' | ',')) {
                opener = Some(offset);
                break;
            }
        }
        let (message, help) = by_kind(kind);
        return opener.map(|offset| problem("yaml-syntax", offset, offset + 1, message).help(help));
    }
    let above = text[..line_start].trim_end();
    let start = above.rfind('\n').map_or(0, |before| before + 1);
    let line = &above[start..];
    let opens = line.matches(['[', '{']).count();
    if opens > line.matches([']', '}']).count() && !line.contains("${{") {
        let bracket = start + line.rfind(['[', '{'])?;
        return Some(
            problem("yaml-syntax", bracket, bracket + 1, "a bracket is opened but never closed")
                .help("add the closing `]` or `}`"),
        );
    }
    if matches!(
        kind,
        ErrorKind::MappingValueNotAllowed | ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey
    ) {
        let here = line_at(text, at);
        let colon = match tight_colon(here) {
            Some(colon) => line_start + colon,
            None => start + tight_colon(line)?,
        };
        return Some(
            problem("yaml-syntax", colon, colon + 1, "a space is missing behind the colon")
                .help("write `key: value`, with a space behind the colon"),
        );
    }
    None
}

/// Finds the colon of `key:value`.
fn tight_colon(line: &str) -> Option<usize> {
    let content = line.trim_start().trim_start_matches("- ");
    let colon = content.find(':').filter(|colon| !content[..*colon].contains([' ', '"', '\'', '{', '[']))?;
    let is_tight = content[colon + 1..].starts_with(|c: char| !c.is_whitespace() && c != '/');
    is_tight.then_some(line.len() - content.len() + colon)
}

fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn line_at(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    let end = text[at..].find('\n').map_or(text.len(), |after| at + after);
    &text[start..end]
}

/// Finds a tab among the blanks that begin the line of the fault, or the line before.
fn tab_of_indentation(text: &str, at: usize) -> Option<usize> {
    let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    let before = text[..start.saturating_sub(1)].rfind('\n').map_or(0, |before| before + 1);
    [start, before].into_iter().find_map(|start| {
        let blanks = text[start..].bytes().take_while(|b| matches!(b, b' ' | b'\t')).collect::<Vec<_>>();
        blanks.iter().position(|b| *b == b'\t').map(|tab| start + tab)
    })
}

/// What the line itself gives away.
fn by_line(kind: &ErrorKind, line: &str) -> Option<(&'static str, &'static str)> {
    let content = line.trim_start().trim_start_matches("- ");
    let value = content.split_once(": ").map_or("", |(_, value)| value.trim_start());
    if value.starts_with(['@', '`', '%']) {
        return Some((
            "this text begins with a character that YAML keeps for itself",
            "put the text in quotes",
        ));
    }
    let in_braces = line.find('{').is_some_and(|brace| line.find("${{").is_some_and(|dollar| brace < dollar));
    let in_brackets =
        line.find('[').is_some_and(|bracket| line.find("${{").is_some_and(|dollar| bracket < dollar));
    if in_braces || in_brackets {
        let help = "inside `{ }` and `[ ]` a text with `${{ }}` has to stand in quotes, because its braces have a meaning in YAML";
        return Some(("the braces of `${{ }}` are read as YAML here", help));
    }
    if matches!(kind, ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement)
        && value.contains(": ")
    {
        let help = "put the text in quotes, because a colon and a space in it begin a value";
        return Some(("there is a second `: ` on this line", help));
    }
    if tight_colon(line).is_some() && !value.contains(':') {
        return Some((
            "a space is missing behind the colon",
            "write `key: value`, with a space behind the colon",
        ));
    }
    None
}

/// What the parser's kind of error means; an empty message stands for the parser's own words.
fn by_kind(kind: &ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent => (
            "a quote is opened but never closed",
            "close the quote; inside single quotes, write `''` for one of them",
        ),
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            "there is text behind a closing quote",
            "put the whole text in quotes; `''` stands for `'` in single quotes, `\\\"` for `\"` in double ones",
        ),
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => (
            "a backslash in double quotes begins an escape, and this is none",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::InvalidFlowScalarIndent => {
            ("a bracket is opened but never closed", "add the closing `]` or `}`")
        }
        ErrorKind::MismatchedFlowCollectionEnd { .. } | ErrorKind::MisplacedFlowCollectionEnd => {
            ("this bracket closes none that is open", "remove it, or add the opening one")
        }
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => (
            "expected a comma or a closing bracket",
            "separate the parts with commas, and put text with `,`, `:`, `{` or `[` in quotes",
        ),
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::MappingKeyNotAllowed => (
            "a `: ` is not possible here",
            "is the line indented too far, or does a text with a colon need quotes?",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "this line is neither `key: value` nor part of the value above",
            "is a colon missing, or the line not indented far enough?",
        ),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => (
            "this line is indented differently from the ones that it belongs to",
            "let all keys of one map begin in the same column",
        ),
        ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::BlockEntryInFlowCollection => (
            "a list and a map are mixed here",
            "begin every part of a list with `- `, all in the same column",
        ),
        ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::ZeroBlockScalarIndent => (
            "a text block is indented wrongly",
            "indent all its lines by the same number of spaces, deeper than its key",
        ),
        ErrorKind::UnexpectedCharacter { .. } => {
            ("this character cannot begin a text", "put the text in quotes")
        }
        ErrorKind::CommentNotSeparated => {
            ("a comment needs a space before its `#`", "add the space, or put the text in quotes")
        }
        ErrorKind::InvalidDocumentEnd => ("there is text behind `...`", "remove what follows"),
        _ => ("", "put text with special characters in quotes"),
    }
}
