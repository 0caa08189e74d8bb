//! Files as units of this job left them: what another unit made or put back is no result of this one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::stat::Stamp;
use crate::logic::cache::Unit;

/// Paths below the root, and how whoever wrote them last left them.
#[derive(Debug, Default)]
pub(super) struct Left(Mutex<HashMap<Vec<u8>, Mark>>);

#[derive(Debug)]
struct Mark {
    unit: Unit,
    /// What people know it by.
    name: Arc<str>,
    stamp: Stamp,
}

impl Left {
    /// Takes note of files that a unit has made or put back.
    pub(super) fn note(&self, unit: Unit, name: &str, files: impl Iterator<Item = (Vec<u8>, Stamp)>) {
        let mut files = files.peekable();
        if files.peek().is_none() {
            return;
        }
        let name: Arc<str> = Arc::from(name);
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, stamp) in files {
            left.insert(path, Mark { unit, name: Arc::clone(&name), stamp });
        }
    }

    /// Returns the name of another unit that left a file just so.
    pub(super) fn by_other(&self, unit: Unit, path: &[u8], stamp: &Stamp) -> Option<Arc<str>> {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let it = left.get(path)?;
        (it.stamp == *stamp && is_other(it.unit, unit)).then(|| Arc::clone(&it.name))
    }
}

/// Says whether the files of one unit are nothing of the other's. A cell as a whole has those of its steps, and a later run
/// of a cell those of an earlier one.
fn is_other(one: Unit, other: Unit) -> bool {
    let are_two_steps = one.step.is_some() && other.step.is_some() && one.step != other.step;
    one.cell != other.cell || are_two_steps
}
