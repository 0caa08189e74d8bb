//! REMEMBERS. Owns jobs, the store and the loop.
//!
//! One loop (`turn.rs`): receive all inputs that wait, let logic answer each, append all events in one transaction,
//! publish them, make the world match `wanted` (`reconcile.rs`). Nothing leaves the process before its event is
//! committed. A job begins as the recovery of an empty journal (`begin.rs`), so recovery cannot rot.
//!
//! What is not here: ssh, HTTP, containers, terminals, wording for screens, and decisions.
//! Start with `begin.rs`, then `turn.rs`.
#![expect(
    clippy::disallowed_methods,
    reason = "the engine reads time and keeps files; children are the keeper's"
)]

mod apart;
mod artifacts;
pub mod authoring;
mod begin;
mod bell;
mod bus;
mod cache;
pub mod clock;
pub mod embed;
#[cfg(feature = "faults")]
mod faults;
mod gather;
mod give_up;
mod handle;
pub mod keyed;
pub mod keymaps;
mod lazy;
mod leave;
pub mod library;
mod link;
pub mod logs;
mod machine;
mod masking;
mod only;
pub(crate) mod readings;
mod reconcile;
pub mod reports;
mod results;
pub mod rewrite;
pub mod scripts;
pub mod service;
mod sharing;
mod store;
mod subscription;
pub mod themes;
mod turn;
mod unchanged;
pub mod upkeep;
pub mod watching;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::logic::settings::Settings;

pub use begin::{
    Again, Ahead, Fetch, Fired, JobEnd, Queued, Running, Start, enqueue, get_ready, get_store_ready,
    has_results, resume, start,
};
pub use bell::Bell;
pub use bus::Next;
pub use give_up::{gave_up, was_for_want_of_room, why_it_gave_up};
pub use handle::{EngineProcess, Handle, OrderError};
pub use leave::WrittenReport;
pub use machine::machine_holder;
pub use store::{ClaimRow, FindError, Fire, FireState, History, JobFilter, JobRow};
pub use subscription::{Events, Subscription};

pub use crate::port::World;
pub use crate::port::keeper::{Given, OnLoss};

/// A project: where its files are, and where its state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub root: PathBuf,
    /// The `.sortie` folder, or what `--state` named.
    pub state: PathBuf,
    /// The folders of numbered scripts, from the root.
    pub scripts: Vec<String>,
}

impl Project {
    /// Returns a project that has its scripts in the usual folders.
    #[must_use]
    pub fn new(root: PathBuf, state: PathBuf) -> Self {
        Self { root, state, scripts: Settings::resolve(&[]).script_folders() }
    }
}

/// A job's UUID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobId(pub Arc<str>);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of failure it is, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The store, a lock, the disk, the keeper.
    Surroundings,
    /// There is no room left on a disk.
    Full,
    /// What was asked for does not exist.
    Usage,
    /// It makes no sense now.
    Refused,
    /// Ours.
    Bug,
}

/// A failure of the engine itself, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineError {
    pub kind: ErrorKind,
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// Number of the job that lives on and that another engine can go on with.
    pub job: Option<u64>,
}

/// How a message begins that tells of a disk without room.
const NO_ROOM: &str = "the disk is full";

impl EngineError {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None, job: None }
    }

    pub(crate) fn surroundings(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Surroundings, message)
    }

    /// `what` is what could not be done, such as: the store cannot be written.
    pub(crate) fn full(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Full, format!("{NO_ROOM}: {what}"))
            .help("free some space there (nothing that was acknowledged is lost)")
    }

    /// What the system said about a file or folder. `what` is what could not be done.
    pub(crate) fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::full(what),
            _ => Self::surroundings(format!("{what}: {error}")),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, message)
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EngineError {}
