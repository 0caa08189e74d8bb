//! A job that changed files start again and again: which stages a change is about, and which changes are the job's own doing.
//!
//! Pure. Not here: hearing of changes (`engine/watching/tree.rs`), starting jobs (`faces/cli/on_change.rs`).

use std::collections::{BTreeMap, BTreeSet};

use super::cache::pattern::Patterns;
use super::plan::{Plan, Selected, dependents};
use super::playbook::cache::CacheRule;
use super::playbook::model::{Stage, Text};
use super::view::{JobView, Phase};

/// After a file has changed in so many rounds one after the other, and never between them, the next change of it waits for
/// the end of the round.
const DOUBTED: u32 = 3;

/// After so many it is taken for something that the job writes.
const OWN: u32 = 6;

/// Returns the inputs that a stage declares, its own and those of its steps; nothing if it declares none, or they are known
/// only when it runs.
#[must_use]
pub fn inputs(plan: &Plan, stage: u32) -> Option<Vec<Patterns>> {
    let model = plan.playbook.stages.get(stage as usize)?;
    let rule = model.cache.as_deref().or(plan.stages[stage as usize].cache.as_deref())?;
    if rule.inputs.is_empty() {
        return None;
    }
    Some(vec![patterns(&rule.inputs)?])
}

/// Returns what the stages and steps that take part declare as inputs, whether or not all of them do.
#[must_use]
pub fn all_inputs(plan: &Plan) -> Vec<Patterns> {
    let taking_part = (0u32..).zip(&plan.playbook.stages).filter(|(at, _)| takes_part(plan, *at));
    let all = taking_part.flat_map(|(at, stage)| {
        let of_steps = stage.steps.steps.iter().filter_map(|step| step.cache.as_deref());
        let of_steps =
            of_steps.filter(|rule| !rule.inputs.is_empty()).filter_map(|rule| patterns(&rule.inputs));
        inputs(plan, at).into_iter().flatten().chain(of_steps.collect::<Vec<_>>())
    });
    all.collect()
}

/// Returns what stages declare to make: outputs of caches, artifacts and reports. Of one that holds an expression the folder
/// in front of it counts.
#[must_use]
pub fn outputs(plan: &Plan) -> Vec<Patterns> {
    let rules = |stage: &'_ Stage| -> Vec<CacheRule> {
        let steps = stage.steps.steps.iter().filter_map(|step| step.cache.as_deref());
        stage.cache.as_deref().into_iter().chain(steps).cloned().collect()
    };
    let mut lists: Vec<Vec<String>> = Vec::new();
    for stage in &plan.playbook.stages {
        lists.extend(rules(stage).iter().map(|rule| known(&rule.outputs)));
        let artifacts = stage.artifacts.iter().flat_map(|it| &it.out);
        lists.extend(artifacts.map(|it| known(&it.path)));
    }
    let reporting = plan.playbook.reporting.as_ref().map(|it| known(std::slice::from_ref(&it.path)));
    lists.extend(reporting);
    lists.iter().filter(|it| !it.is_empty()).filter_map(|it| Patterns::read(it).ok()).collect()
}

/// Returns texts as patterns; nothing if one of them holds an expression.
fn patterns(texts: &[Text]) -> Option<Patterns> {
    let texts: Option<Vec<String>> =
        texts.iter().map(|it| it.template.as_literal().map(str::to_owned)).collect();
    Patterns::read(&texts?).ok()
}

/// Returns patterns as far as they are known.
fn known(texts: &[Text]) -> Vec<String> {
    let of = |text: &Text| match text.template.as_literal() {
        Some(literal) => Some(literal.to_owned()),
        None => {
            let beginning = text.template.source().split("${{").next().unwrap_or_default();
            let folder = &beginning[..beginning.rfind('/')?];
            (!folder.is_empty() && !folder.starts_with('!')).then(|| folder.to_owned())
        }
    };
    texts.iter().filter_map(of).collect()
}

fn takes_part(plan: &Plan, stage: u32) -> bool {
    !matches!(plan.stages[stage as usize].selected, Selected::No(_))
}

/// What changed files mean for a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// Stages that read one of the files, or declare no inputs, and all that need them, in the order of the plan.
    pub stages: Vec<String>,
    /// Those that take part and are not affected.
    pub others: Vec<String>,
}

