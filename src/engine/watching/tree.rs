//! Watches the files that a job depends on, and tells which of them have another content once they have come to rest.
//!
//! At each rest everything in question is listed again: what was heard is only the reason to look, so nothing is missed that
//! got lost on the way. Not here: what changes mean for a job (`logic/rounds.rs`).
#![expect(clippy::disallowed_methods, reason = "files are compared by their content")]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ear::Ear;
use super::follow::{Key, key};
use super::lookups::Lookups;
use super::rest::Rest;
use super::{EVERY, LONGEST, QUIET};
use crate::engine::bell::any_of;
use crate::engine::library::{Stamp, stamp};
use crate::engine::service::Globs;
use crate::engine::{Bell, clock};
use crate::logic::cache::pattern::Patterns;

/// Of larger files any other stamp counts as another content: reading them would take too long.
const READ: u64 = 1024 * 1024;

/// Folders of a project that nobody watches.
const NEVER: [&str; 2] = [".git", ".sortie"];

/// What is watched.
#[derive(Clone, Debug)]
pub struct Scope {
    pub root: PathBuf,
    pub what: What,
    /// Files that the job makes itself, below the root.
    pub without: Vec<Patterns>,
    /// The playbook and the files that it calls.
    pub book: BTreeSet<PathBuf>,
    /// Where jobs are kept.
    pub state: PathBuf,
}

/// Which files count.
#[derive(Clone, Debug)]
pub enum What {
    /// Those that globs name; `!` in front of one takes files out again.
    Globs(Vec<String>),
    /// The inputs of stages.
    Inputs(Vec<Patterns>),
    /// All that git does not ignore.
    Everything,
}

/// Files that have another content, or have come or gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// From the root, with slashes.
    pub files: BTreeSet<String>,
    /// The playbook, or a file that it calls, is among them.
    pub has_book: bool,
    /// When the first of these changes was heard of.
    pub since: Duration,
    /// When the last of them was.
    pub until: Duration,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeNews {
    /// Told whenever the scope was set.
    Ready {
        /// So many files are watched.
        files: usize,
        /// Globs that name none of them.
        unmatched: Vec<String>,
    },
    Changed(Batch),
    /// Files are only looked at from time to time, in words.
    Polled(String),
}

/// A watch that ends when it is dropped.
pub struct Trees {
    inner: Arc<Inner>,
}

struct Inner {
    bell: Bell,
    is_over: AtomicBool,
    scope: Mutex<Option<Scope>>,
}

impl Trees {
    /// Watches these files from now on. What is new among them is taken as it is.
    pub fn set(&self, scope: Scope) {
        *self.inner.scope.lock().unwrap_or_else(PoisonError::into_inner) = Some(scope);
        self.inner.bell.ring();
    }
}

impl Drop for Trees {
    fn drop(&mut self) {
        self.inner.is_over.store(true, Ordering::SeqCst);
        self.inner.bell.ring();
    }
}

/// Watches files on a thread of its own; `tell` says whether anybody listens still.
///
/// # Errors
/// If this process may have no further thread or file.
pub fn watch(scope: Scope, tell: impl FnMut(TreeNews) -> bool + Send + 'static) -> io::Result<Trees> {
    let bell = Bell::new()?;
    let inner = Inner { bell, is_over: AtomicBool::new(false), scope: Mutex::new(None) };
    let trees = Trees { inner: Arc::new(inner) };
    let inner = Arc::clone(&trees.inner);
    std::thread::Builder::new().name("changes".to_owned()).spawn(move || {
        let ear = Ear::new(&inner.bell);
        let (known, lookups) = (BTreeMap::new(), Lookups::default());
        Watching { inner, scope, ear, known, lookups, folders: BTreeSet::new(), tell }.run();
    })?;
    Ok(trees)
}

/// A file as it was last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    stamp: Stamp,
    /// Of its content, if that was read.
    key: Option<Key>,
}

struct Watching<N> {
    inner: Arc<Inner>,
    scope: Scope,
    ear: Ear,
    known: BTreeMap<PathBuf, Seen>,
    lookups: Lookups,
    folders: BTreeSet<PathBuf>,
    tell: N,
}

