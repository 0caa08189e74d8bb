//! Results that are taken again, and forty ways to be wrong about it: each must be the right decision, with the right bytes on
//! the disk. What is right is told by a run without any cache.
//!
//! Not here: the store of results in detail (`src/engine/cache/tests`).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::kit::{Ran, SORTIE, Sandbox, nothing_is_left};

const PLAYBOOK: &str = r#"version: 3
name: lies
defaults: { run: { shell: "mysh {0}" } }
vars: { v: one }
stages:
  first:
    steps: [{ id: s, run: 'echo "o=$(cat given)" >> "$SORTIE_OUTPUT"' }]
    outputs: { o: "${{ steps.s.outputs.o }}" }
  make:
    needs: first
    matrix: { m: [x] }
    env: { E: e, V: "${{ vars.v }}", O: "${{ needs.first.outputs.o }}", M: "${{ matrix.m }}" }
    cache: { inputs: ["src/**"], outputs: ["out/**"], env: [CC], tools: [cat tool], share: branch }
    steps:
      - id: one
        run: |
          mkdir -p out/sub
          echo "$E $V $O $M ${CC-none} ${HIDDEN-none} $(pwd | sed 's,.*/,,')" > out/sub/told
          find src | sort > out/names
          cat src/a.txt src/big > out/all
          cp -P src/link out/link
          cp -p src/run.sh out/run.sh
          echo "said=$(wc -c < out/all)" >> "$SORTIE_OUTPUT"
          echo made it
"#;

/// A project in which nothing was run yet.
fn project() -> Sandbox {
    let sandbox = Sandbox::new()
        .file("lies.yml", PLAYBOOK)
        .file("given", "given\n")
        .file("tool", "1.0\n")
        .file("src/a.txt", "first\n")
        .file("src/big", &"0123456789abcdef\n".repeat(4_000))
        .file("src/run.sh", "echo run\n")
        .file("src/spare", "spare\n")
        .file("bin/mysh", "#!/bin/sh\nexec sh -e \"$@\"\n")
        .file(".git/HEAD", "ref: refs/heads/topic\n");
    let at = |name: &str| sandbox.project().join(name);
    fs::set_permissions(at("bin/mysh"), fs::Permissions::from_mode(0o755))
        .expect("the project is there and ours");
    symlink("a.txt", at("src/link")).expect("the project is there and ours");
    sandbox
}

/// The same, and what is made depends on an artifact besides.
fn project_with_artifact() -> Sandbox {
    let text = PLAYBOOK
        .replace("  make:\n", "    artifacts: { out: [{ name: part, path: part }] }\n  make:\n")
        .replace(
            "    steps:\n      - id: one",
            "    artifacts: { in: [{ name: part, path: got }] }\n    steps:\n      - id: one",
        )
        .replace(
            "          echo made it",
            "          cp \"$SORTIE_WORKSPACE/got/part\" out/part\n          echo made it",
        );
    project().file("lies.yml", &text).file("part", "part\n")
}

fn run_with(sandbox: &Sandbox, arguments: &[&str], env: &[(&str, &str)]) -> Ran {
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = sandbox.project().join("bin");
    let call =
        sandbox.sortie(["run", "lies.yml", "--ui", "plain"].into_iter().chain(arguments.iter().copied()));
    let call = call.env("PATH", &format!("{}:{path}", bin.display()));
    env.iter().fold(call, |call, (name, value)| call.env(name, value)).run()
}

/// `hit`, or why there was none, of the last job's `make`.
fn decision(sandbox: &Sandbox) -> String {
    let events = sandbox.sortie(["jobs", "events", "last", "--type", "cache.*"]).run().code(0).json_lines();
    let first = events
        .iter()
        .find(|it| it["stage"] == "make" && it["type"] != "cache.waiting")
        .unwrap_or_else(|| panic!("{events:?}"));
    match first["type"].as_str() {
        Some("cache.hit") => "hit".to_owned(),
        _ => first["data"]["reason"].as_str().unwrap_or_default().to_owned(),
    }
}

