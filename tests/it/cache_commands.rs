//! What people ask about kept results, and what they have done with them: `cache explain|list|verify|prune|clear`.
//!
//! Not here: which results fit (`cached.rs`).

use std::fs;

use serde_json::Value;

use crate::kit::{Ran, Sandbox};

const PLAYBOOK: &str = r#"version: 3
name: asked
secrets: { TOKEN: {} }
stages:
  build:
    matrix: { os: [linux, mac] }
    env: { WHAT: "a rather long value that does not fit into one line of a terminal with eighty columns, ${{ matrix.os }}" }
    cache: { inputs: ["src/**"], outputs: ["out/${{ matrix.os }}"], secrets: include }
    run: |
      mkdir -p out
      echo "$WHAT ${{ secrets.TOKEN }}" | wc -c > out/${{ matrix.os }}
  steps:
    steps:
      - { id: made, run: cat src/a > copy, cache: { inputs: [src/a], outputs: [copy] } }
      - run: echo plain
  plain: { run: echo plain }
"#;

fn project() -> Sandbox {
    Sandbox::new()
        .file("asked.yml", PLAYBOOK)
        .file("src/a", "a\n")
        .file("src/b", "b\n")
        .file("src/c", "c\n")
        .file(".git/HEAD", "ref: refs/heads/main\n")
}

fn run_with(sandbox: &Sandbox, more: &[&str], token: &str) -> Ran {
    let words = ["run", "asked.yml", "--ui", "plain"].into_iter().chain(more.iter().copied());
    sandbox.sortie(words).env("TOKEN", token).run()
}

fn explain(sandbox: &Sandbox, words: &[&str]) -> Ran {
    let ran = sandbox.sortie(["cache", "explain"].into_iter().chain(words.iter().copied())).run();
    if !words.contains(&"--json") {
        let wide = ran.out.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "more than 80 columns");
    }
    ran
}

fn objects(ran: &Ran) -> Vec<Value> {
    let lines = ran.json_lines();
    assert_eq!(lines.len(), 1);
    lines[0].as_array().expect("a list").clone()
}

/// Changes, adds and removes an input, and runs once more.
fn changed() -> Sandbox {
    let sandbox = project();
    run_with(&sandbox, &[], "hunter2").code(0).done();
    let at = |name: &str| sandbox.project().join(name);
    fs::write(at("src/a"), "other\n").expect("the project is writable");
    fs::write(at("src/new"), "n\n").expect("the project is writable");
    fs::remove_file(at("src/c")).expect("it is there");
    run_with(&sandbox, &[], "hunter3").code(0).done();
    sandbox
}

#[test]
fn a_miss_is_explained_by_what_differed() {
    let sandbox = changed();
    let told = explain(&sandbox, &["build[os=linux]"]).code(0);
    for text in [
        "build[os=linux]: miss",
        "reason    changed",
        "input src/a\n      before",
        "input src/new\n      added",
        "input src/c\n      removed",
        "1 changed, 1 added, 1 removed",
        "a secret, ",
        "stored    yes, 1 file",
        "made by this job",
        "made of   3 inputs",
    ] {
        assert!(told.out.contains(text), "no `{text}` in\n{}", told.out);
    }
    assert!(!told.out.contains("hunter"), "{}", told.out);
    assert!(!told.out.contains("mac"), "the other cell was not asked for\n{}", told.out);
    // The step of another stage has its own decision.
    explain(&sandbox, &["steps/made"]).code(0).says("steps/made: miss").says("input src/a").done();
    explain(&sandbox, &["2", "steps"]).code(0).says("steps/made: miss").done();
}

#[test]
fn a_hit_says_where_it_is_from_and_what_it_is_made_of() {
    let sandbox = changed();
    run_with(&sandbox, &[], "hunter3").code(0).done();
    let told = explain(&sandbox, &["build[os=mac]"]).code(0);
    told.says("hit, taken from the cache")
        .says("job #2")
        .says("made by job #2")
        .says("made of   3 inputs")
        .done();
    // Of the first job's result the portrait is still there, though a newer one has its name.
    let old = explain(&sandbox, &["1", "build[os=mac]"]).code(0).says("no result of that name was kept");
    old.says("made by this job").says("made of   3 inputs").says("input src/c").done();
    let all = explain(&sandbox, &[]).code(0);
    all.says("3 hits, 0 misses").says("from job #2").done();
}

