//! Playbook text to a checked model, or to all that is wrong with it.
//!
//! Not here: plans and matrices (`logic/plan`), the expression language (`logic/expr`), drawing of diagnostics
//! (`faces/report.rs`). Start with `read`. The way goes from `source.rs` (text and places) over `tree.rs` (YAML) to
//! `read_playbook.rs` and its neighbours, which fill `model.rs`; `keys.rs` is the table of keys, `slugs.rs` that of faults.

pub mod artifact;
pub mod cache;
pub mod call;
mod check;
pub mod contexts;
mod decode;
mod expressions;
pub mod files;
pub mod fixed_ports;
pub mod gate;
pub mod keys;
mod link;
mod link_actions;
mod link_artifacts;
mod link_calls;
mod members;
mod merge;
pub mod model;
pub mod offsets;
pub mod overlaps;
mod read_action;
mod read_artifacts;
pub mod read_cache;
mod read_control;
mod read_files;
mod read_gate;
mod read_inputs;
mod read_limits;
mod read_matrix;
mod read_on;
mod read_playbook;
mod read_profiles;
mod read_reporting;
mod read_script;
mod read_service;
mod read_share;
mod read_stage;
mod read_step;
mod read_uses;
pub mod scalar;
pub mod schema;
pub mod scripts;
pub mod share;
pub mod sidecar;
pub mod slugs;
pub mod source;
mod splice;
mod syntax;
pub mod tree;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use decode::Reader;
use expressions::Known;
use model::Playbook;
use source::{Source, Span};

pub use decode::{NAME_HELP, name_problem};
pub use read_inputs::KINDS as INPUT_KINDS;

use super::diag::{Diagnostic, Severity};

/// Largest file in bytes.
pub const SIZE_LIMIT: usize = 4 * 1024 * 1024;

/// Most problems that are kept of one file; more would help nobody.
const FOUND_LIMIT: usize = 1_000;

/// How many misspelt names of one file are compared with all others.
const GUESSES: usize = 40;

/// What reading a file gave.
#[derive(Debug)]
pub struct Reading {
    /// There only if there is no error.
    pub playbook: Option<Playbook>,
    /// Sorted by place.
    pub diagnostics: Vec<Diagnostic>,
    /// Files that it calls, with what is wrong with them.
    pub called: Vec<(Source, Vec<Diagnostic>)>,
    /// Files that it calls and that were not given with its source, by their paths from the project's folder.
    pub missing: Vec<Arc<str>>,
}

