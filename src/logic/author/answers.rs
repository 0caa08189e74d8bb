//! What a new playbook is to do.
//!
//! Not here: the questions that lead to it (`flow.rs`), its text (`write.rs`).

use serde::{Deserialize, Serialize};

/// A new playbook, as somebody wants it. What is empty was not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// How it is called: the path below `playbooks`, without ending.
    pub name: String,
    pub description: String,
    pub category: String,
    /// Name of the template that it is a copy of; it has no stages of its own then.
    pub template: Option<String>,
    pub stages: Vec<NewStage>,
    pub inputs: Vec<NewInput>,
    pub schedule: Option<NewSchedule>,
    /// Formats of reports.
    pub reports: Vec<String>,
}

/// A stage of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewStage {
    pub id: String,
    pub work: Work,
    pub needs: Vec<String>,
    /// Axes of its matrix with their values.
    pub axes: Vec<(String, Vec<String>)>,
    pub cache: Option<NewCache>,
    /// What people are asked before it begins.
    pub approve: Option<String>,
    /// Most tries of each step.
    pub attempts: Option<String>,
    /// A duration.
    pub timeout: Option<String>,
    pub condition: Option<String>,
}

/// What a stage does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Commands for the shell, one after the other.
    Commands(Vec<String>),
    /// Selectors of numbered scripts.
    Scripts(String),
}

impl Default for Work {
    fn default() -> Self {
        Self::Commands(Vec::new())
    }
}

/// What the result of a stage depends on, and what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCache {
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
}

/// A value that a job is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewInput {
    pub name: String,
    /// `string`, `number`, `boolean`, `choice` or `json`.
    pub kind: String,
    pub options: Vec<String>,
    pub default: String,
    pub required: bool,
    pub description: String,
}

/// When it starts by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewSchedule {
    /// Five fields.
    pub cron: String,
    pub timezone: String,
}

/// What is done with a new playbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    Save,
    /// Saves it, then runs it.
    Both,
    /// Runs it without a file.
    Run,
    /// Throws it away.
    Discard,
}

impl Then {
    /// All of them with their words, as flag and wizard have them.
    pub const ALL: [(Self, &'static str); 4] =
        [(Self::Save, "save"), (Self::Both, "both"), (Self::Run, "run"), (Self::Discard, "discard")];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(it, _)| *it == self).map_or("", |(_, word)| word)
    }
}
