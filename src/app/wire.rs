//! Gives the engine and the faces their edges.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::Termios;

use crate::edges::keeper::{
    Adopted, Fresh, Keeper, adopt, exits, left_behind, of_other_jobs, orphans, try_one,
};
use crate::edges::{detached, digest, guard, headless, probe_tools, repository, survey};
use crate::engine::service::Begun;
use crate::engine::{Given, History, Project, was_for_want_of_room};
use crate::faces::context::Guard;
use crate::logic::doctor::{Machine, Trial};
use crate::logic::job::order::Asked;
use crate::logic::job::report::Exit;
use crate::port::keeper::{FromKeeper, Hello, ToKeeper};
use crate::port::{Outside, Starting, World};

/// This process is the program, so that children which it did not start came to it from a keeper.
pub(super) static IS_PROGRAM: AtomicBool = AtomicBool::new(false);

/// Returns the world as it is.
#[must_use]
pub(super) fn world() -> World {
    World {
        keeper: start_keeper,
        adopt: |hello| Ok(adopt(hello)?.map(|it| -> Box<dyn Starting> { Box::new(it) })),
        hash_files: digest::hash_files,
        exits: exits_of,
        sweep_job: |job, signal, grace| {
            let spare = [guard::waiting(), headless::started(), of_other_jobs(job)].concat();
            // Whoever has called the library may have children of its own.
            let adopted = IS_PROGRAM.load(Ordering::Relaxed);
            orphans::sweep_tagged(job, adopted, &spare, signal, grace).survivors
        },
        run_tool: probe_tools::run,
        repository: repository::github_members,
    }
}

/// Returns how the tries of a job ended. A file that cannot be read says no more than one that is not there.
pub(super) fn exits_of(dir: &Path) -> Vec<Exit> {
    exits::read(dir).unwrap_or_default()
}

/// Looks at the machine, and tries whether a keeper starts. The second says of the id of a job whether it has ended.
pub(super) fn survey(state: &Path, is_over: &dyn Fn(&str) -> bool) -> Machine {
    let mut machine = survey::survey(state);
    machine.tried.push((Trial::Keeper, try_one().map_err(|error| error.to_string())));
    machine.left = left_behind(is_over);
    machine
}

/// Starts a guard of the terminal.
pub(super) fn guard(
    terminal: OwnedFd,
    before: &Termios,
    during: &Termios,
    leave: &str,
) -> io::Result<Box<dyn Guard>> {
    Ok(Box::new(guard::Guard::start(terminal, before, during, leave)?))
}

impl Guard for guard::Guard {
    fn dismiss(self: Box<Self>) {
        guard::Guard::dismiss(*self);
    }
}

/// Starts an engine without a face for a job, with its id and folder. One that another engine took a moment before has
/// what it needs, and one that has ended needs nothing.
pub(super) fn start_engine(
    project: &Project,
    (job, dir): (&str, &Path),
    given: &Given,
) -> Result<(), String> {
    let place = headless::Place { root: &project.root, state: &project.state, job, dir };
    let Err(error) = headless::start(place, given, None) else {
        headless::remember(dir, None);
        return Ok(());
    };
    let row = History::open(project).ok().flatten().and_then(|history| history.find(job).ok());
    if row.as_ref().is_some_and(|row| row.owner_alive || row.outcome.is_some()) {
        return Ok(());
    }
    if !row.and_then(|row| row.gave_up).is_some_and(|why| was_for_want_of_room(&why)) {
        headless::remember(dir, Some(&error.to_string()));
    }
    Err(error.to_string())
}

/// The same with an order that the engine carries out first.
pub(super) fn start_engine_with(
    project: &Project,
    (job, dir): (&str, &Path),
    order: &Asked,
) -> Result<(), String> {
    let place = headless::Place { root: &project.root, state: &project.state, job, dir };
    headless::start(place, &Given::default(), Some(order)).map_err(|error| error.to_string())
}

/// Begins a job of a playbook for a fire, in a process that outlives this one.
pub(super) fn begin_job(project: &Project, playbook: &Path, fire: u64) -> io::Result<Begun> {
    Ok(Box::new(detached::begin(&project.root, &project.state, playbook, fire)?))
}

fn start_keeper() -> io::Result<Box<dyn Starting>> {
    Ok(Box::new(Fresh::start()?))
}

impl Starting for Fresh {
    fn greet(&mut self, hello: &Hello) -> io::Result<()> {
        Fresh::greet(self, hello)
    }

    fn connect(self: Box<Self>) -> io::Result<Box<dyn Outside>> {
        Ok(Box::new(KeptOutside((*self).connect()?)))
    }
}

impl Starting for Adopted {
    fn greet(&mut self, _: &Hello) -> io::Result<()> {
        // It was, when it was found.
        Ok(())
    }

    fn connect(self: Box<Self>) -> io::Result<Box<dyn Outside>> {
        Ok(Box::new(KeptOutside((*self).connect()?)))
    }
}

/// The keeper as the engine sees it.
struct KeptOutside(Keeper);

impl Outside for KeptOutside {
    fn send(&mut self, orders: &[ToKeeper]) -> io::Result<()> {
        self.0.send(orders)
    }

    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<FromKeeper>> + '_>> {
        Box::pin(self.0.next())
    }

    fn is_flushed(&self) -> bool {
        self.0.is_flushed()
    }

    fn drain(&mut self) -> Vec<FromKeeper> {
        self.0.drain()
    }
}
