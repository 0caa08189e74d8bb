//! Surroundings and input that are not as they should be: a sentence each, the right code, nothing half done.

use crate::kit::Sandbox;

const HELLO: &str = "version: 3\nname: hello\nstages:\n  greet: { run: echo hello }\n";

#[test]
fn a_folder_a_binary_and_a_huge_file_are_no_playbooks() {
    let huge = format!("version: 3\n# {}\n", "x".repeat(5 * 1024 * 1024));
    let sandbox = Sandbox::new().file("folder/x.txt", "").file("huge.yml", &huge).file("nul.yml", "a\0b");
    for (name, code) in [("folder", 2), ("huge.yml", 2), ("nul.yml", 2)] {
        let ran = sandbox.sortie(["check", name]).run().code(code);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(said.contains(name) && !said.contains("panicked"), "{said}");
    }
}

#[test]
fn a_state_folder_that_cannot_be_made_is_code_5() {
    let sandbox = Sandbox::new().file("hello.yml", HELLO).file("blocked", "a file, not a folder");
    sandbox.sortie(["run", "hello.yml", "--state", "blocked"]).run().code(5).complains("blocked").done();
}

#[test]
fn a_missing_program_shell_and_folder_fail_the_step_with_a_sentence() {
    let text = "version: 3\nname: t\nstages:\n  \
                shell: { steps: [{ run: x, shell: 'nosuchshell {0}' }] }\n  \
                folder: { run: 'true', working-directory: nowhere }\n  \
                command: { run: nosuchcommand }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    sandbox.sortie(["run", "t.yml"]).run().code(1).says("nosuchshell").says("nowhere").says("127").done();
}

#[test]
fn a_job_inside_a_step_is_a_job_of_its_own() {
    let inner = format!(
        "version: 3\nname: outer\nstages:\n  nest: {{ run: \"'{}' run hello.yml\" }}\n",
        env!("CARGO_BIN_EXE_sortie")
    );
    let sandbox = Sandbox::new().file("hello.yml", HELLO).file("outer.yml", &inner);
    sandbox.sortie(["run", "outer.yml"]).run().code(0).says("greet | hello").done();
}

#[test]
fn an_option_is_never_read_as_more_than_it_names() {
    let text = "version: 3\nname: t\nstages:\n  build: { matrix: { os: [linux, bsd] }, run: 'true' }\n  \
                use: { needs: build, run: 'true' }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    for (option, value, words) in [
        ("--skip", "build[os=bsd]", "takes whole stages"),
        ("--from", "build[os=bsd]", "takes whole stages"),
        ("--only", "use[os=bsd]", "has no matrix"),
        ("--only", "build/1", "names a step"),
        ("--only", "build[os=zzz]", "it has `build[os=linux]` and `build[os=bsd]`"),
        ("--matrix", "oss=linux,mac", "did you mean `os`?"),
    ] {
        sandbox.sortie(["run", "t.yml", option, value]).run().code(2).complains(words).done();
    }
    let planned = sandbox.sortie(["plan", "t.yml", "--matrix", "mode=fast,slow"]).run().code(0);
    assert_eq!(planned.out.matches("mode=fast").count(), 2, "{}", planned.out);
}

#[test]
fn a_bare_run_repeats_the_last_one_with_its_inputs_and_selection() {
    let text = "version: 3\nname: t\ninputs: { to: { type: string, default: beta } }\nstages:\n  \
                one: { run: 'echo \"to ${{ inputs.to }}\"' }\n  two: { run: 'echo two' }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    sandbox.sortie(["run", "t.yml", "--input", "to=stable", "--only", "one"]).run().code(0).done();
    let again = sandbox.sortie(["run"]).run().code(0);
    assert!(again.out.contains("to stable") && !again.out.contains("| two"), "{}", again.out);
    assert!(again.err.contains("with the same inputs and selection"), "{}", again.err);
    // What was to be made anew was made anew.
    sandbox.sortie(["run", "t.yml", "--refresh"]).run().code(0).done();
    let again = sandbox.sortie(["run"]).run().code(0);
    assert!(again.err.contains("again: `t.yml`, as in job #3\n"), "{}", again.err);
}

