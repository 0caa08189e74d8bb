//! What the system says about a file, as far as it tells one state of it from another.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Stat as Raw};
use rustix::path::Arg;

/// One state of a file. Two that are equal have the same content, unless it was read in the moment of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    /// In nanoseconds.
    pub(super) modified: i64,
    /// When anything about the file changed, in nanoseconds. Nobody can set it.
    pub(super) changed: i64,
}

/// What there is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) stamp: Stamp,
    pub(super) mode: u32,
}

impl Stat {
    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    pub(super) fn is_file(&self) -> bool {
        self.kind() == FileType::RegularFile
    }

    pub(super) fn is_folder(&self) -> bool {
        self.kind() == FileType::Directory
    }

    pub(super) fn is_link(&self) -> bool {
        self.kind() == FileType::Symlink
    }

    /// Its owner may execute it.
    pub(super) fn is_executable(&self) -> bool {
        self.mode & 0o100 != 0
    }
}

impl From<Raw> for Stat {
    fn from(it: Raw) -> Self {
        let nanoseconds = |seconds: i64, rest: u64| {
            seconds.saturating_mul(1_000_000_000).saturating_add(i64::try_from(rest).unwrap_or(0))
        };
        let stamp = Stamp {
            device: it.st_dev,
            inode: it.st_ino,
            size: u64::try_from(it.st_size).unwrap_or(0),
            modified: nanoseconds(it.st_mtime, it.st_mtime_nsec),
            changed: nanoseconds(it.st_ctime, it.st_ctime_nsec),
        };
        Self { stamp, mode: it.st_mode }
    }
}

/// Returns what is at a path itself, be it a link or not; none if nothing is.
///
/// # Errors
/// What the system says, also where a part of the path is a file.
pub(super) fn stat_at(folder: impl AsFd, path: impl Arg) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(found.into())),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns what an open file is.
///
/// # Errors
/// What the system says.
pub(super) fn stat_of(file: impl AsFd) -> io::Result<Stat> {
    Ok(rustix::fs::fstat(file)?.into())
}

/// Returns the time, in nanoseconds. No file that was changed before has a later mark.
pub(super) fn now() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}

/// Returns the time by the clock that marks files, in nanoseconds. It stands still between two ticks.
pub(super) fn tick() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}
