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

/// Ends every process whose tag is inside `place` (a job's UUID, or UUID, cell and run), and what descends from it.
///
/// With `adopted`, the children of this process are ended as well, but for the numbers in `spare`: the engine calls
/// it so after its keeper died. Blocks for up to the grace and some seconds.
#[must_use]
pub fn sweep_tagged(place: &str, adopted: bool, spare: &[i32], signal: i32, grace: Duration) -> Ended {
    let me = getpid().as_raw_nonzero().get();
    let mut find = || {
        let own = if adopted { own_children(me, spare) } else { Vec::new() };
        let mut found = tagged(place, me);
        found.extend(own);
        procfs::trees(&found)
            .into_iter()
            .filter(|process| process.pid != me && !spare.contains(&process.pid))
            .collect()
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
    found
}

fn reap(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Still running is not a failure here: it is in the list then.
        let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}

/// Numbers of the processes that carry the tag or share the session of one that does.
fn tagged(place: &str, me: i32) -> Vec<i32> {
    let own_session = Process::look(me).map_or(0, |process| process.session);
    let mut found = Vec::new();
    let mut others = Vec::new();
    let mut sessions = HashSet::new();
    for pid in procfs::all() {
        let Some(process) = Process::look(pid) else { continue };
        if process.tag().is_some_and(|tag| tag_is_inside(&tag, place)) {
            sessions.insert(process.session);
            found.push(pid);
        } else {
            others.push(process);
        }
    }
    // This process may itself run inside a step of the job, and must not take its own session for a leftover.
    sessions.remove(&own_session);
    found.extend(
        others.iter().filter(|process| sessions.contains(&process.session)).map(|process| process.pid),
    );
    found
}
