//! Looks for a result: locks its outputs, makes its key, finds its entry, and puts the outputs back.
//!
//! Not here: what a key is made of (`logic/cache/key.rs`), the files (`files.rs`), putting back (`restore.rs`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use blake3::Hash;

use super::ahead;
use super::beside::{Beside, beside, words};
use super::branch::branches;
use super::db::{self, Db};
use super::entry::{Digest, Stored, Unreadable};
use super::files::{Item, Look, Resolved, Trouble, read_patterns, shown};
use super::keep::NameRow;
use super::memo::Memo;
use super::project::{Listing, listing};
use super::serve::{each_once, open, serve};
use super::stat::{Stamp, stat_at, tick};
use super::worker::{IS_DAMAGED, Places, Shared, WAS_DAMAGED, Worker, hopeless, off};
use crate::engine::clock;
use crate::logic::cache::key::{InputKind, Portrait, Surroundings, differences, key, portrait};
use crate::logic::cache::pattern::Patterns;
use crate::logic::cache::{Hit, Inputs, Looked, Miss, OFF, Recipe, Share, Trust, Unit};
use crate::logic::job::report::Report;

/// A result that is looked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) unit: Unit,
    pub(super) recipe: Arc<Recipe>,
    pub(super) may_hit: bool,
    /// Only its outputs are locked.
    pub(super) is_off: bool,
    /// It was compared while others only read its outputs.
    pub(super) was_compared: bool,
    /// Until its locks are tried again.
    pub(super) pause: Duration,
}

/// What was found out for a key.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) key: Hash,
    pub(super) around: Surroundings,
    pub(super) resolved: Arc<Resolved>,
    pub(super) outputs: Arc<Patterns>,
    /// Inputs, because somebody wrote them in earlier jobs.
    pub(super) beside: Arc<Beside>,
}

/// What has to be remembered of a look until the result is kept.
#[derive(Debug)]
pub(super) struct Looking {
    pub(super) recipe: Arc<Recipe>,
    pub(super) known: Known,
    /// Before the work began.
    pub(super) listing: Option<Arc<Listing>>,
    /// The listing is only for a warning.
    pub(super) is_bare: bool,
    /// By the clock that marks files: what was changed before that was not made by it.
    pub(super) since: i64,
    /// Outputs that were there although they were not changed before that: within one tick of that clock all is at once.
    pub(super) there: HashMap<Vec<u8>, Stamp>,
}

/// An entry that was read for a handful of looks.
pub(super) enum Fetched {
    Early(Box<ahead::Read>),
    Now(Stored),
    /// There is none.
    Absent,
}

/// What holds while a handful of looks is answered.
pub(super) struct Moment<'a> {
    pub(super) shared: &'a Shared,
    pub(super) look: Look<'a>,
    /// When it began, by the clock that marks files.
    pub(super) since: i64,
    pub(super) places: &'a Places,
    programs: HashMap<(String, String), Option<Hash>>,
    libc: Option<Option<Hash>>,
    listing: Option<Arc<Listing>>,
    canonical: HashMap<PathBuf, PathBuf>,
    /// Entries that were read ahead.
    pub(super) entries: HashMap<i64, Fetched>,
    /// What the newest results of names were made of, where that was read ahead.
    names: HashMap<i64, Option<Vec<u8>>>,
    /// Outputs may be restored.
    pub(super) may_write: bool,
    /// What the outputs of the next look were before they were compared, where somebody wants to know.
    pub(super) listed: Option<Vec<Item>>,
}

/// Returns the time in seconds since 1970.
pub(super) fn seconds() -> i64 {
    clock::now().0.div_euclid(1_000_000)
}

