//! Hears of changed files: those that triggers watch, the playbooks, and the store.
//!
//! Each folder is watched by itself, so that `.git`, `.sortie` and whatever no glob reaches cost nothing. Where the system
//! cannot tell about changes (no inotify, or no more of it), files are looked at from time to time, and that is said.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use notify::{Config, Event, PollWatcher, RecursiveMode, Watcher};

use crate::engine::watching::{is_change, polled, system_watcher, why};
use crate::engine::{Bell, Project};

/// Between two looks at files where the system tells nothing.
const EVERY: Duration = Duration::from_secs(2);

/// Folders of a project that nobody watches.
const NEVER: [&str; 2] = [".git", ".sortie"];

/// What happened to files since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) files: BTreeSet<PathBuf>,
    pub(super) has_store: bool,
    /// Changes were lost: anything may have changed.
    pub(super) is_incomplete: bool,
}

/// A watch over folders.
pub(super) struct Files {
    watcher: Box<dyn Watcher + Send>,
    watched: BTreeSet<PathBuf>,
    changes: Arc<Mutex<Changes>>,
    /// Why files are only looked at from time to time.
    pub(super) polled: Option<String>,
    bell: Bell,
    store: PathBuf,
}

impl Files {
    /// Watches nothing yet; rings the bell for every change.
    ///
    /// # Errors
    /// If not even looking from time to time works.
    pub(super) fn new(project: &Project, bell: &Bell) -> notify::Result<Self> {
        let changes = Arc::new(Mutex::new(Changes::default()));
        let store = project.state.join("sortie.db-wal");
        let handler = handler(&changes, bell, &store);
        let (watcher, polled): (Box<dyn Watcher + Send>, _) = match system_watcher(handler) {
            Ok(watcher) => (Box::new(watcher), None),
            Err(error) => (Box::new(polling(&changes, bell, &store)?), Some(told(&error))),
        };
        Ok(Self { watcher, watched: BTreeSet::new(), changes, polled, bell: bell.clone(), store })
    }

    /// Takes what has happened.
    pub(super) fn take(&self) -> Changes {
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Watches exactly these folders from now on; returns those that are new among them.
    pub(super) fn watch(&mut self, folders: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let mut new = Vec::new();
        for gone in self.watched.difference(folders) {
            // A folder that was removed is not watched any more anyway.
            let _outcome = self.watcher.unwatch(gone);
        }
        self.watched.retain(|folder| folders.contains(folder));
        for folder in folders {
            if self.watched.contains(folder) {
                continue;
            }
            match self.watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder.clone());
                    new.push(folder.clone());
                }
                // It was removed in this moment.
                Err(_) if !folder.is_dir() => {}
                Err(error) if self.polled.is_none() => {
                    self.polled = Some(told(&error));
                    if let Ok(watcher) = polling(&self.changes, &self.bell, &self.store) {
                        self.watcher = Box::new(watcher);
                        self.watched.clear();
                    }
                    return self.watch(folders);
                }
                Err(_) => {}
            }
        }
        new
    }
}

fn polling(changes: &Arc<Mutex<Changes>>, bell: &Bell, store: &Path) -> notify::Result<PollWatcher> {
    PollWatcher::new(handler(changes, bell, store), Config::default().with_poll_interval(EVERY))
}

fn told(error: &notify::Error) -> String {
    polled(EVERY, &why(error))
}

fn handler(
    changes: &Arc<Mutex<Changes>>,
    bell: &Bell,
    store: &Path,
) -> impl FnMut(notify::Result<Event>) + Send + use<> {
    let (changes, bell, store) = (Arc::clone(changes), bell.clone(), store.to_path_buf());
    move |event| {
        let mut held = changes.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Ok(event) if event.need_rescan() => held.is_incomplete = true,
            Ok(event) if !is_change(event.kind) => return,
            Ok(event) => {
                for path in event.paths {
                    if path == store {
                        held.has_store = true;
                    } else {
                        held.files.insert(path);
                    }
                }
            }
            Err(_) => held.is_incomplete = true,
        }
        drop(held);
        bell.ring();
    }
}

/// Globs of a trigger, ready to be asked.
#[derive(Debug)]
pub(in crate::engine) struct Globs {
    wanted: Vec<GlobMatcher>,
    unwanted: Vec<GlobMatcher>,
    /// Folders below the root that the wanted ones begin with.
    starts: Vec<PathBuf>,
}

impl Globs {
    /// Reads globs that were checked; one that cannot be read matches nothing.
    pub(in crate::engine) fn new(globs: &[String]) -> Self {
        let read = |glob: &str| {
            GlobBuilder::new(glob).literal_separator(true).build().ok().map(|it| it.compile_matcher())
        };
        let wanted = globs.iter().filter(|glob| !glob.starts_with('!'));
        Self {
            wanted: wanted.clone().filter_map(|glob| read(glob)).collect(),
            unwanted: globs.iter().filter_map(|glob| read(glob.strip_prefix('!')?)).collect(),
            starts: wanted.map(|glob| start(glob)).collect(),
        }
    }

    /// Says whether a file is meant, by its path below the root.
    pub(in crate::engine) fn fits(&self, file: &Path) -> bool {
        let is_hidden = file.iter().any(|part| NEVER.iter().any(|never| part == *never));
        !is_hidden
            && self.wanted.iter().any(|glob| glob.is_match(file))
            && !self.unwanted.iter().any(|glob| glob.is_match(file))
    }

    /// Collects the folders that have to be watched: where globs begin, all below, and what is above as long as there is no
    /// such folder.
    pub(in crate::engine) fn folders(&self, root: &Path, into: &mut BTreeSet<PathBuf>) {
        for start in &self.starts {
            let mut folder = root.join(start);
            while !folder.is_dir() && folder != root && folder.pop() {}
            if folder == root.join(start) {
                walk(&folder, into);
            } else {
                into.insert(folder);
            }
        }
    }
}

/// The folder in front of the first part of a glob that is more than a name.
fn start(glob: &str) -> PathBuf {
    let parts: Vec<&str> = glob.split('/').collect();
    let plain = parts.iter().take_while(|part| !part.contains(['*', '?', '[', '{', '\\'])).count();
    parts[..plain.min(parts.len() - 1)].iter().collect()
}

/// Collects a folder and all below it.
pub(super) fn walk(folder: &Path, into: &mut BTreeSet<PathBuf>) {
    let is_wanted = |entry: &walkdir::DirEntry| {
        entry.file_type().is_dir() && !NEVER.iter().any(|never| entry.file_name() == *never)
    };
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_entry(is_wanted).flatten();
    into.extend(entries.map(walkdir::DirEntry::into_path));
}
