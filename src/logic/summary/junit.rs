//! A summary as JUnit XML: a suite for each stage, a case for each step, and one for a cell or stage that failed or was left
//! out without a step that tells.
//!
//! Shape: what Jenkins and GitLab read. A cancelled step is skipped, with the reason, for it proves nothing; a step that
//! could not be run at all is an error, one that ran and failed a failure.
//! Not here: escaping (`escape.rs`).

use std::fmt::Write as _;
use std::time::Duration;

use super::escape::{one_line, visible, xml};
use super::model::{Artifact, Cell, Failure, Stage, Step, Summary};
use crate::logic::job::event::Outcome;
use crate::logic::text::{bytes_text, plural};

/// Returns the file.
pub(super) fn render(it: &Summary) -> String {
    let suites: Vec<Suite> = it.stages.iter().enumerate().map(|(at, stage)| suite(it, at, stage)).collect();
    let all = |count: fn(&Suite) -> usize| suites.iter().map(count).sum::<usize>();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail, here and below.
    let _written = writeln!(
        out,
        "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{}\">",
        xml(&it.job.name),
        all(|suite| suite.cases.len()),
        all(|suite| suite.count(Kind::Failure)),
        all(|suite| suite.count(Kind::Error)),
        seconds(it.job.took)
    );
    for suite in &suites {
        suite.onto(&mut out);
    }
    out.push_str("</testsuites>\n");
    out
}

struct Suite {
    name: String,
    id: usize,
    timestamp: Option<String>,
    took: Duration,
    properties: Vec<(String, String)>,
    cases: Vec<Case>,
}

struct Case {
    class: String,
    name: String,
    took: Duration,
    came_to: Option<(Kind, String, String)>,
    out: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failure,
    Error,
    Skipped,
}

impl Suite {
    fn count(&self, kind: Kind) -> usize {
        self.cases.iter().filter(|case| case.came_to.as_ref().is_some_and(|(own, ..)| *own == kind)).count()
    }

    fn onto(&self, out: &mut String) {
        let _written = write!(
            out,
            "  <testsuite name=\"{}\" id=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
            xml(&self.name),
            self.id,
            self.cases.len(),
            self.count(Kind::Failure),
            self.count(Kind::Error),
            self.count(Kind::Skipped),
            seconds(self.took)
        );
        if let Some(at) = &self.timestamp {
            let _written = write!(out, " timestamp=\"{at}\"");
        }
        out.push_str(">\n");
        if !self.properties.is_empty() {
            out.push_str("    <properties>\n");
            for (name, value) in &self.properties {
                let _written =
                    writeln!(out, "      <property name=\"{}\" value=\"{}\"/>", xml(name), xml(value));
            }
            out.push_str("    </properties>\n");
        }
        self.cases.iter().for_each(|case| case.onto(out));
        out.push_str("  </testsuite>\n");
    }
}

impl Case {
    fn onto(&self, out: &mut String) {
        let _written = write!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
            xml(&self.class),
            xml(&self.name),
            seconds(self.took)
        );
        if self.came_to.is_none() && self.out.is_empty() {
            out.push_str("/>\n");
            return;
        }
        out.push_str(">\n");
        if let Some((kind, message, body)) = &self.came_to {
            let element = match kind {
                Kind::Failure => "failure",
                Kind::Error => "error",
                Kind::Skipped => "skipped",
            };
            let _written = write!(out, "      <{element} message=\"{}\"", xml(&one_line(message)));
            if *kind == Kind::Skipped {
                out.push_str("/>\n");
            } else {
                let _written = writeln!(out, " type=\"{element}\">{}</{element}>", xml(body));
            }
        }
        if !self.out.is_empty() {
            let _written = writeln!(out, "      <system-out>{}</system-out>", xml(&self.out));
        }
        out.push_str("    </testcase>\n");
    }
}

