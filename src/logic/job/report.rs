//! What edges tell the engine: observations, never decisions.

use serde::{Deserialize, Serialize};

use crate::logic::artifact::{Offered, Taken};
use crate::logic::cache::{Kept, Looked, Unit};
use crate::logic::claims::Verdict;

/// Names one try of one step. Fences late results: a report for another attempt than the current one is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptKey {
    /// Index of the cell in its job, given in order of expansion.
    pub cell: u32,
    /// How often the cell as a whole has been begun, from 1.
    pub run: u32,
    /// Index of the step in its stage, in the order written, blocks before their members.
    pub step: u32,
    /// Try of the step within this run of the cell, from 1.
    pub attempt: u32,
}

/// An observation about the world outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// The attempt's main process ended and its output was drained.
    Exited(Exit),
    /// The attempt never became a process.
    NotStarted { key: AttemptKey, why: StartFailure, message: String },
    /// An order to start was withdrawn before it became a process.
    Withdrawn { key: AttemptKey },
    /// Whoever held the attempt is gone, and what became of it cannot be known.
    Lost { key: AttemptKey, message: String },
    /// What was left of a cell's processes has been ended. `survivors` names what would not end.
    Swept { cell: u32, run: u32, ended: u32, survivors: Vec<String> },
    /// Everything the job started has been ended, and whoever held it is done.
    Closed { survivors: Vec<String> },
    /// A log command of a step: `::error::`, `::warning::` or `::notice::`.
    Annotated {
        key: AttemptKey,
        annotation: Annotation,
        /// Its place among those of the attempt, from 1, so that one which is told twice is recorded once.
        #[serde(default)]
        nth: u32,
    },
    /// Answer to a wish for the digest of files, of `hashFiles`.
    Hashed { cell: u32, run: u32, patterns: Vec<String>, digest: Result<String, String> },
    /// What came of the wish of the job, or of that cell, for what it shares with others.
    Claims { cell: Option<u32>, run: u32, verdict: Verdict },
    /// Looking for the result of a cell or step has to wait; for what, as the end of a sentence.
    LookWaits { unit: Unit, message: String },
    /// What came of looking for the result of a cell or step.
    Looked { unit: Unit, looked: Looked },
    /// What came of keeping it.
    Kept { unit: Unit, kept: Kept },
    /// What came of taking all artifacts of a cell.
    Taken { cell: u32, run: u32, outcome: Result<Vec<Taken>, String> },
    /// What came of publishing those of a cell: one for each, or nothing was published.
    Offered { cell: u32, run: u32, outcome: Result<Vec<Offered>, String> },
}

impl Report {
    /// Returns the try that is over with this report.
    #[must_use]
    pub fn ends(&self) -> Option<AttemptKey> {
        match self {
            Self::Exited(exit) => Some(exit.key),
            Self::NotStarted { key, .. } | Self::Withdrawn { key } | Self::Lost { key, .. } => Some(*key),
            Self::Swept { .. }
            | Self::Closed { .. }
            | Self::Annotated { .. }
            | Self::Hashed { .. }
            | Self::Claims { .. }
            | Self::LookWaits { .. }
            | Self::Looked { .. }
            | Self::Kept { .. }
            | Self::Taken { .. }
            | Self::Offered { .. } => None,
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    pub key: AttemptKey,
    pub end: End,
    /// Bytes in the attempt's log file, 0 if none was made.
    pub log_bytes: u64,
    /// Why output is missing from the log, in words: the disk is full, for one. The child was read on all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_problem: Option<String>,
    pub usage: Usage,
    /// Raw text of the step files that the attempt wrote to; empty ones are left out.
    #[serde(default, skip_serializing_if = "StepFiles::is_empty")]
    pub files: StepFiles,
    /// Children that outlived the main process and still run (they are ended with the cell).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_running: u32,
    /// The submitted try that was begun in the slot that came free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AttemptKey>,
    /// It ended while nobody was ending everything, so this is how it would have ended in any case.
    #[serde(default, skip_serializing_if = "is_false")]
    pub undisturbed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(yes: &bool) -> bool {
    !yes
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    Code(i32),
    Signal(i32),
}

/// What the attempt's main process and its waited-for children used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub user_us: u64,
    pub system_us: u64,
    pub max_rss_kib: u64,
}

/// Text that an attempt wrote to its step files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFiles {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub env: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub state: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Set when a file was not UTF-8 or too large, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl StepFiles {
    /// Says whether the attempt wrote to none of them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why an attempt never became a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartFailure {
    /// The shell or program is not there or may not be executed.
    NoProgram,
    /// The working directory is not there.
    NoDirectory,
    /// Arguments or environment are too large for the system.
    TooLarge,
    /// The log file could not be made, or the disk is full.
    NoLog,
    /// Anything else the system said.
    Other,
}

/// A message that a step attached to a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// `error`, `warning` or `notice`.
    pub level: String,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
}
