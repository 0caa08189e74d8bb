//! Cells and steps whose results are cached: when one is looked for, replayed or kept, and what it is known by.
//!
//! Not here: files, digests and the store of results (`engine/cache`).
//! A cell asks before it waits for anything: a result that fits needs no slot, no claim and no process. A step asks when its
//! turn comes. Nothing of a unit begins before the answer is recorded, and nothing follows its success before its result
//! was kept, or it was said why not. What is cached is known by its recipe (`recipe.rs`).

use std::collections::BTreeSet;

use super::artifacts;
use super::event::{Event, Outcome, StepEnd};
use super::failing;
use super::launch;
use super::progress::Pressure;
use super::report::{Annotation, AttemptKey};
use super::state::{CellPhase, CellState, JobState, StepDone, StepPhase};
use crate::logic::artifact::Artifact;
use crate::logic::cache::{Hit, Kept, Looked, Miss, Record, Replay, UNDECLARED, Unit};
use crate::logic::playbook::cache::{CacheMode, CacheRule};
use crate::logic::playbook::model::Stage;
use crate::logic::time::Timestamp;

#[cfg(test)]
#[path = "cached_tests.rs"]
mod tests;

/// How far the caching of a unit is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cached {
    pub phase: CachePhase,
    /// What will be replayed of it, as far as it is known.
    pub replays: Vec<Replay>,
    /// Of a hit: what was published, one place for each that the stage may publish.
    pub artifacts: Vec<Option<Artifact>>,
    pub wrote: Wrote,
}

/// What is known of files that a unit wrote in the project when it worked, but for its outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wrote {
    #[default]
    Unknown,
    /// There are some that no key of a whole project has.
    Hidden,
    /// There is none, or all of them are part of such keys.
    Seen,
}

/// Where the caching of a unit stands. One that has not been looked for yet has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CachePhase {
    /// Nothing fitted, and what is made is to be kept.
    #[default]
    Missed,
    /// Nothing fitted, or what is made was kept, or cannot be: there is nothing left to do.
    Over,
    /// A result fitted.
    Hit,
}

/// Returns the rule of a stage as a whole, or of a step of it, and what the cache is used for in this job.
pub(super) fn rule(state: &JobState, stage: u32, step: Option<u32>) -> Option<(&CacheRule, CacheMode)> {
    let plan = &state.setting.plan;
    let model = &plan.playbook.stages[stage as usize];
    let rule = match step {
        Some(step) => model.steps.steps[step as usize].cache.as_deref(),
        None => model.cache.as_deref().or(plan.stages[stage as usize].cache.as_deref()),
    }?;
    let mut mode = rule.mode;
    if plan.cache.off {
        mode = CacheMode { reads: false, writes: false };
    }
    mode.reads &= !plan.cache.refresh;
    Some((rule, mode))
}

/// Says whether a unit is looked for, or at least kept, or has files that nobody else may write meanwhile.
fn is_active(state: &JobState, stage: u32, step: Option<u32>) -> bool {
    rule(state, stage, step).is_some_and(|(rule, mode)| {
        let has_inputs = !rule.inputs.is_empty() && !rule.whole_project;
        mode.reads || mode.writes || has_inputs || !rule.outputs.is_empty()
    })
}

/// Says whether a unit is neither looked for nor kept: only its outputs are locked.
#[must_use]
pub fn is_off(state: &JobState, unit: Unit) -> bool {
    let stage = state.cells[unit.cell as usize].stage;
    rule(state, stage, unit.step).is_some_and(|(_, mode)| !mode.reads && !mode.writes)
}

/// Says whether a cell must not begin yet: it is not known whether there is a result that fits.
pub(super) fn is_undecided(state: &JobState, cell: u32) -> bool {
    let it = &state.cells[cell as usize];
    it.cached.is_none() && is_active(state, it.stage, None)
}

