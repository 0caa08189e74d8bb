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
