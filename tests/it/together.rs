//! Steps of one cell beside each other, with real processes: `background`, `wait`, `cancel`, `parallel`.
//!
//! Not here: undoing (`rollback.rs`), the rules themselves (`src/logic/job/together_tests.rs`).

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::kit::{Ran, Sandbox, nothing_is_left};

/// What is over is gone; this covers the kernel's own pace.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Returns the types of the events of a step, in their order.
fn events_of(ran: &Ran, step: &str) -> Vec<String> {
    let lines = ran.json_lines();
    let of_step = lines.iter().filter(|line| line["step"] == step);
    of_step.map(|line| line["type"].as_str().unwrap_or_default().to_owned()).collect()
}

fn place(ran: &Ran, kind: &str, step: &str) -> usize {
    let found = ran.json_lines().iter().position(|line| line["type"] == kind && line["step"] == step);
    found.unwrap_or_else(|| panic!("no {kind} of {step}: {}", ran.out))
}

#[test]
fn a_server_in_the_background_serves_the_steps_behind_it_and_is_stopped() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    cancel: { grace: 5s }
    steps:
      - id: server
        background: true
        run: |
          trap 'echo closed > closed; exit 0' TERM
          echo up > up
          while :; do sleep 0.05; done
      - { id: client, run: "until test -e up; do sleep 0.02; done; test ! -e closed" }
      - { id: stop, cancel: server }
      - { id: after, run: cat closed }
"#,
    );
    let ran = sandbox.sortie(["run", "job.yml", "--ui", "json", "--max-parallel", "1"]).run().code(0);
    assert_eq!(events_of(&ran, "server"), ["step.started", "step.stopping", "step.cancelled"]);
    assert!(place(&ran, "step.completed", "client") < place(&ran, "step.stopping", "server"));
    assert!(place(&ran, "step.cancelled", "server") < place(&ran, "step.completed", "stop"));
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn outputs_variables_and_paths_of_a_background_step_come_with_its_wait() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    outputs: { late: "${{ steps.late.outputs.v }}" }
    steps:
      - id: bg
        background: true
        run: |
          echo "v=1" >> "$SORTIE_OUTPUT"; echo "MARK=yes" >> "$SORTIE_ENV"; echo /from/bg >> "$SORTIE_PATH"
          echo done > done
      - { id: late, background: true, run: 'until test -e go; do sleep 0.02; done; echo "v=2" >> "$SORTIE_OUTPUT"' }
      - run: 'until test -e done; do sleep 0.02; done; sleep 0.2; echo "before [${{ steps.bg.outputs.v }}] [$MARK]"'
      - { wait: bg }
      - run: 'echo "behind [${{ steps.bg.outputs.v }}] [$MARK] $PATH"; touch go'
  after: { needs: test, run: "echo out=${{ needs.test.outputs.late }}" }
"#,
    );
    let ran = sandbox
        .sortie(["run", "job.yml"])
        .run()
        .code(0)
        .says("before [] []")
        .says("behind [1] [yes] /from/bg:");
    ran.says("after | out=2").done();
}

#[test]
fn a_background_step_that_fails_fails_its_cell_at_the_wait() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  test:
    steps:
      - { id: bg, background: true, run: exit 4 }
      - { id: between, run: sleep 0.2 }
      - { id: waits, wait: bg }
      - { id: behind, run: "true" }
      - { id: all, wait-all: true }
"#,
    );
    let ran = sandbox.sortie(["run", "job.yml", "--ui", "json"]).run().code(1);
    assert_eq!(events_of(&ran, "between"), ["step.started", "step.completed"]);
    assert_eq!(events_of(&ran, "waits"), ["step.started", "step.failed"]);
    assert_eq!(events_of(&ran, "behind"), ["step.skipped"]);
    assert_eq!(events_of(&ran, "all"), ["step.started", "step.completed"], "it was taken over already");
    let shown = sandbox.sortie(["jobs", "show", "last"]).run().code(0);
    assert!(shown.out.contains("exited with code 4"), "{}", shown.out);
}

