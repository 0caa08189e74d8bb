//! Follows something that is made of files: reads it whenever they have come to rest after a change, and tells each version
//! once, whatever was done to the files.
//!
//! It has a thread of its own. A save of the same content is no new version; what is changed back is one again. Not here: what
//! is read (whoever calls).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::ear::{Ear, Heard};
use super::lookups::Lookups;
use super::rest::{Over, Rest};
use super::{EVERY, LONGEST, QUIET};
use crate::engine::bell::any_of;
use crate::engine::library::{Stamp, stamp};
use crate::engine::{Bell, clock};

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;

/// Tells versions apart.
pub type Key = [u8; 32];

/// So often what was not listened to yet is read again before it is told.
const AGAIN: usize = 5;

/// Returns the key of a content.
#[must_use]
pub fn key(content: &[u8]) -> Key {
    *blake3::hash(content).as_bytes()
}

/// What was read, and what it was made of.
#[derive(Clone, Debug)]
pub struct Looked<T> {
    pub key: Key,
    pub files: BTreeSet<PathBuf>,
    /// Folders of which everything counts that lies in them.
    pub folders: BTreeSet<PathBuf>,
    pub value: T,
}

/// What a follower tells.
#[derive(Debug, PartialEq, Eq)]
pub enum News<T> {
    Version(T),
    /// Files are only looked at from time to time, in words. Told once.
    Polled(String),
}

/// Follows until it is dropped.
pub struct Follower {
    bell: Bell,
    is_over: Arc<AtomicBool>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.bell.ring();
    }
}

/// Follows what `look` reads; `tell` hears of each version that is another one than the last, the first being `known`, on a
/// thread of its own, and says whether anybody listens still.
///
/// # Errors
/// If this process may have no further thread or file.
pub fn follow<T: 'static>(
    root: &Path,
    known: Option<Key>,
    look: impl FnMut() -> Looked<T> + Send + 'static,
    tell: impl FnMut(News<T>) -> bool + Send + 'static,
) -> io::Result<Follower> {
    let (bell, is_over) = (Bell::new()?, Arc::new(AtomicBool::new(false)));
    let follower = Follower { bell: bell.clone(), is_over: Arc::clone(&is_over) };
    // Links in its way would make other names of the same folders.
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    std::thread::Builder::new().name("changes".to_owned()).spawn(move || {
        let ear = Ear::new(&bell);
        let stamps = BTreeMap::new();
        Following { root, bell, is_over, ear, known, look, tell, lookups: Lookups::default(), stamps }.run();
    })?;
    Ok(follower)
}

struct Following<L, N> {
    root: PathBuf,
    bell: Bell,
    is_over: Arc<AtomicBool>,
    ear: Ear,
    /// The last version that was told.
    known: Option<Key>,
    look: L,
    tell: N,
    lookups: Lookups,
    /// Of the files when they were read last.
    stamps: BTreeMap<PathBuf, Option<Stamp>>,
}

impl<T, L: FnMut() -> Looked<T>, N: FnMut(News<T>) -> bool> Following<L, N> {
    fn run(&mut self) {
        let (looked, mut rest) = (self.read(), Rest::new(QUIET, LONGEST));
        if !self.tell_if_new(looked) {
            return;
        }
        let mut has_told_deaf = false;
        loop {
            if let Some(words) = self.ear.deaf().filter(|_| !has_told_deaf).map(str::to_owned) {
                has_told_deaf = true;
                if !(self.tell)(News::Polled(words)) {
                    return;
                }
            }
            let Some(over) = self.wait(&mut rest) else { return };
            let looked = self.read();
            // Somebody writes again already: what was read may be the half of it.
            if self.hear(&mut rest) && over == Over::Quiet {
                continue;
            }
            if !self.tell_if_new(looked) {
                return;
            }
        }
    }

    /// Waits until files have changed and come to rest; nothing if nobody wants to know any more.
    fn wait(&mut self, rest: &mut Rest) -> Option<Over> {
        let mut looked_at = clock::elapsed();
        loop {
            if self.is_over.load(Ordering::SeqCst) {
                return None;
            }
            self.hear(rest);
            let now = clock::elapsed();
            if self.ear.deaf().is_some() && now >= looked_at + EVERY {
                looked_at = now;
                if self.stamps_now() != self.stamps {
                    rest.stir(now);
                    self.stamps = self.stamps_now();
                }
            }
            if let Some(over) = rest.over(now) {
                return Some(over);
            }
            let poll = self.ear.deaf().map(|_| (looked_at + EVERY).saturating_sub(now));
            let due = rest.due().map(|due| due.saturating_sub(now));
            let limit = [poll, due].into_iter().flatten().min().unwrap_or(Duration::from_secs(3600));
            any_of(&[self.bell.as_fd()], limit);
            self.bell.hush();
        }
    }

    /// Takes note of what was heard; says whether it may matter.
    fn hear(&mut self, rest: &mut Rest) -> bool {
        let Heard { paths, is_incomplete } = self.ear.take();
        let matters = is_incomplete || paths.iter().any(|path| self.lookups.concern(path));
        if matters {
            rest.stir(clock::elapsed());
        }
        matters
    }

    /// Reads it, and listens to all that it is made of.
    fn read(&mut self) -> Looked<T> {
        let mut looked = (self.look)();
        for _ in 0..AGAIN {
            self.lookups = Lookups::default();
            looked.files.iter().for_each(|path| self.lookups.add_file(&self.root, path));
            looked.folders.iter().for_each(|path| self.lookups.add_folder(&self.root, path));
            if !self.ear.listen(&self.lookups.folders()) {
                break;
            }
            // It may have changed before anybody listened.
            looked = (self.look)();
        }
        self.stamps =
            looked.files.iter().chain(&looked.folders).map(|path| (path.clone(), stamp(path))).collect();
        looked
    }

    fn stamps_now(&self) -> BTreeMap<PathBuf, Option<Stamp>> {
        self.stamps.keys().map(|path| (path.clone(), stamp(path))).collect()
    }

    /// Tells a version if it is another one; says whether anybody listens still.
    fn tell_if_new(&mut self, looked: Looked<T>) -> bool {
        if self.known == Some(looked.key) {
            return true;
        }
        self.known = Some(looked.key);
        (self.tell)(News::Version(looked.value))
    }
}
