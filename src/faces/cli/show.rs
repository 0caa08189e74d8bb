//! `jobs show`: stages, cells, tries, causes, times, and where the logs are.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::args::ShowArgs;
use super::list::{local_time, row_json, state, state_word};
use super::pick;
use super::table::Table;
use crate::engine::{JobRow, clock, library, logs, reports};
use crate::faces::caching;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::gates;
use crate::faces::out::Out;
use crate::faces::shares;
use crate::faces::signs::State;
use crate::faces::summary;
use crate::faces::waits;
use crate::faces::why::{earlier_tries, runs, step_words, why_cell, why_stage};
use crate::faces::words;
use crate::logic::job::event::{Cause, Outcome};
use crate::logic::job::report::AttemptKey;
use crate::logic::text::clean::written_out;
use crate::logic::text::shortened;
use crate::logic::time::Timestamp;
use crate::logic::view::{CellView, JobView, Phase, StageView, Tried};

/// Most cells of one stage that are listed for people.
const CELLS_SHOWN: usize = 50;

/// Runs the command.
///
/// # Errors
/// If there is no such job, or what is recorded of it cannot be read.
pub(super) fn show(context: &Context, args: &ShowArgs, out: &mut Out) -> Result<Ending, Failure> {
    let history = pick::history(context)?;
    let row = pick::job(context, &history, &args.job)?;
    let view = pick::view(&history, &row)?;
    if args.json {
        out.line(job_json(&row, &view).to_string());
    } else {
        print(context, out, &row, &view);
        print_gates(context, out, &row, &view);
        for warning in reports::warnings(&row.dir) {
            out.line(format!("warning: {}", written_out(&warning, false)));
        }
    }
    Ok(Ending::Success)
}

/// Says what people are asked, since when and until when, and how to answer.
fn print_gates(context: &Context, out: &mut Out, row: &JobRow, view: &JobView) {
    if !pick::is_live(row) {
        return;
    }
    let now = clock::now();
    for (gate, it) in view.waiting_gates() {
        let sign = out.paint.sign(State::NeedsYou);
        out.line("");
        out.line(format!("{sign} {} {}", view.gate_name(gate), gates::waits(it, now)));
        out.line(format!("  asks      {}", written_out(&it.opened.message, false)));
        out.line(format!("  since     {}", local_time(it.since)));
        if let Some(until) = it.opened.until {
            out.line(format!("  until     {}; {}", local_time(until), gates::after(it)));
        }
        if !it.opened.people.is_empty() {
            out.line(format!("  may       {}", it.opened.people.join(", ")));
        }
        if let Some(so_far) = gates::so_far(it) {
            out.line(format!("  so far    {so_far}"));
        }
        let (approve, reject) = gates::commands(&context.caller, row.number, view, gate);
        out.line(format!("  answer    {approve}"));
        out.line(format!("            {reject}"));
    }
}

/// Returns the open gates as programs read them.
pub(super) fn gates_json(view: &JobView) -> Json {
    view.waiting_gates()
        .map(|(gate, it)| {
            let approvals: Vec<Json> = it
                .approvals
                .iter()
                .map(|answer| json!({"by": answer.by, "claimed": answer.claimed, "note": answer.note}))
                .collect();
            let inputs: Vec<&str> = view
                .gate_model(gate)
                .map_or_else(Vec::new, |model| model.inputs.iter().map(|it| &*it.name).collect());
            json!({
                "gate": view.gate_name(gate),
                "message": it.opened.message,
                "approvers": it.opened.approvers,
                "people": it.opened.people,
                "count": it.opened.count,
                "approvals": approvals,
                "inputs": inputs,
                "since": it.since.rfc3339(),
                "until": it.opened.until.map(Timestamp::rfc3339),
                "on_timeout": it.opened.on_timeout,
            })
        })
        .collect()
}