#[test]
fn the_end_of_a_cell_waits_for_what_runs_in_the_background() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        "version: 3\nstages:\n  test:\n    steps:\n      - { background: true, run: 'sleep 0.3; echo late; exit 3' }\n      \
         - run: echo early\n",
    );
    sandbox.sortie(["run", "job.yml"]).run().code(1).says("test/1 | late").says("exited with code 3").done();
}

#[test]
fn parallel_steps_run_together_and_one_that_fails_stops_the_others() {
    // Each waits for the others, so they only end if all of them run at once, in the one slot there is.
    let meet = "touch $SORTIE_STEP; for s in a b c; do until test -e $s; do sleep 0.02; done; done";
    let text = format!(
        r#"version: 3
stages:
  meet:
    steps:
      - parallel:
          - {{ id: a, run: "{meet}" }}
          - {{ id: b, run: "{meet}" }}
          - block: [{{ id: c, run: "{meet}" }}]
  stop:
    needs: meet
    steps:
      - id: both
        parallel:
          - {{ id: long, run: sleep 60 }}
          - block: [{{ id: inner, run: sleep 60 }}, {{ id: never, run: "true" }}]
            always: [{{ id: tidy, run: echo tidied }}]
          - {{ id: bad, run: "sleep 0.2; exit 5" }}
  allow:
    needs: stop
    run-when: all-done
    steps:
      - fail-fast: false
        parallel:
          - {{ id: slow, run: "sleep 0.3; echo slow >> slow" }}
          - {{ id: quick, run: exit 6 }}
"#
    );
    let sandbox = Sandbox::new().file("job.yml", &text);
    let ran = sandbox.sortie(["run", "job.yml", "--ui", "json", "--max-parallel", "1"]).run().code(1);
    for step in ["a", "b", "c", "tidy", "slow"] {
        assert_eq!(events_of(&ran, step).last().map(String::as_str), Some("step.completed"), "{step}");
    }
    for step in ["long", "inner"] {
        assert_eq!(events_of(&ran, step), ["step.started", "step.stopping", "step.cancelled"], "{step}");
    }
    assert_eq!(events_of(&ran, "never"), ["step.skipped"]);
    assert_eq!(events_of(&ran, "both"), ["step.started", "step.failed"]);
    nothing_is_left(&sandbox, AT_ONCE);
}

const MANY: &str = r#"version: 3
defaults: { cancel: { grace: 300ms } }
stages:
  test:
    steps:
      - { background: true, run: "trap '' TERM; echo one; sleep 60; sleep 60" }
      - { background: true, run: "echo two; exec sleep 60" }
      - parallel:
          - { run: "setsid sleep 60 & echo three; exec sleep 60" }
          - { run: "echo four; exec sleep 60" }
"#;

#[test]
fn a_cancel_stops_all_that_a_cell_runs() {
    let sandbox = Sandbox::new().file("job.yml", MANY);
    let mut live = sandbox.sortie(["run", "job.yml"]).start();
    for word in ["one", "two", "three", "four"] {
        live.wait_for(&format!("| {word}"));
    }
    sandbox.sortie(["jobs", "cancel", "last", "test"]).run().code(0).done();
    live.wait().code(130).done();
    nothing_is_left(&sandbox, AT_ONCE);
}

#[test]
fn nothing_of_many_steps_is_left_if_the_engine_is_killed() {
    let sandbox = Sandbox::new().file("job.yml", MANY);
    let mut live = sandbox.sortie(["run", "job.yml", "--on-loss", "stop"]).start();
    for word in ["one", "two", "three", "four"] {
        live.wait_for(&format!("| {word}"));
    }
    live.signal(Signal::SIGKILL);
    live.wait().signalled(Signal::SIGKILL).done();
    nothing_is_left(&sandbox, Duration::from_secs(10));
}

#[test]
fn a_block_that_may_fail_fails_nothing_and_that_is_told() {
    let book = "version: 3
name: blk
stages:
  a:
    steps:
      - block: [{ run: 'false' }]
        continue-on-error: true
      - run: echo after
  b: { needs: a, run: echo b }
";
    let sandbox = Sandbox::new().file("blk.yml", book);
    let ran = sandbox.sortie(["run", "blk.yml", "--ui", "plain"]).run().code(0);
    let ran = ran.says("block 1 step 2 did not pass; the job goes on").says("a | after").says("b | b");
    ran.done();
}
