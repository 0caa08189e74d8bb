//! Calls: a stage that runs another playbook, a step that runs an action.
//!
//! Not here: reading them (`read_uses.rs`, `read_action.rs`), following them to their files (`link.rs`), putting called
//! stages into a plan (`logic/plan/call.rs`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::{Output, StepTree, Text};
use super::source::Span;

/// Most playbooks, or actions, that call each other in a row.
pub const DEEPEST: usize = 10;

/// Most steps of a list, with those of all of its actions.
pub const MOST_STEPS: usize = 10_000;

/// `uses` of a stage, with what is handed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// Of the value of `uses`.
    pub span: Span,
    /// Of the called file, from the project's folder.
    pub path: Arc<str>,
    pub with: Vec<Given>,
    pub secrets: Handed,
}

/// An expression that reads an output of a stage that calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallRead {
    /// Id of that stage.
    pub stage: Arc<str>,
    pub output: Arc<str>,
    pub span: Span,
}

/// A value of `with`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Given {
    pub name: Arc<str>,
    /// Of its name.
    pub span: Span,
    pub value: GivenValue,
}

/// What is given for an input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum GivenValue {
    /// As YAML has it.
    Fixed(#[serde(with = "as_text")] serde_json::Value),
    /// Has expressions in it. One that is nothing but an expression keeps the type of its value.
    Text(Text),
}

/// Secrets that are handed to a called playbook.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub enum Handed {
    #[default]
    Nothing,
    /// `inherit`: those that have the same names.
    All,
    Named(Vec<HandedSecret>),
}

/// A secret under the name that the called playbook has for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HandedSecret {
    pub name: Arc<str>,
    pub span: Span,
    /// What the caller calls it.
    pub ours: Arc<str>,
}

/// `uses` of a step: its block are the steps of an action.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Composite {
    /// Of the folder of the action, from the project's folder.
    pub path: Arc<str>,
    /// Of the value of `uses`.
    pub span: Span,
    pub with: Vec<Given>,
    /// What the action declares; nothing as long as its file is not read.
    pub action: Option<Arc<Action>>,
}

/// An action of the project, as its file has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Action {
    pub inputs: Vec<ActionInput>,
    pub outputs: Vec<Output>,
    /// With the steps of the actions that it uses.
    pub steps: StepTree,
    /// How many actions use each other in it, itself included.
    pub depth: usize,
}

/// An input of an action: always text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActionInput {
    pub name: Arc<str>,
    pub required: bool,
    pub default: Option<Arc<str>>,
}

/// JSON as a text: a format without names cannot tell its kinds apart.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(it: &serde_json::Value, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(it)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<serde_json::Value, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}
