//! Playbooks that have to be in order before a command goes on.
//!
//! Not here: finding and reading them (`engine/library.rs`), drawing (`faces/report`).

use std::path::Path;

use super::out::Out;
use crate::engine::library::{self, Opened};
use crate::faces::ending::{Ending, Failure};
use crate::faces::report::{self, Look};
use crate::logic::playbook::model::Playbook;

/// Finds and reads a playbook. Diagnostics are drawn on `notes`, and an error among them ends the command.
///
/// # Errors
/// If there is no such playbook, it cannot be read, or it has errors.
pub(super) fn open(root: &Path, wanted: &str, notes: &mut Out) -> Result<(Opened, Playbook), Failure> {
    let mut opened = library::open(root, &library::find(root, wanted)?)?;
    if !opened.reading.diagnostics.is_empty() {
        let look = look(notes);
        notes.bytes(report::draw(&[(&opened.source, &opened.reading.diagnostics)], look).as_bytes());
        notes.flush();
    }
    match opened.reading.playbook.take() {
        Some(playbook) => Ok((opened, playbook)),
        None => Err(Failure::told(Ending::Usage)),
    }
}

/// Returns how diagnostics are drawn there.
pub(super) fn look(out: &Out) -> Look {
    Look { is_coloured: out.paint.color, ..Look::default() }
}
