//! What a command is given: the project, the settings, and the few things outside that `app` wires in.
//!
//! Not here: making them (`app`).

use std::path::Path;

use crate::engine::{Project, World};
use crate::faces::ending::Ending;
use crate::logic::plan::PlanProblem;
use crate::logic::plan::require::Probe;
use crate::logic::playbook::model::{Secret, Tool};
use crate::logic::settings::Settings;

/// What a command is given.
pub struct Context {
    pub project: Project,
    pub settings: Settings,
    pub outside: Outside,
}

/// A signal that somebody sent to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
    /// The terminal went away.
    HangUp,
}

/// Is called for each signal, on a thread of its own.
pub type OnSignal = Box<dyn Fn(Signal) + Send>;

/// Names with their values, or all that is wrong with them.
pub type Secrets = Result<Vec<(String, String)>, Vec<PlanProblem>>;

/// The things outside that commands need before an engine runs.
#[derive(Clone, Copy)]
pub struct Outside {
    /// What the engine works with.
    pub world: World,
    /// Asks each program for its version.
    pub probe: fn(&[Tool]) -> Vec<Probe>,
    /// Reads the values of secrets, below a project's root.
    pub secrets: fn(&Path, &[Secret]) -> Secrets,
    /// Says whether a person has said yes to this content before.
    pub is_trusted: fn(&str) -> bool,
    /// Remembers a yes.
    pub remember_trust: fn(&str, &str) -> std::io::Result<()>,
    /// Calls back for each signal from now on, instead of dying of it.
    pub on_signal: fn(OnSignal) -> std::io::Result<()>,
    /// Names the person who gives orders. Asks the system each time, which may take a while.
    pub actor: fn() -> String,
    /// Ends the process at once.
    pub leave: fn(Ending) -> !,
    /// Every ending with its code and meaning.
    pub exit_codes: fn() -> Vec<(u8, &'static str)>,
}
