//! Diagnostics for people and for machines: drawn on a terminal, or as JSON.
//!
//! Not here: finding them (`logic/playbook`). Start with `draw` and `to_json`; both take several files, each with its
//! own diagnostics.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::playbook::source::{Source, Span};
use crate::logic::text::plural;

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;

/// Most diagnostics that are drawn; the rest is counted.
const SHOWN: usize = 20;
/// Lines between two places that are drawn in one piece; places farther apart are drawn each on its own.
const TOGETHER: u32 = 12;

/// How a terminal is drawn on.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub is_coloured: bool,
    /// Width in columns.
    pub width: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self { is_coloured: false, width: 120 }
    }
}

/// A file with what is wrong with it.
pub type File<'a> = (&'a Source, &'a [Diagnostic]);

/// Draws the first twenty diagnostics and a closing line; without any the text is empty.
#[must_use]
pub fn draw(files: &[File<'_>], look: Look) -> String {
    let renderer = if look.is_coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Unicode).term_width(look.width);
    let mut text = String::new();
    let all =
        files.iter().flat_map(|(source, problems)| problems.iter().map(move |problem| (*source, problem)));
    for (source, problem) in all.take(SHOWN) {
        text.push_str(&renderer.render(&[group(source, problem)]));
        text.push_str("\n\n");
    }
    let count: usize = files.iter().map(|(_, problems)| problems.len()).sum();
    if count > SHOWN {
        text.push_str(&format!("and {} more\n", count - SHOWN));
    }
    if let Some(line) = summary(files) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Returns the closing line, such as `2 errors, 1 warning`; nothing if there are none.
#[must_use]
pub fn summary(files: &[File<'_>]) -> Option<String> {
    let count = |severity| {
        files.iter().flat_map(|(_, problems)| *problems).filter(|p| p.severity == severity).count()
    };
    let mut parts = Vec::new();
    for (severity, word) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let count = count(severity);
        if count > 0 {
            parts.push(plural(count, word));
        }
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns the form for machines: `{"diagnostics": [{slug, severity, file, line, column, message, help}]}`.
///
/// Lines and columns count from 1, columns in characters; `help` is null if there is none.
#[must_use]
pub fn to_json(files: &[File<'_>]) -> serde_json::Value {
    let mut list = Vec::new();
    for (source, problems) in files {
        for problem in *problems {
            let place = source.place(problem.span.start);
            list.push(serde_json::json!({
                "slug": problem.slug,
                "severity": problem.severity.word(),
                "file": &*source.name,
                "line": place.line,
                "column": place.column,
                "message": problem.message,
                "help": problem.help,
            }));
        }
    }
    serde_json::json!({ "diagnostics": list })
}

fn group<'a>(source: &'a Source, problem: &'a Diagnostic) -> Group<'a> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group =
        level.primary_title(normalize_untrusted_str(&problem.message)).elements(snippets(source, problem));
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    group.element(Level::NOTE.message(format!("sortie explain {}", problem.slug)))
}

/// A piece of the file: first and last line, and the places in it.
struct Piece<'a> {
    from: u32,
    to: u32,
    marks: Vec<(Span, &'a str, bool)>,
}

/// Returns the lines to show, with their marks; places that are near each other share a piece.
fn snippets<'a>(
    source: &'a Source,
    problem: &'a Diagnostic,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let places = std::iter::once((problem.span, problem.label.as_str(), true))
        .chain(problem.related.iter().map(|(span, label)| (*span, label.as_str(), false)));
    for mark in places {
        let line = source.place(mark.0.start).line;
        let near =
            pieces.iter_mut().find(|piece| line + TOGETHER >= piece.from && line <= piece.to + TOGETHER);
        match near {
            Some(piece) => {
                piece.from = piece.from.min(line);
                piece.to = piece.to.max(line);
                piece.marks.push(mark);
            }
            None => pieces.push(Piece { from: line, to: line, marks: vec![mark] }),
        }
    }
    pieces.into_iter().map(|piece| snippet(source, &piece)).collect()
}

fn snippet<'a>(source: &'a Source, piece: &Piece<'a>) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let text: &'a str = &source.text;
    let start = line_start(source, piece.from);
    let end = line_start(source, piece.to) + source.line(piece.to).len();
    let shown = text.get(start..end).unwrap_or("");
    let mut snippet = Snippet::source(shown).line_start(piece.from as usize).path(&*source.name).fold(true);
    for (span, label, is_primary) in &piece.marks {
        let kind = if *is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
        let from = (span.start as usize).saturating_sub(start).min(shown.len());
        // Only the first line of a place is marked, and never nothing at all.
        let line_end = shown[from..].find(['\n', '\r']).map_or(shown.len(), |at| from + at);
        let to = (span.end as usize).saturating_sub(start).clamp(from, line_end);
        let next = shown[from..].chars().next().map_or(from, |c| from + c.len_utf8());
        let annotation = kind.span(from..to.max(next.min(line_end)));
        snippet = snippet.annotation(if label.is_empty() { annotation } else { annotation.label(*label) });
    }
    snippet
}

/// Returns the offset at which a line begins.
fn line_start(source: &Source, line: u32) -> usize {
    let text: &str = &source.text;
    let line = source.line(line);
    // `Source::line` hands out a part of the text, so the distance of the two is its place.
    (line.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len())
}