impl<N: FnMut(TreeNews) -> bool> Watching<N> {
    fn run(&mut self) {
        if !self.begin() {
            return;
        }
        let mut has_told_deaf = false;
        let mut rest = Rest::new(QUIET, LONGEST);
        let (mut since, mut looked_at): (Option<(Duration, Duration)>, _) = (None, clock::elapsed());
        loop {
            if let Some(words) = self.ear.deaf().filter(|_| !has_told_deaf).map(str::to_owned) {
                has_told_deaf = true;
                if !(self.tell)(TreeNews::Polled(words)) {
                    return;
                }
            }
            if self.inner.is_over.load(Ordering::SeqCst) {
                return;
            }
            let scope = self.inner.scope.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(scope) = scope {
                // What changed before is told with the scope of then.
                if !self.look(since.take()) {
                    return;
                }
                self.scope = scope;
                if !self.begin() {
                    return;
                }
            }
            let heard = self.ear.take();
            let now = clock::elapsed();
            if heard.is_incomplete || heard.paths.iter().any(|path| self.matters(path)) {
                rest.stir(now);
                since = Some((since.map_or(now, |(first, _)| first), now));
            }
            let is_due = self.ear.deaf().is_some() && now >= looked_at + EVERY;
            if rest.over(now).is_some() || is_due {
                // It may have changed at any time since the last look.
                let first = since.take().or(is_due.then_some((looked_at, now)));
                looked_at = now;
                if !self.look(first) {
                    return;
                }
                continue;
            }
            let poll = self.ear.deaf().map(|_| (looked_at + EVERY).saturating_sub(now));
            let due = rest.due().map(|due| due.saturating_sub(now));
            let limit = [poll, due].into_iter().flatten().min().unwrap_or(Duration::from_secs(3600));
            any_of(&[self.inner.bell.as_fd()], limit);
            self.inner.bell.hush();
        }
    }

    /// Takes all files as they are.
    fn begin(&mut self) -> bool {
        let found = self.list();
        let unmatched = unmatched(&self.scope, &found);
        let mut known = std::mem::take(&mut self.known);
        for (path, stamp) in found {
            let seen = known.remove(&path).unwrap_or(Seen { stamp, key: None });
            self.known.insert(path, seen);
        }
        if !(self.tell)(TreeNews::Ready { files: self.known.len(), unmatched }) {
            return false;
        }
        for (path, seen) in &mut self.known {
            if self.inner.is_over.load(Ordering::SeqCst) {
                return false;
            }
            if seen.key.is_none() {
                // One that is another by now is told as changed.
                seen.key = read(path, seen.stamp).filter(|_| stamp(path) == Some(seen.stamp));
            }
        }
        true
    }

    /// Looks what has changed, and tells it.
    fn look(&mut self, heard: Option<(Duration, Duration)>) -> bool {
        let found = self.list();
        let mut changed: BTreeSet<PathBuf> = BTreeSet::new();
        let gone: Vec<PathBuf> =
            self.known.keys().filter(|path| !found.contains_key(*path)).cloned().collect();
        for path in gone {
            self.known.remove(&path);
            changed.insert(path);
        }
        for (path, stamp) in found {
            let before = self.known.get(&path).copied();
            if before.is_some_and(|seen| seen.stamp == stamp) {
                continue;
            }
            let key = read(&path, stamp);
            let is_same = key.is_some() && before.is_some_and(|seen| seen.key == key);
            self.known.insert(path.clone(), Seen { stamp, key });
            if !is_same {
                changed.insert(path);
            }
        }
        if changed.is_empty() {
            return true;
        }
        let has_book = changed.iter().any(|path| self.scope.book.contains(path));
        let files = changed.iter().map(|path| shown(&self.scope.root, path)).collect();
        let now = clock::elapsed();
        let (since, until) = heard.unwrap_or((now, now));
        (self.tell)(TreeNews::Changed(Batch { files, has_book, since, until }))
    }

    fn matters(&self, path: &Path) -> bool {
        let is_in = path.parent().is_some_and(|folder| self.folders.contains(folder));
        (is_in || self.folders.contains(path) || self.lookups.concern(path))
            && !path.starts_with(&self.scope.state)
            && !is_made(&self.scope.without, &shown(&self.scope.root, path))
    }

    /// Lists all files in question, and listens to the folders that they lie in.
    fn list(&mut self) -> BTreeMap<PathBuf, Stamp> {
        loop {
            let (files, folders) = listed(&self.scope);
            self.lookups = Lookups::default();
            self.scope.book.iter().for_each(|path| self.lookups.add_file(&self.scope.root, path));
            self.folders = folders;
            let all = self.folders.union(&self.lookups.folders()).cloned().collect();
            // In new folders something may have come before anybody listened.
            if !self.ear.listen(&all) {
                return files;
            }
        }
    }
}

