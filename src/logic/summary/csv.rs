//! A summary as CSV (RFC 4180): a row for each step, and one for each cell or stage that has none.
//!
//! Not here: escaping of texts, formulas of spreadsheets among them (`escape.rs`).

use std::time::Duration;

use super::escape::csv;
use super::model::{CacheLine, Cell, Stage, Step, Summary};
use crate::logic::job::event::Outcome;
use crate::logic::time::Timestamp;

const HEAD: &str = "job,stage,cell,step,title,state,outcome,conclusion,attempts,exit_code,signal,started,finished,seconds,\
                    waited_seconds,user_seconds,system_seconds,max_rss_kib,log_bytes,annotations,cache,cause,artifacts";

/// Returns the file.
pub(super) fn render(it: &Summary) -> String {
    let mut out = String::with_capacity(256 * (it.counts.steps.total() + 1));
    out.push_str(HEAD);
    out.push_str("\r\n");
    for stage in &it.stages {
        if stage.cells.is_empty() {
            of_stage(it.job.number, stage).onto(&mut out);
        }
        for cell in &stage.cells {
            if cell.steps.is_empty() {
                of_cell(it, stage, cell).onto(&mut out);
            }
            for step in &cell.steps {
                of_step(it, stage, cell, step).onto(&mut out);
            }
        }
    }
    out
}

/// Fields of one row, each as it stands in the file.
struct Row(Vec<String>);

impl Row {
    fn onto(self, out: &mut String) {
        out.push_str(&self.0.join(","));
        out.push_str("\r\n");
    }
}

fn of_stage(job: u64, stage: &Stage) -> Row {
    let mut row = vec![job.to_string(), csv(&stage.id), String::new(), String::new(), String::new()];
    row.extend(stands(stage.state, stage.outcome, stage.result));
    row.extend([String::new(), String::new(), String::new()]);
    row.extend(times(stage.started, stage.finished, stage.took, None));
    row.extend(std::iter::repeat_n(String::new(), 6));
    row.extend([text(stage.cause.as_deref()), String::new()]);
    Row(row)
}

fn of_cell(it: &Summary, stage: &Stage, cell: &Cell) -> Row {
    let mut row =
        vec![it.job.number.to_string(), csv(&stage.id), csv(&cell.address), String::new(), String::new()];
    row.extend(stands(cell.state, cell.outcome, cell.result));
    row.extend([String::new(), String::new(), String::new()]);
    row.extend(times(cell.started, cell.finished, cell.took, Some(cell.waits.total())));
    row.extend(std::iter::repeat_n(String::new(), 5));
    row.extend([cache(cell.cache.as_ref()), text(cell.cause.as_deref()), artifacts(it, cell)]);
    Row(row)
}

fn of_step(it: &Summary, stage: &Stage, cell: &Cell, step: &Step) -> Row {
    let mut row = vec![
        it.job.number.to_string(),
        csv(&stage.id),
        csv(&cell.address),
        csv(&step.step),
        csv(&step.title),
    ];
    row.extend(stands(step.state, step.outcome, step.conclusion));
    row.push(step.attempts.to_string());
    row.push(number(step.exit_code));
    row.push(number(step.signal));
    // What a cell waited for stands in the row of its first step, and what it published, too.
    let is_first = step.number == cell.steps.first().map_or(0, |it| it.number);
    let waited = is_first.then(|| cell.waits.total());
    row.extend(times(step.started, step.finished, step.took, waited));
    row.push(seconds(step.user_seconds));
    row.push(seconds(step.system_seconds));
    row.extend([step.max_rss_kib.to_string(), step.log_bytes.to_string(), step.annotations.to_string()]);
    row.push(cache(step.cache.as_ref().or(cell.cache.as_ref())));
    row.push(text(step.cause.as_deref()));
    row.push(if is_first { artifacts(it, cell) } else { String::new() });
    Row(row)
}

/// Names of the artifacts of a cell; `summary.json` has the rest of them.
fn artifacts(it: &Summary, cell: &Cell) -> String {
    let names = it.artifacts.iter().filter(|artifact| artifact.cell == cell.address);
    csv(&names.map(|artifact| &*artifact.name).collect::<Vec<_>>().join("; "))
}

fn stands(state: &str, outcome: Option<Outcome>, counts_as: Option<Outcome>) -> [String; 3] {
    let word = |it: Option<Outcome>| it.map_or_else(String::new, |it| it.word().to_owned());
    [state.to_owned(), word(outcome), word(counts_as)]
}

fn times(
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    took: Option<Duration>,
    waited: Option<Duration>,
) -> [String; 4] {
    let time = |it: Option<Timestamp>| it.map_or_else(String::new, Timestamp::rfc3339);
    let span = |it: Option<Duration>| it.map_or_else(String::new, seconds);
    [time(started), time(finished), span(took), span(waited)]
}

fn seconds(span: Duration) -> String {
    format!("{:.3}", span.as_secs_f64())
}

fn number(it: Option<i32>) -> String {
    it.map_or_else(String::new, |it| it.to_string())
}

fn cache(line: Option<&CacheLine>) -> String {
    line.map_or_else(String::new, |line| csv(&line.words()))
}

fn text(it: Option<&str>) -> String {
    it.map_or_else(String::new, csv)
}
