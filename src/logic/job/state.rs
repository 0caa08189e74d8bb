//! The state of a job: a fold over its events, with indexes for speed.
//!
//! Invariants: `cells` only grows; `live` holds exactly the attempts that were started and have not ended;
//! `attention` holds every cell for which something may follow (more is harmless, less would stall the job).
//! Shown by `every_prefix_resumes_to_a_legal_end` in `property_tests.rs`.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::artifacts::{Parcels, Published};
use super::cached::Cached;
use super::calls::{self, FrameState};
use super::effect::Rung;
use super::event::{Cause, Outcome, StepEnd};
use super::gate::GateState;
use super::order::Target;
use super::report::{AttemptKey, End};
use super::share::Shares;
use super::undo::Saga;
use crate::logic::cache::Unit;
use crate::logic::plan::Plan;
use crate::logic::time::Timestamp;
use crate::logic::value::Value;

/// What a job knows that does not come from its events: fixed at its start.
#[derive(Clone, Debug)]
pub struct Setting {
    pub plan: Arc<Plan>,
    /// Contexts `run`, `github`, `runner` as they were at the start.
    pub facts: Value,
    /// The project's folder, absolute.
    pub root: Arc<str>,
    /// The job's folder, absolute.
    pub dir: Arc<str>,
    /// Stands in every cell's tag.
    pub job_id: Arc<str>,
    /// Values of the declared secrets; never in the journal.
    pub secrets: Value,
    /// The environment of whoever started the job, for what runs in a closed one. Empty where nothing is cached.
    pub surroundings: Arc<[(String, String)]>,
    /// Additions of `--env-file`.
    pub env: Vec<(Arc<str>, Arc<str>)>,
    /// `PATH` of the engine when the job began.
    pub path: Arc<str>,
    /// Says whether `bash` was found when the job began.
    pub has_bash: bool,
    /// How many cells may be given to the keeper before a slot is free, so that no slot waits for the engine.
    pub ahead: u32,
}

/// A job at one moment.
#[derive(Clone, Debug)]
pub struct JobState {
    pub setting: Setting,
    pub phase: JobPhase,
    /// Counts retries of the job, from 1.
    pub attempt: u32,
    pub paused: Option<Timestamp>,
    /// What runs is stopped, too, and the clock stands there.
    pub frozen: Option<Timestamp>,
    /// Paused, it has had nothing to do since then, which does not count for its own time.
    pub idle: Option<Timestamp>,
    pub cancel: Option<CancelState>,
    pub stages: Vec<StageState>,
    pub cells: Vec<CellState>,
    /// Ids of orders that were carried out or refused, so that a repeated one is not carried out twice.
    pub orders: super::repeat::Orders,
    pub finally_since: Option<Timestamp>,
    pub started: Timestamp,
    /// Who ran the job again last.
    pub rerun_by: Option<String>,
    /// In the order of their opening; a gate is named by this position.
    pub gates: Vec<GateState>,
    /// How many undos have been armed so far: the number of the newest.
    pub armed: u64,
    /// What the job as a whole shares with others.
    pub shares: Option<Shares>,
    /// Calls of other playbooks, as in the plan.
    pub frames: Vec<FrameState>,
    /// What cells have published, by name.
    pub artifacts: BTreeMap<Arc<str>, Published>,
    /// An expression has read `run` or `github`, so that what came of it may be another thing in each job.
    pub has_read_itself: Cell<bool>,
    /// Indexes, kept by `apply`.
    pub index: Index,
}

