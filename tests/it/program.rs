//! The program as a whole: version, help, exit codes and the shape of its event lines.
//!
//! Not here: the language (`logic/playbook/tests.rs`), playbooks that come with the project (`playbooks.rs`).

use crate::kit::{Sandbox, nothing_is_left};

const HELLO: &str = "version: 3\nname: hello\nstages:\n  greet:\n    run: echo 'hello, crew'\n";
const FAILS: &str =
    "version: 3\nname: fails\nstages:\n  trip:\n    run: |\n      echo 'before the fall'\n      exit 7\n";
const UNKNOWN_NEED: &str = "version: 3\nstages:\n  a: { needs: b, run: 'true' }\n";

#[test]
fn the_version_is_that_of_the_manifest() {
    let sandbox = Sandbox::new();
    let ran = sandbox.sortie(["--version"]).run().code(0);
    assert_eq!(ran.out.trim_end(), format!("sortie {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_playbook_runs_and_its_output_is_shown() {
    let sandbox = Sandbox::new().file("hello.yml", HELLO);
    sandbox.sortie(["run", "hello.yml"]).run().code(0).says("hello, crew").says("greet | hello, crew").done();
    nothing_is_left(&sandbox, std::time::Duration::from_secs(2));
}

#[test]
fn a_failure_is_code_1_and_shows_the_last_lines() {
    let sandbox = Sandbox::new().file("fails.yml", FAILS);
    sandbox.sortie(["run", "fails.yml"]).run().code(1).says("before the fall").says("code 7").done();
}

/// A process below a shell below a step: its signals, descriptors and whether the step leads its session.
const LOGIN: &str = "version: 3
name: login
stages:
  look:
    run: |
      grep -E '^Sig(Blk|Ign)' /proc/self/status
      ls /proc/self/fd | tr '\\n' ' '
      test \"$(cut -d' ' -f6 /proc/$$/stat)\" = $$ && echo and leads its session
";

#[test]
fn a_step_starts_as_from_a_login_whatever_the_program_was_started_with() {
    let text = "version: 3
name: outer
stages:
  nested:
    steps:
      - shell: bash
        run: |
          trap '' HUP INT QUIT TERM USR1 PIPE CHLD TSTP XFSZ RTMIN+3
          exec 7<login.yml
          SORTIE run login.yml
";
    let outer = text.replace("SORTIE", env!("CARGO_BIN_EXE_sortie"));
    let sandbox = Sandbox::new().file("login.yml", LOGIN).file("outer.yml", &outer);
    let none = "0000000000000000";
    let ran = sandbox.sortie(["run", "outer.yml"]).run().code(0);
    ran.says(&format!("SigBlk:\t{none}"))
        .says(&format!("SigIgn:\t{none}"))
        .says("0 1 2 3 and leads its session")
        .done();
}

const SECOND_TRY: &str = "version: 3
name: second
stages:
  stage: { retry: { attempts: 2, backoff: { first: 10ms } }, run: 'echo stage; test -f s || { touch s; exit 1; }' }
  step:
    steps:
      - run: 'echo step; test -f t || { touch t; exit 1; }'
        retry: { attempts: 2, backoff: { first: 10ms } }
";

#[test]
fn logs_say_which_try_a_line_is_of() {
    let sandbox = Sandbox::new().file("second.yml", SECOND_TRY);
    sandbox.sortie(["run", "second.yml"]).run().code(0).done();
    let ran = sandbox.sortie(["jobs", "logs"]).run().code(0);
    let mut lines: Vec<&str> = ran.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["stage | stage", "stage, run 2 | stage", "step | step", "step, attempt 2 | step"]);
    let shown = sandbox.sortie(["jobs", "show"]).run().code(0);
    shown.says("run 2 (run 1: step 1 `").says("took 2 attempts: exit code 1, passed").done();
}

#[test]
fn a_state_folder_that_was_there_stays_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new().file("hello.yml", HELLO).file("mine/keep.txt", "mine");
    let mine = sandbox.project().join("mine");
    std::fs::set_permissions(&mine, std::fs::Permissions::from_mode(0o775)).unwrap();
    for _ in 0..2 {
        sandbox.sortie(["run", "hello.yml", "--state", "mine"]).run().code(0).done();
        assert_eq!(std::fs::metadata(&mine).unwrap().permissions().mode() & 0o777, 0o775);
        assert!(!mine.join(".gitignore").exists());
    }
    let jobs = std::fs::metadata(mine.join("jobs")).unwrap().permissions().mode();
    assert_eq!(jobs & 0o777, 0o700, "what steps print is nobody else's");
    sandbox.sortie(["run", "hello.yml"]).run().code(0).done();
    let own = sandbox.project().join(".sortie");
    assert_eq!(std::fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(std::fs::read_to_string(own.join(".gitignore")).unwrap(), "*\n");
}

#[test]
fn output_that_is_lost_is_told_whatever_became_of_the_job() {
    let sandbox = Sandbox::new().file("hello.yml", HELLO).file("fails.yml", FAILS);
    for (file, code) in [("hello.yml", 5), ("fails.yml", 1)] {
        let line = format!("exec '{}' run {file} >/dev/full", env!("CARGO_BIN_EXE_sortie"));
        let ran =
            std::process::Command::new("sh").args(["-c", &line]).current_dir(sandbox.project()).output();
        let ran = ran.unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(said.contains("standard output cannot be written"), "{file}: {said}");
        assert_eq!(ran.status.code(), Some(code), "{file}");
    }
}

const OUTPUTS: &str = "version: 3\nname: outputs\nstages:
  build: { outputs: { tag: v1 }, run: 'true' }
  ship: { needs: [build], env: { TAG: '${{ needs.build.outputs.tag }}' }, run: 'echo tag=$TAG.' }
";

#[test]
fn outputs_of_a_stage_that_is_left_out_are_named_before_they_are_missed() {
    let sandbox = Sandbox::new().file("outputs.yml", OUTPUTS);
    let warning = "warning: `ship` reads outputs of `build`, which is left out: they will be empty";
    for options in [["run", "outputs.yml", "--only", "ship"], ["run", "outputs.yml", "--skip", "build"]] {
        let ran = sandbox.sortie(options).run().code(0).says("tag=.");
        assert_eq!(ran.err.matches(warning).count(), 1, "{}", ran.err);
    }
    let ran = sandbox.sortie(["run", "outputs.yml"]).run().code(0).says("tag=v1.");
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    let ran = sandbox.sortie(["plan", "outputs.yml", "--from", "ship"]).run().code(0);
    assert_eq!(ran.err.matches(warning).count(), 1, "{}", ran.err);
}

#[test]
fn a_wrong_playbook_is_code_2_and_names_the_place() {
    let sandbox = Sandbox::new().file("wrong.yml", UNKNOWN_NEED);
    let ran = sandbox.sortie(["check", "wrong.yml", "--json"]).run().code(2);
    let answer = &ran.json_lines()[0]["diagnostics"][0];
    assert_eq!(answer["slug"], "unknown-need");
    assert_eq!((&answer["line"], &answer["column"]), (&3.into(), &15.into()), "{answer}");
}

#[test]
fn a_missing_playbook_is_a_sentence_with_its_name() {
    let sandbox = Sandbox::new();
    sandbox.sortie(["run", "nowhere.yml"]).run().code(2).complains("nowhere.yml").done();
}

#[test]
fn event_lines_are_numbered_without_gaps_and_told_again_by_the_store() {
    let sandbox = Sandbox::new().file("hello.yml", HELLO);
    let live = sandbox.sortie(["run", "hello.yml", "--ui", "json"]).run().code(0);
    let lines = live.json_lines();
    let seqs: Vec<u64> = lines.iter().filter_map(|l| l["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=lines.len() as u64).collect::<Vec<_>>());
    assert!(lines.iter().all(|l| l["schema"] == 1 && l["time"].is_string() && l["job"].is_string()));
    assert_eq!(lines.first().map(|l| &l["type"]), Some(&"job.started".into()));
    assert_eq!(lines.last().map(|l| &l["type"]), Some(&"job.completed".into()));
    let told_again = sandbox.sortie(["jobs", "events", "last"]).run().code(0);
    assert_eq!(told_again.out, live.out);
}

#[test]
fn a_setting_of_another_name_is_not_a_setting() {
    let sandbox = Sandbox::new().file("hello.yml", HELLO);
    sandbox.sortie(["run", "hello.yml"]).env("SORTIE_ATTEMPT", "9").run().code(0).says("hello, crew").done();
}

#[test]
fn eval_answers_each_line_in_order_errors_included() {
    let sandbox = Sandbox::new();
    let ran = sandbox.sortie(["eval", "false && nosuch.x", "--json"]).run().code(2);
    assert_eq!(ran.json_lines()[0]["error"]["slug"], "unknown-context");
    let ran = sandbox.sortie(["eval", "format('{0}-{1}', 1.50, null)", "--json"]).run().code(0);
    assert_eq!(ran.json_lines()[0], serde_json::json!({ "kind": "String", "value": "1.5-" }));
}
