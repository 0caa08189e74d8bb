//! Orders from another process: cancel, pause, resume, skip and its undoing, retry, and what is said when they make no sense.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::handover::{engine, kill_hard};
use crate::kit::{Sandbox, eventually, nothing_is_left};

const LONG: &str = r#"version: 3
name: long
stages:
  first:
    cancel: { grace: 300ms }
    steps:
      - block:
          - run: echo begun; exec sleep 60
        always:
          - run: echo tidied up
  second: { needs: first, run: echo second }
"#;

/// Waits for the file `go` to come, as a person would for a slow step.
const GATED: &str = r#"version: 3
name: gated
stages:
  first: { run: "echo begun; until test -e go; do sleep 0.05; done; echo opened" }
  second: { needs: first, run: echo second }
  third: { needs: second, run: echo third }
"#;

const FLAKY: &str = r#"version: 3
name: flaky
stages:
  ok: { run: echo once >> runs }
  flaky: { needs: ok, run: test -e mended }
  after: { needs: flaky, run: echo after }
"#;

#[test]
fn a_job_is_cancelled_from_another_process_and_tidies_up() {
    let sandbox = Sandbox::new().file("long.yml", LONG);
    let mut live = sandbox.sortie(["run", "long.yml"]).start();
    live.wait_for("begun");
    sandbox.sortie(["jobs", "cancel", "last"]).run().code(0).done();
    live.wait().code(130).says("tidied up").done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
    sandbox.sortie(["jobs", "cancel", "last"]).run().code(3).done();
}

#[test]
fn a_paused_job_starts_nothing_until_it_is_resumed() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml", "--ui", "json"]).start();
    live.wait_for("step.started");
    sandbox.sortie(["jobs", "pause", "last"]).run().code(0).done();
    sandbox.sortie(["jobs", "pause", "last"]).run().code(3).done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait_for("stage.completed");
    sandbox.sortie(["jobs", "resume", "last"]).run().code(0).done();
    let lines = live.wait().code(0).json_lines();
    let at = |kind: &str, stage: &str| {
        lines.iter().position(|l| l["type"] == kind && (stage.is_empty() || l["stage"] == stage))
    };
    assert!(at("job.resumed", "") < at("stage.started", "second"), "{lines:?}");
}

#[test]
fn a_waiting_stage_is_skipped_and_what_needs_it_goes_on() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml", "--verbose"]).start();
    live.wait_for("begun");
    sandbox.sortie(["jobs", "skip", "last", "second"]).run().code(0).done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    let ran = live.wait().code(0).says("third | third");
    assert!(!ran.out.contains("second | second"), "{}", ran.out);
}

#[test]
fn a_failed_job_is_tried_again_from_what_failed() {
    let sandbox = Sandbox::new().file("flaky.yml", FLAKY);
    sandbox.sortie(["run", "flaky.yml"]).run().code(1).done();
    std::fs::write(sandbox.project().join("mended"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "retry", "last"]).run().code(0).says("after | after").done();
    let runs = std::fs::read_to_string(sandbox.project().join("runs")).expect("the first stage wrote it");
    assert_eq!(runs, "once\n", "what had passed ran again");
}

#[test]
fn a_retry_reads_the_file_of_variables_again_and_says_that_the_playbook_has_changed() {
    let first = "version: 3\nname: again\nstages:\n  show: { run: 'echo \"is $WORD\"; test -e ready' }\n";
    let sandbox = Sandbox::new().file("again.yml", first).file("words.env", "WORD=one\n");
    sandbox.sortie(["run", "again.yml", "--env-file", "words.env"]).run().code(1).says("is one").done();
    let sandbox = sandbox.file("words.env", "WORD=two\n");
    let ran = sandbox.sortie(["jobs", "retry", "last"]).run().code(1).says("is two");
    assert!(!ran.err.contains("changed"), "{}", ran.err);
    let sandbox = sandbox.file("again.yml", &first.replace("is ", "was ")).file("ready", "");
    let ran = sandbox.sortie(["jobs", "retry", "last"]).run().code(0).says("is two");
    let changed = "`again.yml` has changed since this job began, and a job keeps what it began with: \
                   `sortie run again.yml` runs the new one";
    assert_eq!(ran.err.matches(changed).count(), 1, "{}", ran.err);
    std::fs::remove_file(sandbox.project().join("words.env")).unwrap();
    sandbox.sortie(["run"]).run().code(2).complains("words.env").done();
}

