//! Orders: what a face asks for. They may be refused.

use serde::{Deserialize, Serialize};

/// What an order is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    Job,
    /// Index in the plan.
    Stage(u32),
    /// Index in the job.
    Cell(u32),
}

impl Target {
    pub(super) fn is_job(&self) -> bool {
        *self == Self::Job
    }
}

/// What a retry does again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryScope {
    /// What failed or was cancelled, and what depends on it.
    Failed,
    /// A stage and what depends on it.
    From(u32),
    All,
    /// One cell, and what depends on its stage. While the job runs, only one that did not pass.
    Cell(u32),
    /// A stage and what depends on it, as `From`. While the job runs, only one that did not pass.
    Stage(u32),
    /// The same as within, and no earlier result is taken for any of it.
    Anew(Box<Self>),
}

/// A wish of a person or a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Stops the target politely; asked twice, or with force, at once and without cleanup.
    Cancel {
        target: Target,
        force: bool,
    },
    /// Starts nothing new; what runs goes on.
    Pause,
    Resume,
    /// Leaves the target out; what needs it goes on without it. What runs of it is stopped politely, and killed without
    /// cleanup if this is asked twice.
    Skip {
        target: Target,
    },
    /// Takes a skip back that has not come into force: the target runs after all.
    WithdrawSkip {
        target: Target,
    },
    Retry {
        scope: RetryScope,
    },
    /// Says yes at a gate.
    Approve {
        /// Its number in the job.
        gate: u32,
        #[serde(default)]
        note: String,
        #[serde(default)]
        inputs: Vec<(String, serde_json::Value)>,
        /// Who the sender says to be, if somebody else than the system says.
        #[serde(default)]
        claimed: Option<String>,
    },
    /// Starts nothing new, and stops what runs until somebody resumes the job; all clocks stand still.
    Freeze,
    /// Says no at a gate, which closes it.
    Reject {
        gate: u32,
        #[serde(default)]
        note: String,
        #[serde(default)]
        claimed: Option<String>,
    },
    /// Undoes what has completed in the target and can be undone, newest first.
    Rollback {
        target: Target,
    },
}

impl Order {
    /// Says whether a job that has ended may run on because of it.
    #[must_use]
    pub const fn runs_on(&self) -> bool {
        matches!(self, Self::Retry { .. } | Self::Rollback { .. })
    }
}

/// An order with its sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Made by the sender; a repeated id is answered as before and not carried out twice.
    pub id: String,
    pub by: String,
    pub order: Order,
    /// Refused unless the journal still ends there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_seq: Option<u64>,
}

/// An order that makes no sense now, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub message: String,
}

impl Refusal {
    /// Returns a refusal with that sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
