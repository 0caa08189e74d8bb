//! What an entry that fits gives: its outputs, put back where they are not there, and what is replayed.
//!
//! Not here: which entry fits (`look.rs`), how files are put back (`restore.rs`).

use std::collections::HashSet;
use std::path::Path;
use std::sync::PoisonError;

use super::db::Db;
use super::entry::{Entry, Output, Stored, Unreadable};
use super::files::{Root, Trouble, read_patterns};
use super::keep::some_of;
use super::logs::{new_step, put_logs};
use super::look::{Known, Moment, NOT_AS_WRITTEN, Wanted, damaged, damaged_store, none};
use super::restore::{ASIDE, Aside, Restored, Restorer, Todo, aside_words, leave_changed, may_write, survey};
use super::stat::{Stamp, stat_at};
use super::worker::{Places, Shared};
use crate::logic::cache::{Hit, Record, Unit};
use crate::logic::job::report::AttemptKey;

/// Puts the outputs of an entry back, if everything about it is whole.
pub(super) fn serve(
    shared: &Shared,
    db: &Db,
    moment: &mut Moment<'_>,
    (wanted, known): (&Wanted, &Known),
    id: i64,
    (entry, record): (&Entry, Option<Record>),
) -> Result<Hit, Trouble> {
    let head = &entry.head;
    let shelf = &moment.places.shelf;
    for body in entry.bodies() {
        let is_whole = match body.at {
            Some(_) => entry.has_inside(body),
            None => shelf.is_whole(&body.hash.0, body.size, &shared.memo),
        };
        if !is_whole {
            return Err(damaged("a file of the result is missing in the store, or not as it was kept"));
        }
    }
    let other = |_| Trouble::new("other-format", "the result was kept by another version of sortie");
    let mut record = record.map_or_else(|| entry.record().map_err(other), Ok)?;
    let exact = wanted.recipe.outputs_exact.then_some(&*known.outputs);
    let todo = survey(&mut moment.look, &shared.memo, entry, exact)?;
    if !(todo.is_empty() || moment.may_write) {
        return Err(Trouble::new("not-locked", "the outputs are not as they were made"));
    }
    if !todo.is_empty() || head.logs.iter().any(|it| it.body.at.is_some() && it.body.size > 0) {
        complete(db, id, entry)?;
    }
    may_write(&moment.places.root, &todo)?;
    let aside = shared.opening.job_dir.join(ASIDE);
    let is_made = |it: &Output| shared.known.has(db, None, it);
    let away = Some(Aside { folder: &aside, is_made: &is_made });
    let restorer = Restorer { shelf, memo: &shared.memo, db: Some(db), aside: away };
    let restored = restorer.apply(&moment.places.root, id, entry, &todo)?;
    // Last: where it is a miss after all, the command begins its log anew.
    put_logs(&shared.opening.job_dir, wanted.unit, entry, shelf)?;
    if restored.count > 0 {
        moment.look.forget();
        shared.left.note(wanted.unit, &head.name, marks(&moment.places.root, &todo));
    }
    let mut notes = shared.take_notes();
    // What this has done with them is told below.
    notes.retain(|note| !note.starts_with(&left_words(&head.name)));
    if known.resolved.inputs.is_empty() {
        notes.extend(shared.idle_inputs(&wanted.recipe, &known.resolved));
    }
    notes.extend(restored_notes(&restored, &aside, &moment.places.root.path));
    each_once(&mut notes);
    let count = record.steps.len();
    for replay in &mut record.steps {
        let step = new_step(wanted.unit, replay.end.key.step, count);
        replay.end.key = AttemptKey { cell: wanted.unit.cell, run: wanted.unit.run, step, attempt: 1 };
    }
    Ok(Hit {
        key: head.key.0.to_hex().to_string(),
        record,
        restored: restored.count,
        notes,
        files: u32::try_from(head.files.len()).unwrap_or(u32::MAX),
        bytes: head.bytes,
        made_by: head.made_by,
    })
}

/// Reads an entry, with its small files if they are at hand.
pub(super) fn open(stored: Stored) -> Result<Entry, Unreadable> {
    let entry = Entry::read(&stored.entry)?;
    if let Some(inside) = stored.inside {
        // That they are not whole is told where they are needed.
        let _outcome = entry.complete(inside);
    }
    Ok(entry)
}

