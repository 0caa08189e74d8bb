//! What a command is given: the project, the settings, and the few things outside that `app` wires in.
//!
//! Not here: making them (`app`).

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::termios::Termios;

use crate::engine::service::Begin;
use crate::engine::{FindError, Given, Project, World};
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::Caller;
use crate::logic::doctor::Machine;
use crate::logic::job::order::Asked;
use crate::logic::plan::PlanProblem;
use crate::logic::plan::require::Probe;
use crate::logic::playbook::model::{Secret, Tool};
use crate::logic::settings::Settings;
use crate::logic::sidecar::Containers;

/// What a command is given.
#[derive(Clone)]
pub struct Context {
    pub project: Project,
    pub settings: Settings,
    pub surroundings: Surroundings,
    pub outside: Outside,
    pub caller: Caller,
}

impl Context {
    /// Returns a command that works as it is printed, about the jobs of this call. `rest` is quoted for the shell.
    #[must_use]
    pub fn command(&self, rest: &str) -> String {
        self.caller.command(rest)
    }

    /// Says that no job, or no single one, was found, and the way out.
    #[must_use]
    pub fn not_found(&self, error: FindError) -> Failure {
        match error {
            FindError::None(message) => {
                Failure::usage(message).help(format!("`{}` shows what there is", self.command("jobs list")))
            }
            FindError::Ambiguous(numbers) => {
                let names: Vec<String> = numbers.iter().map(|number| format!("#{number}")).collect();
                Failure::usage(format!("several jobs fit: {}", names.join(", ")))
                    .help("name one by its number")
            }
            FindError::Store(error) => error.into(),
        }
    }
}

/// What is known of the terminal and of what surrounds it; fixed for the life of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Surroundings {
    /// Standard input is a terminal.
    pub stdin: bool,
    /// Standard output is a terminal.
    pub stdout: bool,
    /// Standard error is a terminal.
    pub stderr: bool,
    /// The variable `TERM`.
    pub term: String,
    /// The variable `COLORTERM`.
    pub colorterm: String,
    /// The locale: `LC_ALL`, else `LC_CTYPE`, else `LANG`.
    pub locale: String,
    /// `CI` is set, and not to `false`.
    pub is_ci: bool,
    /// This process belongs to a step of a job.
    pub is_in_step: bool,
    /// `ACCESSIBLE` is set.
    pub is_accessible: bool,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// `REDUCED_MOTION` is set.
    pub reduced_motion: bool,
    /// The folder of the user's own themes.
    pub themes: Option<PathBuf>,
    /// The file of the user's own keys. It need not exist.
    pub keymap: Option<PathBuf>,
    /// The command of the user's editor: `VISUAL`, else `EDITOR`.
    pub editor: Option<String>,
    /// The folder of the user's own templates.
    pub templates: Option<PathBuf>,
    /// The variable `SHELL`.
    pub shell: String,
    /// The folder where programs keep what is theirs in a home: `XDG_DATA_HOME`.
    pub data: Option<PathBuf>,
    /// The folder of their settings: `XDG_CONFIG_HOME`.
    pub config: Option<PathBuf>,
}

/// A signal that somebody sent to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
    /// The terminal went away.
    HangUp,
    /// The process is to stop until it is let go on.
    Stop,
    /// It was let go on.
    Continue,
    /// The terminal has another size.
    Resize,
}

/// A process that puts the terminal right if this one dies. Dropped without a word, it does so.
pub trait Guard: Send {
    /// Says that the terminal is right again.
    fn dismiss(self: Box<Self>);
}

/// Starts a guard for that terminal, with its modes before and during the full screen and the text that leaves it.
pub type StartGuard = fn(OwnedFd, &Termios, &Termios, &str) -> std::io::Result<Box<dyn Guard>>;

/// Starts an engine for a job, with its id and folder, and what it was given at its start.
pub type StartEngine = fn(&Project, (&str, &Path), &Given) -> Result<(), String>;

/// Starts an engine for a job that has none, with its id and folder, and an order that it carries out first.
pub type StartEngineWith = fn(&Project, (&str, &Path), &Asked) -> Result<(), String>;

/// Looks at the machine on which a folder is; the second says of the id of a job whether it has ended.
pub type Survey = fn(&Path, &dyn Fn(&str) -> bool) -> Machine;

/// Is called for each signal, on a thread of its own.
pub type OnSignal = Box<dyn Fn(Signal) + Send>;

/// Names with their values, or all that is wrong with them.
pub type Secrets = Result<Vec<(String, String)>, Vec<PlanProblem>>;

/// Runs an editor with arguments in a folder, and waits for its end; returns in words how it failed, if it did.
pub type Edit = fn(&str, &[OsString], &Path) -> Result<(), String>;

/// The things outside that commands need before an engine runs.
#[derive(Clone, Copy)]
pub struct Outside {
    /// What the engine works with.
    pub world: World,
    /// Looks for a program that runs containers: the named one, or any with `auto`.
    pub containers: fn(&str) -> Containers,
    /// Asks each program for its version.
    pub probe: fn(&[Tool]) -> Vec<Probe>,
    /// Reads the values of secrets, below a project's root.
    pub secrets: fn(&Path, &[Secret]) -> Secrets,
    /// Says whether a person has said yes to this content before.
    pub is_trusted: fn(&str) -> bool,
    /// Remembers a yes.
    pub remember_trust: fn(&str, &str) -> std::io::Result<()>,
    /// Calls back for each signal from now on, instead of dying of it; for `Stop`, `Continue` and `Resize` only if asked.
    pub on_signal: fn(bool, OnSignal) -> std::io::Result<()>,
    /// Stops this process, and with `true` the leader of its group, until it is let go on.
    pub stop_here: fn(bool),
    pub guard: StartGuard,
    /// Starts an engine of its own for a job, with id and folder, and waits until it owns it; else says why it does not.
    pub start_engine: StartEngine,
    /// Says why the last start of an engine failed, with the job's folder, if that was a moment ago.
    pub engine_failed: fn(&Path) -> Option<String>,
    /// The same with an order that it carries out before anything else.
    pub start_engine_with: StartEngineWith,
    /// Begins a job of a playbook for a fire of the ledger, in a process that outlives this one.
    pub begin_job: Begin,
    /// Leaves the terminal and its signals behind.
    pub go_alone: fn(),
    /// Names the person who gives orders. Asks the system each time, which may take a while.
    pub actor: fn() -> String,
    /// Ends the process at once, with a last line that says what becomes of what runs.
    pub leave: fn(Ending, &str) -> !,
    /// Every ending with its code and meaning.
    pub exit_codes: fn() -> Vec<(u8, &'static str)>,
    /// Looks at the machine on which a project's state is kept.
    pub survey: Survey,
    /// Says what is wrong with the settings of a project, a line each.
    pub settings_problems: fn(&Path) -> Vec<String>,
    /// Shows a manual page that is given as its source, on the terminal; nothing if there is no program for that.
    pub show_manual: fn(&str) -> Option<std::io::Result<()>>,
    /// Runs a command of a person with the shell, in a folder, with that on its standard input; returns in words how it
    /// failed, if it did.
    pub run_command: fn(&str, &Path, &[u8]) -> Result<(), String>,
    pub edit: Edit,
}