impl Worker {
    /// Answers looks.
    pub(super) fn look(&mut self, wanted: Vec<Wanted>) {
        if wanted.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let places = match (shared.places(), self.db.as_ref().map_err(Clone::clone)) {
            (Ok(places), Ok(_)) => places,
            (Err(trouble), _) | (_, Err(trouble)) => {
                let no = |it: Wanted| unlooked(&it, trouble.clone());
                return shared.tell(wanted.into_iter().map(no).collect());
            }
        };
        // A stage of this job may have changed them meanwhile.
        shared.tools.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let mut moment = Moment::new(&shared, places);
        let mut reports = Vec::with_capacity(wanted.len());
        let (wanted, found) = self.compare(&mut moment, wanted);
        let mut ready = Vec::with_capacity(wanted.len());
        for (it, outputs) in self.claim(&mut moment, wanted, &mut reports) {
            match self.begin(&mut moment, &it, outputs) {
                Ok(known) => ready.push((it, known)),
                Err(trouble) => reports.push(unlooked(&it, trouble)),
            }
        }
        // Nobody removes files of results meanwhile.
        let gate = places.shelf.gate(false);
        moment.entries = self.fetch(&ready, true);
        moment.names = self.names_of_absent(&ready, &moment.entries);
        for (wanted, known) in ready {
            let unit = wanted.unit;
            let looked = self.decide(&mut moment, wanted, known);
            reports.push(Report::Looked { unit, looked });
        }
        drop(gate);
        moment.settle(&reports);
        reports.extend(found);
        reports.retain(|report| !shared.was_dropped(report));
        shared.tell(reports);
    }