/// What follows from the rest and is kept only for speed.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Pending stages all of whose needs have finished.
    pub ready: BTreeSet<u32>,
    /// Started stages all of whose cells have finished.
    pub settled: BTreeSet<u32>,
    /// Cells that wait for a slot: highest priority first, then in order of expansion.
    pub queue: BTreeSet<(i64, u32)>,
    pub attention: BTreeSet<u32>,
    pub live: BTreeMap<AttemptKey, Option<Rung>>,
    /// Cells whose first step was submitted and has not begun, in that order.
    pub submitted: Vec<u32>,
    /// Tries, running or submitted behind one, whose success ends their stage: a stage that needs it can be submitted
    /// behind them.
    pub leads: BTreeSet<AttemptKey>,
    /// Of these, the ones that have somebody behind them.
    pub led: BTreeSet<AttemptKey>,
    /// The submitted try that the keeper has begun, until that is recorded. Only while an input is answered.
    pub begun: Option<AttemptKey>,
    /// Cells that hold a slot.
    pub slots_taken: u32,
    pub deadlines: BTreeSet<(Timestamp, Deadline)>,
    /// Cells whose steps have ended and whose leftover children have not.
    pub sweeping: BTreeSet<u32>,
    /// Cells that wait for the digest of files.
    pub hashing: BTreeSet<u32>,
    /// Units that wait for an answer whether there is a result that fits.
    pub looking: BTreeSet<Unit>,
    /// Units whose result is to be kept before anything follows from them.
    pub keeping: BTreeSet<Unit>,
    /// Cells that wait for what they take, before their first step.
    pub taking: BTreeSet<u32>,
    /// Cells whose steps have passed and whose artifacts are to be published before anything follows.
    pub giving: BTreeSet<u32>,
    /// How many annotations were recorded of each try that has any.
    pub annotated: BTreeMap<AttemptKey, u32>,
    /// Gates that are open.
    pub gates: BTreeSet<u32>,
    /// Cells that wait for claims.
    pub asking: BTreeSet<u32>,
    /// Ordinary and final stages that have not finished.
    pub open_stages: [u32; 2],
    /// Cells that are rolled back after they had ended.
    pub rolling: BTreeSet<u32>,
}

/// Something that falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deadline {
    /// Look at this cell again: a limit, a wait or a grace period passed.
    Cell(u32),
    Job,
    Finally,
    /// Look at this gate again.
    Gate(u32),
    /// The `finally` of this call.
    Frame(u32),
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum JobPhase {
    New,
    /// Waits for its turn among other jobs.
    Queued,
    Running,
    Finished {
        outcome: Outcome,
        cause: Option<Cause>,
        at: Timestamp,
    },
}

/// A cancel that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct CancelState {
    pub since: Timestamp,
    pub force: bool,
    pub cause: Cause,
}

/// A stage.
#[derive(Clone, Debug)]
pub struct StageState {
    pub phase: StagePhase,
    pub needs_left: u32,
    /// Current cells, by position in the expansion.
    pub cells: Vec<u32>,
    pub open_cells: u32,
    /// Cells that hold a slot now or were submitted, for `max-parallel`.
    pub busy_cells: u32,
    /// A cell failed, and the stage fails fast.
    pub failed_fast: Option<u32>,
    pub skip: Option<String>,
    pub cancel: Option<CancelState>,
    /// Of everything it needs, directly or through others.
    pub closure: Closure,
    /// The number of its only cell, which was submitted before what it needs had ended.
    pub foreseen: Option<u32>,
    /// The keeper had begun it before it was known that it must not run.
    pub is_unfounded: bool,
    /// The gate before its cells, once it was opened.
    pub gate: Option<u32>,
    /// A retry asked for it, so that no earlier result will do.
    pub is_anew: bool,
    /// Its own `rollback: on-failure` has come into force.
    pub has_rolled: bool,
}

/// What the transitive needs of a stage came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closure {
    pub failed: bool,
    /// Some need neither succeeded nor was left out on purpose.
    pub unsuccessful: bool,
}

/// Where a stage stands.
#[derive(Clone, Debug, PartialEq)]
pub enum StagePhase {
    Pending,
    Started {
        since: Timestamp,
    },
    Finished {
        /// What happened.
        outcome: Outcome,
        /// What it counts as for those who need it.
        result: Outcome,
        cause: Option<Cause>,
        /// Left out by a person: what needs it goes on.
        waived: bool,
    },
}

/// A cell.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct CellState {
    pub stage: u32,
    pub id: Arc<str>,
    pub label: Arc<str>,
    pub matrix: Arc<serde_json::Value>,
    /// Position in the expansion, and how many there are.
    pub position: (u32, u32),
    pub run: u32,
    pub phase: CellPhase,
    pub steps: Vec<StepState>,
    pub holds_slot: bool,
    pub stop: Option<CellStop>,
    pub needs_sweep: bool,
    pub swept: bool,
    pub survivors: Vec<String>,
    /// First start of this run.
    pub since: Option<Timestamp>,
    pub cleanup_until: Option<Timestamp>,
    /// Environment and paths that steps added.
    pub env: Vec<(Arc<str>, Arc<str>)>,
    pub paths: Vec<Arc<str>>,
    pub outputs: Vec<(Arc<str>, Arc<str>)>,
    pub hashes: Vec<(Vec<String>, Result<String, String>)>,
    pub hash_wanted: Option<Vec<String>>,
    pub skip: Option<String>,
    /// Entry in the queue, while it waits for a slot.
    pub queued: Option<(i64, u32)>,
    /// The first try, while it is with the keeper and has not begun.
    pub submitted: Option<AttemptKey>,
    /// Submitted, it may begin only in the slot of this try, as its stage needs that to succeed.
    pub after: Option<AttemptKey>,
    /// Since when people are asked in it, by one gate or several; its time limit stands still meanwhile.
    pub asking_since: Option<Timestamp>,
    /// What can be undone, and what was.
    pub saga: Saga,
    /// What this run of it shares with others.
    pub shares: Option<Box<Shares>>,
    /// Whether a result of it was found, or is to be kept.
    pub cached: Option<Box<Cached>>,
    /// What it takes and publishes.
    pub parcels: Parcels,
    /// As in [`StageState`].
    pub is_anew: bool,
}

