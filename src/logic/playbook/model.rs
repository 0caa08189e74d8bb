//! A playbook as the rest of the program uses it: checked, with defaults in place and places kept.
//!
//! Not here: reading YAML (`tree.rs`, `read.rs`), rules over the whole (`check.rs`), plans (`logic/plan`).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::artifact::Artifacts;
use super::cache::CacheRule;
use super::call::{Call, CallRead, Composite};
use super::files::FilesPart;
use super::gate::Approve;
use super::scripts::Parameter;
use super::share::{Concurrency, Lock, Resources};
use super::sidecar::{Part, Sidecar};
use super::source::Span;
use crate::logic::expr::{Condition, Template};
use crate::logic::job::effect::KeepChildren;
use crate::logic::schedule::{Overlap, Schedule};
use crate::logic::summary::Format;
use crate::logic::value::Value;

/// Text that may hold `${{ }}`, and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Text {
    pub template: Template,
    pub span: Span,
}

/// An `if:`, and where it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct If {
    pub condition: Condition,
    pub span: Span,
    /// As written, for "why was this skipped".
    pub source: Arc<str>,
}

/// Names and texts, in the order written; a later level of the same name wins.
pub type Env = Vec<(Arc<str>, Text)>;

/// A whole file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Playbook {
    pub name: Arc<str>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub tags: Vec<String>,
    pub run_name: Option<Text>,
    pub inputs: Vec<Input>,
    pub secrets: Vec<Secret>,
    /// Defaults of the context `vars`.
    pub vars: Vec<(Arc<str>, Value)>,
    pub profiles: Vec<Profile>,
    pub env: Env,
    pub defaults: Defaults,
    pub policy: Policy,
    pub requires: Requires,
    /// Hold before anything runs, else nothing does.
    pub pre: Vec<Assertion>,
    /// Hold after the stages, else the job failed.
    pub post: Vec<Assertion>,
    /// In file order; those of `finally` come after all others.
    pub stages: Vec<Stage>,
    pub outputs: Vec<Output>,
    /// What starts jobs without a person.
    pub triggers: Triggers,
    /// The group that each job of it belongs to.
    pub concurrency: Option<Concurrency>,
    /// Says `on: call`: stages of other playbooks may call it.
    pub is_callable: bool,
    /// Says that and nothing else, so people do not run it by itself.
    pub is_only_called: bool,
    /// The playbooks that it calls, directly or through others, by their paths from the project's folder.
    pub called: Vec<(Arc<str>, Arc<Playbook>)>,
    /// Outputs of stages that call, which its expressions read.
    pub reads_of_calls: Vec<CallRead>,
    /// Reports that are written when a job ends.
    pub reporting: Option<Reporting>,
}

/// A named choice: what `--profile` asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    pub name: Arc<str>,
    pub span: Span,
    pub description: Option<String>,
    /// Values of the context `vars`.
    pub variables: Vec<(Arc<str>, Value)>,
    /// Stages that run, beside those of `finally`; all of them if none is named.
    pub include: Vec<Arc<str>>,
    /// Stages that do not run.
    pub exclude: Vec<Arc<str>>,
    /// Axes to replace or add, with their values as written.
    pub matrix: Vec<(String, Vec<String>)>,
}

/// `reporting:` of a playbook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reporting {
    /// Each once.
    pub formats: Vec<Format>,
    /// A folder, or with a single format a file, below the project.
    pub path: Text,
}

/// A declared input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Input {
    pub name: Arc<str>,
    pub span: Span,
    pub description: Option<String>,
    pub kind: InputKind,
    pub required: bool,
    pub default: Option<Value>,
}

/// What an input accepts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum InputKind {
    /// With an optional regular expression that the whole value must match.
    String {
        pattern: Option<String>,
    },
    Number,
    Boolean,
    Choice {
        options: Vec<String>,
    },
    Json,
}

/// A declared secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secret {
    pub name: Arc<str>,
    pub span: Span,
    pub required: bool,
    /// Where its value comes from; without `from` the environment variable of its own name.
    pub from: SecretFrom,
}

/// A source of a secret's value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SecretFrom {
    Env(String),
    File(String),
    /// A command line for `sh -c`; its standard output without the last line break is the value.
    Command(String),
}

