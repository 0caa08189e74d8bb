//! What a cached result is known by, what of it is replayed, and what was said about it. Plain data and pure rules.
//!
//! Not here: when a result is looked for or kept (`logic/job/cached.rs`), files, digests and the store of results
//! (`engine/cache`).

mod brief;
pub mod key;
pub mod keyed;
pub mod pattern;
pub mod reads;

use std::sync::Arc;

pub use brief::NOTHING_KEPT;
use serde::{Deserialize, Serialize};

use crate::logic::artifact::Artifact;
use crate::logic::job::event::StepEnd;
use crate::logic::job::report::Annotation;

/// What is cached as one piece: a run of a cell, or one step of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit {
    pub cell: u32,
    pub run: u32,
    /// Index of the step in its stage; none for the cell as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
}

/// All that decides about a result, but for what has to be looked up in the world: files, programs, tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// What people know it by: `PLAYBOOK: STAGE[k=v]/STEP`. Whoever asks why nothing fitted is shown the difference to the
    /// newest result of that name.
    pub name: String,
    /// In a fixed order, those of the environment first, which are in `closed`.
    pub fields: Vec<Field>,
    pub inputs: Inputs,
    /// Of a whole project: patterns of what those have made that come before, each with lists of their own. It counts although
    /// git may ignore it.
    pub made: Vec<Vec<String>>,
    /// Patterns of the files that are the result, below the root of the project.
    pub outputs: Vec<String>,
    /// Command lines whose output belongs to the key.
    pub tools: Vec<String>,
    /// The environment of those, whole: `PATH` is among it.
    pub closed: Arc<Closed>,
    /// Programs whose content belongs to the key, shells for one; looked up in that `PATH`.
    pub programs: Vec<String>,
    /// Removes other files from the folders that an output pattern with `/**` names.
    pub outputs_exact: bool,
    /// Looks for files that were written beside the outputs, and keeps nothing then.
    pub is_strict: bool,
    /// Largest result that is kept, in bytes of its files before compression.
    pub max_size: Option<u64>,
    pub share: Share,
}

impl Recipe {
    /// The `PATH` in which its programs are looked up.
    #[must_use]
    pub fn path(&self) -> &str {
        let path = self.closed.vars.iter().rev().find(|(name, _)| name == "PATH");
        path.map_or("", |(_, path)| path)
    }
}

/// An environment with nothing in it but what a key holds. Many recipes share one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub vars: Vec<(String, String)>,
    /// The same as parts of a key, with what was asked for and is not set.
    pub fields: Vec<Field>,
    /// Of those parts.
    digest: blake3::Hash,
}

impl Closed {
    /// Returns an environment that is known by those parts.
    #[must_use]
    pub fn new(vars: Vec<(String, String)>, fields: Vec<Field>) -> Self {
        let digest = key::digest(&fields);
        Self { vars, fields, digest }
    }
}

impl Default for Closed {
    fn default() -> Self {
        Self::new(Vec::new(), Vec::new())
    }
}

/// A part of a key, named so that people can be told which one differed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Such as `run of step 2`, `env CC`, `matrix`.
    pub name: String,
    /// `None` is something else than empty: a variable that is not set, for one.
    pub value: Option<String>,
    /// Holds the value of a secret: it is never written down, only a digest of it.
    pub is_secret: bool,
}

/// Files that a result depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// Patterns below the root of the project, in order; one that begins with `!` takes files out again.
    Globs(Vec<String>),
    /// All files of the project that git tracks or does not ignore, or those of them that these patterns name, if there are any.
    Project(Vec<String>),
}

impl Default for Inputs {
    fn default() -> Self {
        Self::Globs(Vec::new())
    }
}

/// Whose jobs may use a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// Every job of the project.
    #[default]
    Project,
    /// Jobs on the same branch; those of the default branch may be used on all branches.
    Branch,
    /// Only the job that made it, such as for its retries.
    None,
}

/// How far what made a result is trusted. A job uses no result of a lower class than its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Made for somebody who is not trusted, such as an event from outside.
    Untrusted,
    Shared,
    #[default]
    Own,
}

impl Trust {
    /// Returns the class of that word, as settings and the command line have it.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Own, Self::Shared, Self::Untrusted].into_iter().find(|it| it.word() == word)
    }

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Shared => "shared",
            Self::Untrusted => "untrusted",
        }
    }
}

/// What of a result is replayed, besides its files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub steps: Vec<Replay>,
    /// How long the work took, in microseconds.
    pub took_us: u64,
    /// What was published, one place for each that the stage may publish.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Option<Artifact>>,
}

/// How a step ended that is not run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    pub end: StepEnd,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation>,
}

/// What came of looking for a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looked {
    Hit(Box<Hit>),
    Miss(Box<Miss>),
}

/// A result that fits: its files are on the disk as they were, and the logs of its steps in the folder of the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// In hex.
    pub key: String,
    pub record: Record,
    /// Files that were missing or different, and were put back.
    pub restored: u32,
    /// Files of the result, and their bytes.
    pub files: u32,
    pub bytes: u64,
    /// Number of the job that made it.
    pub made_by: u64,
    /// What people should know besides, such as files that were removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The reason of a miss where nothing was looked for: the cache is off, and only outputs are locked.
pub const OFF: &str = "off";

/// Why a result has to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    /// In hex; empty if there is none, because an input could not be read, for one.
    pub key: String,
    /// A slug, such as `new`, `changed`, `refresh`, `result-damaged`.
    pub reason: String,
    /// The same in words.
    pub message: String,
    /// Against the newest result of the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differed: Vec<Difference>,
    /// What people should know besides, such as inputs that name no file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// There is no use in keeping what will be made: it can never be looked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_hopeless: bool,
}

impl Miss {
    /// Says whether nothing was looked for, so that there is nothing to be told.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.reason == OFF
    }
}

/// A field that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Name of a [`Field`], or `input PATH`, `tool COMMAND`, `program NAME`.
    pub field: String,
    /// Short, as people can read it; none if it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

/// The reason of what is not kept because it wrote files that are neither outputs nor part of any key.
pub const UNDECLARED: &str = "undeclared-write";

/// What came of keeping a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    Stored {
        key: String,
        files: u32,
        bytes: u64,
        /// What people should know besides, such as files that look like outputs and are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// Nothing was kept: a slug, and the same in words with a way out.
    Not {
        reason: String,
        message: String,
        /// It is certain that all it wrote in the project is part of the keys that whole projects have.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_seen: bool,
    },
}
