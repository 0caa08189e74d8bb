//! Keeps a result after a miss, if it is certain what it was made of and what it is.
//!
//! Inputs are looked at again: equal, and in the very same state. Files of the result are read and written to the store, and
//! only then the entry that names them, in one transaction for all results that are kept together.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};

use super::db::Db;
use super::entry::{self, ALL_INLINE, Body, Bytes, Digest, Head, INLINE, Log, Output, What};
use super::files::{Item, Look, Resolved, Trouble, shown, stays};
use super::look::{Known, Looking, name_id, seconds};
use super::memo::Reading;
use super::point;
use super::project::{FOLDER, Listing, listing};
use super::stat::{Stamp, Stat};
use super::worker::{Places, Shared, Worker, not_kept};
use crate::engine::clock;
use crate::logic::cache::key::{Input, portrait};
use crate::logic::cache::pattern::Patterns;
use crate::logic::cache::{Inputs, Kept, Record, Share, Trust, UNDECLARED, Unit};
use crate::logic::job::report::Report;

/// A result that was made.
#[derive(Debug)]
pub(super) struct Keeping {
    pub(super) unit: Unit,
    /// When the work was over, in nanoseconds.
    pub(super) until: i64,
    pub(super) record: Record,
    pub(super) logs: Vec<(u32, String)>,
}

/// What the newest result of a name was made of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NameRow {
    pub(super) name: String,
    pub(super) key: Digest,
    pub(super) trust: Trust,
    pub(super) share: Share,
    pub(super) branch: Option<String>,
    pub(super) portrait: Vec<(String, Option<String>)>,
}

/// A result that is ready to be written down.
struct Ready {
    unit: Unit,
    slot: i64,
    head: Head,
    body: Vec<u8>,
    inside: Vec<u8>,
    name: i64,
    row: Vec<u8>,
    kept: Kept,
}

/// The bytes of a result while it is gathered.
struct Gather<'a> {
    shared: &'a Shared,
    places: &'a Places,
    inside: Vec<u8>,
    bytes: u64,
    /// When the work began and when it was over, by the clock that marks files.
    during: (i64, i64),
    /// Outputs that were there before, by their place in the list.
    old: Vec<usize>,
    /// How files and links are, by the same place.
    stamps: Vec<(usize, Stamp)>,
}

/// Stands for the name of a stage where an artifact was put into place for one.
const ARTIFACT: &str = "artifacts.in";

/// So many files are named in a message.
const NAMED: usize = 5;

/// So many results without outputs are compared with the project, in each job: each looks at all files.
const MOST_BARE: u32 = 8;

/// Tries to read a file that is being written.
const TRIES: u32 = 3;

impl Worker {
    /// Keeps results.
    pub(super) fn keep(&mut self, keeps: Vec<Keeping>) {
        if keeps.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let (places, db) = match (shared.places(), self.db.as_ref().map_err(Clone::clone)) {
            (Ok(places), Ok(db)) => (places, db),
            (Err(trouble), _) | (_, Err(trouble)) => {
                let no = |it: Keeping| not_kept(it.unit, trouble.clone());
                return shared.tell(keeps.into_iter().map(no).collect());
            }
        };
        // Nobody removes what no entry names yet.
        let gate = places.shelf.gate(false);
        let units: Vec<Unit> = keeps.iter().map(|it| it.unit).collect();
        let mut reports = Vec::with_capacity(keeps.len());
        let mut ready = Vec::with_capacity(keeps.len());
        // The work of all of them was over before it.
        let mut look = Look::new(&places.root, &shared.memo);
        for it in keeps {
            let unit = it.unit;
            match prepare((&shared, places, db), &mut look, it) {
                Ok(it) => ready.push(it),
                Err(why) => reports.push(not_kept(unit, why)),
            }
        }
        let written = write_down(&shared, db, &ready);
        drop(gate);
        reports.extend(ready.into_iter().map(|it| match &written {
            Ok(()) => Report::Kept { unit: it.unit, kept: it.kept },
            Err(error) => {
                let message = format!("the store of results cannot be written: {error}");
                not_kept(it.unit, Trouble::new("no-store", message))
            }
        }));
        places.locks.give_back(&units);
        shared.tell(reports);
    }

