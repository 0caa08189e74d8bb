//! Playbooks that call playbooks, three levels deep with matrices, and steps that use actions: names, outputs, cancel,
//! a killed engine, files that change meanwhile, and what is refused.
//!
//! Not here: every fault of `uses` (`tests/fixtures/broken`), the order of events (`logic/job/calls_tests.rs`).

use std::time::Duration;

use crate::handover::{engine, kill_hard};
use crate::kit::{Sandbox, Tmux, eventually, nothing_is_left};

const TOP: &str = r#"version: 3
name: top
env: { OUTER: "does not flow" }
vars: { tone: loud }
stages:
  first: { run: "true", outputs: { word: hello } }
  build:
    needs: first
    matrix: { os: [linux, mac] }
    uses: ./lib/middle.yml
    with: { os: "${{ matrix.os }}", word: "${{ needs.first.outputs.word }}", parts: [a, b] }
  last: { needs: build, run: "echo \"got $IT\"", env: { IT: "${{ needs.build.outputs.made }}" } }
"#;

const MIDDLE: &str = r#"version: 3
on: call
inputs: { os: { required: true }, word: {}, parts: { type: json } }
stages:
  compile:
    uses: ./lib/inner.yml
    matrix: { part: "${{ inputs.parts }}" }
    with: { name: "${{ inputs.os }}-${{ matrix.part }}", word: "${{ inputs.word }}" }
  check: { needs: compile, run: "echo \"checked $IT\"", env: { IT: "${{ needs.compile.outputs.file }}" } }
outputs: { made: { value: "${{ stages.compile.outputs.file }}" } }
"#;

const INNER: &str = r#"version: 3
on: call
inputs: { name: {}, word: {} }
env: { NAME: "${{ inputs.name }}" }
stages:
  cc:
    defaults: { cancel: { grace: 300ms } }
    steps:
      - block:
          - run: |
              echo "$NAME ${{ vars.tone }} outer=$OUTER" >> ran
              test ! -e slow || { echo "$NAME" >> waits; until test -e go; do sleep 0.02; done; }
          - { id: x, run: 'echo "file=$NAME.o" >> "$SORTIE_OUTPUT"' }
        always: [{ run: 'echo "$NAME" >> tidied' }]
    outputs: { file: "${{ steps.x.outputs.file }}" }
finally:
  sweep: { run: 'echo "$NAME" >> swept' }
outputs: { file: { value: "${{ stages.cc.outputs.file }}" } }
"#;

fn three() -> Sandbox {
    Sandbox::new().file("top.yml", TOP).file("lib/middle.yml", MIDDLE).file("lib/inner.yml", INNER)
}

/// The lines of a file of the project, sorted.
fn lines(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.project().join(name)).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn put(sandbox: &Sandbox, name: &str, text: &str) {
    std::fs::write(sandbox.project().join(name), text).expect("the project is writable");
}

const ALL: [&str; 4] = ["linux-a", "linux-b", "mac-a", "mac-b"];

/// The stages of the job and what they came to, from its events.
fn ends(sandbox: &Sandbox, job: &str) -> Vec<String> {
    let events = sandbox.sortie(["jobs", "events", job]).run().code(0).json_lines();
    let mut ends: Vec<String> = events
        .iter()
        .filter_map(|event| {
            let what = event["type"].as_str()?.strip_prefix("stage.")?;
            (what != "started").then(|| format!("{what} {}", event["stage"].as_str().unwrap_or_default()))
        })
        .collect();
    ends.sort();
    ends
}

