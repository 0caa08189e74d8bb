//! Edits of oddly written playbooks: single ones, and thousands of random sequences.
//!
//! The random ones are judged by nothing of ours: values by another reader of YAML and an oracle of its own (`oracle.rs`),
//! comments and places by the parser's events (`walk.rs`).

mod cases;
mod oracle;
mod random;
pub(crate) mod walk;

use std::path::PathBuf;

use super::{Edit, Refusal, apply};
use crate::logic::playbook::source::Source;

/// Returns the oddly written playbooks with their names.
pub(crate) fn fixtures() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/edit");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("it is part of the project").map(|it| it.unwrap().path()).collect();
    found.sort();
    found
        .iter()
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), text_of(path)))
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "fixtures are files, and this is their only reader")]
fn text_of(path: &PathBuf) -> String {
    let text = std::fs::read_to_string(path).expect("it is text");
    text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned)
}

/// Edits a text.
fn edited(text: &str, edit: Edit) -> Result<String, Refusal> {
    apply(&Source::new("playbook.yml", text), &[edit]).map(|it| it.source.text.to_string())
}