    /// Restores the entries whose restoring was cut off, as far as nobody else is writing their outputs.
    pub(super) fn finish(&mut self) {
        let shared = Arc::clone(&self.shared);
        let (Ok(places), Ok(db)) = (shared.places(), &self.db) else { return };
        for (id, note) in db.unfinished().unwrap_or_default() {
            super::serve::restore_to_end(&shared, places, db, (id, &note));
        }
        places.shelf.clean_up();
    }
}

fn write_down(shared: &Shared, db: &Db, ready: &[Ready]) -> rusqlite::Result<()> {
    if ready.is_empty() {
        return Ok(());
    }
    let now = seconds();
    let _one = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
    let fresh = shared.memo.take_fresh();
    point();
    let written = db.together(|db| {
        for it in ready {
            db.put_entry(it.slot, &it.body, &it.inside, now)?;
            super::portraits::put(db, it.name, &it.row)?;
        }
        db.put_memo(&fresh)?;
        point();
        Ok(())
    });
    point();
    if written.is_ok() {
        shared.taken.lock().unwrap_or_else(PoisonError::into_inner).extend(ready.iter().map(|it| it.slot));
        ready.iter().for_each(|it| shared.known.add(&it.head.name, &it.head.files));
    }
    written
}

/// Finds out whether a result may be kept, and gathers it.
fn prepare(
    (shared, places, db): (&Shared, &Places, &Db),
    look: &mut Look<'_>,
    it: Keeping,
) -> Result<Ready, Kept> {
    let looking = shared.looked.lock().unwrap_or_else(PoisonError::into_inner).remove(&it.unit);
    let Some(looking) = looking else {
        return Err(Trouble::new("not-looked", "it was not looked for, or could not be").into());
    };
    let (again, _) = look.inputs_of(&looking.recipe, &looking.known.beside).map_err(|trouble| {
        let message = format!("its inputs were changed while it ran: {}", trouble.message);
        Trouble::new("input-changed", message)
    })?;
    let ahead = shared.ahead(&places.shelf);
    let during = (looking.since.saturating_add(ahead.min(0)), it.until.saturating_add(ahead.max(0)));
    let unchanged = compare(&looking.known.resolved, &again);
    let is_project = matches!(looking.recipe.inputs, Inputs::Project(_));
    if let (Err(trouble), false) = (&unchanged, is_project) {
        return Err(trouble.clone().into());
    }
    let seen = unchanged.is_err().then(|| seen(&looking.known, &again));
    let notes = other_writes((shared, db), look, &looking, during, seen)?;
    if let Err(Trouble { reason, message }) = unchanged {
        // All that it wrote was just looked at.
        return Err(Kept::Not { reason: reason.to_owned(), message, is_seen: looking.listing.is_some() });
    }
    refuse_stale(shared, look, it.unit, &again)?;
    let mut gather =
        Gather { shared, places, inside: Vec::new(), bytes: 0, during, old: Vec::new(), stamps: Vec::new() };
    let files = gather.outputs(look, &looking)?;
    gather.refuse_of_units(it.unit, &looking.recipe.name, &files)?;
    gather.refuse_others(db, &looking, &files)?;
    let logs = gather.logs(&it.logs)?;
    let artifacts = it.record.artifacts.iter().flatten().map(|artifact| {
        super::artifacts::bodies(&places.shelf, artifact).map_err(|why| Trouble::new("no-artifact", why))
    });
    let artifacts = artifacts.collect::<Result<Vec<_>, _>>()?.concat();
    let (recipe, known) = (&looking.recipe, &looking.known);
    let record = serde_json::to_string(&it.record).map_err(|error| {
        Trouble::new("not-recordable", format!("what it told cannot be written down: {error}"))
    })?;
    let branch = (recipe.share == Share::Branch)
        .then(|| shared.branches.get_or_init(|| super::branch::branches(&shared.opening.root)).own.clone())
        .flatten();
    let (trust, share) = (shared.opening.trust, recipe.share);
    let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
    let head = Head {
        key: Digest(known.key),
        name: recipe.name.clone(),
        patterns: recipe.outputs.clone(),
        files,
        logs,
        record,
        bytes: gather.bytes,
        made_by: shared.opening.job,
        made: clock::now().0,
        trust,
        share,
        branch: branch.clone(),
        artifacts,
    };
    let portrait = portrait(recipe, &known.around, &known.resolved.inputs, &db.secret).0;
    let row = NameRow { name: recipe.name.clone(), key: Digest(known.key), trust, share, branch, portrait };
    let key = known.key.to_hex().to_string();
    Ok(Ready {
        unit: it.unit,
        slot: shared.slots(&known.key, share).keep,
        body: entry::write(&head, &gather.inside),
        inside: gather.inside,
        head,
        name: name_id(&recipe.name),
        row: rmp_serde::to_vec(&row).expect("text can always be written"),
        kept: Kept::Stored { key, files: count, bytes: gather.bytes, notes },
    })
}

