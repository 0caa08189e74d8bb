//! Stopping the processes of attempts for a while, and letting them go on.
//!
//! SIGSTOP cannot be refused, so the group gets it first and then whatever descends from the attempt and went to another
//! session, until nobody is left who could start somebody new. An attempt that has no process yet is stopped as soon as
//! it has one. Not here: when (`logic/job/freeze.rs`). Whatever ends processes wakes them first.

use std::sync::Arc;

use nix::libc::SIGCONT;
use rustix::process::{Pid, Signal, kill_process_group};

use super::super::{ladder, procfs};
use super::shared::{Shared, State};
use super::stop::Target;
use crate::logic::job::report::AttemptKey;

/// Stops the attempts that are live, and the others as soon as they are.
pub(crate) fn freeze(shared: &Arc<Shared>, keys: &[AttemptKey]) {
    shared.state().frozen.extend(keys.iter().copied());
    for &key in keys {
        shared.state().stop_group(key);
        if let Some(target) = Target::of(shared, key) {
            // One that was let go on meanwhile is not stopped any more.
            ladder::hold(&mut || {
                if shared.state().frozen.contains(&key) { target.find() } else { Vec::new() }
            });
        }
    }
}

/// Lets them go on.
pub(crate) fn thaw(shared: &Arc<Shared>, keys: &[AttemptKey]) {
    for key in keys {
        let mut state = shared.state();
        state.frozen.remove(key);
        state.send_group(*key, Signal::CONT);
        drop(state);
        let Some(target) = Target::of(shared, *key) else { continue };
        for handle in target.find().iter().filter_map(procfs::Process::open) {
            procfs::send(&handle, SIGCONT);
        }
    }
}

impl State {
    /// Stops the group of an attempt that is to be frozen.
    pub(crate) fn stop_group(&self, key: AttemptKey) {
        if self.frozen.contains(&key) {
            self.send_group(key, Signal::STOP);
        }
    }

    fn send_group(&self, key: AttemptKey, signal: Signal) {
        let pid = self.live.get(&key).and_then(|live| live.pid);
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            // The main process is not reaped, so the group's number is its own; a group without members is no failure.
            let _ = kill_process_group(pid, signal);
        }
    }
}