#[test]
fn three_levels_have_their_names_outputs_and_addresses() {
    let sandbox = three();
    let ran = sandbox.sortie(["run", "top.yml", "--ui", "plain"]).run().code(0);
    let inner = |os: &str, part: &str| format!("build[os={os}] / compile[part={part}] / cc");
    for (os, part) in [("linux", "a"), ("linux", "b"), ("mac", "a"), ("mac", "b")] {
        assert!(ran.out.contains(&format!("{} passed", inner(os, part))), "{}", ran.out);
    }
    assert!(ran.out.contains("build[os=mac] / check | checked mac-b.o"), "{}", ran.out);
    assert!(ran.out.contains("last | got mac-b.o"), "{}", ran.out);
    let said: Vec<String> = ALL.iter().map(|name| format!("{name} loud outer=")).collect();
    assert_eq!(lines(&sandbox, "ran"), said, "`vars` flow and `env` does not");
    assert_eq!(lines(&sandbox, "swept"), ALL);
    // An address may be typed with spaces or without.
    for address in ["build[os=mac] / check", "build[os=mac]/check", "BUILD[os=mac]/check/1"] {
        sandbox.sortie(["jobs", "logs", "1", address]).run().code(0).says("checked mac-b.o").done();
    }
    sandbox.sortie(["jobs", "show", "1"]).run().code(0).says(&inner("linux", "b")).done();
    sandbox
        .sortie(["plan", "top.yml"])
        .run()
        .code(0)
        .says("calls ./lib/middle.yml")
        .says(&inner("mac", "a"))
        .done();
    let only = "build[os=linux]/compile[part=b]/cc";
    sandbox.sortie(["run", "top.yml", "--only", only]).run().code(0).done();
    assert_eq!(lines(&sandbox, "ran").len(), 5);
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn cancelling_one_call_runs_the_cleanup_of_all_that_it_called() {
    let sandbox = three().file("slow", "");
    let mut live = sandbox.sortie(["run", "top.yml", "--ui", "plain"]).start();
    live.wait_for("first passed");
    eventually("the innermost steps", || lines(&sandbox, "waits").len() == 4);
    sandbox.sortie(["jobs", "cancel", "1", "build[os=linux]"]).run().code(0).done();
    eventually("the cleanup of one call", || lines(&sandbox, "swept").len() == 2);
    assert_eq!(lines(&sandbox, "tidied"), ["linux-a", "linux-b"]);
    assert_eq!(lines(&sandbox, "swept"), ["linux-a", "linux-b"]);
    put(&sandbox, "go", "");
    live.wait().code(130).done();
    let ends = ends(&sandbox, "1");
    for end in [
        "cancelled build[os=linux] / compile[part=a] / cc",
        "completed build[os=linux] / compile[part=a] / sweep",
        "cancelled build[os=linux] / check",
        "completed build[os=mac] / check",
        "cancelled build",
        "skipped last",
    ] {
        assert!(ends.iter().any(|it| it == end), "{end} is not in {ends:#?}");
    }
    // What was cancelled runs again, and with it what builds on it; what passed does not.
    sandbox.sortie(["jobs", "retry", "1"]).run().code(0).done();
    let ran: Vec<String> = lines(&sandbox, "ran");
    assert_eq!(ran.iter().filter(|it| it.starts_with("linux-")).count(), 4, "{ran:?}");
    assert_eq!(ran.iter().filter(|it| it.starts_with("mac-")).count(), 2, "{ran:?}");
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn a_killed_engine_and_changed_files_do_not_touch_a_call() {
    let sandbox = three().file("slow", "");
    sandbox.sortie(["run", "top.yml", "--detach"]).run().code(0).done();
    eventually("the innermost steps", || lines(&sandbox, "waits").len() == 4);
    // The job has the texts that it began with.
    put(&sandbox, "lib/middle.yml", "version: 3\nstages: {}\n");
    std::fs::remove_file(sandbox.project().join("lib/inner.yml")).expect("it was there");
    kill_hard(engine(&sandbox));
    sandbox.sortie(["jobs", "recover"]).run().code(0).says("goes on").done();
    put(&sandbox, "go", "");
    sandbox.sortie(["jobs", "wait", "1"]).run().code(0).says("passed").done();
    assert_eq!(lines(&sandbox, "waits"), ALL, "each ran once");
    assert_eq!(lines(&sandbox, "swept"), ALL);
    sandbox.sortie(["jobs", "logs", "1", "last"]).run().code(0).says("got mac-b.o").done();
    let stage = "build[os=mac] / check";
    sandbox
        .sortie(["jobs", "retry", "1", "--from", stage])
        .run()
        .code(0)
        .complains("has changed since this job began")
        .done();
    assert_eq!(lines(&sandbox, "waits"), ALL, "what came before was not run again");
    assert_eq!(
        lines(&sandbox, "swept").len(),
        4,
        "`finally` of calls that were not touched was not run again"
    );
    sandbox.sortie(["run", "top.yml"]).run().code(2).complains("lib/middle.yml").done();
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(5));
}

#[test]
fn a_cancelled_job_ends_all_calls_with_their_cleanup() {
    let sandbox = three().file("slow", "");
    let live = sandbox.sortie(["run", "top.yml", "--ui", "plain"]).start();
    eventually("the innermost steps", || lines(&sandbox, "waits").len() == 4);
    sandbox.sortie(["jobs", "cancel", "1"]).run().code(0).done();
    live.wait().code(130).done();
    assert_eq!(lines(&sandbox, "tidied"), ALL);
    assert_eq!(lines(&sandbox, "swept"), ALL);
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn circles_and_chains_that_are_too_long_are_told_in_the_file_that_makes_them() {
    let call = |next: &str| format!("version: 3\non: call\nstages: {{ a: {{ uses: ./{next} }} }}\n");
    let sandbox = Sandbox::new().file("a.yml", &call("b.yml")).file("b.yml", &call("a.yml"));
    let told = sandbox.sortie(["check", "a.yml", "--json"]).run().code(2);
    let problems = &told.json_lines()[0]["diagnostics"];
    assert_eq!(problems[0]["slug"], "call-cycle", "{problems}");
    assert_eq!((&problems[0]["file"], &problems[0]["line"]), (&"a.yml".into(), &3.into()), "{problems}");
    sandbox.sortie(["run", "a.yml"]).run().code(2).complains("`./b.yml` → `./a.yml` → `./b.yml`").done();
    let mut deep = Sandbox::new();
    for at in 0..11 {
        deep = deep.file(&format!("{at}.yml"), &call(&format!("{}.yml", at + 1)));
    }
    deep = deep.file("11.yml", "version: 3\non: call\nstages: { a: { run: 'true' } }\n");
    deep.sortie(["check", "0.yml"]).run().code(2).says("more than 10 deep").says("`./11.yml`").done();
    deep.sortie(["run", "1.yml", "--ui", "plain"]).run().code(0).says("a / a / a / a").done();
}

#[test]
fn a_file_outside_of_the_project_is_not_called() {
    let sandbox = Sandbox::new().file("a.yml", "version: 3\nstages: { a: { uses: ./link.yml } }\n");
    std::fs::write(sandbox.base().join("out.yml"), "version: 3\non: call\nstages: {}\n")
        .expect("it is writable");
    std::os::unix::fs::symlink("../out.yml", sandbox.project().join("link.yml")).expect("it is writable");
    sandbox.sortie(["check", "a.yml"]).run().code(2).says("leads out of this project").done();
}

#[test]
fn secrets_reach_only_those_they_are_handed_to_and_stay_masked() {
    let sandbox = Sandbox::new()
        .file(
            "a.yml",
            "version: 3\nsecrets: { KEY: { from: { env: KEY } } }\nstages:\n  \
             given: { uses: ./x.yml, secrets: { token: '${{ secrets.KEY }}' } }\n  \
             bare: { uses: ./x.yml }\n",
        )
        .file(
            "x.yml",
            "version: 3\non: call\nsecrets: { token: {} }\nstages:\n  \
             a: { env: { T: '${{ secrets.token }}' }, run: 'echo \"<$T>\"; echo \"${#T}\" >> lengths' }\n",
        );
    let ran = sandbox.sortie(["run", "a.yml", "--ui", "plain"]).env("KEY", "hunter2hunter2").run().code(0);
    assert!(!ran.out.contains("hunter2"), "{}", ran.out);
    assert!(ran.out.contains("given / a | <***>") && ran.out.contains("bare / a | <>"), "{}", ran.out);
    assert_eq!(lines(&sandbox, "lengths"), ["0", "14"]);
}

#[test]
fn actions_have_inputs_steps_and_outputs_of_their_own() {
    let sandbox = Sandbox::new()
        .file(
            "a.yml",
            r#"version: 3
stages:
  s:
    env: { STAGE: here }
    steps:
      - { id: x, run: 'echo "v=outer" >> "$SORTIE_OUTPUT"' }
      - { id: act, uses: ./actions/outer, with: { word: "${{ steps.x.outputs.v }}" }, env: { ONLY: inside } }
      - run: 'echo "then=$THEN only=$ONLY"'
        env: { THEN: "${{ steps.act.outputs.both }} ${{ steps.x.outputs.v }}" }
      - { uses: ./actions/fails, continue-on-error: true, id: bad }
      - run: 'echo "bad was ${{ steps.bad.outcome }}"'
"#,
        )
        .file(
            "actions/outer/action.yml",
            r#"name: outer
inputs: { word: { required: true }, mark: { default: "!" } }
outputs: { both: { value: "${{ steps.x.outputs.v }}${{ inputs.mark }}" } }
runs:
  using: composite
  steps:
    - { id: x, uses: ./actions/inner, with: { text: "<${{ inputs.word }}>" } }
    - run: 'echo "$ONLY $STAGE ${SORTIE_ACTION_PATH##*/} ${{ github.action_path }}"'
"#,
        )
        .file(
            "actions/inner/action.yaml",
            r#"inputs: { text: {} }
outputs: { v: { value: "${{ steps.x.outputs.v }}" } }
runs:
  using: composite
  steps:
    - { id: x, run: 'echo "v=$T" >> "$SORTIE_OUTPUT"', env: { T: "${{ inputs.text }}" } }
"#,
        )
        .file(
            "actions/fails/action.yml",
            "runs:\n  using: composite\n  steps:\n    - { run: exit 3 }\n    - { run: echo never }\n    \
             - { if: failure(), run: echo tidied }\n",
        );
    let ran = sandbox.sortie(["run", "a.yml", "--ui", "plain"]).run().code(0);
    let project = sandbox.project();
    let inside = format!("s | inside here outer {}/actions/outer", project.display());
    for line in [inside.as_str(), "s | then=<outer>! outer only=", "s | tidied", "s | bad was failure"] {
        assert!(ran.out.lines().any(|it| it == line), "`{line}` is not in\n{}", ran.out);
    }
    assert!(!ran.out.contains("never"), "{}", ran.out);
    std::fs::remove_dir_all(project.join("actions")).expect("it was there");
    sandbox.sortie(["jobs", "retry", "1", "--all"]).run().code(0).done();
    sandbox.sortie(["check", "a.yml"]).run().code(2).says("actions/outer/action.yml").done();
    sandbox.sortie(["store", "verify"]).run().code(0).done();
}

#[test]
fn the_example_of_reuse_does_what_it_says() {
    let sandbox = Sandbox::new();
    let copied = sandbox.program("cp", ["-r", concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks"), "."]);
    copied.run().code(0).done();
    let ran = sandbox.sortie(["run", "reuse", "--ui", "plain"]).run().code(0);
    assert!(ran.out.contains("package[part=wing] / pack | packing 2 of wing"), "{}", ran.out);
    assert!(ran.out.contains("deliver | everything is packed, the last label is № rudder"), "{}", ran.out);
    nothing_is_left(&sandbox, Duration::from_secs(2));
}

#[test]
fn called_stages_stand_below_their_caller_whose_logs_and_longest_chain_are_theirs() {
    let sandbox = three();
    put(&sandbox, "slow", "");
    let terminal = Tmux::new(&sandbox, 120, 40);
    terminal.type_line(&format!("{} run top.yml --ui full", crate::kit::SORTIE));
    eventually("all are at work", || lines(&sandbox, "waits").len() == ALL.len());
    let screen = terminal.wait_until("the last of them is on the screen", |it| {
        let screen = it.capture();
        (screen.matches(" cc  2/4").count() == ALL.len()).then_some(screen)
    });
    // The list is on the left; beside it stands the name of the log.
    let list = || screen.lines().filter_map(|line| line.split_once('│').map(|(left, _)| left));
    let column = |what: &str| {
        let found = list().find_map(|line| Some(line[..line.find(what)?].chars().count()));
        found.unwrap_or_else(|| panic!("no {what} in {screen}"))
    };
    let columns = ["build", "linux", "compile", "cc  2/4"].map(column);
    assert!(columns.is_sorted_by(|a, b| a < b), "{columns:?} in {screen}");
    put(&sandbox, "go", "");
    sandbox.sortie(["jobs", "wait", "last"]).run().code(0).done();
    let logs = |of| sandbox.sortie(["logs", "last", of]).run().code(0);
    logs("build")
        .says("build[os=linux] / check | checked linux-")
        .says("build[os=mac] / check | checked mac-")
        .done();
    let of_one = logs("build[os=mac]").says("build[os=mac] / check | checked mac-");
    assert!(!of_one.out.contains("linux"), "{}", of_one.out);
    let summary = sandbox.sortie(["jobs", "summary", "last", "--format", "json"]).run().code(0).out;
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("it is JSON");
    let (path, job) = (&summary["critical_path"], &summary["job"]);
    let names: Vec<&str> =
        path["stages"].as_array().into_iter().flatten().filter_map(|it| it["stage"].as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"first"), Some(&"last")), "{path}");
    assert!(names.iter().all(|name| *name != "build" && !name.ends_with("compile")), "{path}");
    assert!(path["seconds"].as_f64() <= job["seconds"].as_f64(), "{path} in {job}");
}

#[test]
fn a_check_tells_what_the_calls_of_a_playbook_do_to_each_other() {
    let callee = "version: 3\non: call\ninputs: { to: { required: true } }\nstages:\n  t:\n    run: make\n    \
                  cache: { inputs: [], outputs: [dist] }\n  db: { run: x, services: { pg: { image: postgres, ports: ['15432:5432'] } } }\n";
    let sandbox = Sandbox::new().file("lib.yml", callee).file(
        "job.yml",
        "version: 3\ninputs: { where: { required: true } }\nstages:\n  a: { uses: ./lib.yml, with: { to: \"${{ inputs.where }}\" } }\n  \
         b: { uses: ./lib.yml, with: { to: x } }\n",
    );
    let ran = sandbox.sortie(["check", "job.yml"]).run().code(0);
    ran.says("`a / t` and `b / t` have the same files among the outputs of their caches: `dist`")
        .says("`a / db` and `b / db` may run at the same time, and their services `pg` and `pg` want the port 15432")
        .says("help: write `5432` alone for a free port, or keep them apart")
        .says("job.yml:5:14")
        .done();
}
