//! Gives the engine and the faces their edges.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;

use rustix::termios::Termios;

use crate::edges::keeper::{Fresh, Keeper, exits, orphans};
use crate::edges::{digest, guard, repository};
use crate::faces::context::Guard;
use crate::port::keeper::{FromKeeper, Hello, ToKeeper};
use crate::port::{Outside, Starting, World};

/// Returns the world as it is.
#[must_use]
pub(super) fn world() -> World {
    World {
        keeper: start_keeper,
        hash_files: digest::hash_files,
        // A file that cannot be read says no more than one that is not there.
        exits: |dir| exits::read(dir).unwrap_or_default(),
        sweep_job: |job, signal, grace| {
            orphans::sweep_tagged(job, true, &guard::waiting(), signal, grace).survivors
        },
        repository: repository::github_members,
    }
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

/// The keeper as the engine sees it.
struct KeptOutside(Keeper);

impl Outside for KeptOutside {
    fn send(&mut self, orders: &[ToKeeper]) -> io::Result<()> {
        self.0.send(orders)
    }

    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<FromKeeper>> + '_>> {
        Box::pin(self.0.next())
    }

    fn drain(&mut self) -> Vec<FromKeeper> {
        self.0.drain()
    }
}