/// `defaults:` of a playbook or a stage.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Defaults {
    pub shell: Option<Shell>,
    pub working_directory: Option<Text>,
    /// Of each stage.
    pub timeout: Option<Duration>,
    pub retry: Option<Retry>,
    pub cancel: Option<Cancel>,
    pub on_interrupt: Option<OnInterrupt>,
    /// Of each stage that does not say `cache: false`.
    pub cache: Option<Box<CacheRule>>,
}

/// What happens to a step that was running when whatever held it died, its machine for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnInterrupt {
    /// It is run again if it is `idempotent`, and else fails.
    #[default]
    Auto,
    Rerun,
    Fail,
    /// It is run again, and told so, to go on where it was.
    Resume,
    /// Somebody decides whether it is run again or fails.
    Ask,
}

/// `policy:` of a playbook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Of the whole job, `finally` excluded.
    pub timeout: Option<Duration>,
    pub cleanup_timeout: Duration,
    pub max_parallel: Option<u32>,
    /// Turns warnings into errors.
    pub strict: bool,
    /// Most cells a matrix may have.
    pub matrix_limit: u32,
}

/// `requires:`, checked before anything runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Requires {
    pub tools: Vec<Tool>,
    /// `linux`, `macos`; any of them will do. Empty: any platform.
    pub platforms: Vec<(String, Span)>,
    /// Environment variables that must be set and not empty.
    pub env: Vec<(String, Span)>,
}

/// A required program, such as `git >= 2.30`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub version: Option<(Comparison, String)>,
    pub span: Span,
}

/// A comparison of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

/// One of `pre:` or `post:`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assertion {
    pub name: String,
    pub condition: If,
    pub message: Option<Text>,
    pub span: Span,
}

/// An output of a playbook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Output {
    pub name: Arc<str>,
    pub value: Text,
    pub description: Option<String>,
}

/// A stage. What few stages have is apart: there may be thousands of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// With its callers in front, if its playbook is called: `build / compile`.
    pub id: Arc<str>,
    /// As expressions of its own playbook name it.
    pub own_id: Arc<str>,
    /// The call that it belongs to, by its position in the plan; nothing for stages of the job's own playbook.
    pub frame: Option<u32>,
    /// The playbook that it calls, instead of having steps.
    pub call: Option<Box<Call>>,
    /// Of its id.
    pub span: Span,
    pub name: Option<Text>,
    /// Stands under `finally:`.
    pub is_final: bool,
    /// Positions in `Playbook::stages`.
    pub needs: Vec<usize>,
    /// Ids of the stages whose outputs its expressions name.
    pub reads: Vec<Arc<str>>,
    pub condition: Option<Box<If>>,
    pub run_when: RunWhen,
    pub strategy: Option<Box<Strategy>>,
    pub env: Env,
    /// Of the stage alone; see `Playbook::defaults` for the rest.
    pub defaults: Option<Box<Defaults>>,
    pub working_directory: Option<Text>,
    /// From first step start to last step end; defaults applied, at last 6 h.
    pub timeout: Duration,
    pub cleanup_timeout: Duration,
    pub cancel: Cancel,
    /// Of a cell as a whole.
    pub retry: Option<Box<Retry>>,
    pub continue_on_error: Option<Box<If>>,
    pub outputs: Vec<(Arc<str>, Text)>,
    pub steps: StepTree,
    pub priority: i32,
    /// What people decide before its cells begin.
    pub approve: Option<Box<Approve>>,
    pub workspace: Workspace,
    /// Undoes completed steps if the stage fails.
    pub rollback_on_failure: bool,
    /// The group that each cell belongs to.
    pub concurrency: Option<Box<Concurrency>>,
    /// What each cell holds while it runs.
    pub locks: Vec<Lock>,
    pub resources: Resources,
    pub cache: Option<Box<CacheRule>>,
    /// It says `cache: false`.
    pub is_never_cached: bool,
    /// What it keeps for others, and takes from them.
    pub artifacts: Option<Box<Artifacts>>,
}

impl Stage {
    /// Returns its own `defaults:`, empty if it has none.
    #[must_use]
    pub fn own_defaults(&self) -> &Defaults {
        static NONE: Defaults = Defaults {
            shell: None,
            working_directory: None,
            timeout: None,
            retry: None,
            cancel: None,
            on_interrupt: None,
            cache: None,
        };
        self.defaults.as_deref().unwrap_or(&NONE)
    }
}

