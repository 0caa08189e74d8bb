//! `concurrency`, `locks` and `resources` as the rest of the program uses them, and what a request says about them.
//!
//! Not here: reading them (`read_share.rs`), who gets what (`logic/claims`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::model::Text;
use super::source::Span;

/// How far a name reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// The job alone: `run`.
    Run,
    /// All jobs of the project.
    #[default]
    Project,
    /// All jobs of this user on this machine.
    Machine,
}

/// `concurrency:` of a playbook or a stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Concurrency {
    /// Of the key.
    pub span: Span,
    pub group: Text,
    pub cancel_in_progress: bool,
    /// One waits at most: a newer one takes the place of that which waits.
    pub is_single: bool,
    pub reach: Reach,
}

/// An entry of `locks:`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Lock {
    pub name: Text,
    pub is_shared: bool,
    pub reach: Reach,
    /// Longest wait.
    pub wait: Option<Duration>,
}

/// `resources:` of a stage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Resources {
    /// Slots that a cell takes; none stands for one.
    pub slots: Option<u32>,
    /// Other things: thousandths of a processor as `cpu`, bytes as `memory`, and what settings count.
    pub others: Vec<(Arc<str>, u64, Span)>,
}

/// What all jobs of a project share, as settings say. Fixed at the start of a job and stored with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// Most jobs at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<u32>,
    /// Most cells at once, over all jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<u32>,
    /// As [`Resources::others`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, u64>,
}

impl Totals {
    /// Says whether nothing is limited.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Writes an amount as people give it: thousandths of a processor and bytes become numbers with a unit.
#[must_use]
pub fn shown(name: &str, amount: u64) -> String {
    match name {
        "cpu" if amount.is_multiple_of(1000) => (amount / 1000).to_string(),
        "cpu" => format!("{}.{}", amount / 1000, format!("{:03}", amount % 1000).trim_end_matches('0')),
        "memory" => {
            let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
            let whole = units.into_iter().find(|(_, bits)| amount != 0 && amount.is_multiple_of(1 << bits));
            whole.map_or_else(|| format!("{amount} B"), |(unit, bits)| format!("{} {unit}", amount >> bits))
        }
        _ => amount.to_string(),
    }
}