/// Reads the small files of an entry if they were not read with it.
fn complete(db: &Db, id: i64, entry: &Entry) -> Result<(), Trouble> {
    if entry.is_complete() {
        return Ok(());
    }
    match db.whole(id).map_err(|error| damaged_store(&error))? {
        Some(Stored { entry: bytes, inside }) if entry.is_of(&bytes) => {
            entry.complete(inside.unwrap_or_default()).map_err(|_| damaged(NOT_AS_WRITTEN))
        }
        // It was removed, or made anew, since the entry was read.
        _ => Err(none()),
    }
}

/// Returns how files are that were put back.
fn marks<'a>(root: &Root, todo: &'a [Todo<'a>]) -> impl Iterator<Item = (Vec<u8>, Stamp)> {
    let paths = todo.iter().filter_map(|it| match it {
        Todo::File { path, .. } | Todo::Link { path, .. } => Some(*path),
        Todo::Folder { .. } | Todo::Remove { .. } => None,
    });
    paths.filter_map(|path| Some((path.to_vec(), stat_at(root.fd(), path).ok()??.stamp)))
}

/// What is said first of outputs that were not put back.
fn left_words(name: &str) -> String {
    format!("outputs of `{name}` were being put back when their job died")
}

/// Leaves the first of those that are equal: a look that is taken once more finds again what the one before it had to say.
pub(super) fn each_once(notes: &mut Vec<String>) {
    let mut said = HashSet::new();
    notes.retain(|note| said.insert(note.clone()));
}

/// Says what of the files on the disk is gone with a hit.
fn restored_notes(restored: &Restored, aside: &Path, root: &Path) -> Vec<String> {
    let mut notes = Vec::new();
    let files = |names: &[String]| {
        if names.len() == 1 { "1 file".to_owned() } else { format!("{} files", names.len()) }
    };
    if !restored.removed.is_empty() {
        let (count, names) = (files(&restored.removed), some_of(&restored.removed));
        notes.push(format!("{count} of other results removed from its outputs: {names}"));
    }
    if !restored.aside.is_empty() {
        let (count, names) = (files(&restored.aside), some_of(&restored.aside));
        let moved = aside_words(aside, root);
        notes.push(format!("{count} among its outputs that no result had, {moved}: {names}"));
    }
    notes.extend(restored.stuck.iter().map(|(_, words)| words.clone()));
    notes
}

/// Restores an entry whose restoring was cut off, unless somebody else is writing its outputs.
pub(super) fn restore_to_end(shared: &Shared, places: &Places, db: &Db, (id, note): (i64, &[u8])) {
    let Ok(Some(stored)) = db.whole(id) else { return forget_restoring(shared, db, id) };
    let Ok(entry) = Entry::read(&stored.entry) else { return forget_restoring(shared, db, id) };
    if entry.complete(stored.inside.unwrap_or_default()).is_err() {
        return forget_restoring(shared, db, id);
    }
    let Ok(outputs) = read_patterns(&entry.head.patterns) else { return };
    let mut moment = Moment::new(shared, places);
    // Nobody has this number: cells are counted from the other end.
    let unit = Unit { cell: u32::MAX, run: 0, step: None };
    let wishes = moment.wishes(&outputs);
    if places.locks.take(unit, &wishes).is_err() {
        return;
    }
    if places.locks.others().in_way(&wishes).is_some() {
        return places.locks.give_back(&[unit]);
    }
    let gate = places.shelf.gate(false);
    let aside = shared.opening.job_dir.join(ASIDE);
    let is_made = |it: &Output| shared.known.has(db, None, it);
    let away = Some(Aside { folder: &aside, is_made: &is_made });
    let restorer = Restorer { shelf: &places.shelf, memo: &shared.memo, db: Some(db), aside: away };
    if let Ok(mut todo) = survey(&mut moment.look, &shared.memo, &entry, None) {
        let changed = leave_changed(note, &mut todo);
        if !changed.is_empty() {
            let names = some_of(&changed);
            let words = left_words(&entry.head.name);
            shared.note(format!(
                "{words}; what was changed since is left for whoever takes that result: {names}"
            ));
        }
        // What cannot be restored is looked at again by whoever looks for that result.
        let _outcome = restorer.apply(&places.root, id, &entry, &todo);
    }
    forget_restoring(shared, db, id);
    drop(gate);
    places.locks.give_back(&[unit]);
}

fn forget_restoring(shared: &Shared, db: &Db, id: i64) {
    let _one = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
    // If it stays, the next job does the same once more.
    let _outcome = db.restored(id);
}
