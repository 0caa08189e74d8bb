//! The library, by its documented example: the program that the front page of the crate quotes is run here.

use std::time::Duration;

use crate::kit::{Sandbox, nothing_is_left};

/// The first stage waits for a file, the second is left out, the third fails until something is mended.
const DEMO: &str = r#"version: 3
name: demo
inputs:
  word: { type: string, required: true }
stages:
  first: { run: "until test -e go; do sleep 0.05; done; echo \"$WORD\"", env: { WORD: "${{ inputs.word }}" } }
  second: { needs: first, run: echo second }
  third: { needs: second, run: test -e mended }
"#;

#[test]
fn the_example_of_the_documentation_does_what_it_says() {
    let sandbox = Sandbox::new().file("demo.yml", DEMO);
    let ran = sandbox.example("library").run().code(0);
    let lines: Vec<&str> = ran.out.lines().filter(|line| !line.contains(" events, ")).collect();
    assert_eq!(
        lines,
        [
            "started #1: demo",
            "paused: what runs goes on, nothing new starts",
            "resumed",
            "skipping `second`",
            "skipping `second`",
            "refused: the job is not paused",
            "ended: false",
            "it was a failure",
            "then it was a success",
            "more events by now: true",
            "#1 demo by ann",
        ],
        "{}",
        ran.out
    );
    assert!(ran.out.contains("the last is job.failed"), "{}", ran.out);
    sandbox.sortie(["jobs", "logs", "1", "first"]).run().code(0).says("hello").done();
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}