/// When a stage runs, seen from its direct needs. Sugar for `if`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunWhen {
    /// By `if`, whose default is `success()`.
    #[default]
    AllSuccess,
    NoneFailed,
    AnySuccess,
    AnyFailed,
    AllDone,
}

/// `strategy:` of a stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Strategy {
    pub matrix: MatrixSource,
    pub span: Span,
    pub fail_fast: bool,
    pub max_parallel: Option<u32>,
    pub if_empty: IfEmpty,
}

/// A matrix as written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum MatrixSource {
    /// No expression in it: known before start.
    Fixed(Value),
    /// A whole expression such as `${{ fromJSON(...) }}`.
    Computed(Text),
    /// A map some of whose values are expressions.
    Mixed(MixedMatrix),
}

/// A matrix value whose leaves may be expressions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum MixedMatrix {
    Leaf(Text),
    Value(Value),
    List(Vec<MixedMatrix>),
    Map(Vec<(Arc<str>, MixedMatrix)>),
}

/// What an empty matrix does to its stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IfEmpty {
    #[default]
    Error,
    Skip,
}

/// Where the steps of a stage run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Workspace {
    /// The project's folder.
    #[default]
    Shared,
    /// A new empty folder for each cell.
    Scratch,
}

/// How children are asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// Number of the signal, `SIGTERM` by default.
    pub signal: i32,
    pub grace: Duration,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { signal: 15, grace: Duration::from_secs(10) }
    }
}

/// `retry:` of a step or a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// Counts the first try.
    pub attempts: u32,
    pub on: Vec<RetryOn>,
    pub backoff: Backoff,
    /// Limits the sum of all tries and waits.
    pub deadline: Option<Duration>,
}

/// A cause that `retry.on` names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RetryOn {
    Failure,
    Timeout,
    Interrupted,
    Start,
    /// From and to, both included.
    Exit(i32, i32),
}

/// Delay before try k+1: min(max, first * factor^(k-1)), give or take the jitter's fraction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backoff {
    pub first: Duration,
    pub factor: f64,
    pub max: Duration,
    /// 0 to 1.
    pub jitter: f64,
}

/// Steps of a stage in the order written, blocks before their members; positions are step indexes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StepTree {
    pub steps: Vec<Step>,
    /// The outermost list.
    pub body: Vec<usize>,
    /// Steps with `background`.
    pub background: Vec<usize>,
    /// Several steps may run at the same time: some stand in a `parallel` or run in the background.
    pub is_concurrent: bool,
    /// What runs beside the steps. Its own steps come after all others, and first in the list.
    pub sidecars: Vec<Sidecar>,
}

/// A step. What few steps have is apart, as with [`Stage`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    pub id: Option<Arc<str>>,
    pub span: Span,
    pub name: Option<Text>,
    pub condition: Option<Box<If>>,
    /// The block that it stands in.
    pub parent: Option<usize>,
    pub action: Action,
    pub env: Env,
    pub working_directory: Option<Text>,
    pub timeout: Option<Duration>,
    pub continue_on_error: Option<Box<If>>,
    pub retry: Option<Box<Retry>>,
    pub ok_exit_codes: Vec<i32>,
    pub skip_exit_codes: Vec<i32>,
    pub durable: bool,
    /// Running it twice comes to the same as once.
    pub idempotent: bool,
    pub on_interrupt: OnInterrupt,
    pub keep_children: KeepChildren,
    /// Most bytes of the log that are shown; the file is always whole.
    pub log_limit: Option<u64>,
    /// Starts, and the steps behind it go on.
    pub background: bool,
    /// The step that undoes this one.
    pub undo: Option<usize>,
    /// The step that this one undoes; such a step stands in no list.
    pub undoes: Option<usize>,
    pub cache: Option<Box<CacheRule>>,
    /// It puts back or saves files of `cache-files`.
    pub files: Option<FilesPart>,
    /// It is no step of the file but a part of `services`.
    pub part: Option<Part>,
    /// The action whose steps its block is.
    pub composite: Option<Box<Composite>>,
    /// The script of the library that it runs.
    pub script: Option<Box<ScriptPart>>,
}

/// What a step knows of its script.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScriptPart {
    pub number: u16,
    /// From the project's root.
    pub path: Arc<str>,
    pub parameters: Vec<Parameter>,
}

