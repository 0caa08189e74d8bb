//! Events: what is recorded, in the past tense. The journal is the truth; everything else is a fold over it.
//!
//! Not here: how events change state (`apply.rs`), how they are shown (`logic/view`, `faces`).
//! Fields may be added with a serde default; none may change its meaning, because old journals load for ever.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::effect::Rung;
use super::order::{Order, RetryScope, Target};
use super::report::{Annotation, AttemptKey, End, Usage};
use crate::logic::time::Timestamp;

/// The version of the envelope and of every event body.
pub const SCHEMA: u32 = 1;

/// An event with its place in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// From 1, without gaps in a job.
    pub seq: u64,
    pub time: Timestamp,
    pub event: Event,
}

/// How a thing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Success,
    Failure,
    Cancelled,
    Skipped,
}

impl Outcome {
    /// Returns the word of the expression language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

/// Why something did not end well, or did not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Cause {
    /// A process ended with a code that is not ok.
    Exit { code: i32 },
    /// A process was ended by a signal that nobody here sent.
    Signal { signal: i32 },
    /// A time limit passed: of the `step`, `block`, `stage`, `cleanup` or `job`.
    Timeout { of: String },
    /// An expression could not be evaluated.
    Expression { message: String },
    /// The process could not be started.
    Start { message: String },
    /// A step file or an output was not as the protocol asks.
    Protocol { message: String },
    /// What held the process is gone.
    Interrupted { message: String },
    /// Somebody asked for it.
    Order { by: String },
    /// Another cell of the matrix failed.
    FailFast { cell: u32 },
    /// The condition was false.
    Condition { text: String },
    /// An earlier step of the same list failed or was cancelled.
    Earlier,
    /// A needed stage did not succeed.
    Needs { stages: Vec<String> },
    /// Left out by the command line.
    Selection,
    /// The matrix had no cell.
    EmptyMatrix,
    /// The exit code is one of `skip-exit-code`.
    SkipCode { code: i32 },
    /// Processes that would not end.
    Survivors { names: Vec<String> },
    /// A member failed: steps of a cell, cells of a stage, stages of a job.
    Member { names: Vec<String> },
    /// A `pre` or `post` assertion did not hold.
    Assertion { name: String, message: String },
    /// A matrix could not be expanded.
    Matrix { message: String },
}

/// A cell as it is made by an expansion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewCell {
    pub cell: u32,
    pub run: u32,
    /// `STAGE` or `STAGE.8hex`.
    pub id: Arc<str>,
    /// `k=v, k=v`; empty without a matrix.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub label: Arc<str>,
    /// The combination as JSON; null without a matrix.
    #[serde(default, skip_serializing_if = "json_is_null")]
    pub matrix: Arc<serde_json::Value>,
}

fn json_is_null(json: &Arc<serde_json::Value>) -> bool {
    json.is_null()
}

fn str_is_empty(text: &Arc<str>) -> bool {
    text.is_empty()
}

/// What was decided about the end of a step's try.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepEnd {
    pub key: AttemptKey,
    /// What happened.
    pub outcome: Outcome,
    /// What it counts as; differs by `continue-on-error` and `rescue`.
    pub conclusion: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<(Arc<str>, Arc<str>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<(Arc<str>, Arc<str>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Arc<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<(Arc<str>, Arc<str>)>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "is_default")]
    pub log_bytes: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub usage: Usage,
    #[serde(default, skip_serializing_if = "is_default")]
    pub left_running: u32,
    /// A block whose failure was made good by its `rescue`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rescued: bool,
}