/// All that is below a folder: names, kinds, executable bits and content.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut todo = vec![folder.to_path_buf()];
    while let Some(at) = todo.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
            let path = entry.path();
            let name =
                path.strip_prefix(folder).expect("the project is there and ours").display().to_string();
            let meta = fs::symlink_metadata(&path).expect("the project is there and ours");
            let what = if meta.is_symlink() {
                format!("-> {}", fs::read_link(&path).expect("the project is there and ours").display())
            } else if meta.is_dir() {
                todo.push(path);
                "folder".to_owned()
            } else {
                format!(
                    "{} {}",
                    meta.mode() & 0o100,
                    String::from_utf8_lossy(&fs::read(&path).expect("the project is there and ours"))
                )
            };
            found.insert(name, what);
        }
    }
    found
}

/// A change between two jobs, and what the second one has to make of it.
struct Lie {
    name: &'static str,
    change: fn(&Path),
    env: &'static [(&'static str, &'static str)],
    /// `hit`, or the reason for the miss; empty: any reason.
    right: &'static str,
}

const fn lie(name: &'static str, right: &'static str, change: fn(&Path)) -> Lie {
    Lie { name, change, env: &[], right }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("the project is there and ours");
    assert!(text.contains(from), "{from} in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).expect("the project is there and ours");
}

/// Other content of the same length, and the time that the file had.
fn alter_in_secret(path: &Path) {
    let before = fs::metadata(path)
        .expect("the project is there and ours")
        .modified()
        .expect("the project is there and ours");
    let text: Vec<u8> =
        fs::read(path).expect("the project is there and ours").iter().map(|byte| byte ^ 1).collect();
    fs::write(path, text).expect("the project is there and ours");
    fs::File::options()
        .write(true)
        .open(path)
        .expect("the project is there and ours")
        .set_modified(before)
        .expect("the project is there and ours");
}

/// Does that to each file of large contents in the store.
fn each_blob(project: &Path, harm: fn(&Path)) {
    let mut count = 0;
    for folder in
        fs::read_dir(project.join(".sortie/cache/blobs")).expect("the project is there and ours").flatten()
    {
        for blob in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            fs::set_permissions(blob.path(), fs::Permissions::from_mode(0o600))
                .expect("the project is there and ours");
            harm(&blob.path());
            count += 1;
        }
    }
    assert!(count > 0, "there is a large content to be harmed");
}

fn each_index(project: &Path, harm: fn(&Path)) {
    for name in ["cache.db", "cache.db-wal", "cache.db-shm"] {
        let path = project.join(".sortie/cache").join(name);
        if path.exists() {
            harm(&path);
        }
    }
}

/// What is run, and with what.
fn of_the_recipe() -> Vec<Lie> {
    vec![
        lie("nothing changed", "hit", |_| {}),
        lie("the command changed", "changed", |at| {
            edit(&at.join("lies.yml"), "echo made it", "echo made this")
        }),
        lie("a variable changed", "changed", |at| edit(&at.join("lies.yml"), "v: one", "v: two")),
        lie("the environment changed", "changed", |at| edit(&at.join("lies.yml"), "E: e,", "E: f,")),
        lie("a variable of the environment was removed", "changed", |at| {
            edit(&at.join("lies.yml"), "E: e, ", "")
        }),
        Lie { env: &[("CC", "tcc")], ..lie("a declared variable was set", "changed", |_| {}) },
        Lie { env: &[("CC", "")], ..lie("a declared variable was set to nothing", "changed", |_| {}) },
        Lie { env: &[("HIDDEN", "1")], ..lie("a variable was set that is not declared", "hit", |_| {}) },
    ]
}

/// Files that the result depends on.
fn of_inputs() -> Vec<Lie> {
    vec![
        lie("an input changed", "changed", |at| {
            fs::write(at.join("src/a.txt"), "other\n").expect("the project is there and ours")
        }),
        lie("an input was touched", "hit", |at| {
            let file = fs::File::options()
                .append(true)
                .open(at.join("src/a.txt"))
                .expect("the project is there and ours");
            file.set_modified(std::time::SystemTime::now()).expect("the project is there and ours");
        }),
        lie("same size and time, other content", "changed", |at| alter_in_secret(&at.join("src/a.txt"))),
        lie("the same of a large file", "changed", |at| alter_in_secret(&at.join("src/big"))),
        lie("a file was added", "changed", |at| {
            fs::write(at.join("src/b.txt"), "b\n").expect("the project is there and ours")
        }),
        lie("a file was removed", "changed", |at| {
            fs::remove_file(at.join("src/spare")).expect("the project is there and ours")
        }),
        lie("a file was renamed", "changed", |at| {
            fs::rename(at.join("src/spare"), at.join("src/other")).expect("the project is there and ours")
        }),
        lie("an empty folder was added", "changed", |at| {
            fs::create_dir(at.join("src/empty")).expect("the project is there and ours")
        }),
        lie("a mode bit changed", "changed", |at| {
            fs::set_permissions(at.join("src/run.sh"), fs::Permissions::from_mode(0o755))
                .expect("the project is there and ours");
        }),
        lie("a link leads elsewhere", "changed", |at| {
            fs::remove_file(at.join("src/link")).expect("the project is there and ours");
            symlink("big", at.join("src/link")).expect("the project is there and ours");
        }),
        lie("a link leaves the project", "", |at| {
            symlink("/etc/passwd", at.join("src/out")).expect("the project is there and ours")
        }),
    ]
}

