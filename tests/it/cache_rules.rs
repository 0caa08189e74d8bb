//! What a person may say about caching: failures that are kept, what holds for all stages, and how far a job is trusted.
//!
//! Not here: which results fit (`cached.rs`), files by a key (`cache_files.rs`).

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::kit::{Ran, Sandbox};

fn run_with(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.sortie(["run", "p.yml", "--ui", "plain"].into_iter().chain(more.iter().copied())).run()
}

fn count(sandbox: &Sandbox) -> usize {
    fs::read_to_string(sandbox.base().join("count")).map_or(0, |text| text.lines().count())
}

/// Checks a file, and counts how often it does.
fn check(more: &str, sandbox: &Sandbox) -> String {
    let count = sandbox.base().join("count");
    format!(
        "version: 3\nstages:\n  check:\n    cache: {{ inputs: [data], failures: true }}\n    steps:\n      - run: |\n          \
         echo x >> {}\n          echo looked at $(cat data)\n          exit $(cat data)\n{more}",
        count.display()
    )
}

#[test]
fn a_failure_that_is_kept_is_the_same_failure_again() {
    let sandbox = Sandbox::new().file("data", "3\n");
    let after = "  after: { needs: check, if: always(), run: 'echo came to ${{ needs.check.result }}' }\n";
    fs::write(sandbox.project().join("p.yml"), check(after, &sandbox)).expect("the project is writable");
    run_with(&sandbox, &[]).code(1).says("looked at 3").says("check failed").says("came to failure").done();
    let again = run_with(&sandbox, &[]).code(1).says("check failed").says("came to failure");
    let again = again.says("exited with code 3 (cached, from job #1)");
    assert_eq!(count(&sandbox), 1, "{}", again.out);
    sandbox.sortie(["jobs", "logs", "last", "check"]).run().code(0).says("looked at 3").done();
    sandbox.sortie(["cache", "explain", "check"]).run().code(0).says("check: hit").says("job #1").done();
    // Who asks for it once more gets it made anew.
    sandbox
        .sortie(["jobs", "retry", "last", "check", "--ui", "plain"])
        .run()
        .code(1)
        .says("looked at 3")
        .done();
    assert_eq!(count(&sandbox), 2);
    run_with(&sandbox, &["--refresh"]).code(1).says("looked at 3").done();
    assert_eq!(count(&sandbox), 3);
    fs::write(sandbox.project().join("data"), "0\n").expect("the project is writable");
    run_with(&sandbox, &[]).code(0).says("looked at 0").done();
    run_with(&sandbox, &[]).code(0).says("check cached").done();
    assert_eq!(count(&sandbox), 4);
    // What was kept as a failure is not given to who does not ask for failures.
    fs::write(sandbox.project().join("data"), "3\n").expect("the project is writable");
    let text = check(after, &sandbox).replace(", failures: true", "");
    fs::write(sandbox.project().join("p.yml"), text).expect("the project is writable");
    run_with(&sandbox, &[]).code(1).says("looked at 3").done();
    run_with(&sandbox, &[]).code(1).says("looked at 3").done();
    assert_eq!(count(&sandbox), 6);
}

#[test]
fn a_folder_whose_content_is_taken_out_of_the_inputs_may_be_made() {
    let playbook = "version: 3\nstages:\n  a:\n    cache: { inputs: ['**', '!dist/**'], outputs: ['dist/**'] }\n    \
                    run: mkdir -p dist && echo x > dist/x\n";
    let sandbox = Sandbox::new().file("p.yml", playbook).file("src/a", "1\n");
    run_with(&sandbox, &[]).code(0).done();
    run_with(&sandbox, &[]).code(0).says("a cached").done();
}