/// Returns the content's key of a file that is not too large.
fn read(path: &Path, stamp: Stamp) -> Option<Key> {
    if stamp.bytes() > READ {
        return None;
    }
    std::fs::read(path).ok().map(|bytes| key(&bytes))
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

/// Says whether the job makes that path itself.
fn is_made(without: &[Patterns], path: &str) -> bool {
    without.iter().any(|it| it.name(path))
}

/// Lists the files of a scope, and the folders in which others may come.
fn listed(scope: &Scope) -> (BTreeMap<PathBuf, Stamp>, BTreeSet<PathBuf>) {
    let (mut files, mut folders) = (BTreeSet::new(), BTreeSet::new());
    match &scope.what {
        What::Everything => everything(scope, &mut files, &mut folders),
        What::Globs(globs) => {
            let globs = Globs::new(globs);
            globs.folders(&scope.root, &mut folders);
            files_in(scope, &folders, &|path| globs.fits(Path::new(path)), &mut files);
        }
        What::Inputs(all) => {
            for patterns in all {
                for source in patterns.sources() {
                    begin_of(scope, &source.base, &mut folders);
                }
            }
            let fits = |path: &str| all.iter().any(|patterns| patterns.name(path));
            files_in(scope, &folders, &fits, &mut files);
        }
    }
    files.extend(scope.book.iter().cloned());
    let own = own_outputs();
    let stamped = files.into_iter().filter_map(|path| Some((path.clone(), stamp(&path)?)));
    (stamped.filter(|(_, stamp)| !own.iter().any(|it| it.is_of(*stamp))).collect(), folders)
}

/// Returns the globs that name none of these files; also those that only take files out, if there are no others.
fn unmatched(scope: &Scope, files: &BTreeMap<PathBuf, Stamp>) -> Vec<String> {
    let What::Globs(globs) = &scope.what else { return Vec::new() };
    let (without, with): (Vec<String>, Vec<String>) =
        globs.iter().cloned().partition(|glob| glob.starts_with('!'));
    if with.is_empty() {
        return without;
    }
    let names: Vec<String> = files.keys().map(|path| shown(&scope.root, path)).collect();
    let is_idle = |glob: &String| {
        let one = std::iter::once(glob).chain(&without).cloned().collect::<Vec<_>>();
        let one = Globs::new(&one);
        !names.iter().any(|name| one.fits(Path::new(name)))
    };
    with.into_iter().filter(is_idle).collect()
}

/// Returns what this process prints to, where that is a file: each line would be a reason for the next one.
fn own_outputs() -> Vec<Stamp> {
    ["/proc/self/fd/1", "/proc/self/fd/2"].iter().filter_map(|path| stamp(Path::new(path))).collect()
}

/// Adds the folders below the place where a pattern begins, or what is above it as long as there is no such folder.
fn begin_of(scope: &Scope, base: &str, folders: &mut BTreeSet<PathBuf>) {
    let place = scope.root.join(base);
    if place.is_dir() {
        walk(scope, &place, folders);
    }
    // A file, or what is not there yet, comes and goes in the folder above.
    if let Some(above) = place.ancestors().skip(1).find(|it| it.is_dir() && it.starts_with(&scope.root)) {
        folders.insert(above.to_path_buf());
    }
}

fn walk(scope: &Scope, folder: &Path, folders: &mut BTreeSet<PathBuf>) {
    let is_wanted = |entry: &walkdir::DirEntry| {
        entry.file_type().is_dir()
            && !NEVER.iter().any(|never| entry.file_name() == *never)
            && entry.path() != scope.state
            && !is_whole(&scope.without, &shown(&scope.root, entry.path()))
    };
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_entry(is_wanted).flatten();
    folders.extend(entries.map(walkdir::DirEntry::into_path));
}

/// Says whether a folder with all that is in it is made by the job.
fn is_whole(without: &[Patterns], folder: &str) -> bool {
    !folder.is_empty()
        && without.iter().any(|it| it.name(folder) || it.whole_folders().any(|whole| whole == folder))
}

fn files_in(
    scope: &Scope,
    folders: &BTreeSet<PathBuf>,
    fits: &dyn Fn(&str) -> bool,
    files: &mut BTreeSet<PathBuf>,
) {
    for folder in folders {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = shown(&scope.root, &path);
            if fits(&name) && !is_made(&scope.without, &name) && path.is_file() {
                files.insert(path);
            }
        }
    }
}

fn everything(scope: &Scope, files: &mut BTreeSet<PathBuf>, folders: &mut BTreeSet<PathBuf>) {
    let (state, root, without) = (scope.state.clone(), scope.root.clone(), scope.without.clone());
    let walk = ignore::WalkBuilder::new(&scope.root)
        .hidden(false)
        .ignore(false)
        .require_git(false)
        .follow_links(false)
        .filter_entry(move |entry| {
            entry.depth() == 0
                || (!NEVER.iter().any(|never| entry.file_name() == *never)
                    && entry.path() != state
                    && !is_whole(&without, &shown(&root, entry.path())))
        })
        .build();
    for entry in walk.flatten() {
        match entry.file_type() {
            Some(kind) if kind.is_dir() => {
                folders.insert(entry.into_path());
            }
            Some(_) if !is_made(&scope.without, &shown(&scope.root, entry.path())) => {
                files.insert(entry.into_path());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
