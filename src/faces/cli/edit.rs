//! `playbooks edit`: changes a playbook and shows what changed.
//!
//! Not here: the changes themselves (`logic/author/edit`), writing (`engine/rewrite.rs`).

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::args::{EditArgs, EditCommand};
use super::opened::{self, look};
use super::prepare::axes;
use crate::engine::library::{self, Opened};
use crate::engine::rewrite::{self, Original};
use crate::engine::scripts;
use crate::faces::context::Context;
use crate::faces::editing::{self, Answered};
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::{Out, Paint};
use crate::faces::{asking, diff, report};
use crate::logic::author::edit::{self, AddStage, Change, Refusal, SetInput, Spot, Subject};
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
    let Some(command) = &args.change else { return by_questions(context, args, out, notes) };
    let edits = change(command)?.edits().map_err(|wrong| Failure::usage(wrong.what).help(wrong.help))?;
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
    let read = |source| library::read_with_called(project, source);
    let edited = match edit::tried(&opened.source, &opened.reading.diagnostics, &edits, &read) {
        Ok(edited) => edited.source,
        Err(refusal) => return Err(refused(refusal, out, notes)),
    };
    let is_changed = edited.text != opened.source.text;
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

/// Changes of a playbook, as they stand on a command line.
const CHANGES: &str =
    "add-stage, rename-stage, remove-stage, needs, matrix, input, rename-input or remove-input";

/// Asks what is to be changed, makes it in memory, and writes the file once.
fn by_questions(
    context: &Context,
    args: &EditArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let nobody = asking::nobody(context);
    let why = nobody.or((args.dry_run || args.json).then_some("nothing is asked with --dry-run and --json"));
    if let Some(why) = why {
        return Err(Failure::usage(format!("{why}, and the change is missing: {CHANGES}"))
            .help("sortie playbooks edit --help shows each with its flags"));
    }
    let path = opened::find(&context.project, &args.playbook, notes)?;
    let found = Changeable::open(context, &path, &args.playbook, notes)?;
    let file = found.file.clone();
    let commands = match found.ask(context, out.paint, notes)? {
        Changed::Written(commands) => commands,
        Changed::Not => {
            out.line(format!("{file}: not changed"));
            return Ok(Ending::Success);
        }
        Changed::Left(_) => return Err(Failure::told(Ending::Cancelled)),
    };
    out.line(format!("{file}: written"));
    let head =
        if commands.len() == 1 { "the same by flags:" } else { "the same by flags, one after the other:" };
    out.line(out.paint.dim(head));
    commands.iter().for_each(|it| out.line(out.paint.dim(&format!("  {it}"))));
    Ok(Ending::Success)
}

/// A playbook that is to be changed by questions.
pub struct Changeable {
    path: PathBuf,
    /// How a command line names it.
    name: String,
    /// How messages name it.
    file: String,
    opened: Opened,
    original: Original,
}

/// What came of questions about a playbook, with the commands that make the same changes.
pub enum Changed {
    Written(Vec<String>),
    /// The changes were thrown away.
    Not,
    /// Somebody left before the end, so nothing was written.
    Left(Vec<String>),
}

impl Changeable {
    /// Reads a playbook. Why it cannot be changed is drawn on `notes`.
    ///
    /// # Errors
    /// If it cannot be read, or nobody can tell what would become of it.
    pub(super) fn open(context: &Context, path: &Path, name: &str, notes: &mut Out) -> Result<Self, Failure> {
        let (opened, original) = rewrite::open(&context.project, path)?;
        let file = opened.source.name.to_string();
        let unsound = edit::unsound(&opened.source);
        if original.text().is_none() || !unsound.is_empty() {
            let problems = if unsound.is_empty() { opened.reading.diagnostics } else { unsound };
            refused(&file, &Refusal { source: opened.source, problems, is_after: false }, notes);
            return Err(Failure::told(Ending::Usage));
        }
        Ok(Self { path: path.to_path_buf(), name: name.to_owned(), file, opened, original })
    }

    /// Asks what is to be changed, makes it in memory, and writes the file once. What becomes of other playbooks by that is
    /// told on `notes`.
    ///
    /// # Errors
    /// If the terminal cannot be used, or the file cannot be written.
    pub(super) fn ask(self, context: &Context, paint: Paint, notes: &mut Out) -> Result<Changed, Failure> {
        let project = &context.project;
        let read = |source| library::read_with_called(project, source);
        let scripts = scripts::library(project);
        let Opened { source, reading, .. } = self.opened;
        let subject = Subject { source, diagnostics: reading.diagnostics, library: &scripts, read: &read };
        let made = match editing::ask(context, &subject, &self.name, paint)? {
            Answered::Write(made) => made,
            Answered::Discard => return Ok(Changed::Not),
            Answered::Left(made) => return Ok(Changed::Left(editing::commands(&self.name, &made))),
        };
        let commands = editing::commands(&self.name, &made);
        if let Some(last) = made.last() {
            self.original.write(&last.after.text).map_err(|error| {
                // What was said is not lost: whoever has looked at the file may make the same edits.
                let failure = Failure::from(error);
                let help = failure.help.clone().unwrap_or_default();
                failure.help(format!("{help}; the same edits as commands:\n  {}", commands.join("\n  ")))
            })?;
            callers(context, &self.path, &self.file, notes);
        }
        Ok(Changed::Written(commands))
    }
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
    let mut source = refusal.source.clone();
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
    refused(file, &Refusal { source, ..refusal }, notes);
}

fn refused(file: &str, refusal: &Refusal, notes: &mut Out) {
    let files = [(&refusal.source, &refusal.problems[..])];
    notes.bytes(report::draw(&files, look(notes)).as_bytes());
    notes.line(match refusal.is_after {
        true => format!("{file}: not changed, because it would have this error then"),
        false => format!("{file}: not changed"),
    });
}

/// Returns the change that the words mean.
///
/// # Errors
/// If an axis is given twice.
fn change(command: &EditCommand) -> Result<Change, Failure> {
    Ok(match command {
        EditCommand::AddStage(args) => Change::AddStage(AddStage {
            name: args.name.clone(),
            run: args.run.clone(),
            script: args.script.clone(),
            needs: args.needs.clone(),
            at: match (&args.before, &args.after) {
                (Some(before), _) => Spot::Before(before.clone()),
                (None, Some(after)) => Spot::After(after.clone()),
                (None, None) => Spot::End,
            },
            matrix: axes(&args.matrix)?,
        }),
        EditCommand::RenameStage { old, new } => Change::RenameStage { old: old.clone(), new: new.clone() },
        EditCommand::RemoveStage { name, unlink } => {
            Change::RemoveStage { name: name.clone(), unlink: *unlink }
        }
        EditCommand::Needs(args) => Change::Needs {
            stage: args.stage.clone(),
            set: args.set.clone(),
            add: args.add.clone(),
            remove: args.remove.clone(),
        },
        EditCommand::Matrix(args) => Change::Matrix {
            stage: args.stage.clone(),
            axes: axes(&args.axes)?,
            remove: args.remove.clone(),
            remove_all: args.remove_all,
        },
        EditCommand::Input(args) => Change::Input(SetInput {
            name: args.name.clone(),
            kind: args.kind.map(|it| it.word().to_owned()),
            required: args.required,
            options: args.options.clone(),
            default: args.default.clone(),
            description: args.description.clone(),
        }),
        EditCommand::RenameInput { old, new } => Change::RenameInput { old: old.clone(), new: new.clone() },
        EditCommand::RemoveInput { name } => Change::RemoveInput { name: name.clone() },
    })
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
