//! From the story of a job to its summary.
//!
//! Not here: the longest chain, bottlenecks and slots (`path.rs`), the table of a matrix (`grid.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::model::{
    Answer, Artifact, CacheLine, CacheTotals, Cell, Counts, Failure, Gate, Job, Note, Order, Pairs, Retried,
    SCHEMA, Stage, Step, Summary, Variable, Waits, Written,
};
use super::story::{Cached, Story};
use super::{grid, path};
use crate::logic::job::event::Outcome;
use crate::logic::job::gate::{GateEnd, GatePlace, GateState, OnTimeout, text_of};
use crate::logic::job::launch::log_path;
use crate::logic::job::order::Target;
use crate::logic::job::report::{AttemptKey, End};
use crate::logic::time::Timestamp;
use crate::logic::value::Value;
use crate::logic::view::{ArtifactView, CellView, JobView, Phase, StepView};
use crate::logic::why::{earlier_tries, runs, step_failure, step_title, why_cell, why_stage};
use crate::logic::words;

/// So many failures come with the end of their output.
pub const FAILURES_WITH_LINES: usize = 20;
/// So many are told at all; the stages tell the rest.
const FAILURES: usize = 200;

/// What a summary tells that no event does.
pub struct About<'a> {
    pub number: u64,
    pub id: &'a str,
    pub name: &'a str,
    pub playbook: &'a str,
    pub actor: &'a str,
    pub retry_of: Option<u64>,
    pub slots: u32,
    pub inputs: &'a Value,
    pub vars: &'a Value,
    /// What holds the value of a secret: `inputs.NAME` or `vars.NAME`.
    pub hidden: &'a [String],
    /// Returns the last lines that a try printed, made safe to print, and whether there are more before them.
    pub tail: &'a dyn Fn(AttemptKey) -> (Vec<String>, bool),
    /// The time at which it is told.
    pub now: Timestamp,
}

impl Summary {
    /// Makes the summary of a job, ended or not.
    #[must_use]
    pub fn of(story: &Story, about: &About<'_>) -> Self {
        let view = &story.view;
        let mut notes: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for (key, _) in &view.annotations {
            *notes.entry((key.cell, key.step)).or_default() += 1;
        }
        let stages: Vec<Stage> = (0u32..).zip(&view.stages).map(|(at, _)| stage(story, &notes, at)).collect();
        let slots = path::slots(&stages, about.slots, view.elapsed(about.now));
        Self {
            schema: SCHEMA,
            job: job(view, about),
            counts: counts(view, &stages),
            failures: failures(view, &stages, about),
            critical_path: path::critical(&stages),
            slowest: path::slowest(&stages),
            longest_waits: path::longest_waits(&stages),
            slots,
            cache: cache_totals(&stages),
            retries: retries(view),
            gates: (0u32..).zip(&view.gates).map(|(at, it)| gate(story, at, it)).collect(),
            orders: story.orders.iter().map(|it| order(view, it)).collect(),
            annotations: annotations(view),
            annotations_left_out: view.annotation_count - view.annotations.len(),
            artifacts: view.artifacts.published.values().map(|it| artifact(view, it, about.now)).collect(),
            variables: variables(view, about),
            texts: texts(view),
            stages,
        }
    }
}

fn job(view: &JobView, about: &About<'_>) -> Job {
    Job {
        number: about.number,
        id: about.id.to_owned(),
        name: about.name.to_owned(),
        playbook: about.playbook.to_owned(),
        actor: about.actor.to_owned(),
        state: words::phase(view.phase, view.cause.as_ref()),
        outcome: view.phase.outcome(),
        phase: view.phase,
        cause: view.cause.as_ref().map(|cause| words::cause(cause, view)),
        rescued: view.rescued,
        attempt: view.attempt,
        retry_of: about.retry_of,
        started: view.begun,
        finished: view.phase.outcome().and(view.worked.finished),
        took: view.elapsed(about.now),
        outputs: view.outputs.clone(),
        survivors: view.survivors.clone(),
    }
}

fn stage(story: &Story, notes: &BTreeMap<(u32, u32), u32>, at: u32) -> Stage {
    let view = &story.view;
    let it = &view.stages[at as usize];
    let model = &view.playbook.stages[at as usize];
    let mut cells: Vec<Cell> = it.cells.iter().map(|&number| cell(story, notes, number)).collect();
    if let [only] = &mut cells[..] {
        // Who is asked before a stage holds up all of its cells; of a single one it is told.
        only.waits.people += story.asked_before(at);
    }
    Stage {
        id: model.id.to_string(),
        state: words::phase(it.phase, it.cause.as_ref()),
        outcome: it.phase.outcome(),
        phase: it.phase,
        result: it.result,
        cause: why_stage(view, at),
        is_final: model.is_final,
        needs: model.needs.iter().map(|&need| view.playbook.stages[need].id.to_string()).collect(),
        started: it.started,
        finished: it.finished,
        took: it.finished.and_then(|finished| it.elapsed(finished)),
        outputs: stage_outputs(view, at),
        caller: view.caller(at).map(|(caller, _)| caller as usize),
        calls: !view.called(at).is_empty(),
        frame: model.frame,
        after: model.needs.clone(),
        grid: grid::of(&cells),
        cells,
    }
}