fn span(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<Duration> {
    Some(to?.since(from?))
}

fn time_text(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    span(from, to).map_or_else(String::new, words::elapsed)
}

fn stage_time(stage: &StageView) -> String {
    stage.finished.and_then(|finished| stage.elapsed(finished)).map_or_else(String::new, words::elapsed)
}

/// Says whether nobody works on a job that has begun and not ended: what looks as if it ran does not.
fn is_interrupted(row: &JobRow) -> bool {
    pick::is_live(row) && row.state == INTERRUPTED
}

const INTERRUPTED: &str = "interrupted";

/// Returns the word for where a part of a job stands, and its sign.
fn stands(
    row: &JobRow,
    view: &JobView,
    phase: Phase,
    cause: Option<&Cause>,
    state: State,
) -> (&'static str, State) {
    match phase {
        Phase::Running | Phase::Stopping if is_interrupted(row) => (INTERRUPTED, State::Cancelled),
        phase => (words::standing(view, phase, cause), state.within(view)),
    }
}

/// Returns that word for programs, which find a freeze at the job.
fn phase_word(row: &JobRow, phase: Phase) -> &'static str {
    match phase {
        Phase::Running | Phase::Stopping if is_interrupted(row) => INTERRUPTED,
        phase => words::phase(phase, None),
    }
}

/// Says why a job was interrupted, and what can be done about it.
fn interrupted_rows(context: &Context, row: &JobRow, facts: &mut Table) {
    let command = |verb: &str| context.command(&format!("jobs {verb} {}", row.number));
    let why = match &row.gave_up {
        Some(why) => format!("its engine gave it up: {why}"),
        None if row.goes_on => "the process that ran it is gone".to_owned(),
        None => "the process that ran it is gone, and what it ran was stopped".to_owned(),
    };
    facts.row(["  because".to_owned(), why]);
    facts.row(["  go on".to_owned(), command("recover")]);
    facts.row(["  end it".to_owned(), command("cancel")]);
}

fn print(context: &Context, out: &mut Out, row: &JobRow, view: &JobView) {
    let is_over = !pick::is_live(row);
    let mark = out.paint.sign(if is_over { State::of_job(view) } else { state(row) });
    let head = if is_over {
        summary::final_line(view, row.number)
    } else {
        let counts = summary::counts(view, &view.stage_counts, "stage");
        // Nothing of it runs without its engine.
        let counts = if is_interrupted(row) { counts.replace(" running", " interrupted") } else { counts };
        format!("job #{} {}: {counts}", row.number, state_word(row))
    };
    out.line(format!("{mark} {head}"));
    facts(context, row, view, is_over).print(out);
    out.line("");
    stages(out, row, view).print(out);
    if !view.outputs.is_empty() {
        out.line("");
        for (name, value) in &view.outputs {
            out.line(format!("output {name} = {}", shortened(value, 100)));
        }
    }
}

/// What is to be said about the job as a whole.
fn facts(context: &Context, row: &JobRow, view: &JobView, is_over: bool) -> Table {
    let mut facts = Table::default();
    facts.row(["  name".to_owned(), row.name.clone()]);
    if let Some(title) = &row.title {
        facts.row(["  title".to_owned(), shortened(title, 200)]);
    }
    facts.row(["  playbook".to_owned(), library::shown(&context.project.root, Path::new(&row.playbook))]);
    let started = local_time(row.started);
    facts.row(["  started".to_owned(), format!("{started} by {}", row.actor)]);
    facts.row(["  id".to_owned(), row.id.to_string()]);
    facts.row(["  logs".to_owned(), row.dir.display().to_string()]);
    if let Some(number) = row.retry_of {
        facts.row(["  retry of".to_owned(), format!("#{number}, with other inputs")]);
    }
    if view.attempt > 1 {
        let now = if row.owner_alive { clock::now() } else { view.at };
        let last = view.since_retry(now).map_or_else(String::new, words::elapsed);
        let whole = words::elapsed(view.elapsed(now));
        facts.row(["  attempts".to_owned(), format!("{}, {whole} together, the last {last}", view.attempt)]);
    }
    if let (Some(cause), true) = (&view.cause, !pick::is_live(row)) {
        facts.row(["  because".to_owned(), words::cause(cause, view)]);
    }
    if is_interrupted(row) {
        interrupted_rows(context, row, &mut facts);
    }
    if let Some(by) = &view.paused {
        let word = if view.is_frozen() { "  frozen" } else { "  paused" };
        facts.row([word.to_owned(), format!("by {by}")]);
    }
    if let Some(waits) = shares::of_job(view).filter(|_| !is_over) {
        facts.row(["  waits for".to_owned(), waits]);
    }
    facts
}