/// Files that are the result.
fn of_outputs() -> Vec<Lie> {
    vec![
        lie("an output was deleted", "hit", |at| {
            fs::remove_file(at.join("out/all")).expect("the project is there and ours")
        }),
        lie("all outputs were deleted", "hit", |at| {
            fs::remove_dir_all(at.join("out")).expect("the project is there and ours")
        }),
        lie("an output was edited", "hit", |at| {
            fs::write(at.join("out/names"), "lie").expect("the project is there and ours")
        }),
        lie("an output was edited in secret", "hit", |at| alter_in_secret(&at.join("out/all"))),
        lie("an output is read-only and wrong", "output-in-the-way", |at| {
            fs::write(at.join("out/names"), "lie").expect("the project is there and ours");
            fs::set_permissions(at.join("out/names"), fs::Permissions::from_mode(0o444))
                .expect("the project is there and ours");
        }),
        lie("an output lost its executable bit", "hit", |at| {
            fs::set_permissions(at.join("out/run.sh"), fs::Permissions::from_mode(0o755))
                .expect("the project is there and ours");
        }),
        lie("a file too many lies among the outputs", "hit", |at| {
            fs::write(at.join("out/sub/more"), "x").expect("the project is there and ours")
        }),
    ]
}

/// What is kept, and by whom.
fn of_the_store() -> Vec<Lie> {
    vec![
        lie("large contents are cut", "", |at| {
            each_blob(at, |blob| fs::write(blob, "").expect("the project is there and ours"))
        }),
        lie("large contents are gone", "", |at| {
            each_blob(at, |blob| fs::remove_file(blob).expect("the project is there and ours"))
        }),
        lie("a bit of large contents flipped", "", |at| each_blob(at, alter_in_secret)),
        lie("the index is gone", "new", |at| {
            each_index(at, |path| fs::remove_file(path).expect("the project is there and ours"))
        }),
        lie("the index is something else", "", |at| {
            each_index(at, |path| fs::write(path, "no index").expect("the project is there and ours"))
        }),
        lie("a tool has another version", "changed", |at| {
            fs::write(at.join("tool"), "1.1\n").expect("the project is there and ours")
        }),
        lie("the shell changed", "changed", |at| edit(&at.join("bin/mysh"), "sh -e", "sh -e -u")),
        lie("the matrix has another value", "", |at| edit(&at.join("lies.yml"), "m: [x]", "m: [y]")),
        lie("the output of a need changed", "changed", |at| {
            fs::write(at.join("given"), "new\n").expect("the project is there and ours")
        }),
        lie("an artifact changed", "changed", |at| {
            fs::write(at.join("part"), "other\n").expect("the project is there and ours")
        }),
        lie("another folder to work in", "changed", |at| {
            fs::create_dir(at.join("down")).expect("the project is there and ours");
            for name in ["src", "out"] {
                symlink(format!("../{name}"), at.join("down").join(name))
                    .expect("the project is there and ours");
            }
            edit(&at.join("lies.yml"), "- id: one", "- id: one\n        working-directory: down");
        }),
        lie("another branch", "", |at| {
            fs::write(at.join(".git/HEAD"), "ref: refs/heads/other\n").expect("the project is there and ours")
        }),
        lie("an output is an input, too", "", |at| {
            edit(&at.join("lies.yml"), "[\"src/**\"]", "[\"src/**\", \"out/**\"]")
        }),
    ]
}

