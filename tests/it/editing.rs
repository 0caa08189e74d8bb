//! Playbooks changed by command, and laid out: what is written, what is refused, and what is left alone.
//!
//! Not here: thousands of random edits (`logic/author/edit/tests`), every odd layout (`logic/author/format/tests.rs`).

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::kit::Sandbox;

/// A playbook with comments, to be changed.
pub(crate) const CI: &str = "# The checks of this project.
version: 3
inputs:
  target: { type: string, default: here }

stages:
  # Makes it.
  build:
    run: make  # all of it

  # Looks at it.
  test:
    needs: build
    run: make test ${{ inputs.target }} ${{ needs.build.result }}
";

/// Returns a project that has it as `ci`.
pub(crate) fn project() -> Sandbox {
    Sandbox::new().file("playbooks/ci.yml", CI)
}

/// Returns that playbook as it is now.
pub(crate) fn text(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.project().join("playbooks/ci.yml")).expect("it is there")
}

#[test]
fn a_playbook_is_made_from_a_small_one_by_commands_alone() {
    let sandbox = project();
    let edit = |words: &[&str]| {
        let all = ["playbooks", "edit", "ci"].iter().chain(words).copied();
        sandbox.sortie(all).run().code(0).says("playbooks/ci.yml: written").done();
        sandbox.sortie(["check", "ci"]).run().code(0).done();
    };
    edit(&["rename-stage", "build", "compile"]);
    edit(&[
        "add-stage",
        "lint",
        "--run",
        "make lint",
        "--run",
        "make spell",
        "--before",
        "test",
        "--needs",
        "compile",
    ]);
    edit(&["needs", "test", "--add", "lint"]);
    edit(&["matrix", "test", "os=linux,macos", "node=18,1.10"]);
    edit(&["input", "level", "--type", "choice", "--options", "low,high", "--default", "low"]);
    edit(&["rename-input", "target", "place"]);
    edit(&["input", "place", "--description", "Where: here or there"]);
    edit(&["add-stage", "ship", "--run", "ship it", "--needs", "test,lint"]);
    edit(&["needs", "ship", "--remove", "lint"]);
    let expected = "# The checks of this project.
version: 3
inputs:
  place: { type: string, default: here, description: \"Where: here or there\" }
  level: { type: choice, options: [low, high], default: low }

stages:
  # Makes it.
  compile:
    run: make  # all of it

  lint:
    needs: compile
    steps:
      - run: make lint
      - run: make spell

  # Looks at it.
  test:
    needs: [compile, lint]
    matrix:
      os: [linux, macos]
      node: [18, \"1.10\"]
    run: make test ${{ inputs.place }} ${{ needs.compile.result }}

  ship:
    needs: [test]
    run: ship it
";
    assert_eq!(text(&sandbox), expected);
    edit(&["remove-stage", "lint", "--unlink"]);
    edit(&["matrix", "test", "--remove-all"]);
    edit(&["remove-stage", "ship"]);
    edit(&["remove-input", "level"]);
    edit(&["rename-stage", "compile", "build"]);
    edit(&["rename-input", "place", "target"]);
    let expected =
        CI.replace("here }", "here, description: \"Where: here or there\" }").replace(": build", ": [build]");
    assert_eq!(text(&sandbox), expected);
}

#[test]
fn the_difference_is_shown_and_a_dry_run_writes_nothing() {
    let sandbox = project();
    let words = ["playbooks", "edit", "ci", "needs", "test", "--add", "lint", "--dry-run"];
    // `lint` is not there, so it is refused with what would be wrong.
    let ran = sandbox.sortie(words).run().code(2);
    ran.complains("stage `test` needs `lint`, but no stage has that name")
        .complains("playbooks/ci.yml (as it would be):13")
        .complains("not changed, because it would have this error then")
        .done();
    let words = ["playbooks", "edit", "ci", "rename-stage", "build", "make", "--dry-run"];
    sandbox
        .sortie(words)
        .run()
        .code(0)
        .says("--- a/playbooks/ci.yml\n+++ b/playbooks/ci.yml\n")
        .says("-  build:\n+  make:\n")
        .says("-    needs: build\n")
        .says("not written, because of --dry-run")
        .done();
    assert_eq!(text(&sandbox), CI);
    let ran = sandbox.sortie(words.iter().copied().chain(["--json"])).run().code(0);
    let answer = &ran.json_lines()[0];
    assert_eq!((&answer["changed"], &answer["written"]), (&true.into(), &false.into()));
    assert!(
        answer["text"].as_str().is_some_and(|it| it.contains("  make:\n    run: make  # all")),
        "{answer}"
    );
    assert!(answer["diff"].as_str().is_some_and(|it| it.starts_with("--- a/playbooks/ci.yml\n")), "{answer}");
    let colored = sandbox.sortie(words.iter().copied().chain(["--color", "always"])).run().code(0);
    colored.says("\x1b[31m-  build:\x1b[0m\n\x1b[32m+  make:\x1b[0m").done();
    let words = ["playbooks", "edit", "ci", "needs", "test", "--add", "build"];
    sandbox.sortie(words).run().code(0).says("playbooks/ci.yml: nothing to change").done();
}

#[test]
fn what_is_still_used_or_repeated_is_refused_with_its_places() {
    let sandbox = project();
    let edit =
        |words: &[&str]| sandbox.sortie(["playbooks", "edit", "ci"].iter().chain(words).copied()).run();
    edit(&["remove-stage", "build"])
        .code(2)
        .complains("stage `build` is still used")
        .complains("needs it")
        .complains("`--unlink` takes it out of the lists that name it")
        .complains("sortie explain still-used")
        .done();
    edit(&["remove-stage", "build", "--unlink"]).code(2).complains("in this expression").done();
    edit(&["remove-input", "target"]).code(2).complains("change these expressions first").done();
    edit(&["rename-stage", "biuld", "x"]).code(2).complains("did you mean `build`?").done();
    edit(&["rename-stage", "build", "Test"]).code(2).complains("there is a stage `test` already").done();
    edit(&["rename-stage", "build", "a b"]).code(2).complains("`a b` cannot be the name of a stage").done();
    edit(&["matrix", "test", "--remove", "os"]).code(2).complains("it has no matrix").done();
    edit(&["needs", "test"]).code(2).complains("--add").done();
    edit(&["add-stage", "x"]).code(2).complains("--run").done();
    let ran = edit(&["remove-stage", "build", "--json"]).code(2);
    let answer = &ran.json_lines()[0];
    assert_eq!(
        (&answer["changed"], &answer["diagnostics"][0]["slug"]),
        (&false.into(), &"still-used".into())
    );
    assert_eq!(text(&sandbox), CI);
    sandbox.sortie(["explain", "still-used"]).run().code(0).says("--unlink").done();
    sandbox.sortie(["explain", "edit-not-possible"]).run().code(0).says("anchor").done();
}

#[test]
fn playbooks_that_call_a_changed_one_are_named_where_they_do_not_fit_any_more() {
    let called =
        "version: 3\non: [call]\ninputs: { target: { type: string } }\nstages: { a: { run: echo } }\n";
    let sandbox = Sandbox::new().file("playbooks/called.yml", called).file(
        "playbooks/calls.yml",
        "version: 3\nstages: { a: { uses: ./playbooks/called.yml, with: { target: x } } }\n",
    );
    let words = ["playbooks", "edit", "called", "add-stage", "b", "--run", "echo b"];
    let ran = sandbox.sortie(words).run().code(0);
    assert_eq!(ran.err, "");
    let words = ["playbooks", "edit", "called", "rename-input", "target", "place"];
    let ran = sandbox.sortie(words).run().code(0);
    ran.complains(
        "note: `playbooks/calls.yml` calls this playbook and has errors now; `sortie check playbooks/calls.yml` shows them",
    )
    .done();
}

#[test]
fn a_file_keeps_its_mode_its_link_its_line_ends_and_its_mark() {
    let crlf = format!("\u{feff}{}", CI.replace('\n', "\r\n"));
    let sandbox = Sandbox::new().file("real/ci.yml", &crlf).file("playbooks/keep", "");
    let (real, link) = (sandbox.project().join("real/ci.yml"), sandbox.project().join("playbooks/ci.yml"));
    symlink("../real/ci.yml", &link).expect("it is writable");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("it is ours");
    let words = ["playbooks", "edit", "ci", "add-stage", "last", "--run", "true"];
    sandbox.sortie(words).run().code(0).says("+  last:\n+    run: \"true\"\n").done();
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(fs::metadata(&real).expect("it is there").mode() & 0o777, 0o640);
    let expected = format!("{crlf}\r\n  last:\r\n    run: \"true\"\r\n");
    assert_eq!(fs::read_to_string(&real).expect("it is text"), expected);
    let files = |name: &str| fs::read_dir(sandbox.project().join(name)).expect("it is a folder").count();
    assert_eq!((files("real"), files("playbooks")), (1, 2), "something was left behind");
}

#[test]
fn what_cannot_be_written_stays_as_it_is() {
    let sandbox = project();
    let path = sandbox.project().join("playbooks/ci.yml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("it is ours");
    let words = ["playbooks", "edit", "ci", "rename-stage", "build", "make"];
    sandbox
        .sortie(words)
        .run()
        .code(5)
        .complains("`playbooks/ci.yml` is read-only")
        .complains("chmod u+w")
        .done();
    assert_eq!(text(&sandbox), CI);
    let words = ["playbooks", "edit", "0402", "rename-stage", "build", "make"];
    sandbox.sortie(words).run().code(2).done();
    let sandbox =
        Sandbox::new().file("playbooks/odd.yml", "version: 3\nstages: [\n").file("playbooks/raw.yml", "");
    fs::write(sandbox.project().join("playbooks/raw.yml"), b"a: \xff").expect("it is writable");
    for name in ["odd", "raw"] {
        let words = ["playbooks", "edit", name, "remove-stage", "build"];
        sandbox.sortie(words).run().code(2).complains(&format!("playbooks/{name}.yml: not changed")).done();
        sandbox.sortie(["fmt", name]).run().code(2).complains("not laid out").done();
    }
}

#[test]
fn playbooks_are_laid_out_and_named() {
    let odd = "version:   3\nstages:\n    build:\n        run: make    # all\n\n\n\n    test: {needs: [build],run: make test}   ";
    let usual =
        "version: 3\nstages:\n  build:\n    run: make # all\n\n  test: {needs: [build], run: make test}\n";
    let sandbox = Sandbox::new().file("playbooks/odd.yml", odd).file("playbooks/usual.yml", usual);
    let odd_now = || fs::read_to_string(sandbox.project().join("playbooks/odd.yml")).expect("it is there");
    let ran = sandbox.sortie(["fmt", "--check"]).run().code(1).says("playbooks/odd.yml would change\n");
    assert!(!ran.out.contains("usual"), "{}", ran.out);
    let ran = sandbox.sortie(["fmt", "--diff"]).run().code(0).says("-version:   3\n+version: 3\n");
    assert!(!ran.out.contains("usual"), "{}", ran.out);
    sandbox.sortie(["fmt", "--check", "usual"]).run().code(0).says("1 playbook looked at").done();
    assert_eq!(odd_now(), odd);
    sandbox.sortie(["fmt"]).run().code(0).says("playbooks/odd.yml laid out\n").done();
    assert_eq!(odd_now(), usual);
    sandbox.sortie(["fmt"]).run().code(0).says("2 playbooks looked at: all of them are laid out").done();
    sandbox.sortie(["fmt", "--check"]).run().code(0).done();
    // A bad one does not keep the others from being laid out.
    fs::write(sandbox.project().join("playbooks/bad.yml"), "a: [").expect("it is writable");
    fs::write(sandbox.project().join("playbooks/odd.yml"), odd).expect("it is writable");
    let ran = sandbox.sortie(["fmt"]).run().code(2).says("playbooks/odd.yml laid out");
    ran.complains("playbooks/bad.yml: not laid out").done();
    assert_eq!(odd_now(), usual);
}

#[test]
fn standard_input_is_laid_out_to_standard_output() {
    let sandbox = Sandbox::new().file("odd.yml", "version:   3\nstages: {a: {run:  x}}");
    let sh = |words: &str| sandbox.program("sh", ["-c", words]);
    let exe = env!("CARGO_BIN_EXE_sortie");
    let ran = sh(&format!("'{exe}' fmt - < odd.yml")).run().code(0);
    assert_eq!(ran.out, "version: 3\nstages: {a: {run: x}}\n");
    sh(&format!("'{exe}' fmt - --check < odd.yml")).run().code(1).says("standard input would change").done();
    sh(&format!("echo 'a: [' | '{exe}' fmt -")).run().code(2).complains("not laid out").done();
    sandbox.sortie(["fmt", "-", "odd.yml"]).run().code(2).complains("stands alone").done();
}

#[test]
fn files_that_are_no_playbooks_are_left_alone_and_line_ends_stay() {
    let windows = "version: 3\r\nname:   x\r\nstages: {a: {run: ls}}\r\n";
    let sandbox =
        project().file("notes.txt", "first line\nsecond   line\n").file("d.json", "{\"a\":    1}\n");
    let sandbox = sandbox.file("windows.yml", windows);
    for name in ["notes.txt", "d.json"] {
        let before = fs::read_to_string(sandbox.project().join(name)).expect("it is there");
        sandbox.sortie(["fmt", name]).run().code(2).complains("nothing was changed").done();
        assert_eq!(fs::read_to_string(sandbox.project().join(name)).expect("it is there"), before);
    }
    sandbox.sortie(["fmt", "windows.yml"]).run().code(0).says("windows.yml laid out").done();
    let laid_out = fs::read_to_string(sandbox.project().join("windows.yml")).expect("it is there");
    assert!(laid_out.starts_with("version: 3\r\nname: x\r\n"), "{laid_out:?}");
    assert_eq!(laid_out.matches('\n').count(), laid_out.matches("\r\n").count());
    sandbox.sortie(["fmt", "--check", "windows.yml"]).run().code(0).done();
}

#[test]
fn an_axis_that_is_given_twice_is_refused() {
    let sandbox = project();
    let words = ["playbooks", "edit", "ci", "matrix", "build", "os=a", "os=b"];
    sandbox.sortie(words).run().code(2).complains("write all its values at once: os=a,b").done();
    sandbox
        .sortie(["plan", "ci", "--matrix", "os=a", "--matrix", "OS=b"])
        .run()
        .code(2)
        .complains("twice")
        .done();
    assert_eq!(text(&sandbox), CI);
}
