//! Ending a job's processes without its keeper: for an engine whose keeper died, or that finds a job without one.
//!
//! An engine is a subreaper too, so the children of a dead keeper come to it, even those that cleared their
//! environment. If both died, only the tag in the environment, and who descends from a tagged process or shares its
//! session, tells what belonged to the job.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, getpid, waitid};

use super::ladder::{self, Ended};
use super::procfs::{self, Process, tag_is_inside};

/// So often processes are looked for again that came while others were looked at.
const ROUNDS: u32 = 30;

/// Returns the processes that bear the tag of a job that is over, each with its number and in words.
#[must_use]
pub fn left_behind(is_over: &dyn Fn(&str) -> bool) -> Vec<(i32, String)> {
    let me = getpid().as_raw_nonzero().get();
    let others = procfs::all().into_iter().filter(|pid| *pid != me).filter_map(Process::look);
    let living = others.filter(|process| !process.is_dead());
    let left = living.filter(|process| {
        // The last place is that of the outermost job, which whoever calls may know.
        let tag = process.tag().unwrap_or_default();
        tag.split(',').filter_map(|place| place.split('.').next()).any(|job| !job.is_empty() && is_over(job))
    });
    left.map(|process| (process.pid, process.describe())).collect()
}

/// Ends every process whose tag is inside `place` (a job's UUID, or UUID, cell and run), and what descends from it.
///
/// With `adopted`, the children of this process are ended as well, but for the numbers in `spare`: the engine calls
/// it so after its keeper died. Blocks for up to the grace and some seconds.
#[must_use]
pub fn sweep_tagged(place: &str, adopted: bool, spare: &[i32], signal: i32, grace: Duration) -> Ended {
    let me = getpid().as_raw_nonzero().get();
    let mut find = || {
        let mut seen = Seen::default();
        let mut found = Vec::new();
        for _ in 0..ROUNDS {
            let own = if adopted { own_children(me, spare) } else { Vec::new() };
            seen.look_further(place);
            let roots = [seen.tagged(me), own].concat();
            found = procfs::trees(&roots);
            // One that has ended since may have left a child that was not there yet.
            if roots.iter().all(|pid| found.iter().any(|process| process.pid == *pid)) {
                break;
            }
        }
        found.retain(|process| process.pid != me && !spare.contains(&process.pid));
        found
    };
    ladder::end(&mut find, signal, grace)
}

/// Children of this process that it did not start itself; dead ones are reaped on the way.
fn own_children(me: i32, spare: &[i32]) -> Vec<i32> {
    let mut found = procfs::children(me);
    found.retain(|pid| !spare.contains(pid));
    for pid in &found {
        reap(*pid);
    }
    found.retain(|pid| Process::look(*pid).is_some_and(|process| !process.is_dead()));
    found
}

fn reap(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Still running is not a failure here: it is in the list then.
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// Processes that were looked at.
#[derive(Default)]
struct Seen {
    numbers: HashSet<i32>,
    /// Those that carry the tag.
    tagged: Vec<Process>,
    others: Vec<Process>,
    /// Of those that carry it, be they alive or not.
    sessions: HashSet<i32>,
}

impl Seen {
    /// Looks at those that were not looked at yet, until there are none, and forgets those that have ended.
    ///
    /// What forks and ends again and again is, between the list of all processes and the look at one of them, neither of the
    /// two that it was and is.
    fn look_further(&mut self, place: &str) {
        for _ in 0..ROUNDS {
            let mut new = procfs::all();
            new.retain(|pid| self.numbers.insert(*pid));
            if new.is_empty() {
                break;
            }
            for process in new.into_iter().filter_map(Process::look) {
                if process.tag().is_some_and(|tag| tag_is_inside(&tag, place)) {
                    self.sessions.insert(process.session);
                    self.tagged.push(process);
                } else {
                    self.others.push(process);
                }
            }
        }
        let is_alive =
            |it: &Process| Process::look(it.pid).is_some_and(|now| now.start == it.start && !now.is_dead());
        self.tagged.retain(is_alive);
        self.others.retain(|it| !self.sessions.contains(&it.session) || is_alive(it));
    }

    /// Numbers of the processes that carry the tag or share the session of one that does.
    fn tagged(&self, me: i32) -> Vec<i32> {
        // This process may itself run inside a step of the job, and must not take its own session for a leftover.
        let own = Process::look(me).map_or(0, |process| process.session);
        let is_beside = |it: &&Process| it.session != own && self.sessions.contains(&it.session);
        self.tagged.iter().chain(self.others.iter().filter(is_beside)).map(|process| process.pid).collect()
    }
}