    /// Takes note of what may change in this job, for those who watch for changes.
    pub(super) fn declare(&self, recipe: &Recipe, outputs: &Arc<Patterns>) {
        if recipe.is_strict || !outputs.texts().is_empty() {
            self.shared.declared.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(outputs));
        }
    }

    /// Reads the entries that are likely wanted, all of them in one transaction: each alone would lock the database anew. They
    /// are `whole` where their files are likely to be restored.
    pub(super) fn fetch(&self, ready: &[(Wanted, Known)], whole: bool) -> HashMap<i64, Fetched> {
        let Ok(db) = &self.db else { return HashMap::new() };
        let wanted = ready.iter().filter(|(wanted, _)| wanted.may_hit);
        let slot = |(wanted, known): &(Wanted, Known)| {
            self.shared.slots(&known.key, wanted.recipe.share).look.first().copied()
        };
        let mut ids: Vec<i64> = wanted.filter_map(slot).collect();
        let mut found = HashMap::with_capacity(ids.len());
        if !whole {
            let mut early = self.shared.early.lock().unwrap_or_else(PoisonError::into_inner);
            ids.retain(|id| match early.take(*id) {
                Some(read) => found.insert(*id, Fetched::Early(read)).is_some(),
                None => true,
            });
        }
        if ids.len() > 1 {
            // What cannot be read now is read one by one, where the error is told.
            let read = db.entries(&ids, whole).unwrap_or_default();
            found.extend(read.into_iter().map(|(id, it)| (id, it.map_or(Fetched::Absent, Fetched::Now))));
        }
        found
    }

    /// Reads what the newest results of the same names were made of, for looks that have no entry, in one transaction.
    fn names_of_absent(
        &self,
        ready: &[(Wanted, Known)],
        entries: &HashMap<i64, Fetched>,
    ) -> HashMap<i64, Option<Vec<u8>>> {
        let Ok(db) = &self.db else { return HashMap::new() };
        let is_absent = |(wanted, known): &&(Wanted, Known)| {
            let look = self.shared.slots(&known.key, wanted.recipe.share).look;
            look.first().is_some_and(|id| matches!(entries.get(id), Some(Fetched::Absent)))
        };
        let absent: Vec<i64> =
            ready.iter().filter(is_absent).map(|(wanted, _)| name_id(&wanted.recipe.name)).collect();
        if absent.is_empty() {
            return HashMap::new();
        }
        // As above.
        db.at_one_moment(|db| absent.iter().map(|&id| Ok((id, db.of_name(id)?))).collect())
            .unwrap_or_default()
    }

    /// Finds out the key of what has its locks.
    fn begin(
        &self,
        moment: &mut Moment<'_>,
        wanted: &Wanted,
        outputs: Arc<Patterns>,
    ) -> Result<Known, Trouble> {
        if wanted.is_off {
            return Err(Trouble::new(OFF, ""));
        }
        self.declare(&wanted.recipe, &outputs);
        self.find_out(moment, &wanted.recipe, outputs)
    }

    pub(super) fn find_out(
        &self,
        moment: &mut Moment<'_>,
        recipe: &Recipe,
        outputs: Arc<Patterns>,
    ) -> Result<Known, Trouble> {
        let beside = self.db.as_ref().map_or_else(|_| Ok(Beside::new()), |db| beside(db, recipe))?;
        let (resolved, inputs) = moment.look.inputs_of(recipe, &beside)?;
        refuse_overlap(inputs.as_deref(), &resolved, &outputs)?;
        let path = recipe.path();
        let programs =
            recipe.programs.iter().map(|name| (name.clone(), moment.program(&self.shared, name, path)));
        let programs = programs.collect();
        let libc = moment.libc(&self.shared);
        let tools =
            recipe.tools.iter().map(|command| self.tool(command, recipe)).collect::<Result<_, _>>()?;
        let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        let around = Surroundings { system, libc, programs, tools, written: words(&beside) };
        let key = key(recipe, &around, &resolved.inputs);
        Ok(Known { key, around, resolved, outputs, beside: Arc::new(beside) })
    }

    /// Returns what a tool prints, asking it once for looks that are answered together.
    fn tool(&self, command: &str, recipe: &Recipe) -> Result<(String, String), Trouble> {
        let mut hasher = blake3::Hasher::new();
        for text in
            std::iter::once(command).chain(recipe.closed.vars.iter().flat_map(|(a, b)| [a.as_str(), b]))
        {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let id = hasher.finalize();
        let Opening { probe, root } =
            Opening { probe: self.shared.opening.probe, root: &self.shared.opening.root };
        let known = self.shared.tools.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let printed = known.unwrap_or_else(|| {
            let printed = Arc::new(probe(command, &recipe.closed.vars, root));
            let mut tools = self.shared.tools.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tools.entry(id).or_insert(printed))
        });
        match &*printed {
            Ok(text) => Ok((command.to_owned(), text.clone())),
            Err(why) => Err(Trouble::new("tool-failed", format!("the tool `{command}` did not tell: {why}"))),
        }
    }

    /// Looks for the entry of a key and puts its outputs back.
    fn decide(&mut self, moment: &mut Moment<'_>, wanted: Wanted, known: Known) -> Looked {
        let trouble = if wanted.may_hit {
            match self.find(moment, &wanted, &known) {
                Ok(hit) => return Looked::Hit(Box::new(hit)),
                Err(trouble) => trouble,
            }
        } else {
            Trouble::new("refresh", "it was asked for to make it again")
        };
        let Wanted { unit, recipe, .. } = wanted;
        let needs_listing = recipe.is_strict || matches!(recipe.inputs, Inputs::Project(_));
        if needs_listing && moment.listing.is_none() {
            // Not while artifacts are put into place.
            let _placed = self.shared.opening.placed.lock();
            match listing(&mut moment.look) {
                Ok(listing) => moment.listing = Some(Arc::new(listing)),
                Err(Trouble { reason, message }) => {
                    let (reason, key) = (reason.to_owned(), known.key.to_hex().to_string());
                    let differed = Vec::new();
                    return Looked::Miss(Box::new(Miss {
                        key,
                        reason,
                        message,
                        differed,
                        notes: Vec::new(),
                        is_hopeless: true,
                    }));
                }
            }
        }
        if trouble.reason == "store-damaged" {
            self.shared.warn(IS_DAMAGED);
        }
        let (trouble, differed) = match (trouble.reason, &self.db) {
            ("none", Ok(db)) => {
                let name = name_id(&recipe.name);
                let row = moment.names.remove(&name).or_else(|| db.of_name(name).ok()).flatten();
                self.why(db, row, (&recipe, &known))
            }
            _ => (trouble, Vec::new()),
        };
        let key = known.key.to_hex().to_string();
        let mut notes = moment.shared.take_notes();
        notes.extend(self.shared.idle_inputs(&recipe, &known.resolved));
        each_once(&mut notes);
        // What has no outputs, and was never made before, may have some that nobody has declared.
        let is_bare = recipe.outputs.is_empty() && !needs_listing && trouble.reason == NEW;
        if is_bare && moment.listing.is_none() {
            // Nobody asked for it: where it cannot be had, nothing is compared.
            moment.listing = listing(&mut moment.look).ok().map(Arc::new);
        }
        let listing = moment.listing.clone().filter(|_| needs_listing || is_bare);
        let there = moment.young(&known.outputs, self.shared.ahead(&moment.places.shelf));
        let looking = Looking { is_bare, recipe, known, listing, since: moment.since, there };
        self.shared.looked.lock().unwrap_or_else(PoisonError::into_inner).insert(unit, looking);
        let Trouble { reason, message } = trouble;
        let reason = reason.to_owned();
        Looked::Miss(Box::new(Miss { key, reason, message, differed, notes, is_hopeless: false }))
    }

    pub(super) fn find(
        &mut self,
        moment: &mut Moment<'_>,
        wanted: &Wanted,
        known: &Known,
    ) -> Result<Hit, Trouble> {
        let Ok(db) = &self.db else { return Err(none()) };
        for id in self.shared.slots(&known.key, wanted.recipe.share).look {
            let (read, record) = match moment.entries.remove(&id) {
                Some(Fetched::Early(read)) => {
                    let ahead::Read { entry, record } = *read;
                    (Ok(entry), Some(record))
                }
                Some(Fetched::Now(stored)) => (open(stored), None),
                Some(Fetched::Absent) => continue,
                None => match db.stored(id, moment.may_write) {
                    Ok(Some(stored)) => (open(stored), None),
                    Ok(None) => continue,
                    Err(error) => return Err(damaged_store(&error)),
                },
            };
            let found = match read {
                // Another key has taken its place.
                Ok(entry) if entry.head.key != Digest(known.key) => continue,
                Ok(entry) => {
                    let found = serve(&self.shared, db, moment, (wanted, known), id, (&entry, record));
                    found.inspect(|hit| self.witness(moment, (wanted, known), &entry, hit))
                }
                Err(Unreadable::Damaged) => Err(damaged(NOT_AS_WRITTEN)),
                Err(Unreadable::OtherFormat) => {
                    Err(Trouble::new("other-format", "the result was kept by another version of sortie"))
                }
            };
            match found {
                Ok(hit) => {
                    self.used.push(id);
                    self.shared.taken.lock().unwrap_or_else(PoisonError::into_inner).push(id);
                    return Ok(hit);
                }
                Err(trouble) => {
                    if trouble.reason == DAMAGED && moment.may_write {
                        let _one = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
                        // If it stays, the next look finds it damaged once more.
                        let _outcome = db.together(|db| db.remove(id));
                    }
                    return Err(trouble);
                }
            }
        }
        Err(none())
    }

    /// Says why nothing fits: what differs from the newest result of the same name.
    fn why(
        &self,
        db: &Db,
        row: Option<Vec<u8>>,
        (recipe, known): (&Recipe, &Known),
    ) -> (Trouble, Vec<crate::logic::cache::Difference>) {
        let new = || match self.shared.warnings().contains(&WAS_DAMAGED) {
            true => (Trouble::new(NEW, WAS_DAMAGED), Vec::new()),
            false => (Trouble::new(NEW, "no result of that name was kept so far"), Vec::new()),
        };
        let Some(bytes) = row else { return new() };
        let Ok(row) = rmp_serde::from_slice::<NameRow>(&bytes) else { return new() };
        let now = portrait(recipe, &known.around, &known.resolved.inputs, &db.secret);
        let differed = differences(&Portrait(row.portrait), &now);
        if row.key != Digest(known.key) {
            let first = differed.first().map(|it| it.field.clone());
            let what = first.map_or_else(|| "the key".to_owned(), |it| format!("`{it}`"));
            let more = match differed.len() {
                0 | 1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            return (
                Trouble::new("changed", format!("changed since the last result: {what}{more}")),
                differed,
            );
        }
        let own = &self.shared.opening;
        let trouble = if row.trust < own.trust {
            Trouble::new("less-trusted", "the result was made by a job that is trusted less than this one")
        } else if row.share == Share::None {
            Trouble::new("not-shared", "the result is only for the job that made it")
        } else if row.share == Share::Branch {
            let branch = row.branch.as_deref().unwrap_or("no branch").to_owned();
            Trouble::new(
                "other-branch",
                format!("the result was made on `{branch}` and is shared on that branch only"),
            )
        } else {
            Trouble::new("evicted", "the result was kept and has been removed since")
        };
        (trouble, differed)
    }
}

