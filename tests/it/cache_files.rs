//! Files that are kept between jobs by a key: `cache-files`.
//!
//! Not here: results of stages and steps (`cached.rs`).

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use crate::kit::{Ran, Sandbox, eventually, nothing_is_left};

/// Gets what it needs if it is not there, and says what the cache did.
const PLAYBOOK: &str = r#"version: 3
name: files
stages:
  get:
    steps:
      - id: deps
        cache-files:
          path: [deps, ~/.tool/bin]
          key: deps-${{ hashFiles('lock') }}
          restore-keys: [deps-]
      - run: |
          echo "hit=${{ steps.deps.outputs.cache-hit }} matched=${{ steps.deps.outputs.cache-matched-key }}"
          echo "primary=${{ steps.deps.outputs.cache-primary-key }}"
      - if: steps.deps.outputs.cache-hit != 'true'
        run: |
          mkdir -p deps/sub deps/empty ~/.tool/bin
          echo "got $(cat lock)" > deps/sub/small
          seq 1 40000 > deps/large
          printf '#!/bin/sh\necho tool' > ~/.tool/bin/tool
          chmod 755 ~/.tool/bin/tool
          ln -sf sub/small deps/link
"#;

fn project() -> Sandbox {
    Sandbox::new()
        .file("files.yml", PLAYBOOK)
        .file("lock", "one\n")
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file(".git/refs/heads/main", "0123\n")
}

fn run_with(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.sortie(["run", "files.yml", "--ui", "plain"].into_iter().chain(more.iter().copied())).run()
}

fn home(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.base().join("home/.tool")
}

