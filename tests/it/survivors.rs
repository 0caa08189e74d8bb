//! Nothing left behind: twelve children that do what they can to outlive their job, times four ways for it to end.
//!
//! Not here: the children (`hostile.rs`), how they are found (`kit/census.rs`), the keeper's own tests (`src/edges/keeper`).
//! Every case is run five times, eight at once, without a terminal; every other time the child is the step's foreground.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::hostile::{HOSTILE, Hostile};
use crate::kit::{Sandbox, nothing_is_left, who_is_left};

const REPEATS: usize = 5;
const AT_ONCE: usize = 8;

/// After an end that Sortie sees through, what it started is gone with it; this only covers the kernel's own pace.
const AFTER_AN_END: Duration = Duration::from_secs(2);
/// After the engine was killed the keeper still asks politely, waits out the grace, and kills.
const AFTER_A_KILL: Duration = Duration::from_secs(10);

/// How the job ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Success,
    Timeout,
    Cancel,
    Kill,
}

#[test]
fn nothing_is_left_after_success() {
    every_child_is_gone_after(Ending::Success);
}

#[test]
fn nothing_is_left_after_a_timeout() {
    every_child_is_gone_after(Ending::Timeout);
}

#[test]
fn nothing_is_left_after_a_cancel() {
    every_child_is_gone_after(Ending::Cancel);
}

#[test]
fn nothing_is_left_after_the_engine_was_killed() {
    every_child_is_gone_after(Ending::Kill);
}

#[test]
fn the_census_sees_what_it_is_for() {
    let sandbox = Sandbox::new()
        .file("job.yml", &playbook(Ending::Cancel))
        .file("hostile.sh", "echo $$ >\"$HOSTILE_PIDS\"\n")
        .file("step.sh", WAITS);
    let mut live = sandbox.sortie(["run", "job.yml", "--on-loss", "stop"]).start();
    live.wait_for("the child is out");
    assert!(
        who_is_left(&sandbox).len() >= 3,
        "program, keeper and step are seen: {:?}",
        who_is_left(&sandbox)
    );
    live.signal(Signal::SIGINT);
    live.wait().code(130).done();
    nothing_is_left(&sandbox, AFTER_AN_END);
}

fn every_child_is_gone_after(ending: Ending) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let case = next.fetch_add(1, Ordering::Relaxed);
            let (repeat, child) = (case / HOSTILE.len(), case % HOSTILE.len());
            if repeat >= REPEATS {
                return;
            }
            let hostile = &HOSTILE[child];
            let result = catch_unwind(AssertUnwindSafe(|| run_case(hostile, ending, repeat)));
            if let Err(panic) = result {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                let failure = format!("{} / {ending:?} / repeat {repeat}: {text}", hostile.name);
                failures.lock().expect("nobody panics while holding it").push(failure);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().expect("nobody panics while holding it");
    assert!(
        failures.is_empty(),
        "{} of {} runs:\n{}",
        failures.len(),
        HOSTILE.len() * REPEATS,
        failures.join("\n\n")
    );
}

fn run_case(hostile: &Hostile, ending: Ending, repeat: usize) {
    let is_in_front = repeat % 2 == 1;
    let step = match ending {
        Ending::Success if is_in_front && !hostile.lasts => ENDS_IN_FRONT,
        Ending::Success => ENDS,
        _ if is_in_front => WAITS_IN_FRONT,
        _ => WAITS,
    };
    let sandbox = Sandbox::new()
        .file("job.yml", &playbook(ending))
        .file("step.sh", step)
        .file("hostile.sh", hostile.script);
    let mut live = sandbox.sortie(["run", "job.yml", "--on-loss", "stop"]).start();
    if ending == Ending::Cancel || ending == Ending::Kill {
        live.wait_for("the child is out");
    }
    match ending {
        Ending::Success => live.wait().code(0).done(),
        Ending::Timeout => live.wait().code(1).done(),
        Ending::Cancel => {
            sandbox.sortie(["jobs", "cancel", "last"]).run().code(0).done();
            live.wait().code(130).done();
        }
        Ending::Kill => {
            live.signal(Signal::SIGKILL);
            live.wait().signalled(Signal::SIGKILL).done();
        }
    }
    nothing_is_left(&sandbox, if ending == Ending::Kill { AFTER_A_KILL } else { AFTER_AN_END });
}

/// A job of one step; its grace is short because half of the children use all of it.
fn playbook(ending: Ending) -> String {
    let timeout = if ending == Ending::Timeout { "1s" } else { "1m" };
    format!(
        "version: 3\nname: hostile\nstages:\n  nest:\n    cancel: {{ signal: SIGTERM, grace: 300ms }}\n    steps:\n      \
         - run: sh step.sh\n        shell: sh\n        timeout: {timeout}\n"
    )
}

/// The child goes to the background; the step ends well once the child is out.
const ENDS: &str = r#"
export HOSTILE_PIDS="$PWD/pids"
sh hostile.sh &
until [ -s pids ]; do sleep 0.02; done
echo the child is out
"#;

/// The child is the step's foreground and ends by itself, leaving somebody behind.
const ENDS_IN_FRONT: &str = r#"
export HOSTILE_PIDS="$PWD/pids"
sh hostile.sh
echo the child is out
"#;

/// The child goes to the background and the step stays.
const WAITS: &str = r#"
export HOSTILE_PIDS="$PWD/pids"
sh hostile.sh &
until [ -s pids ]; do sleep 0.02; done
echo the child is out
while :; do sleep 600; done
"#;

/// The child is the step's foreground, and where it ends by itself the step stays all the same.
const WAITS_IN_FRONT: &str = r#"
export HOSTILE_PIDS="$PWD/pids"
(until [ -s pids ]; do sleep 0.02; done; echo the child is out) &
sh hostile.sh
while :; do sleep 600; done
"#;
