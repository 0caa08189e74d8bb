//! Artifacts of cells: when they are taken and published, under which names, and what came of it.
//!
//! Not here: files and the store (`engine/cache/artifacts`), names and plain data (`logic/artifact.rs`).
//! A cell takes before its first step, while it has its slot, or when it was given an earlier result, and publishes after its last one, before anything follows from
//! its end. All that a cell publishes is recorded at once, so others see all of it or nothing. What was published is part of
//! the state: a name belongs to the cell that published it, and a new run of that cell replaces it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cached::CachePhase;
use super::event::Event;
use super::progress::Pressure;
use super::scope::{JobScope, ListStatus, Standing, environment};
use super::state::{CellPhase, CellState, JobState, StepPhase};
use crate::logic::artifact::{
    Artifact, IfNone, Offer, Offered, Taken, Want, folder, name_pattern, name_problem,
};
use crate::logic::cache::Unit;
use crate::logic::plan::Plan;
use crate::logic::playbook::artifact::{ArtifactIn, ArtifactOut, Which};
use crate::logic::playbook::model::{Text, Workspace};
use crate::logic::text::{listed_names, near_miss};
use crate::logic::time::Timestamp;
use crate::logic::value::{Object, Value};

#[cfg(test)]
#[path = "artifacts_tests.rs"]
mod tests;

/// How far a run of a cell is with its artifacts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parcels {
    /// All that it takes is there.
    pub has_taken: bool,
    /// So many of those that it publishes are settled.
    pub settled: u32,
    /// Why it fails.
    pub trouble: Option<Arc<str>>,
}

/// An artifact of the job.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    pub artifact: Artifact,
    /// Who published it, and as which of its own.
    pub cell: u32,
    pub run: u32,
    pub out: u32,
}

/// What artifacts say about a cell that would go on.
pub(super) enum Ruling {
    Go,
    Wait,
    Say(Event),
    /// It has failed by them.
    End,
}

fn outs(state: &JobState, stage: u32) -> &[ArtifactOut] {
    state.setting.plan.playbook.stages[stage as usize].artifacts.as_deref().map_or(&[], |it| &it.out)
}

fn ins(state: &JobState, stage: u32) -> &[ArtifactIn] {
    state.setting.plan.playbook.stages[stage as usize].artifacts.as_deref().map_or(&[], |it| &it.into)
}

/// Says whether a stage takes or publishes anything, so that nothing of it is begun ahead, or behind it.
pub(super) fn has_any(state: &JobState, stage: u32) -> bool {
    state.setting.plan.playbook.stages[stage as usize].artifacts.is_some()
}

/// Says whether a cell may take its first step, and has that fetched which has to be there before.
pub(super) fn before_steps(state: &mut JobState, cell: u32, pressure: Pressure) -> Ruling {
    let it = &state.cells[cell as usize];
    if it.parcels.trouble.is_some() && it.steps.iter().all(|step| step.phase == StepPhase::Pending) {
        return Ruling::End;
    }
    if ins(state, it.stage).is_empty()
        || it.parcels.has_taken
        || pressure != Pressure::None
        || it.stop.is_some()
    {
        return Ruling::Go;
    }
    take(state, cell)
}

/// Says whether a cell that was given an earlier result may go on to its end, and has that fetched which is there after a run.
pub(super) fn before_replay(state: &mut JobState, cell: u32) -> Ruling {
    let it = &state.cells[cell as usize];
    if it.parcels.trouble.is_some() {
        return Ruling::End;
    }
    if ins(state, it.stage).is_empty() || it.parcels.has_taken {
        return Ruling::Go;
    }
    take(state, cell)
}

fn take(state: &mut JobState, cell: u32) -> Ruling {
    if state.paused.is_some() {
        return Ruling::Wait;
    }
    match wants(state, cell) {
        Ok(_) => {
            state.index.taking.insert(cell);
            Ruling::Wait
        }
        Err(message) => {
            Ruling::Say(Event::ArtifactsFailed { cell, run: state.cells[cell as usize].run, message })
        }
    }
}

/// Says whether a cell may end all of whose steps have passed, and has that published which is to be there after it.
pub(super) fn before_end(state: &mut JobState, cell: u32, failed: bool, pressure: Pressure) -> Ruling {
    let it = &state.cells[cell as usize];
    let all = outs(state, it.stage).len();
    let is_good = !failed && pressure == Pressure::None && it.stop.is_none() && it.survivors.is_empty();
    let is_over = it.parcels.settled as usize >= all || it.parcels.trouble.is_some();
    if is_over || !is_good || it.skip.is_some() {
        return Ruling::Go;
    }
    match offers(state, cell, Timestamp::default()) {
        Ok(_) => {
            state.index.giving.insert(cell);
            Ruling::Wait
        }
        Err(message) => Ruling::Say(Event::ArtifactsFailed { cell, run: it.run, message }),
    }
}