impl StepEnd {
    /// Returns a success of that try, to be filled in.
    #[must_use]
    pub fn new(key: AttemptKey) -> Self {
        Self {
            key,
            outcome: Outcome::Success,
            conclusion: Outcome::Success,
            cause: None,
            end: None,
            outputs: Vec::new(),
            env: Vec::new(),
            paths: Vec::new(),
            state: Vec::new(),
            summary: String::new(),
            log_bytes: 0,
            usage: Usage::default(),
            left_running: 0,
            rescued: false,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A recorded fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    JobStarted {
        attempt: u32,
    },
    JobPaused {
        by: String,
        #[serde(default)]
        order: String,
    },
    JobResumed {
        by: String,
        #[serde(default)]
        order: String,
    },
    /// A new engine took the job over.
    JobRecovered {
        epoch: u64,
    },
    JobRetrying {
        by: String,
        #[serde(default)]
        order: String,
        scope: RetryScope,
        attempt: u32,
        stages: Vec<u32>,
        cells: Vec<u32>,
    },
    JobFinished {
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
        #[serde(default, skip_serializing_if = "is_default")]
        rescued: bool,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<(Arc<str>, Arc<str>)>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        survivors: Vec<String>,
    },
    CancelAsked {
        by: String,
        #[serde(default)]
        order: String,
        target: Target,
        force: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    SkipAsked {
        by: String,
        #[serde(default)]
        order: String,
        target: Target,
        /// What runs of it is killed, without cleanup.
        #[serde(default, skip_serializing_if = "is_default")]
        force: bool,
    },
    /// A skip was taken back before it came into force.
    SkipWithdrawn {
        by: String,
        #[serde(default)]
        order: String,
        target: Target,
    },
    OrderRefused {
        by: String,
        order: String,
        asked: Order,
        message: String,
    },
    StageStarted {
        stage: u32,
        cells: Vec<NewCell>,
    },
    /// The stage's only cell was given to the keeper, which begins it in the slot of `after` if that succeeds. All else
    /// that the stage needs has ended well.
    StageSubmitted {
        stage: u32,
        cell: NewCell,
        key: AttemptKey,
        after: AttemptKey,
    },
    StageFinished {
        stage: u32,
        outcome: Outcome,
        result: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    CellStarted {
        cell: u32,
        run: u32,
    },
    CellStopping {
        cell: u32,
        run: u32,
        rung: Rung,
        cause: Cause,
    },
    CellRetrying {
        cell: u32,
        run: u32,
        until: Timestamp,
        cause: Option<Cause>,
    },
    CellSwept {
        cell: u32,
        run: u32,
        ended: u32,
        survivors: Vec<String>,
    },
    CellFinished {
        cell: u32,
        run: u32,
        outcome: Outcome,
        result: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<(Arc<str>, Arc<str>)>,
    },
    /// The first step of a cell was given to the keeper, which starts it when a slot comes free.
    StepSubmitted {
        key: AttemptKey,
    },
    /// It was taken back before it began.
    StepWithdrawn {
        key: AttemptKey,
    },
    StepStarted {
        key: AttemptKey,
    },
    /// The step's running try, or everything in the block, is asked to stop.
    StepStopping {
        key: AttemptKey,
        rung: Rung,
        cause: Cause,
    },
    StepRetrying {
        key: AttemptKey,
        until: Timestamp,
        cause: Option<Cause>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<End>,
        #[serde(default, skip_serializing_if = "is_default")]
        left_running: u32,
    },
    StepFinished(Box<StepEnd>),
    StepSkipped {
        cell: u32,
        run: u32,
        step: u32,
        cause: Cause,
    },
    Hashed {
        cell: u32,
        run: u32,
        patterns: Vec<String>,
        digest: Result<String, String>,
    },
    Annotated {
        key: AttemptKey,
        annotation: Annotation,
    },
}

impl Event {
    /// Returns the type that the event contract names.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::JobStarted { .. } => "job.started",
            Self::JobPaused { .. } => "job.paused",
            Self::JobResumed { .. } => "job.resumed",
            Self::JobRecovered { .. } => "job.recovered",
            Self::JobRetrying { .. } => "job.retrying",
            Self::JobFinished { outcome, .. } => ended("job", *outcome),
            Self::CancelAsked { .. } => "order.cancel",
            Self::SkipAsked { .. } => "order.skip",
            Self::SkipWithdrawn { .. } => "order.withdrawn",
            Self::OrderRefused { .. } => "order.refused",
            Self::StageSubmitted { .. } => "stage.submitted",
            Self::StageStarted { .. } => "stage.started",
            Self::StageFinished { outcome, .. } => ended("stage", *outcome),
            Self::CellStarted { .. } => "cell.started",
            Self::CellStopping { .. } => "cell.stopping",
            Self::CellRetrying { .. } => "cell.retrying",
            Self::CellSwept { .. } => "cell.swept",
            Self::CellFinished { outcome, .. } => ended("cell", *outcome),
            Self::StepSubmitted { .. } => "step.submitted",
            Self::StepWithdrawn { .. } => "step.withdrawn",
            Self::StepStarted { .. } => "step.started",
            Self::StepStopping { .. } => "step.stopping",
            Self::StepRetrying { .. } => "step.retrying",
            Self::StepFinished(end) => ended("step", end.outcome),
            Self::StepSkipped { .. } => "step.skipped",
            Self::Hashed { .. } => "step.hashed",
            Self::Annotated { .. } => "step.annotated",
        }
    }

    /// Returns who asked for it, where somebody did.
    #[must_use]
    pub fn actor(&self) -> Option<&str> {
        match self {
            Self::JobPaused { by, .. }
            | Self::JobResumed { by, .. }
            | Self::JobRetrying { by, .. }
            | Self::CancelAsked { by, .. }
            | Self::SkipAsked { by, .. }
            | Self::SkipWithdrawn { by, .. }
            | Self::OrderRefused { by, .. } => Some(by),
            _ => None,
        }
    }
}

fn ended(what: &str, outcome: Outcome) -> &'static str {
    match (what, outcome) {
        ("job", Outcome::Success | Outcome::Skipped) => "job.completed",
        ("job", Outcome::Failure) => "job.failed",
        ("job", Outcome::Cancelled) => "job.cancelled",
        ("stage", Outcome::Success) => "stage.completed",
        ("stage", Outcome::Failure) => "stage.failed",
        ("stage", Outcome::Cancelled) => "stage.cancelled",
        ("stage", Outcome::Skipped) => "stage.skipped",
        ("cell", Outcome::Success) => "cell.completed",
        ("cell", Outcome::Failure) => "cell.failed",
        ("cell", Outcome::Cancelled) => "cell.cancelled",
        ("cell", Outcome::Skipped) => "cell.skipped",
        (_, Outcome::Success) => "step.completed",
        (_, Outcome::Failure) => "step.failed",
        (_, Outcome::Cancelled) => "step.cancelled",
        (_, Outcome::Skipped) => "step.skipped",
    }
}