/// Says which stages of a plan changed files are about. Calls are no stages of their own here.
#[must_use]
pub fn affected(plan: &Plan, files: &BTreeSet<String>) -> Affected {
    let all =
        || (0u32..).zip(&plan.playbook.stages).filter(|(at, it)| takes_part(plan, *at) && it.call.is_none());
    let is_hit = |at: u32| match inputs(plan, at) {
        None => true,
        Some(all) => files.iter().any(|file| all.iter().any(|patterns| patterns.name(file))),
    };
    let hit: Vec<u32> = all().map(|(at, _)| at).filter(|&at| is_hit(at)).collect();
    let reached = dependents(&plan.stages, &hit);
    let (mut stages, mut others) = (Vec::new(), Vec::new());
    for (at, stage) in all() {
        let list = if reached.contains(&at) { &mut stages } else { &mut others };
        list.push(stage.id.to_string());
    }
    Affected { stages, others }
}

/// Says why a job must not be stopped now to be started again, in words for people, if so.
#[must_use]
pub fn held(view: &JobView) -> Option<String> {
    if view.phase.outcome().is_some() {
        return None;
    }
    if let Some((_, gate)) = view.waiting_gates().next() {
        let name = match gate.opened.place {
            super::job::gate::GatePlace::Stage(stage) => view.stage_name(stage).to_owned(),
            super::job::gate::GatePlace::Step(key) => view.cell_name(key.cell),
        };
        return Some(format!("`{name}` waits for an answer"));
    }
    if let Some(by) = &view.paused {
        return Some(format!("the job is paused by {by}"));
    }
    if let Some(cell) = (0u32..).zip(&view.cells).find(|(_, cell)| cell.is_rolling) {
        return Some(format!("`{}` is being rolled back", view.cell_name(cell.0)));
    }
    view.live.iter().find_map(|&cell| {
        let it = view.cells.get(cell as usize).filter(|it| it.phase == Phase::Running)?;
        let stage = view.playbook.stages.get(it.stage as usize)?;
        // What a restart would do twice, or what a person would have to be asked about.
        let is_one = |step: &super::playbook::model::Step| {
            step.durable
                || matches!(
                    step.on_interrupt,
                    super::playbook::model::OnInterrupt::Ask | super::playbook::model::OnInterrupt::Fail
                )
        };
        let step = it.current.filter(|&step| stage.steps.steps.get(step as usize).is_some_and(is_one))?;
        Some(format!("`{}/{}` must not be interrupted", view.cell_name(cell), view.step_name(cell, step)))
    })
}

/// What is done about changes while a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The job is stopped and started again.
    Restart,
    /// Another round follows this one.
    After,
    /// Nothing: the job writes these files itself.
    Ignore,
}

/// Tells what people change from what the job writes itself, by when files change: a job writes in each of its rounds, and
/// never between them.
#[derive(Clone, Debug, Default)]
pub struct Doubt {
    /// In how many rounds in a row each file has changed.
    rounds: BTreeMap<String, u32>,
    /// Those that have changed in this round.
    now: BTreeSet<String>,
    own: BTreeSet<String>,
}

impl Doubt {
    /// Takes files that changed while the job ran; returns what is to be done, and which of them are taken for the job's own
    /// from now on.
    pub fn during(&mut self, files: &BTreeSet<String>) -> (Verdict, Vec<String>) {
        let (mut verdict, mut new) = (Verdict::Ignore, Vec::new());
        for file in files {
            let earlier = self.rounds.get(file).copied().unwrap_or(0);
            self.now.insert(file.clone());
            if self.own.contains(file) {
                continue;
            }
            if earlier + 1 >= OWN {
                self.own.insert(file.clone());
                new.push(file.clone());
            } else if earlier >= DOUBTED {
                verdict = if verdict == Verdict::Restart { verdict } else { Verdict::After };
            } else {
                verdict = Verdict::Restart;
            }
        }
        (verdict, new)
    }

    /// Takes files that changed while no job ran: whatever they were taken for, somebody else writes them.
    pub fn between(&mut self, files: &BTreeSet<String>) {
        for file in files {
            self.rounds.remove(file);
            self.own.remove(file);
        }
    }

    /// Returns what is taken for written by the job.
    #[must_use]
    pub fn own(&self) -> BTreeSet<String> {
        self.own.clone()
    }

    /// Takes note of the end of a round. In one that was stopped, the job may not have come to writing its files.
    pub fn ended(&mut self, is_whole: bool) {
        let now = std::mem::take(&mut self.now);
        if is_whole {
            self.rounds.retain(|file, _| now.contains(file));
            self.own.retain(|file| now.contains(file));
        }
        for file in now {
            *self.rounds.entry(file).or_default() += 1;
        }
    }
}

#[cfg(test)]
#[path = "rounds_tests.rs"]
mod tests;