/// Where the tools of a look are asked.
struct Opening<'a> {
    probe: crate::port::RunTool,
    root: &'a Path,
}

/// The answer to a look that comes to nothing.
pub(super) fn unlooked(it: &Wanted, trouble: Trouble) -> Report {
    if it.is_off { off(it.unit) } else { hopeless(it.unit, String::new(), trouble) }
}

const NEW: &str = "new";

const DAMAGED: &str = "result-damaged";

pub(super) const NOT_AS_WRITTEN: &str = "the entry of the result is not as it was written";

pub(super) fn damaged(message: &str) -> Trouble {
    Trouble::new(DAMAGED, message)
}

pub(super) fn none() -> Trouble {
    Trouble::new("none", "")
}

pub(super) fn damaged_store(error: &rusqlite::Error) -> Trouble {
    let reason = if db::is_damage(error) { "store-damaged" } else { "no-store" };
    Trouble::new(reason, format!("the store of results cannot be read: {error}"))
}

/// Refuses what writes its own inputs.
fn refuse_overlap(inputs: Option<&Patterns>, resolved: &Resolved, outputs: &Patterns) -> Result<(), Trouble> {
    if outputs.texts().is_empty() {
        return Ok(());
    }
    let is_both = |path: &str| {
        let message =
            format!("`{path}` is an input and an output of it, so it would never be the same twice");
        Err(Trouble::new("input-is-output", message))
    };
    for input in resolved.inputs.iter().filter(|it| it.kind != InputKind::Folder) {
        let path = shown(&input.path);
        if outputs.name(&path) {
            return is_both(&path);
        }
    }
    let Some(inputs) = inputs else { return Ok(()) };
    // One that is not there yet would be an input the next time.
    for source in outputs.sources().filter(|it| it.is_literal && !it.base.is_empty()) {
        if inputs.name(&source.base) {
            return is_both(&source.base);
        }
    }
    Ok(())
}

