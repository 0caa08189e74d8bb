//! Events: what is recorded, in the past tense. The journal is the truth; everything else is a fold over it.
//!
//! Not here: how events change state (`apply.rs`), how they are shown (`logic/view`, `faces`).
//! Fields may be added with a serde default; none may change its meaning, because old journals load for ever.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::effect::Rung;
use super::gate::{Answer, OnTimeout, Opened};
use super::order::{Order, RetryScope, Target};
use super::report::{Annotation, AttemptKey, End, Usage};
use crate::logic::artifact::{Artifact, Taken};
use crate::logic::cache::{Hit, Kept, Miss, Unit};
use crate::logic::claims::{Blocker, Claim};
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
    /// Not chosen: by the command line, or by the profile.
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
    /// Somebody said no at a gate.
    Rejected {
        by: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// A gate was closed because nobody, or not everybody, answered in time.
    Expired { message: String },
    /// A step with `cancel` asked for it.
    StoppedBy { step: String },
    /// Another step of the same `parallel` failed, or the service that the step waited for.
    Together { step: String },
    /// A service could not be got ready.
    Service { service: String, message: String },
    /// All steps that a service ran beside have ended.
    StepsOver,
    /// These steps could not be undone; of a stage its cells, of a job its stages.
    NotUndone { names: Vec<String> },
    /// What had completed was undone; before that, it ended as it did because of `cause`.
    RolledBack {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Box<Cause>>,
    },
    /// A newer job or cell of the same concurrency group took its place.
    Superseded { by: String },
    /// A group, a lock or a resource could not be had.
    NoClaim { message: String },
    /// What it takes was not there, or what it keeps could not be published.
    Artifact { message: String },
}

impl Cause {
    /// Returns the same, marked as undone since.
    #[must_use]
    pub fn rolled_back(cause: Option<Self>) -> Self {
        match cause {
            Some(already @ Self::RolledBack { .. }) => already,
            cause => Self::RolledBack { cause: cause.map(Box::new) },
        }
    }

