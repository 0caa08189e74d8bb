//! What a playbook says about how its jobs are shown: their names, and how much of a log.
//!
//! Not here: what steps print as a whole (`program.rs`), the screen (`screen.rs`).

use crate::kit::Sandbox;

const NAMED: &str = "version: 3
name: release
run-name: release ${{ inputs.version }} of ${{ run.name }}, number ${{ run.number }}
inputs: {version: {required: true}}
secrets: {TOKEN: {required: false}}
stages:
  out: { run: echo out }
";

#[test]
fn a_job_has_the_name_that_its_run_name_came_to() {
    let sandbox = Sandbox::new().file("playbooks/release.yml", NAMED);
    let words = ["run", "release", "-i", "version=1.2", "--ui", "plain"];
    sandbox.sortie(words).run().code(0).says("release 1.2 of release, number 1").done();
    sandbox.sortie(["jobs", "list"]).run().code(0).says("release: release 1.2 of release, number 1").done();
    sandbox.sortie(["jobs", "show", "1"]).run().code(0).says("release 1.2 of release, number 1").done();
    let listed = sandbox.sortie(["jobs", "list", "--json"]).run().code(0);
    let rows = listed.json_lines();
    assert_eq!(rows[0][0]["title"], "release 1.2 of release, number 1");
    listed.done();
    let mut screen = sandbox.terminal(["w", "1"], (100, 30)).start();
    screen.wait_for("release  #1  release 1.2 of release, number 1");
    screen.keys("q");
    screen.wait_for_end().code(0).done();
}

#[test]
fn a_name_that_cannot_be_evaluated_starts_nothing_and_a_secret_is_not_in_it() {
    let broken = NAMED.replace("inputs.version }} of", "fromJSON(inputs.version).x }} of");
    let sandbox = Sandbox::new().file("playbooks/release.yml", &broken);
    let run = |version: &str| {
        sandbox.sortie(["run", "release", "-i", version, "--ui", "plain"]).env("TOKEN", "hidden-1")
    };
    run("version={").run().code(3).complains("its `run-name` cannot be evaluated").done();
    sandbox.sortie(["jobs", "list"]).run().code(0).says("no job").done();
    let ran = run("version={\"x\": \"hidden-1\"}").run().code(0).says("release *** of");
    assert!(!ran.out.contains("hidden-1"), "{}", ran.out);
    ran.done();
}

#[test]
fn lines_show_no_more_of_a_log_than_its_limit_and_say_so() {
    let book = "version: 3
name: many
stages:
  loud:
    log: { limit: 20B }
    run: seq 1 100
  quiet: { needs: loud, run: seq 1 100 }
";
    let sandbox = Sandbox::new().file("playbooks/many.yml", book);
    let ran = sandbox.sortie(["run", "many", "--ui", "plain"]).run().code(0);
    let text = &ran.out;
    let lines = |name: &str| text.lines().filter(|line| line.starts_with(&format!("{name} | "))).count();
    // Nine lines of two bytes; the tenth would be one too many.
    assert_eq!((lines("loud"), lines("quiet")), (9 + 1, 100), "{text}");
    assert!(text.contains("91 lines more than its limit of 20 B shows; `"), "{text}");
    assert!(text.contains("jobs logs 1 loud` shows all of it"), "{text}");
    ran.done();
    let log = sandbox.sortie(["jobs", "logs", "1", "loud"]).run().code(0);
    assert!(log.out.contains("100"), "{}", log.out);
    log.done();
}