/// Returns what a cell is to publish at that time.
///
/// # Errors
/// What cannot be published, and why: a text that cannot be evaluated, or a name that is none or somebody else's.
pub fn offers(state: &JobState, cell: u32, now: Timestamp) -> Result<Vec<Offer>, String> {
    let it = &state.cells[cell as usize];
    let texts = Texts::new(state, cell, true)?;
    let hit = it.cached.as_deref().filter(|cached| cached.phase == CachePhase::Hit);
    let mut offers: Vec<Offer> = Vec::new();
    for (at, out) in outs(state, it.stage).iter().enumerate() {
        let name = texts.name(&out.name)?;
        if offers.iter().any(|known| *known.name == *name) && !out.overwrites {
            return Err(format!("two artifacts of it are called `{name}`; give each a name of its own"));
        }
        may_have(state, cell, &name, out.overwrites)?;
        let patterns = out.path.iter().map(|text| texts.eval(text)).collect::<Result<Vec<_>, _>>()?;
        offers.push(Offer {
            name: Arc::from(name),
            patterns,
            with_hidden: out.with_hidden,
            until: now.after(out.retention),
            kept: hit.map(|cached| cached.artifacts.get(at).cloned().flatten()),
        });
    }
    Ok(offers)
}

/// Says why a cell may not have a name: another one has it.
fn may_have(state: &JobState, cell: u32, name: &str, overwrites: bool) -> Result<(), String> {
    let Some(other) = state.artifacts.get(name).filter(|it| it.cell != cell && !overwrites) else {
        return Ok(());
    };
    let (own, theirs) = (&state.cells[cell as usize], &state.cells[other.cell as usize]);
    let way = match own.matrix.as_object().and_then(|it| it.keys().next()) {
        Some(axis) if own.stage == theirs.stage => {
            format!("put a value of the matrix into the name, such as `{name}-${{{{ matrix.{axis} }}}}`")
        }
        _ => "give it another name, or write `overwrite: true` to take its place".to_owned(),
    };
    Err(format!("the artifact `{name}` was already published by `{}`; {way}", state.cell_name(other.cell)))
}

/// Returns what a cell takes.
///
/// # Errors
/// What is not there, with what is.
pub fn wants(state: &JobState, cell: u32) -> Result<Vec<Want>, String> {
    let it = &state.cells[cell as usize];
    let texts = Texts::new(state, cell, false)?;
    let sources = sources(&state.setting.plan, it.stage);
    let visible = |published: &&Published| sources.contains(&state.cells[published.cell as usize].stage);
    let except = restored(state, cell)?;
    let mut wants = Vec::new();
    for taken in ins(state, it.stage) {
        let path = folder(&texts.eval(&taken.path)?)?;
        match &taken.which {
            Which::Name(text) => {
                let name = texts.name(text)?;
                let found = state.artifacts.get(&*name).filter(visible);
                let Some(found) = found else { return Err(missing(state, it, &name, &sources)) };
                wants.push(Want { artifact: found.artifact.clone(), folder: path, except: except.clone() });
            }
            Which::Pattern(text) => {
                let pattern = texts.eval(text)?;
                let matcher = name_pattern(&pattern)?;
                let before = wants.len();
                for published in state.artifacts.values().filter(visible) {
                    let name = &published.artifact.name;
                    if matcher.is_match(&**name) {
                        let folder = if taken.merge { path.clone() } else { below(&path, name) };
                        wants.push(Want {
                            artifact: published.artifact.clone(),
                            folder,
                            except: except.clone(),
                        });
                    }
                }
                if wants.len() == before {
                    return Err(missing(state, it, &pattern, &sources));
                }
            }
        }
    }
    Ok(wants)
}

/// Returns patterns of the files that an earlier result has brought: what the cell made of an artifact is not undone by it.
fn restored(state: &JobState, cell: u32) -> Result<Vec<String>, String> {
    let it = &state.cells[cell as usize];
    if !it.cached.as_deref().is_some_and(|cached| cached.phase == CachePhase::Hit) {
        return Ok(Vec::new());
    }
    let unit = Unit { cell, run: it.run, step: None };
    super::recipe::files(state, unit).map(|(_, outputs)| outputs).map_err(|error| error.message)
}

