//! `check`: every problem of some playbooks, or of all playbooks of the project.

use std::path::Path;
use std::sync::Arc;

use super::args::CheckArgs;
use super::opened::{self, look};
use crate::engine::library::{self, Opened};
use crate::engine::service;
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::out::Out;
use crate::faces::report::{self, File};
use crate::logic::diag::{Diagnostic, Severity};
use crate::logic::plan::{self, PlanRequest, across, inputs};
use crate::logic::sidecar::Containers;
use crate::logic::text::{near_miss, plural};

/// Runs the command.
///
/// # Errors
/// If a playbook cannot be found or read.
pub(super) fn check(
    context: &Context,
    args: &CheckArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let root = &context.project.root;
    let mut paths = if args.playbooks.is_empty() { library::list(root) } else { Vec::new() };
    for wanted in &args.playbooks {
        paths.push(opened::find(&context.project, wanted, notes)?);
    }
    if paths.is_empty() && !args.json {
        out.line("this project has no playbooks; they belong into the folder `playbooks`");
        return Ok(Ending::Success);
    }
    let mut opened: Vec<Opened> = Vec::with_capacity(paths.len());
    for path in &paths {
        let mut it = library::open(&context.project, path)?;
        followed(root, &mut it);
        across_calls(&mut it);
        opened.push(it);
    }
    // What several playbooks call, and what is checked itself, is told once.
    let mut files: Vec<File<'_>> = Vec::with_capacity(opened.len());
    for file in opened.iter().map(|it| (&it.source, &it.reading.diagnostics[..])).chain(
        opened.iter().flat_map(|it| it.reading.called.iter().map(|(source, found)| (source, &found[..]))),
    ) {
        match files.iter_mut().find(|(known, _)| known.name == file.0.name) {
            // As a called file it may have faults that it does not have by itself, such as closing a circle.
            Some(known) if known.1.len() < file.1.len() => *known = file,
            Some(_) => {}
            None => files.push(file),
        }
    }
    let count = |severity: Severity| -> usize {
        files.iter().flat_map(|(_, found)| *found).filter(|found| found.severity == severity).count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if args.json {
        out.line(report::to_json(&files).to_string());
    } else {
        let look = look(out);
        out.bytes(report::draw(&files, look).as_bytes());
        if errors + warnings == 0 {
            out.line(format!("{} checked: no problems", plural(opened.len(), "playbook")));
        }
    }
    Ok(if errors > 0 { Ending::Usage } else { Ending::Success })
}

/// Warns of what the playbooks that one calls do to each other, as far as that can be told before inputs are given.
fn across_calls(opened: &mut Opened) {
    let Some(playbook) = &opened.reading.playbook else { return };
    if playbook.called.is_empty() {
        return;
    }
    // Whether there is one for its containers is another question.
    let containers = Containers { engine: Some("docker".to_owned()), ..Containers::default() };
    let inputs = inputs::examples(&playbook.inputs);
    let request = PlanRequest { inputs, containers, ..PlanRequest::default() };
    // What keeps it from being planned is told by whoever has a request of his own.
    let Ok(plan) = plan::plan(Arc::new(playbook.clone()), &request) else { return };
    let found = across::check(&plan).into_iter().map(|it| {
        let stage = &plan.playbook.stages[it.at as usize];
        let span = stage.call.as_ref().map_or(stage.span, |call| call.span);
        Diagnostic::warning(it.slug, span, it.message).help(it.help)
    });
    opened.reading.diagnostics.extend(found);
}

/// Warns of playbooks that one follows and that are none of the project: it would wait for ever.
fn followed(root: &Path, opened: &mut Opened) {
    let Some(playbook) = &opened.reading.playbook else { return };
    let Some(after) = &playbook.triggers.after else { return };
    let names: Vec<String> = library::list(root).iter().map(|path| library::name(root, path)).collect();
    let found = service::unknown(root, after).into_iter().map(|at| {
        let name = &after.playbooks[at];
        let message = format!("no playbook of this project is called `{name}`, so its end starts nothing");
        let warning = Diagnostic::warning("unknown-playbook", after.spans[at], message);
        match near_miss(name, names.iter().map(String::as_str)) {
            Some(near) => warning.help(format!("did you mean `{near}`?")),
            None => warning.help("`sortie playbooks list` shows what there is"),
        }
    });
    opened.reading.diagnostics.extend(found);
}
