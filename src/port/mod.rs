//! THE SEAM between the engine and the world: one trait for what holds a job's children, plain functions for the rest.
//!
//! Not here: anything that does I/O. `edges` implements, `app` wires, the engine calls.

pub mod keeper;

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use keeper::{FromKeeper, Hello, ToKeeper};

use crate::logic::job::report::Exit;

/// The engine's connection to whatever holds a job's children.
pub trait Outside {
    /// Gives orders without waiting.
    ///
    /// # Errors
    /// If an order cannot be sent at all. A holder that is gone is told by `next`.
    fn send(&mut self, orders: &[ToKeeper]) -> io::Result<()>;

    /// Waits for the next answer; none when the holder is gone. May be cancelled without loss.
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<FromKeeper>> + '_>>;

    /// Says whether everything that was sent has gone out.
    fn is_flushed(&self) -> bool;

    /// Returns the answers that have come already.
    fn drain(&mut self) -> Vec<FromKeeper>;
}

/// A keeper that was started and has no orders yet. Dropped, it ends without having done anything.
pub trait Starting: Send {
    /// Tells it about its job, without waiting.
    ///
    /// # Errors
    /// If the connection cannot be used.
    fn greet(&mut self, hello: &Hello) -> io::Result<()>;

    /// Returns the connection to it; called inside the engine's runtime.
    ///
    /// # Errors
    /// If the connection cannot be used.
    fn connect(self: Box<Self>) -> io::Result<Box<dyn Outside>>;
}

/// A keeper, if there was one.
pub type Found = Option<Box<dyn Starting>>;

/// Runs a command line in a folder with an environment of its own; returns what it printed, or what went wrong in words.
pub type RunTool = fn(&str, &[(String, String)], &Path) -> Result<String, String>;

/// What the engine can do to the world.
#[derive(Clone, Copy)]
pub struct World {
    /// Starts a keeper, without waiting until it is ready.
    pub keeper: fn() -> io::Result<Box<dyn Starting>>,
    /// Finds the keeper that an earlier engine of a job left behind, if it lives, and tells it about its new engine. From
    /// then on no keeper of an earlier engine begins anything.
    pub adopt: fn(&Hello) -> io::Result<Found>,
    /// Returns the digest of the files below a folder that the patterns name, or what went wrong.
    pub hash_files: fn(&Path, &[String]) -> Result<String, String>,
    /// Returns how tries of a job ended, as its keeper wrote it down in the job's folder.
    pub exits: fn(&Path) -> Vec<Exit>,
    /// Ends every process of a job whose keeper is gone, with that signal and grace; returns what would not end.
    pub sweep_job: fn(&str, i32, Duration) -> Vec<String>,
    /// Runs a command line by `sh -c` in a folder, with an environment of its own, and returns what it printed, or what went
    /// wrong in words.
    pub run_tool: RunTool,
    /// Returns members of the context `github` that come from the repository at that folder.
    pub repository: fn(&Path) -> Vec<(String, String)>,
}

/// Says what went wrong with a file, as people say it where they can do something about it.
#[must_use]
pub fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        _ => error.to_string(),
    }
}
