//! Surroundings that go bad while a job runs: the disk, the folders, the keeper, the owner, and impatient people.
//!
//! Each time: a sentence, the right code, a journal that can still be read, and nothing left running.
//! Not here: what is bad from the start (`bad_input.rs`), faults inside the engine (`faults.rs`).

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::kit::{Sandbox, limit_file_size, nothing_is_left, who_is_left};

const SOON: Duration = Duration::from_secs(5);

/// Nothing is waited for; this only covers the two looks that a count takes.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Waits for the file `go`, with somebody in the background who would stay for ever.
const GATED: &str = r#"version: 3
name: gated
defaults: { cancel: { grace: 300ms } }
stages:
  first: { run: "sleep 300 & echo begun; until test -e go; do sleep 0.05; done; echo opened" }
  second: { needs: first, run: echo second }
"#;

fn gated() -> Sandbox {
    Sandbox::new().file("gated.yml", GATED)
}

fn open_gate(sandbox: &Sandbox) {
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
}

/// The types of all events of the last job, which can only be told if the journal is whole.
fn events(sandbox: &Sandbox) -> Vec<String> {
    let lines = sandbox.sortie(["jobs", "events", "last"]).run().code(0).json_lines();
    lines.iter().map(|line| line["type"].as_str().unwrap_or_default().to_owned()).collect()
}

fn has(events: &[String], kind: &str) -> bool {
    events.iter().any(|it| it == kind)
}

#[test]
fn a_log_on_a_full_disk_fails_the_step_and_the_job_goes_on_to_its_end() {
    let text = "version: 3\nname: full\nstages:\n  a:\n    steps:\n      \
                - run: cd \".sortie/jobs/$SORTIE_JOB\" && mkdir logs && ln -s /dev/full logs/0.1.1.1\n      \
                - run: \"seq 100000; echo sequel\"\n  \
                b: { needs: a, if: always(), run: echo all the same }\n";
    let sandbox = Sandbox::new().file("full.yml", text);
    let ran = sandbox.sortie(["run", "full.yml"]).run().code(1);
    ran.says("could not be written: the disk is full").says("b | all the same").done();
    nothing_is_left(&sandbox, SOON);
    assert!(has(&events(&sandbox), "job.failed"));
}

#[test]
fn a_log_beyond_the_limit_for_files_fails_the_step() {
    let sandbox = gated();
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    limit_file_size(live.keeper(), 8);
    open_gate(&sandbox);
    live.wait().code(1).says("could not be written: File too large").done();
    nothing_is_left(&sandbox, SOON);
    assert!(has(&events(&sandbox), "job.failed"));
}

#[test]
fn a_step_that_writes_beyond_its_own_limit_still_ends_by_the_signal() {
    let text = "version: 3\nname: t\nstages:\n  a: { run: 'ulimit -f 1; exec yes > f' }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    sandbox.sortie(["run", "t.yml"]).run().code(1).says("SIGXFSZ").done();
}

#[test]
fn a_journal_that_cannot_be_written_ends_the_job_with_code_5() {
    let text = GATED.replace("sleep 300 &", "(trap '' TERM; while :; do sleep 300; done) &");
    let sandbox = Sandbox::new().file("gated.yml", &text);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    limit_file_size(live.id(), 1);
    open_gate(&sandbox);
    live.wait().code(5).complains("the store said").done();
    // Not a moment later: the program says that it is over when it is.
    let left = who_is_left(&sandbox);
    assert!(left.is_empty(), "{left:?}");
    let events = events(&sandbox);
    assert!(has(&events, "step.started") && !has(&events, "step.completed"), "{events:?}");
    sandbox.sortie(["jobs", "list"]).run().code(0).says("interrupted").done();
    sandbox.sortie(["jobs", "wait", "last"]).run().code(5).complains("was interrupted").done();
    sandbox.sortie(["run", "gated.yml"]).run().code(0).says("job #2 passed").done();
}

#[test]
fn a_folder_that_a_step_replaced_is_the_new_one_for_the_next_and_a_removed_one_is_named() {
    let text = "version: 3\nname: t\nstages:\n  \
                a: { working-directory: sub, steps: [{ run: 'rm -r ../sub; mkdir ../sub; echo new > ../sub/f' }, { run: cat f }] }\n  \
                b: { needs: a, working-directory: sub, steps: [{ run: rm -r ../sub }, { run: echo never }] }\n";
    let sandbox = Sandbox::new().file("t.yml", text).file("sub/f", "old");
    let ran = sandbox.sortie(["run", "t.yml"]).run().code(1);
    let ran = ran.says("a | new").says("sub` does not exist");
    assert!(!ran.out.contains("never\n"), "{}", ran.out);
}

