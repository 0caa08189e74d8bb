//! What a summary says, in the order in which it says it: plain data, which is also the JSON.
//!
//! Not here: making it (`make.rs`), drawing it (`markdown.rs`, `html`, `junit.rs`, `csv.rs`). Members may be added; one that
//! changes its meaning takes a new number of the schema. Spans are seconds, times are RFC 3339 in UTC.

use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::logic::job::event::Outcome;
use crate::logic::text::plural;
use crate::logic::time::Timestamp;
use crate::logic::view::Phase;

/// Version of the JSON of summaries and results.
pub const SCHEMA: u32 = 1;

/// Names and values.
pub(super) type Pairs = Vec<(Arc<str>, Arc<str>)>;

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub schema: u32,
    pub job: Job,
    /// Of stages, cells and steps.
    pub counts: Counts,
    /// What failed and still counts, the first ones with the end of their output.
    pub failures: Vec<Failure>,
    pub stages: Vec<Stage>,
    pub critical_path: CriticalPath,
    /// The cells that took longest.
    pub slowest: Vec<Slow>,
    /// The cells that waited longest.
    pub longest_waits: Vec<LongWait>,
    pub slots: Slots,
    pub cache: CacheTotals,
    pub retries: Vec<Retried>,
    pub gates: Vec<Gate>,
    pub orders: Vec<Order>,
    pub annotations: Vec<Note>,
    /// How many more there were than are kept.
    pub annotations_left_out: usize,
    /// Files that stages keep under a name, by that name.
    pub artifacts: Vec<Artifact>,
    pub variables: Vec<Variable>,
    /// What steps wrote, by stage, cell and step.
    pub texts: Vec<Written>,
}

/// The job as a whole.
#[derive(Clone, Debug, Serialize)]
pub struct Job {
    pub number: u64,
    pub id: String,
    pub name: String,
    pub playbook: String,
    pub actor: String,
    /// The word that people read: `passed`, `failed`, `timed out`.
    pub state: &'static str,
    /// GitHub's word, once it has ended.
    #[serde(serialize_with = "outcome")]
    pub outcome: Option<Outcome>,
    #[serde(skip)]
    pub phase: Phase,
    pub cause: Option<String>,
    pub rescued: bool,
    /// Counts retries of the whole job, from 1.
    pub attempt: u32,
    pub retry_of: Option<u64>,
    #[serde(serialize_with = "time")]
    pub started: Option<Timestamp>,
    #[serde(serialize_with = "time")]
    pub finished: Option<Timestamp>,
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
    #[serde(serialize_with = "pairs")]
    pub outputs: Pairs,
    /// Processes that would not end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub survivors: Vec<String>,
}

/// How many of everything.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    pub stages: Tally,
    pub cells: Tally,
    pub steps: Tally,
    /// Tries of steps, further ones included.
    pub tries: usize,
}

/// How many ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub skipped: usize,
    /// Has not ended.
    pub open: usize,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, phase: Phase) {
        let slot = match phase {
            Phase::Done(Outcome::Success) => &mut self.passed,
            Phase::Done(Outcome::Failure) => &mut self.failed,
            Phase::Done(Outcome::Cancelled) => &mut self.cancelled,
            Phase::Done(Outcome::Skipped) => &mut self.skipped,
            _ => &mut self.open,
        };
        *slot += 1;
    }

    /// Returns how many there are.
    #[must_use]
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.cancelled + self.skipped + self.open
    }

    /// Returns it in words: `3 stages passed, 1 failed`; what there is none of is left out.
    #[must_use]
    pub fn words(&self, what: &str) -> String {
        let all = [
            (self.passed, "passed"),
            (self.failed, "failed"),
            (self.cancelled, "cancelled"),
            (self.skipped, "skipped"),
            (self.open, "not ended"),
        ];
        let mut parts: Vec<String> = Vec::new();
        for (count, word) in all.into_iter().filter(|(count, _)| *count > 0) {
            match parts.is_empty() {
                true => parts.push(format!("{} {word}", plural(count, what))),
                false => parts.push(format!("{count} {word}")),
            }
        }
        if parts.is_empty() { format!("no {what}") } else { parts.join(", ") }
    }
}

/// A stage.
#[derive(Clone, Debug, Serialize)]
pub struct Stage {
    pub id: String,
    pub state: &'static str,
    #[serde(serialize_with = "outcome")]
    pub outcome: Option<Outcome>,
    #[serde(skip)]
    pub phase: Phase,
    /// What it counts as for those who need it.
    #[serde(serialize_with = "outcome")]
    pub result: Option<Outcome>,
    pub cause: Option<String>,
    /// Stands under `finally`.
    #[serde(rename = "finally")]
    pub is_final: bool,
    pub needs: Vec<String>,
    #[serde(serialize_with = "time")]
    pub started: Option<Timestamp>,
    #[serde(serialize_with = "time")]
    pub finished: Option<Timestamp>,
    #[serde(rename = "seconds", serialize_with = "some_seconds")]
    pub took: Option<Duration>,
    #[serde(serialize_with = "pairs")]
    pub outputs: Pairs,
    pub cells: Vec<Cell>,
    /// The stage that calls it, and whether it calls others itself.
    #[serde(skip)]
    pub caller: Option<usize>,
    #[serde(skip)]
    pub calls: bool,
    /// The call that it belongs to: those of one call have the same number.
    #[serde(skip)]
    pub frame: Option<u32>,
    /// Positions of what it needs.
    #[serde(skip)]
    pub after: Vec<usize>,
    /// Its cells as a table, if it has a matrix.
    #[serde(skip)]
    pub grid: Option<Grid>,
}

