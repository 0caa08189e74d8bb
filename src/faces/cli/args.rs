//! The whole command line; the doc comments are the help.
//!
//! Not here: what the commands do (one file each beside this one), the layers of settings (`logic/settings.rs`).

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;

/// Runs playbooks and shows what they do.
#[derive(Debug, Parser)]
#[command(
    name = "sortie",
    version,
    disable_help_subcommand = true,
    infer_long_args = false,
    max_term_width = 100
)]
#[command(after_help = "Examples:
  sortie                            choose a playbook on the full screen
  sortie run ci                     run the playbook `ci` of this project
  sortie r                          run the last playbook again
  sortie w                          watch the last job and steer it
  sortie l                          the output of the last job
  sortie j show 214                 what became of job 214
  sortie explain exit-codes         what the exit codes mean")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    /// Without one, on a terminal: the launcher.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Returns the help, as `--help` prints it.
    #[must_use]
    pub fn help() -> String {
        Self::command().render_help().to_string()
    }
}

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Folder for jobs and their logs, instead of `.sortie` at the project's root
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Colours: `auto` means on a terminal only
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<When>,
    /// Plain ASCII instead of symbols
    #[arg(long, global = true)]
    pub ascii: bool,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(visible_alias = "r")]
    Run(Box<RunArgs>),
    #[command(visible_alias = "w")]
    Watch(WatchArgs),
    #[command(visible_alias = "c")]
    Check(CheckArgs),
    Plan(Box<PlanArgs>),
    Eval(EvalArgs),
    /// Find and look at the playbooks of this project
    Playbooks {
        #[command(subcommand)]
        command: Option<PlaybooksCommand>,
    },
    /// Look at jobs and steer them; bare: list them
    #[command(visible_alias = "j")]
    #[command(after_help = "Examples:
  sortie j                          list the newest jobs
  sortie j show last                stages, causes and times of the newest job
  sortie j skip 214 'build[os=linux]'
  sortie j wait 214 --timeout 10m   exit with the job's exit code

A job is named by its number (`214` or `#214`), the beginning of its id, or `last`.
A part of it is named as `STAGE`, `STAGE[key=value]` or `STAGE[key=value]/STEP`.")]
    Jobs {
        #[command(subcommand)]
        command: Option<JobsCommand>,
    },
    #[command(visible_alias = "l")]
    Logs(LogsArgs),
    /// Look at settings
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    Explain(ExplainArgs),
}

/// Run a playbook; bare: the last one again
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[command(after_help = "Examples:
  sortie run ci
  sortie run playbooks/release.yml --input version=1.4.0
  sortie run ci --only test --matrix os=linux
  sortie run ci --ui json > events.jsonl
  sortie run deploy --dry-run       say what would be refused (exit code 3), start nothing

Ctrl-C cancels and waits for cleanup, a second one kills at once, a third one leaves.")]
pub struct RunArgs {
    /// A file, or the name of a playbook of this project
    pub playbook: Option<String>,
    /// How to show the job
    #[arg(long, value_name = "UI")]
    pub ui: Option<Ui>,
    /// Fill the screen and take keys, the same as `--ui full`
    #[arg(long, short, conflicts_with_all = ["ui", "quiet"])]
    pub watch: bool,
    #[command(flatten)]
    pub request: RequestArgs,
    /// Add the variables of a file (`NAME=value` lines) to the environment of every step
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Check everything up to the start, then stop; exit code 3 if something would be refused
    #[arg(long)]
    pub dry_run: bool,
    /// Print the final line only
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print the start of each step, too
    #[arg(long, short)]
    pub verbose: bool,
    /// Silence after which a line says what still runs, such as `30s`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub heartbeat: Option<Duration>,
    /// Let this project fetch secrets with commands of its own, without asking
    #[arg(long)]
    pub trust: bool,
    /// What becomes of the job's processes if sortie dies
    #[arg(long, value_name = "WHAT")]
    pub on_loss: Option<String>,
}

/// Watch a job and steer it, whoever runs it; bare: the last job
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie w                          the last job, on the full screen
  sortie watch 214
  sortie watch 214 --ui plain       line by line, to the end of the job

Press ? for the keys. Leaving does not touch the job.")]
pub struct WatchArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
    /// How to show it; without it the whole screen where there is one
    #[arg(long, value_name = "UI")]
    pub ui: Option<Ui>,
}

/// What a plan can be asked for.
#[derive(Args, Clone, Debug, Default)]
pub struct RequestArgs {
    /// Give an input
    #[arg(long = "input", short = 'i', value_name = "NAME=VALUE", value_parser = pair)]
    pub inputs: Vec<(String, String)>,
    /// Give inputs from a YAML or JSON file; `--input` wins
    #[arg(long, value_name = "FILE")]
    pub inputs_file: Option<PathBuf>,
    /// Set a value of the context `vars`
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    pub vars: Vec<(String, String)>,
    /// Run this stage or cell only; may be repeated
    #[arg(long, value_name = "STAGE")]
    pub only: Vec<String>,
    /// Run this stage and what needs it
    #[arg(long, value_name = "STAGE")]
    pub from: Option<String>,
    /// Leave this stage out; what needs it goes on
    #[arg(long, value_name = "STAGE")]
    pub skip: Vec<String>,
    /// Replace or add an axis of the matrix
    #[arg(long, value_name = "AXIS=A,B", value_parser = axis)]
    pub matrix: Vec<(String, Values)>,
    /// Most cells that run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_parallel: Option<u32>,
}

/// The values of an axis; a type of its own, because a plain list would mean a repeated flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values(pub Vec<String>);

/// Faces of `run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ui {
    /// Bars on a terminal, else lines
    Auto,
    /// The whole screen, with keys to steer
    Full,
    /// Bars below, output above
    Inline,
    /// A line for each thing that ends, and the output
    Plain,
    /// An event a line, as `jobs events` prints them
    Json,
}