/// The number of a name in the database.
pub(super) fn name_id(name: &str) -> i64 {
    first_bytes(&blake3::hash(name.as_bytes()))
}

pub(super) fn first_bytes(hash: &Hash) -> i64 {
    i64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap_or_default())
}

/// Where entries of a key are.
pub(super) struct Slots {
    /// Looked at in this order.
    pub(super) look: Vec<i64>,
    pub(super) keep: i64,
}

impl Shared {
    /// Warns of patterns of inputs that name no file: whatever they were meant to name does not count.
    pub(super) fn idle_inputs(&self, recipe: &Recipe, resolved: &Resolved) -> Vec<String> {
        let (texts, of_job) = match &recipe.inputs {
            Inputs::Globs(texts) => (texts, false),
            Inputs::Project(texts) => (texts, true),
        };
        let paths: Vec<String> = resolved.inputs.iter().map(|input| shown(&input.path)).collect();
        let is_idle = |text: &&String| {
            let is_match = |it: Patterns| paths.iter().any(|path| it.name(path));
            !text.starts_with('!') && read_patterns(std::slice::from_ref(*text)).is_ok_and(|it| !is_match(it))
        };
        let mut idle: Vec<String> = texts.iter().filter(is_idle).cloned().collect();
        if of_job {
            // They are the same for all stages: once is enough.
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|text| told.insert(text.clone()));
        }
        let what = if of_job { "`--cache-file`" } else { "its `inputs`" };
        let note = |text| format!("{what} `{text}` names no file, so nothing of that kind counts");
        idle.into_iter().map(note).collect()
    }

    /// Returns where results of a key are looked for and kept: one place for each class of trust and each part of the
    /// project that shares them, so that none of them takes the place of another.
    pub(super) fn slots(&self, key: &Hash, share: Share) -> Slots {
        let scopes: Vec<String> = match share {
            Share::Project => vec![String::new()],
            Share::Branch => {
                let branches = self.branches.get_or_init(|| branches(&self.opening.root));
                let own = branches.own.clone().unwrap_or_default();
                let others = branches.default.clone().filter(|it| *it != own);
                std::iter::once(own).chain(others).map(|it| format!("branch {it}")).collect()
            }
            Share::None => vec![format!("job {}", self.opening.job)],
        };
        let slot = |scope: &String, trust: Trust| {
            if scope.is_empty() && trust == Trust::Own {
                return first_bytes(key);
            }
            let mut hasher = blake3::Hasher::new();
            hasher.update(key.as_bytes());
            hasher.update(&[trust as u8]);
            hasher.update(scope.as_bytes());
            first_bytes(&hasher.finalize())
        };
        let own = self.opening.trust;
        let classes = [Trust::Own, Trust::Shared, Trust::Untrusted].into_iter().filter(|it| *it >= own);
        let classes: Vec<Trust> = classes.rev().collect();
        let look = scopes.iter().flat_map(|scope| classes.iter().map(|trust| slot(scope, *trust))).collect();
        Slots { look, keep: slot(&scopes[0], own) }
    }
}

