//! Whether waiting for files could take for ever, because whoever has them waits itself.
//!
//! Not here: locks on files (`locks.rs`), claims (`store/claims.rs`). Neither knows of the other, and each is waited for while
//! the other is had: a job has its group before its first look waits for files, and a cell has its files while it waits for a
//! group.
//! In a ring of them there is a look that waits for files. It has nothing itself yet, so whoever waits for it waits for a
//! claim of its job; and whoever has the files does not wait for others, so it waits for a claim, or for a job of one of its
//! steps that does. Both are in the table of claims. Where both hold, the look does not wait: there may be no ring, but
//! there is none that this does not find.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::Opening;
use super::locks::{Locks, Wish};
use crate::engine::Project;
use crate::engine::store::History;

/// What is known of claims while a handful of looks is answered.
pub(super) struct Rings<'a> {
    opening: &'a Opening,
    is_waited_for: OnceCell<bool>,
}

impl<'a> Rings<'a> {
    pub(super) fn new(opening: &'a Opening) -> Self {
        Self { opening, is_waited_for: OnceCell::new() }
    }

    /// Says whether a ring may be closed by who waits for those locks.
    pub(super) fn may_close(&self, locks: &Locks, wishes: &[Wish]) -> bool {
        let is_waited_for = || {
            let history = open(self.opening.state.clone())?;
            history.may_be_waited_for(self.opening.job).ok()
        };
        // What cannot be read now is read when the locks are tried again.
        *self.is_waited_for.get_or_init(|| is_waited_for().unwrap_or(false))
            && locks.others().jobs_in_way(wishes).any(is_held_up)
    }
}

/// Says whether the job with a folder waits for claims.
fn is_held_up(dir: &Path) -> bool {
    let state = dir.parent().and_then(Path::parent);
    let (Some(state), Some(id)) = (state, dir.file_name().and_then(|it| it.to_str())) else { return false };
    // As above. It may be of another project.
    open(state.to_path_buf()).and_then(|history| history.is_held_up(id).ok()).unwrap_or(false)
}

fn open(state: PathBuf) -> Option<History> {
    // Of a project that somebody else works in, only the state is known, and only that is read.
    History::open(&Project::new(state.clone(), state)).ok().flatten()
}
