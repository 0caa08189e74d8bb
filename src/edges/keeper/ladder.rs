//! The ladder by which processes are ended: a signal, a grace, then SIGKILL until none is left.
//!
//! Here: the loop, for any way of finding the processes. Not here: which processes, and reaping them. Used by the
//! keeper for cells, steps and the whole job, and by an engine whose keeper is gone.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::libc::{SIGCONT, SIGKILL, SIGSTOP};

use super::procfs::{self, Process};

/// How long SIGKILL is repeated before what is left is given up on. Only a process stuck in the kernel lasts.
const KILL_FOR: Duration = Duration::from_secs(5);

/// How often processes are looked for again while waiting, in milliseconds.
const LOOK_MS: u64 = 20;

/// What a climb of the ladder came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Number of processes that were asked or made to end.
    pub count: u32,
    /// Names of those that would not.
    pub survivors: Vec<String>,
}

/// Ends all processes that `find` finds, again and again until it finds none. `find` leaves out dead ones.
pub(crate) fn end(find: &mut dyn FnMut() -> Vec<Process>, signal: i32, grace: Duration) -> Ended {
    let mut climb = Climb::default();
    let until = Instant::now() + grace;
    let mut found = find_surely(find);
    // Once: what is started after that is mostly the cleaning up that was asked for.
    climb.send_to_new(&found, &[signal, SIGCONT]);
    while !found.is_empty() && Instant::now() < until {
        let left = until.saturating_duration_since(Instant::now());
        climb.wait(&found, u64::try_from(left.as_millis()).unwrap_or(LOOK_MS).clamp(1, LOOK_MS));
        found = find_surely(find);
    }
    let until = Instant::now() + KILL_FOR;
    while !found.is_empty() && Instant::now() < until {
        // A stopped process makes no children, so after a few rounds the whole of a fork bomb is known.
        climb.forget_sent();
        for _ in 0..50 {
            if !climb.send_to_new(&found, &[SIGSTOP]) {
                break;
            }
            found = find();
        }
        climb.forget_sent();
        climb.send_to_new(&found, &[SIGKILL]);
        climb.wait(&found, LOOK_MS);
        found = find_surely(find);
    }
    Ended {
        count: u32::try_from(climb.met.len()).unwrap_or(u32::MAX),
        survivors: found.iter().map(Process::describe).collect(),
    }
}

/// Stops all processes that `find` finds, again and again until it finds none that is new: a stopped one makes no children.
pub(crate) fn hold(find: &mut dyn FnMut() -> Vec<Process>) {
    let mut climb = Climb::default();
    for _ in 0..50 {
        if !climb.send_to_new(&find(), &[SIGSTOP]) {
            return;
        }
    }
}

/// Finds twice before believing that there is nothing: a list of children read while one of them ends may skip one.
fn find_surely(find: &mut dyn FnMut() -> Vec<Process>) -> Vec<Process> {
    let found = find();
    if found.is_empty() { find() } else { found }
}

#[derive(Default)]
struct Climb {
    met: HashSet<(i32, u64)>,
    sent: HashSet<(i32, u64)>,
    handles: HashMap<(i32, u64), OwnedFd>,
}

impl Climb {
    /// Sends to those that were not sent to yet; says whether there were any.
    fn send_to_new(&mut self, found: &[Process], signals: &[i32]) -> bool {
        let mut any = false;
        for process in found {
            let id = (process.pid, process.start);
            if !self.sent.insert(id) {
                continue;
            }
            self.met.insert(id);
            if let Some(handle) = self.handle(process) {
                any = true;
                for signal in signals {
                    procfs::send(handle, *signal);
                }
            }
        }
        any
    }

    fn handle(&mut self, process: &Process) -> Option<&mut OwnedFd> {
        match self.handles.entry((process.pid, process.start)) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => Some(place.insert(process.open()?)),
        }
    }

    fn forget_sent(&mut self) {
        self.sent.clear();
    }

    fn wait(&mut self, found: &[Process], milliseconds: u64) {
        // Handles of those that are gone would make every wait end at once.
        let mut alive: HashMap<(i32, u64), OwnedFd> = HashMap::new();
        for process in found {
            let id = (process.pid, process.start);
            if let Some(handle) = self.handles.remove(&id) {
                alive.insert(id, handle);
            }
        }
        self.handles = alive;
        let handles: Vec<OwnedFd> =
            self.handles.values().filter_map(|handle| handle.try_clone().ok()).collect();
        procfs::wait_for_any(&handles, milliseconds);
    }
}
