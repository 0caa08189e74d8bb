//! Remembers which content a file had in which state, so that nothing is read twice.
//!
//! A file that changes twice within one tick of the clock looks the same after both. So a digest is only remembered if the
//! clock had moved on from both times of the file before it was read; others are read again a tick later.
//!
//! Times are compared for being equal and never for being newer, but for that one look at the clock: a clock that is
//! put back makes a file be read once more.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use blake3::{Hash, Hasher};
use rustix::fs::{Mode, OFlags};
use rustix::path::Arg;

use super::db::Db;
use super::stat::{Stamp, Stat, stat_of, tick};

/// What is known about files.
#[derive(Debug, Default)]
pub(super) struct Memo {
    known: RwLock<HashMap<(u64, u64), Remembered>>,
    /// Where more is remembered that was not read yet.
    rest: Mutex<Option<PathBuf>>,
    is_part: AtomicBool,
    /// Not in the store yet.
    fresh: Mutex<Vec<(Stamp, Hash)>>,
    /// Files that were read too soon after a change.
    young: Mutex<Vec<PathBuf>>,
}

#[derive(Debug)]
struct Remembered {
    stamp: Stamp,
    hash: Hash,
    was_used: AtomicBool,
}

/// A file that was read, or did not have to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read1 {
    pub(super) hash: Hash,
    pub(super) stat: Stat,
}

/// Tries to read a file that is being written.
const TRIES: u32 = 3;

/// Bytes that are read at once.
const PIECE: usize = 128 * 1024;

impl Memo {
    /// Takes what the store remembers.
    pub(super) fn load(&self, rows: impl IntoIterator<Item = (Stamp, Hash)>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for (stamp, hash) in rows {
            // What was found out meanwhile is newer.
            let was_used = AtomicBool::new(false);
            let remembered = || Remembered { stamp, hash, was_used };
            known.entry((stamp.device, stamp.inode)).or_insert_with(remembered);
        }
    }

    /// Takes a part of what the store in that folder remembers: the rest is read when something is missing.
    pub(super) fn load_part(&self, rows: impl IntoIterator<Item = (Stamp, Hash)>, folder: Option<PathBuf>) {
        self.load(rows);
        self.is_part.store(folder.is_some(), Ordering::Release);
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = folder;
    }

    /// Says whether a part of what the store remembers was enough.
    pub(super) fn is_part(&self) -> bool {
        self.is_part.load(Ordering::Acquire)
    }

    /// Returns what was asked for and is remembered.
    pub(super) fn used(&self) -> Vec<(Stamp, Hash)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let used = known.values().filter(|it| it.was_used.load(Ordering::Relaxed));
        used.map(|it| (it.stamp, it.hash)).collect()
    }

    fn load_rest(&self) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(folder) = rest.take() {
            // What cannot be read is read from the files themselves.
            self.load(Db::open(&folder).ok().and_then(|db| db.memo().ok()).unwrap_or_default());
            self.is_part.store(false, Ordering::Release);
        }
    }

    /// Returns the digest of a file in that state, if it is remembered.
    pub(super) fn of(&self, stamp: &Stamp) -> Option<Hash> {
        let found = self.found(stamp);
        if found.is_some() || !self.is_part() {
            return found;
        }
        self.load_rest();
        self.found(stamp)
    }

    fn found(&self, stamp: &Stamp) -> Option<Hash> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&(stamp.device, stamp.inode)).filter(|it| it.stamp == *stamp)?;
        if !found.was_used.load(Ordering::Relaxed) {
            found.was_used.store(true, Ordering::Relaxed);
        }
        Some(found.hash)
    }

    /// Returns the digest of the file at a path, which may not be a link. `found` is what was just seen there.
    ///
    /// # Errors
    /// If it cannot be read, is no file, or is being written all the time.
    pub(super) fn read(
        &self,
        folder: impl AsFd,
        path: impl Arg + Copy,
        found: &Stat,
        full: impl Fn() -> PathBuf,
    ) -> io::Result<Read1> {
        if let Some(hash) = self.of(&found.stamp) {
            return Ok(Read1 { hash, stat: *found });
        }
        for _ in 0..TRIES {
            let mut reading = Reading::begin(&folder, path)?;
            let hash = reading.hash()?;
            if reading.is_unchanged()? {
                self.note(&reading, hash, &full);
                return Ok(Read1 { hash, stat: reading.stat });
            }
        }
        Err(io::Error::other("it is being written"))
    }

    /// Remembers what a reading found, if it was not too soon after a change; else the file is read again later.
    pub(super) fn note(&self, reading: &Reading, hash: Hash, full: impl Fn() -> PathBuf) {
        let stamp = reading.stat.stamp;
        if reading.is_settled() {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            let was_used = AtomicBool::new(true);
            known.insert((stamp.device, stamp.inode), Remembered { stamp, hash, was_used });
            drop(known);
            self.fresh.lock().unwrap_or_else(PoisonError::into_inner).push((stamp, hash));
        } else {
            self.is_young(full());
        }
    }

    /// Has a file read again later.
    pub(super) fn is_young(&self, path: PathBuf) {
        self.young.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    /// Says whether files wait to be read again.
    pub(super) fn has_young(&self) -> bool {
        !self.young.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Reads some of the files again that were read too soon.
    pub(super) fn read_young(&self, most: usize) {
        let some: Vec<PathBuf> = {
            let mut young = self.young.lock().unwrap_or_else(PoisonError::into_inner);
            let keep = young.len().saturating_sub(most);
            young.split_off(keep)
        };
        for path in some {
            // One that is gone, or that nobody may read, is of no use to anybody.
            let Ok(mut reading) = Reading::begin(rustix::fs::CWD, &path) else { continue };
            let Ok(hash) = reading.hash() else { continue };
            if reading.is_settled() && reading.is_unchanged().unwrap_or(false) {
                self.note(&reading, hash, || path.clone());
            }
        }
    }

    /// Returns what is not in the store yet, which then counts as if it were.
    pub(super) fn take_fresh(&self) -> Vec<(Stamp, Hash)> {
        std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) file: File,
    pub(super) stat: Stat,
    /// By the clock that marks files, before anything was read.
    tick: i64,
}

impl Reading {
    /// Opens a file, which may not be a link.
    ///
    /// # Errors
    /// What the system says, or that it is no file.
    pub(super) fn begin(folder: impl AsFd, path: impl Arg) -> io::Result<Self> {
        let tick = tick();
        // A pipe without a writer would hold us up.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file: OwnedFd = rustix::fs::openat(folder, path, flags, Mode::empty())?;
        let stat = stat_of(&file)?;
        if !stat.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        Ok(Self { file: File::from(file), stat, tick })
    }

    /// Reads it to the end.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn hash(&mut self) -> io::Result<Hash> {
        let size = usize::try_from(self.stat.stamp.size).unwrap_or(PIECE);
        let mut buffer = vec![0; (size + 1).clamp(512, PIECE)];
        let mut hasher = Hasher::new();
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finalize()),
                Ok(count) => {
                    hasher.update(&buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Says whether the file is still as it was at the beginning.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn is_unchanged(&self) -> io::Result<bool> {
        Ok(stat_of(&self.file)?.stamp == self.stat.stamp)
    }

    /// Says whether a change since would be seen by its times.
    pub(super) fn is_settled(&self) -> bool {
        self.tick > self.stat.stamp.modified && self.tick > self.stat.stamp.changed
    }
}
