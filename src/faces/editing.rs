//! A playbook changed by questions: what it has, what each edit changes, and the flags that do the same.
//!
//! Edits are made in memory; the file is written once, by who asked for this (`cli/edit.rs`). Not here: the questions
//! (`logic/author/edit`), how they are asked (`wizard`).

use std::sync::Arc;

use super::context::Context;
use super::diff;
use super::ending::Failure;
use super::hint::quoted;
use super::out::Paint;
use super::wizard::{self, Ended, trouble};
use crate::logic::author::edit::{Change, Editing, Made, Subject, Then, outline};
use crate::logic::plan::difference::difference;
use crate::logic::plan::{self, PlanRequest, inputs, matrix};
use crate::logic::playbook;
use crate::logic::playbook::model::{MatrixSource, Playbook};
use crate::logic::playbook::source::Source;
use crate::logic::talk::Question;
use crate::logic::text::{listed, plural};

/// How questions about a playbook ended.
#[derive(Debug)]
pub enum Answered {
    /// These edits are to be written.
    Write(Vec<Made>),
    /// They were thrown away.
    Discard,
    /// Somebody left these edits, and was told what does the same.
    Left(Vec<Made>),
}

/// Asks, and returns what is to become of the edits. `name` is how a command line
/// names the playbook.
///
/// # Errors
/// If the terminal cannot be used.
pub fn ask(context: &Context, subject: &Subject<'_>, name: &str, paint: Paint) -> Result<Answered, Failure> {
    let (mut asks, held) = wizard::begin(context, paint)?;
    let mut editing = Editing::new(subject);
    let mut before = |editing: &Editing<'_>, question: &Question| shown(editing, subject, question, paint);
    let ended = wizard::go(asks.as_mut(), &mut editing, &mut |_| {}, &mut before).map_err(trouble)?;
    let made = editing.made();
    let then = editing.then();
    if ended == Ended::Left {
        let mut lines = vec!["nothing was written".to_owned()];
        if !made.is_empty() {
            lines.push("what was changed so far, as commands:".to_owned());
            lines.extend(commands(name, &made).into_iter().map(|it| format!("  {it}")));
        }
        asks.tell(&lines).map_err(trouble)?;
    }
    drop(held);
    Ok(match (ended, then) {
        (Ended::Left, _) => Answered::Left(made),
        (Ended::Done, Some(Then::Write)) => Answered::Write(made),
        (Ended::Done, _) => Answered::Discard,
    })
}

/// Returns the calls that make the same edits, one after the other.
#[must_use]
pub fn commands(name: &str, made: &[Made]) -> Vec<String> {
    let command = |change: &Change| {
        let flags: Vec<String> = change.flags().iter().map(|it| quoted(it)).collect();
        format!("sortie playbooks edit {} {}", quoted(name), flags.join(" "))
    };
    made.iter().map(|it| command(&it.change)).collect()
}

/// Returns what is shown ahead of a question.
fn shown(editing: &Editing<'_>, subject: &Subject<'_>, question: &Question, paint: Paint) -> Vec<String> {
    let key = question.key.as_str();
    if key == "1.what" {
        let hint = "Esc goes back a question, Ctrl-C writes nothing.";
        let mut lines = vec![paint.bold(&subject.source.name)];
        lines.extend(stages(&subject.source));
        lines.push(paint.dim(hint));
        return lines;
    }
    if key.contains(".then.") {
        let text = editing.text().text;
        let mut lines = vec![String::new()];
        lines.extend(text.lines().map(|line| format!("  {line}")));
        lines.push(String::new());
        return lines;
    }
    match editing.made().last() {
        Some(made) if key.ends_with(".then") => {
            let mut lines = diff::lines(paint, &subject.source.name, &made.before.text, &made.after.text);
            lines.push(paint.bold("What it runs"));
            lines.extend(difference_of(made).into_iter().map(|line| format!("  {line}")));
            lines
        }
        _ => Vec::new(),
    }
}

/// Returns a line for each stage: its cells, its needs, its matrix.
fn stages(source: &Source) -> Vec<String> {
    let outline = outline(source);
    let width = outline.stages.iter().map(|it| it.name.chars().count()).max().unwrap_or(0);
    let cells = playbook::read(source).playbook.map_or_else(Vec::new, |it| cells(&Arc::new(it)));
    let line = |it: &crate::logic::author::edit::StageOutline| {
        let count = cells.iter().find(|(name, _)| *name == it.name).map(|(_, count)| *count);
        let mut parts = Vec::new();
        match count {
            Some(Some(count)) if it.has_matrix => parts.push(plural(count, "cell")),
            _ if it.has_matrix => parts.push("cells are known when it starts".to_owned()),
            _ => {}
        }
        if !it.needs.is_empty() {
            parts.push(format!("needs {}", listed(&it.needs, "and")));
        }
        let axes = it.axes.iter().map(|(name, values)| format!("{name}={}", values.join(",")));
        parts.extend(axes);
        format!("  {:width$}  {}", it.name, parts.join("; ")).trim_end().to_owned()
    };
    outline.stages.iter().map(line).collect()
}

/// Returns the number of cells of each stage; nothing where it is known only later.
fn cells(playbook: &Arc<Playbook>) -> Vec<(String, Option<usize>)> {
    let request = PlanRequest { inputs: inputs::examples(&playbook.inputs), ..PlanRequest::default() };
    let Ok(plan) = plan::plan(Arc::clone(playbook), &request) else { return Vec::new() };
    let limit = plan.playbook.policy.matrix_limit as usize;
    let count = |stage: &playbook::model::Stage| match stage.strategy.as_ref().map(|it| &it.matrix) {
        None => Some(1),
        Some(MatrixSource::Fixed(value)) => matrix::expand(value, limit).ok().map(|it| it.combinations.len()),
        Some(MatrixSource::Computed(_) | MatrixSource::Mixed(_)) => None,
    };
    plan.playbook.stages.iter().map(|it| (it.id.to_string(), count(it))).collect()
}

/// Returns what an edit changes about what runs.
fn difference_of(made: &Made) -> Vec<String> {
    let read = |source: &Source| playbook::read(source).playbook.map(Arc::new);
    let (Some(old), Some(new)) = (read(&made.before), read(&made.after)) else {
        return vec!["not known: the playbook has errors, as before".to_owned()];
    };
    let mut lines = difference(&old, &new).lines();
    let (before, after) = (cells(&old), cells(&new));
    let all = |cells: &[(String, Option<usize>)]| cells.iter().filter_map(|(_, count)| *count).sum::<usize>();
    if !before.is_empty() && !after.is_empty() {
        let (was, is) = (all(&before), all(&after));
        let stages = plural(after.len(), "stage");
        lines.push(match was == is {
            true => format!("{stages}, {} as before", plural(is, "cell")),
            false => format!("{stages}, {} (before: {was})", plural(is, "cell")),
        });
    }
    lines
}
