//! REMEMBERS RESULTS. Looks for what was made before, puts it back, and keeps what was made now.
//!
//! Not here: which cells and steps are cached, and what their keys are made of (`logic/job/cached.rs`, `logic/cache`).
//! Whoever asks does not wait: threads of this module answer, in any order.

#![expect(dead_code, reason = "the engine begins to ask in the next change")]

use std::path::PathBuf;
use std::sync::Arc;

use crate::logic::cache::{Recipe, Record, Trust, Unit};
use crate::logic::job::report::Report;

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
    /// Starts a command line and returns what it printed: command, whole environment, folder.
    pub(super) probe: Probe,
}

/// Runs a command line by `sh -c` and returns what it printed, or what went wrong in words.
pub(super) type Probe = fn(&str, &[(String, String)], &std::path::Path) -> Result<String, String>;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// Answered by [`Report::Looked`]. Until it is dropped or kept, nobody else may write the outputs.
    Look { unit: Unit, recipe: Arc<Recipe>, may_hit: bool },
    /// Keeps what was made after a miss. Answered by [`Report::Kept`].
    Keep {
        unit: Unit,
        record: Record,
        /// Steps and the paths of their logs, below the folder of the job.
        logs: Vec<(u32, String)>,
    },
    /// What was looked for is not going to be kept.
    Drop { unit: Unit },
}

/// Hears the answers; called by other threads.
pub(super) type Answer = Box<dyn Fn(Vec<Report>) + Send + Sync>;

/// The store of results at work for one job.
pub(super) struct Cache {
    answer: Answer,
}

impl Cache {
    pub(super) fn start(opening: Opening, answer: Answer) -> Self {
        drop(opening);
        Self { answer }
    }

    pub(super) fn ask(&self, asks: Vec<Ask>) {
        use crate::logic::cache::{Kept, Looked, Miss};
        let mut reports = Vec::new();
        for ask in asks {
            match ask {
                Ask::Look { unit, recipe, .. } => {
                    if std::env::var_os("SHOW").is_some() {
                        let _ = std::fs::write("/tmp/recipe.txt", format!("{recipe:#?}"));
                    }
                    reports.push(Report::Looked {
                        unit,
                        looked: Looked::Miss(Box::new(Miss { reason: "new".into(), ..Miss::default() })),
                    });
                }
                Ask::Keep { unit, record, logs } => {
                    if std::env::var_os("SHOW").is_some() {
                        let _ = std::fs::write("/tmp/record.txt", format!("{record:#?} {logs:?}"));
                    }
                    reports.push(Report::Kept {
                        unit,
                        kept: Kept::Not { reason: "none".into(), message: String::new() },
                    });
                }
                Ask::Drop { .. } => {}
            }
        }
        (self.answer)(reports);
    }
}
