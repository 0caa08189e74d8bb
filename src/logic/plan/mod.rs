//! A checked playbook plus a request to a fixed plan. Once a job has started, its plan never changes.
//!
//! Not here: expanding matrices (`matrix.rs`), checking inputs (`inputs.rs`), running anything.

pub mod across;
pub mod caching;
pub mod call;
pub mod difference;
mod gates;
pub mod inputs;
pub mod matrix;
mod profile;
pub mod require;
mod select;
pub mod services;
mod shares;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::playbook::cache::CacheRule;
use super::playbook::gate::GateRules;
use super::playbook::model::Playbook;
use super::playbook::share::Totals;
use super::sidecar::Containers;
use super::value::Value;
pub use caching::CacheRequest;

/// What was asked for beside the playbook itself. Stored with the job, so that the plan can be made again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanRequest {
    /// Typed values, checked by `inputs::check`.
    pub inputs: Vec<(String, serde_json::Value)>,
    pub vars: Vec<(String, String)>,
    /// A profile of the playbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub only: Vec<String>,
    pub from: Option<String>,
    pub skip: Vec<String>,
    /// Axes to replace or add, with their values as written.
    pub matrix: Vec<(String, Vec<String>)>,
    pub max_parallel: Option<u32>,
    /// Absolute path of the file of variables. Its content is not stored: it may be secret, and is read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_file: Option<String>,
    /// What holds for the gates of the job.
    #[serde(skip_serializing_if = "GateRules::is_default")]
    pub gates: GateRules,
    /// What the job shares with all others.
    #[serde(skip_serializing_if = "Totals::is_default")]
    pub totals: Totals,
    /// What the job uses the cache of results for.
    #[serde(skip_serializing_if = "CacheRequest::is_default")]
    pub cache: CacheRequest,
    /// Among what waits in several jobs, higher ones go first.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// A file for the summary, absolute; empty: the usual place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What runs containers.
    #[serde(skip_serializing_if = "Containers::is_default")]
    pub containers: Containers,
}

impl PlanRequest {
    /// Says whether two requests ask for the same, whatever the settings and the machine were.
    #[must_use]
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let own = |request: &Self| {
            // The last value of a name wins.
            let inputs: std::collections::BTreeMap<String, String> = request
                .inputs
                .iter()
                .map(|(name, value)| {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    (name.to_ascii_lowercase(), text)
                })
                .collect();
            let asked = Self {
                inputs: Vec::new(),
                max_parallel: None,
                gates: GateRules::default(),
                totals: Totals::default(),
                containers: Containers::default(),
                summary: None,
                ..request.clone()
            };
            (inputs, asked)
        };
        own(self) == own(other)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// A plan: which stages run, in which order, with what.
#[derive(Clone, Debug)]
pub struct Plan {
    pub playbook: Arc<Playbook>,
    /// One for each stage of the playbook, same positions.
    pub stages: Vec<PlannedStage>,
    /// Positions so that needs come first; ties in file order.
    pub order: Vec<u32>,
    pub inputs: Value,
    pub vars: Value,
    /// Most cells that run at once.
    pub slots: u32,
    pub gates: GateRules,
    pub totals: Totals,
    /// Of the job among others.
    pub priority: i32,
    pub cache: CacheRequest,
    pub containers: Containers,
    /// Calls of other playbooks.
    pub frames: Vec<call::Frame>,
    /// A file for the summary, absolute; empty: the usual place.
    pub summary: Option<String>,
}

impl Plan {
    /// Returns the playbook that a stage stands in: the job's own, or the called one.
    #[must_use]
    pub fn home(&self, stage: u32) -> &Playbook {
        let frame = self.playbook.stages[stage as usize].frame;
        frame.map_or(&self.playbook, |frame| &self.frames[frame as usize].playbook)
    }

    /// Returns the callers of a stage, from the inside out.
    pub fn callers(&self, stage: u32) -> impl Iterator<Item = u32> + '_ {
        let caller = |stage: &u32| {
            let frame = self.playbook.stages[*stage as usize].frame?;
            Some(self.frames[frame as usize].caller)
        };
        std::iter::successors(caller(&stage), caller)
    }

    /// How many cells can probably begin at once, as far as the slots go: those of stages that wait for nothing.
    #[must_use]
    pub fn first_cells(&self) -> u32 {
        let stages = self.playbook.stages.iter().zip(&self.stages);
        let is_first = |at: u32| self.playbook.stages[at as usize].needs.is_empty();
        let cells = (0u32..)
            .zip(stages)
            .filter(|(at, (stage, planned))| {
                is_first(*at)
                    && stage.call.is_none()
                    && self.callers(*at).all(is_first)
                    && !matches!(planned.selected, Selected::No(_))
            })
            .map(|(_, it)| it)
            // What a matrix comes to is found out when its stage begins.
            .map(|(stage, _)| if stage.strategy.is_some() { self.slots } else { 1 });
        cells.take(self.slots as usize).sum::<u32>().min(self.slots)
    }

