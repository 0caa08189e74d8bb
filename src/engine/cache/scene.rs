//! What a job saw that found all of its results in place, and whether all of it is still so: then whoever asks the same is
//! answered the same.
//!
//! Not here: who asks the same (`engine/unchanged.rs`). Files are told apart as everywhere (`stat.rs`), by states that were
//! over for a tick when they were seen. Of entries it is known that none has changed since (`list.rs`).

use std::collections::HashSet;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use blake3::{Hash, Hasher};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use super::db::Db;
use super::entry::{Digest, Entry};
use super::files::{Item, Look, Resolved, Root, read_patterns};
use super::list;
use super::look::{Known, Moment, Wanted, libc, program, seconds};
use super::memo::Memo;
use super::stat::{Stamp, Stat, stat_at};
use super::worker::{Places, Worker};
use crate::logic::cache::key::InputKind;
use crate::logic::cache::{Hit, Inputs, Share};

/// So many results are compared in one go.
const AT_ONCE: usize = 16;

/// A guess takes the files of so many of them.
const GLANCES: usize = 4;

/// All that the answers of a job came from, besides what it asked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::engine) struct Scene {
    /// When it was seen, in seconds since 1970: what is not looked for in earnest for long would count as not used.
    at: i64,
    /// The store, and the state that its entries were in.
    store: [u8; 32],
    state: i64,
    units: Vec<Seen>,
    /// Programs that keys are made of: name, `PATH`, digest.
    programs: Vec<(String, String, Option<Digest>)>,
    libc: Option<Digest>,
    /// Files of the store that are not kept with their entries.
    bodies: Vec<(Digest, u64)>,
    /// What was remembered of files.
    memo: Vec<(Stamp, Digest)>,
}

/// What was seen for one result.
#[derive(Debug, Serialize, Deserialize)]
enum Seen {
    /// Plain files and nothing else, all of them named letter by letter.
    Files(Vec<(String, Stamp)>),
    Patterns {
        inputs: Vec<String>,
        outputs: Vec<String>,
        /// Digests of what these name, and of the states of that.
        read: Digest,
        made: Digest,
    },
}

impl Seen {
    fn files(&self) -> Option<&[(String, Stamp)]> {
        match self {
            Self::Files(files) => Some(files),
            Self::Patterns { .. } => None,
        }
    }
}

/// What is seen while a job looks for its results.
#[derive(Debug, Default)]
pub(super) struct Witness {
    scene: Scene,
    /// Something was seen that will not do.
    is_spoiled: bool,
}

impl Scene {
    /// Guesses whether everything is as it was seen, by a few files: it is not worth the while to compare much with what is
    /// another thing at a glance.
    pub(super) fn is_likely(&self, root: &Path) -> bool {
        let Ok(root) = rustix::fs::open(root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) else {
            return false;
        };
        let few = self.units.iter().step_by(self.units.len() / GLANCES + 1);
        let mut files = few.filter_map(Seen::files).flatten();
        files.all(|(path, stamp)| {
            let found = stat_at(root.as_fd(), path.as_bytes());
            found.is_ok_and(|it| it.is_some_and(|it| it.stamp == *stamp))
        })
    }

    /// Says whether the store is as it was seen, and the world besides files, in every point.
    pub(super) fn is_store_so(&self, db: &Db, places: &Places) -> bool {
        let is_young = seconds().abs_diff(self.at) < list::LASTS.unsigned_abs();
        is_young
            && db.secret == self.store
            && list::state(db).is_ok_and(|state| state == Some(self.state))
            && db.unfinished().is_ok_and(|rows| rows.is_empty())
            && self.are_things_seen(places, &self.memo())
    }

    /// Says whether files are as they were seen. Whoever helps has the same `next`, from which each takes some after the other.
    pub(super) fn are_files_so(&self, root: &Root, next: &AtomicUsize) -> bool {
        let memo = self.memo();
        let mut look = Look::new(root, &memo);
        loop {
            let from = next.fetch_add(AT_ONCE, Ordering::Relaxed);
            let Some(rest) = self.units.get(from..).filter(|rest| !rest.is_empty()) else { return true };
            if !are_seen(&rest[..rest.len().min(AT_ONCE)], &mut look) {
                // Nobody needs to go on.
                next.store(self.units.len(), Ordering::Relaxed);
                return false;
            }
        }
    }

