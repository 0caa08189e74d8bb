//! What a job came to in short: outcomes and outputs of the job, its stages, cells and steps, and its artifacts. The text of `result.json`.
//!
//! It is made at the end of every job, so it is made from the state that is at hand, without the story of the job, and written
//! without a tree of values: 500 cells take a fifth of a millisecond.
//! Not here: everything else about a job (`model.rs`).

use std::fmt::Write as _;
use std::sync::Arc;

use super::model::{Pairs, SCHEMA, Summary};
use crate::logic::job::event::Outcome;
use crate::logic::job::scope::merged_outputs;
use crate::logic::job::state::JobState;
use crate::logic::time::Timestamp;
use crate::logic::value::Value;

/// What is told of the job itself.
#[derive(Clone, Debug)]
pub struct Brief<'a> {
    pub number: u64,
    pub id: &'a str,
    pub name: &'a str,
    pub outcome: Option<Outcome>,
    pub attempt: u32,
    pub outputs: &'a [(Arc<str>, Arc<str>)],
}

impl Brief<'_> {
    /// Returns the text for a job in that state.
    #[must_use]
    pub fn of_state(&self, state: &JobState) -> String {
        let mut out = self.begin(state.cells.len());
        for (nth, it) in state.artifacts.values().enumerate() {
            let (own, cell) = (&it.artifact, state.cell_name(it.cell));
            let digest = format_args!("sha256:{}", own.digest);
            artifact(&mut out, nth, (&own.name, &cell, it.run), (own.files, own.bytes), digest, own.until);
        }
        begin_stages(&mut out);
        for (at, stage) in state.stages.iter().enumerate() {
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            begin_stage(&mut out, at, state.stage_name(place), stage.outcome(), stage.result());
            let has_outputs = stage.gate.is_some()
                || stage.cells.iter().any(|&cell| !state.cells[cell as usize].outputs.is_empty());
            match (has_outputs, has_outputs.then(|| merged_outputs(state, at))) {
                (true, Some(Value::Object(merged))) => {
                    let own = merged.iter().filter_map(|(name, value)| match value {
                        Value::String(text) => Some((name, &**text)),
                        _ => None,
                    });
                    outputs(&mut out, own);
                }
                _ => outputs(&mut out, [].into_iter()),
            }
            out.push_str(",\"cells\":{");
            for (nth, &number) in stage.cells.iter().enumerate() {
                let cell = &state.cells[number as usize];
                begin_cell(&mut out, nth, &state.cell_name(number), (&cell.id, &cell.matrix), cell.outcome());
                outputs(&mut out, cell.outputs.iter().map(|(name, value)| (&**name, &**value)));
                out.push_str(",\"steps\":{");
                let model = &state.setting.plan.playbook.stages[at].steps.steps;
                let mut is_first = true;
                for (number, step) in cell.steps.iter().enumerate() {
                    let Some(done) = step.done().filter(|done| !done.outputs.is_empty()) else { continue };
                    let id = model.get(number).and_then(|step| step.id.clone());
                    let name = id.map_or_else(|| (number + 1).to_string(), |id| id.to_string());
                    begin_step(&mut out, &mut is_first, &name, done.outcome, done.conclusion);
                    outputs(&mut out, done.outputs.iter().map(|(name, value)| (&**name, &**value)));
                    out.push('}');
                }
                out.push_str("}}");
            }
            out.push_str("}}");
        }
        out.push_str("}}\n");
        out
    }

    fn begin(&self, cells: usize) -> String {
        let mut out = String::with_capacity(512 + cells * 160);
        // Writing to a string cannot fail.
        let _written = write!(out, "{{\"schema\":{SCHEMA},\"job\":{},\"id\":", self.number);
        text(&mut out, self.id);
        out.push_str(",\"name\":");
        text(&mut out, self.name);
        outcome(&mut out, ",\"outcome\":", self.outcome);
        let _written = write!(out, ",\"attempt\":{}", self.attempt);
        out.push(',');
        outputs(&mut out, self.outputs.iter().map(|(name, value)| (&**name, &**value)));
        out.push_str(",\"artifacts\":{");
        out
    }
}