#[test]
fn a_project_that_is_removed_takes_its_job_with_it_and_does_not_come_back() {
    let text =
        "version: 3\nname: t\nstages:\n  a: { run: 'rm -r \"$PWD\"' }\n  b: { needs: a, run: echo never }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    let ran = sandbox.sortie(["run", "t.yml"]).run().code(5).complains("was removed while the job ran");
    assert!(!ran.out.contains("b | never"), "{}", ran.out);
    nothing_is_left(&sandbox, AT_ONCE);
    let left = std::fs::read_dir(sandbox.base()).expect("only the project was removed").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(!left.contains(&"project".into()), "{left:?}");
}

#[test]
fn a_project_that_is_removed_fails_the_steps_of_a_job_whose_state_lies_elsewhere() {
    let text =
        "version: 3\nname: t\nstages:\n  a: { run: 'rm -r \"$PWD\"' }\n  b: { needs: a, run: echo never }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    let state = sandbox.base().join("state").display().to_string();
    let ran = sandbox.sortie(["run", "t.yml", "--state", &state]).run().code(1);
    ran.says("project` does not exist").says("1 stage passed, 1 failed").done();
}

#[test]
fn a_second_owner_is_refused_and_told_who_the_first_is() {
    let sandbox = gated();
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    let refused = sandbox.sortie(["jobs", "retry", "last", "--all"]).run().code(3);
    refused.complains("the job still runs").done();
    // Only a row that is wrong leads a second engine to the lease itself.
    let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("it is there");
    store.execute("UPDATE jobs SET state = 'finished', outcome = 'failure'", []).expect("nobody is writing");
    let refused = sandbox.sortie(["jobs", "retry", "1", "--all"]).run().code(3);
    refused.complains(&format!("owned by another engine (process {})", live.id())).done();
    let before = events(&sandbox).len();
    open_gate(&sandbox);
    live.wait().code(0).says("second | second").done();
    nothing_is_left(&sandbox, SOON);
    let after = events(&sandbox);
    assert!(
        after.len() > before && has(&after, "job.completed") && !has(&after, "job.recovered"),
        "{after:?}"
    );
}

#[test]
fn a_killed_keeper_fails_what_it_held_and_the_job_says_so() {
    let sandbox = gated();
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    kill(Pid::from_raw(live.keeper()), Signal::SIGKILL).expect("it is a process of ours");
    live.wait().code(1).says("the keeper of the job ended, and its processes were stopped").done();
    nothing_is_left(&sandbox, AT_ONCE);
    assert!(has(&events(&sandbox), "job.failed"));
    sandbox.sortie(["jobs", "wait", "last"]).run().code(1).done();
}

#[test]
fn what_comes_after_a_killed_keeper_is_held_by_another() {
    let text = GATED.replace("needs: first", "needs: first, if: always()");
    let sandbox = Sandbox::new().file("gated.yml", &text);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    kill(Pid::from_raw(live.keeper()), Signal::SIGKILL).expect("it is a process of ours");
    live.wait().code(1).says("the keeper of the job ended").says("second | second").done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn a_job_whose_keepers_cannot_begin_is_given_up_with_code_5() {
    let text = GATED.replace("needs: first", "needs: first, if: always()");
    let text =
        text.replace("echo begun", "cd .sortie/jobs/$SORTIE_JOB; rm -f exits; mkdir exits; echo begun");
    let sandbox = Sandbox::new().file("gated.yml", &text);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    // Nothing is wanted of the next keeper, so that only its end is left to be noticed.
    sandbox.sortie(["jobs", "pause", "last"]).run().code(0).done();
    kill(Pid::from_raw(live.keeper()), Signal::SIGKILL).expect("it is a process of ours");
    live.wait().code(5).complains("ended 3 times before it said a word").complains("can it write to").done();
    nothing_is_left(&sandbox, AT_ONCE);
    assert!(!has(&events(&sandbox), "job.failed"));
}

#[test]
fn a_terminated_engine_cancels_its_job() {
    let sandbox = gated();
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    live.signal(Signal::SIGTERM);
    live.wait().code(130).says("cancelled").done();
    nothing_is_left(&sandbox, AT_ONCE);
    assert!(has(&events(&sandbox), "job.cancelled"));
}

#[test]
fn the_third_interrupt_ends_the_program_at_once_even_if_the_keeper_is_stuck() {
    let sandbox = gated();
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    let keeper = Pid::from_raw(live.keeper());
    kill(keeper, Signal::SIGSTOP).expect("it is a process of ours");
    live.signal(Signal::SIGINT);
    live.wait_for("cancelling");
    live.signal(Signal::SIGINT);
    live.wait_for("killing");
    live.signal(Signal::SIGINT);
    live.wait().code(130).complains("left before the job ended").done();
    // Once it can, the keeper sees that nobody is there any more.
    kill(keeper, Signal::SIGCONT).expect("it is a process of ours");
    nothing_is_left(&sandbox, SOON);
    let events = events(&sandbox);
    assert!(has(&events, "step.started") && !has(&events, "job.cancelled"), "{events:?}");
    sandbox.sortie(["jobs", "list"]).run().code(0).says("interrupted").done();
}