/// Says whether what a cell or a step of it makes may be kept as a result, so that what else lies in the folders of its
/// artifacts matters.
#[must_use]
pub fn is_cached(state: &JobState, cell: u32) -> bool {
    super::cached::has_cache(state, state.cells[cell as usize].stage)
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn missing(state: &JobState, it: &CellState, wanted: &str, sources: &BTreeSet<u32>) -> String {
    let of = |cell: u32| state.cells[cell as usize].stage;
    let stage = state.stage_name(it.stage);
    let elsewhere = state.artifacts.get(wanted).filter(|published| !sources.contains(&of(published.cell)));
    if let Some(other) = elsewhere {
        let by = state.cell_name(other.cell);
        return format!(
            "the artifact `{wanted}` was published by `{by}`, which `{stage}` does not need; add it to its `needs`"
        );
    }
    let there: Vec<&str> = state
        .artifacts
        .iter()
        .filter(|(_, published)| sources.contains(&of(published.cell)))
        .map(|(name, _)| &**name)
        .collect();
    let start = format!("there is no artifact `{wanted}` of the stages that `{stage}` needs");
    match near_miss(wanted, there.iter().copied()) {
        _ if there.is_empty() => format!("{start}, and no other one either"),
        Some(near) => format!("{start}; did you mean `{near}`?"),
        None => format!("{start}; there is {}", listed_names(&there, "and")),
    }
}

/// Returns the stages whose artifacts one sees: those that it needs, directly or through others, through calls and callers.
#[must_use]
pub fn sources(plan: &Plan, stage: u32) -> BTreeSet<u32> {
    let stages = &plan.playbook.stages;
    let mut found = BTreeSet::new();
    let mut todo = direct(plan, stage);
    while let Some(next) = todo.pop() {
        if !found.insert(next) {
            continue;
        }
        todo.extend(direct(plan, next));
        if stages[next as usize].call.is_some() {
            let frames = plan.frames.iter().filter(|frame| frame.caller == next);
            todo.extend(frames.flat_map(|frame| frame.members.iter().copied()));
        }
    }
    found.remove(&stage);
    found
}

/// What has to end before a stage begins: what it needs, what its caller needs, and before `finally` all the rest.
fn direct(plan: &Plan, stage: u32) -> Vec<u32> {
    let stages = &plan.playbook.stages;
    let model = &stages[stage as usize];
    let mut found: Vec<u32> = model.needs.iter().filter_map(|&need| u32::try_from(need).ok()).collect();
    for caller in plan.callers(stage) {
        found.extend(stages[caller as usize].needs.iter().filter_map(|&need| u32::try_from(need).ok()));
    }
    if model.is_final {
        let ordinary = (0u32..).zip(stages).filter(|(_, it)| it.frame == model.frame && !it.is_final);
        found.extend(ordinary.map(|(at, _)| at));
    }
    found
}

/// Evaluates texts of a cell.
struct Texts<'a>(JobScope<'a>);

impl<'a> Texts<'a> {
    fn new(state: &'a JobState, cell: u32, with_env: bool) -> Result<Self, String> {
        let standing = Standing::Cell { cell, step: None, status: ListStatus::default() };
        let scope = JobScope::new(state, standing);
        if with_env {
            let env = environment(state, cell, None).map_err(|error| error.message)?;
            let env: Object = env.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            scope.set("env", Value::object(env));
        }
        Ok(Self(scope))
    }

    fn eval(&self, text: &Text) -> Result<String, String> {
        text.template.eval_text(&self.0).map_err(|error| error.message)
    }

    fn name(&self, text: &Text) -> Result<String, String> {
        let name = self.eval(text)?;
        match name_problem(&name) {
            None => Ok(name),
            Some(why) => {
                Err(format!("`{}` names no artifact: what it comes to {why}", text.template.source()))
            }
        }
    }
}

/// Answers the report about taking.
pub(super) fn taken(
    state: &JobState,
    (cell, run): (u32, u32),
    outcome: &Result<Vec<Taken>, String>,
) -> Vec<Event> {
    if !is_open(state, cell, run) || !state.index.taking.contains(&cell) {
        return Vec::new();
    }
    vec![match outcome {
        Ok(taken) => Event::ArtifactsTaken { cell, run, taken: taken.clone() },
        Err(message) => Event::ArtifactsFailed { cell, run, message: message.clone() },
    }]
}

/// Answers the report about publishing.
pub(super) fn offered(
    state: &JobState,
    (cell, run): (u32, u32),
    outcome: &Result<Vec<Offered>, String>,
) -> Vec<Event> {
    if !is_open(state, cell, run) || !state.index.giving.contains(&cell) {
        return Vec::new();
    }
    judge(state, (cell, run), outcome)
        .unwrap_or_else(|message| vec![Event::ArtifactsFailed { cell, run, message }])
}