/// The stages with their cells.
fn stages(out: &Out, row: &JobRow, view: &JobView) -> Table {
    let mut table = Table::default();
    for (at, stage) in (0u32..).zip(&view.stages) {
        let single = stage.cells.len() == 1 && view.cells[stage.cells[0] as usize].label.is_empty();
        let why = match (&stage.cause, single) {
            (_, true) => failed_why(view, stage.cells[0]),
            (Some(cause), _) if stage.cells.is_empty() => words::cause(cause, view),
            _ if stage.cells.len() > 1 => summary::counts(view, &stage.counts, "cell"),
            _ => String::new(),
        };
        let (word, sign) = stands(row, view, stage.phase, stage.cause.as_ref(), State::of_stage(stage));
        table.marked(
            out.paint.sign(sign),
            1,
            [view.stage_name(at).to_owned(), word.to_owned(), stage_time(stage), why],
        );
        if single {
            continue;
        }
        for &cell in stage.cells.iter().take(CELLS_SHOWN) {
            let it = &view.cells[cell as usize];
            let (word, sign) = stands(row, view, it.phase, it.cause.as_ref(), State::of_cell(it));
            let mark = format!("  {}", out.paint.sign(sign));
            let time = time_text(it.started, it.finished);
            table.marked(mark, 3, [view.cell_name(cell), word.to_owned(), time, failed_why(view, cell)]);
        }
        if stage.cells.len() > CELLS_SHOWN {
            let more = format!("and {} more; --json lists them all", stage.cells.len() - CELLS_SHOWN);
            table.marked(" ".to_owned(), 1, [more]);
        }
    }
    table
}

/// Says why a cell did not pass, what the cache had to do with it, how often it was run, and which tries its steps needed.
fn failed_why(view: &JobView, cell: u32) -> String {
    let it = &view.cells[cell as usize];
    let mut parts: Vec<String> = Vec::new();
    if it.phase.outcome() != Some(Outcome::Success) {
        parts.extend(why_cell(view, cell));
        let before = view.first_failed(cell).and_then(|step| earlier_tries(view, cell, step));
        parts.extend(before.map(|before| format!("before that {before}")));
    } else if let Some((step, state)) = (0u32..).zip(&it.steps).find(|(_, step)| step.attempt > 1) {
        let before = earlier_tries(view, cell, step).map_or_else(String::new, |it| format!(": {it}, passed"));
        parts.push(format!("{} took {} attempts{before}", step_words(view, cell, step), state.attempt));
    }
    if it.run > 1 {
        parts.push(runs(view, cell));
    }
    if let Some((step, wait)) = waits::of_step(view, cell) {
        parts.push(format!("{} {}", step_words(view, cell, step), wait.told()));
    }
    match &it.cache {
        Some(cache) => parts.push(caching::told_in_list(cache)),
        None => parts.extend(caching::missed_in_list(view, cell)),
    }
    parts.join("; ")
}