#[test]
fn a_stage_that_runs_is_skipped_killed_if_it_must_be_and_what_needs_it_goes_on() {
    let stubborn = r#"version: 3
name: stubborn
stages:
  first:
    cancel: { grace: 300ms }
    steps:
      - block:
          - run: trap "" TERM; sleep 61 & echo begun; while :; do sleep 60; done
        always:
          - run: echo tidied up
      - run: echo too late
  second: { needs: first, run: echo second }
"#;
    let sandbox = Sandbox::new().file("stubborn.yml", stubborn);
    let mut live = sandbox.sortie(["run", "stubborn.yml"]).start();
    live.wait_for("begun");
    sandbox.sortie(["jobs", "skip", "last", "first"]).run().code(0).says("skipping `first`").done();
    let ran = live.wait().code(0).says("waiting for first, killed after 300ms").says("tidied up");
    let ran = ran.says("second | second").says("1 stage passed, 1 skipped");
    assert!(ran.out.contains("first skipped after") && !ran.out.contains("too late"), "{}", ran.out);
    nothing_is_left(&sandbox, Duration::from_secs(2));
    let shown = sandbox.sortie(["jobs", "show", "last"]).run().code(0).says("first").says("asked for by ");
    assert!(!shown.out.contains("failed"), "{}", shown.out);
    sandbox.sortie(["jobs", "skip", "--undo", "last", "first"]).run().code(3).done();
}

#[test]
fn a_cell_that_runs_is_skipped_and_its_siblings_go_on() {
    let text = r#"version: 3
name: cells
stages:
  build:
    matrix: { n: [1, 2] }
    run: echo begun ${{ matrix.n }}; until test -e go; do sleep 0.05; done; echo opened
  after: { needs: build, run: echo after }
"#;
    let sandbox = Sandbox::new().file("cells.yml", text);
    let mut live = sandbox.sortie(["run", "cells.yml", "--max-parallel", "2"]).start();
    live.wait_for("begun 1");
    live.wait_for("begun 2");
    sandbox.sortie(["jobs", "skip", "last", "build[n=1]"]).run().code(0).done();
    live.wait_for("build[n=1] skipped");
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    let ran = live.wait().code(0).says("build passed: 1 cell passed, 1 skipped").says("after | after");
    assert!(!ran.out.contains("build[n=1] | opened"), "{}", ran.out);
}

#[test]
fn a_skip_is_taken_back_before_it_comes_into_force() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    sandbox.sortie(["jobs", "skip", "--undo", "last", "second"]).run().code(3).done();
    sandbox.sortie(["jobs", "skip", "last", "second"]).run().code(0).done();
    live.wait_for("second will be left out");
    sandbox.sortie(["jobs", "skip", "last", "second", "--undo"]).run().code(0).says("after all").done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait().code(0).says("second | second").says("3 stages passed").done();
}

#[test]
fn a_stage_that_passed_runs_again_with_what_needs_it() {
    let sandbox = Sandbox::new().file("flaky.yml", FLAKY).file("mended", "");
    sandbox.sortie(["run", "flaky.yml"]).run().code(0).done();
    let ran = sandbox.sortie(["jobs", "retry", "last", "flaky"]).run().code(0).says("after | after");
    assert!(ran.out.contains("flaky passed"), "{}", ran.out);
    let runs = std::fs::read_to_string(sandbox.project().join("runs")).expect("the first stage wrote it");
    assert_eq!(runs, "once\n", "what is needed ran again");
}

#[test]
fn an_id_that_was_used_for_another_order_is_refused_while_the_job_runs_and_after_it() {
    let sandbox = Sandbox::new().file("gated.yml", GATED);
    let mut live = sandbox.sortie(["run", "gated.yml"]).start();
    live.wait_for("begun");
    let skip = ["jobs", "skip", "1", "second", "--id", "x"];
    let resume = ["jobs", "resume", "1", "--id", "r"];
    let others: [&[&str]; 5] = [
        &["jobs", "skip", "1", "third", "--id", "x"],
        &["jobs", "pause", "1", "--id", "x"],
        &["jobs", "cancel", "1", "--id", "x"],
        &["jobs", "cancel", "1", "third", "--force", "--id", "x"],
        &["jobs", "retry", "1", "--all", "--id", "x"],
    ];
    sandbox.sortie(skip).run().code(0).says("skipping `second`").done();
    sandbox.sortie(resume).run().code(3).complains("the job is not paused").done();
    let look = || {
        for other in others {
            let said = "the id `x` was used for another order: skip `second`";
            let refused = sandbox.sortie(other.iter().copied()).run().code(3).complains(said);
            refused.complains("an id of its own").done();
        }
        sandbox.sortie(skip).run().code(0).says("skipping `second`").done();
        sandbox.sortie(resume).run().code(3).complains("the job is not paused").done();
    };
    look();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait().code(0).says("third | third").done();
    look();
}

