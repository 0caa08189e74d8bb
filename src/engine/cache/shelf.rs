//! The folder of results: large files by the digest of their bytes, and what is just being written.
//!
//! A file comes here under a name of its own and is renamed when it is whole. Who removes files that no entry names holds
//! a lock on the whole folder, who needs them to stay shares it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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
}

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
        for folder in [&it.folder, &it.folder.join("tmp"), &it.folder.join("blobs")] {
            if !folder.is_dir() {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
        }
        Ok(it)
    }

    /// The folder below a state folder, be it there or not.
    pub(super) fn at(state: &Path) -> Self {
        let own = uuid::Uuid::now_v7().simple().to_string();
        Self { folder: state.join("cache"), own, number: AtomicU64::new(0) }
    }

    /// Returns a name that nobody else uses.
    pub(super) fn new_name(&self) -> String {
        format!("{}-{}", self.own, self.number.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns a path for a file that is not whole yet.
    pub(super) fn new_path(&self) -> PathBuf {
        self.folder.join("tmp").join(self.new_name())
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
