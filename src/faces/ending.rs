//! How a command ends, and the errors that end it, in words.
//!
//! Not here: the numbers that the shell sees (`app/exit.rs`).

use super::hint::Caller;
use crate::engine::{EngineError, ErrorKind};
use crate::logic::job::event::{Cause, Outcome};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Success,
    /// The job failed.
    JobFailed,
    /// Playbook, arguments or settings are wrong.
    Usage,
    /// The order makes no sense now, or a policy forbids it.
    Refused,
    /// People said no at a gate, or nothing in time.
    Rejected,
    /// Store, lock, engine or disk stood in the way.
    Surroundings,
    /// The job's own time limit passed.
    TimedOut,
    Cancelled,
    /// The job failed, and what it had done was undone.
    RolledBack,
    /// Something could not be undone.
    RollbackFailed,
    /// A bug in sortie.
    Bug,
}

impl Ending {
    /// Returns the ending of a command that watched a job to its end.
    #[must_use]
    pub fn of_job(outcome: Outcome, cause: Option<&Cause>) -> Self {
        match (outcome, cause) {
            (Outcome::Success | Outcome::Skipped, _) => Self::Success,
            (_, Some(Cause::NotUndone { .. })) => Self::RollbackFailed,
            (Outcome::Failure, Some(Cause::RolledBack { .. })) => Self::RolledBack,
            (_, Some(Cause::Timeout { of })) if of == "job" => Self::TimedOut,
            (Outcome::Failure, Some(Cause::Rejected { .. } | Cause::Expired { .. })) => Self::Rejected,
            (Outcome::Cancelled, _) => Self::Cancelled,
            (Outcome::Failure, _) => Self::JobFailed,
        }
    }
}

/// An error that ends a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub ending: Ending,
    /// What is wrong; empty if everything has been said already.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// Number of the job that lives on without an engine.
    pub job: Option<u64>,
}

impl Failure {
    /// Returns a failure with that message.
    pub fn new(ending: Ending, message: impl Into<String>) -> Self {
        Self { ending, message: message.into(), help: None, job: None }
    }

    /// Returns a failure of which everything has been printed already.
    #[must_use]
    pub fn told(ending: Ending) -> Self {
        Self::new(ending, "")
    }

    /// Returns a failure of the person's arguments, playbook or settings.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Ending::Usage, message)
    }

    /// Returns a refusal.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Ending::Refused, message)
    }

    /// Returns a failure of the surroundings.
    pub fn surroundings(message: impl Into<String>) -> Self {
        Self::new(Ending::Surroundings, message)
    }

    /// Names the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Returns the way out, with the command that goes on with the job that lives on, if there is one.
    #[must_use]
    pub fn way_out(&self, caller: &Caller) -> Option<String> {
        let recover = self.job.map(|job| {
            format!("`{}` goes on with job #{job}", caller.command(&format!("jobs recover {job}")))
        });
        match (&self.help, recover) {
            (Some(help), Some(recover)) => Some(format!("{help}; then {recover}")),
            (help, recover) => recover.or_else(|| help.clone()),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let ending = match error.kind {
            ErrorKind::Surroundings | ErrorKind::Full => Ending::Surroundings,
            ErrorKind::Usage => Ending::Usage,
            ErrorKind::Refused => Ending::Refused,
            ErrorKind::Bug => Ending::Bug,
        };
        Self { ending, message: error.message, help: error.help, job: error.job }
    }
}