impl<'a> Moment<'a> {
    pub(super) fn new(shared: &'a Shared, places: &'a Places) -> Self {
        Self {
            shared,
            look: Look::new(&places.root, &shared.memo),
            since: tick(),
            places,
            programs: HashMap::new(),
            libc: None,
            listing: None,
            canonical: HashMap::new(),
            entries: HashMap::new(),
            names: HashMap::new(),
            may_write: true,
            listed: None,
        }
    }

    /// Returns outputs that are there and were changed so recently that their times do not tell whether that was before.
    fn young(&mut self, outputs: &Patterns, ahead: i64) -> HashMap<Vec<u8>, Stamp> {
        let since = self.since.saturating_add(ahead.min(0));
        // What cannot be listed is not kept either.
        let items = self.look.list(outputs).unwrap_or_default().into_iter();
        let young = items.filter(|it| it.stat.stamp.changed >= since && !it.stat.is_folder());
        young.map(|it| (it.path, it.stat.stamp)).collect()
    }

    /// Frees the outputs of what was found, and takes note of what is going to be written by what was not.
    fn settle(&mut self, reports: &[Report]) {
        let (mut over, mut begin) = (Vec::new(), Vec::new());
        for report in reports {
            let Report::Looked { unit, looked } = report else { continue };
            match looked {
                Looked::Hit(_) => over.push(*unit),
                Looked::Miss(_) => begin.push(*unit),
            }
        }
        self.places.locks.give_back(&over);
        self.places.locks.begin(&begin);
    }

    /// Returns a path without links, as far as it is there.
    pub(super) fn canonical(&mut self, path: &Path) -> PathBuf {
        let root = &self.places.root.path;
        if path.as_os_str().is_empty() {
            return root.clone();
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().unwrap_or_default();
        if folder.as_os_str().is_empty() {
            return root.join(name);
        }
        if let Some(known) = self.canonical.get(folder) {
            return known.join(name);
        }
        let found = root.join(folder).canonicalize().unwrap_or_else(|_| self.canonical(folder));
        let whole = found.join(name);
        self.canonical.insert(folder.to_path_buf(), found);
        whole
    }

    /// Returns the digest of a program, looked up in a `PATH`; none if it is not there.
    fn program(&mut self, shared: &Shared, name: &str, path: &str) -> Option<Hash> {
        let id = (name.to_owned(), path.to_owned());
        if let Some(known) = self.programs.get(&id) {
            return *known;
        }
        let found = program(&shared.memo, &self.places.root.path, name, path);
        self.programs.insert(id, found);
        found
    }

    fn libc(&mut self, shared: &Shared) -> Option<Hash> {
        *self.libc.get_or_insert_with(|| libc(&shared.memo))
    }
}

/// Returns the digest of a program, looked up in a `PATH`; none if it is not there.
pub(super) fn program(memo: &Memo, root: &Path, name: &str, path: &str) -> Option<Hash> {
    if name.contains('/') {
        return digest(memo, &root.join(name));
    }
    path.split(':').find_map(|folder| digest(memo, &root.join(folder).join(name)))
}

/// Returns the digest of the library that nearly all programs need; none where it is in none of the usual places.
pub(super) fn libc(memo: &Memo) -> Option<Hash> {
    let places = [
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib/aarch64-linux-gnu/libc.so.6",
        "/lib64/libc.so.6",
        "/usr/lib/libc.so.6",
        "/lib/ld-musl-x86_64.so.1",
        "/lib/ld-musl-aarch64.so.1",
        "/lib/libc.so.6",
    ];
    places.iter().find_map(|path| digest(memo, Path::new(path)))
}

/// Returns the digest of a program, following links.
fn digest(memo: &Memo, path: &Path) -> Option<Hash> {
    let mut path = path.to_path_buf();
    let mut stat = stat_at(rustix::fs::CWD, &path).ok()??;
    if stat.is_link() {
        path = path.canonicalize().ok()?;
        stat = stat_at(rustix::fs::CWD, &path).ok()??;
    }
    if !stat.is_file() {
        return None;
    }
    let read = memo.read(rustix::fs::CWD, &path, &stat, || path.clone());
    read.ok().map(|it| it.hash)
}