/// Returns the stages behind which a stage that is cached only on request begins: what they do in the project it may read.
pub(super) fn before(state: &JobState, stage: u32) -> impl Iterator<Item = u32> {
    let is_whole = rule(state, stage, None).is_some_and(|(rule, _)| rule.whole_project);
    let found = if is_whole { artifacts::sources(&state.setting.plan, stage) } else { BTreeSet::new() };
    found.into_iter()
}

/// Says why a stage that is cached only on request, by all files of the project, is not cached in this job: something that it
/// needs worked in it, and may have written files that such a key does not see.
fn doubt(state: &JobState, stage: u32) -> Option<Miss> {
    let cells = before(state, stage).flat_map(|at| state.stages[at as usize].cells.iter().copied());
    let (cell, wrote) = cells.filter_map(|cell| Some((cell, may_hide(state, cell)?))).next()?;
    let name = state.cell_name(cell);
    let what = match wrote {
        Wrote::Hidden => "wrote files in the project that are not part of the key",
        Wrote::Unknown | Wrote::Seen => {
            "may have written files in the project that are not part of the key, which only a result that is kept rules out"
        }
    };
    let is_narrowed = !state.setting.plan.cache.files.is_empty();
    let narrowed =
        if is_narrowed { ", or name them with `--cache-file` if git does not ignore them" } else { "" };
    Some(Miss {
        reason: "unseen-files".to_owned(),
        message: format!(
            "`{name}`, which it needs, {what}; give it a `cache` with `inputs` that name what it reads{narrowed}"
        ),
        is_hopeless: true,
        ..Miss::default()
    })
}

/// Says what is known of a cell that has worked and may have written files that no key of a whole project sees; nothing if it has
/// written none. Outputs that it declares are part of such keys.
fn may_hide(state: &JobState, cell: u32) -> Option<Wrote> {
    let it = &state.cells[cell as usize];
    let is_hit = |cached: &Option<Box<Cached>>| cached.as_ref().is_some_and(|it| it.phase == CachePhase::Hit);
    let model = &state.setting.plan.playbook.stages[it.stage as usize].steps;
    let mut steps = it.steps.iter().zip(&model.steps);
    let has_worked =
        steps.any(|(step, model)| model.action.is_run() && step.attempt > 0 && !is_hit(&step.cached));
    if is_hit(&it.cached) || !has_worked {
        return None;
    }
    let wrote = it.cached.as_ref().map_or(Wrote::Unknown, |cached| cached.wrote);
    (wrote != Wrote::Seen).then_some(wrote)
}

/// Returns what the answer about keeping tells of files that a unit wrote. Those of a strict one were looked for.
fn wrote(state: &JobState, unit: Unit, kept: &Kept) -> Wrote {
    let stage = state.cells[unit.cell as usize].stage;
    let is_strict =
        rule(state, stage, unit.step).is_some_and(|(rule, _)| rule.is_strict || rule.whole_project);
    match kept {
        Kept::Stored { .. } if is_strict => Wrote::Seen,
        Kept::Not { is_seen: true, .. } => Wrote::Seen,
        Kept::Not { reason, .. } if reason == UNDECLARED => Wrote::Hidden,
        Kept::Stored { .. } | Kept::Not { .. } => Wrote::Unknown,
    }
}

/// Says whether the result of a stage, or of one of its steps, is cached, so that nothing is begun ahead behind it.
pub(super) fn has_cache(state: &JobState, stage: u32) -> bool {
    let model = &state.setting.plan.playbook.stages[stage as usize];
    is_active(state, stage, None) || model.steps.steps.iter().any(|step| step.cache.is_some())
}