#[test]
fn a_step_keeps_its_failure_too_and_what_was_stopped_is_none() {
    let sandbox = Sandbox::new();
    let count_file = sandbox.base().join("count");
    let step = |run: &str, more: &str| {
        let text = format!(
            "version: 3\nstages:\n  a:\n    steps:\n      - id: s\n        run: 'echo x >> {}; {run}'\n        {more}\n        \
             cache: {{ inputs: [], failures: true }}\n      - {{ run: 'echo after ${{{{ steps.s.outcome }}}}', if: always() }}\n",
            count_file.display()
        );
        fs::write(sandbox.project().join("p.yml"), text).expect("the project is writable");
        run_with(&sandbox, &[]).code(1).says("after failure").done();
        run_with(&sandbox, &[]).code(1).says("after failure").done();
        let made = count(&sandbox);
        fs::remove_file(&count_file).expect("it ran");
        made
    };
    assert_eq!(step("exit 4", "timeout: 60s"), 1);
    assert_eq!((step("exit 125", "timeout: 60s"), step("exit 128", "timeout: 60s")), (1, 1));
    assert_eq!(
        (step("exit 126", "timeout: 60s"), step("exit 127", "timeout: 60s")),
        (2, 2),
        "it may be there by then"
    );
    assert_eq!(step("kill -9 $$", "timeout: 60s"), 2, "a signal may be anybody's");
    assert_eq!(step("while true; do sleep 1; done", "timeout: 100ms"), 2, "it had no time");
}

#[test]
fn what_makes_files_keeps_no_failures() {
    let playbook = "version: 3\nstages:\n  a: { run: x, cache: { inputs: [], outputs: [o], failures: true } }\n  \
                    b: { run: x, retry: { attempts: 2 }, cache: { inputs: [], failures: true } }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook);
    let ran = sandbox.sortie(["check", "p.yml"]).run().code(2);
    let all = format!("{}{}", ran.out, ran.err);
    assert_eq!(all.matches("cache-not-possible").count(), 2, "{all}");
}

#[test]
fn what_holds_for_all_stages_can_be_added_to_and_refused() {
    let playbook = "version: 3\ndefaults: { cache: { inputs: [src], mode: read-write, share: branch } }\nstages:\n  \
                    plain: { run: cat src }\n  more: { run: cat src > out, cache: { outputs: [out] } }\n  \
                    other: { run: cat other, cache: { inputs: [other] } }\n  never: { run: echo never, cache: false }\n  \
                    step: { steps: [{ run: cat src, cache: { inputs: [src] } }, { run: echo step }] }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook).file("src", "s\n").file("other", "o\n");
    run_with(&sandbox, &[]).code(0).done();
    let again = run_with(&sandbox, &[]).code(0).says("plain cached").says("more cached").says("other cached");
    again.says("never passed").says("step passed").done();
    // `--cache` does not overrule it either.
    run_with(&sandbox, &["--cache"]).code(0).done();
    run_with(&sandbox, &["--cache"]).code(0).says("never passed").done();
    fs::write(sandbox.project().join("src"), "t\n").expect("the project is writable");
    run_with(&sandbox, &[]).code(0).says("plain passed").says("more passed").says("other cached").done();
    let listed = sandbox.sortie(["cache", "list", "--json"]).run().code(0).json_lines().remove(0);
    let of = |name: &str| listed.as_array().and_then(|all| all.iter().find(|it| it["name"] == name).cloned());
    assert_eq!(of("p: more").map(|it| it["share"].clone()), Some("branch".into()));
}

#[test]
fn stages_that_cannot_be_cached_have_to_say_so_where_all_are() {
    let playbook = "version: 3\nstages:\n  a: { run: x }\n  ask: { approve: { message: go? }, run: x }\ndefaults: { cache: { inputs: [] } }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook);
    let ran = sandbox.sortie(["check", "p.yml"]).run().code(2);
    let all = format!("{}{}", ran.out, ran.err);
    assert!(
        all.contains("`ask` cannot be cached") && all.contains("write `cache: false` into the stage"),
        "{all}"
    );
    let mended = playbook.replace("go? }, run: x", "go? }, run: x, cache: false");
    fs::write(sandbox.project().join("p.yml"), mended).expect("the project is writable");
    sandbox.sortie(["check", "p.yml"]).run().code(0).done();
    let inside = "version: 3\nstages:\n  a: { run: x, defaults: { cache: { inputs: [] } } }\n";
    fs::write(sandbox.project().join("p.yml"), inside).expect("the project is writable");
    let ran = sandbox.sortie(["check", "p.yml"]).run().code(2);
    assert!(format!("{}{}", ran.out, ran.err).contains("misplaced-key"));
}

