//! Running a job on that has ended, or starting a new one in its place, on a thread of its own: secrets may take their time, and a person may have enough of it.
//!
//! Until the job begins it can be given up; the thread is left to itself then, and finds that nobody wants it any more. Not
//! here: what it takes to run a job on (`cli/retry.rs`), the screen meanwhile (`watch.rs`).

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::engine::{JobId, Running};
use crate::faces::context::Context;
use crate::faces::show::Shown;
use crate::logic::job::order::Order;
use crate::logic::playbook::model::Playbook;

#[cfg(test)]
#[path = "restart_tests.rs"]
mod tests;

/// Runs a job on that has ended. Asks once whether it still may, before it begins; otherwise answers what the command line
/// would have printed.
pub type Again = fn(&Context, &JobId, &Playbook, Order, &dyn Fn() -> bool) -> Result<Running, Vec<String>>;

/// Starts a new job from the playbook of an earlier one, as the file is now. Asks and answers as [`Again`] does.
pub type Fresh = fn(&Context, &JobId, &dyn Fn() -> bool) -> Result<Shown, Vec<String>>;

/// A job that is to run on, or a new one.
pub(super) struct Restart<T = Running>(Arc<Inner<T>>);

struct Inner<T> {
    stage: Mutex<Stage<T>>,
    changed: Condvar,
}

enum Stage<T> {
    Preparing,
    /// It cannot be given up any more.
    Beginning,
    Over(Result<T, Vec<String>>),
    /// Nobody wants it, or it was taken.
    Done,
}

impl<T: Send + 'static> Restart<T> {
    /// Begins. `again` is given the question whether it still may; `tell` is called when there is something to take.
    ///
    /// # Errors
    /// If there can be no thread for it.
    pub(super) fn start(
        again: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Vec<String>> + Send + 'static,
        tell: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let inner = Arc::new(Inner { stage: Mutex::new(Stage::Preparing), changed: Condvar::new() });
        let own = Arc::clone(&inner);
        std::thread::Builder::new().name("start".to_owned()).spawn(move || {
            let result = again(&|| own.begins());
            if own.ends(result) {
                tell();
            }
        })?;
        Ok(Self(inner))
    }

    /// Wants it no longer; says whether nothing was begun and nothing will be.
    pub(super) fn give_up(&self) -> bool {
        let mut stage = self.0.lock();
        match *stage {
            Stage::Preparing | Stage::Over(Err(_)) => *stage = Stage::Done,
            Stage::Beginning | Stage::Over(Ok(_)) => return false,
            Stage::Done => {}
        }
        true
    }

    /// Returns what came of it, once something did.
    pub(super) fn take(&self) -> Option<Result<T, Vec<String>>> {
        let mut stage = self.0.lock();
        match std::mem::replace(&mut *stage, Stage::Done) {
            Stage::Over(result) => Some(result),
            other => {
                *stage = other;
                None
            }
        }
    }

    /// Gives it up, or waits for what came of it if it is too late for that, which takes a moment only.
    pub(super) fn give_up_or_take(&self) -> Option<T> {
        if self.give_up() {
            return None;
        }
        let is_beginning = |stage: &mut Stage<T>| matches!(stage, Stage::Beginning);
        drop(self.0.changed.wait_while(self.0.lock(), is_beginning).unwrap_or_else(PoisonError::into_inner));
        self.take()?.ok()
    }
}

impl<T> Inner<T> {
    fn lock(&self) -> MutexGuard<'_, Stage<T>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begins(&self) -> bool {
        let mut stage = self.lock();
        let is_wanted = matches!(*stage, Stage::Preparing);
        if is_wanted {
            *stage = Stage::Beginning;
        }
        is_wanted
    }

    /// Says whether anybody still wants the result.
    fn ends(&self, result: Result<T, Vec<String>>) -> bool {
        let mut stage = self.lock();
        let is_wanted = !matches!(*stage, Stage::Done);
        if is_wanted {
            *stage = Stage::Over(result);
        }
        self.changed.notify_all();
        is_wanted
    }
}