/// Returns what follows for a cell that waits and has a cache: that it is looked for, or its end.
pub(super) fn before_cell(state: &mut JobState, cell: u32, now: Timestamp) -> Option<Ruling> {
    let it = &state.cells[cell as usize];
    if let Some(cached) = &it.cached {
        return (cached.phase == CachePhase::Hit).then_some(Ruling::Done);
    }
    if !is_active(state, it.stage, None) {
        return None;
    }
    let is_early = matches!(it.phase, CellPhase::Queued { until: Some(until) } if until > now);
    let unit = Unit { cell, run: it.run, step: None };
    let is_new = !state.index.looking.contains(&unit);
    if let Some(miss) = is_new.then(|| doubt(state, it.stage)).flatten() {
        return Some(Ruling::Say(Event::CacheMissed { unit, miss: Box::new(miss) }));
    }
    if !is_early && state.paused.is_none() && super::share::job_has_all(state) {
        state.index.looking.insert(unit);
    }
    Some(Ruling::Wait)
}

/// What a cache says about a cell that waits.
pub(super) enum Ruling {
    /// It is replayed, and has ended.
    Done,
    Wait,
    Say(Event),
}

/// Says whether a step must not begin yet, and has it looked for.
pub(super) fn holds_step(state: &mut JobState, cell: u32, step: u32, pressure: Pressure) -> bool {
    let it = &state.cells[cell as usize];
    let is_decided = it.steps[step as usize].cached.is_some();
    if is_decided || pressure != Pressure::None || !is_active(state, it.stage, Some(step)) {
        return false;
    }
    state.index.looking.insert(Unit { cell, run: it.run, step: Some(step) });
    true
}

