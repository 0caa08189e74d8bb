//! `playbooks edit`: changes a playbook and shows what changed.
//!
//! Not here: the changes themselves (`logic/author/edit`), writing (`engine/rewrite.rs`).

use std::path::Path;

use serde_json::{Value as Json, json};

use super::args::{EditArgs, EditCommand};
use super::args_edit::{AddStageArgs, InputArgs, Kind, MatrixArgs, NeedsArgs};
use super::opened::{self, look};
use crate::engine::{library, rewrite};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::Out;
use crate::faces::{diff, report};
use crate::logic::author::edit::{self, Edit, Needs, NewStage, NewStep, Part, Refusal, Spot};
use crate::logic::playbook::source::Source;

/// Runs the command.
///
/// # Errors
/// If the playbook cannot be found, changed, or written.
pub(super) fn edit(
    context: &Context,
    args: &EditArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let project = &context.project;
    let edits = edits(&args.change)?;
    let path = opened::find(project, &args.playbook, notes)?;
    let (opened, original) = rewrite::open(project, &path)?;
    let file = opened.source.name.to_string();
    let refused = |refusal: Refusal, out: &mut Out, notes: &mut Out| {
        told(&file, refusal, args.json, out, notes);
        Failure::told(Ending::Usage)
    };
    if original.text().is_none() {
        // It is no text, which reading it has found.
        let problems = opened.reading.diagnostics;
        return Err(refused(Refusal { source: opened.source, problems, is_after: false }, out, notes));
    }
    let edited = match edit::apply(&opened.source, &edits) {
        Ok(edited) => edited.source,
        Err(refusal) => return Err(refused(refusal, out, notes)),
    };
    let is_changed = edited.text != opened.source.text;
    // With what it calls, which only files can tell.
    let (edited, reading) =
        library::with_called(project, edited.clone(), crate::logic::playbook::read(&edited));
    let worse = edit::worsened(&opened.reading.diagnostics, &reading.diagnostics);
    if !worse.is_empty() {
        return Err(refused(Refusal { source: edited, problems: worse, is_after: true }, out, notes));
    }
    if is_changed && !args.dry_run {
        original.write(&edited.text)?;
        callers(context, &path, &file, notes);
    }
    if args.json {
        let mut answer = json!({
            "file": file,
            "changed": is_changed,
            "written": is_changed && !args.dry_run,
            "diff": diff::unified(&file, &opened.source.text, &edited.text),
        });
        if args.dry_run {
            answer["text"] = Json::from(&*edited.text);
        }
        out.line(answer.to_string());
        return Ok(Ending::Success);
    }
    diff::print(out, &file, &opened.source.text, &edited.text);
    out.line(match (is_changed, args.dry_run) {
        (false, _) => format!("{file}: nothing to change"),
        (true, true) => format!("{file}: not written, because of --dry-run"),
        (true, false) => format!("{file}: written"),
    });
    Ok(Ending::Success)
}

/// Says which playbooks call the one that was changed and do not fit to it any more.
fn callers(context: &Context, path: &Path, file: &str, notes: &mut Out) {
    let project = &context.project;
    for other in library::list(&project.root).into_iter().filter(|it| it != path) {
        // What cannot be read is told by whoever asks for it.
        let Ok(opened) = library::open(project, &other) else { continue };
        let calls = opened.reading.called.iter().any(|(called, _)| &*called.name == file);
        if calls && opened.reading.playbook.is_none() {
            let name = library::callable(project, &other);
            notes.line(format!(
                "note: `{}` calls this playbook and has errors now; `sortie check {}` shows them",
                opened.source.name,
                quoted(&name)
            ));
        }
    }
}

/// Says why an edit is not made.
fn told(file: &str, refusal: Refusal, as_json: bool, out: &mut Out, notes: &mut Out) {
    let mut source = refusal.source;
    if refusal.is_after {
        source = Source::new(format!("{file} (as it would be)"), source.text);
    }
    let files = [(&source, &refusal.problems[..])];
    if as_json {
        let mut answer = report::to_json(&files);
        answer["file"] = Json::from(file);
        answer["changed"] = Json::from(false);
        answer["written"] = Json::from(false);
        out.line(answer.to_string());
        return;
    }
    notes.bytes(report::draw(&files, look(notes)).as_bytes());
    notes.line(match refusal.is_after {
        true => format!("{file}: not changed, because it would have this error then"),
        false => format!("{file}: not changed"),
    });
}

