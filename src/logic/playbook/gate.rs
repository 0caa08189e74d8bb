//! `approve:` as the rest of the program uses it, and what a request says about gates.
//!
//! Not here: reading it (`read_gate.rs`), what becomes of a gate while a job runs (`logic/job/gate.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::{Input, Text};
use super::source::Span;
use crate::logic::job::gate::OnTimeout;

/// A point where people decide.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Approve {
    /// Of the key.
    pub span: Span,
    /// What is asked; without one it is made from the name of what waits.
    pub message: Option<Text>,
    /// Names of people and of groups; empty: everybody who can reach the job.
    pub approvers: Vec<String>,
    /// How many have to approve.
    pub count: u32,
    /// Who started the job, or ran it again last, may not answer.
    pub not_actor: bool,
    pub timeout: Option<Duration>,
    pub on_timeout: OnTimeout,
    /// What an answer brings.
    pub inputs: Vec<Input>,
    /// Keeps the slot of the cell while it waits.
    pub hold: bool,
    /// Time between reminders.
    pub remind: Option<Duration>,
}

/// Whether a step is run again whose try was lost: one of those who can reach the job says so.
static LOST: Approve = Approve {
    span: Span { start: 0, end: 0 },
    message: None,
    approvers: Vec::new(),
    count: 1,
    not_actor: false,
    timeout: None,
    on_timeout: OnTimeout::Reject,
    inputs: Vec::new(),
    hold: false,
    remind: None,
};

impl Approve {
    /// Returns the question after a try that was lost.
    #[must_use]
    pub fn lost() -> &'static Self {
        &LOST
    }
}

/// What holds for all gates of a job. Fixed at its start and stored with it, so that an engine that takes the job over
/// decides the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GateRules {
    /// People by group.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Vec<String>>,
    /// A name that somebody gives as theirs counts instead of the one that the system knows.
    #[serde(skip_serializing_if = "is_false")]
    pub claims_count: bool,
    /// Nobody is there to answer: a gate fails as soon as it opens.
    #[serde(skip_serializing_if = "is_false")]
    pub unattended: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(it: &bool) -> bool {
    !*it
}

impl GateRules {
    /// Says whether there are none.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the people behind names of people and groups, in alphabetical order. A group wins over a person of the
    /// same name.
    #[must_use]
    pub fn people(&self, approvers: &[String]) -> Vec<String> {
        let people: BTreeSet<String> = approvers
            .iter()
            .flat_map(|name| match self.groups.get(name) {
                Some(members) => members.clone(),
                None => vec![name.clone()],
            })
            .collect();
        people.into_iter().collect()
    }
}
