//! What was on the disk when the program began, as far as it is likely asked for.
//!
//! It only ever confirms what a result says: that inputs and outputs are as they were. Whatever is found to be otherwise is
//! looked at again, with locks. So a job is green on files that were as they should be when somebody said `run`, or later.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use super::stat::{Stat, stat_at};

/// For so long it is believed.
const FRESH: Duration = Duration::from_millis(250);

/// Nothing in this job has changed files so far.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Still(Arc<AtomicBool>);

impl Still {
    /// Nothing has.
    pub(in crate::engine) fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Something is about to.
    pub(in crate::engine) fn end(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn holds(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What was at paths below the root.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// When the first one was looked at.
    at: Option<Instant>,
    stats: HashMap<Vec<u8>, Option<Stat>>,
}

impl Seen {
    /// Looks at those paths.
    pub(super) fn look<'a>(root: &Path, paths: impl Iterator<Item = &'a [u8]>) -> Self {
        let at = Instant::now();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(root) = rustix::fs::open(root, flags, Mode::empty()) else { return Self::default() };
        // What the system does not say is asked again.
        let look = |path: &[u8]| Some((path.to_vec(), stat_at(&root, path).ok()?));
        Self { at: Some(at), stats: paths.filter_map(look).collect() }
    }

    /// Says whether it may be believed now.
    pub(super) fn is_fresh(&self, still: &Still) -> bool {
        still.holds() && self.at.is_some_and(|at| at.elapsed() < FRESH)
    }

    /// Returns what was at a path; nothing if it was not looked at.
    pub(super) fn at(&self, path: &[u8]) -> Option<Option<Stat>> {
        self.stats.get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_believed_while_nothing_has_changed_files_and_for_a_moment() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a"), "x").expect("it is written");
        let mut seen = Seen::look(folder.path(), [b"a".as_slice(), b"b", b"a/c"].into_iter());
        assert_eq!(seen.at(b"a").flatten().map(|it| it.stamp.size), Some(1));
        assert_eq!(seen.at(b"b"), Some(None));
        // A file in the way of a path is an error that is told in full elsewhere.
        assert_eq!((seen.at(b"a/c"), seen.at(b"d")), (None, None));
        let still = Still::default();
        assert!(!seen.is_fresh(&still));
        still.begin();
        assert!(seen.is_fresh(&still));
        still.end();
        assert!(!seen.is_fresh(&still));
        still.begin();
        seen.at = Instant::now().checked_sub(FRESH);
        assert!(!seen.is_fresh(&still));
        assert!(!Seen::look(&folder.path().join("none"), std::iter::empty()).is_fresh(&still));
    }
}
