//! Looking after the store and the kept results: is it whole, what may go, taking a copy out.
//!
//! Not here: how (`store/verify.rs`, `store/prune.rs`, `store/export.rs`, `cache/upkeep.rs`).

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use super::cache::{
    ArtifactFile, ArtifactKind, ArtifactState, CacheLimits, CachePruned, CacheVerified, KeptResult, cached,
    clear_cache, get_artifact, look_at_artifact, made_of, made_of_key, prune_cache, verify_cache,
};
pub use super::store::{
    Doomed, Exported, Finding, Keep, Pruning, Verified, create, examine, export, prune, pruning, senseless,
    verify,
};

thread_local! {
    static IS_ATTEMPT: Cell<bool> = const { Cell::new(false) };
}

/// Does what panics over a journal that makes no sense; nothing is returned if it did. What was in the work by then is only to be
/// dropped.
pub fn attempt<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = IS_ATTEMPT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    IS_ATTEMPT.set(before);
    done
}

/// Says whether a panic of this thread is one that was to be expected, and no bug.
#[must_use]
pub fn is_attempt() -> bool {
    IS_ATTEMPT.get()
}