/// Check playbooks; bare: all of this project
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie check                      every playbook of this project
  sortie check ci playbooks/release.yml
  sortie check --json ci            for editors and scripts

Exit code 0 if there is no error, else 2.")]
pub struct CheckArgs {
    /// Files, or names of playbooks
    pub playbooks: Vec<String>,
    /// Print the diagnostics as JSON
    #[arg(long)]
    pub json: bool,
}

/// Show what a run would do, stage by stage
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie plan ci
  sortie plan ci --only 'test[os=linux]'
  sortie plan ci --json")]
pub struct PlanArgs {
    /// A file, or the name of a playbook of this project
    pub playbook: String,
    #[command(flatten)]
    pub request: RequestArgs,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

/// Evaluate an expression
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie eval \"contains('abc', 'b')\"
  sortie eval 'inputs.n > 2' --contexts '{\"inputs\": {\"n\": 3}}' --json
  sortie eval < lines.jsonl         one {\"expr\": \"..\", \"contexts\": {..}} a line, one answer a line")]
pub struct EvalArgs {
    /// The expression, with or without `${{ }}`; without it, lines are read from standard input
    pub expr: Option<String>,
    /// Contexts as a JSON object, or `@FILE`
    #[arg(long, value_name = "JSON")]
    pub contexts: Option<String>,
    /// Print kind and value as JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands about playbooks.
#[derive(Debug, Subcommand)]
pub enum PlaybooksCommand {
    /// List the playbooks of this project
    #[command(after_help = "Examples:\n  sortie playbooks list\n  sortie playbooks list --json")]
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the inputs, secrets, requirements and stages of a playbook
    #[command(after_help = "Examples:\n  sortie playbooks show ci\n  sortie playbooks show ci --json")]
    Show {
        /// A file, or the name of a playbook of this project
        playbook: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Commands about jobs.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    List(ListArgs),
    #[command(visible_alias = "status")]
    Show(ShowArgs),
    Logs(LogsArgs),
    Events(EventsArgs),
    Wait(WaitArgs),
    Cancel(CancelArgs),
    /// Start nothing new; what runs goes on
    Pause(PauseArgs),
    /// Go on with a job that was paused
    Resume(PauseArgs),
    Skip(SkipArgs),
    Retry(RetryArgs),
}

/// List the newest jobs
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie jobs list\n  sortie j list -n 100 --json")]
pub struct ListArgs {
    /// How many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

/// Show a job: stages, cells, tries, causes, times, and where its logs are
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie jobs show\n  sortie jobs status 214 --json")]
pub struct ShowArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// Print the output of a job's steps; bare: of the last job
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie l                          all output of the last job
  sortie l 214 'build[os=linux]'    one cell
  sortie l 214 build/2 --raw        the exact bytes of a step's last try
  sortie l -f                       follow to the end of the job")]
pub struct LogsArgs {
    /// Number, beginning of the id, or `last`
    pub job: Option<String>,
    /// `STAGE`, `STAGE[key=value]` or `STAGE[key=value]/STEP`
    pub address: Option<String>,
    /// Go on until the job ends
    #[arg(long, short)]
    pub follow: bool,
    /// Only this stage
    #[arg(long, value_name = "STAGE", conflicts_with = "address")]
    pub stage: Option<String>,
    /// The exact bytes, without names in front
    #[arg(long, conflicts_with_all = ["json", "follow"])]
    pub raw: bool,
    /// Only this try of each step, from 1
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// Print one object a line
    #[arg(long, conflicts_with = "follow")]
    pub json: bool,
}

/// Print the events of a job, one JSON object a line
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie jobs events 214\n  sortie jobs events last --follow --after 120")]
pub struct EventsArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
    /// Begin after this event
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub after: u64,
    /// Go on until the job ends
    #[arg(long, short)]
    pub follow: bool,
    /// Accepted for symmetry: events are always JSON
    #[arg(long)]
    pub json: bool,
}

/// Wait for a job to end, and exit with its exit code
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie jobs wait 214\n  sortie jobs wait last --timeout 10m")]
pub struct WaitArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
    /// Give up after this time, such as `30s`; exit code 3
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Print how it ended as JSON
    #[arg(long)]
    pub json: bool,
}

/// Cancel a job or a part of it; cleanup still runs
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs cancel 214
  sortie jobs cancel last 'build[os=linux]'
  sortie jobs cancel 214 --force    kill at once, without cleanup")]
pub struct CancelArgs {
    /// Number, beginning of the id, or `last`
    pub job: String,
    /// `STAGE` or `STAGE[key=value]`; without it the whole job
    pub address: Option<String>,
    /// Kill at once, without cleanup
    #[arg(long)]
    pub force: bool,
}

/// Which job is paused or resumed.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie jobs pause 214\n  sortie jobs resume 214")]
pub struct PauseArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
}