/// Outputs of all cells by position; an empty text never overwrites a value.
fn stage_outputs(view: &JobView, stage: u32) -> Pairs {
    let here = |it: &&GateState| it.opened.place == GatePlace::Stage(stage);
    let mut merged: Pairs = view.gates.iter().rev().find(here).map_or_else(Vec::new, GateState::outputs);
    for &cell in &view.stages[stage as usize].cells {
        for (name, value) in &view.cells[cell as usize].outputs {
            match merged.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) if !value.is_empty() => known.clone_from(value),
                Some(_) => {}
                None => merged.push((name.clone(), value.clone())),
            }
        }
    }
    merged
}

fn cell(story: &Story, notes: &BTreeMap<(u32, u32), u32>, at: u32) -> Cell {
    let view = &story.view;
    let it = &view.cells[at as usize];
    let steps = (0u32..)
        .zip(&it.steps)
        .filter(|(number, state)| {
            let is_undo = view.plan_step(at, *number).is_some_and(|step| step.undoes.is_some());
            !is_undo || state.phase != Phase::Waiting
        })
        .map(|(number, state)| step(story, notes, it, (at, number, state)))
        .collect();
    Cell {
        address: view.cell_name(at),
        id: it.id.to_string(),
        matrix: it.matrix.clone(),
        label: it.label.to_string(),
        run: it.run,
        state: words::phase(it.phase, it.cause.as_ref()),
        outcome: it.phase.outcome(),
        phase: it.phase,
        result: it.result,
        cause: it.cause.as_ref().and_then(|_| why_cell(view, at)),
        started: it.started,
        finished: it.finished,
        took: it.started.zip(it.finished).map(|(from, to)| to.since(from)),
        waits: waits(story, at, it),
        outputs: it.outputs.clone(),
        cache: story.cached.get(&(at, None)).map(cache_line),
        survivors: it.survivors.clone(),
        steps,
    }
}

fn waits(story: &Story, at: u32, it: &CellView) -> Waits {
    let Some(known) = story.cells.get(at as usize) else { return Waits::default() };
    let people = story.asked_in(at);
    let before = known.ready.zip(it.started).map_or(Duration::ZERO, |(ready, started)| started.since(ready));
    Waits {
        slot: before.saturating_sub(known.for_shares),
        shared: known.for_shares,
        people,
        retry: known.for_retries,
    }
}

fn step(
    story: &Story,
    notes: &BTreeMap<(u32, u32), u32>,
    cell: &CellView,
    (at, number, state): (u32, u32, &StepView),
) -> Step {
    let view = &story.view;
    let ended = story.ends.get(&(at, number));
    let usage = ended.map(|it| it.usage).unwrap_or_default();
    let key = AttemptKey { cell: at, run: cell.run, step: number, attempt: state.attempt.max(1) };
    let end = ended.and_then(|it| it.end);
    Step {
        number: number + 1,
        step: view.step_name(at, number),
        title: step_title(view, at, number),
        state: words::phase(state.phase, state.cause.as_ref()),
        outcome: state.phase.outcome(),
        phase: state.phase,
        conclusion: state.conclusion,
        cause: state.cause.as_ref().map(|cause| words::cause(cause, view)),
        is_list: view.is_block(at, number),
        rescued: state.rescued,
        attempts: state.attempt,
        earlier: view.earlier_tries(at, number).map(|(_, tried)| words::tried(tried, view)).collect(),
        started: state.started,
        finished: state.finished,
        took: state.started.zip(state.finished).map(|(from, to)| to.since(from)),
        exit_code: end.and_then(|end| if let End::Code(code) = end { Some(code) } else { None }),
        signal: end.and_then(|end| if let End::Signal(signal) = end { Some(signal) } else { None }),
        user_seconds: Duration::from_micros(usage.user_us),
        system_seconds: Duration::from_micros(usage.system_us),
        max_rss_kib: usage.max_rss_kib,
        left_running: ended.map_or(0, |it| it.left_running),
        log_bytes: state.log_bytes,
        log: (state.log_bytes > 0).then(|| log_path(key)),
        annotations: notes.get(&(at, number)).copied().unwrap_or(0),
        cache: story.cached.get(&(at, Some(number))).map(cache_line),
        outputs: ended.map_or_else(Vec::new, |it| it.outputs.clone()),
    }
}

