//! What a cancel ends stays ended: no try, no rescue, nothing behind it begins any more, also where the engine or its keeper
//! dies in the middle of it; what cleans up runs once, and a second cancel ends that, too.
//!
//! Not here: how soon it is over (`tests/bench/cancel.rs`), whoever tries to outlive it (`survivors.rs`).

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::handover::{engine, kill_hard};
use crate::kit::{Sandbox, eventually, keeper_of, nothing_is_left};

/// A try with others to come, a wait for the next try, a block that obeys the cancel and is rescued from failures, a server
/// and its client, and what would come after them. `$1` says in the file `ran` that it was begun.
const MANY: &str = r#"version: 3
name: many
defaults: { on-interrupt: rerun, cancel: { grace: 400ms } }
policy: { max-parallel: 8 }
stages:
  tried: { steps: [{ run: sh ignores tried, retry: { attempts: 9, backoff: { first: 10ms } } }] }
  waiting: { steps: [{ run: echo waiting >> ran; exit 1, retry: { attempts: 9, backoff: { first: 10m } } }] }
  rescued:
    steps:
      - block: [{ run: sh obeys block }]
        rescue: [{ run: echo rescue >> ran }]
        always: [{ run: echo always >> ran }]
      - run: echo behind >> ran
  served:
    steps:
      - { run: sh ignores server, background: true, retry: { attempts: 9, backoff: { first: 10ms } } }
      - { run: sh ignores client, idempotent: true }
  later: { needs: tried, run: echo later >> ran }
finally:
  tidy: { run: echo tidy >> ran }
"#;

const IGNORES: &str = "trap '' TERM\necho $1 >> ran\nexec sleep 600\n";
const OBEYS: &str = "trap 'exit 0' TERM\necho $1 >> ran\nwhile :; do sleep 0.02; done\n";

const BEGUN: [&str; 5] = ["block", "client", "server", "tried", "waiting"];

fn project(playbook: &str) -> Sandbox {
    Sandbox::new().file("many.yml", playbook).file("ignores", IGNORES).file("obeys", OBEYS)
}

/// What was begun, sorted.
fn ran(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.project().join("ran")).unwrap_or_default();
    let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
    names.sort();
    names
}

/// Starts the job, and returns once all that can run does, and the rest waits.
fn begin(sandbox: &Sandbox) {
    sandbox.sortie(["run", "many.yml", "--detach"]).run().code(0).done();
    eventually("all that can begin has begun, and one waits for its next try", || {
        ran(sandbox) == BEGUN
            && sandbox.sortie(["jobs", "events", "1"]).run().code(0).out.contains("step.retrying")
    });
}

/// The stages of which a step was started after the first cancel.
fn started_after_the_cancel(sandbox: &Sandbox) -> Vec<String> {
    let lines = sandbox.sortie(["jobs", "events", "1"]).run().code(0).json_lines();
    let after = lines.iter().skip_while(|line| line["type"] != "order.cancel");
    let started = after.filter(|line| line["type"] == "step.started" || line["type"] == "step.retrying");
    let mut stages: Vec<String> =
        started.map(|line| line["stage"].as_str().unwrap_or_default().to_owned()).collect();
    stages.sort();
    stages
}

/// Who dies when the cancel is recorded and has reached no child.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dies {
    Nobody,
    Engine,
    Keeper,
    Both,
}

const WHOEVER: [Dies; 4] = [Dies::Nobody, Dies::Engine, Dies::Keeper, Dies::Both];

