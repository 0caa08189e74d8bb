//! REMEMBERS RESULTS. Looks for what was made before, puts it back, and keeps what was made now.
//!
//! Whoever asks does not wait: threads of this module answer, in any order (`worker.rs`). A look (`look.rs`) makes the key of
//! a result from files (`files.rs`, `memo.rs`) and programs, finds its entry (`entry.rs`, `db.rs`), and puts outputs back
//! (`restore.rs`); what was made after a miss is kept (`keep.rs`, `shelf.rs`).
//!
//! Artifacts (`artifacts/mod.rs`) have their files in the same store, and keep them there.
//!
//! Not here: which cells and steps are cached, and what their keys are made of (`logic/job/cached.rs`, `logic/cache`).

mod ahead;
mod artifacts;
mod beside;
mod branch;
mod claim;
mod compare;
mod db;
mod entry;
mod files;
mod git_index;
mod keep;
mod keyed;
mod known;
mod left;
mod list;
mod locks;
mod logs;
mod look;
mod memo;
mod portraits;
mod project;
mod restore;
mod rings;
mod scene;
mod serve;
mod shelf;
mod stat;
mod upkeep;
mod worker;
mod writers;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crate::logic::cache::{Recipe, Record, Trust, Unit};
use crate::logic::job::report::Report;
use crate::port::RunTool;
pub(super) use ahead::{Ahead, Same, Sheet};
pub use artifacts::{ArtifactFile, ArtifactKind, ArtifactState, get_artifact, look_at_artifact};
pub(super) use artifacts::{Artifacts, Placed, Task};
pub(super) use claim::Makers;
pub use keyed::{FilesRestored, FilesSaved, restore as restore_files, save as save_files};
pub use portraits::made_of_key;
pub(super) use scene::Scene;
pub use upkeep::{
    CacheLimits, CachePruned, CacheVerified, KeptResult, cached, clear_cache, made_of, prune_cache,
    verify_cache,
};
use worker::Shared;

/// Where results are looked for and kept, and for whom.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// The state folder of the project; results are in `cache` below it.
    pub(super) state: PathBuf,
    /// Of the project, without links.
    pub(super) root: PathBuf,
    /// The folder of the job, where logs of hits are put.
    pub(super) job_dir: PathBuf,
    pub(super) job: u64,
    pub(super) trust: Trust,
    /// The job was started by a step of another one: waiting for files that the step may be writing could take for ever.
    pub(super) is_nested: bool,
    /// Units that an earlier engine of the job has begun and that are not over.
    pub(super) at_work: Vec<Unit>,
    /// Outputs that the caches of its plan have.
    pub(super) makers: Makers,
    /// What artifacts were put into place as.
    pub(super) placed: Placed,
    /// What was seen of the world is wanted at the end.
    pub(super) wants_scene: bool,
    /// Starts a command line and returns what it printed: command, whole environment, folder.
    pub(super) probe: RunTool,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// Answered by [`Report::Looked`]. Until it is dropped or kept, nobody else may write the outputs, and no other job the inputs.
    Look { unit: Unit, recipe: Arc<Recipe>, may_hit: bool },
    /// The same, but nothing is looked for: these are only going to be read and written. Answered by a miss for [`crate::logic::cache::OFF`].
    Lock { unit: Unit, inputs: Vec<String>, outputs: Vec<String> },
    /// Keeps what was made after a miss. Answered by [`Report::Kept`].
    Keep {
        unit: Unit,
        /// When the work was over, of [`moment`].
        until: i64,
        record: Record,
        /// Steps and the paths of their logs, below the folder of the job.
        logs: Vec<(u32, String)>,
    },
    /// What was looked for is not going to be kept.
    Drop { unit: Unit },
}

/// Returns the time that states of files are compared with, in nanoseconds.
#[must_use]
pub(super) fn moment() -> i64 {
    stat::now()
}

/// Hears the answers; called by other threads.
pub(super) type Answer = Box<dyn Fn(Vec<Report>) + Send + Sync>;

/// The results of a project, in use by one job. What was looked for and not kept is given up when this is dropped.
pub(super) struct Cache {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Cache {
    /// Begins to answer. `ahead` is what was begun before.
    pub(super) fn start(opening: Opening, ahead: Option<Ahead>, answer: Answer) -> Self {
        let shared = Arc::new(Shared::new(opening, ahead, answer));
        let threads = worker::start(&shared);
        Self { shared, threads }
    }

    /// Returns what whoever started the job should know of the store.
    pub(super) fn warnings(&self) -> Vec<&'static str> {
        self.shared.warnings()
    }

    /// Returns what a job of so many hits has seen, if that was wanted, and is all that they came from.
    pub(super) fn scene(&self, hits: usize) -> Option<Scene> {
        self.shared.scene(hits)
    }

    /// Asks. Answers may come before this returns.
    pub(super) fn ask(&self, asks: Vec<Ask>) {
        self.shared.ask(asks);
    }

    /// How many looks were asked for that are not answered yet.
    pub(super) fn looking(&self) -> usize {
        self.shared.looking()
    }

    /// Says whether any answer since they were forgotten is a miss.
    pub(super) fn has_missed(&self) -> bool {
        self.shared.has_missed.load(Ordering::Relaxed)
    }

    /// Forgets that there were misses.
    pub(super) fn forget_misses(&self) {
        self.shared.has_missed.store(false, Ordering::Relaxed);
    }

    /// Lets the threads come to their end. What was not answered is not.
    pub(super) fn close(&self) {
        self.shared.close();
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A panic of it was told when it happened.
            let _outcome = thread.join();
        }
    }
}

/// A point between two effects on the disk, at which tests kill the process.
fn point() {
    #[cfg(feature = "faults")]
    super::faults::cache_point();
}