fn cache_line(cached: &Cached) -> CacheLine {
    let (decision, reason, saved) = match cached {
        Cached::Hit { saved } => ("hit", None, *saved),
        Cached::Miss { reason, .. } => ("miss", Some(reason.clone()), None),
        Cached::Stored { reason, .. } => ("stored", Some(reason.clone()), None),
    };
    let is_first =
        matches!(cached, Cached::Miss { is_first: true, .. } | Cached::Stored { is_first: true, .. });
    CacheLine { decision, reason, is_first, saved }
}

fn cache_totals(stages: &[Stage]) -> CacheTotals {
    let cells = || stages.iter().flat_map(|stage| &stage.cells);
    let lines = cells()
        .filter_map(|cell| cell.cache.as_ref())
        .chain(cells().flat_map(|cell| &cell.steps).filter_map(|step| step.cache.as_ref()));
    let mut totals = CacheTotals::default();
    for line in lines {
        match line.decision {
            "hit" => totals.hits += 1,
            decision => {
                totals.misses += 1;
                totals.stored += usize::from(decision == "stored");
            }
        }
        totals.saved += line.saved.unwrap_or_default();
    }
    totals
}

fn counts(view: &JobView, stages: &[Stage]) -> Counts {
    let mut counts = Counts { tries: view.attempts.len(), ..Counts::default() };
    for stage in stages {
        counts.stages.add(stage.phase);
        for cell in &stage.cells {
            counts.cells.add(cell.phase);
            cell.steps.iter().filter(|step| !step.is_list).for_each(|step| counts.steps.add(step.phase));
        }
    }
    counts
}

fn failures(view: &JobView, stages: &[Stage], about: &About<'_>) -> Vec<Failure> {
    let mut found: Vec<Failure> = Vec::new();
    let mut told: Vec<u32> = Vec::new();
    let place_of = |cell: u32| {
        let stage = view.cells[cell as usize].stage as usize;
        let at = view.stages[stage].cells.iter().position(|it| *it == cell)?;
        Some((stage, at))
    };
    for key in view.failed_steps().take(FAILURES) {
        let state = &view.cells[key.cell as usize].steps[key.step as usize];
        let (lines, is_cut) = match found.len() {
            ..FAILURES_WITH_LINES => (about.tail)(key),
            _ => (Vec::new(), false),
        };
        told.push(key.cell);
        found.push(Failure {
            place: view.cell_name(key.cell),
            at: place_of(key.cell),
            message: step_failure(view, key.cell, key.step, state.attempt, state.cause.as_ref()),
            lines,
            is_cut,
            log: (state.log_bytes > 0).then(|| log_path(key)),
        });
    }
    // What failed without a step that did: limits, gates, outputs that cannot be evaluated, matrices.
    let plain = |place: String, at, message: String| Failure {
        place,
        at,
        message,
        lines: Vec::new(),
        is_cut: false,
        log: None,
    };
    let failed = Some(Outcome::Failure);
    for (at, stage) in stages.iter().enumerate() {
        let own = view.stages[at].cells.iter().zip(&stage.cells).enumerate();
        for (nth, (number, cell)) in own.filter(|(_, (_, cell))| cell.outcome == failed) {
            if !told.contains(number) && found.len() < FAILURES {
                let message = cell.cause.clone().unwrap_or_else(|| cell.state.to_owned());
                found.push(plain(cell.address.clone(), Some((at, nth)), message));
            }
        }
        if stage.outcome == failed && !stage.cells.iter().any(|cell| cell.outcome == failed) {
            let message = stage.cause.clone().unwrap_or_else(|| stage.state.to_owned());
            found.push(plain(stage.id.clone(), None, message));
        }
    }
    if let (true, Some(cause)) =
        (found.is_empty() && view.phase == Phase::Done(Outcome::Failure), &view.cause)
    {
        found.push(plain(String::new(), None, words::cause(cause, view)));
    }
    found
}

fn retries(view: &JobView) -> Vec<Retried> {
    let mut found = Vec::new();
    for &at in view.stages.iter().flat_map(|stage| &stage.cells) {
        let it = &view.cells[at as usize];
        if it.run <= 1 && it.steps.iter().all(|state| state.attempt <= 1) {
            continue;
        }
        let name = view.cell_name(at);
        for (number, state) in (0u32..).zip(&it.steps).filter(|(_, state)| state.attempt > 1) {
            found.push(Retried {
                place: format!("{name}/{}", view.step_name(at, number)),
                tries: state.attempt,
                earlier: earlier_tries(view, at, number).unwrap_or_default(),
                state: words::phase(state.phase, state.cause.as_ref()),
            });
        }
        if it.run > 1 {
            found.push(Retried {
                place: name,
                tries: it.run,
                earlier: runs(view, at),
                state: words::phase(it.phase, it.cause.as_ref()),
            });
        }
    }
    found
}

