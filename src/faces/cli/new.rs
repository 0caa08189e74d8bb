//! `playbooks new` and `playbooks templates`.
//!
//! Not here: the questions and what flags mean (`logic/author`), how somebody is asked (`faces/wizard`), files (`engine/authoring.rs`).

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::RunArgs;
use super::args_new::NewArgs;
use super::begin::Caught;
use super::table::Table;
use super::{opened, plan, run};
use crate::engine::{authoring, library};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::hint::quoted;
use crate::faces::out::{Out, Paint};
use crate::faces::{making, report};
use crate::logic::author::{self, Answers, Flag, Session, Then, World};
use crate::logic::diag::Severity;
use crate::logic::plan::PlanRequest;
use crate::logic::playbook;

/// What is to become of a new playbook.
struct Wanted {
    answers: Answers,
    text: String,
    then: Then,
}

/// Runs the command.
///
/// # Errors
/// If it cannot be what the flags say, nobody can be asked, or it cannot be written.
pub(super) fn new(
    context: &Context,
    args: &NewArgs,
    out: &mut Out,
    notes: &mut Out,
) -> Result<Ending, Failure> {
    let mut world = authoring::world(&context.project, context.surroundings.templates.as_deref());
    let (answers, then) = answers(args, &mut world)?;
    let missing = missing(&answers);
    if missing.is_empty() && !args.ask {
        return done(context, &world, wanted(answers, then, &world), Some(args), (out, notes));
    }
    let is_here = context.surroundings.stdin && context.surroundings.stderr;
    if !is_here || args.dry_run || args.json {
        let why = if is_here {
            "nothing is asked with --dry-run and --json"
        } else {
            "there is no terminal to ask at"
        };
        return Err(Failure::usage(format!("{why}, and something is missing: {}", missing.join(", ")))
            .help("sortie playbooks new --help shows all flags"));
    }
    let is_begun = !answers.stages.is_empty() || !answers.inputs.is_empty() || !answers.reports.is_empty();
    if missing == ["NAME"] && !args.ask {
        let Some(name) = making::ask_name(context, &world, out.paint)? else {
            return Err(Failure::told(Ending::Cancelled));
        };
        let answers = Answers { name, ..answers };
        return done(context, &world, wanted(answers, then, &world), Some(args), (out, notes));
    }
    if is_begun || answers.schedule.is_some() {
        // Questions would begin anew, and these flags would be for nothing.
        let message = format!("something is missing: {}", missing.join(", "));
        return Err(Failure::usage(message)
            .help("add it; or leave the flags of stages and inputs out, and all is asked"));
    }
    match ask(context, &world, &answers, out.paint)? {
        Some((answers, then)) => done(context, &world, wanted(answers, then, &world), None, (out, notes)),
        None => Err(Failure::told(Ending::Cancelled)),
    }
}

/// Shows a wizard where another face has just left, and returns the file that was made, and whether it is to be run.
///
/// # Errors
/// If the terminal cannot be used, or the file cannot be written.
pub fn by_wizard(context: &Context, paint: Paint) -> Result<Option<(PathBuf, Then)>, Failure> {
    let world = authoring::world(&context.project, context.surroundings.templates.as_deref());
    let Some((answers, then)) = ask(context, &world, &Answers::default(), paint)? else { return Ok(None) };
    let wanted = wanted(answers, then, &world);
    let path = file(context, &wanted)?;
    Ok(path.map(|path| (path, wanted.then)))
}