/// Refuses a result whose inputs are not what they were, or were touched.
fn compare(before: &Resolved, now: &Resolved) -> Result<(), Trouble> {
    if before == now {
        return Ok(());
    }
    let map = |it: &Resolved| -> BTreeMap<Vec<u8>, Input> {
        it.inputs.iter().map(|input| (input.path.clone(), input.clone())).collect()
    };
    let (old, new) = (map(before), map(now));
    let changed = new.iter().filter(|(path, input)| old.get(*path) != Some(input)).map(|(path, _)| path);
    let gone = old.keys().filter(|path| !new.contains_key(*path));
    let names: Vec<String> = changed.chain(gone).map(|path| shown(path)).collect();
    if !names.is_empty() {
        let message = format!("its inputs were changed while it ran: {}", some_of(&names));
        return Err(Trouble::new("input-changed", message));
    }
    let touched = now.inputs.iter().zip(&now.states).zip(&before.states).filter(|((_, now), old)| now != old);
    let names: Vec<String> = touched.map(|((input, _), _)| shown(&input.path)).collect();
    let message = format!(
        "its inputs were written while it ran, so it is not certain what it saw: {}",
        some_of(&names)
    );
    Err(Trouble::new("input-touched", message))
}

/// Names the first of them, and says how many there are besides.
pub(super) fn some_of(names: &[String]) -> String {
    let told: Vec<String> = names.iter().take(NAMED).map(|it| format!("`{it}`")).collect();
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", told.join(", "))
}

/// Refuses a result that wrote files which are not among its outputs, and are not `seen` in other ways; or warns of them, where nobody asked for that.
fn other_writes(
    (shared, db): (&Shared, &Db),
    look: &mut Look<'_>,
    looking: &Looking,
    (since, until): (i64, i64),
    seen: Option<HashSet<String>>,
) -> Result<Vec<String>, Trouble> {
    let mut worked = shared.worked.lock().unwrap_or_else(PoisonError::into_inner);
    worked.push((looking.recipe.name.clone(), since, until));
    drop(worked);
    let Some(before) = &looking.listing else { return Ok(Vec::new()) };
    if looking.is_bare && shared.bare.fetch_add(1, Ordering::Relaxed) >= MOST_BARE {
        return Ok(Vec::new());
    }
    let beside = beside(shared, &looking.recipe.name, (since, until));
    let mut written = written(shared, look, before, until)?;
    written.retain(|path| seen.as_ref().is_none_or(|seen| !seen.contains(path)));
    if written.is_empty() {
        return Ok(Vec::new());
    }
    let by = match beside.is_empty() {
        true => String::new(),
        false => format!(", by it or by what ran at the same time ({})", some_of(&beside)),
    };
    let names = some_of(&written);
    if looking.is_bare {
        let message = format!(
            "files were written in the project while it ran{by}, and it has no `outputs`: {names}; a hit does not bring \
             them back: declare those that are its own as `outputs` of its `cache`"
        );
        return Ok(vec![message]);
    }
    if matches!(looking.recipe.inputs, Inputs::Project(_)) {
        let _one = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let paths = written.iter().map(|path| path.as_bytes().to_vec());
        if let Err(error) = super::beside::note(db, &looking.recipe.name, paths) {
            return Err(super::look::damaged_store(&error));
        }
    }
    let message = format!(
        "files were written in the project that are no outputs of it{by}: {names}; declare them as `outputs` of its `cache`"
    );
    Err(Trouble::new(UNDECLARED, message))
}

