//! The secrets of the job: one set for all attempts, growing with `::add-mask::`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::logic::secret::Masker;

/// The set, and its patterns, built when they are next needed.
#[derive(Debug, Default)]
pub(crate) struct Masks {
    /// Grows with every addition; a reader compares it before every chunk.
    version: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    values: Vec<String>,
    built: Arc<Masker>,
    stale: bool,
}

impl Masks {
    /// Adds values that are secret from now on.
    pub(crate) fn add(&self, values: impl IntoIterator<Item = String>) {
        let mut inner = self.inner.lock().expect("building patterns does not panic");
        let before = inner.values.len();
        for value in values {
            if !inner.values.contains(&value) {
                inner.values.push(value);
            }
        }
        if inner.values.len() > before {
            inner.stale = true;
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    /// Returns the patterns as they are now.
    pub(crate) fn current(&self) -> Arc<Masker> {
        let (mut seen, mut masker) = (u64::MAX, Arc::default());
        self.refresh(&mut seen, &mut masker);
        masker
    }

    /// Brings a reader's patterns up to date.
    pub(crate) fn refresh(&self, seen: &mut u64, masker: &mut Arc<Masker>) {
        if self.version.load(Ordering::Acquire) == *seen {
            return;
        }
        let mut inner = self.inner.lock().expect("building patterns does not panic");
        if inner.stale {
            inner.built = Arc::new(Masker::new(&inner.values));
            inner.stale = false;
        }
        *seen = self.version.load(Ordering::Acquire);
        *masker = Arc::clone(&inner.built);
    }
}