/// Returns what the flags say.
fn answers(args: &NewArgs, world: &mut World) -> Result<(Answers, Then), Failure> {
    let mut answers = Answers::default();
    let mut then = Then::Save;
    let name = args.name.iter().map(|name| (Flag::Name, name));
    for (flag, text) in name.chain(args.said.0.iter().map(|(flag, text)| (*flag, text))) {
        author::put(&mut answers, flag, text)
            .map_err(|wrong| Failure::usage(format!("{}: {}", flag.word(), wrong.what)).help(wrong.help))?;
        if flag == Flag::Then {
            then = Then::ALL.iter().find(|(_, word)| word == text).map_or(then, |(it, _)| *it);
        }
    }
    if let Some(from) = &answers.template {
        let is_known = world.templates.iter().any(|it| it.name == *from);
        if !is_known && (from.contains('/') || Path::new(from).is_file()) {
            let mut template = authoring::template(Path::new(from))?;
            template.name.clone_from(from);
            world.templates.push(template);
        } else if !is_known {
            let names = world.templates.iter().map(|it| it.name.as_str());
            let near = crate::logic::text::near_miss(from, names);
            let help = near.map_or_else(
                || {
                    "`sortie playbooks templates` shows what there is; any playbook will do, by its path"
                        .to_owned()
                },
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Failure::usage(format!("there is no template `{from}`")).help(help));
        }
        if let Some(stage) = answers.stages.first() {
            let message =
                format!("a template has its own stages, and there is a stage `{}` besides", stage.id);
            let help = "make the playbook, then add to it: sortie playbooks edit NAME add-stage";
            return Err(Failure::usage(message).help(help));
        }
    }
    Ok((answers, then))
}

/// Returns the flags without which nothing can be made.
fn missing(answers: &Answers) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if answers.name.is_empty() {
        missing.push("NAME");
    }
    let is_idle = |it: &author::NewStage| it.work == author::Work::default();
    let does_nothing = answers.stages.is_empty() || answers.stages.iter().any(is_idle);
    if answers.template.is_none() && does_nothing {
        missing.push("--run, --script or --from");
    }
    missing
}

fn wanted(answers: Answers, then: Then, world: &World) -> Wanted {
    Wanted { text: author::text(&answers, &world.templates), answers, then }
}

/// Asks, with the answers that flags have given already; nothing if somebody left or threw it away.
fn ask(
    context: &Context,
    world: &World,
    given: &Answers,
    paint: Paint,
) -> Result<Option<(Answers, Then)>, Failure> {
    making::ask(context, world, given, paint, &|session| preview(context, world, session, paint))
}

/// Returns the text of the playbook and what it would run.
fn preview(context: &Context, world: &World, session: &Session<'_>, paint: Paint) -> Vec<String> {
    let wanted = wanted(session.answers(), Then::Save, world);
    let name =
        library::shown(&context.project.root, &authoring::place(&context.project.root, &wanted.answers.name));
    let mut lines = vec![String::new(), paint.bold(&name)];
    lines.extend(wanted.text.lines().map(|line| format!("  {line}")));
    let (source, _) = author::problems(&wanted.answers.name, &wanted.text, &world.library);
    if let Some(playbook) = playbook::read(&source).playbook {
        lines.extend([String::new(), paint.bold("What it runs")]);
        let required = playbook.inputs.iter().filter(|it| it.required && it.default.is_none());
        let names: Vec<String> = required.map(|it| it.name.to_string()).collect();
        match crate::logic::plan::plan(playbook.into(), &PlanRequest::default()) {
            Ok(plan) => {
                let caught = Caught::default();
                let mut out = caught.out();
                plan::print(context, &mut out, &plan);
                lines.extend(caught.lines(&mut out).into_iter().map(|line| format!("  {line}")));
            }
            Err(_) if !names.is_empty() => {
                lines.push(format!(
                    "  depends on what is given for {}",
                    crate::logic::text::listed(&names, "and")
                ));
            }
            Err(problems) => lines.extend(problems.iter().map(|it| format!("  {}", it.message))),
        }
    }
    lines.push(String::new());
    lines
}