    /// Returns what a person should know before a run of this plan: outputs that are read and that nobody will make, and files
    /// and ports that several of its calls want.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let is_out = |stage: &PlannedStage| matches!(stage.selected, Selected::No(_));
        let all = || self.playbook.stages.iter().zip(&self.stages);
        let left_out: Vec<(Option<u32>, &str)> =
            all().filter(|(_, it)| is_out(it)).map(|(stage, _)| (stage.frame, &*stage.own_id)).collect();
        let readers = all().filter(|(_, planned)| !is_out(planned));
        let caching = if self.cache.all {
            caching::left_out((&self.playbook, &self.frames), &self.stages)
        } else {
            Vec::new()
        };
        let reading = readers
            .flat_map(|(stage, _)| stage.reads.iter().map(move |read| (stage, read)))
            .filter(|(stage, read)| left_out.contains(&(stage.frame, &***read)))
            .map(|(stage, read)| {
                format!("`{}` reads outputs of `{read}`, which is left out: they will be empty", stage.id)
            });
        let across = across::check(self).into_iter().map(|it| format!("{}; {}", it.message, it.help));
        reading.chain(across).chain(caching).collect()
    }
}

/// A stage's part of the plan.
#[derive(Clone, Debug)]
pub struct PlannedStage {
    pub selected: Selected,
    /// Positions of the stages that need this one.
    pub needed_by: Vec<u32>,
    /// Axes replaced or added by the request.
    pub axes: Vec<(String, Vec<String>)>,
    /// Of `run --cache`, where the playbook says nothing about caching.
    pub cache: Option<Arc<CacheRule>>,
    /// Belongs to `finally` of the job: itself, or what called it.
    pub is_last: bool,
}

/// Whether a stage takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    Yes,
    /// Only the cells that have one of these sets of values.
    Cells(Vec<Vec<(String, String)>>),
    /// Left out, and why. What needs it goes on without it.
    No(String),
}

/// A request that cannot be honoured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    pub slug: &'static str,
    pub message: String,
    pub help: Option<String>,
}

/// Makes the plan.
///
/// # Errors
/// Every part of the request that cannot be honoured, such as a stage that does not exist.
pub fn plan(playbook: Arc<Playbook>, request: &PlanRequest) -> Result<Plan, Vec<PlanProblem>> {
    let mut problems = Vec::new();
    let inputs = match inputs::check(&playbook.inputs, &request.inputs) {
        Ok(inputs) => inputs,
        Err(more) => {
            problems.extend(more.into_iter().map(|it| gates::of_a_gate(&playbook, &request.inputs, it)));
            Value::Null
        }
    };
    let outer = Arc::clone(&playbook);
    let profile = profile::find(&outer, request, &mut problems);
    let asked = profile::with_axes(profile, request);
    let request = &*asked;
    let vars = profile::vars(&playbook, profile, request);
    let (flat, mut stages) = call::follow(&playbook, (&inputs, &vars), request, &mut problems);
    let (playbook, frames) = (flat.playbook, flat.frames);
    profile::select(profile, &playbook, request, &mut stages);
    select::select(&playbook, &frames, (request, profile), &mut stages, &mut problems);
    gates::check(&playbook, &stages, &request.gates, &mut problems);
    let slots = request.max_parallel.or(playbook.policy.max_parallel).unwrap_or(8).max(1);
    shares::check(&playbook, &stages, slots, &request.totals, &mut problems);
    services::check(&playbook, &stages, &request.containers, &mut problems);
    services::check_ports(&playbook, &stages, slots, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let order = call::order(&playbook, &stages, &frames);
    caching::choose((&playbook, &frames), &request.cache, &mut stages);
    let cache = request.cache.clone();
    let (gates, totals, priority) = (request.gates.clone(), request.totals.clone(), request.priority);
    let containers = request.containers.clone();
    let summary = request.summary.clone();
    Ok(Plan {
        order,
        inputs,
        vars,
        slots,
        gates,
        totals,
        priority,
        cache,
        containers,
        summary,
        stages,
        playbook,
        frames,
    })
}

fn position(at: usize) -> u32 {
    u32::try_from(at).expect("the reader's budget keeps stages far below this")
}

/// Returns the given stages and everything that needs them, directly or through others.
#[must_use]
pub fn dependents(stages: &[PlannedStage], from: &[u32]) -> std::collections::BTreeSet<u32> {
    let mut reached: std::collections::BTreeSet<u32> = from.iter().copied().collect();
    let mut todo: Vec<u32> = from.to_vec();
    while let Some(at) = todo.pop() {
        for &next in &stages[at as usize].needed_by {
            if reached.insert(next) {
                todo.push(next);
            }
        }
    }
    reached
}