    fn memo(&self) -> Memo {
        let memo = Memo::default();
        memo.load(self.memo.iter().map(|(stamp, digest)| (*stamp, digest.0)));
        memo
    }

    fn are_things_seen(&self, places: &Places, memo: &Memo) -> bool {
        let is_program = |(name, path, digest): &(String, String, Option<Digest>)| {
            program(memo, &places.root.path, name, path) == digest.map(|it| it.0)
        };
        libc(memo) == self.libc.map(|it| it.0)
            && self.programs.iter().all(is_program)
            && self.bodies.iter().all(|(digest, size)| places.shelf.is_whole(&digest.0, *size, memo))
    }
}

fn are_seen(units: &[Seen], look: &mut Look<'_>) -> bool {
    units.iter().all(|it| match it {
        Seen::Files(files) => files.iter().all(|(path, stamp)| {
            let path = path.as_bytes();
            let is_same = |found: Stat| found.is_file() && found.stamp == *stamp;
            look.is_inside(path) && stat_at(look.root.fd(), path).is_ok_and(|it| it.is_some_and(is_same))
        }),
        Seen::Patterns { inputs, outputs, read, made } => {
            let Ok(patterns) = read_patterns(outputs) else { return false };
            let found = look.inputs(&Inputs::Globs(inputs.clone()));
            found.is_ok_and(|(resolved, _)| read_digest(&resolved) == read.0)
                && look.list(&patterns).is_ok_and(|items| made_digest(&items) == made.0)
        }
    })
}

fn put_stamp(to: &mut Hasher, stamp: &Stamp) {
    let Stamp { device, inode, size, modified, changed } = stamp;
    for number in [*device, *inode, *size, modified.cast_unsigned(), changed.cast_unsigned()] {
        to.update(&number.to_le_bytes());
    }
}

fn put_bytes(to: &mut Hasher, bytes: &[u8]) {
    to.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

/// The digest of inputs and their states.
fn read_digest(it: &Resolved) -> Hash {
    let mut to = Hasher::new();
    for (input, (own, behind)) in it.inputs.iter().zip(&it.states) {
        put_bytes(&mut to, &input.path);
        match &input.kind {
            InputKind::File { is_executable, hash } => {
                to.update(&[b'f', u8::from(*is_executable)]).update(hash.as_bytes());
            }
            InputKind::Folder => {
                to.update(b"d");
            }
            InputKind::Link { target, to: end } => {
                to.update(b"l");
                put_bytes(&mut to, target);
                if let Some((is_executable, hash)) = end {
                    to.update(&[b'f', u8::from(*is_executable)]).update(hash.as_bytes());
                }
            }
        }
        for state in [own, behind] {
            to.update(&[u8::from(state.is_some())]);
            state.iter().for_each(|stamp| put_stamp(&mut to, stamp));
        }
    }
    to.finalize()
}

/// The digest of outputs and their states. A folder is only there: its times change with what is in it.
fn made_digest(items: &[Item]) -> Hash {
    let mut to = Hasher::new();
    for Item { path, stat } in items {
        put_bytes(&mut to, path);
        to.update(&stat.mode.to_le_bytes());
        if !stat.is_folder() {
            put_stamp(&mut to, &stat.stamp);
        }
    }
    to.finalize()
}

/// Says whether a change of files in these states would be seen by their times, after that moment of the clock that marks
/// files.
fn are_settled<'a>(mut stamps: impl Iterator<Item = &'a Stamp>, since: i64) -> bool {
    stamps.all(|it| it.modified < since && it.changed < since)
}

impl Worker {
    /// Takes note of what a result was found by. `moment.listed` is what its outputs were before they were compared.
    pub(super) fn witness(
        &self,
        moment: &mut Moment<'_>,
        (wanted, known): (&Wanted, &Known),
        entry: &Entry,
        hit: &Hit,
    ) {
        let Some(witness) = &self.shared.witness else { return };
        let listed = moment.listed.take();
        let mut witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = listed.filter(|_| hit.restored == 0 && hit.notes.is_empty());
        let seen = listed.and_then(|listed| seen(moment.since, wanted, known, entry, &listed));
        let Some(seen) = seen else {
            witness.is_spoiled = true;
            return;
        };
        let scene = &mut witness.scene;
        scene.units.push(seen);
        let path = wanted.recipe.path();
        for (name, digest) in &known.around.programs {
            if !scene.programs.iter().any(|(known, of, _)| known == name && of == path) {
                scene.programs.push((name.clone(), path.to_owned(), digest.map(Digest)));
            }
        }
        scene.libc = known.around.libc.map(Digest);
        scene.bodies.extend(entry.bodies().filter(|it| it.at.is_none()).map(|it| (it.hash, it.size)));
    }
}