/// Removes what is restored.
fn remove(sandbox: &Sandbox) {
    for path in [sandbox.project().join("deps"), home(sandbox)] {
        fs::remove_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

#[test]
fn what_was_made_once_is_there_in_the_next_job() {
    let sandbox = project();
    let first = run_with(&sandbox, &[]).code(0).says("hit=false matched=\n").says("primary=deps-");
    first.says("nothing is kept as `deps-").says("saved `deps-").done();
    let large = fs::metadata(sandbox.project().join("deps/large")).expect("it was made");
    remove(&sandbox);
    run_with(&sandbox, &[]).code(0).says("hit=true matched=deps-").says("of job #1").done();
    let at = |name: &str| sandbox.project().join("deps").join(name);
    assert_eq!(fs::read_to_string(at("sub/small")).expect("it is back"), "got one\n");
    assert_eq!(fs::read_link(at("link")).expect("it is back"), Path::new("sub/small"));
    assert!(at("empty").is_dir());
    let tool = fs::metadata(home(&sandbox).join("bin/tool")).expect("it is back");
    assert_eq!(tool.permissions().mode() & 0o777, 0o755);
    let back = fs::metadata(at("large")).expect("it is back");
    assert_eq!((back.len(), back.modified().ok()), (large.len(), large.modified().ok()));
    // What is there already is left alone.
    run_with(&sandbox, &[]).code(0).says("; 0 written").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn another_key_takes_the_newest_that_begins_alike_and_is_saved_itself() {
    let sandbox = project();
    run_with(&sandbox, &[]).code(0).done();
    write(&sandbox.project().join("lock"), "two\n");
    remove(&sandbox);
    let second = run_with(&sandbox, &[]).code(0).says("hit=false matched=deps-").says("in place of `deps-");
    second.says("saved `deps-").done();
    remove(&sandbox);
    run_with(&sandbox, &[]).code(0).says("hit=true").says("of job #2").done();
    assert_eq!(
        fs::read_to_string(sandbox.project().join("deps/sub/small")).expect("it is back"),
        "got two\n"
    );
    // Each job can say which key it asked for, and which one it took.
    let explain = |words: &[&'static str]| {
        sandbox.sortie(["cache", "explain"].into_iter().chain(words.iter().copied())).run().code(0)
    };
    explain(&["1"])
        .says("get/deps  miss  cache-files: nothing for `deps-")
        .says("1 step with cache-files;")
        .done();
    explain(&["2", "get/deps"])
        .says("get/deps: near, of its cache-files")
        .says("saved by this job at")
        .done();
    let told = explain(&["3", "--json"]).json_lines().remove(0);
    assert_eq!((&told[0]["kind"], &told[0]["decision"]), (&"files".into(), &"hit".into()), "{told}");
    assert_eq!(told[0]["in_store"]["made_by"], 2, "{told}");
    // The first one is still what it was.
    write(&sandbox.project().join("lock"), "one\n");
    remove(&sandbox);
    run_with(&sandbox, &[]).code(0).says("hit=true").says("of job #1").done();
    assert_eq!(
        fs::read_to_string(sandbox.project().join("deps/sub/small")).expect("it is back"),
        "got one\n"
    );
    let listed = sandbox.sortie(["cache", "list", "--json"]).run().code(0).json_lines().remove(0);
    let kinds: Vec<_> = listed.as_array().expect("a list").iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds, ["files", "files"]);
    sandbox.sortie(["cache", "list"]).run().code(0).says("cache-files: deps-").says("2 results").done();
}

#[test]
fn other_branches_see_what_the_default_one_has_and_not_each_other() {
    let sandbox = project();
    let on =
        |branch: &str| write(&sandbox.project().join(".git/HEAD"), &format!("ref: refs/heads/{branch}\n"));
    on("one");
    run_with(&sandbox, &[]).code(0).says("saved").done();
    on("two");
    run_with(&sandbox, &[]).code(0).says("hit=false matched=\n").done();
    on("main");
    run_with(&sandbox, &[]).code(0).says("hit=false matched=\n").says("saved").done();
    on("three");
    run_with(&sandbox, &[]).code(0).says("hit=true").says("of job #3").done();
    on("one");
    run_with(&sandbox, &[]).code(0).says("hit=true").says("of job #1").done();
}

#[test]
fn a_cell_that_fails_saves_nothing_and_neither_does_a_job_without_cache() {
    let sandbox = project();
    write(&sandbox.project().join("files.yml"), &format!("{PLAYBOOK}      - run: test ! -e fail\n"));
    write(&sandbox.project().join("fail"), "");
    let failed = run_with(&sandbox, &[]).code(1);
    assert!(!failed.out.contains("saved `"), "{}", failed.out);
    fs::remove_file(sandbox.project().join("fail")).expect("it is there");
    let off = run_with(&sandbox, &["--no-cache"]).code(0).says("hit=false").says("nothing was looked for");
    assert!(!off.out.contains("saved `"), "{}", off.out);
    run_with(&sandbox, &[]).code(0).says("hit=false").says("saved `").done();
    run_with(&sandbox, &["--refresh"]).code(0).says("hit=false").says("in place of what job #3 saved").done();
}

#[test]
fn what_is_kept_wrongly_under_a_key_is_made_anew() {
    let playbook = "version: 3\nstages:\n  a:\n    steps:\n      - { cache-files: { path: [d, e], key: same } }\n      \
                    - run: 'mkdir -p d; test -e d/x || cp from d/x; cat d/x'\n";
    let sandbox = Sandbox::new().file("files.yml", playbook).file("from", "bad\n").file("e/mine", "mine");
    let forget = || fs::remove_dir_all(sandbox.project().join("d")).expect("it is there");
    run_with(&sandbox, &[]).code(0).says("saved `same`: ").done();
    forget();
    write(&sandbox.project().join("from"), "good\n");
    run_with(&sandbox, &[]).code(0).says("restored `same` of job #1").says("a | bad").done();
    forget();
    let again = run_with(&sandbox, &["--refresh"]).code(0).says("a | good");
    again.says("saved `same`: ").says(", in place of what job #1 saved").done();
    forget();
    run_with(&sandbox, &[]).code(0).says("restored `same` of job #3").says("a | good").done();
    sandbox.sortie(["cache", "list"]).run().code(0).says("cache-files: same").says("1 result").done();
    sandbox.sortie(["cache", "verify"]).run().code(0).done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_a_person_changed_is_moved_aside_and_told() {
    let sandbox = project();
    run_with(&sandbox, &[]).code(0).says("saved `").done();
    let (small, link) = (sandbox.project().join("deps/sub/small"), sandbox.project().join("deps/link"));
    let tool = home(&sandbox).join("bin/tool");
    write(&small, "edited");
    write(&tool, "edited, too");
    fs::remove_file(&link).expect("it is there");
    symlink("elsewhere", &link).expect("the project is writable");
    let told = "3 files in the way that nobody has kept, moved to `.sortie/jobs/";
    run_with(&sandbox, &[]).code(0).says("hit=true").says(told).says("`~/.tool/bin/tool`").done();
    assert_eq!(fs::read_to_string(&small).expect("it is back"), "got one\n");
    let jobs = fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("it is there").flatten();
    let aside = jobs.map(|it| it.path().join("replaced")).find(|it| it.is_dir()).expect("it was made");
    assert_eq!(fs::read_to_string(aside.join("deps/sub/small")).expect("it is there"), "edited");
    assert_eq!(fs::read_to_string(aside.join("~/.tool/bin/tool")).expect("it is there"), "edited, too");
    assert_eq!(fs::read_link(aside.join("deps/link")).expect("it is there"), Path::new("elsewhere"));
    // What was kept under another key can be had again.
    write(&sandbox.project().join("lock"), "two\n");
    run_with(&sandbox, &[]).code(0).says("hit=false").says("saved `").done();
    write(&sandbox.project().join("lock"), "one\n");
    let back = run_with(&sandbox, &[]).code(0).says("hit=true").says("1 written");
    assert!(!back.out.contains("in the way"), "{}", back.out);
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn keys_and_paths_that_cannot_be_are_refused() {
    let sandbox = project();
    let with = |path: &str, key: &str| {
        let playbook = format!(
            "version: 3\nvars: {{ up: ../x, comma: 'a,b', none: '' }}\nstages:\n  a:\n    steps:\n      - cache-files: {{ path: \"{path}\", key: \"{key}\" }}\n"
        );
        write(&sandbox.project().join("files.yml"), &playbook);
        run_with(&sandbox, &[])
    };
    with("../x", "k").code(2).complains("bad-glob").complains("`..`").done();
    with("x", "a,b").code(2).complains("bad-cache-key").complains("comma").done();
    with("x", &"k".repeat(513)).code(2).complains("513 bytes").done();
    with("${{ vars.up }}", "k").code(1).says("cannot be kept").done();
    with("x", "${{ vars.comma }}").code(1).says("comma").done();
    with("x", "k${{ vars.none }}").code(0).says("no file is there of `x`").done();
}

#[test]
fn nothing_is_put_back_through_a_link_that_nobody_named() {
    let sandbox = project();
    run_with(&sandbox, &[]).code(0).done();
    let elsewhere = sandbox.base().join("elsewhere");
    fs::create_dir(&elsewhere).expect("the sandbox is writable");
    let deps = sandbox.project().join("deps");
    fs::remove_dir_all(deps.join("sub")).expect("it is there");
    symlink(&elsewhere, deps.join("sub")).expect("the project is writable");
    run_with(&sandbox, &[]).code(1).says("is a link, and files are not put back through links").done();
    assert_eq!(fs::read_dir(&elsewhere).expect("it is there").count(), 0);
    // The folder that is named may be one.
    remove(&sandbox);
    symlink(&elsewhere, &deps).expect("the project is writable");
    run_with(&sandbox, &[]).code(0).says("hit=true").done();
    assert_eq!(fs::read_to_string(elsewhere.join("sub/small")).expect("it is back"), "got one\n");
}

#[test]
fn actions_and_matrix_cells_keep_their_files_too() {
    let action = "name: Deps\ninputs: { which: { required: true } }\nruns:\n  using: composite\n  steps:\n    \
                  - id: c\n      cache-files: { path: \"d-${{ inputs.which }}\", key: \"d-${{ inputs.which }}\" }\n    \
                  - run: 'echo inner=${{ steps.c.outputs.cache-hit }} $(ls d-${{ inputs.which }}); mkdir -p d-${{ inputs.which }}; echo x > d-${{ inputs.which }}/x'\n      shell: sh\n";
    let playbook = "version: 3\nstages:\n  a:\n    matrix: { w: [one, two] }\n    steps:\n      \
                    - { uses: ./act, with: { which: \"${{ matrix.w }}\" } }\n      - run: echo last > d-${{ matrix.w }}/last\n";
    let sandbox = Sandbox::new().file("files.yml", playbook).file("act/action.yml", action);
    run_with(&sandbox, &[]).code(0).says("inner=false").done();
    for which in ["one", "two"] {
        fs::remove_dir_all(sandbox.project().join(format!("d-{which}"))).expect("it is there");
    }
    let again = run_with(&sandbox, &[]).code(0);
    // They were saved at the end of the cells, after the steps behind the action.
    assert_eq!(again.out.matches("inner=true last x").count(), 2, "{}", again.out);
}

#[test]
fn two_jobs_at_once_save_one_of_both_and_both_pass() {
    let playbook = "version: 3\nstages:\n  a:\n    steps:\n      - { cache-files: { path: d, key: same } }\n      \
                    - run: 'mkdir -p d; echo x > d/x; echo $$ > at-$$; while [ ! -e go ]; do sleep 0.05; done'\n";
    let sandbox = Sandbox::new().file("files.yml", playbook);
    let start = || sandbox.sortie(["run", "files.yml", "--ui", "plain"]).start();
    let (first, second) = (start(), start());
    eventually("both are at work", || {
        let names = fs::read_dir(sandbox.project()).expect("it is there").flatten();
        names.filter(|it| it.file_name().to_string_lossy().starts_with("at-")).count() == 2
    });
    write(&sandbox.project().join("go"), "");
    let (first, second) = (first.wait().code(0), second.wait().code(0));
    let all = format!("{}{}", first.out, second.out);
    assert_eq!(all.matches("saved `same`").count(), 1, "{all}");
    assert_eq!(all.matches("already, and what is kept changes with `--refresh` only").count(), 1, "{all}");
    fs::remove_dir_all(sandbox.project().join("d")).expect("it is there");
    run_with(&sandbox, &[]).code(0).says("restored `same`").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn damage_is_found_before_anything_is_put_back() {
    let sandbox = project();
    run_with(&sandbox, &[]).code(0).done();
    let cache = |words: &[&str]| sandbox.sortie(["cache"].into_iter().chain(words.iter().copied())).run();
    cache(&["verify"]).code(0).says("is whole: 1 result, 3 files").done();
    remove(&sandbox);
    let mut harmed = 0;
    for folder in fs::read_dir(sandbox.project().join(".sortie/cache/blobs")).expect("it is there").flatten()
    {
        for blob in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            if blob.metadata().is_ok_and(|it| it.len() > 100_000) {
                let text = fs::read(blob.path())
                    .expect("it is ours")
                    .iter()
                    .map(|byte| byte ^ 1)
                    .collect::<Vec<_>>();
                fs::write(blob.path(), text).expect("it is ours");
                harmed += 1;
            }
        }
    }
    assert_eq!(harmed, 1, "the large file lies by itself");
    cache(&["verify"]).code(5).says("cache-files: deps-").says("missing or damaged").done();
    run_with(&sandbox, &[])
        .code(0)
        .says("is damaged and was removed")
        .says("hit=false")
        .says("saved `")
        .done();
    remove(&sandbox);
    run_with(&sandbox, &[]).code(0).says("hit=true").done();
    cache(&["prune", "--max-size", "1B"]).code(0).says("1 result removed").done();
    remove(&sandbox);
    run_with(&sandbox, &[]).code(0).says("hit=false").done();
    cache(&["clear"]).code(0).done();
    remove(&sandbox);
    run_with(&sandbox, &[]).code(0).says("hit=false").done();
}

#[cfg(feature = "faults")]
#[test]
fn death_at_any_point_of_saving_and_restoring_leaves_nothing_half() {
    let right = |sandbox: &Sandbox| {
        let at = |name: &str| fs::read_to_string(sandbox.project().join("deps").join(name)).ok();
        let large: String = (1..=40_000).map(|it| format!("{it}\n")).collect();
        at("large").is_none_or(|it| it == large) && at("sub/small").is_none_or(|it| it == "got one\n")
    };
    let mut places = [0, 0];
    for (kind, count) in places.iter_mut().enumerate() {
        for point in 1.. {
            let sandbox = project();
            if kind == 1 {
                run_with(&sandbox, &[]).code(0).done();
                remove(&sandbox);
            }
            let call = sandbox.sortie(["run", "files.yml", "--ui", "plain"]);
            let ran = call.env("SORTIE_FAULT_CACHE_AT", &point.to_string()).run();
            let was_killed = ran.out.contains("SIGKILL") || ran.out.contains("signal");
            assert!(right(&sandbox), "killed at {point} of {kind}: a file is torn");
            if kind == 1 && was_killed {
                // The next one completes it.
                run_with(&sandbox, &[]).code(0).says("hit=true").done();
            } else if kind == 0 && was_killed {
                // Nobody sees half of it; what is not there is saved by the next one.
                remove(&sandbox);
                run_with(&sandbox, &[]).code(0).done();
                remove(&sandbox);
                run_with(&sandbox, &[]).code(0).says("hit=true").done();
            }
            assert!(right(&sandbox) && sandbox.project().join("deps/large").exists());
            sandbox.sortie(["cache", "verify"]).run().code(0).done();
            nothing_is_left(&sandbox, Duration::from_secs(20));
            if !was_killed {
                ran.code(0).done();
                break;
            }
            *count += 1;
        }
    }
    eprintln!("cache-files: killed at {} places of saving and {} of restoring", places[0], places[1]);
    assert!(places[0] >= 5 && places[1] >= 5, "only {places:?} places");
}

/// Cells that take the same files at once.
fn matrix(cells: &str) -> String {
    format!(
        "version: 3\nname: files\nstages:\n  get:\n    matrix: {{ n: {cells} }}\n    steps:\n      \
         - {{ id: deps, cache-files: {{ path: ['deps/**'], key: k1 }} }}\n      \
         - {{ if: steps.deps.outputs.cache-hit == 'true', run: 'test $(cat deps/* | sort -u) = got' }}\n"
    )
}

#[test]
fn cells_that_put_the_same_files_back_at_once_are_not_in_each_others_way() {
    let sandbox = Sandbox::new().file("files.yml", &matrix("[0]"));
    let names: Vec<String> = (0..300).map(|at| format!("deps/{at}")).collect();
    fs::create_dir_all(sandbox.project().join("deps")).expect("the project is writable");
    names.iter().for_each(|name| write(&sandbox.project().join(name), "got\n"));
    run_with(&sandbox, &[]).code(0).says("saved `k1`").done();
    names.iter().for_each(|name| write(&sandbox.project().join(name), &format!("edited {name}\n")));
    write(&sandbox.project().join("files.yml"), &matrix("[1, 2, 3, 4, 5, 6, 7, 8]"));
    run_with(&sandbox, &[]).code(0).says("in the way that nobody has kept, moved to `.sortie/jobs/").done();
    let jobs = fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("it is there").flatten();
    let aside = jobs.map(|it| it.path().join("replaced")).find(|it| it.is_dir()).expect("it was made");
    for name in &names {
        let there = fs::read_to_string(sandbox.project().join(name)).expect("it is back");
        let old = fs::read_to_string(aside.join(name)).expect("it is aside");
        assert_eq!((there.as_str(), old), ("got\n", format!("edited {name}\n")));
    }
    let aside = fs::read_dir(aside.join("deps")).expect("it is there").count();
    assert_eq!(aside, names.len(), "each once");
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn what_is_aside_is_told_although_the_rest_cannot_be_put_back() {
    let sandbox = project();
    run_with(&sandbox, &[]).code(0).says("saved `").done();
    let (large, small) = (sandbox.project().join("deps/large"), sandbox.project().join("deps/sub/small"));
    write(&large, "edited");
    fs::remove_file(&small).expect("it is there");
    fs::create_dir(&small).expect("the project is writable");
    let told = "1 file in the way that nobody has kept, moved to `.sortie/jobs/";
    let failed = run_with(&sandbox, &[]).says("is a folder where a file of the cache goes").says(told);
    failed.says("`deps/large`").done();
    nothing_is_left(&sandbox, Duration::from_secs(20));
}

#[test]
fn a_pipe_in_the_way_is_moved_aside_unread() {
    let sandbox = project();
    run_with(&sandbox, &[]).code(0).says("saved `").done();
    let large = sandbox.project().join("deps/large");
    fs::remove_file(&large).expect("it is there");
    nix::unistd::mkfifo(&large, nix::sys::stat::Mode::S_IRWXU).expect("the project is writable");
    let told = "1 file in the way that nobody has kept, moved to `.sortie/jobs/";
    run_with(&sandbox, &[]).code(0).says("hit=true").says(told).done();
    assert!(fs::metadata(&large).expect("it is back").is_file());
    let jobs = fs::read_dir(sandbox.project().join(".sortie/jobs")).expect("it is there").flatten();
    let aside = jobs.map(|it| it.path().join("replaced/deps/large")).find(|it| it.exists());
    let kind = fs::metadata(aside.expect("it was moved")).expect("it is there").file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&kind));
    nothing_is_left(&sandbox, Duration::from_secs(20));
}