/// Writes the file, if it is to be one; nothing if it was thrown away.
fn file(context: &Context, wanted: &Wanted) -> Result<Option<PathBuf>, Failure> {
    let (root, name) = (&context.project.root, &wanted.answers.name);
    let path = match wanted.then {
        Then::Discard => return Ok(None),
        Then::Run => authoring::keep_apart(&context.project, name, &wanted.text)?,
        Then::Save | Then::Both => authoring::save(root, name, &wanted.text)?,
    };
    authoring::drop_draft(&context.project);
    Ok(Some(path))
}

/// Checks once more, writes, and runs.
fn done(
    context: &Context,
    world: &World,
    wanted: Wanted,
    args: Option<&NewArgs>,
    (out, notes): (&mut Out, &mut Out),
) -> Result<Ending, Failure> {
    let (source, found) = author::problems(&wanted.answers.name, &wanted.text, &world.library);
    if !found.is_empty() {
        notes.bytes(report::draw(&[(&source, &found[..])], opened::look(notes)).as_bytes());
        notes.flush();
    }
    if found.iter().any(|it| it.severity == Severity::Error) {
        return Err(Failure::usage("nothing was written: this is what the flags would make")
            .help("mend the flags; each error names its place in the text"));
    }
    let (root, name) = (&context.project.root, &wanted.answers.name);
    let place = authoring::place(root, name);
    if let Some(args) = args {
        let is_dry = args.dry_run;
        if !is_dry && wanted.then != Then::Run {
            authoring::save(root, name, &wanted.text)?;
        }
        if args.json {
            let flags = author::flags(&wanted.answers, wanted.then);
            out.line(json!({"file": library::shown(root, &place), "written": !is_dry && wanted.then != Then::Run, "text": wanted.text, "flags": flags}).to_string());
        } else if is_dry {
            out.bytes(wanted.text.as_bytes());
        } else if wanted.then != Then::Run {
            tell_written(context, &place, out);
        }
        if is_dry || wanted.then == Then::Save {
            return Ok(Ending::Success);
        }
        let path = if wanted.then == Then::Run {
            authoring::keep_apart(&context.project, name, &wanted.text)?
        } else {
            place
        };
        return start(context, &path, (out, notes));
    }
    let then = wanted.then;
    let Some(path) = file(context, &wanted)? else { return Ok(Ending::Success) };
    if then != Then::Run {
        tell_written(context, &path, out);
        let flags: Vec<String> =
            author::flags(&wanted.answers, Then::Save).iter().map(|it| quoted(it)).collect();
        out.line(out.paint.dim(&format!("the same by flags: sortie playbooks new {}", flags.join(" "))));
        out.flush();
    }
    if then == Then::Save { Ok(Ending::Success) } else { start(context, &path, (out, notes)) }
}

fn tell_written(context: &Context, path: &Path, out: &mut Out) {
    let root = &context.project.root;
    out.line(format!("wrote {}", library::shown(root, path)));
    let run = context.command(&format!("run {}", quoted(&library::name(root, path))));
    out.line(format!("run it: {run}"));
    out.flush();
}

fn start(context: &Context, path: &Path, (out, notes): (&mut Out, &mut Out)) -> Result<Ending, Failure> {
    let args = RunArgs { playbook: Some(path.display().to_string()), ..RunArgs::default() };
    run::run(context, &args, out, notes)
}

/// Lists templates.
pub(super) fn templates(context: &Context, as_json: bool, out: &mut Out) -> Ending {
    let world = authoring::world(&context.project, context.surroundings.templates.as_deref());
    if as_json {
        let all = world
            .templates
            .iter()
            .map(|it| json!({"name": it.name, "description": it.description, "path": it.path}));
        out.line(all.collect::<serde_json::Value>().to_string());
        return Ending::Success;
    }
    let mut table = Table::default();
    for it in &world.templates {
        table.row([it.name.clone(), it.description.clone(), it.path.clone().unwrap_or_default()]);
    }
    table.print(out);
    if let Some(own) = &context.surroundings.templates {
        out.line(out.paint.dim(&format!("your own belong into {}", own.display())));
    }
    Ending::Success
}
