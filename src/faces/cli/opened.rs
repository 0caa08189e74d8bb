//! Playbooks that have to be in order before a command goes on.
//!
//! Not here: finding and reading them (`engine/library.rs`), drawing (`faces/report`).

use std::path::PathBuf;

use crate::engine::library::{self, Opened};
use crate::engine::{Ahead, Project};
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::Out;
use crate::faces::report::{self, Look};
use crate::logic::playbook::model::Playbook;
use crate::logic::playbook::scripts::is_selection;
use crate::logic::text::plural;

/// Finds and reads a playbook. Diagnostics are drawn on `notes`, and an error among them ends the command.
///
/// # Errors
/// If there is no such playbook, it cannot be read, or it has errors.
pub(super) fn open(project: &Project, wanted: &str, notes: &mut Out) -> Result<(Opened, Playbook), Failure> {
    let opened = library::open(project, &find(project, wanted, notes)?)?;
    draw(project, opened, notes, false)
}

/// The same for a run: warnings come as one line, so that they do not bury what happens.
///
/// # Errors
/// As of [`open`].
pub(super) fn open_to_run(
    project: &Project,
    wanted: &str,
    notes: &mut Out,
) -> Result<(Opened, Playbook), Failure> {
    let opened = library::open(project, &find(project, wanted, notes)?)?;
    draw(project, opened, notes, true)
}

/// The same, for a playbook that has mostly been read before.
///
/// # Errors
/// As of [`open`].
pub(super) fn open_again(
    project: &Project,
    wanted: &str,
    ahead: &mut Ahead,
    notes: &mut Out,
) -> Result<(Opened, Playbook), Failure> {
    let path = find(project, wanted, notes)?;
    let (opened, reading) = library::open_again(project, &path)?;
    ahead.has_read(reading);
    draw(project, opened, notes, true)
}

/// Makes one word of several selectors of scripts; a playbook is named alone.
///
/// # Errors
/// If there are several and not all of them are selectors.
pub(super) fn one(first: &str, more: &[String]) -> Result<String, Failure> {
    if more.is_empty() {
        return Ok(first.to_owned());
    }
    let all: Vec<&str> = std::iter::once(first).chain(more.iter().map(String::as_str)).collect();
    match all.iter().find(|it| !is_selection(it)) {
        None => Ok(all.join(",")),
        Some(odd) => {
            Err(Failure::usage(format!("`{odd}` is no selector of scripts, and there are several words"))
                .help(
                    "name one playbook, or scripts as `0402`, `0400-0499`, `04*`, `stage:NAME`, `tag:NAME`",
                ))
        }
    }
}

/// Finds a playbook, and says which one it is where that can be mistaken.
///
/// # Errors
/// If there is no such playbook.
pub(super) fn find(project: &Project, wanted: &str, notes: &mut Out) -> Result<PathBuf, Failure> {
    let (path, note) = library::find_told(project, wanted)?;
    if let Some(note) = note {
        notes.line(note);
        notes.flush();
    }
    Ok(path)
}

fn draw(
    project: &Project,
    mut opened: Opened,
    notes: &mut Out,
    brief: bool,
) -> Result<(Opened, Playbook), Failure> {
    let found: usize = opened.files().iter().map(|(_, found)| found.len()).sum();
    if brief && found > 0 && opened.reading.playbook.is_some() {
        let path = quoted(&library::callable(project, &opened.path));
        notes.line(format!("{}: sortie check {path}", plural(found, "warning")));
        notes.flush();
    } else if found > 0 {
        let look = look(notes);
        notes.bytes(report::draw(&opened.files(), look).as_bytes());
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