fn seen(since: i64, wanted: &Wanted, known: &Known, entry: &Entry, listed: &[Item]) -> Option<Seen> {
    let recipe = &wanted.recipe;
    let Inputs::Globs(inputs) = &recipe.inputs else { return None };
    // Logs are put into the folder of a job before its events tell of them, which only a look in a job that has begun may do.
    // What tools print, and the branch, is not looked at again; what is taken out of a folder is not listed, and may be all
    // that is left of one that goes with a hit.
    let is_listed =
        !recipe.outputs_exact || known.outputs.only_add() || known.outputs.whole_folders().next().is_none();
    let is_plain = wanted.unit.step.is_none()
        && recipe.tools.is_empty()
        && recipe.share == Share::Project
        && entry.head.logs.is_empty();
    let states = known.resolved.states.iter().flat_map(|(own, behind)| own.iter().chain(behind));
    let files =
        listed.iter().filter(|it| !it.stat.is_folder()).map(|Item { stat: Stat { stamp, .. }, .. }| stamp);
    let has_all = || entry.head.files.iter().all(|file| listed.iter().any(|item| item.path == file.path.0));
    if !(is_plain && is_listed && are_settled(states.chain(files), since) && has_all()) {
        return None;
    }
    let of_patterns = || Seen::Patterns {
        inputs: inputs.clone(),
        outputs: recipe.outputs.clone(),
        read: Digest(read_digest(&known.resolved)),
        made: Digest(made_digest(listed)),
    };
    Some(plain_files(inputs, wanted, known, listed).map_or_else(of_patterns, Seen::Files))
}

/// Returns all files of a result, if each pattern names one of them letter by letter.
fn plain_files(
    inputs: &[String],
    wanted: &Wanted,
    known: &Known,
    listed: &[Item],
) -> Option<Vec<(String, Stamp)>> {
    let read = known.resolved.inputs.iter().zip(&known.resolved.states);
    let read = read.map(|(input, state)| match (&input.kind, state) {
        (InputKind::File { .. }, (Some(stamp), None)) => Some((input.path.as_slice(), *stamp)),
        _ => None,
    });
    let made = listed.iter().map(|it| it.stat.is_file().then_some((it.path.as_slice(), it.stat.stamp)));
    let files: Vec<(&[u8], Stamp)> = read.chain(made).collect::<Option<_>>()?;
    let patterns: Vec<&String> = inputs.iter().chain(&wanted.recipe.outputs).collect();
    let are_literal = known.outputs.are_literal() && read_patterns(inputs).ok()?.are_literal();
    let is_named = |(pattern, (path, _)): (&&String, &(&[u8], Stamp))| pattern.as_bytes() == *path;
    let are_named = patterns.len() == files.len() && patterns.iter().zip(&files).all(is_named);
    let named = patterns.into_iter().zip(files).map(|(pattern, (_, stamp))| (pattern.clone(), stamp));
    (are_literal && are_named).then(|| named.collect())
}

impl Witness {
    /// Returns what was seen by a job of so many hits, if that is all of it. `state` is that of the entries before the
    /// first look.
    pub(super) fn scene(
        witness: &Mutex<Self>,
        hits: usize,
        state: i64,
        (store, memo): (&[u8; 32], &Memo),
    ) -> Option<Scene> {
        let mut witness = witness.lock().unwrap_or_else(PoisonError::into_inner);
        let scene = std::mem::take(&mut witness.scene);
        if witness.is_spoiled || scene.units.len() != hits {
            return None;
        }
        let mut memo = memo.used();
        if scene.units.iter().all(|it| matches!(it, Seen::Files(_))) {
            // Of plain files nothing but their states is looked at.
            let files = scene.units.iter().filter_map(Seen::files).flatten();
            let files: HashSet<Stamp> = files.map(|(_, stamp)| *stamp).collect();
            memo.retain(|(stamp, _)| !files.contains(stamp));
        }
        let memo = memo.into_iter().map(|(stamp, hash)| (stamp, Digest(hash))).collect();
        Some(Scene { at: seconds(), store: *store, state, memo, ..scene })
    }
}