fn job_json(row: &JobRow, view: &JobView) -> Json {
    let mut object = row_json(row);
    object["attempt"] = view.attempt.into();
    object["gave_up"] = row.gave_up.clone().into();
    object["rescued"] = view.rescued.into();
    object["rolled_back"] = is_rolled_back(view.cause.as_ref()).into();
    object["cause"] = cause_json(view.cause.as_ref(), view);
    object["seconds"] = view.worked.finished.map(|finished| view.elapsed(finished).as_secs_f64()).into();
    object["attempt_seconds"] = seconds(view.worked.started, view.worked.finished);
    object["outputs"] = pairs(&view.outputs);
    object["warnings"] = reports::warnings(&row.dir).into();
    object["gates"] = gates_json(view);
    object["stages"] = (0u32..)
        .zip(&view.stages)
        .map(|(at, stage)| {
            json!({
                "stage": view.stage_name(at),
                "state": phase_word(row, stage.phase),
                "outcome": stage.phase.outcome().map(Outcome::word),
                "cause": why_stage(view, at),
                "rolled_back": is_rolled_back(stage.cause.as_ref()),
                "seconds": stage.finished.and_then(|finished| stage.elapsed(finished)).map(|it| it.as_secs_f64()),
                "cells": stage.cells.iter().map(|&cell| cell_json(row, view, cell)).collect::<Vec<_>>(),
            })
        })
        .collect();
    object
}

fn is_rolled_back(cause: Option<&Cause>) -> bool {
    matches!(cause, Some(Cause::RolledBack { .. }))
}

fn cell_json(row: &JobRow, view: &JobView, cell: u32) -> Json {
    let it = &view.cells[cell as usize];
    let steps: Vec<Json> =
        (0u32..).zip(&it.steps).map(|(step, _)| step_json(row, view, it, (cell, step))).collect();
    json!({
        "id": &*it.id,
        "address": view.cell_name(cell),
        "matrix": it.matrix,
        "run": it.run,
        "state": phase_word(row, it.phase),
        "outcome": it.phase.outcome().map(Outcome::word),
        "cause": it.cause.as_ref().and_then(|_| why_cell(view, cell)),
        "rolled_back": is_rolled_back(it.cause.as_ref()),
        "seconds": seconds(it.started, it.finished),
        "outputs": pairs(&it.outputs),
        "cache": it.cache.as_ref().map(caching::json),
        "steps": steps,
    })
}

fn step_json(row: &JobRow, view: &JobView, it: &CellView, (cell, step): (u32, u32)) -> Json {
    let state = &it.steps[step as usize];
    let earlier: Vec<Json> = view.earlier_tries(cell, step).map(|it| tried_json(view, it)).collect();
    let log = logs::path(&row.dir, AttemptKey { cell, run: it.run, step, attempt: state.attempt.max(1) });
    json!({
        "step": view.step_name(cell, step),
        "state": phase_word(row, state.phase),
        "outcome": state.phase.outcome().map(Outcome::word),
        "conclusion": state.conclusion.map(Outcome::word),
        "attempt": state.attempt,
        "rescued": state.rescued,
        "cause": cause_json(state.cause.as_ref(), view),
        "cache": state.cache.as_ref().map(caching::json),
        "earlier": earlier,
        "seconds": seconds(state.started, state.finished),
        "log": (state.log_bytes > 0).then(|| log.display().to_string()),
        "log_bytes": state.log_bytes,
    })
}

fn tried_json(view: &JobView, (attempt, tried): (u32, &Tried)) -> Json {
    json!({
        "attempt": attempt,
        "outcome": tried.outcome.word(),
        "cause": cause_json(tried.cause.as_ref(), view),
        "seconds": tried.took.map(|it| it.as_secs_f64()),
    })
}

fn seconds(from: Option<Timestamp>, to: Option<Timestamp>) -> Json {
    span(from, to).map_or(Json::Null, |span| span.as_secs_f64().into())
}

fn cause_json(cause: Option<&Cause>, view: &JobView) -> Json {
    cause.map_or(Json::Null, |cause| words::cause(cause, view).into())
}

fn pairs(pairs: &[(std::sync::Arc<str>, std::sync::Arc<str>)]) -> Json {
    Json::Object(
        pairs.iter().map(|(name, value)| (name.to_string(), Json::from(&**value))).collect::<Map<_, _>>(),
    )
}