/// Returns the same for a job of which there is a summary.
#[must_use]
pub fn result(it: &Summary) -> String {
    let job = &it.job;
    let brief = Brief {
        number: job.number,
        id: &job.id,
        name: &job.name,
        outcome: job.outcome,
        attempt: job.attempt,
        outputs: &job.outputs,
    };
    let own = |out: &mut String, pairs: &Pairs| {
        outputs(out, pairs.iter().map(|(name, value)| (&**name, &**value)));
    };
    let mut out = brief.begin(it.counts.cells.total());
    for (nth, it) in it.artifacts.iter().enumerate() {
        let digest = format_args!("{}", it.digest);
        artifact(&mut out, nth, (&it.name, &it.cell, it.run), (it.files, it.bytes), digest, it.until);
    }
    begin_stages(&mut out);
    for (at, stage) in it.stages.iter().enumerate() {
        begin_stage(&mut out, at, &stage.id, stage.outcome, stage.result);
        own(&mut out, &stage.outputs);
        out.push_str(",\"cells\":{");
        for (nth, cell) in stage.cells.iter().enumerate() {
            begin_cell(&mut out, nth, &cell.address, (&cell.id, &cell.matrix), cell.outcome);
            own(&mut out, &cell.outputs);
            out.push_str(",\"steps\":{");
            let mut is_first = true;
            for step in cell.steps.iter().filter(|step| !step.outputs.is_empty()) {
                begin_step(&mut out, &mut is_first, &step.step, step.outcome, step.conclusion);
                own(&mut out, &step.outputs);
                out.push('}');
            }
            out.push_str("}}");
        }
        out.push_str("}}");
    }
    out.push_str("}}\n");
    out
}

/// Whether its time is over is not told: this is written once, and read long after.
fn artifact(
    out: &mut String,
    nth: usize,
    (name, cell, run): (&str, &str, u32),
    (files, bytes): (u32, u64),
    digest: std::fmt::Arguments<'_>,
    until: Timestamp,
) {
    out.push_str(if nth == 0 { "\n" } else { ",\n" });
    text(out, name);
    out.push_str(":{\"cell\":");
    text(out, cell);
    let _written = write!(
        out,
        ",\"run\":{run},\"files\":{files},\"bytes\":{bytes},\"digest\":\"{digest}\",\"until\":\"{}\"}}",
        until.rfc3339()
    );
}

fn begin_stages(out: &mut String) {
    out.push_str("},\"stages\":{");
}

/// Each stage begins a line, so that people find it.
fn begin_stage(out: &mut String, nth: usize, name: &str, own: Option<Outcome>, counts_as: Option<Outcome>) {
    out.push_str(if nth == 0 { "\n" } else { ",\n" });
    text(out, name);
    outcome(out, ":{\"outcome\":", own);
    outcome(out, ",\"result\":", counts_as);
    out.push(',');
}

fn begin_cell(
    out: &mut String,
    nth: usize,
    name: &str,
    (id, matrix): (&str, &serde_json::Value),
    own: Option<Outcome>,
) {
    out.push_str(if nth == 0 { "" } else { ",\n" });
    text(out, name);
    out.push_str(":{\"id\":");
    text(out, id);
    if matrix.is_null() {
        out.push_str(",\"matrix\":null");
    } else {
        let _written = write!(out, ",\"matrix\":{matrix}");
    }
    outcome(out, ",\"outcome\":", own);
    out.push(',');
}

fn begin_step(
    out: &mut String,
    is_first: &mut bool,
    name: &str,
    own: Option<Outcome>,
    counts_as: Option<Outcome>,
) {
    out.push_str(if std::mem::take(is_first) { "" } else { "," });
    text(out, name);
    outcome(out, ":{\"outcome\":", own);
    outcome(out, ",\"conclusion\":", counts_as);
    out.push(',');
}

fn outcome(out: &mut String, before: &str, it: Option<Outcome>) {
    out.push_str(before);
    match it {
        Some(it) => {
            out.push('"');
            out.push_str(it.word());
            out.push('"');
        }
        None => out.push_str("null"),
    }
}

fn outputs<'a>(out: &mut String, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push_str("\"outputs\":{");
    for (nth, (name, value)) in pairs.enumerate() {
        out.push_str(if nth == 0 { "" } else { "," });
        text(out, name);
        out.push(':');
        text(out, value);
    }
    out.push('}');
}

/// Appends a text of JSON.
fn text(out: &mut String, text: &str) {
    let is_plain = |b: u8| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\';
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        let _written = write!(out, "{}", serde_json::Value::from(text));
    }
}
