//! Commands that are printed are typed again, as they stand, into the same shell in the same folder.
//!
//! Not here: how they are made (unit tests of `faces/hint.rs`).

use crate::kit::Sandbox;

const FAILS: &str = "version: 3
name: fails
stages:
  build: { matrix: { os: [linux] }, run: 'echo it broke; exit 3' }
";
const OTHER: &str = "version: 3\nname: other\nstages:\n  a: { run: 'echo of the other' }\n";
const SLOW: &str =
    "version: 3\nname: slow\nstages:\n  wait: { run: 'echo up; until test -e go; do sleep 0.05; done' }\n";
const WARNS: &str = "version: 3
name: warns
inputs: { who: { type: string, default: you } }
stages:
  a: { run: 'echo hello ${{ inputs.who }}' }
";

/// A project whose jobs are elsewhere, and who has a job in the usual place, too.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new()
        .file("playbooks/fails.yml", FAILS)
        .file("playbooks/other.yml", OTHER)
        .file("playbooks/warns.yml", WARNS)
        .file("playbooks/slow.yml", SLOW)
        .file(".git/HEAD", "")
        .file("deep/er/readme", "");
    sandbox.sortie(["run", "other"]).run().code(0).done();
    sandbox
}

/// What the shell prints, line by line, and the code of its last command. The folder is two below the project's root.
fn shell(sandbox: &Sandbox, script: &str) -> (Vec<String>, i32) {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_sortie")).parent().expect("it has a folder");
    let ran = std::process::Command::new("sh")
        .args(["-c", &format!("PATH={}:$PATH; exec 2>&1; {script}", folder.display())])
        .current_dir(sandbox.project().join("deep/er"))
        .env_clear()
        .envs(sandbox.environment())
        .output()
        .expect("there is a shell");
    let lines = String::from_utf8_lossy(&ran.stdout).lines().map(str::to_owned).collect();
    (lines, ran.status.code().expect("it ends by itself"))
}

/// The command behind some words.
fn behind<'a>(lines: &'a [String], words: &str) -> &'a str {
    let line = lines.iter().find_map(|line| line.split_once(words));
    line.unwrap_or_else(|| panic!("no {words:?} in {lines:#?}")).1.trim_end_matches('`')
}

fn says(lines: &[String], words: &str) {
    assert!(lines.iter().any(|line| line.contains(words)), "no {words:?} in {lines:#?}");
}

#[test]
fn hints_of_a_failed_job_name_its_state_folder() {
    let sandbox = sandbox();
    for given in ["--state '../my jobs'", "--state \"$PWD/it's here\""] {
        let (lines, code) = shell(&sandbox, &format!("sortie {given} run fails"));
        assert_eq!(code, 1, "{lines:#?}");
        let (log, code) = shell(&sandbox, behind(&lines, "  log    "));
        assert_eq!((&log[..], code), (&["it broke".to_owned()][..], 0));
        let (again, code) = shell(&sandbox, behind(&lines, "  again  "));
        says(&again, "it broke");
        says(&again, "job #1 failed");
        assert_eq!(code, 1);
        let (wrong, code) = shell(&sandbox, &format!("sortie {given} jobs show 77"));
        assert_eq!(code, 2);
        let listed = behind(&wrong, "help: `").trim_end_matches("` shows what there is");
        let (list, _) = shell(&sandbox, listed);
        says(&list, "fails");
    }
    let given = "SORTIE_SET_STORE_DIR=deep/mine";
    let (lines, _) = shell(&sandbox, &format!("{given} sortie run fails"));
    let (log, _) = shell(&sandbox, behind(&lines, "  log    "));
    assert_eq!(log, ["it broke"]);
}

#[test]
fn hints_name_playbooks_so_that_they_are_found_from_here() {
    let sandbox = sandbox();
    let (lines, code) = shell(&sandbox, "sortie --state s run warns");
    assert_eq!(code, 0, "{lines:#?}");
    let (check, code) = shell(&sandbox, behind(&lines, "1 warning: "));
    says(&check, "untrusted-in-run");
    assert_eq!(code, 0);
    let (_, code) = shell(&sandbox, "sortie --state s run fails");
    assert_eq!(code, 1);
    let sandbox = sandbox.file("playbooks/fails.yml", &FAILS.replace("it broke", "it is new"));
    let (lines, _) = shell(&sandbox, "sortie --state s jobs retry last");
    let run = behind(&lines, "began with: `").trim_end_matches("` runs the new one");
    let (lines, _) = shell(&sandbox, run);
    says(&lines, "it is new");
    says(&lines, "job #3 failed");
}

