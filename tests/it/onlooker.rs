//! Whoever only looks on at a job, or orders something of an engine that is silent: what they are told is true.
//!
//! Not here: orders that are answered (`orders.rs`), full screens (`screen.rs`).

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::kit::{Live, Sandbox, eventually, nothing_is_left};

const WAITS: &str = "version: 3\nname: waits\nstages:\n  a: { run: 'echo begun; until test -e go; do sleep 0.05; done; echo went on' }\n";

fn waiting() -> (Sandbox, Live) {
    let sandbox = Sandbox::new().file("waits.yml", WAITS);
    let mut live = sandbox.sortie(["run", "waits.yml"]).start();
    live.wait_for("begun");
    (sandbox, live)
}

fn let_go(sandbox: &Sandbox) {
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
}

#[test]
fn whoever_only_looks_on_and_is_ended_is_told_that_the_job_goes_on() {
    let (sandbox, live) = waiting();
    for (words, signal) in [
        (&["w", "1", "--ui", "plain"][..], Signal::SIGTERM),
        (&["jobs", "logs", "1", "-f"], Signal::SIGINT),
        (&["w", "1", "--ui", "plain"], Signal::SIGINT),
        (&["jobs", "logs", "1", "-f"], Signal::SIGTERM),
    ] {
        let mut watcher = sandbox.sortie(words.iter().copied()).start();
        watcher.wait_for("begun");
        watcher.signal(signal);
        let left = watcher.wait().code(130);
        let left = left.complains("job #1 `waits` goes on").complains("w 1` shows it again");
        assert!(!left.err.contains("being stopped"), "{}", left.err);
    }
    let_go(&sandbox);
    live.wait().code(0).says("went on").done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn whoever_waits_for_a_job_and_is_ended_is_told_that_it_goes_on() {
    let (sandbox, live) = waiting();
    let mut waiter = sandbox.sortie(["jobs", "wait", "1"]).start();
    // It prints nothing.
    eventually("the waiter to listen", || catches_term(waiter.id()));
    waiter.signal(Signal::SIGTERM);
    waiter.wait().code(130).complains("job #1 `waits` goes on").done();
    let_go(&sandbox);
    live.wait().code(0).done();
}

#[test]
fn an_engine_that_is_stopped_is_told_at_once_and_what_became_of_the_order_at_the_end() {
    let (sandbox, live) = waiting();
    let engine = Pid::from_raw(live.id());
    kill(engine, Signal::SIGSTOP).expect("it is a process of ours");
    let order = ["jobs", "pause", "1", "--id", "mine"];
    let mut asked = sandbox.sortie(order).start();
    asked.wait_for(&format!("the engine (process {engine}, stopped) does not answer; waiting 8 s more"));
    let asked = asked.wait().code(5).says(&format!("kill -CONT {engine}"));
    let asked = asked.complains(&format!("the engine (process {engine}, stopped) has said nothing for 10 s"));
    asked.complains("is not known").complains("jobs show 1`").complains("--id mine").done();
    kill(engine, Signal::SIGCONT).expect("it is a process of ours");
    // It lay at the engine's door, and is carried out once however often it is given.
    sandbox.sortie(order).run().code(0).done();
    let events = sandbox.sortie(["jobs", "events", "1"]).run().code(0).json_lines();
    assert_eq!(events.iter().filter(|it| it["type"] == "job.paused").count(), 1, "{events:?}");
    sandbox.sortie(["jobs", "resume", "1"]).run().code(0).done();
    let_go(&sandbox);
    live.wait().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn an_engine_that_dies_over_an_order_leaves_it_open() {
    let (sandbox, live) = waiting();
    let engine = Pid::from_raw(live.id());
    kill(engine, Signal::SIGSTOP).expect("it is a process of ours");
    let mut asked = sandbox.sortie(["jobs", "pause", "1", "--id", "mine"]).start();
    asked.wait_for("does not answer");
    kill(engine, Signal::SIGKILL).expect("it is a process of ours");
    asked.wait().code(5).complains("the engine went before it answered").complains("--id mine").done();
    drop(live);
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

/// Says whether a process handles the signal that asks it to end, as proc(5) shows it.
fn catches_term(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0);
    caught & (1 << (Signal::SIGTERM as u32 - 1)) != 0
}
