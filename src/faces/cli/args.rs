//! The whole command line; the doc comments are the help.
//!
//! Not here: what the commands do (one file each beside this one), the layers of settings (`logic/settings.rs`).

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub use super::args_edit::{EditArgs, EditCommand, FmtArgs};
pub use super::args_help::HelpArgs;
pub use super::args_history::{
    CacheCommand, CacheExplainArgs, EventsArgs, ExportArgs, ListArgs, LogsArgs, PruneArgs, StoreCommand,
};
pub use super::args_keys::KeysArgs;
pub use super::args_new::NewArgs;
pub use super::args_orders::{
    ApproveArgs, CancelArgs, FreezeArgs, OrderArgs, PauseArgs, RejectArgs, RetryArgs, RollbackArgs, SkipArgs,
};
pub use super::args_summary::{ArtifactsCommand, OutputsArgs, SummaryArgs};
pub use super::args_tools::{CompletionsArgs, DoctorArgs, ManArgs, SchemaArgs, SchemaKind, Shell};

use crate::logic::playbook;

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
  sortie help getting-started       the first steps; bare: the list of all pages
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
    #[command(visible_aliases = ["r", "orchestrate", "orch"])]
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

A job is named by its number (`214` or `#214`), the beginning of its id, or `last`: the newest
one. For what steers a job, `last` is the one that is live, if there is one; it is refused where
several are. A part of it is named as `STAGE`, `STAGE[key=value]` or `STAGE[key=value]/STEP`.")]
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
    Help(HelpArgs),
    Fmt(FmtArgs),
    /// Results that are kept: list, explain, verify, prune, clear
    Cache {
        #[command(subcommand)]
        command: CacheCommand,
    },
    /// Look after the recorded jobs: is everything whole, remove old ones, take a copy out
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    Engine(EngineArgs),
    /// See what starts by itself, and when; bare: list it
    Schedule {
        #[command(subcommand)]
        command: Option<ScheduleCommand>,
    },
    Schema(SchemaArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    Doctor(DoctorArgs),
    Keys(KeysArgs),
}