/// Reads a file's bytes: text in UTF-8, with or without a byte order mark.
///
/// The source that comes back is the text that the diagnostics' places count in.
#[must_use]
pub fn read_bytes(name: &str, bytes: &[u8]) -> (Source, Reading) {
    if bytes.len() > SIZE_LIMIT {
        let problem = Diagnostic::error(
            "file-too-large",
            Span::default(),
            "this file is larger than 4 MiB, too large for a playbook",
        )
        .help("is it a playbook at all? if so, generate it in parts");
        return (Source::new(name, ""), failed(problem));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let fault = match (std::str::from_utf8(bytes), memchr::memchr(0, bytes)) {
        (Ok(text), None) => {
            let source = Source::new(name, text);
            let reading = read(&source);
            return (source, reading);
        }
        (Ok(_), Some(nul)) => nul,
        (Err(error), _) => error.valid_up_to(),
    };
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let help = if utf16 {
        "this looks like UTF-16; save the file as UTF-8"
    } else {
        "a playbook is a text file in UTF-8"
    };
    let start = u32::try_from(fault).unwrap_or(u32::MAX);
    let problem = Diagnostic::error(
        "not-text",
        Span { start, end: start + 1 },
        "this file is not text that can be read",
    )
    .help(help);
    // Offsets up to the fault are the same in the text that can be shown.
    (Source::new(name, String::from_utf8_lossy(bytes).replace('\0', " ")), failed(problem))
}

/// Returns the source of a file's bytes if they are a text that [`read_bytes`] takes as it is.
#[must_use]
pub fn text_of(name: &str, bytes: &[u8]) -> Option<Source> {
    let is_plain = bytes.len() <= SIZE_LIMIT && memchr::memchr(0, bytes).is_none();
    let text = std::str::from_utf8(bytes).ok().filter(|text| is_plain && !text.starts_with('\u{feff}'))?;
    Some(Source::new(name, text))
}

fn failed(problem: Diagnostic) -> Reading {
    Reading { playbook: None, diagnostics: vec![problem], called: Vec::new(), missing: Vec::new() }
}

/// Reads a playbook with all that it calls, and checks all that can be checked before it runs.
#[must_use]
pub fn read(source: &Source) -> Reading {
    link::link(source, read_alone(source))
}

/// Reads one file, without what it calls. What could be understood of it comes along even if there are errors.
fn read_alone(source: &Source) -> Reading {
    if source.text.len() > SIZE_LIMIT {
        return read_bytes(&source.name, source.text.as_bytes()).1;
    }
    let (tree, mut found) = tree::parse(source);
    let Some(tree) = tree else {
        if found.is_empty() {
            found.push(empty_file());
        }
        return finish(None, found);
    };
    let is_empty = matches!(&tree.node(tree.root).kind, tree::Kind::Scalar(scalar) if scalar::resolve(scalar) == scalar::Core::Null);
    if is_empty {
        if found.is_empty() {
            found.push(empty_file());
        }
        return finish(None, found);
    }
    let mut reader = Reader {
        tree: &tree,
        source,
        found,
        missing: Vec::new(),
        library: None,
        guesses: GUESSES,
        walked: Default::default(),
        known: Known::default(),
    };
    let playbook = reader.playbook();
    if source.is_stored() {
        // Advice that is newer than the job must not become an error of it by `policy.strict`.
        reader.found.retain(link::is_error);
    }
    let missing = reader.missing;
    Reading { missing, ..finish(playbook, reader.found) }
}

/// Reads the file of an action, without the actions that it uses.
fn read_action(source: &Source) -> (Option<call::Action>, Vec<Diagnostic>, Vec<Arc<str>>) {
    let (tree, mut found) = tree::parse(source);
    let Some(tree) = tree else {
        if found.is_empty() {
            found.push(empty_file());
        }
        return (None, finish(None, found).diagnostics, Vec::new());
    };
    let mut reader = Reader {
        tree: &tree,
        source,
        found,
        missing: Vec::new(),
        library: None,
        guesses: GUESSES,
        walked: Default::default(),
        known: Known { is_action: true, ..Known::default() },
    };
    let action = reader.action_file();
    (action, finish(None, reader.found).diagnostics, reader.missing)
}

fn empty_file() -> Diagnostic {
    Diagnostic::error("empty-file", Span::default(), "this file is empty")
        .help("a playbook begins with `version: 3` and has `stages:`")
}

/// Sorts, and takes repetitions out.
fn finish(playbook: Option<Playbook>, mut diagnostics: Vec<Diagnostic>) -> Reading {
    if playbook.as_ref().is_some_and(|playbook| playbook.policy.strict) {
        for problem in &mut diagnostics {
            problem.severity = Severity::Error;
        }
    }
    // What stands behind a tag or an alias of nothing is not the author's fault as well.
    let broken: Vec<Span> = diagnostics
        .iter()
        .filter(|problem| matches!(problem.slug, "yaml-tag" | "unknown-anchor"))
        .map(|problem| problem.span)
        .collect();
    diagnostics.retain(|problem| {
        let is_inside = |span: &Span| (span.start..=span.end).contains(&problem.span.start);
        matches!(problem.slug, "yaml-tag" | "unknown-anchor") || !broken.iter().take(1000).any(is_inside)
    });
    // An aliased value is read as often as it is used, but what is wrong with it is said once.
    diagnostics.sort_by(|a, b| (a.span, a.slug, &a.message).cmp(&(b.span, b.slug, &b.message)));
    diagnostics.dedup_by(|a, b| a.span == b.span && a.slug == b.slug);
    let has_error = diagnostics.iter().any(|problem| problem.severity == Severity::Error);
    // Errors stay when something has to go.
    if has_error && diagnostics.len() > FOUND_LIMIT {
        diagnostics.retain(|problem| problem.severity == Severity::Error);
    }
    diagnostics.truncate(FOUND_LIMIT);
    Reading { playbook, diagnostics, called: Vec::new(), missing: Vec::new() }
}
