//! The command line of what looks back: lists of jobs, logs, events, and the store they are in.
//!
//! Not here: everything else (`args.rs`, which gives these on).

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::args::{duration, pair, seq};

/// List the newest jobs, or those that are asked for
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  sortie jobs list
  sortie j list -n 100 --json
  sortie j list --playbook deploy --outcome failed --since 7d
  sortie j list --status running,paused
  sortie j list --input env=prod --actor ann --since 2026-11-01 --until 2026-11-15

Times are spans (`2h`, `7d`: so long ago), dates and times of your zone, or RFC 3339.")]
pub struct ListArgs {
    /// How many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20, value_parser = some)]
    pub limit: usize,
    /// Only of these playbooks: names or paths
    #[arg(long, value_name = "PLAYBOOK", value_delimiter = ',')]
    pub playbook: Vec<String>,
    /// Only those that ended so: passed, failed, cancelled, skipped
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',')]
    pub outcome: Vec<String>,
    /// Only those that stand so: queued, running, paused, frozen, cancelling,
    /// interrupted, finished, rolled-back
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,
    /// Only those that began then or later
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only those that began before; of a date, all of the day counts
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only those that this person started
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Only those with this value of an input, given or by default; may be repeated
    #[arg(long = "input", short = 'i', value_name = "NAME=VALUE", value_parser = pair)]
    pub inputs: Vec<(String, String)>,
    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

impl Default for ListArgs {
    fn default() -> Self {
        Self {
            limit: 20,
            playbook: Vec::new(),
            outcome: Vec::new(),
            status: Vec::new(),
            since: None,
            until: None,
            actor: None,
            inputs: Vec::new(),
            json: false,
        }
    }
}

/// Print the output of a job's steps; bare: of the last job
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie l                          all output of the last job
  sortie l 214 'build[os=linux]'    one cell
  sortie l 214 build/2 --raw        the exact bytes of a step's last try
  sortie l -f                       follow to the end of the job
  sortie l --query 'stage:build level:warning+ since:1h text:\"could not\"' --json

A query asks the records of all jobs. Its terms are job: playbook: stage: cell: step: attempt:
stream: level: since: until: text: and bare words; all have to hold, a comma stands between values
of which any will do, `-` turns a term round, `*` stands for any letters. The level of a line is
that of its log command (`::error::`), else that of a word such as `ERROR`, `[warn]`, `error:` or
`level=error` near its beginning, else `notice` on standard error and `info` on standard output.
Records come job by job, oldest first.")]
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
    /// Ask the records of all jobs, such as `stage:build level:error since:1h`
    #[arg(long, short, value_name = "QUERY",
        num_args = 0..=1, default_missing_value = "",
        conflicts_with_all = ["address", "stage", "attempt", "follow", "raw"])]
    pub query: Option<String>,
    /// Only the newest N records
    #[arg(long, short = 'n', value_name = "N", requires = "query", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

/// Print the events of a job, one JSON object a line
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie jobs events 214
  sortie jobs events last --follow --after 120
  sortie jobs events last --type 'stage.*,job.failed'
  sortie jobs events 214 -f --type stage.started --exec 'curl -sf -d @- https://hooks.example/x'