#[test]
fn a_retry_that_is_repeated_says_how_the_job_ended_then() {
    let sandbox = Sandbox::new().file("flaky.yml", FLAKY);
    sandbox.sortie(["run", "flaky.yml"]).run().code(1).done();
    let retry = ["jobs", "retry", "1", "flaky", "--id", "again"];
    sandbox.sortie(retry).run().code(1).done();
    std::fs::write(sandbox.project().join("mended"), "").expect("the project is writable");
    let again = sandbox.sortie(retry).run().code(1).says("trying again").says("job #1 failed");
    assert!(!again.out.contains("after | after"), "{}", again.out);
    sandbox.sortie(["jobs", "retry", "1", "--all", "--id", "again"]).run().code(3).done();
    sandbox.sortie(["jobs", "retry", "1", "flaky", "--id", "once more"]).run().code(0).done();
}

/// Its keeper was told to end, and begins nothing any more.
#[test]
fn what_runs_a_job_on_while_it_ends_is_carried_out_after_its_end() {
    let text = "version: 3\nname: late\nstages:\n  lint: {steps: [{run: test -e fixed, undo: {run: echo undone}}]}\n";
    let orders = [
        (["jobs", "retry", "1"], ["job.retrying", "job #1 passed"]),
        (["jobs", "rollback", "1"], ["order.rollback", "lint rolled back"]),
    ];
    for (order, [event, says]) in orders {
        let sandbox = Sandbox::new().file("late.yml", text);
        let is_retry = order[1] == "retry";
        if !is_retry {
            std::fs::write(sandbox.project().join("fixed"), "").expect("the project is writable");
        }
        let closed = sandbox.project().join("closed");
        let mut job = sandbox
            .sortie(["run", "late.yml"])
            .env("SORTIE_FAULT_CLOSE_AT", &closed.display().to_string())
            .start();
        job.wait_for("lint ");
        std::fs::write(sandbox.project().join("fixed"), "").expect("the project is writable");
        let mut again = sandbox.sortie(order).start();
        // By then the engine has it.
        again.wait_for("does not answer");
        let events = || sandbox.sortie(["jobs", "events", "1"]).run().code(0).out;
        assert!(!events().contains(event), "{}", events());
        std::fs::write(closed, "").expect("the project is writable");
        job.wait().code(i32::from(is_retry)).done();
        again.wait().code(0).says(says).done();
        let events = events();
        let at = |what: &str| events.find(what).unwrap_or_else(|| panic!("no {what}: {events}"));
        let ended = if is_retry { "job.failed" } else { "job.completed" };
        assert!(at(ended) < at(event), "{events}");
        assert!(!events.contains("interrupted"), "{events}");
        nothing_is_left(&sandbox, Duration::from_secs(10));
    }
}

#[test]
fn an_engine_that_has_not_let_go_of_what_has_ended_is_waited_for() {
    let text = "version: 3\nname: late\nstages:\n  lint: {run: test -e fixed}\n";
    let sandbox = Sandbox::new().file("late.yml", text);
    let job = sandbox.sortie(["run", "late.yml"]).env("SORTIE_FAULT_LEASE_AT", "fixed").start();
    eventually("the end is written down", || {
        sandbox.sortie(["jobs", "list"]).run().code(0).out.contains("failed")
    });
    let mut again = sandbox.sortie(["jobs", "retry", "1", "--all"]).start();
    std::fs::write(sandbox.project().join("fixed"), "").expect("the project is writable");
    job.wait().code(1).done();
    again.wait_for("job #1 passed");
    again.wait().code(0).done();
}

/// A job whose engine was killed, and which nobody goes on with unasked.
fn interrupted(name: &str, text: &str) -> Sandbox {
    let sandbox = Sandbox::new().file(name, text);
    let mut live = sandbox.sortie(["run", name, "--on-loss", "stop"]).start();
    live.wait_for("begun");
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    sandbox
}