#[test]
fn no_job_uses_what_was_made_for_somebody_who_is_trusted_less() {
    let playbook = "version: 3\nstages:\n  a:\n    cache: { inputs: [], outputs: [out] }\n    run: echo $(cat whose) > out\n  \
                    f:\n    needs: a\n    steps:\n      - { id: c, cache-files: { path: kept, key: k } }\n      \
                    - run: 'echo hit=${{ steps.c.outputs.cache-hit }}; mkdir -p kept; cp whose kept/'\n";
    let sandbox = Sandbox::new().file("p.yml", playbook);
    let run = |class: &str| {
        fs::write(sandbox.project().join("whose"), class).expect("the project is writable");
        run_with(&sandbox, &["--cache-trust", class]).code(0)
    };
    let out = || fs::read_to_string(sandbox.project().join("out")).expect("it is there");
    run("untrusted").says("a passed").says("hit=false").done();
    run("untrusted").says("a cached").says("hit=true").done();
    run("shared").says("a passed").says("hit=false").done();
    assert_eq!(out(), "shared\n");
    run("own").says("a passed").says("hit=false").done();
    assert_eq!(out(), "own\n");
    sandbox.sortie(["cache", "explain", "a"]).run().code(0).says("trusted less").done();
    // What is trusted more is for everybody.
    run("shared").says("a cached").says("hit=true").done();
    run("untrusted").says("a cached").says("hit=true").done();
    // The setting says it for machines that run what others send.
    let ran = sandbox.sortie(["run", "p.yml", "--ui", "plain"]).env("SORTIE_SET_CACHE_TRUST", "other").run();
    ran.code(2).complains("`own`, `shared` or `untrusted`").done();
    let sandbox = Sandbox::new().file("p.yml", playbook).file("sortie.yml", "cache: { trust: untrusted }\n");
    fs::write(sandbox.project().join("whose"), "x").expect("the project is writable");
    run_with(&sandbox, &[]).code(0).done();
    let listed = sandbox.sortie(["cache", "list", "--json"]).run().code(0).json_lines().remove(0);
    let classes: Vec<_> = listed.as_array().expect("a list").iter().map(|it| it["trust"].clone()).collect();
    assert_eq!(classes, ["untrusted", "untrusted"]);
}

#[test]
fn what_git_tracks_counts_although_it_is_ignored() {
    let playbook = "version: 3\nstages:\n  a: { run: 'cat made.o free.o > /dev/null; echo looked' }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook).file(".gitignore", "*.o\n");
    let at = |name: &str| sandbox.project().join(name);
    for name in ["made.o", "free.o"] {
        fs::write(at(name), "one").expect("the project is writable");
    }
    for words in [&["init", "-q"][..], &["add", "-f", "p.yml", ".gitignore", "made.o"]] {
        sandbox.program("git", words.iter().copied()).run().code(0).done();
    }
    run_with(&sandbox, &["--cache"]).code(0).says("a passed").done();
    run_with(&sandbox, &["--cache"]).code(0).says("a cached").done();
    fs::write(at("free.o"), "two").expect("the project is writable");
    run_with(&sandbox, &["--cache"]).code(0).says("a cached").done();
    fs::write(at("made.o"), "two").expect("the project is writable");
    run_with(&sandbox, &["--cache"]).code(0).says("a passed").done();
    sandbox.sortie(["cache", "explain", "a"]).run().code(0).says("input made.o").done();
}

