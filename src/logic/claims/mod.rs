//! Claims: what jobs and cells hold while they run, and what they wait for. Groups, locks and resources are all of them.
//!
//! Not here: when a job or cell asks (`logic/job/share.rs`), the table that they are kept in (`engine/store/claims.rs`).
//! A claim is a row that counts only while its job lives; nothing is ever counted up and down. Who gets what is decided
//! by [`arbiter::arbitrate`] over all of them.

pub mod arbiter;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::playbook::share::{Reach, shown};
use super::time::Timestamp;

/// What kind of thing is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One at a time.
    Group,
    /// One at a time, or any number of those who share it.
    Lock,
    /// So much at a time as there is in all.
    Resource,
}

impl Kind {
    /// Returns the word that people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Lock => "lock",
            Self::Resource => "resource",
        }
    }
}

/// A wish for one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub kind: Kind,
    pub name: Arc<str>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub reach: Reach,
    /// Of locks: others that share may hold it, too.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_shared: bool,
    /// Of resources: how much of how much.
    #[serde(default, skip_serializing_if = "is_default")]
    pub amount: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub total: u64,
    /// Of groups: whoever waits gives way to this one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_single: bool,
    /// Of groups: whoever runs is cancelled by this one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cancels: bool,
    /// Of locks: longest wait, in microseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wait_us: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Claim {
    /// Returns a claim for all of something.
    #[must_use]
    pub fn whole(kind: Kind, name: &str, reach: Reach) -> Self {
        Self {
            kind,
            name: Arc::from(name),
            reach,
            is_shared: false,
            amount: 0,
            total: 0,
            is_single: false,
            cancels: false,
            wait_us: 0,
        }
    }

    /// Returns a claim for a part of something.
    #[must_use]
    pub fn part(name: &str, amount: u64, total: u64) -> Self {
        Self { amount, total, ..Self::whole(Kind::Resource, name, Reach::Project) }
    }

    /// Returns the longest wait, if there is one.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        (self.wait_us > 0).then(|| Duration::from_micros(self.wait_us))
    }

    /// Says whether it is about the same thing.
    #[must_use]
    pub fn is_about(&self, other: &Self) -> bool {
        (self.kind, &self.name, self.reach) == (other.kind, &other.name, other.reach)
    }

    /// Returns the thing as people name it: ``lock `prod` ``, ``2 of `gpu` ``, `a slot`.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.kind, &*self.name) {
            (Kind::Resource, "jobs") => "its turn among the jobs".to_owned(),
            (Kind::Resource, "slots") if self.amount == 1 => "a slot of the engine".to_owned(),
            (Kind::Resource, "slots") => format!("{} slots of the engine", self.amount),
            (Kind::Resource, name) => format!("{} of `{name}`", shown(name, self.amount)),
            (kind, name) => format!("{} `{name}`", kind.word()),
        }
    }
}

/// Who holds what somebody waits for, or comes before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// What is waited for.
    pub claim: Claim,
    /// Number of the job; 0 where it is a job of another project.
    #[serde(default, skip_serializing_if = "is_default")]
    pub job: u64,
    /// Name of its playbook.
    pub name: String,
    /// Address of the cell; empty if the job itself holds it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    pub since: Timestamp,
    /// Waits, too, and came first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub waits: bool,
    /// No engine works on it; it is kept until one does.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_left: bool,
    /// Folder of the project, where it is another one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
}

impl Blocker {
    /// Returns the holder as people name it: ``job #12 `deploy` ``, ``job #12 `deploy`, `build` ``.
    #[must_use]
    pub fn who(&self) -> String {
        let job = match (self.job, self.name.as_str()) {
            (0, "") => "a job of another project".to_owned(),
            (0, name) => format!("job `{name}`"),
            (job, name) => format!("job #{job} `{name}`"),
        };
        let place = if self.place.is_empty() { String::new() } else { format!(" ({})", self.place) };
        let project = if self.project.is_empty() { String::new() } else { format!(" in `{}`", self.project) };
        format!("{job}{place}{project}")
    }
}

/// What came of a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All of it is held.
    Held,
    /// Something of it is not to be had now, and why.
    Blocked { by: Vec<Blocker> },
    /// A newer one of the same group takes its place.
    Superseded { by: String },
    /// It can never be had.
    Refused { message: String },
    /// What was held is not held any more.
    Lost,
}