/// Returns what was written in the project since a listing, but for outputs of somebody and what artifacts were put into place as.
fn written(
    shared: &Shared,
    look: &mut Look<'_>,
    before: &Listing,
    until: i64,
) -> Result<Vec<String>, Trouble> {
    let (placed, root) = (shared.opening.placed.lock(), look.root);
    let now = listing(look)?;
    let declared = shared.declared.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(before.written(&now, &declared, until, &|path, stamp| {
        let path = root.full(path);
        if *stamp == FOLDER { placed.has_below(&path) } else { placed.has(&path, stamp) }
    }))
}

/// Returns the paths of what is part of the keys of all who come next, where those are of the project as a whole.
fn seen(known: &Known, again: &Resolved) -> HashSet<String> {
    let inputs = known.resolved.inputs.iter().chain(&again.inputs);
    inputs.filter(|input| !known.beside.contains(&input.path)).map(|input| shown(&input.path)).collect()
}

/// Names what was at work at the same time.
fn beside(shared: &Shared, name: &str, (since, until): (i64, i64)) -> Vec<String> {
    let worked = shared.worked.lock().unwrap_or_else(PoisonError::into_inner);
    let ended = worked.iter().filter(|(_, from, to)| *from <= until && since <= *to);
    let looked = shared.looked.lock().unwrap_or_else(PoisonError::into_inner);
    let at_work = looked.values().filter(|it| it.since <= until).map(|it| &it.recipe.name);
    let all = ended.map(|(name, _, _)| name).chain(at_work);
    let names: BTreeSet<&String> = all.filter(|it| *it != name).collect();
    names.into_iter().cloned().collect()
}

