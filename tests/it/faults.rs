//! The engine killed at every numbered point: nothing is left, and nothing is recorded that did not happen.

use std::time::Duration;

use crate::kit::{Sandbox, nothing_is_left};

const PLAYBOOK: &str = r#"version: 3
name: points
defaults: { cancel: { grace: 300ms } }
stages:
  one: { run: "echo one >> ran; sleep 0.02" }
  two: { needs: one, matrix: { n: [1, 2] }, run: "echo two >> ran; sleep 300 & sleep 0.02" }
  three: { needs: two, steps: [{ block: [{ run: "false" }], rescue: [{ run: "echo three >> ran" }] }] }
"#;

#[test]
fn nothing_is_left_and_nothing_is_invented_wherever_the_engine_dies() {
    for (deaths, point) in (1..200).enumerate() {
        let sandbox = Sandbox::new().file("points.yml", PLAYBOOK);
        let at = point.to_string();
        let ran = sandbox.sortie(["run", "points.yml"]).env("SORTIE_FAULT_KILL_AT", &at).run();
        nothing_is_left(&sandbox, Duration::from_secs(5));
        let listed = sandbox.sortie(["jobs", "list", "--json"]).run();
        if ran.is_code(0) {
            assert!(deaths >= 20, "only {deaths} points were passed");
            eprintln!("{deaths} points, the engine killed at each");
            return;
        }
        ran.signalled(nix::sys::signal::Signal::SIGKILL).done();
        let started = std::fs::read_to_string(sandbox.project().join("ran")).unwrap_or_default();
        let recorded = sandbox.sortie(["jobs", "events", "last"]).run().out.matches("step.started").count();
        // Every try is recorded before it begins; two of the steps write nothing.
        assert!(started.lines().count() <= recorded, "point {point}: {started:?} but {recorded} recorded");
        assert!(!listed.out.contains("running"), "point {point}: {}", listed.out);
    }
    panic!("the job never got past its points");
}