/// Start what schedules, changed files and ended jobs ask for; with a job: work on that one without showing it
///
/// Bare, it is the service of this project: it runs until it gets Ctrl-C or TERM, and the jobs that it started go on.
/// `sortie explain schedules` and `sortie explain survival` say more.
///
/// With a job it is mostly not needed: every command that looks at the jobs of a project starts an engine for each that
/// lost its own. Ending this process does not end the job: what runs goes on, for the next engine.
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[command(after_help = "Examples:
  sortie engine                     the service of this project, line by line
  sortie engine --json              the same for programs
  sortie engine --print-unit > ~/.config/systemd/user/sortie.service
  sortie engine 214                 go on with job 214")]
pub struct EngineArgs {
    /// Number, beginning of the id, or `last`
    pub job: Option<String>,
    /// Print a line of the service as a JSON object
    #[arg(long, conflicts_with = "job")]
    pub json: bool,
    /// Let this project start jobs by itself, without asking
    #[arg(long, conflicts_with = "job")]
    pub trust: bool,
    /// Print a unit file for systemd that runs this service, and stop
    #[arg(long, conflicts_with_all = ["job", "json", "trust"])]
    pub print_unit: bool,
    /// Read what the job was given from standard input, and answer with one line
    #[arg(long, hide = true)]
    pub given: bool,
}

/// Run a playbook, or scripts by their numbers; bare: the last one again
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[command(after_help = "Examples:
  sortie run ci
  sortie run playbooks/release.yml --input version=1.4.0
  sortie run ci --only test --matrix os=linux
  sortie run 0402                   run the script with that number
  sortie run 0400-0499 '!0410'      all of a range but one; also `04*`, `stage:NAME`, `tag:NAME`
  sortie run 0402 --matrix profile=quick,full --matrix platform=a,b
  sortie run ci --ui json > events.jsonl
  sortie run deploy --dry-run       say what would be refused (exit code 3), start nothing
  sortie run deploy --detach        start it and go; `sortie w` shows it
  sortie run ci --on-change         run it again whenever a file changes

Ctrl-C cancels and waits for cleanup, a second one kills at once, a third one leaves.")]
pub struct RunArgs {
    /// A file, the name of a playbook of this project, or a selector of scripts
    pub playbook: Option<String>,
    /// More selectors of scripts; `!` before one takes out
    #[arg(value_name = "SELECTOR")]
    pub more: Vec<String>,
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
    /// What becomes of the job's processes if sortie dies; without it they are kept where there is a terminal
    #[arg(long, value_name = "WHAT")]
    pub on_loss: Option<Loss>,
    /// Name this start: given again with the same name, nothing is started, and the first job answers
    #[arg(long, value_name = "ID", value_parser = order_id)]
    pub id: Option<String>,
    /// Number of the fire in the ledger that starts the job
    #[arg(long, hide = true, value_name = "N", requires = "detach")]
    pub fire: Option<u64>,
    /// Start the job and leave it: it runs without a terminal, and `sortie w` shows it
    #[arg(long, conflicts_with_all = ["ui", "watch", "verbose", "heartbeat"])]
    pub detach: bool,
    /// Write a summary when the job ends: to `reports/orchestration`, or to this file, by its ending
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub summary: Option<String>,
    /// Start the job anew whenever its files change: inputs of caches, else all that git does not ignore, and the playbook
    #[arg(long, conflicts_with_all = ["detach", "dry_run", "id"])]
    pub on_change: bool,
    /// With `--on-change`: these files count, such as `src/**,!src/gen/**`; may be repeated
    #[arg(long, value_name = "GLOB,GLOB", value_delimiter = ',', requires = "on_change")]
    pub globs: Vec<String>,
    /// Ask for all inputs, with what they have on offer; those that are missing are asked for without it, on a terminal
    #[arg(long, conflicts_with_all = ["dry_run", "on_change", "fire"])]
    pub ask: bool,
    /// In CI, let the job wait at gates for answers from elsewhere instead of failing there
    #[arg(long)]
    pub wait_at_gates: bool,
}

/// What becomes of a job without its sortie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Loss {
    /// They are ended, and the job is interrupted
    Stop,
    /// They go on, and the next sortie that looks at this project goes on with the job
    Keep,
}

impl Loss {
    /// Returns the word of the setting `run.on-loss`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Keep => "keep",
        }
    }
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
    /// Use a profile of the playbook: its variables, stages and axes; other options go before it
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
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
    /// Cache stages that have no `cache` of their own, too: what they run, all files of the project and the environment
    /// are the key
    #[arg(long)]
    pub cache: bool,
    /// With `--cache`: only these files count; may be repeated
    #[arg(long = "cache-file", value_name = "GLOB", requires = "cache")]
    pub cache_files: Vec<String>,
    /// Neither take results of earlier jobs nor keep new ones
    #[arg(long, conflicts_with_all = ["cache", "refresh"])]
    pub no_cache: bool,
    /// Make everything anew, and keep it
    #[arg(long)]
    pub refresh: bool,
    /// How far this job is trusted: it uses no result of a job that is trusted less, and its own are marked so; `own` if
    /// nobody says anything else
    #[arg(long, value_name = "CLASS", value_parser = ["own", "shared", "untrusted"])]
    pub cache_trust: Option<String>,
    /// Among jobs that wait for the same thing, higher ones go first
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i32,
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
  sortie plan 0400-0499             what these scripts are, in their order
  sortie plan ci --json")]
pub struct PlanArgs {
    /// A file, the name of a playbook of this project, or a selector of scripts
    pub playbook: String,
    /// More selectors of scripts; `!` before one takes out
    #[arg(value_name = "SELECTOR")]
    pub more: Vec<String>,
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
    New(Box<NewArgs>),
    /// List what new playbooks can start from
    #[command(after_help = "Examples:
  sortie playbooks templates
  sortie playbooks new ci --from rust

Your own are playbooks in the folder that this prints.")]
    Templates {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the numbered scripts of this project, or those that selectors mean
    #[command(after_help = "Examples:
  sortie playbooks scripts
  sortie playbooks scripts 0400-0499 '!0410'
  sortie playbooks scripts tag:lint --json")]
    Scripts {
        /// Such as `0402`, `0400-0499`, `04*`, `stage:NAME` or `tag:NAME`; `!` before one takes out
        #[arg(value_name = "SELECTOR")]
        selectors: Vec<String>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    Edit(EditArgs),
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
    Pause(FreezeArgs),
    /// Go on with a job that was paused
    Resume(PauseArgs),
    Skip(SkipArgs),
    Retry(RetryArgs),
    Recover(RecoverArgs),
    Approve(ApproveArgs),
    Reject(RejectArgs),
    Rollback(RollbackArgs),
    Locks(LocksArgs),
    Summary(SummaryArgs),
    Outputs(OutputsArgs),
    /// List the artifacts of a job, or put one into a folder
    Artifacts {
        #[command(subcommand)]
        command: ArtifactsCommand,
    },
}

/// List what jobs hold that others may want, and who waits for it: groups, locks, resources
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie jobs locks\n  sortie jobs locks --json")]
pub struct LocksArgs {
    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

/// Go on with jobs whose engine has died; bare: with all of them
///
/// Each gets an engine of its own without a face. What still runs is taken over, what ended meanwhile counts, and what
/// was lost is run again or fails, as `on-interrupt` says.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie jobs recover\n  sortie jobs recover 214")]
pub struct RecoverArgs {
    /// Number, beginning of the id, or `last`
    pub job: Option<String>,
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

/// Commands about what starts by itself.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// List schedules, watched files and followed jobs: when they fire next, and what came of the last fire
    #[command(after_help = "Examples:\n  sortie schedule list\n  sortie schedule list --json")]
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    Next(NextArgs),
    Run(FireArgs),
    Trust(TrustArgs),
}

/// Show the next fires of all schedules, or of one playbook; changes of the zone's clock are marked
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie schedule next
  sortie schedule next -n 30 nightly
  sortie schedule next --after 2026-10-24T12:00:00Z --json")]
pub struct NextArgs {
    /// A file, or the name of a playbook of this project
    pub playbook: Option<String>,
    /// How many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Begin after this time instead of now, such as `2026-10-24T12:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub after: Option<crate::logic::time::Timestamp>,
    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

/// Let a schedule fire now; its job runs without a terminal
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie schedule run nightly\n  sortie schedule run nightly 2")]
pub struct FireArgs {
    /// A file, or the name of a playbook of this project
    pub playbook: String,
    /// Which of its schedules, as `schedule list` counts them
    #[arg(default_value_t = 1)]
    pub index: usize,
    /// Print what was started as JSON
    #[arg(long)]
    pub json: bool,
}

/// Say yes to what starts by itself in this project, after having seen it; bare: all of it
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie schedule trust\n  sortie schedule trust nightly --yes")]
pub struct TrustArgs {
    /// A file, or the name of a playbook of this project
    pub playbook: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
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

/// Look something up: a message, `keys`, `exit-codes`, `events`, `settings` or another topic; bare: list them
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie explain unknown-need       why, an example, the cure
  sortie explain keys               every key of the playbook language
  sortie explain exit-codes")]
pub struct ExplainArgs {
    /// The name of a diagnostic or a topic
    pub topic: Option<String>,
    /// Print a page as it is written, in Markdown
    #[arg(long, conflicts_with = "json")]
    pub raw: bool,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// Reads the name of an order.
pub(super) fn order_id(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("expected a name that is yours alone, such as a UUID".to_owned()),
        id if id.len() > 200 => Err("it is too long, at most 200 bytes".to_owned()),
        id => Ok(id.to_owned()),
    }
}

/// Reads the number of an event.
pub(super) fn seq(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected the number of an event, as `seq` of `jobs events` has it".to_owned())
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

pub(super) fn axis(text: &str) -> Result<(String, Values), String> {
    let (name, values) = pair(text).map_err(|_| "expected AXIS=VALUE,VALUE".to_owned())?;
    if let Some(problem) = playbook::name_problem(&name, "an axis") {
        return Err(format!("{problem}; {}", playbook::NAME_HELP));
    }
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    if values.iter().any(String::is_empty) {
        return Err("a value is empty; expected AXIS=VALUE,VALUE".to_owned());
    }
    Ok((name, Values(values)))
}

fn moment(text: &str) -> Result<crate::logic::time::Timestamp, String> {
    let at: jiff::Timestamp =
        text.parse().map_err(|_| "expected a time such as `2026-10-24T12:00:00Z`".to_owned())?;
    Ok(crate::logic::time::Timestamp(at.as_microsecond()))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::logic::text::parse_duration(text)
        .map_err(|_| "expected a time with a unit, such as `30s` or `5m`".to_owned())
}
