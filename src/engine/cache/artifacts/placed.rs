//! Files that artifacts were put into place as, in this job: no stage has written them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::files::Root;
use super::super::stat::{Stamp, stat_at};

/// Shared by what puts files into place and what looks for undeclared writes.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Placed(Arc<Mutex<Files>>);

#[derive(Debug, Default)]
pub(in crate::engine::cache) struct Files {
    /// Whole paths, for which cell, and how the files were when they had been put into place.
    placed: BTreeMap<PathBuf, (u32, Stamp)>,
    /// Of runs of cells, paths below the root: files in folders of what they take that only earlier artifacts have.
    stale: BTreeMap<(u32, u32), Vec<Vec<u8>>>,
}

impl Placed {
    /// Returns them. Nothing is put into place, and nobody lists the project, while somebody else has them.
    pub(in crate::engine::cache) fn lock(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// Takes note of files below a root that were put into place for a cell, as they are now.
    pub(super) fn note<'a>(&mut self, cell: u32, root: &Root, paths: impl Iterator<Item = &'a [u8]>) {
        for path in paths {
            if let Ok(Some(stat)) = stat_at(root.fd(), path) {
                self.placed.insert(root.full(path), (cell, stat.stamp));
            }
        }
    }

    /// Says whether a file is still as it was put into place.
    pub(in crate::engine::cache) fn has(&self, path: &Path, stamp: &Stamp) -> bool {
        self.placed.get(path).is_some_and(|(_, placed)| placed == stamp)
    }

    /// Says whether a file is still as it was put into place for another cell.
    pub(in crate::engine::cache) fn has_of_other(&self, cell: u32, path: &Path, stamp: &Stamp) -> bool {
        self.placed.get(path).is_some_and(|(whose, placed)| *whose != cell && placed == stamp)
    }

    /// Takes note of files of earlier artifacts, beside what a run of a cell took.
    pub(super) fn note_stale(&mut self, run: (u32, u32), paths: Vec<Vec<u8>>) {
        self.stale.insert(run, paths);
    }

    /// Returns them.
    pub(in crate::engine::cache) fn stale(&self, cell: u32, run: u32) -> &[Vec<u8>] {
        self.stale.get(&(cell, run)).map_or(&[], Vec::as_slice)
    }

    /// Says whether a folder may have been made for one of them.
    pub(in crate::engine::cache) fn has_below(&self, folder: &Path) -> bool {
        self.placed.range(folder.to_path_buf()..).next().is_some_and(|(path, _)| path.starts_with(folder))
    }
}
