//! What the world should be doing: wishes that `wanted` states and edges carry out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::report::AttemptKey;

/// All that an executor is given for one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    pub key: AttemptKey,
    pub program: Program,
    /// Absolute folder to start in.
    pub cwd: Arc<str>,
    /// Differences to the job's base environment, in order: a value sets, `None` removes.
    pub env: Vec<(String, Option<String>)>,
    /// Where the masked bytes go, below the job's folder; made at the first byte.
    pub log: String,
    /// Names the cell's processes for the sweep; unique for this run of the cell.
    pub tag: Arc<str>,
    pub keep_children: KeepChildren,
    /// Nothing follows it in its cell, so a submitted try may have its slot if it succeeds and leaves nothing behind.
    #[serde(default)]
    pub is_last: bool,
    /// Submitted, it may begin only in the slot of this try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<AttemptKey>,
    /// Runs beside another try of its cell, in the slot of that.
    #[serde(default)]
    pub is_extra: bool,
    /// Its environment is `env` and what is the same for every step of a job, and nothing else.
    #[serde(default)]
    pub is_closed: bool,
    /// A program and its arguments, run once it has ended, however it has: removes what is none of its processes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_end: Vec<String>,
}

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// A program and its arguments, taken as they are.
    Direct(Vec<String>),
    /// Words that a shell would start as they stand: started without one where that comes to the same.
    Simple { words: Vec<String>, by_shell: Vec<String> },
    /// Text is written to a file; its path takes the place of `{0}` in the arguments.
    Script { argv: Vec<String>, text: String, extension: String },
}

/// When children that outlive a step's main process are ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeepChildren {
    /// With the cell: a server started by one step serves the next.
    #[default]
    StageEnd,
    /// With the step itself.
    StepEnd,
}

/// One grade of a graded stop; it never goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// The cell's stop signal to the group and its descendants.
    Polite,
    /// SIGKILL to every descendant.
    Kill,
}