/// Says whether a step of a cell has to be kept before anything else of it goes on, and has that done.
pub(super) fn holds_rest(state: &mut JobState, cell: u32) -> bool {
    let it = &state.cells[cell as usize];
    let is_due = |at: &usize| {
        let step = &it.steps[*at];
        let is_missed = step.cached.as_ref().is_some_and(|cached| cached.phase == CachePhase::Missed);
        is_missed
            && step.done().is_some_and(|done| {
                done.outcome == Some(Outcome::Success)
                    || (keeps_failures(state, it.stage, Some(index(*at))) && failing::is_plain(done))
            })
    };
    let Some(step) = (0..it.steps.len()).find(is_due) else { return false };
    state.index.keeping.insert(Unit { cell, run: it.run, step: Some(index(step)) });
    true
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Says whether failures of a unit are kept, too.
fn keeps_failures(state: &JobState, stage: u32, step: Option<u32>) -> bool {
    rule(state, stage, step).is_some_and(|(rule, _)| rule.failures)
}

/// Says whether a cell all of whose steps have ended has to be kept before it ends, and has that done.
pub(super) fn holds_end(state: &mut JobState, cell: u32, failed: bool, pressure: Pressure) -> bool {
    let it = &state.cells[cell as usize];
    let is_missed = it.cached.as_ref().is_some_and(|cached| cached.phase == CachePhase::Missed);
    let has_passed = |outcome: Option<Outcome>| matches!(outcome, Some(Outcome::Success | Outcome::Skipped));
    let is_whole = it.steps.iter().all(|step| step.done().is_some_and(|done| has_passed(done.outcome)));
    let is_good = pressure == Pressure::None
        && it.stop.is_none()
        && it.survivors.is_empty()
        && artifacts::trouble(it).is_none();
    let is_result = match failed {
        false => is_whole,
        true => keeps_failures(state, it.stage, None) && failing::has_plainly_failed(state, it),
    };
    if !is_missed || !is_result || !is_good || it.skip.is_some() {
        return false;
    }
    state.index.keeping.insert(Unit { cell, run: it.run, step: None });
    true
}

/// Answers a report about looking or keeping.
pub(super) fn looked(state: &JobState, unit: Unit, looked: &Looked) -> Option<Event> {
    let it = state.cells.get(unit.cell as usize)?;
    let is_current = it.run == unit.run && !matches!(it.phase, CellPhase::Finished { .. });
    let is_open = match unit.step {
        None => matches!(it.phase, CellPhase::Queued { .. }) && it.cached.is_none(),
        Some(step) => {
            let step = &it.steps[step as usize];
            it.phase == CellPhase::Active && step.phase == StepPhase::Pending && step.cached.is_none()
        }
    };
    (is_current && is_open && state.index.looking.contains(&unit)).then(|| match looked {
        Looked::Hit(hit) => Event::CacheHit { unit, hit: hit.clone() },
        Looked::Miss(miss) => Event::CacheMissed { unit, miss: miss.clone() },
    })
}

/// Answers a report that a look has to wait.
pub(super) fn waits(state: &JobState, unit: Unit, message: &str) -> Option<Event> {
    let is_open = state.index.looking.contains(&unit);
    is_open.then(|| Event::CacheWaits { unit, message: message.to_owned() })
}

/// Answers the report about keeping.
pub(super) fn kept(state: &JobState, unit: Unit, kept: &Kept) -> Option<Event> {
    state.index.keeping.contains(&unit).then(|| Event::CacheKept { unit, kept: kept.clone() })
}

/// Folds an event about caches.
pub(super) fn apply(state: &mut JobState, event: &Event) {
    match event {
        Event::CacheHit { unit, hit } => {
            state.index.looking.remove(unit);
            hit_applied(state, *unit, hit);
        }
        Event::CacheMissed { unit, miss } => {
            state.index.looking.remove(unit);
            let Some(it) = state.cells.get(unit.cell as usize).filter(|it| it.run == unit.run) else {
                return;
            };
            let writes = rule(state, it.stage, unit.step).is_some_and(|(_, mode)| mode.writes);
            let phase = if writes && !miss.is_hopeless { CachePhase::Missed } else { CachePhase::Over };
            let cached = Some(Box::new(Cached { phase, ..Cached::default() }));
            let it = &mut state.cells[unit.cell as usize];
            match unit.step {
                Some(step) => it.steps[step as usize].cached = cached,
                None => {
                    it.cached = cached;
                    super::apply::join_queue(state, unit.cell);
                }
            }
        }
        Event::CacheKept { unit, kept } => {
            state.index.keeping.remove(unit);
            let wrote = wrote(state, *unit, kept);
            let Some(it) = state.cells.get_mut(unit.cell as usize).filter(|it| it.run == unit.run) else {
                return;
            };
            let cached = match unit.step {
                Some(step) => &mut it.steps[step as usize].cached,
                None => &mut it.cached,
            };
            *cached = Some(Box::new(Cached { phase: CachePhase::Over, wrote, ..Cached::default() }));
        }
        _ => return,
    }
    if let Event::CacheHit { unit, .. } | Event::CacheMissed { unit, .. } | Event::CacheKept { unit, .. } =
        event
    {
        state.index.attention.insert(unit.cell);
    }
}

fn hit_applied(state: &mut JobState, unit: Unit, hit: &Hit) {
    let Some(it) = state.cells.get_mut(unit.cell as usize).filter(|it| it.run == unit.run) else { return };
    let artifacts = hit.record.artifacts.clone();
    let cached = Some(Box::new(Cached { phase: CachePhase::Hit, artifacts, ..Cached::default() }));
    match unit.step {
        Some(step) => it.steps[step as usize].cached = cached,
        None => it.cached = cached,
    }
    for replay in &hit.record.steps {
        let end = &replay.end;
        if let Some(whole) = it.cached.as_mut().filter(|it| it.phase == CachePhase::Missed) {
            whole.replays.push(replay.clone());
        }
        let Some(step) = it.steps.get_mut(end.key.step as usize) else { continue };
        step.attempt = 1;
        step.phase = StepPhase::Done(Box::new(StepDone::of(end)));
        for (name, value) in &end.env {
            super::apply::put(&mut it.env, name, value);
        }
        it.paths.extend(end.paths.iter().cloned());
        let told = u32::try_from(replay.annotations.len()).unwrap_or(u32::MAX);
        if told > 0 {
            let key = AttemptKey { cell: unit.cell, run: unit.run, step: end.key.step, attempt: 1 };
            state.index.annotated.insert(key, told);
        }
    }
}

/// Takes note of an event that will be replayed.
pub(super) fn note(state: &mut JobState, event: &Event) {
    if let Event::StepStarted { key: AttemptKey { cell, run, step, .. } }
    | Event::StepSkipped { cell, run, step, .. } = event
    {
        // Something else came of it before there was an answer, such as in a cancel.
        state.index.looking.remove(&Unit { cell: *cell, run: *run, step: Some(*step) });
    }
    match event {
        Event::StepFinished(end) => {
            let key = end.key;
            let Some(it) = state.cells.get_mut(key.cell as usize).filter(|it| it.run == key.run) else {
                return;
            };
            for cached in waiting(it, key.step) {
                match cached.replays.iter_mut().find(|it| it.end.key.step == key.step) {
                    Some(replay) => replay.end = (**end).clone(),
                    None => cached.replays.push(Replay { end: (**end).clone(), annotations: Vec::new() }),
                }
            }
        }
        Event::StepSkipped { cell, run, step, cause } => {
            let Some(it) = state.cells.get_mut(*cell as usize).filter(|it| it.run == *run) else { return };
            let key = AttemptKey { cell: *cell, run: *run, step: *step, attempt: 0 };
            let end = StepEnd {
                outcome: Outcome::Skipped,
                conclusion: Outcome::Skipped,
                cause: Some(cause.clone()),
                ..StepEnd::new(key)
            };
            for cached in waiting(it, *step) {
                cached.replays.push(Replay { end: end.clone(), annotations: Vec::new() });
            }
        }
        Event::Annotated { key, annotation } => {
            let Some(it) = state.cells.get_mut(key.cell as usize).filter(|it| it.run == key.run) else {
                return;
            };
            for cached in waiting(it, key.step) {
                annotate(cached, *key, annotation);
            }
        }
        // Another try: what the one before has said is not part of the result.
        Event::StepRetrying { key, .. } => {
            let Some(it) = state.cells.get_mut(key.cell as usize).filter(|it| it.run == key.run) else {
                return;
            };
            for cached in waiting(it, key.step) {
                cached.replays.retain(|it| it.end.key.step != key.step);
            }
        }
        _ => {}
    }
}

fn annotate(cached: &mut Cached, key: AttemptKey, annotation: &Annotation) {
    match cached.replays.iter_mut().find(|it| it.end.key.step == key.step) {
        Some(replay) => replay.annotations.push(annotation.clone()),
        None => {
            let annotations = vec![annotation.clone()];
            cached.replays.push(Replay { end: StepEnd::new(key), annotations });
        }
    }
}

/// The units of a cell that a step is part of and that may be kept.
fn waiting(it: &mut CellState, step: u32) -> impl Iterator<Item = &mut Box<Cached>> {
    let of_step = it.steps.get_mut(step as usize).and_then(|step| step.cached.as_mut());
    it.cached.iter_mut().chain(of_step).filter(|cached| cached.phase == CachePhase::Missed)
}

/// Forgets what a cell has asked for.
pub(super) fn forget(state: &mut JobState, cell: u32) {
    for units in [&mut state.index.looking, &mut state.index.keeping] {
        let first = Unit { cell, run: 0, step: None };
        let of_cell: Vec<Unit> = units.range(first..).take_while(|unit| unit.cell == cell).copied().collect();
        for unit in of_cell {
            units.remove(&unit);
        }
    }
}

/// Returns what is kept of a unit: what will be replayed of its steps, and their logs below the folder of the job.
#[must_use]
pub fn record(state: &JobState, unit: Unit, now: Timestamp) -> (Record, Vec<(u32, String)>) {
    let it = &state.cells[unit.cell as usize];
    let (cached, since) = match unit.step {
        Some(step) => {
            let step = &it.steps[step as usize];
            (&step.cached, step.since)
        }
        None => (&it.cached, it.since),
    };
    let steps: Vec<Replay> = cached.as_ref().map(|cached| cached.replays.clone()).unwrap_or_default();
    let has_log = |it: &&Replay| it.end.log_bytes > 0;
    let logs =
        steps.iter().filter(has_log).map(|it| (it.end.key.step, launch::log_path(it.end.key))).collect();
    let took = since.map_or(0, |since| now.since(since).as_micros());
    let artifacts = if unit.step.is_none() { artifacts::published(state, unit.cell) } else { Vec::new() };
    (Record { steps, took_us: u64::try_from(took).unwrap_or(u64::MAX), artifacts }, logs)
}

/// Says whether a result may be taken, or only kept.
#[must_use]
pub fn may_hit(state: &JobState, unit: Unit) -> bool {
    let it = &state.cells[unit.cell as usize];
    // Who runs something again because it failed does not want to hear the same once more.
    let is_open = |rule: &CacheRule| !rule.failures || unit.run == 1;
    !it.is_anew && rule(state, it.stage, unit.step).is_some_and(|(rule, mode)| mode.reads && is_open(rule))
}

/// Says whether anything that a plan runs is cached, so that the engine needs to know its surroundings.
#[must_use]
pub fn is_needed(plan: &crate::logic::plan::Plan) -> bool {
    let of_stage =
        |stage: &Stage| stage.cache.is_some() || stage.steps.steps.iter().any(|it| it.cache.is_some());
    plan.playbook.stages.iter().any(of_stage) || plan.stages.iter().any(|stage| stage.cache.is_some())
}

/// Returns the units of which a look may put the log of a try into the folder of the job, before anybody has heard of it.
pub fn replayed_by(state: &JobState, key: AttemptKey) -> impl Iterator<Item = Unit> {
    let stage = state.cells.get(key.cell as usize).map(|it| it.stage);
    let of_cell = [None, Some(key.step)].map(|step| Unit { cell: key.cell, run: key.run, step });
    let is_cached = move |unit: &Unit| {
        let model = stage.map(|stage| &state.setting.plan.playbook.stages[stage as usize]);
        let has_step =
            unit.step.is_none_or(|step| model.is_some_and(|it| it.steps.steps.get(step as usize).is_some()));
        has_step && stage.is_some_and(|stage| rule(state, stage, unit.step).is_some())
    };
    of_cell.into_iter().filter(move |unit| key.attempt == 1 && is_cached(unit))
}

/// Returns how far the caching of a unit is; nothing if its cell has ended, or runs anew.
#[must_use]
pub fn phase(state: &JobState, unit: Unit) -> Option<CachePhase> {
    let it = state.cells.get(unit.cell as usize)?;
    if it.run != unit.run || matches!(it.phase, CellPhase::Finished { .. }) {
        return None;
    }
    let cached = match unit.step {
        Some(step) => &it.steps[step as usize].cached,
        None => &it.cached,
    };
    cached.as_ref().map(|cached| cached.phase)
}

/// Says whether a unit has to work, or is at work: nobody else may write its outputs.
#[must_use]
pub fn is_at_work(state: &JobState, unit: Unit) -> bool {
    let is_over = |step: u32| state.cells[unit.cell as usize].steps[step as usize].done().is_some();
    match phase(state, unit) {
        None | Some(CachePhase::Hit) => false,
        // Its result is still to be kept.
        Some(CachePhase::Missed) => true,
        Some(CachePhase::Over) => unit.step.is_none_or(|step| !is_over(step)),
    }
}

/// Returns all units that are at work.
#[must_use]
pub fn at_work(state: &JobState) -> Vec<Unit> {
    let units = (0u32..).zip(&state.cells).flat_map(|(cell, it)| {
        let steps = (0u32..).zip(&it.steps).map(|(step, _)| Some(step));
        std::iter::once(None).chain(steps).map(move |step| Unit { cell, run: it.run, step })
    });
    units.filter(|unit| is_at_work(state, *unit)).collect()
}