#[test]
fn the_same_is_there_for_programs() {
    let sandbox = changed();
    let ran = explain(&sandbox, &["last", "build[os=linux]", "--json"]).code(0);
    assert!(!ran.out.contains("hunter"), "{}", ran.out);
    let all = objects(&ran);
    assert_eq!(all.len(), 1);
    let it = &all[0];
    assert_eq!((&it["decision"], &it["reason"], &it["job"]), (&"miss".into(), &"changed".into(), &2.into()));
    assert_eq!(it["cell"]["matrix"]["os"], "linux");
    assert_eq!(it["inputs"]["changed"], serde_json::json!(["src/a"]));
    assert_eq!(it["inputs"]["added"], serde_json::json!(["src/new"]));
    assert_eq!(it["inputs"]["removed"], serde_json::json!(["src/c"]));
    assert_eq!(it["stored"]["files"], 1);
    assert_eq!(it["key"], it["in_store"]["key"]);
    let parts = it["made_of"].as_array().expect("it is known");
    assert!(
        parts.iter().any(|part| part["part"] == "matrix" && part["value"] == "{\"os\":\"linux\"}"),
        "{parts:?}"
    );
    assert_eq!(objects(&explain(&sandbox, &["--json"]).code(0)).len(), 3);
}

#[test]
fn what_was_not_kept_and_what_was_not_looked_for_is_said() {
    let playbook = "version: 3\nstages:\n  a: { run: exit 1, cache: { inputs: [] } }\n  \
                    b: { run: echo b > b, cache: { inputs: [], outputs: [], strict: true } }\n  plain: { run: echo }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook);
    let run = |more: &[&str]| {
        sandbox.sortie(["run", "p.yml", "--ui", "plain"].into_iter().chain(more.iter().copied())).run()
    };
    explain(&sandbox, &["a"]).code(2).complains("no jobs yet").done();
    run(&[]).code(1).done();
    explain(&sandbox, &["a"]).code(0).says("stored    no: only what has passed is kept").done();
    explain(&sandbox, &["b"]).code(0).says("stored    no, undeclared-write").says("`b`").done();
    explain(&sandbox, &["plain"]).code(3).complains("looked for nothing").complains("--cache").done();
    explain(&sandbox, &["plane"]).code(2).complains("no stage of this job has the name `plane`").done();
    explain(&sandbox, &["9", "a"]).code(2).done();
    run(&["--no-cache"]).code(1).done();
    explain(&sandbox, &["a"]).code(3).complains("--no-cache").done();
    explain(&sandbox, &[]).code(0).says("looked for nothing in the cache").says("--no-cache").done();
}

#[test]
fn a_list_is_cut_at_the_edge_of_a_terminal_only_and_callers_name_what_they_call() {
    let long = "no-such-compiler-of-that-name --with --many --options --that --make --a --long --line";
    let called = format!(
        "version: 3\non: call\nstages:\n  made-by-a-stage-with-a-rather-long-name: {{ run: make, cache: {{ inputs: [], tools: ['{long}'] }} }}\n"
    );
    let sandbox = Sandbox::new()
        .file("lib.yml", &called)
        .file("p.yml", "version: 3\nstages: { all: { uses: ./lib.yml } }\n");
    sandbox.sortie(["run", "p.yml", "-q"]).run().done();
    let list = sandbox.sortie(["cache", "explain"]).run().code(0);
    let told = list.says("all / made-by-a-stage-with-a-rather-long-name").says(long);
    assert!(!told.out.contains('…'), "{}", told.out);
    told.done();
    let shown = sandbox.terminal(["cache", "explain"], (90, 20)).start().wait_for_end().code(0);
    let text = shown.shot.text();
    let line = text.lines().find(|line| line.contains("miss")).unwrap_or_else(|| panic!("no miss in {text}"));
    let width = line.trim_end().chars().count();
    assert!(line.trim_end().ends_with('…') && width == 90, "{text}");
    let ran = explain(&sandbox, &["all"]).code(3);
    ran.complains("it calls `./lib.yml`").complains("ask for `all / STAGE`").done();
}