/// A matrix as a table.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Names of what the rows are, and of what the columns are.
    pub axes: (String, String),
    pub columns: Vec<String>,
    /// Each with its cells, by position in the stage.
    pub rows: Vec<(String, Vec<Option<usize>>)>,
}

/// A cell.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    pub address: String,
    pub id: String,
    pub matrix: Arc<serde_json::Value>,
    #[serde(skip)]
    pub label: String,
    /// How often all of it was begun.
    pub run: u32,
    pub state: &'static str,
    #[serde(serialize_with = "outcome")]
    pub outcome: Option<Outcome>,
    #[serde(skip)]
    pub phase: Phase,
    #[serde(serialize_with = "outcome")]
    pub result: Option<Outcome>,
    pub cause: Option<String>,
    #[serde(serialize_with = "time")]
    pub started: Option<Timestamp>,
    #[serde(serialize_with = "time")]
    pub finished: Option<Timestamp>,
    #[serde(rename = "seconds", serialize_with = "some_seconds")]
    pub took: Option<Duration>,
    pub waits: Waits,
    #[serde(serialize_with = "pairs")]
    pub outputs: Pairs,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub survivors: Vec<String>,
    pub steps: Vec<Step>,
}

/// What a cell waited for, from the moment at which nothing of its stage stood in its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waits {
    #[serde(rename = "slot_seconds", serialize_with = "seconds")]
    pub slot: Duration,
    /// Groups, locks and resources.
    #[serde(rename = "shared_seconds", serialize_with = "seconds")]
    pub shared: Duration,
    #[serde(rename = "people_seconds", serialize_with = "seconds")]
    pub people: Duration,
    #[serde(rename = "retry_seconds", serialize_with = "seconds")]
    pub retry: Duration,
}

impl Waits {
    /// Returns all of them together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.slot + self.shared + self.people + self.retry
    }

    /// Returns the longest of them, and what for.
    #[must_use]
    pub fn longest(&self) -> (Duration, &'static str) {
        let all =
            [(self.slot, "a slot"), (self.shared, "locks"), (self.people, "people"), (self.retry, "a retry")];
        all.into_iter().max_by_key(|(span, _)| *span).unwrap_or_default()
    }
}

/// A step of a cell.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// From 1, in the order written.
    pub number: u32,
    /// Its id, else its number.
    pub step: String,
    pub title: String,
    pub state: &'static str,
    #[serde(serialize_with = "outcome")]
    pub outcome: Option<Outcome>,
    #[serde(skip)]
    pub phase: Phase,
    /// What it counts as.
    #[serde(serialize_with = "outcome")]
    pub conclusion: Option<Outcome>,
    pub cause: Option<String>,
    /// A list of steps, which has no process and no log of its own.
    #[serde(rename = "list")]
    pub is_list: bool,
    pub rescued: bool,
    pub attempts: u32,
    /// How the tries before the last one ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    #[serde(serialize_with = "time")]
    pub started: Option<Timestamp>,
    #[serde(serialize_with = "time")]
    pub finished: Option<Timestamp>,
    #[serde(rename = "seconds", serialize_with = "some_seconds")]
    pub took: Option<Duration>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    #[serde(serialize_with = "seconds")]
    pub user_seconds: Duration,
    #[serde(serialize_with = "seconds")]
    pub system_seconds: Duration,
    pub max_rss_kib: u64,
    /// Children that outlived it and were ended with the cell.
    pub left_running: u32,
    pub log_bytes: u64,
    /// Below the folder of the job.
    pub log: Option<String>,
    pub annotations: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheLine>,
    #[serde(serialize_with = "pairs")]
    pub outputs: Pairs,
}

/// What the cache decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CacheLine {
    /// `hit`, `miss` or `stored`.
    pub decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Nothing was kept before, which is no news where everything is listed.
    #[serde(skip)]
    pub is_first: bool,
    #[serde(
        rename = "saved_seconds",
        serialize_with = "some_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub saved: Option<Duration>,
}

impl CacheLine {
    /// Returns it in words: `hit`, `miss: input a.txt changed`. That nothing was kept before, as on every first run, is none.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.reason {
            Some(reason) if !self.is_first => format!("{}: {reason}", self.decision),
            _ => self.decision.to_owned(),
        }
    }
}

/// The same of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CacheTotals {
    pub hits: usize,
    /// Those that were stored then included.
    pub misses: usize,
    pub stored: usize,
    #[serde(rename = "saved_seconds", serialize_with = "seconds")]
    pub saved: Duration,
}

