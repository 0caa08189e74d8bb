//! Edits that are looked at with what the playbook calls, and whether a text is worse than the one before.
//!
//! Not here: making them (`mod.rs`), files (`engine/library.rs`, `engine/rewrite.rs`).

use super::{Edit, Edited, Refusal, apply};
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::playbook::source::Source;

/// Reads a text with the playbooks that it calls, which only files can tell; returns it with them and what is wrong with it.
pub type Read<'a> = &'a dyn Fn(Source) -> (Source, Vec<Diagnostic>);

/// Edits a playbook as [`apply`] does, and looks at it with what it calls. `known` is what is wrong with it so far.
///
/// # Errors
/// As of [`apply`], or if it would fit no more to what it calls.
pub fn tried(
    source: &Source,
    known: &[Diagnostic],
    edits: &[Edit],
    read: Read<'_>,
) -> Result<Edited, Refusal> {
    let edited = apply(source, edits)?;
    let (source, diagnostics) = read(edited.source);
    let worse = worsened(known, &diagnostics);
    if !worse.is_empty() {
        return Err(Refusal { source, problems: worse, is_after: true });
    }
    Ok(Edited { source, diagnostics })
}

/// Returns the errors of a text that an earlier one did not have. Names may have changed, and places.
#[must_use]
pub fn worsened(before: &[Diagnostic], after: &[Diagnostic]) -> Vec<Diagnostic> {
    let errors = |all: &[Diagnostic]| -> Vec<Diagnostic> {
        all.iter().filter(|it| it.severity == Severity::Error).cloned().collect()
    };
    let mut known = errors(before);
    let mut take = |is_it: &dyn Fn(&Diagnostic) -> bool| match known.iter().position(is_it) {
        Some(at) => {
            known.remove(at);
            false
        }
        None => true,
    };
    let mut new = errors(after);
    new.retain(|it| take(&|known| known.slug == it.slug && known.message == it.message));
    new.retain(|it| take(&|known| known.slug == it.slug));
    new
}