    /// Returns why it ended as it did, whether or not it was undone afterwards.
    #[must_use]
    pub fn root(&self) -> Option<&Self> {
        match self {
            Self::RolledBack { cause } => cause.as_deref(),
            own => Some(own),
        }
    }
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

fn all_of_it() -> Target {
    Target::Job
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A recorded fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// Written and read as `tagged.rs` has it: what is derived here says the kind around the rest, and is named nowhere else.
#[serde(remote = "Self")]
pub enum Event {
    JobStarted {
        attempt: u32,
        /// What `run-name` came to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    JobPaused {
        by: String,
        #[serde(default)]
        order: String,
        /// What runs is stopped as well, and all clocks stand still.
        #[serde(default, skip_serializing_if = "is_default")]
        freeze: bool,
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
    /// An order that changes nothing, because what it asks for was so already.
    OrderNoted {
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
        /// What held it was lost, and it may run again for that: no try of `retry` is used up.
        #[serde(default, skip_serializing_if = "is_default")]
        rerun: bool,
        /// Length of its log, as far as that is known.
        #[serde(default, skip_serializing_if = "is_default")]
        log_bytes: u64,
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
    GateOpened(Box<Opened>),
    /// Somebody approved, and more have to.
    GateAnswered(Box<Answer>),
    /// Somebody approved, and nobody else has to.
    GateApproved(Box<Answer>),
    GateRejected(Box<Answer>),
    /// The wait is over, and what that means.
    GateExpired {
        gate: u32,
        then: OnTimeout,
        message: String,
        /// Where it lets through: the values of its inputs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<(Arc<str>, serde_json::Value)>,
    },
    /// What waited was cancelled, skipped or begun anew.
    GateWithdrawn {
        gate: u32,
    },
    /// It is time to remind those who have not answered.
    GateReminded {
        gate: u32,
    },
    /// These cells, which have ended, are rolled back: their armed undos run, newest first.
    RollbackAsked {
        by: String,
        #[serde(default)]
        order: String,
        /// What was asked for.
        #[serde(default = "all_of_it", skip_serializing_if = "Target::is_job")]
        target: Target,
        cells: Vec<u32>,
        /// The stage whose `rollback: on-failure` asked, if no person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_failure: Option<u32>,
    },
    /// The job asks for what it shares with others, and waits until it has all of it.
    JobQueued {
        claims: Vec<Claim>,
        #[serde(default, skip_serializing_if = "is_default")]
        priority: i32,
    },
    /// The same of a cell. Without claims: it asks again for those that it gave up.
    CellQueued {
        cell: u32,
        run: u32,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        claims: Vec<Claim>,
    },
    /// Why the job, or that cell, does not have all yet.
    ClaimsBlocked {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cell: Option<u32>,
        run: u32,
        blockers: Vec<Blocker>,
    },
    /// The job, or that cell, has all that it asked for.
    ClaimsHeld {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cell: Option<u32>,
        run: u32,
    },
    /// Others could take it while no engine worked on the job: nothing more is begun before it is had again.
    ClaimsLost {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cell: Option<u32>,
        run: u32,
    },
    /// An earlier result fits: its files are there, and its steps count as they ended then.
    CacheHit {
        unit: Unit,
        hit: Box<Hit>,
    },
    /// A result is looked for, and that waits: for what, as the end of a sentence.
    CacheWaits {
        unit: Unit,
        message: String,
    },
    /// No earlier result fits, and why.
    CacheMissed {
        unit: Unit,
        miss: Box<Miss>,
    },
    /// What was made is kept for later jobs, or why not.
    CacheKept {
        unit: Unit,
        kept: Kept,
    },
    /// All that a cell takes is there.
    ArtifactsTaken {
        cell: u32,
        run: u32,
        taken: Vec<Taken>,
    },
    /// Others may take it from now on. `out` is its place among those of the cell.
    ArtifactPublished {
        cell: u32,
        run: u32,
        out: u32,
        artifact: Box<Artifact>,
    },
    /// No file was there for it, and the cell may do without.
    ArtifactEmpty {
        cell: u32,
        run: u32,
        out: u32,
        name: Arc<str>,
        message: String,
        is_warning: bool,
    },
    /// What a cell takes is not there, or what it keeps could not be published. It fails by that.
    ArtifactsFailed {
        cell: u32,
        run: u32,
        message: String,
    },
}

impl Event {
    /// Returns the type that the event contract names.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::JobStarted { .. } => "job.started",
            Self::CacheHit { .. } => "cache.hit",
            Self::CacheWaits { .. } => "cache.waiting",
            Self::CacheMissed { .. } => "cache.miss",
            Self::CacheKept { kept: Kept::Stored { .. }, .. } => "cache.stored",
            Self::CacheKept { .. } => "cache.not-stored",
            Self::ArtifactsTaken { .. } => "artifact.taken",
            Self::ArtifactPublished { .. } => "artifact.published",
            Self::ArtifactEmpty { .. } => "artifact.empty",
            Self::ArtifactsFailed { .. } => "artifact.failed",
            Self::JobPaused { .. } => "job.paused",
            Self::JobResumed { .. } => "job.resumed",
            Self::JobRecovered { .. } => "job.recovered",
            Self::JobRetrying { .. } => "job.retrying",
            Self::JobFinished { outcome, .. } => ended("job", *outcome),
            Self::CancelAsked { .. } => "order.cancel",
            Self::SkipAsked { .. } => "order.skip",
            Self::SkipWithdrawn { .. } => "order.withdrawn",
            Self::OrderRefused { .. } => "order.refused",
            Self::OrderNoted { .. } => "order.noted",
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
            Self::GateOpened(_) => "gate.opened",
            Self::GateAnswered(_) => "gate.answered",
            Self::GateApproved(_) => "gate.approved",
            Self::GateRejected(_) => "gate.rejected",
            Self::GateExpired { .. } => "gate.expired",
            Self::GateWithdrawn { .. } => "gate.withdrawn",
            Self::GateReminded { .. } => "gate.reminded",
            Self::RollbackAsked { .. } => "order.rollback",
            Self::JobQueued { .. } => "job.queued",
            Self::CellQueued { .. } => "cell.queued",
            Self::ClaimsBlocked { cell: None, .. } => "job.blocked",
            Self::ClaimsBlocked { .. } => "cell.blocked",
            Self::ClaimsHeld { cell: None, .. } => "job.claimed",
            Self::ClaimsHeld { .. } => "cell.claimed",
            Self::ClaimsLost { cell: None, .. } => "job.unclaimed",
            Self::ClaimsLost { .. } => "cell.unclaimed",
        }
    }

    /// Returns the id of the order that it records, where it records one.
    #[must_use]
    pub fn order(&self) -> Option<&str> {
        let order = match self {
            Self::JobPaused { order, .. }
            | Self::JobResumed { order, .. }
            | Self::JobRetrying { order, .. }
            | Self::CancelAsked { order, .. }
            | Self::SkipAsked { order, .. }
            | Self::SkipWithdrawn { order, .. }
            | Self::RollbackAsked { order, .. }
            | Self::OrderRefused { order, .. }
            | Self::OrderNoted { order, .. } => Some(order),
            Self::GateAnswered(answer) | Self::GateApproved(answer) | Self::GateRejected(answer) => {
                Some(&answer.order)
            }
            _ => None,
        };
        order.map(String::as_str).filter(|id| !id.is_empty())
    }

    /// Says whether it ends its job, for as long as nobody retries it.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::JobFinished { .. })
    }

    /// Says whether somebody may rely on it once it is said, whatever happens to the machine. So may whoever builds on a
    /// step marked `durable`, which its plan tells.
    #[must_use]
    pub fn is_relied_on(&self) -> bool {
        self.is_end()
            || matches!(
                self,
                Self::GateAnswered(_)
                    | Self::GateApproved(_)
                    | Self::GateRejected(_)
                    | Self::ArtifactPublished { .. }
            )
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
            | Self::OrderRefused { by, .. }
            | Self::OrderNoted { by, .. }
            | Self::RollbackAsked { by, .. } => Some(by),
            Self::GateAnswered(answer) | Self::GateApproved(answer) | Self::GateRejected(answer) => {
                Some(&answer.by)
            }
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
