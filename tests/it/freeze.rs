//! Frozen jobs: their processes are stopped (state T), their clocks stand, they go on, and they can be cancelled.

use std::path::Path;
use std::time::Duration;

use crate::kit::{Sandbox, eventually, nothing_is_left};

/// Writes its own number and that of a child in another session, then waits for `go`.
const WAITS: &str = r#"version: 3
name: waits
stages:
  a:
    cancel: { grace: 1s }
    steps:
      - timeout: 2s
        run: |
          setsid sleep 60 & echo $! > other
          echo $$ > own
          echo begun
          until test -e go; do sleep 0.05; done
          kill $(cat other); echo went on
"#;

/// Ignores what asks it to end until it has cleaned up.
const TIDIES: &str = r#"version: 3
name: tidies
stages:
  a: { cancel: { grace: 5s }, run: "trap 'echo tidied; exit 1' TERM; echo $$ > own; echo begun; while :; do sleep 0.05; done" }
"#;

/// State letter of the process whose number is in a file.
fn state(project: &Path, file: &str) -> Option<char> {
    let pid = std::fs::read_to_string(project.join(file)).ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

fn is_stopped(project: &Path, file: &str) -> bool {
    matches!(state(project, file), Some('T'))
}

#[test]
fn processes_of_a_frozen_job_stand_still_and_so_does_their_time_limit() {
    let sandbox = Sandbox::new().file("waits.yml", WAITS);
    let mut live = sandbox.sortie(["run", "waits.yml"]).start();
    live.wait_for("begun");
    let said = sandbox.sortie(["jobs", "pause", "last", "--freeze"]).run().code(0);
    said.says("frozen: what runs is stopped").done();
    let project = sandbox.project();
    for file in ["own", "other"] {
        eventually("the process to be stopped", || is_stopped(&project, file));
    }
    sandbox.sortie(["jobs", "list"]).run().says("frozen").done();
    let shown = sandbox.sortie(["jobs", "show", "last"]).run().says("job #1 frozen: 1 stage frozen");
    assert!(!shown.out.contains("running"), "{}", shown.out);
    // The limit of the step is two seconds; a job that waits for another one that long shows that it did not fire.
    let clock = "version: 3\nname: clock\nstages: { a: { run: sleep 2.5 } }\n";
    std::fs::write(project.join("clock.yml"), clock).expect("the project is writable");
    sandbox.sortie(["run", "clock.yml", "--quiet"]).run().code(0).done();
    assert!(is_stopped(&project, "own"), "{:?}", state(&project, "own"));
    std::fs::write(project.join("go"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "resume", "1"]).run().code(0).done();
    live.wait().code(0).says("went on").done();
    // Every command says the time that it ran.
    let list = sandbox.sortie(["jobs", "list", "--json"]).run().code(0).json_lines();
    let took = list[0][1]["took_seconds"].as_f64().expect("it has ended");
    let show = sandbox.sortie(["jobs", "show", "1", "--json"]).run().code(0).json_lines();
    assert_eq!(show[0]["seconds"].as_f64(), Some(took), "{show:?}");
    assert_eq!(show[0]["took_seconds"].as_f64(), Some(took), "{show:?}");
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn a_frozen_job_that_is_cancelled_hears_it_and_ends() {
    let sandbox = Sandbox::new().file("tidies.yml", TIDIES);
    let mut live = sandbox.sortie(["run", "tidies.yml"]).start();
    live.wait_for("begun");
    sandbox.sortie(["jobs", "pause", "last", "--freeze"]).run().code(0).done();
    let project = sandbox.project();
    eventually("the process to be stopped", || is_stopped(&project, "own"));
    let refused = sandbox.sortie(["jobs", "cancel", "last", "a"]).run().code(3);
    refused.complains("while the job is frozen").done();
    sandbox.sortie(["jobs", "cancel", "last"]).run().code(0).done();
    live.wait().code(130).says("tidied").done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn a_step_that_starts_nothing_new_while_frozen_leaves_the_next_for_later() {
    let text = "version: 3\nname: two\nstages:\n  a: { run: 'echo $$ > own; echo begun; until test -e go; do sleep 0.05; done' }\n  b: { needs: a, run: echo second }\n";
    let sandbox = Sandbox::new().file("two.yml", text);
    let mut live = sandbox.sortie(["run", "two.yml", "--ui", "json"]).start();
    live.wait_for("step.started");
    let project = sandbox.project();
    eventually("the step to write its number", || state(&project, "own").is_some());
    sandbox.sortie(["jobs", "pause", "last", "--freeze"]).run().code(0).done();
    eventually("the process to be stopped", || is_stopped(&project, "own"));
    // Somebody else ends it: that is recorded, and nothing follows.
    let pid = std::fs::read_to_string(project.join("own")).expect("it was written");
    let killed = std::process::Command::new("kill").args(["-9", pid.trim()]).status();
    assert!(killed.is_ok_and(|it| it.success()));
    live.wait_for("step.failed");
    sandbox.sortie(["jobs", "resume", "last"]).run().code(0).done();
    let lines = live.wait().code(1).json_lines();
    let at = |kind: &str| lines.iter().position(|l| l["type"] == kind);
    assert!(at("step.failed") < at("job.resumed") && at("job.resumed") < at("cell.failed"), "{lines:?}");
}

#[test]
fn a_key_freezes_a_job_after_a_question_and_another_lets_it_go_on() {
    let sandbox = Sandbox::new().file("waits.yml", &WAITS.replace("timeout: 2s", "timeout: 1h"));
    let call = sandbox.terminal(["run", "waits.yml", "--watch"], (80, 24)).env("TERM", "xterm-256color");
    let mut terminal = call.start();
    terminal.wait_for("begun");
    let project = sandbox.project();
    terminal.keys("F");
    terminal.wait_until("the question", |shot| shot.has("Freeze job #1?") && shot.has("1 running cell"));
    // The key that asks does not answer.
    terminal.keys("F<enter>");
    terminal.answer("Freeze job #1?", "y");
    terminal.wait_for("FROZEN");
    for file in ["own", "other"] {
        eventually("the process to be stopped", || is_stopped(&project, file));
    }
    let shot = terminal.wait_until("all of it is frozen", |shot| shot.has("p resume"));
    assert!(!shot.has("running"), "{}", shot.text());
    terminal.press_until("p", |shot| !shot.has("FROZEN"));
    eventually("the process to go on", || !is_stopped(&project, "own"));
    std::fs::write(project.join("go"), "").expect("the project is writable");
    terminal.wait_until("the end", |shot| shot.has("✓ passed"));
    terminal.keys("q");
    terminal.wait_for_end().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}