#[test]
fn every_lie_is_seen_through() {
    let mut wrong = Vec::new();
    let all = [of_the_recipe(), of_inputs(), of_outputs(), of_the_store()];
    for lie in all.into_iter().flatten() {
        let sandbox = project_with_artifact();
        run_with(&sandbox, &[], &[]).code(0).done();
        assert_eq!(decision(&sandbox), "new", "{}", lie.name);
        let project = sandbox.project();
        (lie.change)(&project);
        run_with(&sandbox, &[], lie.env).code(0).done();
        let decided = decision(&sandbox);
        let is_right = decided == lie.right || (lie.right.is_empty() && decided != "hit");
        let bytes = tree(&project.join("out"));
        fs::remove_dir_all(project.join("out")).expect("the project is there and ours");
        fs::create_dir(project.join("out")).expect("the project is there and ours");
        run_with(&sandbox, &["--no-cache"], lie.env).code(0).done();
        if !is_right || bytes != tree(&project.join("out")) {
            wrong.push((lie.name, decided, bytes == tree(&project.join("out"))));
        }
        nothing_is_left(&sandbox, Duration::from_secs(20));
    }
    assert!(wrong.is_empty(), "decision, and whether the bytes were right: {wrong:?}");
}

#[test]
fn what_is_in_the_way_is_left_alone() {
    let sandbox = project();
    run_with(&sandbox, &[], &[]).code(0).done();
    let all = sandbox.project().join("out/all");
    fs::remove_file(&all).expect("the project is there and ours");
    fs::create_dir(&all).expect("the project is there and ours");
    fs::write(all.join("mine"), "mine").expect("the project is there and ours");
    // The command cannot write there either.
    run_with(&sandbox, &[], &[]).code(1).done();
    assert_ne!(decision(&sandbox), "hit");
    assert_eq!(fs::read_to_string(all.join("mine")).expect("the project is there and ours"), "mine");
}

#[test]
fn an_input_that_is_edited_while_it_is_read_keeps_nothing() {
    let sandbox = project();
    edit(&sandbox.project().join("lies.yml"), "echo made it", "echo more >> src/a.txt");
    run_with(&sandbox, &[], &[]).code(0).says("is not kept in the cache").done();
    run_with(&sandbox, &[], &[]).code(0).done();
    assert_ne!(decision(&sandbox), "hit");
}

#[test]
fn a_hit_replays_outputs_and_log() {
    let sandbox = project();
    let playbook = sandbox.project().join("lies.yml");
    let text = fs::read_to_string(&playbook).expect("the project is there and ours");
    let more = "    outputs: { said: \"${{ steps.one.outputs.said }}\" }\n  after: { needs: make, run: 'echo got ${{ needs.make.outputs.said }}' }\n";
    fs::write(&playbook, format!("{text}{more}")).expect("the project is there and ours");
    run_with(&sandbox, &[], &[]).code(0).says("| made it").done();
    let again = run_with(&sandbox, &[], &[]).code(0).says("cached (from job #1");
    again.says("after | got 68006").done();
    sandbox.sortie(["jobs", "logs", "last", "make[m=x]"]).run().code(0).says("made it").done();
}

/// Programs that were started by a command, by name.
fn started(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let trace = sandbox.base().join("trace");
    let file = trace.display().to_string();
    let words =
        ["-f", "-e", "trace=execve", "-o", &file, SORTIE].into_iter().chain(arguments.iter().copied());
    let known = Command::new("strace").arg("--version").output().is_ok_and(|it| it.status.success());
    assert!(
        known,
        "`strace` is missing, which counts what is started; install it with: apt-get install strace"
    );
    sandbox.program("strace", words).run().code(0).done();
    let text = fs::read_to_string(trace).expect("the project is there and ours");
    text.lines().filter(|line| line.contains("execve(") && line.ends_with("= 0")).map(str::to_owned).collect()
}