/// Leave out a stage or cell; what needs it goes on without it
///
/// What runs of it is stopped as by `cancel`: politely, cleanup included, and at once if asked twice. It ends as skipped.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs skip 214 deploy
  sortie jobs skip last 'build[os=linux]'
  sortie jobs skip --undo 214 deploy     as long as it has not come into force")]
pub struct SkipArgs {
    /// Number, beginning of the id, or `last`
    pub job: String,
    /// `STAGE` or `STAGE[key=value]`
    pub address: String,
    /// Take a skip back before it has come into force: the stage runs after all
    #[arg(long)]
    pub undo: bool,
}

/// Run again what failed or was cancelled, and what depends on it
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[command(after_help = "Examples:
  sortie jobs retry 214
  sortie jobs retry last 'build[os=linux]'
  sortie jobs retry 214 --from build
  sortie jobs retry 214 --all")]
pub struct RetryArgs {
    /// Number, beginning of the id, or `last`
    pub job: String,
    /// One cell, `STAGE[key=value]`, or stage, and what depends on it; once the job has ended also one that passed
    #[arg(conflicts_with_all = ["from", "all"])]
    pub address: Option<String>,
    /// This stage and what depends on it, whatever became of them
    #[arg(long, value_name = "STAGE", conflicts_with = "all")]
    pub from: Option<String>,
    /// Everything
    #[arg(long)]
    pub all: bool,
    /// How to show the job, if it runs in this process
    #[arg(long, value_name = "UI")]
    pub ui: Option<Ui>,
    /// Print the final line only
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print the start of each step, too
    #[arg(long, short)]
    pub verbose: bool,
    /// Let this project fetch secrets with commands of its own, without asking
    #[arg(long)]
    pub trust: bool,
}

/// Commands about settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show each setting, where its value comes from, and what it overrode
    #[command(after_help = "Examples:\n  sortie config explain\n  sortie config explain run.ui --json")]
    Explain {
        /// Only this setting, such as `run.ui`
        key: Option<String>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Explain a diagnostic, or `keys`, `exit-codes`, `events`, `settings`; bare: list the topics
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie explain unknown-need       why, an example, the cure
  sortie explain keys               every key of the playbook language
  sortie explain exit-codes")]
pub struct ExplainArgs {
    /// The name of a diagnostic or a topic
    pub topic: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn axis(text: &str) -> Result<(String, Values), String> {
    let (name, values) = pair(text).map_err(|_| "expected AXIS=VALUE,VALUE".to_owned())?;
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    if values.iter().any(String::is_empty) {
        return Err("a value is empty; expected AXIS=VALUE,VALUE".to_owned());
    }
    Ok((name, Values(values)))
}

fn duration(text: &str) -> Result<Duration, String> {
    crate::logic::text::parse_duration(text)
        .map_err(|_| "expected a time with a unit, such as `30s` or `5m`".to_owned())
}
