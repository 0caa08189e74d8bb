//! Undoing, with real processes: by a step, by a stage that fails, by order, and what becomes of it if it fails.
//!
//! Not here: steps beside each other (`together.rs`), the rules themselves (`src/logic/job/undo_tests.rs`).

use crate::kit::Sandbox;

/// What the undos wrote, in the order in which they ran.
fn undone(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.project().join("undone")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

const SAGA: &str = r#"version: 3
stages:
  deploy:
    steps:
      - block:
          - id: a
            env: { OWN: mine }
            run: 'echo "id=1" >> "$SORTIE_OUTPUT"; echo "WHO=a" >> "$SORTIE_ENV"; echo "$SORTIE_IDEMPOTENCY_KEY" > key'
            undo: { run: 'echo "a ${{ steps.a.outputs.id }} $WHO $OWN" >> undone; echo "$SORTIE_IDEMPOTENCY_KEY" > undo-key' }
          - id: b
            run: 'echo "id=2" >> "$SORTIE_OUTPUT"; echo "WHO=b" >> "$SORTIE_ENV"'
            undo: { run: 'echo "b ${{ steps.b.outputs.id }} $WHO" >> undone' }
          - { id: skipped, if: "false", run: x, undo: { run: echo skipped >> undone } }
          - { id: c, run: exit 3, undo: { run: echo c >> undone } }
        rescue:
          - rollback: true
"#;

#[test]
fn what_has_succeeded_is_undone_newest_first_with_its_outputs_and_environment() {
    let sandbox = Sandbox::new().file("saga.yml", &format!("{SAGA}          - run: exit 1\n"));
    let ran = sandbox.sortie(["run", "saga.yml"]).run().code(10).says("job #1 rolled back");
    assert_eq!(undone(&sandbox), ["b 2 b", "a 1 a mine"], "{}", ran.out);
    let read = |name: &str| std::fs::read_to_string(sandbox.project().join(name)).unwrap_or_default();
    let (key, undo) = (read("key"), read("undo-key"));
    assert!(
        !key.trim().is_empty() && undo.starts_with(key.trim()) && undo.trim() != key.trim(),
        "{key} {undo}"
    );
    let list = sandbox.sortie(["jobs", "list"]).run().code(0);
    list.says("rolled back").done();
}

#[test]
fn a_plan_shows_an_undo_below_its_step_and_without_a_number() {
    let text = "version: 3
stages:
  build:
    steps:
      - {run: echo one, undo: {run: echo not one}}
      - {name: two, run: echo 2, undo: {run: rm two}}
      - {id: third, run: echo 3}
  ship: {needs: build, rollback: on-failure, steps: [{block: [{run: up, undo: {run: down}}], rescue: [{rollback: true}]}]}
";
    let sandbox = Sandbox::new().file("undo.yml", text);
    let ran = sandbox.sortie(["plan", "undo.yml"]).run().code(0);
    let steps: Vec<&str> = ran.out.lines().skip(1).map(str::trim_start).collect();
    let expected = [
        "1  build",
        "1 echo one",
        "undo echo not one",
        "3 two",
        "undo rm two",
        "third echo 3",
        "2  ship, needs build",
        "1 block",
        "2 up",
        "undo down",
        "4 roll back",
    ];
    assert_eq!(steps, expected);
    // Its name for programs is what it was.
    let all = sandbox.sortie(["plan", "undo.yml", "--json"]).run().code(0);
    assert!(all.out.contains(r#""step":"1.undo""#), "{}", all.out);
}

#[test]
fn a_rescue_that_ends_well_after_its_rollback_makes_the_job_pass() {
    let sandbox = Sandbox::new().file("saga.yml", SAGA);
    sandbox.sortie(["run", "saga.yml"]).run().code(0).says("passed (rescued)").done();
    assert_eq!(undone(&sandbox).len(), 2);
}

#[test]
fn an_undo_that_fails_is_recorded_the_others_run_and_the_next_rollback_tries_it_again() {
    let text = SAGA.replace("echo \"b ${{", "test -e mended; echo \"b ${{");
    let sandbox = Sandbox::new().file("saga.yml", &text);
    let ran = sandbox.sortie(["run", "saga.yml"]).run().code(11);
    assert_eq!(undone(&sandbox), ["a 1 a mine"], "{}", ran.out);
    ran.says("`b` was not undone").says("jobs rollback 1").done();
    std::fs::write(sandbox.project().join("mended"), "").expect("the project is writable");
    sandbox.sortie(["jobs", "rollback", "last"]).run().code(10).says("rolled back").done();
    assert_eq!(undone(&sandbox), ["a 1 a mine", "b 2 b"]);
    let again = sandbox.sortie(["jobs", "rollback", "last"]).run().code(3);
    again.complains("cannot roll back the job: all of it has been undone already").done();
}

#[test]
fn a_stage_that_fails_undoes_all_its_cells_one_at_a_time() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
stages:
  deploy:
    rollback: on-failure
    strategy: { fail-fast: false, matrix: { n: [1, 2, 3] } }
    steps:
      - run: echo up
        undo: { run: "test ! -e busy; touch busy; echo undo >> undone; sleep 0.1; rm busy" }
      - run: test ${{ matrix.n }} != 2
  other: { run: sleep 0.1 }
"#,
    );
    let ran = sandbox.sortie(["run", "job.yml", "--max-parallel", "4"]).run().code(10);
    assert_eq!(undone(&sandbox).len(), 3, "{}", ran.out);
    ran.says("rolling back deploy[n=1], deploy[n=2], deploy[n=3] (`deploy` failed)").done();
}

const STAGES: &str = r#"version: 3
stages:
  one: { steps: [{ run: "true", undo: { run: echo one >> undone } }] }
  two:
    needs: one
    steps:
      - { run: "true", undo: { run: echo two >> undone } }
      - { run: test -e mended }
"#;

#[test]
fn a_job_that_has_ended_is_rolled_back_by_order_across_its_stages() {
    let sandbox = Sandbox::new().file("job.yml", STAGES);
    sandbox.sortie(["run", "job.yml"]).run().code(1).says("jobs rollback 1").done();
    sandbox.sortie(["jobs", "rollback", "last"]).run().code(10).says("rolling back one, two").done();
    assert_eq!(undone(&sandbox), ["two", "one"]);
    let shown = sandbox.sortie(["jobs", "show", "last", "--json"]).run().code(0);
    let job = &shown.json_lines()[0];
    assert_eq!(
        (&job["rolled_back"], &job["stages"][0]["rolled_back"]),
        (&true.into(), &true.into()),
        "{job}"
    );
}

#[test]
fn a_job_that_passed_is_rolled_back_by_order_and_still_counts_as_passed() {
    let sandbox = Sandbox::new().file("job.yml", STAGES).file("mended", "");
    sandbox.sortie(["run", "job.yml"]).run().code(0).done();
    sandbox.sortie(["jobs", "rollback", "last", "two"]).run().code(0).says("two rolled back").done();
    assert_eq!(undone(&sandbox), ["two"]);
    sandbox.sortie(["jobs", "rollback", "last"]).run().code(0).says("job #1 rolled back").done();
    assert_eq!(undone(&sandbox), ["two", "one"]);
    sandbox.sortie(["jobs", "wait", "last"]).run().code(0).done();
}

#[test]
fn a_failed_stage_of_a_running_job_is_rolled_back_and_what_runs_is_not() {
    let text = "version: 3\nstages:\n  bad:\n    steps:\n      - { run: 'true', undo: { run: echo bad >> undone } }\n      \
                - run: exit 1\n  good: { run: 'until test -e go; do sleep 0.02; done', needs: bad, run-when: all-done }\n";
    let sandbox = Sandbox::new().file("job.yml", text);
    let mut live = sandbox.sortie(["run", "job.yml", "--ui", "json"]).start();
    live.wait_for("\"stage.failed\"");
    let refuse = |args: &[&str], words: &str| {
        sandbox.sortie(args.iter().copied()).run().code(3).complains(words).done();
    };
    refuse(&["jobs", "rollback", "last"], "cannot roll back the job: it still runs");
    refuse(&["jobs", "rollback", "last", "good"], "cannot roll back `good`: no step with an `undo`");
    sandbox.sortie(["jobs", "rollback", "last", "bad"]).run().code(0).says("rolling back 1 step").done();
    live.wait_for("cell.failed\",\"job\"");
    while undone(&sandbox).is_empty() {
        std::thread::yield_now();
    }
    refuse(&["jobs", "rollback", "last", "bad"], "cannot roll back `bad`: ");
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait().code(10).done();
    assert_eq!(undone(&sandbox), ["bad"]);
}

#[test]
fn a_cancel_lets_an_undo_finish() {
    let sandbox = Sandbox::new().file(
        "job.yml",
        r#"version: 3
defaults: { cancel: { grace: 300ms } }
stages:
  deploy:
    rollback: on-failure
    steps:
      - run: "true"
        undo: { run: "echo undoing; until test -e go; do sleep 0.02; done; echo all >> undone" }
      - run: exit 1
"#,
    );
    let mut live = sandbox.sortie(["run", "job.yml"]).start();
    live.wait_for("| undoing");
    sandbox.sortie(["jobs", "cancel", "last"]).run().code(0).done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    live.wait().says("rolled back").done();
    assert_eq!(undone(&sandbox), ["all"]);
}

#[test]
fn a_key_rolls_back_a_job_that_has_ended_after_a_question_that_names_the_steps() {
    let sandbox = Sandbox::new().file("job.yml", STAGES);
    let call = sandbox.terminal(["run", "job.yml", "--watch"], (80, 24)).env("TERM", "xterm-256color");
    let mut terminal = call.start();
    terminal.wait_until("the end", |shot| shot.has("failed") && shot.has("U roll back"));
    terminal.keys("U");
    let shot = terminal.wait_until("the question", |shot| shot.has("Roll back job #1?"));
    assert!(
        shot.has("Undoes 2 steps") && shot.has("- two: true") && shot.has("- one: true"),
        "{}",
        shot.text()
    );
    assert_eq!(undone(&sandbox), Vec::<String>::new());
    terminal.answer("Roll back job #1?", "y");
    terminal.wait_until("it is rolled back", |shot| shot.has("rolled back") && !shot.has("U roll back"));
    assert_eq!(undone(&sandbox), ["two", "one"]);
    terminal.keys("U");
    terminal.wait_for("all was undone already");
    terminal.keys("q");
    terminal.wait_for_end().code(10).done();
}