fn gate(story: &Story, at: u32, it: &GateState) -> Gate {
    let view = &story.view;
    let mut answers: Vec<Answer> =
        it.approvals.iter().map(|one| Answer { who: one.who(), note: one.note.clone() }).collect();
    let state = match &it.end {
        None => "open",
        Some(GateEnd::Approved { .. }) => "approved",
        Some(GateEnd::Rejected(one)) => {
            answers.push(Answer { who: one.who(), note: one.note.clone() });
            "rejected"
        }
        Some(GateEnd::Expired { then, .. }) => match then {
            OnTimeout::Reject => "expired",
            OnTimeout::Approve => "expired, which lets through",
            OnTimeout::Skip => "expired, which skips",
        },
        Some(GateEnd::Withdrawn) => "withdrawn",
    };
    Gate {
        place: view.gate_name(at),
        message: it.opened.message.clone(),
        state,
        answers,
        opened: Some(it.since),
        took: story.closed.get(&at).map(|closed| closed.since(it.since)),
        inputs: it.values().unwrap_or_default().to_vec(),
    }
}

fn order(view: &JobView, it: &super::story::Ordered) -> Order {
    let target = match it.target {
        Target::Job => "the job".to_owned(),
        Target::Stage(stage) => view.stage_name(stage).to_owned(),
        Target::Cell(cell) => view.cell_name(cell),
    };
    Order { time: it.at, who: it.by.clone(), what: it.what, target }
}

fn annotations(view: &JobView) -> Vec<Note> {
    let note = |(key, note): &(AttemptKey, crate::logic::job::report::Annotation)| Note {
        cell: view.cell_name(key.cell),
        step: view.step_name(key.cell, key.step),
        level: note.level.clone(),
        title: note.title.clone(),
        message: note.message.clone(),
        file: note.file.clone(),
        line: note.line,
        column: note.column,
    };
    let mut notes: Vec<Note> = view.annotations.iter().map(note).collect();
    let rank = |note: &Note| match note.level.as_str() {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    };
    notes.sort_by_key(rank);
    notes
}

fn artifact(view: &JobView, it: &ArtifactView, now: Timestamp) -> Artifact {
    let artifact = &it.artifact;
    Artifact {
        name: artifact.name.to_string(),
        cell: view.cell_name(it.cell),
        run: it.run,
        files: artifact.files,
        bytes: artifact.bytes,
        digest: format!("sha256:{}", artifact.digest),
        until: artifact.until,
        expired: artifact.until <= now,
    }
}

/// Parts of names of values that nobody wants to read in a report.
const TELLING: [&str; 11] = [
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "api_key",
    "apikey",
    "api-key",
    "private_key",
    "private-key",
];

fn variables(view: &JobView, about: &About<'_>) -> Vec<Variable> {
    let mut all = Vec::new();
    let mut add = |kind, name: &str, value: String, is_hidden: bool| {
        let lower = name.to_lowercase();
        let masked = is_hidden || TELLING.iter().any(|word| lower.contains(word));
        let value = if masked { "***".to_owned() } else { value };
        all.push(Variable { kind, name: name.to_owned(), value, masked });
    };
    for (kind, context, values) in [("input", "inputs", about.inputs), ("var", "vars", about.vars)] {
        let Value::Object(values) = values else { continue };
        for (name, value) in values.iter() {
            let path = format!("{context}.{name}");
            let is_hidden = about.hidden.iter().any(|it| it.eq_ignore_ascii_case(&path));
            add(kind, name, text_of(&value.to_json()).to_string(), is_hidden);
        }
    }
    for (name, text) in &view.playbook.env {
        let source = text.template.source();
        // An expression that names a secret shows the name of the secret only, whatever the variable is called.
        add("env", name, source.to_owned(), false);
    }
    all
}

/// What steps wrote, in the order of the playbook; of a cell that was run again, what its last run wrote.
fn texts(view: &JobView) -> Vec<Written> {
    if view.summaries.is_empty() {
        return Vec::new();
    }
    // A stage that began anew has cells of its own.
    let shown: BTreeSet<u32> = view.stages.iter().flat_map(|stage| &stage.cells).copied().collect();
    let is_last =
        |key: &AttemptKey| view.cells.get(key.cell as usize).is_some_and(|cell| cell.run == key.run);
    let mut written: Vec<&(AttemptKey, String)> =
        view.summaries.iter().filter(|(key, _)| shown.contains(&key.cell) && is_last(key)).collect();
    written.sort_by_key(|(key, _)| (view.cells[key.cell as usize].stage, key.cell, key.step, key.attempt));
    written
        .into_iter()
        .map(|(key, text)| Written {
            cell: view.cell_name(key.cell),
            step: view.step_name(key.cell, key.step),
            markdown: text.clone(),
        })
        .collect()
}
