//! Files that artifacts were put into place as, in this job: no stage has written them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::files::Root;
use super::super::stat::{Stamp, stat_at};

/// Shared by what puts files into place and what looks for undeclared writes.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Placed(Arc<Mutex<Files>>);

/// Whole paths, and how the files were when they had been put into place.
#[derive(Debug, Default)]
pub(in crate::engine::cache) struct Files(BTreeMap<PathBuf, Stamp>);

impl Placed {
    /// Returns them. Nothing is put into place, and nobody lists the project, while somebody else has them.
    pub(in crate::engine::cache) fn lock(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// Takes note of files below a root, as they are now.
    pub(super) fn note<'a>(&mut self, root: &Root, paths: impl Iterator<Item = &'a [u8]>) {
        for path in paths {
            if let Ok(Some(stat)) = stat_at(root.fd(), path) {
                self.0.insert(root.full(path), stat.stamp);
            }
        }
    }

    /// Says whether a file is still as it was put into place.
    pub(in crate::engine::cache) fn has(&self, path: &Path, stamp: &Stamp) -> bool {
        self.0.get(path) == Some(stamp)
    }

    /// Says whether a folder may have been made for one of them.
    pub(in crate::engine::cache) fn has_below(&self, folder: &Path) -> bool {
        self.0.range(folder.to_path_buf()..).next().is_some_and(|(path, _)| path.starts_with(folder))
    }
}
