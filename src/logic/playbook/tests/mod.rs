//! Tests of reading playbooks: text in, diagnostics out.
//!
//! Not here: tests of YAML itself (`tree`), of pages and broken playbooks (`tests/broken.rs`).

use std::fmt::Write as _;

use super::{Reading, read};
use crate::logic::playbook::source::Source;

mod basics;
mod broken;
mod expressions;
mod graph;
mod model;
mod on;
mod overlaps;
mod robust;
mod yaml;

/// Reads a playbook; `version: 3` is put in front so that tests show only what they are about.
pub(super) fn read_text(text: &str) -> (Source, Reading) {
    let source = Source::new("test.yml", format!("{text}version: 3\n"));
    let reading = read(&source);
    (source, reading)
}

/// One line for each diagnostic: `error unknown-need 2:16 b`, the last word being the marked text.
pub(super) fn lines(source: &Source, reading: &Reading) -> String {
    let mut out = String::new();
    for problem in &reading.diagnostics {
        let place = source.place(problem.span.start);
        let marked = source.text.get(problem.span.start as usize..problem.span.end as usize).unwrap_or("?");
        let marked = marked.lines().next().unwrap_or("");
        let _ = writeln!(
            out,
            "{} {} {}:{} `{marked}`",
            problem.severity.word(),
            problem.slug,
            place.line,
            place.column
        );
    }
    out
}

/// As `lines`, with messages and ways out.
pub(super) fn full(source: &Source, reading: &Reading) -> String {
    let mut out = String::new();
    for problem in &reading.diagnostics {
        let place = source.place(problem.span.start);
        let _ = writeln!(out, "{}:{} {}: {}", place.line, place.column, problem.slug, problem.message);
        for (span, label) in &problem.related {
            let place = source.place(span.start);
            let _ = writeln!(out, "  {}:{} {label}", place.line, place.column);
        }
        if let Some(help) = &problem.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    out
}

/// Compares what reading finds, line by line.
pub(super) fn check(text: &str, expected: expect_test::Expect) {
    let (source, reading) = read_text(text);
    expected.assert_eq(&lines(&source, &reading));
}

/// Compares messages and ways out as well.
pub(super) fn check_full(text: &str, expected: expect_test::Expect) {
    let (source, reading) = read_text(text);
    expected.assert_eq(&full(&source, &reading));
}
