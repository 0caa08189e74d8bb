//! What the launcher asks of the command line: start a playbook as `run` does, say what would run, find the last job, change
//! a playbook as `playbooks edit` does.
//!
//! Nothing here prints or asks on the terminal: what would be printed is caught, and questions come back; only a change is
//! asked about there. Not here: the launcher itself (`faces/launch.rs`).

use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::args::RequestArgs;
use super::edit::{Changeable, Changed};
use super::{opened, plan, prepare, run, watch};
use crate::engine::{self, library};
use crate::faces::context::Context;
use crate::faces::ending::{Ending, Failure};
use crate::faces::launch::{Commands, Unbegun, Wanted};
use crate::faces::out::{Out, Paint};
use crate::faces::show::Shown;
use crate::logic::plan::PlanRequest;

/// Starts a job in this process. `agreed` are the commands that a person has said yes to.
///
/// # Errors
/// Everything that keeps the job from starting, as the command line says it, or the question that is open.
pub fn begin(context: &Context, wanted: &Wanted, agreed: &Commands) -> Result<Shown, Unbegun> {
    let caught = Caught::default();
    let mut notes = caught.out();
    let mut question = None;
    let mut ask = |name: &str, commands: &prepare::Commands<'_>| {
        let commands: Commands =
            commands.iter().map(|(secret, command)| ((*secret).to_owned(), (*command).to_owned())).collect();
        let has_agreed = commands == *agreed;
        if !has_agreed {
            question = Some(Unbegun::Asks { playbook: name.to_owned(), commands });
        }
        Some(has_agreed)
    };
    let started = started(context, wanted, &mut ask, &mut notes);
    started.map_err(|failure| {
        question.unwrap_or_else(|| Unbegun::Told(caught.told(context, &mut notes, &failure)))
    })
}

fn started(
    context: &Context,
    wanted: &Wanted,
    ask: prepare::Ask<'_>,
    notes: &mut Out,
) -> Result<Shown, Failure> {
    let ahead = engine::get_ready(context.outside.world);
    let (opened, plan, request) = planned(context, wanted, notes)?;
    let wanted = run::Wanted {
        opened,
        plan,
        request,
        env: Vec::new(),
        retry_of: None,
        id: None,
        said: Vec::new(),
        ahead,
    };
    run::start(context, wanted, false, ask, notes)
}

type Planned = (engine::library::Opened, crate::logic::plan::Plan, PlanRequest);

fn planned(context: &Context, wanted: &Wanted, notes: &mut Out) -> Result<Planned, Failure> {
    let mut request = prepare::request(
        context,
        &RequestArgs { profile: wanted.profile.clone(), ..RequestArgs::default() },
    )?;
    request.inputs.clone_from(&wanted.inputs);
    let path = wanted.path.display().to_string();
    let (opened, playbook) = opened::open_to_run(&context.project, &path, notes)?;
    prepare::containers(context, &playbook, &mut request);
    let plan = crate::logic::plan::plan(Arc::new(playbook), &request)
        .map_err(|problems| prepare::told(notes, &problems, Ending::Usage))?;
    prepare::warn(notes, &plan);
    Ok((opened, plan, request))
}

/// Returns what would run, as `sortie plan` prints it, or what stands in the way.
#[must_use]
pub fn outline(context: &Context, wanted: &Wanted) -> Vec<String> {
    let caught = Caught::default();
    let mut out = caught.out();
    match planned(context, wanted, &mut out) {
        Ok((_, plan, _)) => {
            plan::print(context, &mut out, &plan);
            caught.lines(&mut out)
        }
        Err(failure) => caught.told(context, &mut out, &failure),
    }
}

/// Finds the last job, and whoever works on it.
///
/// # Errors
/// If there is none, or its history cannot be read.
pub fn last_job(context: &Context) -> Result<Shown, Failure> {
    watch::shown(context, "last")
}

/// Reads a playbook that is to be changed by questions.
///
/// # Errors
/// Why it cannot be, as the command line says it.
pub fn changeable(context: &Context, path: &Path) -> Result<Changeable, Vec<String>> {
    let caught = Caught::default();
    let mut notes = caught.out();
    let project = &context.project;
    // As the list has it, where that is unmistakable.
    let name = library::name(&project.root, path);
    let name = match library::find(project, &name) {
        Ok(found) if found == path => name,
        _ => library::callable(project, path),
    };
    Changeable::open(context, path, &name, &mut notes)
        .map_err(|failure| caught.told(context, &mut notes, &failure))
}

/// Has a playbook changed by questions, on the terminal that somebody else has given away for that. Returns what came of it,
/// and what is to be told besides.
///
/// # Errors
/// Why nothing was written, as the command line says it.
pub fn change(
    context: &Context,
    found: Changeable,
    paint: Paint,
) -> Result<(Changed, Vec<String>), Vec<String>> {
    let caught = Caught::default();
    let mut notes = caught.out();
    match found.ask(context, paint, &mut notes) {
        Ok(changed) => Ok((changed, caught.lines(&mut notes))),
        Err(failure) => Err(caught.told(context, &mut notes, &failure)),
    }
}

/// A place to print to that can be read.
#[derive(Clone, Default)]
pub(super) struct Caught(Rc<RefCell<Vec<u8>>>);

impl Caught {
    pub(super) fn out(&self) -> Out {
        Out::new(Box::new(self.clone()), Paint::default(), false)
    }

    pub(super) fn lines(&self, out: &mut Out) -> Vec<String> {
        out.flush();
        String::from_utf8_lossy(&self.0.borrow()).lines().map(str::to_owned).collect()
    }

    /// Everything that was printed, and the error at the end.
    pub(super) fn told(&self, context: &Context, out: &mut Out, failure: &Failure) -> Vec<String> {
        if !failure.message.is_empty() {
            out.line(format!("error: {}", failure.message));
        }
        if let Some(help) = failure.way_out(&context.caller) {
            out.line(format!("help: {help}"));
        }
        self.lines(out)
    }
}

impl Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