#[test]
fn a_wrong_setting_sends_to_a_command_that_works() {
    let sandbox = sandbox().file("sortie.yml", "ui:\n  heartbeat: 5\n");
    let (lines, code) = shell(&sandbox, "sortie run other");
    assert_eq!(code, 2);
    let (lines, code) = shell(&sandbox, behind(&lines, "help: "));
    says(&lines, "ui.heartbeat = 30s");
    assert_eq!(code, 0);
}

#[test]
fn whoever_leaves_a_job_is_told_how_to_come_back() {
    let sandbox = sandbox();
    let mut job = sandbox.sortie(["--state", "my jobs", "run", "slow"]).start();
    job.wait_for("up");
    for ui in ["full", "inline"] {
        let call = ["--state", "my jobs", "watch", "1", "--ui", ui];
        let mut watch = sandbox.terminal(call, (140, 20)).env("TERM", "xterm").start();
        watch.wait_until("it is shown", |shot| shot.has("up") && shot.has("quit"));
        watch.keys("q");
        let line = "job #1 `slow` goes on; `sortie --state 'my jobs' w 1` shows it again, \
            `sortie --state 'my jobs' jobs cancel 1` cancels it";
        watch.wait_for_end().code(0).shows(line).done();
    }
    // Where that would be broken, each command has a line of its own.
    let call = ["--state", "my jobs", "watch", "1", "--ui", "inline"];
    let mut watch = sandbox.terminal(call, (60, 20)).env("TERM", "xterm").start();
    watch.wait_until("it is shown", |shot| shot.has("up") && shot.has("quit"));
    watch.keys("q");
    let left = watch.wait_for_end().code(0).shows("job #1 `slow` goes on");
    let left = left.shows("  watch   sortie --state 'my jobs' w 1");
    left.shows("  cancel  sortie --state 'my jobs' jobs cancel 1").done();
    std::fs::write(sandbox.project().join("go"), "").expect("the project is writable");
    job.wait().code(0).done();
}

#[test]
fn what_an_option_cannot_take_is_said_in_words_of_ours() {
    let text = "version: 3\nname: two\nstages:\n  a: { steps: [{ run: 'test -e mended', retry: { attempts: 2, backoff: { first: 10ms } } }] }\n";
    let sandbox = Sandbox::new().file("two.yml", text);
    sandbox.sortie(["run", "two.yml"]).run().code(1).done();
    let logs = |words: &[&str]| sandbox.sortie(["jobs", "logs"].iter().chain(words).copied()).run().code(2);
    logs(&["1", "-q"]).complains("`--query` takes what is looked for").complains("level:error").done();
    logs(&["--query", ""]).complains("`--query` takes what is looked for").done();
    logs(&["1", "-q", "level:error"]).complains("--query 'job:1 level:error'").done();
    logs(&["1", "--attempt", "9"]).complains("there is no try 9").complains("the last one is 2").done();
    logs(&["1", "--attempt", "0"]).complains("there is no try 0").done();
    sandbox.sortie(["jobs", "logs", "1", "--attempt", "2"]).run().code(0).done();
    let refused = sandbox.sortie(["jobs", "pause", "1", "--expect", "x"]).run().code(2);
    refused.complains("expected the number of an event").done();
    sandbox
        .sortie(["explain", "recover"])
        .run()
        .code(0)
        .says("on-interrupt\n============")
        .says("jobs recover")
        .done();
    sandbox.sortie(["jobs", "list", "--help"]).run().code(0).says("frozen").done();
}

#[test]
fn a_playbook_that_follows_one_that_is_not_there_says_so() {
    let after =
        "version: 3\nname: after\non:\n  run: {playbooks: [biuld, build]}\nstages:\n  a: { run: echo a }\n";
    let build = "version: 3\nname: build\nstages:\n  a: { run: echo a }\n";
    let sandbox = Sandbox::new().file("playbooks/after.yml", after).file("playbooks/build.yml", build);
    let checked =
        sandbox.sortie(["check"]).run().code(0).says("no playbook of this project is called `biuld`");
    let checked = checked.says("did you mean `build`?");
    assert!(!checked.out.contains("called `build`"), "{}", checked.out);
    let listed = sandbox.sortie(["schedule", "list"]).run().code(0);
    listed.says("`after` follows `biuld`, and no playbook of this project is called so").done();
}
