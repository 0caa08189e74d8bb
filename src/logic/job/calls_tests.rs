//! Stories of called playbooks.

use expect_test::expect;

use crate::logic::expr::Scope;
use crate::logic::job::event::Outcome;
use crate::logic::job::order::{Order, RetryScope, Target};
use crate::logic::job::scope::{JobScope, Standing};
use crate::logic::job::testing::{Job, exits};

fn job(stages: &str, files: &str) -> Job {
    Job::of_text(&format!("version: 3\nname: t\nstages:\n  {stages}\n{files}"), 8)
}

const TWO: &str = "# file: x.yml
version: 3
on: call
stages:
  compile: {run: make}
  test: {needs: compile, run: make test}
outputs: {file: {value: \"${{ stages.compile.result }}-${{ stages.test.result }}\"}}
";

#[test]
fn a_call_begins_with_its_caller_and_ends_it() {
    let mut job =
        job("first: {run: x}\n  build: {needs: first, uses: ./x.yml}\n  last: {needs: build, run: x}", TWO);
    job.begin();
    job.report(&exits("first", 0));
    job.report(&exits("build / compile", 0));
    job.report(&exits("build / test", 0));
    job.report(&exits("last", 0));
    job.closes();
    expect![[r#"
        job.started
        stage.started first
        cell.started first
        step.started first/1
        step.completed first/1
        cell.completed first
        stage.completed first
        stage.started build
        cell.started build
        stage.started build / compile
        cell.started build / compile
        step.started build / compile/1
        step.completed build / compile/1
        cell.completed build / compile
        stage.completed build / compile
        stage.started build / test
        cell.started build / test
        step.started build / test/1
        step.completed build / test/1
        cell.completed build / test
        stage.completed build / test
        cell.completed build
        stage.completed build
        stage.started last
        cell.started last
        step.started last/1
        step.completed last/1
        cell.completed last
        stage.completed last
        job.completed"#]]
    .assert_eq(&job.log());
    let last = job.stage_at("last");
    let scope = JobScope::new(job.state(), Standing::Stage(last));
    let needs = scope.context("needs").unwrap().to_json();
    assert_eq!(needs["build"]["outputs"]["file"], "success-success", "{needs}");
}

#[test]
fn a_failure_inside_fails_the_caller_and_what_needs_it() {
    let mut job = job("build: {uses: ./x.yml}\n  last: {needs: build, run: x}", TWO);
    job.begin();
    job.report(&exits("build / compile", 1));
    job.closes();
    expect![[r#"
        job.started
        stage.started build
        cell.started build
        stage.started build / compile
        cell.started build / compile
        step.started build / compile/1
        step.failed build / compile/1
        cell.failed build / compile
        stage.failed build / compile
        stage.skipped build / test
        cell.failed build
        stage.failed build
        stage.skipped last
        job.failed"#]]
    .assert_eq(&job.log());
    let phase = format!("{:?}", job.state().phase);
    assert!(phase.contains("build / compile"), "{phase}");
}

#[test]
fn continue_on_error_of_a_caller_lets_the_job_go_on() {
    let mut job = job("build: {uses: ./x.yml, continue-on-error: true}\n  last: {needs: build, run: x}", TWO);
    job.begin();
    job.report(&exits("build / compile", 1));
    job.report(&exits("last", 0));
    job.closes();
    assert_eq!(job.outcome(), Some(Outcome::Success));
}

#[test]
fn what_a_condition_leaves_out_takes_its_calls_with_it() {
    let mut job =
        job("build: {if: \"vars.x\", uses: ./x.yml}\n  last: {needs: build, if: always(), run: x}", TWO);
    job.begin();
    expect![[r#"
        job.started
        stage.skipped build
        stage.skipped build / compile
        stage.skipped build / test
        stage.started last
        cell.started last
        step.started last/1"#]]
    .assert_eq(&job.log());
}

const CLEANUP: &str = "# file: x.yml
version: 3
on: call
stages:
  compile: {steps: [{block: [{run: make}], always: [{run: tidy}]}]}
  test: {needs: compile, run: make test}
finally:
  sweep: {run: sweep}
";

#[test]
fn cancelling_a_caller_cancels_what_it_called_and_its_cleanup_runs() {
    let mut job = job("build: {uses: ./x.yml}\n  other: {run: x}", CLEANUP);
    job.begin();
    let target = job.stage("build");
    job.order(Order::Cancel { target, force: false });
    job.report(&exits("build / compile", 143));
    job.report(&exits("build / compile", 0));
    job.report(&exits("build / sweep", 0));
    job.report(&exits("other", 0));
    job.closes();
    expect![[r#"
        job.started
        stage.started build
        cell.started build
        stage.started build / compile
        stage.started other
        cell.started build / compile
        step.started build / compile/1
        step.started build / compile/2
        cell.started other
        step.started other/1
        order.cancel
        cell.stopping build
        cell.stopping build / compile
        step.stopping build / compile/2
        step.cancelled build / compile/2
        step.started build / compile/3
        step.completed build / compile/3
        step.cancelled build / compile/1
        cell.cancelled build / compile
        stage.cancelled build / compile
        stage.cancelled build / test
        stage.started build / sweep
        cell.started build / sweep
        step.started build / sweep/1
        step.completed build / sweep/1
        cell.completed build / sweep
        stage.completed build / sweep
        cell.cancelled build
        stage.cancelled build
        step.completed other/1
        cell.completed other
        stage.completed other
        job.cancelled"#]]
    .assert_eq(&job.log());
}

#[test]
fn cancelling_the_job_lets_the_cleanup_of_calls_run_before_its_own() {
    let text =
        format!("version: 3\nstages:\n  build: {{uses: ./x.yml}}\nfinally:\n  end: {{run: x}}\n{CLEANUP}");
    let mut job = Job::of_text(&text, 8);
    job.begin();
    job.cancel();
    job.report(&exits("build / compile", 143));
    job.report(&exits("build / compile", 0));
    job.report(&exits("build / sweep", 0));
    job.report(&exits("end", 0));
    job.closes();
    expect![[r#"
        cell.stopping build
        cell.stopping build / compile
        step.stopping build / compile/2
        step.cancelled build / compile/2
        step.started build / compile/3
        step.completed build / compile/3
        step.cancelled build / compile/1
        cell.cancelled build / compile
        stage.cancelled build / compile
        stage.cancelled build / test
        stage.started build / sweep
        cell.started build / sweep
        step.started build / sweep/1
        step.completed build / sweep/1
        cell.completed build / sweep
        stage.completed build / sweep
        cell.cancelled build
        stage.cancelled build
        stage.started end
        cell.started end
        step.started end/1
        step.completed end/1
        cell.completed end
        stage.completed end
        job.cancelled"#]]
    .assert_eq(&job.log_after("order.cancel"));
}

#[test]
fn a_second_cancel_ends_the_cleanup_of_calls() {
    let mut job = job("build: {uses: ./x.yml}", CLEANUP);
    job.begin();
    let target = job.stage("build");
    job.order(Order::Cancel { target: target.clone(), force: false });
    job.report(&exits("build / compile", 143));
    job.order(Order::Cancel { target, force: false });
    job.report(&exits("build / compile", 137));
    job.closes();
    expect![[r#"
        step.stopping build / compile/3
        step.cancelled build / compile/3
        step.cancelled build / compile/1
        cell.cancelled build / compile
        stage.cancelled build / compile
        stage.cancelled build / test
        stage.cancelled build / sweep
        cell.cancelled build
        stage.cancelled build
        job.cancelled"#]]
    .assert_eq(&job.log_after("order.cancel"));
}

#[test]
fn skipping_a_caller_skips_what_it_called_and_its_cleanup_runs() {
    let mut job = job("build: {uses: ./x.yml}\n  last: {needs: build, run: x}", CLEANUP);
    job.begin();
    job.skip("build");
    job.report(&exits("build / compile", 143));
    job.report(&exits("build / compile", 0));
    job.report(&exits("build / sweep", 0));
    job.report(&exits("last", 0));
    job.closes();
    expect![[r#"
        job.started
        stage.started build
        cell.started build
        stage.started build / compile
        cell.started build / compile
        step.started build / compile/1
        step.started build / compile/2
        order.skip
        cell.stopping build
        cell.stopping build / compile
        step.stopping build / compile/2
        step.cancelled build / compile/2
        step.started build / compile/3
        step.completed build / compile/3
        step.cancelled build / compile/1
        cell.skipped build / compile
        stage.skipped build / compile
        stage.skipped build / test
        stage.started build / sweep
        cell.started build / sweep
        step.started build / sweep/1
        step.completed build / sweep/1
        cell.completed build / sweep
        stage.completed build / sweep
        cell.skipped build
        stage.skipped build
        stage.started last
        cell.started last
        step.started last/1
        step.completed last/1
        cell.completed last
        stage.completed last
        job.completed"#]]
    .assert_eq(&job.log());
}

const MATRIX: &str = "build: {uses: ./x.yml, strategy: {matrix: {os: [a, b]}, max-parallel: 1}}";

#[test]
fn cells_of_a_caller_fail_fast_with_all_that_they_called() {
    let mut job = job("build: {uses: ./x.yml, matrix: {os: [a, b]}}", TWO);
    job.begin();
    job.report(&exits("build[os=a] / compile", 1));
    job.report(&exits("build[os=b] / compile", 143));
    job.closes();
    expect![[r#"
        job.started
        stage.started build
        cell.started build[os=a]
        cell.started build[os=b]
        stage.started build[os=a] / compile
        stage.started build[os=b] / compile
        cell.started build[os=a] / compile
        step.started build[os=a] / compile/1
        cell.started build[os=b] / compile
        step.started build[os=b] / compile/1
        step.failed build[os=a] / compile/1
        cell.failed build[os=a] / compile
        stage.failed build[os=a] / compile
        stage.skipped build[os=a] / test
        cell.failed build[os=a]
        cell.stopping build[os=b]
        cell.stopping build[os=b] / compile
        step.stopping build[os=b] / compile/1
        step.cancelled build[os=b] / compile/1
        cell.cancelled build[os=b] / compile
        stage.cancelled build[os=b] / compile
        stage.cancelled build[os=b] / test
        cell.cancelled build[os=b]
        stage.failed build
        job.failed"#]]
    .assert_eq(&job.log());
}

#[test]
fn max_parallel_of_a_caller_counts_calls() {
    let mut job = job(MATRIX, TWO);
    job.begin();
    assert_eq!(job.log().matches("cell.started build[").count(), 2, "{}", job.log());
    job.report(&exits("build[os=a] / compile", 0));
    job.report(&exits("build[os=a] / test", 0));
    expect![[r#"
        job.started
        stage.started build
        cell.started build[os=a]
        stage.started build[os=a] / compile
        cell.started build[os=a] / compile
        step.started build[os=a] / compile/1
        step.completed build[os=a] / compile/1
        cell.completed build[os=a] / compile
        stage.completed build[os=a] / compile
        stage.started build[os=a] / test
        cell.started build[os=a] / test
        step.started build[os=a] / test/1
        step.completed build[os=a] / test/1
        cell.completed build[os=a] / test
        stage.completed build[os=a] / test
        cell.completed build[os=a]
        cell.started build[os=b]
        stage.started build[os=b] / compile
        cell.started build[os=b] / compile
        step.started build[os=b] / compile/1"#]]
    .assert_eq(&job.log());
}

#[test]
fn one_slot_is_enough_for_calls_of_calls() {
    let text = "version: 3\nstages:\n  a: {uses: ./x.yml}\n# file: x.yml\nversion: 3\non: call\nstages:\n  b: {uses: ./y.yml}\n\
                # file: y.yml\nversion: 3\non: call\nstages:\n  c: {run: x}\n  d: {run: x}\n";
    let mut job = Job::of_text(text, 1);
    job.begin();
    job.report(&exits("a / b / c", 0));
    job.report(&exits("a / b / d", 0));
    job.closes();
    assert_eq!(job.outcome(), Some(Outcome::Success), "{}", job.log());
}

#[test]
fn a_retry_of_what_failed_runs_it_again_and_what_built_on_it() {
    let mut job = job("build: {uses: ./x.yml}\n  last: {needs: build, run: x}", TWO);
    job.begin();
    job.report(&exits("build / compile", 0));
    job.report(&exits("build / test", 1));
    job.closes();
    job.retry_failed();
    job.report(&exits("build / test", 0));
    job.report(&exits("last", 0));
    job.closes();
    expect![[r#"
        job.retrying
        cell.started build
        cell.started build / test
        step.started build / test/1
        step.completed build / test/1
        cell.completed build / test
        stage.completed build / test
        cell.completed build
        stage.completed build
        stage.started last
        cell.started last
        step.started last/1
        step.completed last/1
        cell.completed last
        stage.completed last
        job.completed"#]]
    .assert_eq(&job.log_after("job.failed"));
    assert_eq!(job.outcome(), Some(Outcome::Success));
}

#[test]
fn a_retry_from_a_called_stage_goes_on_from_there() {
    let mut job = job(
        "first: {run: x}\n  build: {needs: first, uses: ./x.yml}\n  last: {needs: build, run: x}",
        CLEANUP,
    );
    job.begin();
    for name in ["first", "build / compile", "build / compile", "build / test", "build / sweep", "last"] {
        job.report(&exits(name, 0));
    }
    job.closes();
    assert_eq!(job.outcome(), Some(Outcome::Success), "{}", job.log());
    let stage = job.stage_at("build / test");
    job.order(Order::Retry { scope: RetryScope::From(stage) });
    job.report(&exits("build / test", 0));
    job.report(&exits("build / sweep", 0));
    job.report(&exits("last", 0));
    job.closes();
    expect![[r#"
        cell.started build
        stage.started build / test
        cell.started build / test
        step.started build / test/1
        step.completed build / test/1
        cell.completed build / test
        stage.completed build / test
        stage.started build / sweep
        cell.started build / sweep
        step.started build / sweep/1
        step.completed build / sweep/1
        cell.completed build / sweep
        stage.completed build / sweep
        cell.completed build
        stage.completed build
        stage.started last
        cell.started last
        step.started last/1
        step.completed last/1
        cell.completed last
        stage.completed last
        job.completed"#]]
    .assert_eq(&job.log_after("job.retrying"));
}

#[test]
fn inputs_that_do_not_fit_fail_the_caller_before_it_begins() {
    let files = "# file: x.yml\nversion: 3\non: call\ninputs: {n: {type: number}}\nstages: {a: {run: x}}\n";
    let mut job = job(
        "first: {run: x, outputs: {n: many}}\n  build: {needs: first, uses: ./x.yml, with: {n: \"${{ needs.first.outputs.n }}\"}}",
        files,
    );
    job.begin();
    job.report(&exits("first", 0));
    job.closes();
    expect![[r#"
        stage.started build
        cell.failed build
        stage.failed build
        stage.skipped build / a
        job.failed"#]]
    .assert_eq(&job.log_after("stage.completed"));
    expect![[r#"Some(Needs { stages: ["build"] })"#]].assert_eq(&format!("{:?}", job.cause("build / a")));
    let cell = job.cell_at("build");
    expect![[r#"Finished { outcome: Failure, result: Failure, cause: Some(Expression { message: "`build` cannot call `./x.yml`: the input `n` takes a number such as `3` or `0.5`, found `many`" }) }"#]].assert_eq(&format!("{:?}", job.state().cells[cell as usize].phase));
}

#[test]
fn a_pause_holds_calls_and_a_called_stage_can_be_cancelled_alone() {
    let mut job = job("build: {uses: ./x.yml}", TWO);
    job.begin();
    job.pause();
    job.report(&exits("build / compile", 0));
    assert!(!job.log().contains("stage.started build / test"), "{}", job.log());
    job.resume();
    let target = Target::Stage(job.stage_at("build / test"));
    job.order(Order::Cancel { target, force: false });
    job.report(&exits("build / test", 143));
    job.closes();
    assert_eq!(job.outcome(), Some(Outcome::Cancelled), "{}", job.log());
}

#[test]
fn a_cancel_in_a_pause_ends_calls_at_once() {
    let mut job = job("build: {uses: ./x.yml}", TWO);
    job.begin();
    job.pause();
    let target = job.stage("build");
    job.order(Order::Cancel { target, force: false });
    job.report(&exits("build / compile", 143));
    assert!(job.log().ends_with("stage.cancelled build"), "{}", job.log());
}

#[test]
fn the_time_limit_of_a_caller_ends_its_call() {
    let mut job = job("build: {uses: ./x.yml, timeout: 1m}", TWO);
    job.begin();
    job.after_ms(60_000);
    job.report(&exits("build / compile", 143));
    job.closes();
    assert_eq!(job.outcome(), Some(Outcome::Failure), "{}", job.log());
    expect![[r#"Some(Member { names: ["build"] })"#]].assert_eq(&format!("{:?}", job.cause("build")));
}

#[test]
fn a_retry_of_a_caller_runs_what_it_calls() {
    let mut job = job("build: {uses: ./x.yml}\n  last: {needs: build, run: x}", TWO);
    job.begin();
    for name in ["build / compile", "build / test", "last"] {
        job.report(&exits(name, 0));
    }
    job.closes();
    let stage = job.stage_at("build") as usize;
    let cell = job.state().stages[stage].cells[0];
    job.order(Order::Retry { scope: RetryScope::Cell(cell) });
    for name in ["build / compile", "build / test", "last"] {
        job.report(&exits(name, 0));
    }
    job.closes();
    expect![[r#"
        cell.started build
        stage.started build / compile
        cell.started build / compile
        step.started build / compile/1
        step.completed build / compile/1
        cell.completed build / compile
        stage.completed build / compile
        stage.started build / test
        cell.started build / test
        step.started build / test/1
        step.completed build / test/1
        cell.completed build / test
        stage.completed build / test
        cell.completed build
        stage.completed build
        stage.started last
        cell.started last
        step.started last/1
        step.completed last/1
        cell.completed last
        stage.completed last
        job.completed"#]]
    .assert_eq(&job.log_after("job.retrying"));
    assert_eq!(job.outcome(), Some(Outcome::Success));
}
