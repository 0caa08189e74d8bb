//! The command line of orders to jobs: cancel, pause, skip, retry, answers at gates, rollback.
//!
//! Not here: everything else (`args.rs`, which gives these on).

use clap::Args;

use super::args::{Ui, order_id, pair, seq};

/// What every order may have with it.
#[derive(Args, Clone, Debug, Default)]
pub struct OrderArgs {
    /// Name this order: given again with the same name, it is not carried out twice and gets the same answer
    #[arg(long, value_name = "ID", value_parser = order_id)]
    pub id: Option<String>,
    /// Refuse (exit code 3) unless this is the number of the job's last event
    #[arg(long, value_name = "SEQ", value_parser = seq)]
    pub expect: Option<u64>,
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
    #[command(flatten)]
    pub order: OrderArgs,
}

/// How a job is paused.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs pause 214
  sortie jobs pause 214 --freeze     stop the processes, too; `jobs resume` lets them go on")]
pub struct FreezeArgs {
    #[command(flatten)]
    pub pause: PauseArgs,
    /// Stop what runs where it stands (SIGSTOP), and all clocks; whoever talks to a stopped process may hang up on it
    #[arg(long)]
    pub freeze: bool,
}

/// Which job is paused or resumed.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:\n  sortie jobs pause 214\n  sortie jobs resume 214")]
pub struct PauseArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
    #[command(flatten)]
    pub order: OrderArgs,
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
    #[command(flatten)]
    pub order: OrderArgs,
}

/// Run again what failed or was cancelled, and what depends on it
#[derive(Args, Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[command(after_help = "Examples:
  sortie jobs retry 214
  sortie jobs retry last 'build[os=linux]'
  sortie jobs retry 214 --from build
  sortie jobs retry 214 --all --refresh
  sortie jobs retry 214 --input version=1.4.1   a new job, linked to this one

The plan of a job is fixed at its start. So other inputs make a new job, which repeats the
playbook as it was recorded with the old one, reuses nothing of it, and says what it repeats.")]
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
    /// What failed or was cancelled, and what depends on it, as without an option
    #[arg(long, conflicts_with_all = ["address", "from", "all", "inputs"])]
    pub failed: bool,
    /// Take no earlier result for any of it, and keep the new ones
    #[arg(long)]
    pub refresh: bool,
    /// Another value for an input: a new job of the same playbook, as it was recorded, from its beginning
    #[arg(long = "input", short = 'i', value_name = "NAME=VALUE", value_parser = pair,
        conflicts_with_all = ["address", "from", "all", "id"])]
    pub inputs: Vec<(String, String)>,
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
    #[command(flatten)]
    pub order: OrderArgs,
}

/// Say yes at a gate of a job
///
/// Who answers is the user of this command, as the system knows it. A name given with `--as` is recorded beside that; it
/// counts only where the setting `gates.claims` was on when the job began.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs approve 214
  sortie jobs approve last deploy --note 'checked the graphs'
  sortie jobs approve 214 'deploy[region=eu]/ask' --input percent=20")]
pub struct ApproveArgs {
    /// Number, beginning of the id, or `last`
    pub job: String,
    /// `STAGE`, `STAGE/STEP` or `STAGE[key=value]/STEP`; without it the only gate that is open
    pub address: Option<String>,
    /// What to remember with the answer
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// A value that the gate asks for
    #[arg(long = "input", short = 'i', value_name = "NAME=VALUE", value_parser = pair)]
    pub inputs: Vec<(String, String)>,
    /// Say to be somebody else; recorded beside your own name
    #[arg(long = "as", value_name = "NAME")]
    pub claimed: Option<String>,
    #[command(flatten)]
    pub order: OrderArgs,
}

/// Say no at a gate of a job: what waits there fails
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs reject 214 --note 'not on a Friday'
  sortie jobs reject last deploy")]
pub struct RejectArgs {
    /// Number, beginning of the id, or `last`
    pub job: String,
    /// `STAGE`, `STAGE/STEP` or `STAGE[key=value]/STEP`; without it the only gate that is open
    pub address: Option<String>,
    /// What to remember with the answer
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Say to be somebody else; recorded beside your own name
    #[arg(long = "as", value_name = "NAME")]
    pub claimed: Option<String>,
    #[command(flatten)]
    pub order: OrderArgs,
}

/// Undo what has completed: the `undo` of each step that succeeded, newest first
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs rollback 214
  sortie jobs rollback last deploy
  sortie jobs rollback 214 'deploy[region=eu]'")]
pub struct RollbackArgs {
    /// Number, beginning of the id, or `last`
    pub job: String,
    /// Only this stage or cell, `STAGE[key=value]`; while the job runs, one that has failed or was cancelled
    pub address: Option<String>,
    /// How to show the job, if it goes on in this process
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
    #[command(flatten)]
    pub order: OrderArgs,
}
