//! The folder of results: large files by the digest of their bytes, and what is just being written.
//!
//! A file comes here under a name of its own and is renamed when it is whole. Who removes files that no entry names holds
//! a lock on the whole folder, who needs them to stay shares it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use blake3::{Hash, Hasher};
use rustix::fs::{FlockOperation, flock};

use super::memo::{Memo, Reading};
use super::point;
use super::stat::stat_at;

/// The folder of results.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) folder: PathBuf,
    /// What names of unfinished files of this process begin with.
    own: String,
    number: AtomicU64,
    /// Says to others that this process lives, and its unfinished files are wanted; made with the first of them.
    alive: OnceLock<Option<File>>,
}

/// Folders of files that are not whole yet. A thread has one of them, as two that make files in the same folder wait for each
/// other.
const UNFINISHED: [&str; 2] = ["tmp", "tmp-2"];

/// So many threads have one so far.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static UNFINISHED_OF_THREAD: &'static str =
        UNFINISHED[THREADS.fetch_add(1, Ordering::Relaxed) % UNFINISHED.len()];
}

/// The ending of such a file.
const ALIVE: &str = "alive";

/// Keeps others from removing files, or from using them, until it is dropped.
#[derive(Debug)]
pub(super) struct Gate(#[expect(dead_code, reason = "closing it frees the lock")] File);

impl Shelf {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(state: &Path) -> io::Result<Self> {
        let it = Self::at(state);
        let below = UNFINISHED.iter().chain(&["blobs"]).map(|name| it.folder.join(name));
        for folder in std::iter::once(it.folder.clone()).chain(below) {
            if !folder.is_dir() {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
        }
        Ok(it)
    }

    /// The folder below a state folder, be it there or not.
    pub(super) fn at(state: &Path) -> Self {
        let own = uuid::Uuid::now_v7().simple().to_string();
        Self { folder: state.join("cache"), own, number: AtomicU64::new(0), alive: OnceLock::new() }
    }

    /// Returns a name that nobody else uses.
    pub(super) fn new_name(&self) -> String {
        format!("{}-{}", self.own, self.number.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns a path for a file that is not whole yet.
    pub(super) fn new_path(&self) -> PathBuf {
        // Without it, what stays is removed when it is old.
        self.alive.get_or_init(|| self.live().ok());
        self.folder.join(UNFINISHED_OF_THREAD.with(|name| *name)).join(self.new_name())
    }

    fn live(&self) -> io::Result<File> {
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.alive_path(&self.own))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(file)
    }

    fn alive_path(&self, own: &str) -> PathBuf {
        self.folder.join(UNFINISHED[0]).join(own).with_extension(ALIVE)
    }

    /// Leaves everything as the death of the process would, and returns what says that it lives.
    #[cfg(test)]
    pub(super) fn die(mut self) -> PathBuf {
        let path = self.alive_path(&self.own);
        self.alive = OnceLock::new();
        path
    }

    /// Returns the folders of files that are not whole yet.
    pub(super) fn unfinished_folders(&self) -> impl Iterator<Item = PathBuf> {
        UNFINISHED.iter().map(|name| self.folder.join(name))
    }

    /// Returns what is not whole yet, whoever is at work on it.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = fs::DirEntry> {
        self.unfinished_folders().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
    }

    /// Removes what was not finished by processes that are dead.
    pub(super) fn clean_up(&self) {
        let named = self.unfinished().filter_map(|it| Some((it.file_name().into_string().ok()?, it.path())));
        let mut files: Vec<(String, PathBuf)> =
            named.filter(|(name, _)| !name.starts_with(&self.own)).collect();
        files.sort();
        let alive =
            |(name, _): &(String, PathBuf)| name.strip_suffix(ALIVE)?.strip_suffix('.').map(str::to_owned);
        for owner in files.iter().filter_map(alive) {
            let path = self.alive_path(&owner);
            let Ok(file) = File::open(&path) else { continue };
            if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            let is_its = |name: &str| name.strip_prefix(&owner).is_some_and(|it| it.starts_with('-'));
            for (_, path) in files.iter().filter(|(name, _)| is_its(name)) {
                // What stays is found again.
                let _removed = fs::remove_file(path);
            }
            let _removed = fs::remove_file(path);
        }
    }

    /// Returns where the bytes of a digest are.
    pub(super) fn path_of(&self, hash: &Hash) -> PathBuf {
        let hex = hash.to_hex();
        self.folder.join("blobs").join(&hex[..2]).join(&hex[2..])
    }

    /// Waits until nobody removes files, and keeps it so; or until nobody uses any, if `alone`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn gate(&self, alone: bool) -> io::Result<Gate> {
        let mut options = OpenOptions::new();
        let path = self.folder.join("lock");
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        flock(&file, if alone { FlockOperation::LockExclusive } else { FlockOperation::LockShared })?;
        Ok(Gate(file))
    }

    /// Shares the lock on the folder, if nobody removes anything at this moment.
    pub(super) fn shared_gate_if_free(&self) -> Option<Gate> {
        let file = File::open(self.folder.join("lock")).ok()?;
        flock(&file, FlockOperation::NonBlockingLockShared).ok()?;
        Some(Gate(file))
    }

    /// Takes the lock on the folder alone, if nobody uses anything at this moment.
    pub(super) fn gate_if_free(&self) -> Option<Gate> {
        let file = File::open(self.folder.join("lock")).ok()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(Gate(file))
    }

    /// Keeps the bytes of an open file and returns their digest and number; none if the file changed meanwhile.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep(&self, reading: &mut Reading, memo: &Memo) -> io::Result<Option<(Hash, u64)>> {
        let path = self.new_path();
        let kept = self.keep_at(&path, reading, memo);
        if !matches!(kept, Ok(Some(_))) {
            // What stays is removed with the next pruning.
            let _removed = fs::remove_file(&path);
        }
        kept
    }

    fn keep_at(&self, path: &Path, reading: &mut Reading, memo: &Memo) -> io::Result<Option<(Hash, u64)>> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        point();
        let mut to = Hashed { file: &mut file, hasher: Hasher::new(), bytes: 0 };
        io::copy(&mut reading.file, &mut to)?;
        let (hash, bytes) = (to.hasher.finalize(), to.bytes);
        if !reading.is_unchanged()? {
            return Ok(None);
        }
        point();
        let end = self.path_of(&hash);
        if self.is_whole(&hash, bytes, memo) {
            fs::remove_file(path)?;
        } else {
            if let Some(folder) = end.parent().filter(|it| !it.is_dir()) {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            fs::rename(path, &end)?;
            memo.is_young(end);
        }
        point();
        Ok(Some((hash, bytes)))
    }

    /// Says whether the bytes of a digest are there, and are those.
    pub(super) fn is_whole(&self, hash: &Hash, size: u64, memo: &Memo) -> bool {
        let path = self.path_of(hash);
        let Ok(Some(stat)) = stat_at(rustix::fs::CWD, &path) else { return false };
        stat.is_file()
            && stat.stamp.size == size
            && memo.read(rustix::fs::CWD, &path, &stat, || path.clone()).is_ok_and(|it| it.hash == *hash)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        if let Some(Some(_)) = self.alive.get() {
            // One that stays is of a dead process.
            let _removed = fs::remove_file(self.alive_path(&self.own));
        }
    }
}

/// Counts and digests what it passes on.
struct Hashed<'a> {
    file: &'a mut File,
    hasher: Hasher,
    bytes: u64,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