#[test]
fn a_job_that_is_all_cached_starts_no_process() {
    let playbook = "version: 3\nstages:\n  a: { run: echo a > a, cache: { inputs: [], outputs: [a] } }\n  \
                    b: { needs: a, run: cat a > b, cache: { inputs: [a], outputs: [b] } }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook);
    let made = started(&sandbox, &["run", "p.yml", "--ui", "plain"]);
    assert!(made.len() > 3, "the program, its keeper, and what the stages run: {made:?}");
    for arguments in [&["run", "p.yml", "--ui", "plain"][..], &["run", "p.yml", "--quiet"]] {
        let taken = started(&sandbox, arguments);
        assert_eq!(taken.len(), 1, "the program itself and nothing else: {taken:?}");
    }
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn two_jobs_at_once_make_one_result() {
    let playbook = "version: 3\nstages:\n  a:\n    cache: { inputs: [], outputs: [a] }\n    \
                    run: 'echo x >> count; while [ ! -e go ]; do sleep 0.05; done; echo made > a'\n";
    let sandbox = Sandbox::new().file("p.yml", playbook);
    let first = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    crate::kit::eventually("the first one is at work", || sandbox.project().join("count").exists());
    let mut second = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).start();
    second.wait_for("job #2");
    fs::write(sandbox.project().join("go"), "").expect("the project is there and ours");
    first.wait().code(0).done();
    second.wait().code(0).says("cached (from job #1").done();
    assert_eq!(
        fs::read_to_string(sandbox.project().join("count")).expect("the project is there and ours"),
        "x\n"
    );
    assert_eq!(
        fs::read_to_string(sandbox.project().join("a")).expect("the project is there and ours"),
        "made\n"
    );
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn a_playbook_that_says_nothing_is_cached_on_request() {
    let playbook = "version: 3\nstages:\n  look: { run: echo looked at $(cat data) }\n  write: { needs: look, run: echo w > written }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook).file("data", "d\n");
    let run = |more: &[&str]| {
        sandbox
            .sortie(["run", "p.yml", "--ui", "plain", "--cache"].into_iter().chain(more.iter().copied()))
            .run()
    };
    run(&["--cache-file", "data"]).code(0).says("write is not kept in the cache").says("written").done();
    run(&["--cache-file", "data"]).code(0).says("look cached").says("write passed").done();
    // Without the narrowing what `write` wrote is a file of the project.
    run(&[]).code(0).says("look passed").done();
    fs::write(sandbox.project().join("data"), "e\n").expect("the project is there and ours");
    run(&["--cache-file", "data"]).code(0).says("look passed").says("looked at e").done();
    run(&["--cache-file", "data", "--refresh"]).code(0).says("look passed").done();
    let without = sandbox.sortie(["run", "p.yml", "--ui", "plain", "--no-cache"]).run().code(0);
    without.says("look passed").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_outputs_leave_out_is_never_removed() {
    let files = "inputs: [gen/deep/x.tmpl], outputs: [\"gen/**\", \"!**/*.tmpl\"]";
    let playbook =
        format!("version: 3\nstages:\n  a: {{ run: cat gen/deep/x.tmpl > gen/x, cache: {{ {files} }} }}\n");
    let sandbox = Sandbox::new().file("p.yml", &playbook).file("gen/deep/x.tmpl", "source\n");
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
    run().says("a passed").done();
    let at = |name: &str| sandbox.project().join(name);
    fs::write(at("gen/extra"), "x").expect("the project is there and ours");
    fs::create_dir(at("gen/empty")).expect("the project is there and ours");
    run().says("a cached").done();
    assert_eq!(fs::read_to_string(at("gen/deep/x.tmpl")).expect("the source is there"), "source\n");
    assert!(!at("gen/extra").exists() && !at("gen/empty").exists(), "what is too much in the folder goes");
}

#[test]
fn a_step_is_known_by_what_earlier_steps_gave_it() {
    let playbook = r#"version: 3
stages:
  a:
    steps:
      - id: s
        run: |
          echo "v=$(cat given)" >> "$SORTIE_OUTPUT"
          echo "W=$(cat given)" >> "$SORTIE_ENV"
          echo "$PWD/$(cat given)" >> "$SORTIE_PATH"
      - run: tool ${{ steps.s.outputs.v }} > out
        cache: { inputs: [], outputs: [out] }
"#;
    let sandbox = Sandbox::new().file("p.yml", playbook).file("one/tool", "#!/bin/sh\necho one $1 $W\n");
    let sandbox = sandbox.file("two/tool", "#!/bin/sh\necho two $1 $W\n").file("given", "one");
    for name in ["one", "two"] {
        let tool = sandbox.project().join(name).join("tool");
        fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).expect("the project is there and ours");
    }
    for (given, is_cached) in [("one", false), ("two", false), ("two", true), ("one", true)] {
        fs::write(sandbox.project().join("given"), given).expect("the project is there and ours");
        let ran = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).run().code(0);
        assert_eq!(ran.out.contains("cached"), is_cached, "{given}: {}", ran.out);
        let out = fs::read_to_string(sandbox.project().join("out")).expect("the step made it");
        assert_eq!(out, format!("{given} {given} {given}\n"));
    }
}