#[test]
fn a_store_that_a_power_cut_left_blank_is_begun_anew_and_a_foreign_file_is_refused() {
    let blank = [0; 4096];
    let foreign = "no database at all, and long enough to be read as one ".repeat(99);
    for (content, code) in [(&blank[..], 0), (foreign.as_bytes(), 5)] {
        let sandbox = Sandbox::new().file("ok.yml", "version: 3\nname: ok\nstages: { a: { run: 'true' } }\n");
        let state = sandbox.project().join(".sortie");
        std::fs::create_dir(&state).expect("the project is writable");
        std::fs::write(state.join("sortie.db"), content).expect("the folder is writable");
        let ran = sandbox.sortie(["run", "ok.yml"]).run().code(code);
        if code == 0 {
            ran.says("job #1 passed").done();
        } else {
            ran.complains("cannot be used").complains("--state DIR").done();
            let left = std::fs::read(state.join("sortie.db")).expect("it is still there");
            assert_eq!(left, content, "a foreign file was touched");
        }
    }
}

#[test]
fn names_that_a_step_made_up_cannot_steer_the_terminal() {
    let text = "version: 3\nname: \"t\\e[2J\"\nstages:\n  first:\n    outputs: { list: '${{ steps.make.outputs.list }}' }\n    \
                steps:\n      - id: make\n        run: printf 'list=[\"a\\\\u001b]52;c;AAAA\\\\u0007\"]\\n' >> \"$SORTIE_OUTPUT\"\n  \
                second: { needs: first, matrix: { v: '${{ fromJSON(needs.first.outputs.list) }}' }, run: exit 3 }\n";
    let sandbox = Sandbox::new().file("t.yml", text);
    for extra in ["--color=always", "--color=never"] {
        let ran = sandbox.sortie(["run", "t.yml", extra]).run().code(1).says("\\u001b]52;c;AAAA\\u0007");
        for bad in ["\x1b]", "\x07", "\x1b[2J"] {
            assert!(!ran.out.contains(bad) && !ran.err.contains(bad), "{:?}", ran.out);
        }
    }
}

#[test]
fn an_axis_that_cannot_be_named_is_refused_wherever_it_is_written() {
    let fine = "version: 3\nname: fine\nstages: {a: {run: x, matrix: {os-version: [x]}}}\n";
    let sandbox = Sandbox::new()
        .file("playbooks/fine.yml", fine)
        .file("playbooks/odd.yml", "version: 3\nname: odd\nstages:\n  a: {run: x, matrix: {a b: [x]}}\n");
    let refused = |words: &[&str]| {
        let ran = sandbox.sortie(words.iter().copied()).run().code(2);
        ran.complains("`a b` cannot be the name of an axis").complains("begins with a letter").done();
    };
    let checked = sandbox.sortie(["check", "odd"]).run().code(2);
    checked.says("playbooks/odd.yml:4:24").says("`a b` cannot be the name of an axis").done();
    refused(&["plan", "odd"]);
    refused(&["plan", "fine", "--matrix", "a b=1"]);
    refused(&["run", "fine", "--matrix", "a b=1,2"]);
    refused(&["playbooks", "edit", "fine", "matrix", "a", "a b=1,2"]);
    refused(&["playbooks", "new", "made", "--stage", "a", "--run", "x", "--matrix", "a b=1,2"]);
    assert!(!sandbox.project().join("playbooks/made.yml").exists());
    let now = std::fs::read_to_string(sandbox.project().join("playbooks/fine.yml")).expect("it is there");
    assert_eq!(now, fine);
    sandbox.sortie(["plan", "fine", "--matrix", "node_version=1,2"]).run().code(0).done();
}
