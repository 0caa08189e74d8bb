//! The text of a new playbook.
//!
//! Not here: how single texts are written (`scalar.rs`), copies of templates (`template.rs`).

use std::fmt::Write;
use std::sync::Arc;

use super::answers::{Answers, NewInput, NewStage, Work};
use super::scalar;
use super::template::{self, Template};
use crate::logic::diag::Diagnostic;
use crate::logic::playbook::source::{Called, Source};
use crate::logic::playbook::{self, scripts};

/// Returns the text of a playbook; that of its template with other words at the top, if it has one among `templates`.
#[must_use]
pub fn text(answers: &Answers, templates: &[Template]) -> String {
    let template = answers.template.as_ref().and_then(|name| templates.iter().find(|it| it.name == *name));
    if let Some(template) = template {
        return template::copy(template, answers);
    }
    let mut out = String::from("version: 3\n");
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            let _done = writeln!(out, "{key}: {}", scalar::text(value));
        }
    };
    line("name", answers.name.rsplit('/').next().unwrap_or_default());
    line("description", &answers.description);
    line("category", &answers.category);
    if !answers.inputs.is_empty() {
        out.push_str("\ninputs:\n");
        answers.inputs.iter().for_each(|input| write_input(&mut out, input));
    }
    if let Some(schedule) = &answers.schedule {
        let _done = writeln!(out, "\non:\n  schedule:\n    - cron: {}", scalar::text(&schedule.cron));
        if !schedule.timezone.is_empty() {
            let _done = writeln!(out, "      timezone: {}", scalar::text(&schedule.timezone));
        }
    }
    out.push_str("\nstages:\n");
    for (at, stage) in answers.stages.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        write_stage(&mut out, stage);
    }
    if !answers.reports.is_empty() {
        let _done = writeln!(out, "\nreporting:\n  formats: {}", scalar::list(&answers.reports));
    }
    out
}

fn write_input(out: &mut String, input: &NewInput) {
    let mut lines = vec![format!("type: {}", input.kind)];
    if !input.options.is_empty() {
        lines.push(format!("options: {}", scalar::list(&input.options)));
    }
    if input.required {
        lines.push("required: true".to_owned());
    }
    if !input.default.is_empty() {
        let default = match input.kind.as_str() {
            // As it was typed: the reader says where it is none.
            "number" | "boolean" | "json" => input.default.clone(),
            _ => scalar::text(&input.default),
        };
        lines.push(format!("default: {default}"));
    }
    if !input.description.is_empty() {
        lines.push(format!("description: {}", scalar::text(&input.description)));
    }
    let _done = writeln!(out, "  {}:\n    {}", scalar::text(&input.name), lines.join("\n    "));
}

fn write_stage(out: &mut String, stage: &NewStage) {
    let mut line = |depth: usize, text: String| {
        let _done = writeln!(out, "{:depth$}{text}", "", depth = depth * 2);
    };
    line(1, format!("{}:", scalar::text(&stage.id)));
    match &stage.needs[..] {
        [] => {}
        [one] => line(2, format!("needs: {}", scalar::text(one))),
        several => line(2, format!("needs: {}", scalar::list(several))),
    }
    if let Some(condition) = &stage.condition {
        line(2, format!("if: {}", scalar::text(condition)));
    }
    if let Some(question) = &stage.approve {
        line(2, format!("approve: {}", scalar::text(question)));
    }
    if !stage.axes.is_empty() {
        line(2, "matrix:".to_owned());
    }
    for (name, values) in &stage.axes {
        let values: Vec<String> = values.iter().map(|it| scalar::value(it)).collect();
        line(3, format!("{}: [{}]", scalar::text(name), values.join(", ")));
    }
    if let Some(cache) = &stage.cache {
        line(2, "cache:".to_owned());
        line(3, format!("inputs: {}", scalar::list(&cache.inputs)));
        if !cache.outputs.is_empty() {
            line(3, format!("outputs: {}", scalar::list(&cache.outputs)));
        }
    }
    if let Some(attempts) = &stage.attempts {
        line(2, format!("retry: {{ attempts: {} }}", number(attempts)));
    }
    if let Some(timeout) = &stage.timeout {
        line(2, format!("timeout: {}", scalar::text(timeout)));
    }
    match &stage.work {
        // Only while somebody is still asked what it does.
        Work::Commands(commands) if commands.is_empty() => line(2, "run: \"true\"".to_owned()),
        Work::Commands(commands) => match &commands[..] {
            [one] => line(2, format!("run: {}", command(one, 6))),
            several => {
                line(2, "steps:".to_owned());
                several.iter().for_each(|it| line(3, format!("- run: {}", command(it, 10))));
            }
        },
        Work::Scripts(selectors) => {
            line(2, "steps:".to_owned());
            line(3, format!("- script: {}", scalar::text(selectors)));
        }
    }
}

/// A number as it was typed; the reader says where it is none.
fn number(text: &str) -> String {
    if scalar::is_whole(text) { text.to_owned() } else { scalar::inside(text) }
}

fn command(command: &str, indent: usize) -> String {
    scalar::block(command, indent).unwrap_or_else(|| scalar::text(command))
}

/// Returns what the reader says about the text of a playbook that is to have that name. Scripts are those of `library`.
#[must_use]
pub fn problems(name: &str, text: &str, library: &scripts::Library) -> (Source, Vec<Diagnostic>) {
    let name = format!("playbooks/{name}.yml");
    let called = Called::from([(Arc::from(scripts::LISTING), Ok(library.to_text().into()))]);
    let source = Source::new(name, text).with_called(called.into());
    let found = playbook::read(&source).diagnostics;
    (source, found)
}