#[test]
fn on_request_nothing_is_cached_behind_what_writes_files_that_git_ignores() {
    let playbook = "version: 3\nstages:\n  build: { run: cp part made.o }\n  test: { needs: build, run: 'grep good made.o' }\n  \
                    after: { needs: test, run: 'true' }\n";
    let sandbox =
        Sandbox::new().file("p.yml", playbook).file(".gitignore", "*.o\npart\n").file("part", "good\n");
    let told = "`build`, which it needs, wrote files in the project that are not part of the key";
    for _ in 0..2 {
        let ran = run_with(&sandbox, &["--cache"]).code(0).says("`made.o`").says(told);
        ran.says("give it a `cache` with `inputs`").says("test passed").says("after passed").done();
    }
    fs::write(sandbox.project().join("part"), "bad\n").expect("the project is writable");
    run_with(&sandbox, &["--cache"]).code(1).says("test failed").done();
    sandbox.sortie(["cache", "explain", "test"]).run().code(0).says("`build`, which it needs, wrote").done();
    // What is declared is part of the key of what comes after it.
    let declared = playbook
        .replace("made.o }\n  test", "made.o, cache: { inputs: [part], outputs: [made.o] } }\n  test");
    assert_ne!(declared, playbook);
    fs::write(sandbox.project().join("p.yml"), declared).expect("the project is writable");
    run_with(&sandbox, &["--cache"]).code(1).says("test failed").done();
    let give = |text: &str| fs::write(sandbox.project().join("part"), text).expect("the project is writable");
    give("good\n");
    run_with(&sandbox, &["--cache"]).code(0).says("`build`, which it needs, may have written").done();
    run_with(&sandbox, &["--cache"]).code(0).says("build cached").says("test passed").done();
    run_with(&sandbox, &["--cache"])
        .code(0)
        .says("build cached")
        .says("test cached")
        .says("after cached")
        .done();
    give("bad\n");
    run_with(&sandbox, &["--cache"]).code(1).says("build cached").says("test failed").done();
    give("good\n");
    run_with(&sandbox, &["--cache"]).code(0).says("build cached").says("test cached").done();
}

#[test]
fn on_request_what_others_write_and_git_does_not_ignore_is_part_of_the_key() {
    let playbook = "version: 3\nstages:\n  build: { run: cp part made.o }\n  test: { needs: build, run: 'grep good made.o' }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook).file(".gitignore", "part\n").file("part", "good\n");
    for decision in ["test passed", "test cached"] {
        run_with(&sandbox, &["--cache"]).code(0).says("build passed").says(decision).done();
    }
    fs::write(sandbox.project().join("part"), "bad\n").expect("the project is writable");
    run_with(&sandbox, &["--cache", "--refresh"]).code(1).says("test failed").done();
}

#[test]
fn that_a_program_is_not_there_is_no_failure_that_is_kept() {
    let playbook = "version: 3\nstages:\n  plain: { run: sortie-test-tool, cache: { inputs: [], failures: true } }\n  \
                    shell: { run: 'sortie-test-tool && true', cache: { inputs: [], failures: true } }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook);
    let bin = sandbox.base().join("bin");
    fs::create_dir(&bin).expect("the folder is ours");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let run = || sandbox.sortie(["run", "p.yml", "--ui", "plain"]).env("PATH", &path).run();
    run().code(1).says("plain failed").says("shell failed").done();
    let tool = bin.join("sortie-test-tool");
    fs::write(&tool, "#!/bin/sh\necho it is here\n").expect("the folder is ours");
    run().code(1).says("plain failed").says("shell failed").done();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("it is ours");
    run().code(0).says("plain passed").says("shell passed").done();
}

#[test]
fn on_request_what_finds_its_files_made_is_known_by_them() {
    // As `make` does: nothing is written where the file is as it has to be.
    let playbook = "version: 3\nstages:\n  build: { run: 'cmp -s part made.o || { cp part made.o; echo built; }' }\n  \
                    test: { needs: build, run: 'cat made.o' }\n";
    let sandbox = Sandbox::new().file("p.yml", playbook).file(".gitignore", "*.o\n").file("part", "one\n");
    let give = |text: &str| fs::write(sandbox.project().join("part"), text).expect("the project is writable");
    let made = || fs::read_to_string(sandbox.project().join("made.o")).unwrap_or_default();
    run_with(&sandbox, &["--cache"]).code(0).says("built").says("`made.o`").done();
    run_with(&sandbox, &["--cache"]).code(0).says("build passed").says("test passed").done();
    run_with(&sandbox, &["--cache"]).code(0).says("build cached").done();
    give("two\n");
    run_with(&sandbox, &["--cache"]).code(0).says("built").says("test | two").done();
    // Its other files are there, and nothing of them is in the project as git has it.
    give("one\n");
    run_with(&sandbox, &["--cache"]).code(0).says("built").says("test | one").done();
    assert_eq!(made(), "one\n");
    run_with(&sandbox, &["--cache"]).code(0).says("build cached").done();
    fs::remove_file(sandbox.project().join("made.o")).expect("it is there");
    run_with(&sandbox, &["--cache"]).code(0).says("built").done();
    assert_eq!(made(), "one\n");
}