#[test]
fn a_job_whose_engine_died_says_so_and_how_it_goes_on() {
    let sandbox = interrupted("gated.yml", GATED);
    let shown = sandbox.sortie(["jobs", "show", "1"]).run().code(0).says("job #1 interrupted");
    let shown = shown.says("the process that ran it is gone").says("sortie jobs recover 1");
    let shown = shown.says("sortie jobs cancel 1");
    assert!(!shown.out.contains("running"), "{}", shown.out);
    let lines = sandbox.sortie(["jobs", "show", "1", "--json"]).run().code(0).json_lines();
    assert_eq!(lines[0]["stages"][0]["state"], "interrupted", "{lines:?}");
    assert_eq!(lines[0]["stages"][0]["cells"][0]["state"], "interrupted", "{lines:?}");
    assert_eq!(lines[0]["stages"][1]["state"], "waiting", "{lines:?}");
    for (follow, word) in [("logs", "begun"), ("events", "step.started")] {
        let ran = sandbox.sortie(["jobs", follow, "1", "-f"]).run().code(5).says(word);
        let ran = ran.complains("job #1 was interrupted").complains("jobs recover 1");
        assert!(!ran.err.contains("waiting for one"), "{}", ran.err);
    }
    sandbox.sortie(["jobs", "pause", "1"]).run().code(5).complains("jobs recover 1").done();
}

#[test]
fn a_job_whose_engine_died_is_cancelled_all_the_same() {
    let sandbox = interrupted("long.yml", LONG);
    let cancel = ["jobs", "cancel", "1", "--id", "x"];
    sandbox.sortie(cancel).run().code(0).says("stopping: the job").done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).done();
    sandbox.sortie(["jobs", "logs", "1"]).run().code(0).says("tidied up").done();
    sandbox.sortie(["jobs", "show", "1"]).run().code(0).says("cancelled").done();
    sandbox.sortie(cancel).run().code(0).says("stopping: the job").done();
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_job_whose_engine_died_is_retried_and_goes_on_with_that() {
    let sandbox = interrupted("gated.yml", GATED);
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "retry", "1"]).run().code(0).says("third | third").done();
    // What runs again by itself needs no order, and the job goes on with it.
    let rerun = GATED.replace("first: {", "first: { on-interrupt: rerun,");
    let sandbox = interrupted("gated.yml", &rerun);
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "retry", "1"]).run().code(0).says("third | third").done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_start_with_an_id_is_one_job_whoever_asks_again() {
    let text = "version: 3\nname: once\ninputs: { word: { default: a } }\nstages:\n  a: \
                { run: 'echo \"said ${{ inputs.word }}\" | tee -a ran; test \"${{ inputs.word }}\" = a' }\n";
    let sandbox = Sandbox::new().file("once.yml", text).file("other.yml", text);
    let run = ["run", "once.yml", "--detach", "--id", "deploy-7"];
    let first = sandbox.sortie(run).run().code(0).says("job #1 `once` has started");
    let again = sandbox.sortie(run).run().code(0);
    assert_eq!(first.out, again.out);
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    assert_eq!(
        sandbox.sortie(["run", "once.yml", "-q", "--detach", "--id", "deploy-7"]).run().code(0).out,
        "1\n"
    );
    let refused = sandbox.sortie(["run", "other.yml", "--detach", "--id", "deploy-7"]).run().code(3);
    refused.complains("the id `deploy-7` was used to start job #1, of another playbook: `once.yml`").done();
    let refused = sandbox.sortie(["run", "once.yml", "-i", "word=b", "--id", "deploy-7"]).run().code(3);
    refused.complains("was used to start job #1 with other inputs").complains("an id of its own").done();
    // Who stays gets the job, and its exit code.
    let bad = ["run", "once.yml", "-i", "word=b", "--id", "deploy-8"];
    sandbox.sortie(bad).run().code(1).says("said b").done();
    sandbox.sortie(bad).run().code(1).complains("job #2 was started with this id before").done();
    let ran = std::fs::read_to_string(sandbox.project().join("ran")).expect("the first stage wrote it");
    assert_eq!(ran, "said a\nsaid b\n");
}