fn suite(it: &Summary, at: usize, stage: &Stage) -> Suite {
    let mut cases = Vec::new();
    for (nth, cell) in stage.cells.iter().enumerate() {
        let failure = it.failures.iter().find(|failure| failure.at == Some((at, nth)));
        let own: Vec<Case> =
            cell.steps.iter().filter(|step| !step.is_list).map(|step| case(cell, step, failure)).collect();
        let tells = |kind| own.iter().any(|case| case.came_to.as_ref().is_some_and(|(own, ..)| *own == kind));
        let is_told = match cell.outcome {
            Some(Outcome::Success) => true,
            Some(Outcome::Failure) => tells(Kind::Failure) || tells(Kind::Error),
            _ => tells(Kind::Skipped),
        };
        let is_empty = own.is_empty();
        cases.extend(own);
        if is_empty || !is_told {
            let why = cell.cause.as_deref().unwrap_or(cell.state);
            cases.push(whole(&cell.address, cell.outcome, cell.took, why));
        }
    }
    let cells_fail = stage.cells.iter().any(|cell| cell.outcome == Some(Outcome::Failure));
    if stage.cells.is_empty() || (stage.outcome == Some(Outcome::Failure) && !cells_fail) {
        cases.push(whole(
            &stage.id,
            stage.outcome,
            stage.took,
            stage.cause.as_deref().unwrap_or(stage.state),
        ));
    }
    let mut properties: Vec<(String, String)> =
        stage.outputs.iter().map(|(name, value)| (format!("output.{name}"), value.to_string())).collect();
    let is_own = |artifact: &&Artifact| stage.cells.iter().any(|cell| cell.address == artifact.cell);
    properties.extend(it.artifacts.iter().filter(is_own).map(|artifact| {
        let size = format!("{}, {}", plural(artifact.files as usize, "file"), bytes_text(artifact.bytes));
        (format!("artifact.{}", artifact.name), format!("{size}, {}", artifact.digest))
    }));
    Suite {
        name: stage.id.clone(),
        id: at,
        timestamp: stage.started.map(|it| it.rfc3339()),
        took: stage.took.unwrap_or_default(),
        properties,
        cases,
    }
}

/// A case for a cell or stage as a whole.
fn whole(name: &str, outcome: Option<Outcome>, took: Option<Duration>, why: &str) -> Case {
    let kind = match outcome {
        Some(Outcome::Success) => None,
        Some(Outcome::Failure) => Some(Kind::Failure),
        _ => Some(Kind::Skipped),
    };
    Case {
        class: name.to_owned(),
        name: name.to_owned(),
        took: took.unwrap_or_default(),
        came_to: kind.map(|kind| (kind, why.to_owned(), why.to_owned())),
        out: String::new(),
    }
}

fn case(cell: &Cell, step: &Step, failure: Option<&Failure>) -> Case {
    let name =
        if step.title == step.step { format!("{} {}", step.number, step.title) } else { step.title.clone() };
    let name =
        if step.step == step.number.to_string() { format!("{} {}", step.number, step.title) } else { name };
    let why = step.cause.as_deref().unwrap_or(step.state);
    let came_to = match step.conclusion.or(step.outcome) {
        Some(Outcome::Success) => None,
        Some(Outcome::Failure) => {
            let kind =
                if step.exit_code.is_some() || step.signal.is_some() { Kind::Failure } else { Kind::Error };
            let body = match failure {
                Some(failure) if !failure.lines.is_empty() => failure.lines.join("\n"),
                _ => why.to_owned(),
            };
            Some((kind, why.to_owned(), body))
        }
        _ => Some((Kind::Skipped, format!("{}: {why}", step.state), String::new())),
    };
    let mut out = String::new();
    if let (Some(Outcome::Failure), Some(Outcome::Success)) = (step.outcome, step.conclusion) {
        let _written = write!(out, "{why}, which counts as passed here");
    }
    if step.attempts > 1 {
        if !out.is_empty() {
            out.push('\n');
        }
        let _written = write!(out, "attempt {}; before that {}", step.attempts, step.earlier.join(", "));
    }
    if let (Some(log), true) = (&step.log, came_to.is_some() || !out.is_empty()) {
        if !out.is_empty() {
            out.push('\n');
        }
        let _written = write!(out, "log: {}", visible(log));
    }
    Case { class: cell.address.clone(), name, took: step.took.unwrap_or_default(), came_to, out }
}

fn seconds(span: Duration) -> String {
    format!("{:.3}", span.as_secs_f64())
}