impl StepTree {
    /// Returns the step with `uses` whose action a step belongs to: expressions see inputs and steps of that only.
    #[must_use]
    pub fn action_of(&self, step: usize) -> Option<usize> {
        self.around(step).skip(1).find(|&at| self.steps[at].composite.is_some())
    }

    /// Returns a step and what is around it, from the inside out: what an undo undoes, and the steps that they stand in.
    pub fn around(&self, step: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(step), |&at| self.steps[at].undoes.or(self.steps[at].parent))
    }
}

/// What a step does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Action {
    Run {
        text: Text,
        shell: Shell,
    },
    Block {
        block: Vec<usize>,
        rescue: Vec<usize>,
        always: Vec<usize>,
    },
    /// Waits for people.
    Approve(Box<Approve>),
    /// Steps that run together.
    Parallel {
        members: Vec<usize>,
        fail_fast: bool,
    },
    /// Waits for these background steps.
    Wait {
        steps: Vec<usize>,
    },
    /// Waits for all background steps that run.
    WaitAll,
    /// Stops these background steps and waits for their end.
    Cancel {
        steps: Vec<usize>,
    },
    /// Undoes what the cell has completed, newest first.
    Rollback,
}

impl Step {
    /// Says whether other steps stand inside it.
    #[must_use]
    pub fn has_members(&self) -> bool {
        self.action.has_members()
    }

    /// Says whether a person wrote it as a step, and it has a number.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.part.is_none() && !matches!(self.files, Some(FilesPart::Save(_)))
    }

    /// Says whether it waits for people.
    #[must_use]
    pub fn is_gate(&self) -> bool {
        matches!(self.action, Action::Approve(_))
    }
}

impl Action {
    /// Says whether it is a process of its own, with a log.
    #[must_use]
    pub fn is_run(&self) -> bool {
        matches!(self, Self::Run { .. })
    }

    /// Returns the steps inside it, all lists after each other.
    pub fn members(&self) -> impl Iterator<Item = usize> {
        let lists: [&[usize]; 3] = match self {
            Self::Block { block, rescue, always } => [block, rescue, always],
            Self::Parallel { members, .. } => [members, &[], &[]],
            _ => [&[], &[], &[]],
        };
        lists.into_iter().flatten().copied()
    }

    /// Says whether other steps stand inside it.
    #[must_use]
    pub fn has_members(&self) -> bool {
        matches!(self, Self::Block { .. } | Self::Parallel { .. })
    }

    /// Returns the word for such a step: the key that makes it one.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run { .. } => "run",
            Self::Block { .. } => "block",
            Self::Parallel { .. } => "parallel",
            Self::Wait { .. } => "wait",
            Self::WaitAll => "wait-all",
            Self::Cancel { .. } => "cancel",
            Self::Rollback => "rollback",
            Self::Approve(_) => "approve",
        }
    }
}

/// What runs the text of a `run`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shell {
    /// None given: `bash -e`, or `sh -e` where there is no bash.
    #[default]
    Default,
    /// `bash --noprofile --norc -eo pipefail`.
    Bash,
    Sh,
    Pwsh,
    Python,
    Node,
    /// A command line with `{0}` for the script's path.
    Custom(String),
}

/// `on:` of a playbook, as far as it starts jobs without a person.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Triggers {
    pub schedules: Vec<Schedule>,
    pub watch: Option<Watch>,
    pub after: Option<AfterRun>,
}

impl Triggers {
    /// Says whether nothing but a person starts jobs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.schedules.is_empty() && self.watch.is_none() && self.after.is_none()
    }
}

/// `on.watch`: changed files start a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Below the project's root; those that begin with `!` take files out again.
    pub globs: Vec<String>,
    /// How long files have to be left alone.
    pub debounce: Duration,
    pub overlap: Overlap,
}

/// `on.run`: the end of another playbook's job starts one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterRun {
    /// As on the command line.
    pub playbooks: Vec<String>,
    /// Where these names stand.
    pub spans: Vec<Span>,
    pub types: Vec<RunEnd>,
    pub overlap: Overlap,
}

/// How a job ended, as `on.run.types` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunEnd {
    Completed,
    Failed,
    Cancelled,
}

impl RunEnd {
    /// Returns the word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
