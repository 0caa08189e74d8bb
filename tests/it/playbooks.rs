//! Every playbook that comes with the project is checked, planned where it needs no input, and the tour is run.
//!
//! Not here: broken playbooks (`logic/playbook/tests.rs`).

use std::path::{Path, PathBuf};

use crate::kit::{Sandbox, nothing_is_left};

fn playbooks() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the project has playbooks") {
            let path = entry.expect("the folder is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "yml") && !path.ends_with("action.yml") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 10, "only {} playbooks were found", found.len());
    found
}

#[test]
fn every_playbook_of_the_project_passes_its_check_without_a_warning() {
    // What a playbook calls is found from the project's folder, so this is the project.
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = Sandbox::new();
    let copied = sandbox.program("cp", ["-r", concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks"), "."]);
    copied.run().code(0).done();
    for path in playbooks() {
        let path =
            path.strip_prefix(project).expect("they are ours").to_str().expect("our own names are text");
        let ran = sandbox.sortie(["check", path, "--json"]).run().code(0);
        let diagnostics = &ran.json_lines()[0]["diagnostics"];
        assert_eq!(diagnostics.as_array().map(Vec::len), Some(0), "{path}: {diagnostics}");
    }
}

#[test]
fn the_tour_ends_well_and_says_that_it_was_rescued() {
    let tour = concat!(env!("CARGO_MANIFEST_DIR"), "/playbooks/tour.yml");
    let text = std::fs::read_to_string(tour).expect("the tour is there");
    let sandbox = Sandbox::new().file("tour.yml", &text);
    let ran = sandbox.sortie(["run", "tour.yml", "--ui", "json"]).run().code(0);
    let lines = ran.json_lines();
    let cells =
        |stage: &str| lines.iter().filter(|l| l["type"] == "cell.completed" && l["stage"] == stage).count();
    assert_eq!((cells("build"), cells("test")), (4, 12));
    assert_eq!(lines.last().map(|l| &l["data"]["rescued"]), Some(&true.into()));
    nothing_is_left(&sandbox, std::time::Duration::from_secs(2));
}

#[test]
fn a_path_that_goes_back_is_recorded_as_one_that_does_not() {
    let sandbox = Sandbox::new()
        .file("sub/x.txt", "")
        .file("playbooks/one.yml", "version: 3\nname: one\nstages:\n  a: { run: 'true' }\n");
    sandbox.sortie(["run", "sub/../playbooks/one.yml"]).run().code(0).done();
    let shown = sandbox.sortie(["jobs", "show", "last"]).run().code(0).says("playbooks/one.yml");
    assert!(!shown.out.contains(".."), "{}", shown.out);
}

#[test]
fn what_is_no_playbook_hides_none_and_of_two_the_one_that_was_taken_is_named() {
    let playbook = |says: &str| format!("version: 3\nstages: {{ a: {{ run: echo {says} }} }}\n");
    let sandbox = Sandbox::new()
        .file("playbooks/build.yml", &playbook("of the project"))
        .file("playbooks/deploy/all.yml", &playbook("of a folder"))
        .file("build/keep", "")
        .file("all", &playbook("without an ending"))
        .file("own", &playbook("of a file"))
        .file("build.yml", &playbook("beside it"));
    let ran = |wanted: &str| sandbox.sortie(["run", wanted]).run().code(0);
    ran("build").says("of the project").done();
    ran("build.yml")
        .says("beside it")
        .complains("this is the file `build.yml` of the current folder; there is `playbooks/build.yml`, too")
        .done();
    ran("all")
        .says("of a folder")
        .complains("this is the playbook `playbooks/deploy/all.yml`; the file `all` has no ending")
        .done();
    ran("own").says("of a file").done();
    sandbox
        .sortie(["check", "all"])
        .run()
        .code(0)
        .complains("this is the playbook `playbooks/deploy/all.yml`")
        .done();
    let ran = sandbox.sortie(["run", "deploy"]).run().code(2);
    ran.complains("there is no file and no playbook with the name `deploy`").done();
    std::fs::create_dir(sandbox.project().join("deploy")).expect("the project is writable");
    let ran = sandbox.sortie(["run", "deploy"]).run().code(2);
    ran.complains("`deploy` is a folder, and no playbook has that name").done();
}

#[test]
fn what_is_no_file_is_said_and_what_was_meant_is_guessed() {
    let sandbox = Sandbox::new()
        .file("playbooks/build.yml", "version: 3\nstages: { a: { run: echo built } }\n")
        .file("calls.yml", "version: 3\nstages: { a: { uses: ./pipe } }\n")
        .file("release.yml", "");
    let pipe = sandbox.project().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("the project is writable");
    std::os::unix::fs::symlink("nowhere", sandbox.project().join("lost.yml")).expect("it is writable");
    for (wanted, told) in [
        ("pipe", "`pipe` is a pipe, and a playbook is a file"),
        ("/dev/null", "`/dev/null` is a device, and a playbook is a file"),
        ("lost.yml", "`lost.yml` is a link to `nowhere`, which is not there"),
        ("biuld", "did you mean `build`?"),
        ("biuld.yml", "did you mean `build`?"),
        ("relaese", "did you mean `release.yml`?"),
        ("./relaese.yml", "did you mean `./release.yml`?"),
    ] {
        for verb in ["run", "plan", "check"] {
            sandbox.sortie([verb, wanted]).run().code(2).complains(told).done();
        }
    }
    // Nobody writes into these pipes.
    let listed = sandbox.project().join("playbooks/piped.yml");
    nix::unistd::mkfifo(&listed, nix::sys::stat::Mode::S_IRWXU).expect("the project is writable");
    for words in [&["check"][..], &["run", "piped"]] {
        let ran = sandbox.sortie(words.iter().copied()).run().code(2);
        ran.complains("`playbooks/piped.yml` is a pipe, and a playbook is a file").done();
    }
    sandbox.sortie(["playbooks", "list"]).run().done();
    sandbox
        .sortie(["run", "calls.yml"])
        .run()
        .code(2)
        .complains("`pipe` cannot be read: it is a pipe")
        .done();
}