impl Gather<'_> {
    /// Reads the outputs.
    fn outputs(&mut self, look: &mut Look<'_>, looking: &Looking) -> Result<Vec<Output>, Trouble> {
        let patterns = &looking.known.outputs;
        let items = look.list(patterns)?;
        if items.is_empty() && !patterns.texts().is_empty() {
            let message =
                format!("no file is there that its `outputs` name: `{}`", patterns.texts().join("`, `"));
            return Err(Trouble::new("no-outputs", message));
        }
        refuse_missing(look, patterns)?;
        let size: u64 = items.iter().filter(|it| it.stat.is_file()).map(|it| it.stat.stamp.size).sum();
        if let Some(most) = looking.recipe.max_size.filter(|most| size > *most) {
            let message = format!("its outputs have {size} bytes, more than the {most} of its `max-size`");
            return Err(Trouble::new("too-large", message));
        }
        refuse_late(look, patterns, self.during.1)?;
        let mut outputs = Vec::with_capacity(items.len());
        let mut late = Vec::new();
        for item in items {
            if !look.is_inside(&item.path) {
                let message = format!(
                    "the output `{}` is reached by a link that leaves the project",
                    shown(&item.path)
                );
                return Err(Trouble::new("leaves-project", message));
            }
            let mut stamp = item.stat.stamp;
            let what = if item.stat.is_folder() {
                What::Folder
            } else if item.stat.is_link() {
                What::Link { target: Bytes(self.link(&item)?) }
            } else if item.stat.is_file() {
                let (stat, body) = self.file(&item)?;
                self.bytes += body.size;
                stamp = stat.stamp;
                What::File { mode: stat.mode & 0o777, body }
            } else {
                let message = format!("the output `{}` is no file, folder or link", shown(&item.path));
                return Err(Trouble::new("odd-output", message));
            };
            if stamp.changed > self.during.1 {
                late.push(shown(&item.path));
            }
            if what != What::Folder {
                if stamp.changed < self.during.0 || looking.there.get(&item.path) == Some(&stamp) {
                    self.old.push(outputs.len());
                }
                self.stamps.push((outputs.len(), stamp));
            }
            outputs.push(Output { path: Bytes(item.path), what });
        }
        if late.is_empty() { Ok(outputs) } else { Err(written_late(&late)) }
    }

    /// Refuses files that are just as another stage, cell or step of this job made them or put them back: taken again with this
    /// result, they would take the place of what that one makes by then. All others are its own from now on.
    fn refuse_of_units(&self, unit: Unit, name: &str, files: &[Output]) -> Result<(), Trouble> {
        let (left, placed) = (&self.shared.left, self.shared.opening.placed.lock());
        let (mut names, mut owners, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for (at, stamp) in &self.stamps {
            let path = &files[*at].path.0;
            let full = self.places.root.full(path);
            let of_artifact = || placed.has_of_other(unit.cell, &full, stamp).then(|| Arc::from(ARTIFACT));
            match left.by_other(unit, path, stamp).or_else(of_artifact) {
                None => own.push((path.clone(), *stamp)),
                Some(owner) => {
                    names.push(shown(path));
                    owners.push(owner);
                }
            }
        }
        drop(placed);
        left.note(unit, name, own.into_iter());
        let Some(first) = owners.first() else { return Ok(()) };
        let message = format!(
            "files are among its outputs that `{first}` made or put back in this job: {}; let each make files in a folder of its \
             own, such as one with a value of the matrix in its path, or take them out with `!`",
            some_of(&names)
        );
        Err(Trouble::new("of-another", message))
    }

    /// Refuses files that were there before the work began, unless they are named one by one or were made by earlier work of
    /// the same name: a command that finds them up to date leaves them as they are.
    fn refuse_others(&self, db: &Db, looking: &Looking, files: &[Output]) -> Result<(), Trouble> {
        if self.old.is_empty() {
            return Ok(());
        }
        let is_named = |output: &Output| {
            let mut sources = looking.known.outputs.sources();
            sources.any(|at| at.is_literal && at.base.as_bytes() == output.path.0)
        };
        let name = Some(looking.recipe.name.as_str());
        let old = self.old.iter().map(|at| &files[*at]);
        let others = old.filter(|it| !is_named(it) && !self.shared.known.has(db, name, it));
        let names: Vec<String> = others.map(|it| shown(&it.path.0)).collect();
        if names.is_empty() {
            return Ok(());
        }
        let message = format!(
            "files were among its outputs before it began, and no result of it had them: {}; remove them so that they are \
             made anew, name each in `outputs`, or take them out with `!`",
            some_of(&names)
        );
        Err(Trouble::new("leftover", message))
    }

    /// Returns where an output that is a link leads to, if that is inside of the project.
    fn link(&self, item: &Item) -> Result<Vec<u8>, Trouble> {
        let root = &self.places.root;
        let target = rustix::fs::readlinkat(root.fd(), item.path.as_slice(), Vec::new())
            .map_err(|error| unreadable(&item.path, &error.into()))?
            .into_bytes();
        let is_inside = match root.full(&item.path).canonicalize() {
            Ok(end) => end.starts_with(&root.path) && !target.starts_with(b"/"),
            Err(_) => stays(&item.path, &target),
        };
        if is_inside {
            return Ok(target);
        }
        let message = format!(
            "the output `{}` is a link to `{}`, which leaves the project",
            shown(&item.path),
            shown(&target)
        );
        Err(Trouble::new("leaves-project", message))
    }

    fn file(&mut self, item: &Item) -> Result<(Stat, Body), Trouble> {
        let root = &self.places.root;
        let full = root.full(&item.path);
        for _ in 0..TRIES {
            let mut reading = Reading::begin(root.fd(), item.path.as_slice())
                .map_err(|error| unreadable(&item.path, &error))?;
            let stat = reading.stat;
            if let Some(body) =
                self.body(&mut reading, &full).map_err(|error| unreadable(&item.path, &error))?
            {
                return Ok((stat, body));
            }
        }
        let message = format!("the output `{}` is still being written", shown(&item.path));
        Err(Trouble::new("output-changing", message))
    }

    /// Takes the bytes of an open file; none if it changed meanwhile.
    fn body(&mut self, reading: &mut Reading, full: &Path) -> io::Result<Option<Body>> {
        let (memo, shelf) = (&self.shared.memo, &self.places.shelf);
        let size = reading.stat.stamp.size;
        if size > INLINE || self.inside.len() + usize::try_from(size).unwrap_or(ALL_INLINE) > ALL_INLINE {
            if let Some(hash) = memo.of(&reading.stat.stamp).filter(|hash| shelf.is_whole(hash, size, memo)) {
                return Ok(Some(Body { size, hash: Digest(hash), at: None }));
            }
            let Some((hash, size)) = shelf.keep(reading, memo)? else { return Ok(None) };
            memo.note(reading, hash, || full.to_path_buf());
            return Ok(Some(Body { size, hash: Digest(hash), at: None }));
        }
        let from = self.inside.len();
        // With room for more than all of it, the end is found without reading a few bytes first.
        self.inside.reserve(usize::try_from(size).unwrap_or_default() + 64);
        (&mut reading.file).take(INLINE + 1).read_to_end(&mut self.inside)?;
        let count = self.inside.len() - from;
        if count as u64 != size || !reading.is_unchanged()? {
            self.inside.truncate(from);
            return Ok(None);
        }
        let hash = blake3::hash(&self.inside[from..]);
        memo.note(reading, hash, || full.to_path_buf());
        let at = u32::try_from(from).ok();
        Ok(Some(Body { size, hash: Digest(hash), at }))
    }

    /// Reads the logs of steps, and the indexes beside them.
    fn logs(&mut self, logs: &[(u32, String)]) -> Result<Vec<Log>, Trouble> {
        let mut kept = Vec::new();
        for (step, path) in logs {
            for ending in ["", ".idx"] {
                let full = self.shared.opening.job_dir.join(format!("{path}{ending}"));
                let cannot = |error: &io::Error| {
                    let message = format!("the log `{}` cannot be read: {error}", full.display());
                    Trouble::new("log-not-read", message)
                };
                let mut reading = match Reading::begin(rustix::fs::CWD, &full) {
                    // A step that printed nothing has no log, and a plain log no index.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    other => other.map_err(|error| cannot(&error))?,
                };
                let body = self.body(&mut reading, &full).map_err(|error| cannot(&error))?;
                let Some(body) = body else {
                    return Err(Trouble::new(
                        "log-changing",
                        format!("`{}` is still being written", full.display()),
                    ));
                };
                kept.push(Log { step: *step, ending: ending.to_owned(), body });
            }
        }
        Ok(kept)
    }
}