/// Where a cell stands.
#[derive(Clone, Debug, PartialEq)]
pub enum CellPhase {
    /// Waits for a slot, not before a time if it is tried again.
    Queued {
        until: Option<Timestamp>,
    },
    Active,
    Finished {
        outcome: Outcome,
        result: Outcome,
        cause: Option<Cause>,
    },
}

/// A cell that was asked to stop.
#[derive(Clone, Debug, PartialEq)]
pub struct CellStop {
    pub since: Timestamp,
    pub rung: Rung,
    pub cause: Cause,
}

/// A step.
#[derive(Clone, Debug, Default)]
pub struct StepState {
    pub phase: StepPhase,
    pub attempt: u32,
    /// First start in this run of the cell.
    pub since: Option<Timestamp>,
    /// Start of the current try.
    pub attempt_since: Option<Timestamp>,
    pub stop: Option<StepStop>,
    /// How many of its tries were lost with what held them, and made up for.
    pub reruns: u32,
    /// Was begun after its cell was asked to stop, so that request does not reach it.
    pub is_cleanup: bool,
    /// Its gate, once it was opened.
    pub gate: Option<u32>,
    /// Why its last try was lost, if people have to say whether there is to be another one.
    pub lost: Option<Arc<str>>,
    /// Since when people are asked by gates inside it; its time limit stands still meanwhile.
    pub asking_since: Option<Timestamp>,
    /// Was begun after another step of its `parallel` had failed, so that does not reach it.
    pub is_late: bool,
    /// It ran in the background, and a `wait` has taken over what it came to.
    pub is_joined: bool,
    /// Whether a result of it was found, or is to be kept.
    pub cached: Option<Box<Cached>>,
}

/// A step that was asked to stop.
#[derive(Clone, Debug, PartialEq)]
pub struct StepStop {
    pub since: Timestamp,
    pub rung: Rung,
    pub cause: Cause,
}

/// Where a step stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum StepPhase {
    #[default]
    Pending,
    Running,
    /// Waits to be tried again.
    Waiting {
        until: Timestamp,
    },
    Done(Box<StepDone>),
}

/// How a step ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepDone {
    pub outcome: Option<Outcome>,
    pub conclusion: Option<Outcome>,
    pub cause: Option<Cause>,
    pub end: Option<End>,
    pub outputs: Vec<(Arc<str>, Arc<str>)>,
    pub rescued: bool,
    /// What a step in the background adds for the steps behind its `wait`.
    pub env: Vec<(Arc<str>, Arc<str>)>,
    pub paths: Vec<Arc<str>>,
}

impl StepDone {
    /// Returns how a step ended, without what it adds for others.
    #[must_use]
    pub fn of(end: &StepEnd) -> Self {
        Self {
            outcome: Some(end.outcome),
            conclusion: Some(end.conclusion),
            cause: end.cause.clone(),
            end: end.end,
            outputs: end.outputs.clone(),
            rescued: end.rescued,
            env: Vec::new(),
            paths: Vec::new(),
        }
    }
}