/// Returns the changes that the words mean.
fn edits(command: &EditCommand) -> Result<Vec<Edit>, Failure> {
    Ok(match command {
        EditCommand::AddStage(args) => vec![add_stage(args)],
        EditCommand::RenameStage { old, new } => {
            vec![Edit::RenameStage { from: old.clone(), to: new.clone() }]
        }
        EditCommand::RemoveStage { name, unlink } => {
            vec![Edit::RemoveStage { name: name.clone(), unlink: *unlink }]
        }
        EditCommand::Needs(args) => needs(args),
        EditCommand::Matrix(args) => matrix(args),
        EditCommand::Input(args) => vec![input(args)?],
        EditCommand::RenameInput { old, new } => {
            vec![Edit::RenameInput { from: old.clone(), to: new.clone() }]
        }
        EditCommand::RemoveInput { name } => vec![Edit::RemoveInput { name: name.clone() }],
    })
}

fn guessed(values: &[String]) -> Vec<Part> {
    values.iter().map(|it| Part::guessed(it)).collect()
}

fn add_stage(args: &AddStageArgs) -> Edit {
    let runs = args.run.iter().cloned().map(NewStep::Run);
    let selectors = |it: &String| it.split(',').map(|it| it.trim().to_owned()).collect();
    let scripts = args.script.iter().map(|it| NewStep::Script(selectors(it)));
    let stage = NewStage {
        steps: runs.chain(scripts).collect(),
        needs: args.needs.clone(),
        matrix: args.matrix.iter().map(|(axis, values)| (axis.clone(), guessed(&values.0))).collect(),
        keys: Vec::new(),
    };
    let at = match (&args.before, &args.after) {
        (Some(before), _) => Spot::Before(before.clone()),
        (None, Some(after)) => Spot::After(after.clone()),
        (None, None) => Spot::End,
    };
    Edit::AddStage { name: args.name.clone(), stage, at }
}

fn needs(args: &NeedsArgs) -> Vec<Edit> {
    let mut changes = Vec::new();
    if !args.set.is_empty() {
        // `--set ''` is no need at all.
        changes.push(Needs::Set(args.set.iter().filter(|it| !it.is_empty()).cloned().collect()));
    }
    if !args.remove.is_empty() {
        changes.push(Needs::Remove(args.remove.clone()));
    }
    if !args.add.is_empty() {
        changes.push(Needs::Add(args.add.clone()));
    }
    changes.into_iter().map(|change| Edit::Needs { stage: args.stage.clone(), change }).collect()
}

fn matrix(args: &MatrixArgs) -> Vec<Edit> {
    let stage = || args.stage.clone();
    if args.remove_all {
        return vec![Edit::RemoveMatrix { stage: stage() }];
    }
    let set = args.axes.iter().map(|(axis, values)| Edit::SetAxis {
        stage: stage(),
        axis: axis.clone(),
        values: guessed(&values.0),
    });
    let remove = args.remove.iter().map(|axis| Edit::RemoveAxis { stage: stage(), axis: axis.clone() });
    set.chain(remove).collect()
}

fn input(args: &InputArgs) -> Result<Edit, Failure> {
    let mut keys: Vec<(String, Part)> = Vec::new();
    let mut add = |key: &str, value: Part| keys.push((key.to_owned(), value));
    if let Some(kind) = args.kind {
        let word = match kind {
            Kind::String => "string",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Choice => "choice",
            Kind::Json => "json",
        };
        add("type", Part::text(word));
    }
    if let Some(required) = args.required {
        add("required", Part::Word(required.to_string()));
    }
    if !args.options.is_empty() {
        add("options", Part::List(args.options.iter().map(Part::text).collect()));
    }
    if let Some(default) = &args.default {
        add("default", self::default(default, args.kind)?);
    }
    if let Some(description) = &args.description {
        add("description", Part::text(description));
    }
    Ok(Edit::SetInput { name: args.name.clone(), keys })
}

fn default(text: &str, kind: Option<Kind>) -> Result<Part, Failure> {
    Ok(match kind {
        Some(Kind::String | Kind::Choice) => Part::text(text),
        Some(Kind::Json) => {
            let value: Json = serde_json::from_str(text)
                .map_err(|error| Failure::usage(format!("the value of `--default` is no JSON: {error}")))?;
            Part::Flow(Box::new(Part::of_json(&value)))
        }
        Some(Kind::Number | Kind::Boolean) | None => Part::guessed(text),
    })
}