/// Refuses a result without something that its outputs name letter by letter: it was removed meanwhile, or not made.
fn refuse_missing(look: &Look<'_>, patterns: &Patterns) -> Result<(), Trouble> {
    let mut missing = Vec::new();
    for source in patterns.sources().filter(|it| it.is_literal && patterns.name(&it.base)) {
        if look.stat(source.base.as_bytes())?.is_none() {
            missing.push(source.base);
        }
    }
    let Some(first) = missing.first() else { return Ok(()) };
    let (front, last) = first.split_at(first.floor_char_boundary(first.len().saturating_sub(1)));
    let message = format!(
        "its `outputs` name {}, and nothing is there: it was not made, or somebody removed it; take out of `outputs` what is \
         not made each time, or name it by a pattern such as `{front}[{last}]`",
        some_of(&missing)
    );
    Err(Trouble::new("output-missing", message))
}

/// Refuses a result that may be made of files which earlier artifacts have left in the folders of those that it took: what it
/// took is part of its key, and these are not.
fn refuse_stale(shared: &Shared, look: &mut Look<'_>, unit: Unit, again: &Resolved) -> Result<(), Trouble> {
    let stale = shared.opening.placed.lock().stale(unit.cell, unit.run).to_vec();
    let mut names = Vec::new();
    for path in stale {
        let is_input = again.inputs.binary_search_by(|input| input.path.cmp(&path)).is_ok();
        if !is_input && look.stat(&path)?.is_some() {
            names.push(shown(&path));
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let message = format!(
        "files of an earlier artifact are in a folder that it takes artifacts into, and it may have read them: {}; remove them, or \
         name what it reads of them in `inputs`",
        some_of(&names)
    );
    Err(Trouble::new("stale-artifact", message))
}

/// Refuses folders that are outputs as a whole and in which something was made or removed after the work was over.
fn refuse_late(look: &mut Look<'_>, patterns: &Patterns, until: i64) -> Result<(), Trouble> {
    let mut late = Vec::new();
    for folder in patterns.whole_folders() {
        if look.stat(folder.as_bytes())?.is_some_and(|it| it.is_folder() && it.stamp.changed > until) {
            late.push(folder.to_owned());
        }
    }
    if late.is_empty() { Ok(()) } else { Err(written_late(&late)) }
}

fn written_late(names: &[String]) -> Trouble {
    let message = format!("its outputs were written by somebody else after it had ended: {}", some_of(names));
    Trouble::new("output-touched", message)
}

fn unreadable(path: &[u8], error: &io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::StorageFull {
        let message = format!("there is no room to keep the output `{}`", shown(path));
        return Trouble::new("no-room", message);
    }
    Trouble::new("unreadable-output", format!("the output `{}` cannot be kept: {error}", shown(path)))
}