impl JobState {
    /// Returns the state of a job of which nothing is recorded yet.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        let stages: Vec<StageState> = setting
            .plan
            .playbook
            .stages
            .iter()
            .map(|stage| {
                // Whoever calls a stage is one more that it waits for.
                let needs = stage.needs.len() + usize::from(stage.frame.is_some());
                StageState::new(u32::try_from(needs).unwrap_or(u32::MAX))
            })
            .collect();
        let mut index = Index::default();
        for (at, stage) in (0u32..).zip(&setting.plan.playbook.stages) {
            index.open_stages[usize::from(setting.plan.stages[at as usize].is_last)] += 1;
            if stage.needs.is_empty() && stage.frame.is_none() {
                index.ready.insert(at);
            }
        }
        let frames = calls::frames(&setting.plan);
        let stage_count = stages.len();
        Self {
            setting,
            phase: JobPhase::New,
            attempt: 0,
            paused: None,
            frozen: None,
            idle: None,
            cancel: None,
            stages,
            // Most stages have one; a list that doubles is copied each time.
            cells: Vec::with_capacity(stage_count),
            orders: super::repeat::Orders::new(),
            finally_since: None,
            started: Timestamp::default(),
            rerun_by: None,
            gates: Vec::new(),
            armed: 0,
            shares: None,
            frames,
            artifacts: BTreeMap::new(),
            has_read_itself: Cell::new(false),
            index,
        }
    }

    /// Says whether a target has ended, and as what.
    #[must_use]
    pub fn outcome_of(&self, target: &Target) -> Option<Outcome> {
        match target {
            Target::Job => match &self.phase {
                JobPhase::Finished { outcome, .. } => Some(*outcome),
                _ => None,
            },
            Target::Stage(at) => self.stages[*at as usize].outcome(),
            Target::Cell(at) => self.cells[*at as usize].outcome(),
        }
    }

    /// Returns how many annotations are recorded of a try.
    #[must_use]
    pub fn annotated(&self, key: AttemptKey) -> u32 {
        self.index.annotated.get(&key).copied().unwrap_or(0)
    }

    /// Returns the plan's words for a stage.
    #[must_use]
    pub fn stage_name(&self, stage: u32) -> &str {
        &self.setting.plan.playbook.stages[stage as usize].id
    }

    /// Returns the address of a cell: `stage` or `stage[k=v]`.
    #[must_use]
    pub fn cell_name(&self, cell: u32) -> String {
        let it = &self.cells[cell as usize];
        let stage = self.stage_name(it.stage);
        if it.label.is_empty() { stage.to_owned() } else { format!("{stage}[{}]", it.label) }
    }

    /// Returns the tries of a cell that run, in the order of their steps. Of one that waits for a slot, the submitted one.
    pub fn live_of(&self, cell: u32) -> impl Iterator<Item = AttemptKey> + '_ {
        let run = self.cells.get(cell as usize).map_or(0, |it| it.run);
        let first = AttemptKey { cell, run, step: 0, attempt: 0 };
        let last = AttemptKey { cell, run, step: u32::MAX, attempt: u32::MAX };
        self.index.live.range(first..=last).map(|(key, _)| *key)
    }

    /// Says whether every ordinary stage has finished.
    #[must_use]
    pub fn ordinary_done(&self) -> bool {
        self.index.open_stages[0] == 0
    }

    /// Says whether every stage has finished.
    #[must_use]
    pub fn all_done(&self) -> bool {
        self.index.open_stages == [0, 0]
    }
}

impl StageState {
    pub(super) fn new(needs: u32) -> Self {
        Self {
            phase: StagePhase::Pending,
            needs_left: needs,
            cells: Vec::new(),
            open_cells: 0,
            busy_cells: 0,
            failed_fast: None,
            skip: None,
            cancel: None,
            closure: Closure::default(),
            foreseen: None,
            is_unfounded: false,
            is_anew: false,
            gate: None,
            has_rolled: false,
        }
    }

    /// Returns how the stage ended.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.phase {
            StagePhase::Finished { outcome, .. } => Some(*outcome),
            _ => None,
        }
    }

    /// Returns what the stage counts as for those who need it.
    #[must_use]
    pub fn result(&self) -> Option<Outcome> {
        match &self.phase {
            StagePhase::Finished { result, .. } => Some(*result),
            _ => None,
        }
    }
}

impl CellState {
    /// Returns how the cell ended.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.phase {
            CellPhase::Finished { outcome, .. } => Some(*outcome),
            _ => None,
        }
    }

    /// Returns what the cell counts as for its stage.
    #[must_use]
    pub fn result(&self) -> Option<Outcome> {
        match &self.phase {
            CellPhase::Finished { result, .. } => Some(*result),
            _ => None,
        }
    }
}

impl StepState {
    /// Returns the end of the step, if it has one.
    #[must_use]
    pub fn done(&self) -> Option<&StepDone> {
        match &self.phase {
            StepPhase::Done(done) => Some(done),
            _ => None,
        }
    }

    /// Says whether the step runs, or waits to be tried again.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, StepPhase::Running | StepPhase::Waiting { .. })
    }

    /// Says whether the step ended and counts as a failure.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.done().is_some_and(|d| d.conclusion == Some(Outcome::Failure))
    }
}
