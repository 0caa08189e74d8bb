//! Hears of changes in folders, each watched by itself and nothing below it.
//!
//! Not here: which folders (`lookups.rs`), when what was heard is over (`rest.rs`). Where the system tells nothing, nothing is
//! heard here, and that is said.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::{EVERY, is_change, polled, system_watcher, why};
use crate::engine::Bell;

/// File systems of other machines, on which changes made elsewhere are told to nobody here, by their numbers in statfs(2).
const REMOTE: [(u64, &str); 8] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x786f_4256, "VirtualBox"),
];

/// What was heard since it was last asked.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) paths: BTreeSet<PathBuf>,
    /// Something was lost: anything may have changed.
    pub(super) is_incomplete: bool,
}

/// Listens to folders.
pub(super) struct Ear {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    heard: Arc<Mutex<Heard>>,
    /// Why nothing is heard, and files have to be looked at instead.
    deaf: Option<String>,
}

impl Ear {
    /// Returns an ear that listens to nothing yet; it rings the bell for every change.
    pub(super) fn new(bell: &Bell) -> Self {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (watcher, deaf) = match system_watcher(handler(&heard, bell)) {
            Ok(watcher) => (Some(watcher), None),
            Err(error) => (None, Some(polled(EVERY, &why(&error)))),
        };
        Self { watcher, watched: BTreeSet::new(), heard, deaf }
    }

    /// Says why files have to be looked at from time to time, if so.
    pub(super) fn deaf(&self) -> Option<&str> {
        self.deaf.as_deref()
    }

    /// Takes what has happened.
    pub(super) fn take(&mut self) -> Heard {
        let mut heard = std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner));
        // A folder that was moved away, or put there anew, is no longer the one that is listened to, whatever it is called.
        let moved = |folder: &PathBuf| folder.ancestors().any(|it| heard.paths.contains(it));
        let gone: Vec<PathBuf> = self.watched.iter().filter(|folder| moved(folder)).cloned().collect();
        gone.iter().for_each(|folder| self.forget(folder));
        // Nobody listens there until it is read again, also if what was heard concerns nobody: it may be old news.
        heard.is_incomplete |= !gone.is_empty();
        heard
    }

    fn forget(&mut self, folder: &Path) {
        self.watched.remove(folder);
        if let Some(watcher) = &mut self.watcher {
            // One that was removed is not watched any more anyway.
            let _outcome = watcher.unwatch(folder);
        }
    }

    /// Listens to exactly these folders from now on; says whether some of them are new.
    pub(super) fn listen(&mut self, folders: &BTreeSet<PathBuf>) -> bool {
        let gone: Vec<PathBuf> = self.watched.difference(folders).cloned().collect();
        gone.iter().for_each(|folder| self.forget(folder));
        let mut is_new = false;
        for folder in folders {
            let Some(watcher) = self.watcher.as_mut().filter(|_| !self.watched.contains(folder)) else {
                continue;
            };
            if let Some(kind) = remote(folder) {
                return self.go_deaf(&format!("`{}` lies on {kind}", folder.display()));
            }
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(folder.clone());
                    is_new = true;
                }
                // It was removed in this moment.
                Err(_) if !folder.is_dir() => {}
                // One that may not be looked at tells nothing, and there is nothing to read in it either.
                Err(error) if is_forbidden(&error) => {}
                Err(error) => return self.go_deaf(&why(&error)),
            }
        }
        is_new
    }

    fn go_deaf(&mut self, why: &str) -> bool {
        self.deaf = Some(polled(EVERY, why));
        self.watcher = None;
        self.watched.clear();
        true
    }
}

fn is_forbidden(error: &notify::Error) -> bool {
    matches!(&error.kind, notify::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Names the file system of a folder, if it is one of other machines.
fn remote(folder: &Path) -> Option<&'static str> {
    let about = rustix::fs::statfs(folder).ok()?;
    let kind = u64::try_from(about.f_type).ok()? & 0xffff_ffff;
    REMOTE.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

fn handler(heard: &Arc<Mutex<Heard>>, bell: &Bell) -> impl FnMut(notify::Result<Event>) + Send + use<> {
    let (heard, bell) = (Arc::clone(heard), bell.clone());
    move |event| {
        let mut held = heard.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Ok(event) if event.need_rescan() => held.is_incomplete = true,
            Ok(event) if !is_change(event.kind) => return,
            Ok(event) => held.paths.extend(event.paths),
            Err(_) => held.is_incomplete = true,
        }
        drop(held);
        bell.ring();
    }
}