`--exec` runs the command once for each event, in order, with the event as JSON on its standard
input. It never slows the job. If the command fails, it stops and says with which `--after` to go
on: no event is left out, and the one that failed comes again.")]
pub struct EventsArgs {
    /// Number, beginning of the id, or `last`
    #[arg(default_value = "last")]
    pub job: String,
    /// Begin after this event
    #[arg(long, value_name = "SEQ", default_value_t = 0, value_parser = seq)]
    pub after: u64,
    /// Only events of these types, such as `stage.started` or `stage.*`; `sortie explain events` lists them
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Go on until the job ends, also from one engine to the next
    #[arg(long, short)]
    pub follow: bool,
    /// Run this command with `sh` for each event instead of printing it
    #[arg(long, value_name = "CMD")]
    pub exec: Option<String>,
    /// Go on after a command that failed; exit code 5 at the end
    #[arg(long, requires = "exec")]
    pub keep_going: bool,
    /// Accepted for symmetry: events are always JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands about the store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Check the database, replay every journal, and compare rows, logs and folders with it
    #[command(after_help = "Examples:
  sortie store verify
  sortie store verify --json

A line for each thing that is wrong, and one with what was looked at. Exit code 0 if all is well,
else 5.")]
    Verify {
        /// Print findings and the sum as JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    Prune(PruneArgs),
    Export(ExportArgs),
}

/// Remove old jobs with their logs
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie store prune --dry-run              what would go
  sortie store prune                        by `jobs.keep`, `jobs.keep-for` and `jobs.keep-size`
  sortie store prune --keep 100
  sortie store prune --older-than 30d --max-size 2GiB

With a limit given here the settings do not count. A job goes if any limit lets it go. Never
removed are jobs that run, jobs that wait for a person, the newest job, and without
`--interrupted` those that could be recovered.")]
pub struct PruneArgs {
    /// Keep so many of the newest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Remove those that ended longer ago, such as `30d`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub older_than: Option<Duration>,
    /// Keep the newest that have so many bytes of logs together, such as `2GiB`
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Interrupted ones, too, although they could be recovered: all of them, or those that a limit given here lets go
    #[arg(long)]
    pub interrupted: bool,
    /// Only say what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// Say why something ran, or why it did not have to
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie cache explain                      the last job: a line for each decision
  sortie cache explain build                the last job's stage `build`
  sortie cache explain 214 'build[os=linux]'
  sortie cache explain 214 build/2 --json

Tells whether it was a hit or a miss, what differed from the newest result of the same name, what
was stored or why not, the key, and what that was made of. What may be secret is shown as a digest.")]
pub struct CacheExplainArgs {
    /// Number, beginning of the id, or `last`
    pub job: Option<String>,
    /// `STAGE`, `STAGE[key=value]` or `STAGE[key=value]/STEP`
    pub address: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

/// Commands about kept results.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// List the results that are kept, the last used first
    #[command(after_help = "Examples:
  sortie cache list
  sortie cache list --json | jq -r '.[].name'")]
    List {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    Explain(CacheExplainArgs),
    /// Look at every result and every file of the store
    #[command(after_help = "Examples:
  sortie cache verify
  sortie cache verify --repair

A line for each thing that is wrong, and one with what was looked at. Exit code 0 if all is
well or was repaired, else 5. Results are verified whenever they are used, too.")]
    Verify {
        /// Remove what is damaged; it is made again when it is needed
        #[arg(long)]
        repair: bool,
        /// Print findings and the sum as JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Remove results that nobody has used for long, and what no result needs
    #[command(after_help = "Examples:
  sortie cache prune --dry-run              what would go
  sortie cache prune                        those not used for 7 days, and those beyond 10 GiB
  sortie cache prune --unused 1d --max-size 2GiB

With a limit given here the usual ones do not count. Once a day the end of a job does the same.")]
    Prune {
        /// Remove those that were not used for so long, such as `7d`
        #[arg(long, value_name = "TIME", value_parser = duration)]
        unused: Option<Duration>,
        /// Keep the last used that have so many bytes together, such as `2GiB`
        #[arg(long, value_name = "SIZE", value_parser = size)]
        max_size: Option<u64>,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove all results
    #[command(after_help = "Examples:
  sortie cache clear

Outputs in the project stay as they are. Everything is made again when it is needed.")]
    Clear,
}

/// Take jobs out as lines of JSON: each job, then its events
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "Examples:
  sortie store export > jobs.jsonl
  sortie store export 214 215 --to two.jsonl --logs two.tar

What is damaged is left out and told; exit code 5 then.")]
pub struct ExportArgs {
    /// Numbers, beginnings of ids, or `last`; without one all jobs
    pub jobs: Vec<String>,
    /// A file to write to, instead of standard output
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Put the logs into this archive, too, for `tar` to read
    #[arg(long, value_name = "FILE")]
    pub logs: Option<PathBuf>,
}

fn size(text: &str) -> Result<u64, String> {
    crate::logic::text::parse_size(text)
        .ok_or_else(|| "expected a size, such as `500MiB` or `2GiB`".to_owned())
}

/// None at all would look like a project without jobs.
fn some(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&it| it > 0).ok_or_else(|| "expected a number from 1".to_owned())
}