fn judge(
    state: &JobState,
    (cell, run): (u32, u32),
    outcome: &Result<Vec<Offered>, String>,
) -> Result<Vec<Event>, String> {
    let stage = state.cells[cell as usize].stage;
    // Somebody else may have taken a name meanwhile.
    let names = offers(state, cell, Timestamp::default())?;
    let mut events = Vec::new();
    for (at, ((out, offer), offered)) in
        (0u32..).zip(outs(state, stage).iter().zip(names).zip(outcome.as_ref().map_err(Clone::clone)?))
    {
        events.push(match offered {
            Offered::Whole(artifact) => {
                Event::ArtifactPublished { cell, run, out: at, artifact: Box::new(artifact.clone()) }
            }
            Offered::Nothing(message) if out.if_none == IfNone::Error => {
                return Err(format!("nothing is there for the artifact `{}`: {message}", offer.name));
            }
            Offered::Nothing(message) => Event::ArtifactEmpty {
                cell,
                run,
                out: at,
                name: offer.name,
                message: message.clone(),
                is_warning: out.if_none == IfNone::Warn,
            },
        });
    }
    Ok(events)
}

fn is_open(state: &JobState, cell: u32, run: u32) -> bool {
    state
        .cells
        .get(cell as usize)
        .is_some_and(|it| it.run == run && !matches!(it.phase, CellPhase::Finished { .. }))
}

/// Folds an event about artifacts.
pub(super) fn apply(state: &mut JobState, event: &Event) {
    let (Event::ArtifactsTaken { cell, run, .. }
    | Event::ArtifactPublished { cell, run, .. }
    | Event::ArtifactEmpty { cell, run, .. }
    | Event::ArtifactsFailed { cell, run, .. }) = event
    else {
        return;
    };
    if let Event::ArtifactPublished { out, artifact, .. } = event {
        let published = Published { artifact: (**artifact).clone(), cell: *cell, run: *run, out: *out };
        state.artifacts.insert(artifact.name.clone(), published);
    }
    let Some(it) = state.cells.get_mut(*cell as usize).filter(|it| it.run == *run) else { return };
    match event {
        Event::ArtifactsTaken { .. } => it.parcels.has_taken = true,
        Event::ArtifactsFailed { message, .. } => it.parcels.trouble = Some(Arc::from(message.as_str())),
        _ => it.parcels.settled += 1,
    }
    forget(state, *cell);
    state.index.attention.insert(*cell);
}

/// Goes on after the engine has died, and the machine perhaps with it: what was put into place may not have outlasted that.
/// So cells of which no step has begun take once more, which writes what is missing or different, and nothing else.
pub(super) fn recovered(state: &mut JobState) {
    for it in &mut state.cells {
        let is_hit = it.cached.as_deref().is_some_and(|cached| cached.phase == CachePhase::Hit);
        it.parcels.has_taken &= !is_hit && it.steps.iter().any(|step| step.attempt > 0);
    }
    super::apply::touch_all(state);
}

/// Forgets what a cell has asked for.
pub(super) fn forget(state: &mut JobState, cell: u32) {
    state.index.taking.remove(&cell);
    state.index.giving.remove(&cell);
}

/// Returns what a run of a cell has published, one place for each that it may publish.
#[must_use]
pub fn published(state: &JobState, cell: u32) -> Vec<Option<Artifact>> {
    let it = &state.cells[cell as usize];
    let own: BTreeMap<u32, &Artifact> = state
        .artifacts
        .values()
        .filter(|published| (published.cell, published.run) == (cell, it.run))
        .map(|published| (published.out, &published.artifact))
        .collect();
    let count = u32::try_from(outs(state, it.stage).len()).unwrap_or(u32::MAX);
    (0..count).map(|at| own.get(&at).map(|it| (*it).clone())).collect()
}

/// Returns the folder that paths of a cell's artifacts begin at: the project, or its own.
#[must_use]
pub fn base(state: &JobState, cell: u32) -> String {
    let it = &state.cells[cell as usize];
    let model = &state.setting.plan.playbook.stages[it.stage as usize];
    match model.workspace {
        Workspace::Shared => state.setting.root.to_string(),
        Workspace::Scratch => {
            format!("{}/{}", state.setting.dir, super::launch::scratch_path(cell, it.run))
        }
    }
}

/// Says whether a cell has failed by its artifacts.
pub(super) fn trouble(it: &CellState) -> Option<&Arc<str>> {
    it.parcels.trouble.as_ref()
}