fn cancel(sandbox: &Sandbox, words: &[&'static str], dies: Dies) {
    let words = || words.iter().copied();
    if dies == Dies::Nobody {
        sandbox.sortie(words()).run().code(0).done();
        return;
    }
    let engine = engine(sandbox);
    let keeper = keeper_of(engine);
    kill(Pid::from_raw(keeper), Signal::SIGSTOP).expect("it lives");
    sandbox.sortie(words()).run().code(0).done();
    if dies != Dies::Keeper {
        kill_hard(engine);
    }
    if dies == Dies::Engine {
        kill(Pid::from_raw(keeper), Signal::SIGCONT).expect("it lives");
    } else {
        kill_hard(keeper);
    }
    // Whoever looks at the jobs starts the next engine.
    sandbox.sortie(["jobs", "list"]).run().code(0).done();
    let recovered =
        sandbox.sortie(["jobs", "events", "1"]).run().code(0).out.matches("job.recovered").count();
    assert_eq!(recovered, usize::from(dies != Dies::Keeper), "{dies:?}");
}

fn after(words: &[&'static str], dies: Dies, expected: &[&str]) {
    let sandbox = project(MANY);
    begin(&sandbox);
    cancel(&sandbox, words, dies);
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).says("job #1 cancelled").done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
    let about = format!("{words:?}, {dies:?} dies");
    let mut all: Vec<&str> = BEGUN.into_iter().chain(expected.iter().copied()).collect();
    all.sort_unstable();
    assert_eq!(ran(&sandbox), all, "{about}");
    let stages: Vec<&str> = expected.iter().map(|it| if *it == "always" { "rescued" } else { *it }).collect();
    assert_eq!(started_after_the_cancel(&sandbox), stages, "{about}");
}

#[test]
fn after_a_cancel_only_what_cleans_up_begins_whoever_dies_meanwhile() {
    for dies in WHOEVER {
        after(&["jobs", "cancel", "1"], dies, &["always", "tidy"]);
    }
}

#[test]
fn after_a_cancel_by_force_nothing_begins_whoever_dies_meanwhile() {
    for dies in WHOEVER {
        after(&["jobs", "cancel", "1", "--force"], dies, &[]);
    }
}

#[test]
fn a_second_cancel_ends_what_cleans_up() {
    for dies in WHOEVER {
        let sandbox = project(&MANY.replace("echo always >> ran", "sh ignores always"));
        begin(&sandbox);
        sandbox.sortie(["jobs", "cancel", "1"]).run().code(0).done();
        eventually("it cleans up", || ran(&sandbox).contains(&"always".to_owned()));
        cancel(&sandbox, &["jobs", "cancel", "1"], dies);
        sandbox.sortie(["jobs", "wait", "1"]).run().code(130).says("job #1 cancelled").done();
        nothing_is_left(&sandbox, Duration::from_secs(5));
        assert_eq!(ran(&sandbox), ["always", "block", "client", "server", "tried", "waiting"], "{dies:?}");
        assert_eq!(started_after_the_cancel(&sandbox), ["rescued"], "{dies:?}");
    }
}

/// The first step leaves somebody behind, who is ended with the cell; the second stays.
const LEAVES: &str = r#"version: 3
name: leaves
defaults: { cancel: { grace: 300ms } }
stages:
  only:
    steps:
      - run: setsid sleep 600 &
      - run: echo begun; echo begun >> ran; exec sleep 600
"#;

fn leaves() -> Sandbox {
    Sandbox::new().file("leaves.yml", LEAVES)
}

#[test]
fn a_job_that_was_cancelled_by_force_ends_with_its_engine_although_it_is_kept() {
    let sandbox = leaves();
    sandbox.sortie(["run", "leaves.yml", "--detach"]).run().code(0).done();
    eventually("the second step", || ran(&sandbox) == ["begun"]);
    let engine = engine(&sandbox);
    let keeper = Pid::from_raw(keeper_of(engine));
    kill(keeper, Signal::SIGSTOP).expect("it lives");
    sandbox.sortie(["jobs", "cancel", "1", "--force"]).run().code(0).done();
    kill_hard(engine);
    kill(keeper, Signal::SIGCONT).expect("it lives");
    // Without anybody who looks at the job.
    nothing_is_left(&sandbox, Duration::from_secs(10));
    sandbox.sortie(["jobs", "list"]).run().code(0).done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).says("job #1 cancelled").done();
}