#[test]
fn results_are_listed_verified_pruned_and_cleared() {
    let sandbox = project();
    let cache = |words: &[&str]| sandbox.sortie(["cache"].into_iter().chain(words.iter().copied())).run();
    cache(&["list"]).code(0).says("0 results").done();
    cache(&["verify"]).code(0).says("there is nothing in").done();
    run_with(&sandbox, &[], "t").code(0).done();
    let listed = cache(&["list", "--json"]).code(0);
    let names: Vec<String> =
        objects(&listed).iter().map(|it| it["name"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(names, ["asked: build[os=linux]", "asked: build[os=mac]", "asked: steps/made"]);
    cache(&["list"]).code(0).says("asked: build[os=mac]").says("by #1").says("3 results").done();
    let all = cache(&["list"]).code(0).out;
    let size =
        all.lines().last().and_then(|it| it.strip_prefix("3 results, ")?.strip_suffix(" in the store"));
    let size = size.unwrap_or_else(|| panic!("no size in {all}"));
    cache(&["prune"]).code(0).says(&format!("3 kept ({size})")).done();
    cache(&["verify"]).code(0).says("the store of results is whole: 3 results").done();
    let sum = cache(&["verify", "--json"]).code(0).json_lines().pop().expect("the sum");
    assert_eq!((&sum["results"], &sum["findings"], &sum["is_there"]), (&3.into(), &0.into(), &true.into()));
    cache(&["prune"]).code(0).says("0 results removed").says("3 kept").done();
    cache(&["prune", "--max-size", "1B", "--dry-run"]).code(0).says("3 results would be removed").done();
    cache(&["list"]).code(0).says("3 results").done();
    let gone = cache(&["prune", "--max-size", "1B", "--json"]).code(0).json_lines().remove(0);
    assert_eq!((gone["removed"].as_array().map(Vec::len), &gone["kept"]), (Some(3), &0.into()));
    cache(&["list"]).code(0).says("0 results").done();
    run_with(&sandbox, &[], "t").code(0).done();
    cache(&["clear"]).code(0).says("all results are removed").done();
    cache(&["list"]).code(0).says("0 results").done();
    run_with(&sandbox, &[], "t").code(0).says("passed").done();
}

#[test]
fn a_state_folder_that_is_not_there_is_not_whole() {
    let sandbox = project();
    run_with(&sandbox, &[], "t").code(0).done();
    for words in [&["verify"][..], &["list"], &["prune"], &["clear"]] {
        let words = ["cache"].into_iter().chain(words.iter().copied()).chain(["--state", "elsewhere"]);
        sandbox.sortie(words).run().code(2).complains("there is no state folder").done();
    }
    assert!(!sandbox.project().join("elsewhere").exists());
    fs::create_dir(sandbox.project().join("empty")).expect("the project is writable");
    let ran = sandbox.sortie(["cache", "verify", "--state", "empty"]).run().code(0);
    ran.says("there is nothing in").done();
}

#[test]
fn a_damaged_database_is_said_once_and_named_until_it_is_removed() {
    let sandbox = project();
    let cache = |words: &[&str]| sandbox.sortie(["cache"].into_iter().chain(words.iter().copied())).run();
    let harm = || {
        for (name, text) in [("cache.db", "no database"), ("cache.db-wal", ""), ("cache.db-shm", "")] {
            fs::write(sandbox.project().join(".sortie/cache").join(name), text.repeat(100))
                .expect("the project is writable");
        }
    };
    run_with(&sandbox, &[], "t").code(0).done();
    harm();
    cache(&["verify"]).code(5).says("`cache.db`: it is damaged").done();
    let ran = run_with(&sandbox, &[], "t").code(0);
    let all = format!("{}{}", ran.out, ran.err);
    assert_eq!(all.matches("warning: the store of results was damaged").count(), 1, "{all}");
    explain(&sandbox, &["build[os=mac]"]).code(0).says("was damaged").done();
    let ran = run_with(&sandbox, &[], "t").code(0).says("build[os=mac] cached");
    assert!(!format!("{}{}", ran.out, ran.err).contains("damaged"), "it is said once");
    cache(&["verify"]).code(5).says("`cache.db.damaged`").says("1 problem in 3 results").done();
    cache(&["verify", "--repair"]).code(0).says("removed").done();
    cache(&["verify"]).code(0).says("is whole: 3 results").done();
    harm();
    cache(&["verify", "--repair"]).code(0).says("`cache.db`: it is damaged").done();
    cache(&["verify"]).code(0).says("is whole: 0 results").done();
    run_with(&sandbox, &[], "t").code(0).says("build[os=mac] passed").done();
}

#[test]
fn a_store_whose_logs_were_replayed_is_whole() {
    let text = "version: 3\nstages:\n  a: { cache: { inputs: [] }, run: echo hello }\n  b:\n    steps:\n      \
        - run: echo plain\n      - { id: s, run: echo again, cache: { inputs: [] } }\n";
    let sandbox = Sandbox::new().file("logs.yml", text);
    sandbox.sortie(["run", "logs.yml", "--ui", "plain"]).run().code(0).done();
    let again = sandbox.sortie(["run", "logs.yml", "--ui", "plain"]).run().code(0);
    assert_eq!(again.out.matches("cached (from job #1").count(), 2, "{}", again.out);
    sandbox.sortie(["logs", "last"]).run().code(0).says("hello").says("again").done();
    sandbox.sortie(["store", "verify"]).run().code(0).done();
    // The length that is recorded is that of the log which was put there.
    let logs = sandbox.project().join(".sortie/jobs");
    let jobs = fs::read_dir(logs).expect("it is there").flatten().map(|it| it.path().join("logs/0.1.0.1"));
    jobs.for_each(|log| fs::write(log, "").expect("it is ours"));
    let told = sandbox.sortie(["store", "verify"]).run().code(5);
    assert_eq!(told.out.matches("has 0 bytes, and 6 were recorded").count(), 2, "{}", told.out);
}