/// A step, or a part of the job, that failed.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Address of the cell, or name of the stage; empty: the job itself.
    pub place: String,
    /// Of the stage and the cell in it, where there is one.
    #[serde(skip)]
    pub at: Option<(usize, usize)>,
    pub message: String,
    /// The end of its output, made safe to print.
    pub lines: Vec<String>,
    /// More lines come before these.
    pub is_cut: bool,
    pub log: Option<String>,
}

/// The chain of stages, each needing the one before, that took longest.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CriticalPath {
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
    pub stages: Vec<OnPath>,
}

/// A stage of it.
#[derive(Clone, Debug, Serialize)]
pub struct OnPath {
    pub stage: String,
    /// The cell that ended last, where there are several.
    pub cell: Option<String>,
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
    /// What it waited before it began, after what it needs had ended.
    #[serde(rename = "waited_seconds", serialize_with = "seconds")]
    pub waited: Duration,
}

/// A cell that took long.
#[derive(Clone, Debug, Serialize)]
pub struct Slow {
    pub cell: String,
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

/// A cell that waited long.
#[derive(Clone, Debug, Serialize)]
pub struct LongWait {
    pub cell: String,
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub waited: Duration,
    /// What for, most of the time.
    pub what_for: &'static str,
}

/// How busy the slots were.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Slots {
    pub slots: u32,
    /// Most cells that ran at once.
    pub most: u32,
    /// All cells together.
    #[serde(rename = "busy_seconds", serialize_with = "seconds")]
    pub busy: Duration,
    /// Of the time that all slots had, in percent.
    pub used_percent: u32,
}

/// A step or cell that was tried more than once.
#[derive(Clone, Debug, Serialize)]
pub struct Retried {
    pub place: String,
    pub tries: u32,
    /// How the tries before the last one ended.
    pub earlier: String,
    pub state: &'static str,
}

/// A question to people.
#[derive(Clone, Debug, Serialize)]
pub struct Gate {
    pub place: String,
    pub message: String,
    /// `approved`, `rejected`, `expired`, `withdrawn` or `open`.
    pub state: &'static str,
    /// Who answered, with what they wrote.
    pub answers: Vec<Answer>,
    #[serde(serialize_with = "time")]
    pub opened: Option<Timestamp>,
    #[serde(rename = "seconds", serialize_with = "some_seconds")]
    pub took: Option<Duration>,
    /// Names and values that came with it.
    pub inputs: Vec<(Arc<str>, serde_json::Value)>,
}

/// What a person said.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    pub who: String,
    pub note: String,
}

/// What a person asked of the job.
#[derive(Clone, Debug, Serialize)]
pub struct Order {
    #[serde(serialize_with = "some_time")]
    pub time: Timestamp,
    pub who: String,
    pub what: &'static str,
    pub target: String,
}

/// What a step attached to a place.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    pub cell: String,
    pub step: String,
    /// `error`, `warning` or `notice`.
    pub level: String,
    pub title: Option<String>,
    pub message: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub column: Option<u32>,
}

impl Note {
    /// Returns its place in a file: `src/a.rs:12:3`.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        Some(match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            (Some(line), None) => format!("{file}:{line}"),
            _ => file.clone(),
        })
    }
}

/// Files that a stage keeps under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artifact {
    pub name: String,
    /// Address of the cell that published it, and as which run.
    pub cell: String,
    pub run: u32,
    /// Files and links.
    pub files: u32,
    /// Of all files, before compression.
    pub bytes: u64,
    /// Of what is in it: `sha256:` and hex.
    pub digest: String,
    /// It is kept until then.
    #[serde(serialize_with = "some_time")]
    pub until: Timestamp,
    /// That was over when the summary was made.
    pub expired: bool,
}

impl Artifact {
    /// Returns until when it is kept, or since when it is not.
    #[must_use]
    pub fn kept(&self) -> String {
        let word = if self.expired { "expired on" } else { "until" };
        format!("{word} {}", super::markdown::moment(self.until))
    }
}

/// An input, a variable, or a variable of the environment.
#[derive(Clone, Debug, Serialize)]
pub struct Variable {
    /// `input`, `var` or `env`.
    pub kind: &'static str,
    pub name: String,
    /// Of the environment what is written, expressions included.
    pub value: String,
    /// It holds a secret, or its name says so.
    pub masked: bool,
}

/// What a step wrote to the summary.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    pub cell: String,
    pub step: String,
    pub markdown: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn outcome<S: Serializer>(outcome: &Option<Outcome>, to: S) -> Result<S::Ok, S::Error> {
    outcome.map(Outcome::word).serialize(to)
}

fn time<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::rfc3339).serialize(to)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn some_time<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    time.rfc3339().serialize(to)
}

fn seconds<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    span.as_secs_f64().serialize(to)
}

fn some_seconds<S: Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    span.map(|span| span.as_secs_f64()).serialize(to)
}

fn pairs<S: Serializer>(pairs: &Pairs, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(pairs.iter().map(|(name, value)| (&**name, &**value)))
}