#[test]
fn what_is_secret_or_of_a_session_is_not_written_down() {
    let playbook = "version: 3\nsecrets: { KEY: {} }\nstages:\n  a:\n    cache: { inputs: [], env: [SESSION] }\n    \
                    steps: [{ id: s, run: 'true', if: always() }, { run: 'echo ${{ steps.s.outcome }}' }]\n";
    let sandbox = Sandbox::new().file("p.yml", playbook).file("data", "");
    let (key, session) = ("first \"line\"\nsecond-of-key", "token-of-session");
    for more in [&[][..], &["--cache"], &["--refresh"]] {
        let words = ["run", "p.yml", "--ui", "plain"].into_iter().chain(more.iter().copied());
        let call = sandbox.sortie(words).env("KEY", key).env("SESSION", session);
        call.run().code(0).done();
        let other =
            sandbox.sortie(["run", "p.yml", "--ui", "plain"]).env("KEY", key).env("SESSION", "other-token");
        other.run().code(0).done();
    }
    let found = Command::new("grep")
        .args(["-rlaE", "second-of-key|token-of-session|other-token"])
        .arg(sandbox.project().join(".sortie"))
        .output()
        .expect("`grep` runs");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[cfg(feature = "faults")]
#[test]
fn death_at_any_point_of_keeping_and_restoring_leaves_nothing_half() {
    use nix::sys::signal::Signal;
    let oracle = project();
    run_with(&oracle, &["--no-cache"], &[]).code(0).done();
    let right = tree(&oracle.project().join("out"));
    let mut places = [0, 0];
    for (kind, count) in places.iter_mut().enumerate() {
        for at in 1.. {
            let sandbox = project();
            let out = sandbox.project().join("out");
            if kind == 1 {
                run_with(&sandbox, &[], &[]).code(0).done();
                fs::remove_dir_all(&out).expect("the project is there and ours");
            }
            let ran = run_with(&sandbox, &[], &[("SORTIE_FAULT_CACHE_AT", &at.to_string())]);
            if !ran.is_signalled(Signal::SIGKILL) {
                ran.code(0).done();
                break;
            }
            *count += 1;
            if kind == 1 {
                // What is there is either whole or not there: another look makes it whole.
                run_with(&sandbox, &[], &[]).code(0).done();
                assert_eq!(tree(&out), right, "killed while restoring, at point {at}");
                for folder in [".sortie/cache/tmp", ".sortie/cache/tmp-2"] {
                    let left = tree(&sandbox.project().join(folder));
                    assert!(left.is_empty(), "killed while restoring, at point {at}: {left:?}");
                }
                continue;
            }
            fs::remove_dir_all(&out).expect("the project is there and ours");
            run_with(&sandbox, &[], &[]).code(0).done();
            assert_eq!(tree(&out), right, "killed while keeping, at point {at}");
            fs::remove_dir_all(&out).expect("the project is there and ours");
            run_with(&sandbox, &[], &[]).code(0).done();
            assert_eq!(decision(&sandbox), "hit", "killed while keeping, at point {at}");
            assert_eq!(tree(&out), right, "killed while keeping, at point {at}");
        }
    }
    eprintln!("cache: killed at {} places of keeping and {} of restoring", places[0], places[1]);
    assert!(places[0] >= 3 && places[1] >= 3, "only {places:?} places");
}

#[test]
fn why_it_ran_is_recorded() {
    let sandbox = project();
    run_with(&sandbox, &[], &[]).code(0).done();
    fs::write(sandbox.project().join("src/a.txt"), "other\n").expect("the project is there and ours");
    run_with(&sandbox, &["--verbose"], &[]).code(0).says("input src/a.txt").done();
    let events =
        sandbox.sortie(["jobs", "events", "last", "--type", "cache.miss"]).run().code(0).json_lines();
    let differed = &events[0]["data"]["differed"];
    assert_eq!(differed[0]["field"], Value::from("input src/a.txt"));
}