#[test]
fn starts_with_one_id_at_the_same_moment_are_one_job() {
    let text = "version: 3\nname: once\nstages:\n  a: { run: echo ran >> ran }\n";
    let sandbox = Sandbox::new().file("once.yml", text);
    let start = || sandbox.sortie(["run", "once.yml", "-q", "--detach", "--id", "x"]).start();
    let live: Vec<_> = (0..4).map(|_| start()).collect();
    for it in live {
        assert_eq!(it.wait().code(0).out, "1\n");
    }
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).done();
    assert_eq!(std::fs::read_to_string(sandbox.project().join("ran")).expect("it ran"), "ran\n");
    assert_eq!(sandbox.sortie(["jobs", "list", "--json"]).run().out.matches("\"number\"").count(), 1);
}

#[test]
fn a_detached_start_that_is_repeated_starts_the_engine_that_did_not_start() {
    let text = "version: 3\nname: once\nstages:\n  a: { run: echo ran >> ran }\n";
    let sandbox = Sandbox::new().file("once.yml", text);
    let run = || sandbox.sortie(["run", "once.yml", "--detach", "--id", "x"]);
    // Each engine is killed before it has recorded anything.
    for _ in 0..2 {
        let failed =
            run().env("SORTIE_FAULT_KILL_AT", "1").run().code(5).complains("its engine did not start");
        assert!(!failed.out.contains("has started"), "{}", failed.out);
        failed.complains("`sortie jobs recover 1` tries again").done();
    }
    run().run().code(0).says("job #1 `once` has started").done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).says("passed").done();
    run().run().code(0).says("job #1 `once` has started").done();
    assert_eq!(std::fs::read_to_string(sandbox.project().join("ran")).expect("it ran"), "ran\n");
}

#[test]
fn a_retry_that_is_repeated_goes_on_where_its_engine_died() {
    let mends = "first: { on-interrupt: rerun, run: \"test -e mended || exit 1; ";
    let text = GATED.replace("first: { run: \"", mends);
    let sandbox = Sandbox::new().file("gated.yml", &text);
    sandbox.sortie(["run", "gated.yml"]).run().code(1).done();
    std::fs::write(sandbox.project().join("mended"), "").expect("the project is writable");
    let retry = ["jobs", "retry", "1", "--id", "again"];
    let mut live = sandbox.sortie(retry).start();
    live.wait_for("begun");
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    sandbox.sortie(retry).run().code(0).says("third | third").done();
    let again = sandbox.sortie(retry).run().code(0).says("job #1 passed");
    assert!(!again.out.contains("third | third"), "{}", again.out);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_cancel_that_is_repeated_is_carried_out_where_its_engine_died() {
    let tidies = LONG.replace("echo tidied up", "echo tidying; exec sleep 60");
    let sandbox = interrupted("long.yml", &tidies);
    let cancel = ["jobs", "cancel", "1", "--id", "x"];
    sandbox.sortie(cancel).run().code(0).says("stopping: the job").done();
    eventually("the beginning of what cleans up", || {
        sandbox.sortie(["jobs", "logs", "1"]).run().out.contains("tidying")
    });
    kill_hard(engine(&sandbox));
    sandbox.sortie(cancel).run().code(0).says("stopping: the job").says("another one sees to that").done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).done();
    let again = sandbox.sortie(cancel).run().code(0).says("stopping: the job");
    assert!(!again.out.contains("another one"), "{}", again.out);
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_cancel_that_comes_while_another_engine_takes_the_job_reaches_that_one() {
    let rerun = GATED.replace("first: {", "first: { on-interrupt: rerun,");
    let sandbox = interrupted("gated.yml", &rerun);
    let jobs = std::fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("it has a folder");
    let log = jobs.flatten().next().expect("of the job").path().join("engine.log");
    // Whoever starts an engine opens its log first, and waits here until somebody reads it.
    nix::unistd::mkfifo(&log, nix::sys::stat::Mode::S_IRWXU).expect("the folder is writable");
    let mut cancel = sandbox.sortie(["jobs", "cancel", "last"]).start();
    cancel.wait_for("`last` is job #1");
    let mut faster = sandbox.sortie(["engine", "1"]).start();
    faster.wait_for("goes on here");
    let _read = std::fs::File::open(&log).expect("the other end is opened, too");
    let ran = cancel.wait().code(0).says("stopping: the job");
    assert!(!ran.out.contains("had died"), "{}", ran.out);
    faster.wait().code(0).says("cancelled").done();
    sandbox.sortie(["jobs", "wait", "1"]).run().code(130).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}