#[test]
fn the_third_interrupt_leaves_a_kept_job_that_is_being_stopped() {
    let sandbox = leaves();
    let mut live = sandbox.sortie(["run", "leaves.yml", "--on-loss", "keep"]).start();
    live.wait_for("begun");
    let keeper = Pid::from_raw(live.keeper());
    kill(keeper, Signal::SIGSTOP).expect("it lives");
    live.signal(Signal::SIGINT);
    live.wait_for("cancelling");
    live.signal(Signal::SIGINT);
    live.wait_for("killing");
    live.signal(Signal::SIGINT);
    live.wait().code(130).complains("what still runs is being stopped").done();
    kill(keeper, Signal::SIGCONT).expect("it lives");
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn whoever_leaves_a_kept_job_before_its_engine_took_the_cancel_is_told_that_it_may_go_on() {
    let sandbox = leaves();
    let mut live = sandbox.sortie(["run", "leaves.yml", "--on-loss", "keep"]).start();
    live.wait_for("begun");
    // The engine can write nothing down.
    let store = rusqlite::Connection::open(sandbox.project().join(".sortie/sortie.db")).expect("it is there");
    store.execute_batch("BEGIN IMMEDIATE").expect("nobody writes for long");
    let stat = format!("/proc/{}/stat", live.id());
    eventually("it has left", || {
        // Several that come at once are heard as one.
        live.signal(Signal::SIGINT);
        std::fs::read_to_string(&stat).is_ok_and(|text| text.contains(") Z "))
    });
    let left = live.wait().code(130).complains("took the cancel; what runs may go on: `sortie jobs cancel ");
    store.execute_batch("ROLLBACK").expect("it was begun");
    drop(store);
    let way_out = left.err.split('`').nth(1).expect("there is a command").to_owned();
    left.done();
    assert!(!crate::kit::who_is_left(&sandbox).is_empty(), "it goes on");
    sandbox.sortie(way_out.split(' ').skip(1)).run().code(0).done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).says("job #1 cancelled").done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn whoever_only_looks_on_leaves_a_job_that_goes_on() {
    let sandbox = leaves();
    sandbox.sortie(["run", "leaves.yml", "--detach"]).run().code(0).done();
    eventually("the second step", || ran(&sandbox) == ["begun"]);
    let mut looker = sandbox.sortie(["watch", "1", "--ui", "plain"]).start();
    looker.wait_for("begun");
    looker.signal(Signal::SIGINT);
    looker.wait().code(130).complains("left; job #1 `leaves` goes on").done();
    sandbox.sortie(["jobs", "cancel", "1", "--force"]).run().code(0).done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_cancel_by_force_waits_for_nobody_who_was_left_behind() {
    let ignores = LEAVES.replace("setsid sleep 600 &", "\"trap '' TERM; setsid sleep 600 &\"");
    let slow = ignores.replace("300ms", "1h");
    for words in [&["jobs", "cancel", "1"][..], &["jobs", "cancel", "1", "--force"]] {
        let sandbox = Sandbox::new().file("leaves.yml", &slow);
        sandbox.sortie(["run", "leaves.yml", "--detach"]).run().code(0).done();
        eventually("the second step", || ran(&sandbox) == ["begun"]);
        if words.len() == 3 {
            // The step obeys, and whom it left behind does not.
            sandbox.sortie(["jobs", "cancel", "1"]).run().code(0).done();
            eventually("the step has ended", || {
                sandbox.sortie(["jobs", "events", "1"]).run().code(0).out.contains("step.cancelled")
            });
        }
        sandbox.sortie(words.iter().copied()).run().code(0).done();
        sandbox.sortie(["jobs", "wait", "1"]).run().code(130).says("job #1 cancelled").done();
        nothing_is_left(&sandbox, Duration::from_secs(5));
    }
}
