//! Stories of actions.

use expect_test::expect;

use crate::logic::job::event::{Event, Outcome};
use crate::logic::job::testing::{Job, exits};

const ACTION: &str = "# file: act/action.yml
inputs: {word: {default: plain}}
outputs: {said: {value: \"${{ inputs.word }}-${{ steps.b.outcome }}\"}}
runs:
  using: composite
  steps:
    - {id: a, run: one}
    - {id: b, run: two}
";

fn job(steps: &str) -> Job {
    Job::of_text(&format!("version: 3\nname: t\nstages:\n  s:\n    steps:\n{steps}{ACTION}"), 8)
}

#[test]
fn steps_of_an_action_run_in_its_place_and_give_its_outputs() {
    let mut job = job(
        "      - {id: first, run: x}\n      - {id: use, uses: ./act, with: {word: loud}}\n      - {run: x}\n",
    );
    job.begin();
    for _ in 0..4 {
        job.report(&exits("s", 0));
    }
    job.closes();
    expect![[r#"
        job.started
        stage.started s
        cell.started s
        step.started s/1
        step.completed s/1
        step.started s/2
        step.started s/3
        step.completed s/3
        step.started s/4
        step.completed s/4
        step.completed s/2
        step.started s/5
        step.completed s/5
        cell.completed s
        stage.completed s
        job.completed"#]]
    .assert_eq(&job.log());
    let outputs = job.events().iter().find_map(|event| match event {
        Event::StepFinished(end) if end.key.step == 1 => Some(format!("{:?}", end.outputs)),
        _ => None,
    });
    assert_eq!(outputs.as_deref(), Some("[(\"said\", \"loud-success\")]"));
}

#[test]
fn a_failure_inside_ends_the_action_and_fails_the_step() {
    let mut job = job("      - {uses: ./act}\n      - {run: x}\n");
    job.begin();
    job.report(&exits("s", 1));
    job.closes();
    expect![[r#"
        job.started
        stage.started s
        cell.started s
        step.started s/1
        step.started s/2
        step.failed s/2
        step.skipped s/3
        step.failed s/1
        step.skipped s/4
        cell.failed s
        stage.failed s
        job.failed"#]]
    .assert_eq(&job.log());
    assert_eq!(job.outcome(), Some(Outcome::Failure));
}

#[test]
fn an_action_is_cancelled_as_a_whole() {
    let mut job = job("      - {uses: ./act}\n      - {if: always(), run: x}\n");
    job.begin();
    job.cancel();
    job.report(&exits("s", 143));
    job.report(&exits("s", 0));
    job.closes();
    expect![[r#"
        job.started
        stage.started s
        cell.started s
        step.started s/1
        step.started s/2
        order.cancel
        cell.stopping s
        step.stopping s/2
        step.cancelled s/2
        step.skipped s/3
        step.cancelled s/1
        step.started s/4
        step.completed s/4
        cell.cancelled s
        stage.cancelled s
        job.cancelled"#]]
    .assert_eq(&job.log());
}
